use std::time::Duration;

use futures::StreamExt;
use runtime::Handle;
use runtime::config::Config;
use runtime::control::daemon;
use runtime::model::{DataflowInfo, EventQuery, Status};
use store::Store;

use crate::ask;
use crate::changes::{self, DRY_RUN, Target, WAIT_TIMEOUT};
use crate::dataflow::logs::{self, FOLLOW, GREP, LEVEL, SINCE, TAIL, UNTIL};
use crate::model;
use crate::prelude::*;

pub static START: Command = Command {
    name: "daemon start",
    category: Category::Daemon,
    summary: "Starts the daemon of this home, in which dataflows outlive the shell",
    details: "It listens on port 6013 of the loopback interface, or where DORA_COORDINATOR_PORT and \
              DORA_COORDINATOR_INTERFACE say, for shells and for the command line of dora-rs. On another interface than \
              loopback every request needs the token that `daemon status` names the file of.",
    params: &[
        INTERFACE,
        Param::flag("config", None, Takes::Path, "Another configuration than that of the home"),
        Param::flag("log-level", None, Takes::Words(LEVELS), "What is less grave is not in its log"),
        Param::switch("background", None, "As it always does; for those who write it"),
        DRY_RUN,
    ],
    io: &[("nothing", changes::TABLE)],
    examples: &[
        try_it("Start it", "daemon start"),
        try_it("For other machines, with the token", "daemon start --interface 0.0.0.0"),
    ],
    search: &["up", "background"],
    run: |call, _| {
        let mut options = ask::fleet(call)?.daemon_options()?;
        if let Some(text) = call.optional::<String>("interface")? {
            options.interface = text.parse().map_err(|_| {
                Diagnostic::new(codes::BAD_ARGUMENT, format!("`{text}` is no IP address"))
                    .label(call.span("interface"), "the address of an interface of this machine")
                    .help("`0.0.0.0` is all of them, `127.0.0.1` this machine alone")
            })?;
        }
        if let Some(path) = call.path("config")? {
            let text = std::fs::read_to_string(&path).map_err(|error| {
                Diagnostic::new(codes::INVALID_CONFIG, format!("{} cannot be read", path.display()))
                    .cause(diag::os_reason(&error))
                    .label(call.span("config"), "this file")
            })?;
            // Here it can be shown with what is wrong in it.
            Config::read(&call.context().sources().add(path.display().to_string(), text))?;
            options.config = Some(path);
        }
        options.log_level = call.optional::<String>("log-level")?.and_then(|word| word.parse().ok());
        changes::apply(call, "daemon", "start", vec![the_daemon()], |_| {
            let options = options.clone();
            Box::pin(async move { daemon::spawn(&options).await.map(|_| Some("daemon stop".to_string())) })
        })
    },
    ..Command::DEFAULT
};

pub static STOP: Command = Command {
    name: "daemon stop",
    category: Category::Daemon,
    summary: "Stops the daemon of this home and the dataflows in it",
    params: &[
        PRESERVE,
        Param::switch("graceful", None, "Let nodes end by themselves, as it always does unless --timeout is 0sec"),
        TIMEOUT,
        DRY_RUN,
    ],
    io: &[("nothing", changes::TABLE)],
    examples: &[try_it("Stop it", "daemon stop"), try_it("With patience for slow nodes", "daemon stop --timeout 1min")],
    search: &["down", "end"],
    run: |call, _| {
        ask::fleet(call)?;
        let store = call.context().service::<Store>()?;
        let preserve = call.switch("preserve-state");
        let grace: Option<Duration> = call.optional("timeout")?;
        changes::apply(call, "daemon", "stop", vec![the_daemon()], |_| {
            let store = store.clone();
            Box::pin(
                async move { daemon::stop(&store, preserve, grace).await.map(|_| Some("daemon start".to_string())) },
            )
        })
    },
    ..Command::DEFAULT
};

pub static RESTART: Command = Command {
    name: "daemon restart",
    category: Category::Daemon,
    summary: "Stops the daemon and starts a new one; with `--preserve-state` its dataflows come back",
    params: &[
        PRESERVE,
        Param::switch("wait-healthy", None, "Return only when the dataflows that came back run again"),
        TIMEOUT,
        WAIT_TIMEOUT,
        DRY_RUN,
    ],
    io: &[("nothing", changes::TABLE)],
    examples: &[try_it("After an update of dora", "daemon restart --preserve-state --wait-healthy")],
    search: &["reset", "again", "upgrade"],
    run: |call, _| {
        let fleet = ask::fleet(call)?;
        let store = call.context().service::<Store>()?;
        let (options, handle) = (fleet.daemon_options()?, fleet.handle());
        let (preserve, wait) = (call.switch("preserve-state"), call.switch("wait-healthy"));
        let grace: Option<Duration> = call.optional("timeout")?;
        let limit = changes::wait_limit(call)?;
        changes::apply(call, "daemon", "restart", vec![the_daemon()], |_| {
            let (store, options, handle) = (store.clone(), options.clone(), handle.clone());
            Box::pin(async move {
                let come_back = if preserve && wait { names(&handle).await? } else { Vec::new() };
                daemon::stop(&store, preserve, grace).await?;
                daemon::spawn(&options).await?;
                until_running(&handle, come_back, limit).await.map(|()| None)
            })
        })
    },
    ..Command::DEFAULT
};

/// The dataflows of the daemon.
async fn names(handle: &Handle) -> Result<Vec<String>> {
    let flows = handle.list(false).await?;
    Ok(flows.into_iter().filter(|flow| flow.runtime == "daemon").map(|flow| flow.name).collect())
}

/// Waits until dataflows that the new daemon starts again run, or are paused as they were.
async fn until_running(handle: &Handle, names: Vec<String>, limit: Duration) -> Result<()> {
    let query = EventQuery { dataflow: None, history: false, follow: true };
    let mut events = handle.events(query).await?;
    let running = async {
        loop {
            let flows = handle.list(false).await?;
            let runs = |name: &String| {
                let up = |flow: &DataflowInfo| matches!(flow.status, Status::Running | Status::Paused);
                flows.iter().any(|flow| flow.name == *name && up(flow))
            };
            if names.iter().all(runs) || events.next().await.is_none() {
                return Ok(());
            }
        }
    };
    tokio::time::timeout(limit, running).await.unwrap_or_else(|_| {
        let text = format!("the daemon runs, and not all of its dataflows do after {} seconds", limit.as_secs());
        Err(Diagnostic::new(codes::WAITED_TOO_LONG, text).next("dataflow list").next("daemon logs --tail 20"))
    })
}

const TIMEOUT: Param = Param::flag(
    "timeout",
    None,
    Takes::Type("duration"),
    "How long nodes may take to stop before they are told by a signal; as configured by default",
);

/// The words of a log level.
const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];

const INTERFACE: Param =
    Param::flag("interface", None, Takes::Type("string"), "The IP address to listen on; this machine alone by default");

/// What a daemon runs can come back with the next one.
const PRESERVE: Param =
    Param::switch("preserve-state", None, "Have the next daemon start its dataflows again, each as it is now");

pub static LOGS: Command = Command {
    name: "daemon logs",
    category: Category::Daemon,
    summary: "Gives what the daemons of this home said about themselves and their dataflows, in order of time",
    params: &[FOLLOW, TAIL, SINCE, UNTIL, LEVEL, GREP],
    io: &[("nothing", model::LOGS)],
    examples: &[
        try_it("The last lines", "daemon logs --tail 20"),
        try_it("What went wrong today", "daemon logs --level warn,error --since 1day"),
    ],
    search: &["output", "journal"],
    run: |call, _| {
        let query = logs::query(call, String::new())?;
        let handle = ask::handle(call)?;
        let follow = query.follow;
        let records = ask::answer(call, async move { handle.daemon_logs(query).await })?;
        Ok(ask::stream(call, records, follow, model::log))
    },
    ..Command::DEFAULT
};

/// The one that changes of it name.
pub(super) fn the_daemon() -> Target {
    Target { name: "daemon".into(), key: "daemon".into() }
}
