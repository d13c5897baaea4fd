//! What the words after `dora` ask for: the shell, a script, code, or one command.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diag::{Diagnostic, Exit, Sources, codes};
use engine::error_value;
use engine::session::Outcome;
use engine::{Context, Data, Registry, Session};
use runtime::control::contexts::VARIABLE;

use crate::argv;
use crate::layout;
use crate::live;
use crate::programs;
use crate::services::{self, Services};
use crate::terminal::{ErrorFormat, Format, Terminal};
use crate::testing;

/// The words after `dora`, sorted.
struct Asked {
    format: Format,
    /// `--context NAME`: where commands go.
    context: Option<String>,
    what: What,
}

enum What {
    Shell,
    /// A page about `dora` itself.
    Tell(String),
    /// `-c CODE`, and whether standard input is its `$in`.
    Code {
        code: String,
        stdin: bool,
    },
    /// `FILE.dora` and the words after it, for its `main`.
    Script {
        file: PathBuf,
        words: Vec<String>,
    },
    /// `check FILE…`
    Check(Vec<PathBuf>),
    /// `fmt [--check] FILE…`
    Layout(layout::Asked),
    /// `test [--filter TEXT] FILE…`
    Test(testing::Asked),
    /// Everything else is a command.
    Command(Vec<String>),
}

/// Runs `dora` with the words after its name; gives the exit code.
pub fn main(words: Vec<String>) -> i32 {
    let thread = engine::thread::named("dora").spawn(move || run(words));
    match thread.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        // The panic has told of itself.
        Ok(Err(_)) => 101,
        Err(error) => {
            eprintln!("dora cannot start a thread: {}", diag::os_reason(&error));
            Exit::Failed as i32
        }
    }
}

fn run(words: Vec<String>) -> i32 {
    let asked = match sort(words) {
        Ok(asked) => asked,
        Err(error) => {
            Terminal::default().error(&error, &Sources::new());
            return error.code.exit() as i32;
        }
    };
    let terminal = Arc::new(Terminal::new(asked.format));
    let context = context(&terminal);
    let interrupt = context.interrupt().clone();
    terminal.obey(interrupt.clone());
    crate::signals::on_interrupt(move || interrupt.raise());
    let _jobs = EndsJobs(context.clone());
    let mut session = Session::new(context);
    if let Some(name) = asked.context {
        session.env_mut().set(VARIABLE, value::Value::string(name));
    }
    let interrupt = session.context().interrupt().clone();
    value::interrupt::with_interrupt(&interrupt, || serve(session, &terminal, asked.what))
}

/// Does what was asked for; gives the exit code.
fn serve(mut session: Session, terminal: &Arc<Terminal>, what: What) -> i32 {
    match what {
        What::Shell => crate::prompt::run(session, terminal),
        What::Code { code, stdin } => {
            if stdin {
                match standard_input(session.context()) {
                    Ok(input) => session.bind("stdin", input),
                    Err(error) => {
                        terminal.error(&error, session.context().sources());
                        return error.code.exit() as i32;
                    }
                }
            }
            let source = session.context().sources().add("<-c>", code);
            let outcome = live::run(&mut session, terminal, |session| session.check(&source));
            finish(&mut session, terminal, outcome)
        }
        What::Script { file, words } => script(&mut session, terminal, &file, &words),
        What::Tell(text) => {
            let shown = terminal.tell(&text);
            shown.map_or_else(|error| error_value::exit_requested(&error).unwrap_or(Exit::Failed as i32), |()| 0)
        }
        What::Check(files) => check(&session, terminal, &files),
        What::Layout(asked) => layout::run(terminal, &asked),
        What::Test(asked) => testing::run(terminal, &asked),
        What::Command(words) => {
            session.context().provide(commands::dataflow::FollowsLogs);
            let (block, source) = argv::call(&words, session.context().registry(), session.context().sources());
            let outcome = live::run(&mut session, terminal, |session| session.check_block(&block, source.id));
            finish(&mut session, terminal, outcome)
        }
    }
}

/// Ends what runs in the background when the session ends.
struct EndsJobs(Context);

impl Drop for EndsJobs {
    fn drop(&mut self) {
        self.0.jobs().kill_all();
    }
}

/// What the programs of this process share: the commands, the store and the runtimes.
pub(crate) fn context(terminal: &Arc<Terminal>) -> Context {
    let registry = Registry::new(&commands::all(), commands::ALIASES);
    let sources = Sources::new();
    match Services::new(&sources) {
        Ok(services) => {
            let context = Context::new(registry, sources, terminal.clone(), Arc::new(services.world()));
            services.provide(&context);
            context
        }
        Err(error) => {
            // Without a home the language still works; commands that need one say so again.
            terminal.error(&error, &sources);
            Context::new(registry, sources, terminal.clone(), Arc::new(engine::NoLive))
        }
    }
}

/// Shows what a program gave, or why it failed, and stops what it left running; gives the exit code.
fn finish(session: &mut Session, terminal: &Terminal, outcome: Outcome) -> i32 {
    let ended = report(session.context(), terminal, outcome);
    services::close(session.context());
    ended.code
}

/// How a program ended.
pub(crate) struct Ended {
    pub code: i32,
    /// Whether it asked the session to end too.
    pub leaves: bool,
}

/// Shows what a program gave, or why it failed.
pub(crate) fn report(context: &Context, terminal: &Terminal, outcome: Outcome) -> Ended {
    let refused = outcome.refused;
    // Beside what is wrong, what may be meant otherwise says little.
    for warning in outcome.warnings.iter().filter(|_| !refused) {
        terminal.warning(warning, context.sources());
    }
    let shown = outcome.result.and_then(|data| engine::Ui::show(terminal, data));
    let Err(error) = shown else { return Ended { code: Exit::Done as i32, leaves: false } };
    if let Some(code) = error_value::exit_requested(&error) {
        return Ended { code, leaves: true };
    }
    // What was done is told even though the command failed; a table was drawn row by row before that.
    if let Some(changes) =
        error_value::fields(&error).and_then(|fields| fields.get("changes")).filter(|_| terminal.collects())
    {
        let _ = engine::Ui::show(terminal, Data::Value(changes.clone()));
    }
    terminal.error(&error, context.sources());
    // Whatever a program would have failed with: refused, it has not run.
    let code = if refused { Exit::Usage as i32 } else { exit_code(&error) };
    Ended { code, leaves: false }
}

/// A program's own code when it was what failed, else that of the error's kind.
pub(crate) fn exit_code(error: &Diagnostic) -> i32 {
    let own = error_value::fields(error).and_then(|fields| fields.get("exit_code")).and_then(value::Value::as_int);
    own.and_then(|code| i32::try_from(code).ok()).unwrap_or(error.code.exit() as i32)
}

fn script(session: &mut Session, terminal: &Terminal, file: &Path, words: &[String]) -> i32 {
    let text = match programs::read(file) {
        Ok(text) => text,
        Err(error) => {
            terminal.error(&error, session.context().sources());
            return error.code.exit() as i32;
        }
    };
    let name = file.display().to_string();
    let absolute = session.env().cwd().join(file);
    let dir = absolute.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
    // Where the script lies, so that it finds what lies beside it.
    session.env_mut().set("FILE_PWD", value::Value::string(dir));
    let source = session.context().sources().add(name, text);
    let checked = session.check(&source);
    let has_main = checked.names.scope.functions.contains_key("main");
    let outcome = session.run_checked(checked, false);
    if !has_main || outcome.result.is_err() {
        return finish(session, terminal, outcome);
    }
    // `def main` gets the words after the file's name, bound as a command's would be.
    let mut call: Vec<String> = vec!["main".into()];
    call.extend(words.iter().cloned());
    let (block, source) = argv::call(&call, session.context().registry(), session.context().sources());
    let checked = session.check_block(&block, source.id);
    let outcome = session.run_checked(checked, false);
    finish(session, terminal, outcome)
}

fn check(session: &Session, terminal: &Terminal, files: &[PathBuf]) -> i32 {
    let mut worst = Exit::Done as i32;
    for file in files {
        let error = match programs::read(file) {
            Ok(text) => {
                let source = session.context().sources().add(file.display().to_string(), text);
                Diagnostic::combine(session.check(&source).errors)
            }
            Err(error) => Some(error),
        };
        if let Some(error) = error {
            terminal.error(&error, session.context().sources());
            worst = worst.max(error.code.exit() as i32);
        }
    }
    worst
}

/// Sorts the words: options of `dora` itself may stand anywhere before `--` in a single command.
fn sort(words: Vec<String>) -> Result<Asked, Box<Diagnostic>> {
    let mut format = Format::default();
    let mut rest: Vec<String> = Vec::new();
    let mut context: Option<String> = None;
    let mut code: Option<String> = None;
    let mut stdin = false;
    let mut told: Option<String> = None;
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let (name, given) = match word.split_once('=') {
            Some((name, value)) if word.starts_with("--") => (name.to_string(), Some(value.to_string())),
            _ => (word.clone(), None),
        };
        let is_script = rest.first().is_some_and(|first| first.ends_with(".dora"));
        let mut value = |what: &str| {
            given
                .clone()
                .or_else(|| words.next())
                .ok_or_else(|| Diagnostic::new(codes::MISSING_ARGUMENT, format!("`{name}` needs {what}")))
        };
        match name.as_str() {
            // The words after a script are its own.
            _ if is_script => rest.push(word),
            "--" => {
                rest.push(word);
                rest.extend(words.by_ref());
            }
            "-c" | "--commands" if rest.is_empty() => code = Some(value("code")?),
            "--stdin" if rest.is_empty() => stdin = true,
            "--output" => {
                let wanted = value("a format")?;
                format.output = output_format(&wanted)?;
            }
            "--quiet" | "-q" => format.quiet = true,
            "--context" => context = Some(value("the name of a context")?),
            "--error-format" => format.errors = error_format(&value("`text` or `json`")?)?,
            "--version" | "-V" if rest.is_empty() => told = Some(crate::usage::version()),
            "--help" | "-h" if rest.is_empty() => told = Some(crate::usage::usage()),
            _ => rest.push(word),
        }
    }
    if let Some(text) = told {
        return Ok(Asked { format, context, what: What::Tell(text) });
    }
    let what = match (code, rest.first().map(String::as_str)) {
        (Some(code), _) => What::Code { code, stdin },
        (None, None) => What::Shell,
        (None, Some("check")) => What::Check(rest.drain(1..).map(PathBuf::from).collect()),
        (None, Some("fmt")) => What::Layout(layout::Asked::of(rest.drain(1..))?),
        (None, Some("test")) => What::Test(testing::Asked::of(rest.drain(1..))?),
        (None, Some(first)) if first.ends_with(".dora") => {
            What::Script { file: PathBuf::from(first), words: rest.split_off(1) }
        }
        (None, Some(_)) => What::Command(rest),
    };
    Ok(Asked { format, context, what })
}

/// All of standard input: text, or binary where it is none.
fn standard_input(context: &Context) -> Result<value::Value, Box<Diagnostic>> {
    let reader = Box::new(std::io::stdin());
    Data::Bytes(engine::Bytes { reader, program: None }).into_value(context.interrupt())
}

fn error_format(wanted: &str) -> Result<ErrorFormat, Box<Diagnostic>> {
    ErrorFormat::named(wanted).ok_or_else(|| not_offered("error format", wanted, &ErrorFormat::NAMES))
}

/// The words of `--output` that people are offered; others that `to` knows work too.
const OUTPUTS: [&str; 6] = ["table", "json", "yaml", "csv", "ndjson", "text"];

fn output_format(wanted: &str) -> Result<Option<commands::formats::Format>, Box<Diagnostic>> {
    if wanted == "table" {
        return Ok(None);
    }
    commands::formats::Format::named(wanted).map(Some).ok_or_else(|| not_offered("output format", wanted, &OUTPUTS))
}

fn not_offered(what: &str, wanted: &str, offered: &[&str]) -> Box<Diagnostic> {
    let error = Diagnostic::new(codes::NOT_IN_SET, format!("there is no {what} `{wanted}`"));
    match diag::suggest::did_you_mean(wanted, offered.iter().copied()) {
        Some(help) => error.help(help),
        None => error.help(format!("the {what}s are: {}", offered.join(", "))),
    }
}
