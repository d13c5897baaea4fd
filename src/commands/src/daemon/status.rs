use std::time::Duration;

use runtime::config::Config;
use runtime::control::daemon;
use runtime::model::{ProcessState, RuntimeState};
use store::Store;
use store::runtimes::RuntimeRow;

use crate::ask;
use crate::model;
use crate::prelude::*;

/// A daemon that is well has answered by then.
const HEALTHY: Duration = Duration::from_secs(2);

macro_rules! fields {
    ($more:literal) => {
        concat!(
            "record<running: bool, pid: int, address: string, version: string, uptime: duration, dataflows: int, \
             token_file: string",
            $more,
            ">"
        )
    };
}

const PLAIN: &str = fields!("");
const DETAILED: &str = fields!(
    ", healthy: bool, memory: filesize, peak_memory: filesize, threads: int, open_files: int, connections: int, \
     tasks: int, logs: string, config: string"
);

pub static STATUS: Command = Command {
    name: "daemon status",
    category: Category::Daemon,
    summary: "Tells whether the daemon of this home runs, where it listens, and since when",
    details: "`--health-check` asks it for all that it has, and fails with exit code 4 if it does not answer within two \
              seconds, or does not run.",
    params: &[
        Param::switch("detailed", None, "With what it uses, and where its files are"),
        Param::switch("health-check", None, "Fail unless it runs and is well"),
        WATCH,
        INTERVAL,
    ],
    io: &[("nothing", PLAIN)],
    examples: &[try_it("Look", "daemon status"), try_it("In a monitor", "daemon status --health-check --detailed")],
    infer: Some(|shape| shape.switch("detailed").then(|| Type::parse(DETAILED).ok()).flatten()),
    run: |call, _| {
        ask::fleet(call)?;
        let store = call.context().service::<Store>()?;
        let found = daemon::find(&store).map_err(|error| error.or_label(call.head, ""))?;
        let state = state(call, &store, found.is_some());
        if call.switch("health-check") {
            check(call, found.as_ref(), &state)?;
        }
        let state = state.ok().flatten();
        let mut fields = plain(found.as_ref(), state.as_ref());
        if call.switch("detailed") {
            fields.extend(details(store.home(), state.as_ref()));
        }
        Ok(Data::Value(Value::record(fields.into_iter().collect())))
    },
    ..Command::DEFAULT
};

/// What the daemon knows of itself; `None` when it does not run, or has not answered in time.
fn state(call: &Call<'_>, store: &Store, runs: bool) -> Result<Option<RuntimeState>> {
    if !runs {
        return Ok(None);
    }
    ask::answer(call, async {
        let handle = daemon::handle(store)?;
        tokio::time::timeout(HEALTHY, handle.state()).await.ok().transpose()
    })
}

fn plain(found: Option<&RuntimeRow>, state: Option<&RuntimeState>) -> Vec<(&'static str, Value)> {
    let field = |of: fn(&RuntimeRow) -> Value| found.map_or(Value::Nothing, of);
    let dataflows = match (found, state) {
        (None, _) => Value::Int(0),
        (Some(_), Some(state)) => model::int(state.dataflows.len() as u64),
        // One that does not answer may have some.
        (Some(_), None) => Value::Nothing,
    };
    vec![
        ("running", Value::Bool(found.is_some())),
        ("pid", field(|row| Value::Int(row.process.pid.into()))),
        ("address", field(|row| row.address.clone().into())),
        ("version", field(|row| Value::from(row.version.as_str()))),
        (
            "uptime",
            field(|row| {
                let since = jiff::Timestamp::now().duration_since(row.started);
                model::lasted(since.try_into().unwrap_or_default())
            }),
        ),
        ("dataflows", dataflows),
        ("token_file", field(|row| row.token_path.as_ref().map(|path| path.display().to_string()).into())),
    ]
}

fn details(home: &store::Home, state: Option<&RuntimeState>) -> [(&'static str, Value); 9] {
    let of = |make: fn(&RuntimeState) -> Value| state.map_or(Value::Nothing, make);
    [
        ("healthy", Value::Bool(state.is_some())),
        ("memory", of(|state| model::size(state.process.resident))),
        ("peak_memory", of(|state| model::size(state.process.peak))),
        ("threads", of(|state| model::int(state.process.threads))),
        ("open_files", of(|state| model::int(state.process.open_files))),
        ("connections", of(|state| model::int(state.connections))),
        ("tasks", of(|state| model::int(state.tasks))),
        ("logs", model::text(home.logs().join("daemon").display())),
        ("config", model::text(Config::path(home).display())),
    ]
}

fn check(call: &Call<'_>, found: Option<&RuntimeRow>, state: &Result<Option<RuntimeState>>) -> Result<()> {
    let Some(row) = found else {
        let error = Diagnostic::new(codes::DAEMON_UNHEALTHY, "no daemon runs");
        return Err(error.label(call.head, "").next("daemon start"));
    };
    let why = match state {
        Ok(Some(_)) => return Ok(()),
        Ok(None) => format!("it has not answered within {} seconds", HEALTHY.as_secs()),
        Err(error) => error.message.clone(),
    };
    let told = format!("the daemon, process {}, is not well", row.process.pid);
    Err(Diagnostic::new(codes::DAEMON_UNHEALTHY, told)
        .label(call.head, "")
        .cause(why)
        .next("daemon logs --tail 20")
        .next("daemon restart --preserve-state"))
}

pub static DEBUG: Command = Command {
    name: "daemon debug",
    category: Category::Daemon,
    summary: "Gives all that the daemon knows of itself, for who looks for a mistake in it",
    params: &[
        Param::switch("dump-state", None, "Only its dataflows, each with its nodes, inputs, queues and history"),
        Param::switch("memory-profile", None, "Only what its memory holds"),
    ],
    io: &[("nothing", "record")],
    examples: &[
        try_it("What it has", "daemon debug"),
        try_it("Its dataflows, in a file", "daemon debug --dump-state | save state.json"),
        try_it("Its memory", "daemon debug --memory-profile"),
    ],
    search: &["dump", "state", "memory", "internals"],
    run: |call, _| {
        ask::fleet(call)?;
        let store = call.context().service::<Store>()?;
        let state = ask::answer(call, async move { daemon::handle(&store)?.state().await })?;
        let (dump, memory) = (call.switch("dump-state"), call.switch("memory-profile"));
        let mut fields = vec![("name", model::text(&state.name)), ("pid", model::int(state.pid.into()))];
        if !dump && !memory {
            let config = state.config.iter().map(|(key, value)| (key.as_str(), model::text(value)));
            fields.extend([
                ("version", model::text(&state.version)),
                ("started", model::moment(state.started)),
                ("config", Value::record(config.collect())),
                ("threads", model::int(state.process.threads)),
                ("open_files", model::int(state.process.open_files)),
                ("connections", model::int(state.connections)),
                ("tasks", model::int(state.tasks)),
            ]);
        }
        if memory || !dump {
            fields.push(("memory", memory_of(&state.process)));
        }
        if dump || !memory {
            fields.push(("dataflows", Value::list(state.dataflows.iter().map(model::details).collect::<Vec<_>>())));
        }
        Ok(Data::Value(Value::record(fields.into_iter().collect())))
    },
    ..Command::DEFAULT
};

fn memory_of(process: &ProcessState) -> Value {
    let fields = [
        ("resident", process.resident),
        ("peak", process.peak),
        ("private", process.private),
        ("files", process.files),
        ("shared", process.shared),
        ("swapped", process.swapped),
    ];
    Value::record(fields.into_iter().map(|(name, bytes)| (name, model::size(bytes))).collect())
}
