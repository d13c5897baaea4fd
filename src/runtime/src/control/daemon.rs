//! The daemon: a runtime in the background, one for each home, that outlives the shells that use it.
//!
//! It is this executable again, started with [`ARGUMENT`] in a session of its own. It says on a pipe when it is
//! ready, or what failed, and holds a lock as long as it lives.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Stdio;
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
use crate::embedded::{self, Embedded};
use crate::handle::{Handle, Items};
use crate::logs::journal::Journal;
use crate::logs::query::{self, Logs};
use crate::model::{DataflowId, DataflowInfo, EventKind, EventQuery, LogLevel, Status, StopOptions};
use crate::request::{Item, Subscription};
use crate::sweep;

/// The first argument of a process that is to be the daemon.
pub const ARGUMENT: &str = "__daemon";
/// How it is called in lists, and the directory of its log.
const NAME: &str = "daemon";
/// The port dora-rs's CLI looks for a coordinator at.
pub const PORT: u16 = 6013;
/// The variable that names another port, the same as in dora-rs; 0 takes a free one.
pub const PORT_VARIABLE: &str = "DORA_COORDINATOR_PORT";
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
}

/// The port to use: `DORA_COORDINATOR_PORT`, else 6013.
pub fn port_from_env() -> Result<u16> {
    let Some(text) = std::env::var_os(PORT_VARIABLE) else { return Ok(PORT) };
    text.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
        Diagnostic::new(codes::PORT_TAKEN, format!("{PORT_VARIABLE} is `{}`, which is no port", text.display()))
            .help("a port is a number from 1 to 65535; 0 takes a free one")
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
        .current_dir(home.data())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log);
    if let Some(root) = home.root() {
        command.env("DORA_HOME", root);
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

/// Stops the daemon and its dataflows, and returns when its process is gone. With `preserve`, the next daemon
/// starts the dataflows again.
pub async fn stop(store: &Store, preserve: bool) -> Result<RuntimeRow> {
    sweep::sweep(store)?;
    let Some(daemon) = find(store)? else {
        return Err(Diagnostic::new(codes::DAEMON_UNREACHABLE, "no daemon runs").next("dora daemon start"));
    };
    client(&daemon)?.handle().shutdown(preserve).await?;
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
    let options = Options {
        store: Store::open(Home::locate()?),
        sources: Sources::new(),
        executable: std::env::current_exe().map_err(failed)?,
        port: port_from_env()?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(failed)?;
    runtime.block_on(run(options, ready))
}

/// Runs a daemon in this process until it is stopped, by a signal or over its control socket. `ready` is
/// called once, when requests are answered.
pub async fn run(options: Options, ready: impl FnOnce(&RuntimeRow)) -> Result<()> {
    let Options { store, sources, executable, port } = options;
    let failed = |error: std::io::Error| not_started(error.to_string());
    // From here on these signals no longer end the process by themselves.
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let _hangup = signal(SignalKind::hangup()).map_err(failed)?;
    let _lock = lock(&store)?;
    sweep::sweep(&store)?;
    sweep_tokens(&store)?;

    let journal = Arc::new(open_journal(&store)?);
    let embedded = Embedded::new(embedded::Options {
        store: store.clone(),
        sources,
        kind: RuntimeKind::Daemon,
        executable,
        journal: Some(journal.clone()),
    });
    let handle = embedded.handle();
    let row = embedded.row().clone();
    let path = token_path(store.home(), row.id);
    let (shut_down, mut asked) = mpsc::channel(1);
    store.register_runtime(&row)?;
    let told = tokio::spawn(tell_events(handle.clone(), journal.clone()));
    let served = async {
        let server = Server::bind(handle.clone(), port, Token::create(&path)?, Some(shut_down)).await?;
        let row = RuntimeRow { address: Some(server.address()), token_path: Some(path.clone()), ..row.clone() };
        store.register_runtime(&row)?;
        say(&journal, LogLevel::Info, format!("ready at {}", server.address()));
        ready(&row);
        let recovering = tokio::spawn(recover(handle.clone(), store.clone(), journal.clone()));
        let why = tokio::select! {
            _ = terminate.recv() => "SIGTERM came",
            _ = interrupt.recv() => "SIGINT came",
            _ = asked.recv() => "it was asked to",
        };
        recovering.abort();
        say(&journal, LogLevel::Info, format!("ending: {why}"));
        let ended = handle.shutdown(false).await;
        server.stop().await;
        ended
    };
    let ended = served.await;
    told.abort();
    match &ended {
        Ok(()) => say(&journal, LogLevel::Info, "stopped".to_string()),
        Err(error) => say(&journal, LogLevel::Error, format!("{}: {error}", error.code.id())),
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

fn open_journal(store: &Store) -> Result<Journal> {
    let directory = log_dir(store.home());
    Home::create(&directory)?;
    Journal::open(DataflowId(Uuid::nil()), NAME.to_string(), &directory).map_err(|error| unwritable(&directory, &error))
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

/// A log that cannot be written stops no daemon: its standard error is kept too.
fn say(journal: &Journal, level: LogLevel, text: String) {
    journal.say(None, level, text);
    if let Err(error) = journal.flush() {
        let _ = writeln!(std::io::stderr(), "{} its log cannot be written: {error}", jiff::Timestamp::now());
    }
}

/// Tells of all that happens to the daemon's dataflows.
async fn tell_events(handle: Handle, journal: Arc<Journal>) {
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
        say(&journal, level, format!("{of}: {}", parts.join(": ")));
    }
}

/// Starts again what the last daemon ran when it was killed, or was told to preserve, each as it was.
async fn recover(handle: Handle, store: Store, journal: Arc<Journal>) {
    let taken = match store.take_interrupted() {
        Ok(taken) => taken,
        Err(error) => return say(&journal, LogLevel::Error, format!("nothing could be recovered: {error}")),
    };
    for (row, was) in taken {
        let result = bring_back(&handle, &row, &was).await;
        match result {
            Ok(info) => say(
                &journal,
                LogLevel::Info,
                format!("{}: started again as {}, which was {}", row.name, info.id, row.id),
            ),
            Err(error) => say(&journal, LogLevel::Error, format!("{}: could not be started again: {error}", row.name)),
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
