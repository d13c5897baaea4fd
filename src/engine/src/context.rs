//! What a session shares: commands, sources, services, the terminal's stand-in, and the async runtime.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, OnceLock, RwLock};
use std::time::Duration;

use diag::{Diagnostic, Result, Sources, codes};
use value::{Interrupt, Type, Value};

use crate::data::Data;
use crate::job::{Job, Jobs};
use crate::registry::Registry;

/// Shared by everything that runs in one session. Clones are handles to the same.
#[derive(Clone)]
pub struct Context {
    inner: Arc<Inner>,
    /// The job that this part of the session runs in, if it runs in the background.
    job: Option<Arc<Job>>,
}

struct Inner {
    registry: Registry,
    sources: Sources,
    interrupt: Interrupt,
    jobs: Jobs,
    ui: Arc<dyn Ui>,
    live: Arc<dyn Live>,
    services: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    tokio: OnceLock<tokio::runtime::Runtime>,
}

/// What commands may ask of whoever sits in front, without knowing a terminal.
pub trait Ui: Send + Sync {
    /// Whether a person can be asked: standard input and error are terminals.
    fn is_interactive(&self) -> bool;
    /// Asks a yes-or-no question whose default is no. Only called when interactive.
    fn confirm(&self, question: &str) -> Result<bool>;
    /// Shows a value on standard output, as the last value of a line is shown.
    fn show(&self, value: Data) -> Result<()>;
    /// The text of a value for a program that reads it: every row, column and character, no colours.
    fn plain(&self, value: &Value) -> Result<String>;
    /// Says something on standard error that is no result: a hint, a warning, progress.
    fn notice(&self, line: &str);
    /// Columns of the terminal that results go to; `None` off a terminal.
    fn width(&self) -> Option<usize>;
    /// Columns and rows of the terminal; `None` off a terminal.
    fn size(&self) -> Option<(u16, u16)> {
        None
    }
    /// Whether programs get the terminal to themselves and ctrl-z freezes them, as at a prompt.
    fn has_job_control(&self) -> bool {
        false
    }
    /// Reads a line from whoever sits in front, or from standard input; `None` at its end.
    fn read_line(&self, _ask: &Ask<'_>) -> Result<Option<String>> {
        Ok(None)
    }
    /// Lets whoever sits in front look around in a value, until they have seen enough; gives the stages that they have
    /// added to it.
    ///
    /// # Errors
    /// `NO_TERMINAL` where nobody looks.
    fn explore(&self, _what: Explored<'_>) -> Result<Vec<String>> {
        Err(Diagnostic::new(codes::NO_TERMINAL, "there is no terminal"))
    }
    /// Begins to show that something is waited for, and has been for a while, until what this gives is dropped; `None`
    /// where nobody looks.
    fn progress(&self, _what: &str, _waited: Duration) -> Option<Box<dyn Progress>> {
        None
    }
}

/// A value to look around in.
pub struct Explored<'a> {
    /// Gives the value, as it is now.
    pub value: &'a mut dyn FnMut() -> Result<Value>,
    /// How often it is asked for again by itself.
    pub every: Option<Duration>,
    /// What a stage of a pipeline makes of a value.
    pub run: &'a mut dyn FnMut(&str, Value) -> Result<Value>,
}

/// How a line is asked for.
pub struct Ask<'a> {
    /// Written before it.
    pub prompt: &'a str,
    /// Whether what is typed is a secret, which is not shown.
    pub hidden: bool,
    /// How many characters are enough, without enter.
    pub characters: Option<usize>,
}

/// A long wait, shown.
pub trait Progress: Send {
    /// Shows how far its parts are, in the place of what was shown of them before.
    fn show(&mut self, steps: &[Step]);
}

/// A part of what is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub name: String,
    /// In a word: `building`, `running`.
    pub state: String,
    /// What it does right now, as far as that is known.
    pub detail: Option<String>,
    /// Whether it went well; `None` while it goes on.
    pub outcome: Option<bool>,
}

/// What is known of the world while checking and completing, without running anything.
pub trait Live: Send + Sync {
    /// Names of things of a resource, with a word on each: running dataflows, their nodes.
    fn names(&self, resource: &str) -> Vec<(String, String)>;
    /// The columns of a file that `open` reads lazily, from its header.
    fn file_type(&self, path: &std::path::Path) -> Option<Type>;
}

/// Nobody in front: nothing can be asked, notices go to standard error.
pub struct NoUi;

impl Ui for NoUi {
    fn is_interactive(&self) -> bool {
        false
    }
    fn confirm(&self, _: &str) -> Result<bool> {
        Ok(false)
    }
    fn show(&self, value: Data) -> Result<()> {
        let value = value.into_value(&Interrupt::new())?;
        println!("{}", value::text::to_text(&value));
        Ok(())
    }
    fn plain(&self, value: &Value) -> Result<String> {
        Ok(value::text::to_text(value))
    }
    fn notice(&self, line: &str) {
        eprintln!("{line}");
    }
    fn width(&self) -> Option<usize> {
        None
    }
}

/// Knows nothing of the world.
pub struct NoLive;

impl Live for NoLive {
    fn names(&self, _: &str) -> Vec<(String, String)> {
        Vec::new()
    }
    fn file_type(&self, _: &std::path::Path) -> Option<Type> {
        None
    }
}

impl Context {
    /// A session's context. `sources` is shared with whoever else reports into it, such as the runtime.
    pub fn new(registry: Registry, sources: Sources, ui: Arc<dyn Ui>, live: Arc<dyn Live>) -> Self {
        let inner = Inner {
            registry,
            sources,
            interrupt: Interrupt::new(),
            jobs: Jobs::default(),
            ui,
            live,
            services: RwLock::default(),
            tokio: OnceLock::new(),
        };
        Context { inner: Arc::new(inner), job: None }
    }

    pub fn registry(&self) -> &Registry {
        &self.inner.registry
    }

    pub fn sources(&self) -> &Sources {
        &self.inner.sources
    }

    pub fn interrupt(&self) -> &Interrupt {
        self.job.as_ref().map_or(&self.inner.interrupt, |job| &job.interrupt)
    }

    /// What runs in the background of this session.
    pub fn jobs(&self) -> &Jobs {
        &self.inner.jobs
    }

    /// The job that this runs in.
    pub fn job(&self) -> Option<&Arc<Job>> {
        self.job.as_ref()
    }

    /// The same session for what runs in a job: it is interrupted when the job is ended, and not by ctrl-c.
    pub fn within(&self, job: Arc<Job>) -> Context {
        Context { inner: self.inner.clone(), job: Some(job) }
    }

    pub fn ui(&self) -> &dyn Ui {
        &*self.inner.ui
    }

    pub fn live(&self) -> &dyn Live {
        &*self.inner.live
    }

    /// Makes a service available to commands; the last of a type wins.
    pub fn provide<T: Any + Send + Sync>(&self, service: T) {
        self.provide_shared(Arc::new(service));
    }

    /// The same for a service that others hold too.
    pub fn provide_shared<T: Any + Send + Sync>(&self, service: Arc<T>) {
        let mut services = self.inner.services.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        services.insert(TypeId::of::<T>(), service);
    }

    /// The service of a type, such as the runtime's handle or the store.
    pub fn service<T: Any + Send + Sync>(&self) -> Result<Arc<T>> {
        let services = self.inner.services.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        services.get(&TypeId::of::<T>()).cloned().and_then(|service| service.downcast().ok()).ok_or_else(|| {
            let name = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
            Diagnostic::new(codes::INTERNAL, format!("this session has no {name}"))
        })
    }

    /// The async runtime, started on first use.
    pub fn tokio(&self) -> Result<tokio::runtime::Handle> {
        if let Some(runtime) = self.inner.tokio.get() {
            return Ok(runtime.handle().clone());
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("dora-io").build();
        let runtime = runtime.map_err(|error| {
            Diagnostic::new(codes::INTERNAL, format!("the async runtime cannot start: {}", diag::os_reason(&error)))
        })?;
        Ok(self.inner.tokio.get_or_init(|| runtime).handle().clone())
    }

    /// Waits for a future on this thread; ctrl-c ends the wait and drops the future.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> Result<T> {
        let interrupt = self.interrupt().clone();
        self.tokio()?.block_on(async move {
            let raised = async {
                // The flag is set from a signal handler, which can wake nobody.
                let mut tick = tokio::time::interval(Duration::from_millis(20));
                while !interrupt.is_raised() {
                    tick.tick().await;
                }
            };
            tokio::select! {
                biased;
                output = future => Ok(output),
                () = raised => Err(Diagnostic::new(codes::INTERRUPTED, "interrupted")),
            }
        })
    }
}

/// The environment a pipeline runs in: variables and the current directory. Cheap to clone; changes are the clone's own.
#[derive(Clone)]
pub struct Env(Arc<Vars>);

#[derive(Clone)]
struct Vars {
    vars: HashMap<String, Value>,
    cwd: std::path::PathBuf,
}

impl Env {
    /// The process's own environment.
    pub fn from_process() -> Self {
        let vars = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), Value::string(value.to_string_lossy())))
            .collect();
        let cwd = std::env::current_dir().unwrap_or_else(|_| "/".into());
        let mut env = Env(Arc::new(Vars { vars, cwd: cwd.clone() }));
        env.set_cwd(cwd);
        env
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.vars.get(name)
    }

    /// Sets a variable for somebody who asked for it.
    ///
    /// # Errors
    /// `BAD_ARGUMENT` for variables that follow something else.
    pub fn assign(&mut self, name: &str, value: Value) -> Result<()> {
        let why = match name {
            "PWD" => "it follows `cd`",
            "FILE_PWD" | "CURRENT_FILE" => "it tells of the file that runs",
            _ => {
                self.set(name, value);
                return Ok(());
            }
        };
        Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("`{name}` cannot be set: {why}")))
    }

    pub fn set(&mut self, name: &str, value: Value) {
        if name == "PWD"
            && let Value::String(path) = &value
        {
            Arc::make_mut(&mut self.0).cwd = path.as_str().into();
        }
        Arc::make_mut(&mut self.0).vars.insert(name.to_string(), value);
    }

    pub fn remove(&mut self, name: &str) -> Option<Value> {
        Arc::make_mut(&mut self.0).vars.remove(name)
    }

    pub fn cwd(&self) -> &std::path::Path {
        &self.0.cwd
    }

    pub fn set_cwd(&mut self, cwd: std::path::PathBuf) {
        let text = cwd.to_string_lossy().into_owned();
        let vars = Arc::make_mut(&mut self.0);
        vars.cwd = cwd;
        vars.vars.insert("PWD".into(), Value::string(text));
    }

    /// All variables as a record, by name.
    pub fn to_record(&self) -> value::Record {
        let mut names: Vec<&String> = self.0.vars.keys().collect();
        names.sort();
        names.into_iter().map(|name| (name.as_str(), self.0.vars[name].clone())).collect()
    }

    /// The variables a program gets: plain values as text.
    pub fn for_programs(&self) -> impl Iterator<Item = (&str, String)> {
        self.0.vars.iter().filter_map(|(name, value)| match value {
            Value::String(text) => Some((name.as_str(), text.to_string())),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) => Some((name.as_str(), value::text::to_text(value))),
            // `$env.PATH = [...]`: programs know it joined by colons.
            Value::List(items) => {
                let parts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                (parts.len() == items.len()).then(|| (name.as_str(), parts.join(":")))
            }
            _ => None,
        })
    }

    /// A path as the user means it: `~` is the home directory, relative paths start at the current one.
    pub fn resolve(&self, path: &str) -> std::path::PathBuf {
        let home = || self.get("HOME").and_then(Value::as_str).unwrap_or("/").to_string();
        match path.strip_prefix('~') {
            Some("") => home().into(),
            Some(rest) if rest.starts_with('/') => format!("{}{rest}", home()).into(),
            _ => self.cwd().join(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_was_not_provided_is_our_fault() {
        let context = Context::new(Registry::new(&[], &[]), Sources::new(), Arc::new(NoUi), Arc::new(NoLive));
        assert_eq!(context.service::<String>().unwrap_err().code, codes::INTERNAL);
        context.provide(String::from("here"));
        assert_eq!(*context.service::<String>().unwrap(), "here");
    }

    #[test]
    fn the_environment_of_a_clone_is_its_own() {
        let mut env = Env::from_process();
        env.set("HOME", Value::string("/home/somebody"));
        let mut inner = env.clone();
        inner.set("PWD", Value::string("/tmp"));
        assert_eq!(inner.resolve("a"), std::path::Path::new("/tmp/a"));
        assert_ne!(env.cwd(), inner.cwd());
        assert_eq!(env.resolve("~/x"), std::path::Path::new("/home/somebody/x"));
    }
}
