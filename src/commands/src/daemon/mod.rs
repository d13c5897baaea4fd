//! The daemon, and the journal of changes.

use engine::Command;

pub(crate) mod audit;
pub(crate) mod control;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[
    &audit::LIST,
    &control::START,
    &control::STOP,
    &control::STATUS,
];

const STATUS_ROW: &str = "record<running: bool, pid: oneof<int, nothing>, address: oneof<string, nothing>, \
    version: oneof<string, nothing>, started: oneof<datetime, nothing>, dataflows: int>";

static START: Command = Command {
    name: "daemon start",
    category: Category::Daemon,
    summary: "Starts the daemon, in which dataflows outlive the shell",
    details: "`dataflow start --detach` does so by itself when none runs. It listens on port 6013 of this machine alone; \
              DORA_COORDINATOR_PORT names another.",
    io: &[("nothing", STATUS_ROW)],
    examples: &[try_it("Start it", "daemon start")],
    search: &["up"],
    run: |call, _| {
        let options = fleet(call)?.daemon_options()?;
        let row = wait_for(call, daemon::spawn(&options))?;
        status(call, Some(row))
    },
    ..Command::DEFAULT
};

static STATUS: Command = Command {
    name: "daemon status",
    category: Category::Daemon,
    summary: "Tells whether the daemon runs, and where",
    io: &[("nothing", STATUS_ROW)],
    examples: &[try_it("Is it there", "daemon status | get running")],
    run: |call, _| {
        let store = call.context().service::<Store>()?;
        status(call, daemon::find(&store)?)
    },
    ..Command::DEFAULT
};

static STOP: Command = Command {
    name: "daemon stop",
    category: Category::Daemon,
    summary: "Stops the daemon and the dataflows in it",
    io: &[("nothing", CHANGES)],
    examples: &[try_it("Stop it", "daemon stop")],
    search: &["down"],
    run: |call, _| {
        let store = call.context().service::<Store>()?;
        let mut changes = Changes::new("daemon", "stop");
        match daemon::find(&store)? {
            Some(_) => changes.act("daemon", Some("daemon start".into()), || wait_for(call, daemon::stop(&store)).map(|_| ())),
            None => changes.skip("daemon", "it does not run"),
        }
        changes.finish(call)
    },
    ..Command::DEFAULT
};

fn status(call: &Call<'_>, row: Option<RuntimeRow>) -> Result<Data> {
    let flows = match &row {
        Some(_) => wait_for(call, fleet(call)?.handle().list(false))?.iter().filter(|flow| flow.runtime == "daemon").count(),
        None => 0,
    };
    let started = row.as_ref().and_then(|row| i64::try_from(row.started.as_nanosecond()).ok());
    let started = started.map(|nanos| Value::DateTime(crate::files::local(nanos)));
    let fields = [
        ("running", Value::Bool(row.is_some())),
        ("pid", row.as_ref().map_or(Value::Nothing, |row| Value::from(row.process.pid))),
        ("address", row.as_ref().and_then(|row| row.address.clone()).into()),
        ("version", row.as_ref().map(|row| row.version.clone()).into()),
        ("started", started.unwrap_or(Value::Nothing)),
        ("dataflows", crate::node::count(flows as u64)),
    ];
    Ok(Data::Value(Value::record(fields.into_iter().collect())))
}
