use runtime::control::daemon;
use store::Store;
use store::runtimes::RuntimeRow;

use crate::ask;
use crate::changes::{self, DRY_RUN, Target};
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
    params: &[INTERFACE, DRY_RUN],
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
    params: &[PRESERVE, DRY_RUN],
    io: &[("nothing", changes::TABLE)],
    examples: &[try_it("Stop it", "daemon stop")],
    search: &["down", "end"],
    run: |call, _| {
        ask::fleet(call)?;
        let store = call.context().service::<Store>()?;
        let preserve = call.switch("preserve-state");
        changes::apply(call, "daemon", "stop", vec![the_daemon()], |_| {
            let store = store.clone();
            Box::pin(async move { daemon::stop(&store, preserve).await.map(|_| Some("daemon start".to_string())) })
        })
    },
    ..Command::DEFAULT
};

pub static RESTART: Command = Command {
    name: "daemon restart",
    category: Category::Daemon,
    summary: "Stops the daemon and starts a new one; with `--preserve-state` its dataflows come back",
    params: &[PRESERVE, DRY_RUN],
    io: &[("nothing", changes::TABLE)],
    examples: &[try_it("After an update of dora", "daemon restart --preserve-state")],
    search: &["reset", "again", "upgrade"],
    run: |call, _| {
        let store = call.context().service::<Store>()?;
        let options = ask::fleet(call)?.daemon_options()?;
        let preserve = call.switch("preserve-state");
        changes::apply(call, "daemon", "restart", vec![the_daemon()], |_| {
            let (store, options) = (store.clone(), options.clone());
            Box::pin(async move {
                daemon::stop(&store, preserve).await?;
                daemon::spawn(&options).await.map(|_| None)
            })
        })
    },
    ..Command::DEFAULT
};

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

pub static STATUS: Command = Command {
    name: "daemon status",
    category: Category::Daemon,
    summary: "Tells whether the daemon of this home runs, where it listens, and since when",
    params: &[WATCH, INTERVAL],
    io: &[(
        "nothing",
        "record<running: bool, pid: int, address: string, version: string, uptime: duration, dataflows: int, \
         token_file: string>",
    )],
    examples: &[try_it("Look", "daemon status")],
    run: |call, _| {
        let fleet = ask::fleet(call)?;
        let store = call.context().service::<Store>()?;
        let found = daemon::find(&store).map_err(|error| error.or_label(call.head, ""))?;
        let count = match &found {
            Some(_) => {
                let handle = fleet.handle();
                let flows = ask::answer(call, async move { handle.list(false).await })?;
                Value::Int(
                    i64::try_from(flows.iter().filter(|flow| flow.runtime == "daemon").count()).unwrap_or(i64::MAX),
                )
            }
            None => Value::Int(0),
        };
        let field = |of: fn(&RuntimeRow) -> Value| found.as_ref().map_or(Value::Nothing, of);
        let fields = [
            ("running", Value::Bool(found.is_some())),
            ("pid", field(|row| Value::Int(row.process.pid.into()))),
            ("address", field(|row| row.address.clone().into())),
            ("version", field(|row| Value::from(row.version.as_str()))),
            (
                "uptime",
                field(|row| {
                    let since = jiff::Timestamp::now().duration_since(row.started);
                    Value::Duration(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
                }),
            ),
            ("dataflows", count),
            ("token_file", field(|row| row.token_path.as_ref().map(|path| path.display().to_string()).into())),
        ];
        Ok(Data::Value(Value::record(fields.into_iter().collect())))
    },
    ..Command::DEFAULT
};

fn the_daemon() -> Target {
    Target { name: "daemon".into(), key: "daemon".into() }
}
