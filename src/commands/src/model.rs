//! What the runtime tells, as values: native types, nothing formatted.

use std::time::Duration;

use runtime::model::{
    DataflowDetails, DataflowInfo, EdgeInfo, Event, EventKind, Latency, LogRecord, MetadataParameters, NodeInfo,
    Parameter, TopicInfo, TopicMessage, UnixNanos,
};
use runtime::telemetry::stats::{Figures, FlowStats, NodeStats};
use value::DateTime;

use crate::prelude::*;
use crate::topic::hz::Statistics;

/// The fields of a dataflow's row. As in all rows, those that matter most come first: a narrow terminal shows no others.
macro_rules! dataflow_fields {
    ($kind:literal) => {
        concat!(
            $kind,
            "<name: string, status: string@[created building starting running paused stopping stopped failed finished], \
             nodes: int, running: int, failed: int, uptime: duration, cause: string, restarts: int, created: datetime, \
             ended: datetime, file: string, runtime: string, culprit: string, id: string>"
        )
    };
}

/// The columns of dataflows' rows.
pub(crate) const DATAFLOWS: &str = dataflow_fields!("table");
/// The same as a record.
pub(crate) const DATAFLOW: &str = dataflow_fields!("record");
/// The states a dataflow can be in.
pub(crate) const DATAFLOW_STATUSES: &[&str] =
    &["created", "building", "starting", "running", "paused", "stopping", "stopped", "failed", "finished"];
/// The states a node can be in.
pub(crate) const NODE_STATUSES: &[&str] = &[
    "created",
    "building",
    "starting",
    "running",
    "paused",
    "stopping",
    "stopped",
    "failed",
    "finished",
    "restarting",
    "backoff",
];
/// The columns of a node's row.
pub(crate) const NODES: &str = "table<name: string, dataflow: string, status: string@[created building starting running \
    paused stopping stopped failed finished restarting backoff], cause: string, cpu: float, memory: filesize, uptime: duration, \
    restarts: int, pid: int, received: int, sent: int, received_rate: float, sent_rate: float, exit: string, \
    culprit: string, source: string, id: string>";
macro_rules! figures {
    ($first:literal, $last:literal) => {
        concat!(
            "table<",
            $first,
            "cpu: float, memory: filesize, received_rate: float, sent_rate: float, latency_p50: duration, \
             latency_p99: duration, dropped: int, queued: int, restarts: int, cpu_max: float, latency_max: duration, \
             processes: int, received: int, sent: int, age: duration",
            $last,
            ", id: string>"
        )
    };
}

/// The columns of a node's figures.
pub(crate) const NODE_STATS: &str = figures!(
    "name: string, dataflow: string, status: string@[created building starting running paused stopping stopped failed \
     finished restarting backoff], ",
    ""
);
/// The columns of a dataflow's figures.
pub(crate) const FLOW_STATS: &str = figures!(
    "name: string, status: string@[created building starting running paused stopping stopped failed finished], \
     nodes: int, ",
    ", uptime: duration"
);
/// The columns of a log record.
pub(crate) const LOGS: &str = "table<time: datetime, node: string, level: string@[error warn info debug trace stdout], \
    message: string, stream: string@[stdout stderr runtime], target: string, fields: record>";
/// The columns of a topic's row.
pub(crate) const TOPICS: &str = "table<topic: string, dataflow: string, rate: float, messages: int, bandwidth: filesize, \
    dropped: int, node_loss: string@[possible impossible], subscribers: list<string>, type: string, last: datetime, \
    bytes: filesize, largest: filesize, fallbacks: int, path: string, node: string, output: string>";
/// The columns of a message.
pub(crate) const MESSAGES: &str = "table<time: datetime, topic: string, value: any, metadata: record, type: string, \
    size: filesize, latency: duration, sequence: int, missed: int>";
/// The columns of what is measured of a topic.
pub(crate) const RATES: &str = "table<time: datetime, topic: string, rate: float, mean: duration, min: duration, \
    max: duration, stddev: duration, jitter: duration, bandwidth: filesize, messages: int, missed: int>";
/// What publishing gives.
pub(crate) const PUBLISHED: &str =
    "record<topic: string, dataflow: string, messages: int, inputs: int, bytes: filesize, took: duration>";
/// The columns of an event.
pub(crate) const EVENTS: &str = "table<time: datetime, dataflow: string, node: string, to: string, why: string, from: string, \
    kind: string@[transition notice removed], count: int>";

pub(crate) fn duration(time: Duration) -> Value {
    Value::Duration(i64::try_from(time.as_nanos()).unwrap_or(i64::MAX))
}

pub(crate) fn moment(at: UnixNanos) -> Value {
    Value::DateTime(crate::files::local(at.0))
}

pub(crate) fn int(n: u64) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

/// What is measured over seconds has no more digits than these.
fn tenths(x: f64) -> Value {
    Value::Float((x * 10.0).round() / 10.0)
}

/// A measured latency, in three digits: of more, none would be the same twice.
fn three_digits(time: Duration) -> Value {
    let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let unit = 10_u64.pow(nanos.checked_ilog10().unwrap_or(0).saturating_sub(2));
    duration(Duration::from_nanos(nanos.saturating_add(unit / 2) / unit * unit))
}

/// How long something has lasted: whole seconds, or milliseconds of what is younger than one.
pub(crate) fn lasted(time: Duration) -> Value {
    let whole = if time.as_secs() > 0 {
        Duration::from_secs(time.as_secs())
    } else {
        Duration::from_millis(u64::from(time.subsec_millis()))
    };
    duration(whole)
}

/// Rows as a table of a declared type: it has its columns even without a row.
pub(crate) fn table(rows: Vec<Value>, of: &str, resource: Option<&'static str>) -> Result<Data> {
    if !rows.is_empty() {
        return Ok(Data::Value(Value::table(table::from_rows(rows, resource)?)));
    }
    let mut fields = Type::parse(of)?.fields().cloned().unwrap_or_default();
    fields.resource = resource;
    Ok(Data::Value(Value::table(table::empty(fields))))
}

pub(crate) fn size(n: u64) -> Value {
    Value::Filesize(i64::try_from(n).unwrap_or(i64::MAX))
}

pub(crate) fn text(text: impl ToString) -> Value {
    Value::string(text.to_string())
}

fn maybe<T>(option: Option<T>, make: impl FnOnce(T) -> Value) -> Value {
    option.map_or(Value::Nothing, make)
}

fn row(fields: impl IntoIterator<Item = (&'static str, Value)>, resource: Option<&'static str>) -> Value {
    Value::record(fields.into_iter().collect::<Record>().with_resource(resource))
}

pub(crate) fn dataflow(info: &DataflowInfo) -> Value {
    row(dataflow_fields(info), Some("dataflow"))
}

fn dataflow_fields(info: &DataflowInfo) -> Vec<(&'static str, Value)> {
    vec![
        ("name", text(&info.name)),
        ("status", text(info.status)),
        ("nodes", int(info.nodes.into())),
        ("running", int(info.running.into())),
        ("failed", int(info.failed.into())),
        ("uptime", maybe(info.uptime, lasted)),
        ("cause", maybe(info.cause.as_ref(), text)),
        ("restarts", int(info.restarts.into())),
        ("created", moment(info.created)),
        ("ended", maybe(info.ended, moment)),
        ("file", maybe(info.file.as_ref(), |file| text(file.display()))),
        ("runtime", text(&info.runtime)),
        ("culprit", maybe(info.culprit.as_ref(), text)),
        ("id", text(info.id)),
    ]
}

/// Everything about one dataflow.
pub(crate) fn details(details: &DataflowDetails) -> Value {
    let mut fields = dataflow_fields(&details.info);
    fields.extend([
        ("working_dir", text(details.working_dir.display())),
        ("log_dir", text(details.log_dir.display())),
        ("hash", text(&details.hash)),
        ("node_table", Value::list(details.nodes.iter().map(node).collect::<Vec<_>>())),
        ("edges", Value::list(details.edges.iter().map(edge).collect::<Vec<_>>())),
        ("history", Value::list(details.history.iter().map(event).collect::<Vec<_>>())),
        ("descriptor", text(&details.descriptor)),
    ]);
    row(fields, Some("dataflow"))
}

pub(crate) fn node(info: &NodeInfo) -> Value {
    let fields = [
        ("name", text(&info.node)),
        ("dataflow", text(&info.dataflow_name)),
        ("status", text(info.status)),
        ("cause", maybe(info.cause.as_ref(), text)),
        // In percent of one processor.
        ("cpu", maybe(info.cpu, |share| tenths(share * 100.0))),
        ("memory", maybe(info.memory, size)),
        ("uptime", maybe(info.uptime, lasted)),
        ("restarts", int(info.restarts.into())),
        ("pid", maybe(info.pid, |pid| int(pid.into()))),
        ("received", int(info.received)),
        ("sent", int(info.sent)),
        ("received_rate", tenths(info.received_rate)),
        ("sent_rate", tenths(info.sent_rate)),
        ("exit", maybe(info.exit, text)),
        ("culprit", maybe(info.culprit.as_ref(), text)),
        ("source", text(&info.source)),
        ("id", text(format!("{}/{}", info.dataflow, info.node))),
    ];
    row(fields, Some("node"))
}

pub(crate) fn node_stats(stats: &NodeStats) -> Value {
    let first = [
        ("name", text(&stats.info.node)),
        ("dataflow", text(&stats.info.dataflow_name)),
        ("status", text(stats.info.status)),
    ];
    let last = [("id", text(format!("{}/{}", stats.info.dataflow, stats.info.node)))];
    row(first.into_iter().chain(figures(&stats.figures, stats.age)).chain(last), Some("node"))
}

pub(crate) fn flow_stats(stats: &FlowStats) -> Value {
    let first = [("name", text(&stats.name)), ("status", text(stats.status)), ("nodes", int(stats.nodes.into()))];
    let last = [("uptime", maybe(stats.uptime, lasted)), ("id", text(stats.id))];
    row(first.into_iter().chain(figures(&stats.figures, stats.age)).chain(last), Some("dataflow"))
}

fn figures(figures: &Figures, age: Duration) -> impl Iterator<Item = (&'static str, Value)> {
    let percent = |share: f64| tenths(share * 100.0);
    let latency =
        |pick: fn(&Latency) -> Duration| maybe(figures.latency.as_ref(), |figures| three_digits(pick(figures)));
    [
        ("cpu", maybe(figures.cpu, percent)),
        ("memory", maybe(figures.memory, size)),
        ("received_rate", maybe(figures.received_rate, tenths)),
        ("sent_rate", maybe(figures.sent_rate, tenths)),
        ("latency_p50", latency(|latency| latency.p50)),
        ("latency_p99", latency(|latency| latency.p99)),
        ("dropped", int(figures.dropped)),
        ("queued", int(figures.queued)),
        ("restarts", int(figures.restarts.into())),
        ("cpu_max", maybe(figures.cpu_max, percent)),
        ("latency_max", latency(|latency| latency.max)),
        ("processes", int(figures.processes.into())),
        ("received", int(figures.received)),
        ("sent", int(figures.sent)),
        ("age", duration(Duration::from_millis(u64::try_from(age.as_millis()).unwrap_or(u64::MAX)))),
    ]
    .into_iter()
}

pub(crate) fn edge(info: &EdgeInfo) -> Value {
    let latency = |pick: fn(&Latency) -> Duration| maybe(info.latency.as_ref(), |figures| three_digits(pick(figures)));
    let fields = [
        ("source", text(&info.source)),
        ("node", text(&info.node)),
        ("input", text(&info.input)),
        ("path", text(info.path)),
        ("messages", int(info.messages)),
        ("bytes", size(info.bytes)),
        ("delivered", int(info.delivered)),
        ("dropped", int(info.dropped)),
        ("while_paused", int(info.while_paused)),
        ("queued", int(info.queued)),
        ("queue_size", int(info.queue_size as u64)),
        ("queue_policy", text(info.queue_policy)),
        ("latency_p50", latency(|latency| latency.p50)),
        ("latency_p99", latency(|latency| latency.p99)),
        ("latency_max", latency(|latency| latency.max)),
        ("node_loss", text(info.node_loss)),
        ("closed", Value::Bool(info.closed)),
        ("silent", Value::Bool(info.silent)),
    ];
    row(fields, None)
}

pub(crate) fn topic(info: &TopicInfo) -> Value {
    row(topic_fields(info), Some("topic"))
}

fn topic_fields(info: &TopicInfo) -> Vec<(&'static str, Value)> {
    let subscribers = info.subscribers.iter().map(|input| text(format!("{}/{}", input.node, input.input)));
    vec![
        ("topic", text(&info.topic)),
        ("dataflow", text(&info.dataflow_name)),
        ("rate", tenths(info.rate)),
        ("messages", int(info.messages)),
        ("bandwidth", size(info.bandwidth.max(0.0) as u64)),
        ("dropped", int(info.dropped)),
        ("node_loss", text(info.node_loss)),
        ("subscribers", Value::list(subscribers.collect::<Vec<_>>())),
        ("type", maybe(info.data_type.as_ref(), text)),
        ("last", maybe(info.last, moment)),
        ("bytes", size(info.bytes)),
        ("largest", size(info.largest)),
        ("fallbacks", int(info.fallbacks)),
        ("path", text(info.path)),
        ("node", text(&info.topic.node)),
        ("output", text(&info.topic.output)),
    ]
}

/// Everything about one topic: as a row, with a message of it and the edges it feeds.
pub(crate) fn topic_details(info: &TopicInfo, message: Option<&TopicMessage>, edges: Vec<Value>) -> Value {
    let mut record: Record = topic_fields(info).into_iter().collect();
    let payload = message.and_then(|message| table::payload::read(message.data.as_ref()?).ok());
    let shape = |shape: Vec<usize>| shape.into_iter().map(|size| int(size as u64)).collect::<Vec<_>>();
    record.insert("schema", maybe(message.and_then(type_of), text));
    record.insert("shape", maybe(payload, |payload| Value::list(shape(payload.shape))));
    record.insert("size", maybe(message, |message| size(message.size)));
    let keys = |message: &TopicMessage| message.own_parameters().into_keys().map(text).collect::<Vec<_>>();
    record.insert("metadata", maybe(message, |message| Value::list(keys(message))));
    record.insert("subscribers", Value::list(edges));
    Value::record(record.with_resource(Some("topic")))
}

/// A message of a topic that is called `name`.
pub(crate) fn message(name: &str, message: &TopicMessage) -> Value {
    let (value, of) = contents(message);
    let fields = [
        ("time", moment(message.time)),
        ("topic", Value::from(name)),
        ("value", value),
        (
            "metadata",
            Value::record(message.own_parameters().iter().map(|(name, it)| (name.as_str(), parameter(it))).collect()),
        ),
        ("type", maybe(of, text)),
        ("size", size(message.size)),
        ("latency", three_digits(message.time.since(message.sent))),
        ("sequence", int(message.sequence)),
        ("missed", int(message.missed)),
    ];
    row(fields, None)
}

/// The value of a message and its type: Arrow's, `bytes` for what is no Arrow, none for a message without data.
fn contents(message: &TopicMessage) -> (Value, Option<String>) {
    let Some(data) = &message.data else { return (Value::Nothing, None) };
    if !message.is_arrow() {
        return (Value::binary(data.to_vec()), Some("bytes".to_string()));
    }
    match table::payload::read(data) {
        Ok(payload) => (payload.value, Some(payload.of)),
        // The flow goes on, and so does who watches it.
        Err(error) => {
            let why = error.causes.first().map_or(error.message.as_str(), |cause| cause.title.as_str());
            (Value::binary(data.to_vec()), Some(format!("unreadable: {why}")))
        }
    }
}

fn type_of(message: &TopicMessage) -> Option<String> {
    contents(message).1
}

/// A parameter of a message's metadata.
fn parameter(parameter: &Parameter) -> Value {
    fn list<T: Clone>(items: &[T], make: impl Fn(T) -> Value) -> Value {
        Value::list(items.iter().cloned().map(make).collect::<Vec<_>>())
    }
    match parameter {
        Parameter::Bool(b) => Value::Bool(*b),
        Parameter::Integer(n) => Value::Int(*n),
        Parameter::String(text) => Value::string(text.as_str()),
        Parameter::ListInt(items) => list(items, Value::Int),
        Parameter::Float(x) => Value::Float(*x),
        Parameter::ListFloat(items) => list(items, Value::Float),
        Parameter::ListString(items) => list(items, Value::string),
        Parameter::Timestamp(at) => maybe(at.timestamp_nanos_opt(), |nanos| moment(UnixNanos(nanos))),
    }
}

/// Metadata for a message.
pub(crate) fn parameters(metadata: &Record) -> Result<MetadataParameters> {
    let named = metadata.iter().map(|(name, value)| match to_parameter(value) {
        Some(parameter) => Ok((name.to_string(), parameter)),
        None => Err(Diagnostic::new(
            codes::NOT_A_MESSAGE,
            format!("metadata cannot hold `{name}`, which is {}", value.type_of()),
        )
        .help("it holds bools, numbers, strings, datetimes, and lists of numbers or of strings")),
    });
    named.collect()
}

fn to_parameter(value: &Value) -> Option<Parameter> {
    Some(match value {
        Value::Bool(b) => Parameter::Bool(*b),
        Value::Int(n) | Value::Filesize(n) => Parameter::Integer(*n),
        Value::Float(x) => Parameter::Float(*x),
        Value::String(text) => Parameter::String(text.to_string()),
        Value::DateTime(at) => runtime::model::moment_parameter(nanos(*at)),
        Value::List(items) => {
            let ints = || items.iter().map(Value::as_int).collect();
            let floats = || items.iter().map(Value::as_float).collect();
            let texts = || items.iter().map(|item| item.as_str().map(str::to_string)).collect();
            let numbers =
                || Option::map(ints(), Parameter::ListInt).or_else(|| Option::map(floats(), Parameter::ListFloat));
            numbers().or_else(|| Option::map(texts(), Parameter::ListString))?
        }
        _ => return None,
    })
}

/// What was measured of a topic.
pub(crate) struct Measured {
    /// Messages per second.
    pub rate: f64,
    /// Bytes per second.
    pub bandwidth: f64,
    pub messages: u64,
    pub missed: u64,
    pub intervals: Option<Statistics>,
}

pub(crate) fn rate(now: UnixNanos, name: &str, measured: &Measured) -> Value {
    // What a clock says of messages is worth no more than microseconds.
    let micros = |seconds: f64| Value::Duration((seconds * 1e6).round() as i64 * 1000);
    let of = |pick: fn(&Statistics) -> Option<f64>| maybe(measured.intervals.as_ref().and_then(pick), micros);
    let fields = [
        ("time", moment(now)),
        ("topic", Value::from(name)),
        ("rate", Value::Float((measured.rate * 100.0).round() / 100.0)),
        ("mean", of(|it| Some(it.mean))),
        ("min", of(|it| Some(it.min))),
        ("max", of(|it| Some(it.max))),
        ("stddev", of(|it| Some(it.stddev))),
        ("jitter", of(|it| it.jitter)),
        ("bandwidth", size(measured.bandwidth.round() as u64)),
        ("messages", int(measured.messages)),
        ("missed", int(measured.missed)),
    ];
    row(fields, None)
}

/// What was published through a topic.
pub(crate) fn published(info: &TopicInfo, messages: u64, inputs: u64, bytes: u64, took: Duration) -> Value {
    let fields = [
        ("topic", text(&info.topic)),
        ("dataflow", text(&info.dataflow_name)),
        ("messages", int(messages)),
        ("inputs", int(inputs)),
        ("bytes", size(bytes)),
        ("took", duration(took)),
    ];
    row(fields, None)
}

pub(crate) fn log(record: &LogRecord) -> Value {
    let fields = [
        ("time", moment(record.time)),
        ("node", maybe(record.node.as_ref(), text)),
        ("level", text(record.level)),
        ("message", text(&record.message)),
        ("stream", text(record.stream)),
        ("target", maybe(record.target.as_ref(), text)),
        ("fields", Value::record(record.fields.iter().map(|(name, value)| (name.as_str(), text(value))).collect())),
    ];
    row(fields, None)
}

pub(crate) fn event(event: &Event) -> Value {
    let (kind, from, to, count) = match &event.kind {
        EventKind::Transition { from, to } => ("transition", text(from), text(to), Value::Nothing),
        EventKind::Notice { count, .. } => ("notice", Value::Nothing, Value::Nothing, int(*count)),
        EventKind::Removed => ("removed", Value::Nothing, Value::Nothing, Value::Nothing),
    };
    let fields = [
        ("time", moment(event.time)),
        ("dataflow", text(&event.dataflow_name)),
        ("node", maybe(event.node.as_ref(), text)),
        ("to", to),
        ("why", text(&event.why)),
        ("from", from),
        ("kind", Value::from(kind)),
        ("count", count),
    ];
    row(fields, None)
}

/// A moment of the language as the runtime tells it.
pub(crate) fn nanos(at: DateTime) -> UnixNanos {
    UnixNanos(at.nanos)
}
