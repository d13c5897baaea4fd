//! Dataflows: started, watched, stopped.

use engine::Command;

pub(crate) mod events;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod remove;
pub(crate) mod start;
pub(crate) mod stop;
pub(crate) mod validate;
pub(crate) mod wait;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[
    &events::EVENTS,
    &inspect::INSPECT,
    &list::LIST,
    &logs::LOGS,
    &remove::REMOVE,
    &start::START,
    &start::RUN,
    &stop::STOP,
    &validate::VALIDATE,
    &wait::WAIT,
];

/// The columns of a row about a dataflow.
pub(crate) const ROW: &str = "table<name: string, \
    status: string@[created building starting running paused stopping stopped failed finished], \
    nodes: int, uptime: oneof<duration, nothing>, restarts: int, runtime: string, started: oneof<datetime, nothing>, \
    id: string, file: oneof<string, nothing>, cause: oneof<string, nothing>>";

/// A dataflow as a row.
pub(crate) fn row(info: &DataflowInfo) -> Value {
    let file = info.file.as_ref().map(|file| file.display().to_string());
    let fields = [
        ("name", Value::from(info.name.as_str())),
        ("status", Value::from(info.status.as_str())),
        ("nodes", Value::from(info.nodes)),
        ("uptime", info.uptime.map_or(Value::Nothing, seconds)),
        ("restarts", Value::from(info.restarts)),
        ("runtime", Value::from(info.runtime.as_str())),
        ("started", info.started.map_or(Value::Nothing, moment)),
        ("id", Value::string(info.id.to_string())),
        ("file", file.into()),
        ("cause", info.cause.clone().into()),
    ];
    Value::record(fields.into_iter().collect::<Record>().with_resource(Some("dataflow")))
}

/// How long something has lasted. Nobody reads an uptime's nanoseconds.
pub(crate) fn seconds(span: Duration) -> Value {
    let rounded = if span.as_secs() >= 1 { Duration::from_secs(span.as_secs()) } else { Duration::from_millis(span.as_millis() as u64) };
    duration(rounded)
}

/// A moment in the local offset.
pub(crate) fn moment(at: UnixNanos) -> Value {
    Value::DateTime(crate::files::local(at.0))
}

/// The way to all runtimes of this home.
pub(crate) fn fleet(call: &Call<'_>) -> Result<Arc<Fleet>> {
    call.context().service::<Fleet>()
}

pub(crate) fn handle(call: &Call<'_>) -> Result<Handle> {
    Ok(fleet(call)?.handle())
}

/// Runs something of the runtime's to its end; ctrl-c ends the wait.
pub(crate) fn wait_for<T>(call: &Call<'_>, work: impl Future<Output = Result<T>>) -> Result<T> {
    call.context().block_on(work)?
}

/// A log record as a row.
pub(crate) fn log_row(record: &LogRecord) -> Value {
    let fields: Record = record.fields.iter().map(|(name, value)| (name.as_str(), Value::from(value.as_str()))).collect();
    let row = [
        ("time", moment(record.time)),
        ("level", Value::from(record.level.as_str())),
        ("node", record.node.as_ref().map(ToString::to_string).into()),
        ("message", Value::from(record.message.as_str())),
        ("dataflow", Value::from(record.dataflow_name.as_str())),
        ("stream", Value::from(record.stream.as_str())),
        ("target", record.target.clone().into()),
        ("fields", Value::record(fields)),
    ];
    Value::record(row.into_iter().collect())
}

use crate::changes;
use crate::prelude::*;

/// The names that an argument or the rows that flow in give.
pub(crate) fn named(call: &Call<'_>, param: &str, input: Data) -> Result<Vec<String>> {
    if let Some(name) = call.optional::<String>(param)? {
        return Ok(vec![name]);
    }
    Ok(changes::rows_named(call, input)?.into_iter().map(|target| target.key).collect())
}

/// The one name that an argument or a row that flows in gives.
pub(crate) fn one(call: &Call<'_>, param: &str, input: Data) -> Result<String> {
    let mut names = named(call, param, input)?;
    match (names.pop(), names.len()) {
        (Some(name), 0) => Ok(name),
        (None, _) => Err(Diagnostic::new(codes::NO_TARGETS, "no rows flow in").label(call.head, "which one?")),
        (Some(_), more) => Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("`{}` works on one, and {} flow in", call.command.name, more + 1))
            .label(call.head, "which one?")
            .help("`each { … }` takes them one after another, `first` takes one")),
    }
}
