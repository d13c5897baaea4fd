//! The daemon: a runtime in the background, one for each home, that outlives the shells that use it.
//!
//! It is this executable again, started with [`ARGUMENT`] in a session of its own. It says on a pipe when it is
//! ready, or what failed, and holds a lock as long as it lives.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use diag::{Diagnostic, Result, Sources, codes};
use futures::StreamExt;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::{Deserialize, Serialize};
use store::dataflows::DataflowRow;
use store::runtimes::{RuntimeKind, RuntimeRow};
use store::{Home, ProcessId, Store};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::fleet::{client, sweep_tokens, token_path};
use super::server::Server;
use super::token::Token;
use super::wire::Report;
use crate::config::{self, Config, Settings};
use crate::embedded::{self, Embedded};
use crate::handle::{Handle, Items};
use crate::logs::files::Rotation;
use crate::logs::journal::Journal;
use crate::logs::query::{self, Logs};
use crate::model::{DataflowId, DataflowInfo, EventKind, EventQuery, LogLevel, Status, StopOptions};
use crate::request::{Item, Subscription};
use crate::sweep;

/// The first argument of a process that is to be the daemon.
pub const ARGUMENT: &str = "__daemon";
/// How it is called in lists, and the directory of its log.
const NAME: &str = "daemon";
/// The variable that names another port, the same as in dora-rs; 0 takes a free one.
pub const PORT_VARIABLE: &str = "DORA_COORDINATOR_PORT";
/// The variable that names another interface than loopback, the same as in dora-rs.
pub const INTERFACE_VARIABLE: &str = "DORA_COORDINATOR_INTERFACE";
/// How long a daemon may take from its start until it is ready, and from its last answer until it is gone.
const PATIENCE: Duration = Duration::from_secs(15);
/// How many lines of its log are shown when it does not start.
const LAST_LINES: usize = 10;

/// What a daemon is made of.
#[derive(Clone)]
pub struct Options {
    pub store: Store,
    pub sources: Sources,
    /// What is run as the daemon, as its guard and as built-in nodes; normally the present executable.
    pub executable: PathBuf,
    /// The port of its control socket; 0 takes a free one.
    pub port: u16,
    /// The interface its control socket listens on; on others than loopback every request needs the token.
    pub interface: IpAddr,
    /// Another configuration than that of the home.
    pub config: Option<PathBuf>,
    /// Another log level than the configuration's.
    pub log_level: Option<LogLevel>,
}

impl Options {
    /// As configured: by `DORA_COORDINATOR_PORT` and `DORA_COORDINATOR_INTERFACE`, else by the file, else by default.
    pub fn configured(store: Store, sources: Sources, executable: PathBuf, config: &Config) -> Result<Options> {
        let port = from_env(PORT_VARIABLE, "port", "a port is a number from 1 to 65535; 0 takes a free one")?;
        let help = "write the address of one interface of this machine, or 0.0.0.0 for all of them";
        let interface = from_env(INTERFACE_VARIABLE, "IP address", help)?;
        Ok(Options {
            store,
            sources,
            executable,
            port: port.unwrap_or(config.daemon.port),
            interface: interface.unwrap_or(config.daemon.interface),
            config: None,
            log_level: None,
        })
    }
}

fn from_env<T: FromStr>(variable: &str, what: &str, help: &str) -> Result<Option<T>> {
    let Some(text) = std::env::var_os(variable) else { return Ok(None) };
    text.to_str().and_then(|text| text.parse().ok()).map(Some).ok_or_else(|| {
        Diagnostic::new(codes::PORT_TAKEN, format!("{variable} is `{}`, which is no {what}", text.display())).help(help)
    })
}

/// The daemon of this home, if one lives and is ready.
pub fn find(store: &Store) -> Result<Option<RuntimeRow>> {
    let ready = |row: &RuntimeRow| row.kind == RuntimeKind::Daemon && row.address.is_some() && row.process.is_alive();
    Ok(store.runtimes()?.into_iter().find(ready))
}

/// The daemon of this home; it is started when none lives.
pub async fn ensure(options: &Options) -> Result<RuntimeRow> {
    if let Some(daemon) = find(&options.store)? {
        return Ok(daemon);
    }
    // Two shells may want one at once: the second waits here until the first one's is ready.
    let path = options.store.home().state().join("daemon-start.lock");
    let _starting = tokio::task::spawn_blocking(move || {
        let file = lock_file(&path)?;
        file.lock().map_err(|error| unwritable(&path, &error))?;
        Ok::<File, Box<Diagnostic>>(file)
    })
    .await
    .map_err(|error| not_started(error.to_string()))??;
    match find(&options.store)? {
        Some(daemon) => Ok(daemon),
        None => spawn(options).await,
    }
}

/// Starts the daemon in the background and returns when it is ready. One that runs already is an error.
pub async fn spawn(options: &Options) -> Result<RuntimeRow> {
    let home = options.store.home();
    Home::create(home.data())?;
    let log_path = log_dir(home).join("stderr.log");
    Home::create(&log_dir(home))?;
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&log_path)
        .map_err(|error| unwritable(&log_path, &error))?;
    let mut command = tokio::process::Command::new(&options.executable);
    command
        .arg(ARGUMENT)
        .env(PORT_VARIABLE, options.port.to_string())
        .env(INTERFACE_VARIABLE, options.interface.to_string())
        // Started from within a node, it is none of what ends with that node's runtime.
        .env_remove(crate::guard::MARK)
        .current_dir(home.data())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log);
    if let Some(root) = home.root() {
        command.env("DORA_HOME", root);
    }
    if let Some(config) = &options.config {
        command.env(config::FILE_VARIABLE, config);
    }
    if let Some(level) = options.log_level {
        command.env(config::LOG_LEVEL_VARIABLE, level.as_str());
    }
    let failed = |why: String| {
        let last = std::fs::read_to_string(&log_path).unwrap_or_default();
        let lines: Vec<String> = last.lines().rev().take(LAST_LINES).map(str::to_string).collect();
        let lines = lines.into_iter().rev().collect();
        not_started(why).cause_with(format!("the end of {}", log_path.display()), lines)
    };
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let told = async {
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).await?;
        }
        std::io::Result::Ok(line)
    };
    // The child is not waited for: it lives on, and is reaped by the runtime if it ends before this process.
    match tokio::time::timeout(PATIENCE, told).await {
        Ok(Ok(line)) => match serde_json::from_str(&line) {
            Ok(Told::Ready) => {
                find(&options.store)?.ok_or_else(|| failed("it ended as soon as it was ready".to_string()))
            }
            Ok(Told::Failed(report)) => Err(report.into_diagnostic()),
            Err(_) => Err(failed("it ended before it was ready".to_string())),
        },
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => {
            // It may still be of use to nobody: what is not ready by now holds the lock that others need.
            let _ = child.start_kill();
            Err(failed(format!("it was not ready after {} seconds", PATIENCE.as_secs())))
        }
    }
}

/// The way in to the daemon of this home.
///
/// # Errors
/// None runs.
pub fn handle(store: &Store) -> Result<Handle> {
    sweep::sweep(store)?;
    match find(store)? {
        Some(daemon) => Ok(client(&daemon)?.handle()),
        None => Err(Diagnostic::new(codes::DAEMON_UNREACHABLE, "no daemon runs").next("dora daemon start")),
    }
}

/// Stops the daemon and its dataflows, and returns when its process is gone. With `preserve`, the next daemon
/// starts the dataflows again. Nodes may take the `grace` to stop, or as long as is configured.
pub async fn stop(store: &Store, preserve: bool, grace: Option<Duration>) -> Result<RuntimeRow> {
    let handle = handle(store)?;
    let Some(daemon) = find(store)? else { return Err(not_started("it has just ended".to_string())) };
    handle.shutdown_within(preserve, grace).await?;
    let pid = daemon.process.pid;
    if !has_ended(daemon.process, PATIENCE).await {
        return Err(Diagnostic::new(
            codes::DAEMON_UNREACHABLE,
            format!("the daemon has stopped its dataflows, and its process {pid} still lives"),
        )
        .elapsed(PATIENCE)
        .next(format!("kill -9 {pid}")));
    }
    Ok(daemon)
}

/// Waits until a process has ended; false when it still lives after that long.
pub(super) async fn has_ended(process: ProcessId, patience: Duration) -> bool {
    let wait = move || {
        let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) else { return };
        // Without a descriptor, whatever the reason, what /proc says now has to do.
        let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty()) else { return };
        if process.is_alive() {
            let timeout = Timespec {
                tv_sec: i64::try_from(patience.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: patience.subsec_nanos().into(),
            };
            let _ = poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&timeout));
        }
    };
    let _ = tokio::task::spawn_blocking(wait).await;
    !process.is_alive()
}

/// What a daemon says on its pipe, once.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    Ready,
    Failed(Report),
}

/// Whether this process was started to be the daemon.
pub fn is_wanted() -> bool {
    std::env::args_os().nth(1).as_deref() == Some(OsStr::new(ARGUMENT))
}

/// Is the daemon, until it is stopped; returns the exit code.
///
/// Only for a process that [`is_wanted`] says was started for it: standard output is taken for the pipe to
/// whoever waits for it to be ready.
pub fn main() -> i32 {
    // A leader of its own group has no session to leave; then it is one already.
    let _ = rustix::process::setsid();
    let tell = |told: &Told| {
        let line = serde_json::to_string(told).unwrap_or_default();
        // Whoever waited may be gone; the daemon is wanted all the same.
        let _ = writeln!(std::io::stdout(), "{line}");
        // Ends the pipe, and leaves later lines to the log.
        let _ = rustix::stdio::dup2_stdout(std::io::stderr());
    };
    let mut ready = false;
    let ended = run_here(|_| {
        ready = true;
        tell(&Told::Ready);
    });
    match ended {
        Ok(()) => 0,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{} {}: {error}", jiff::Timestamp::now(), error.code.id());
            if !ready {
                tell(&Told::Failed(Report::of(&error)));
            }
            1
        }
    }
}

fn run_here(ready: impl FnOnce(&RuntimeRow)) -> Result<()> {
    let failed = |error: std::io::Error| not_started(error.to_string());
    let (store, sources) = (Store::open(Home::locate()?), Sources::new());
    let config = Config::load(store.home(), &sources)?;
    let options = Options::configured(store, sources, std::env::current_exe().map_err(failed)?, &config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(failed)?;
    runtime.block_on(run(options, ready))
}

/// Runs a daemon in this process until it is stopped, by a signal or over its control socket. `ready` is
/// called once, when requests are answered.
pub async fn run(options: Options, ready: impl FnOnce(&RuntimeRow)) -> Result<()> {
    let Options { store, sources, executable, port, interface, .. } = options;
    let failed = |error: std::io::Error| not_started(error.to_string());
    // From here on these signals no longer end the process by themselves.
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let _hangup = signal(SignalKind::hangup()).map_err(failed)?;
    let _lock = lock(&store)?;
    sweep::sweep(&store)?;
    sweep_tokens(&store)?;

    let config = Config::load(store.home(), &sources)?;
    let journal = Arc::new(open_journal(&store, config.rotation)?);
    let embedded = Embedded::new(embedded::Options {
        store: store.clone(),
        sources,
        kind: RuntimeKind::Daemon,
        executable,
        journal: Some(journal.clone()),
    });
    let handle = embedded.handle();
    let voice = Arc::new(Voice { journal, settings: embedded.settings().clone() });
    let row = embedded.row().clone();
    let path = token_path(store.home(), row.id);
    let (shut_down, mut asked) = mpsc::channel(1);
    store.register_runtime(&row)?;
    let told = tokio::spawn(tell_events(handle.clone(), voice.clone()));
    let served = async {
        let server =
            Server::bind_at(handle.clone(), (interface, port).into(), Token::create(&path)?, Some(shut_down)).await?;
        let row = RuntimeRow { address: Some(server.address()), token_path: Some(path.clone()), ..row.clone() };
        store.register_runtime(&row)?;
        voice.say(LogLevel::Info, format!("ready at {}", server.address()));
        ready(&row);
        let recovering = tokio::spawn(recover(handle.clone(), store.clone(), voice.clone()));
        let why = tokio::select! {
            _ = terminate.recv() => "SIGTERM came",
            _ = interrupt.recv() => "SIGINT came",
            _ = asked.recv() => "it was asked to",
        };
        recovering.abort();
        voice.say(LogLevel::Info, format!("ending: {why}"));
        let ended = handle.shutdown(false).await;
        server.stop().await;
        ended
    };
    let ended = served.await;
    told.abort();
    match &ended {
        Ok(()) => voice.say(LogLevel::Info, "stopped".to_string()),
        Err(error) => voice.say(LogLevel::Error, format!("{}: {error}", error.code.id())),
    }
    // A token without a runtime opens nothing.
    let _ = std::fs::remove_file(&path);
    store.end_runtime(row.id, jiff::Timestamp::now())?;
    ended
}

/// Where the daemons of a home tell of themselves, one after the other.
fn log_dir(home: &Home) -> PathBuf {
    home.logs().join(NAME)
}

fn open_journal(store: &Store, rotation: Rotation) -> Result<Journal> {
    let directory = log_dir(store.home());
    Home::create(&directory)?;
    Journal::open(DataflowId(Uuid::nil()), NAME.to_string(), &directory, rotation)
        .map_err(|error| unwritable(&directory, &error))
}

/// What daemons have told that are gone.
pub(super) async fn old_logs(store: &Store, subscription: Subscription) -> Result<Items<Item>> {
    let Subscription::DaemonLogs(query) = subscription else { return Ok(futures::stream::empty().boxed()) };
    let logs = Logs {
        dataflow: DataflowId(Uuid::nil()),
        dataflow_name: NAME.to_string(),
        directory: log_dir(store.home()),
        journal: None,
    };
    Ok(query::answer(logs, query).await?.map(|record| record.map(Item::Log)).boxed())
}

/// How a daemon tells of itself.
struct Voice {
    journal: Arc<Journal>,
    settings: Arc<Settings>,
}

impl Voice {
    /// Says something, if it is grave enough to be wanted.
    fn say(&self, level: LogLevel, text: String) {
        if self.settings.get().is_ok_and(|config| level > config.daemon.log_level) {
            return;
        }
        self.journal.say(None, level, text);
        // A log that cannot be written stops no daemon: its standard error is kept too.
        if let Err(error) = self.journal.flush() {
            let _ = writeln!(std::io::stderr(), "{} its log cannot be written: {error}", jiff::Timestamp::now());
        }
    }
}

/// Tells of all that happens to the daemon's dataflows.
async fn tell_events(handle: Handle, voice: Arc<Voice>) {
    let query = EventQuery { dataflow: None, history: false, follow: true };
    let Ok(mut events) = handle.events(query).await else { return };
    while let Some(event) = events.next().await {
        let Ok(event) = event else { continue };
        let of = match &event.node {
            Some(node) => format!("{}/{node}", event.dataflow_name),
            None => event.dataflow_name.clone(),
        };
        let (level, what) = match event.kind {
            EventKind::Transition { from, to: Status::Failed } => (LogLevel::Error, format!("{from} → failed")),
            EventKind::Transition { from, to } => (LogLevel::Info, format!("{from} → {to}")),
            EventKind::Notice { level, .. } => (level, String::new()),
            EventKind::Removed => (LogLevel::Info, "removed".to_string()),
        };
        let parts: Vec<String> = [what, event.why].into_iter().filter(|part| !part.is_empty()).collect();
        voice.say(level, format!("{of}: {}", parts.join(": ")));
    }
}

/// Starts again what the last daemon ran when it was killed, or was told to preserve, each as it was.
async fn recover(handle: Handle, store: Store, voice: Arc<Voice>) {
    let taken = match store.take_interrupted() {
        Ok(taken) => taken,
        Err(error) => return voice.say(LogLevel::Error, format!("nothing could be recovered: {error}")),
    };
    for (row, was) in taken {
        let result = bring_back(&handle, &row, &was).await;
        match result {
            Ok(info) => {
                voice.say(LogLevel::Info, format!("{}: started again as {}, which was {}", row.name, info.id, row.id))
            }
            Err(error) => voice.say(LogLevel::Error, format!("{}: could not be started again: {error}", row.name)),
        }
    }
}

async fn bring_back(handle: &Handle, row: &DataflowRow, was: &str) -> Result<DataflowInfo> {
    let info = handle.restart(DataflowId(row.id), StopOptions::default(), false).await?;
    if was == Status::Paused.as_str() {
        return handle.pause(info.id, false).await;
    }
    Ok(info)
}

/// Takes the lock that the one daemon of a home holds; the kernel releases it when the process ends.
fn lock(store: &Store) -> Result<File> {
    let path = store.home().state().join("daemon.lock");
    let file = lock_file(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let who = find(store)?.map_or_else(String::new, |daemon| format!(", process {}", daemon.process.pid));
            Err(Diagnostic::new(codes::DAEMON_RUNNING, format!("a daemon runs already{who}"))
                .next("dora daemon status")
                .next("dora daemon stop"))
        }
        Err(TryLockError::Error(error)) => Err(unwritable(&path, &error)),
    }
}

fn lock_file(path: &PathBuf) -> Result<File> {
    if let Some(directory) = path.parent() {
        Home::create(directory)?;
    }
    let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path);
    opened.map_err(|error| unwritable(path, &error))
}

fn not_started(why: String) -> Box<Diagnostic> {
    Diagnostic::new(codes::DAEMON_NOT_STARTED, "the daemon could not be started").cause(why)
}

fn unwritable(path: &std::path::Path, error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::new(codes::STATE_UNWRITABLE, format!("{} cannot be opened", path.display())).cause(error.to_string())
}
