//! Nodes: the processes of dataflows.

use engine::Command;

pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod logs;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[
    &inspect::INSPECT,
    &list::LIST,
    &logs::LOGS,
];

/// The columns of a row about a node.
pub(crate) const ROW: &str = "table<name: string, dataflow: string, \
    status: string@[created building starting running paused stopping stopped failed finished restarting backoff], \
    pid: oneof<int, nothing>, cpu: oneof<float, nothing>, memory: oneof<filesize, nothing>, sent_rate: float, \
    received_rate: float, sent: int, received: int, restarts: int, uptime: oneof<duration, nothing>, \
    exit: oneof<string, nothing>, cause: oneof<string, nothing>, started: oneof<datetime, nothing>, source: string>";

/// A node as a row. `cpu` is in percent of one processor, rates are messages per second.
pub(crate) fn row(info: &NodeInfo) -> Value {
    let tenths = |x: f64| Value::Float((x * 10.0).round() / 10.0);
    let fields = [
        ("name", Value::string(info.node.to_string())),
        ("dataflow", Value::from(info.dataflow_name.as_str())),
        ("status", Value::from(info.status.as_str())),
        ("pid", info.pid.map_or(Value::Nothing, Value::from)),
        ("cpu", info.cpu.map_or(Value::Nothing, |share| tenths(share * 100.0))),
        ("memory", info.memory.map_or(Value::Nothing, bytes)),
        ("sent_rate", tenths(info.sent_rate)),
        ("received_rate", tenths(info.received_rate)),
        ("sent", count(info.sent)),
        ("received", count(info.received)),
        ("restarts", Value::from(info.restarts)),
        ("uptime", info.uptime.map_or(Value::Nothing, seconds)),
        ("exit", info.exit.map(|exit| exit.to_string()).into()),
        ("cause", info.cause.clone().into()),
        ("started", info.started.map_or(Value::Nothing, moment)),
        ("source", Value::from(info.source.as_str())),
    ];
    Value::record(fields.into_iter().collect::<Record>().with_resource(Some("node")))
}

/// A count as an int.
pub(crate) fn count(n: u64) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

/// A number of bytes as a filesize.
pub(crate) fn bytes(n: u64) -> Value {
    Value::Filesize(i64::try_from(n).unwrap_or(i64::MAX))
}

use runtime::model::NodeQuery;

use crate::ask;
use crate::prelude::*;

/// The dataflow and node that a call means: `dataflow/node`, a node's name that only one running dataflow has, or a row.
pub(crate) fn which(call: &Call<'_>, input: Data) -> Result<(String, String)> {
    let place = call.span("node");
    let text = match call.optional::<String>("node")? {
        Some(text) => text,
        None => crate::dataflow::one(call, "node", input)?,
    };
    let given: Option<String> = call.optional("dataflow")?;
    let node = match (given, text.split_once('/')) {
        (Some(dataflow), _) => return Ok((dataflow, text)),
        (None, Some((dataflow, node))) => return Ok((dataflow.to_string(), node.to_string())),
        (None, None) => text,
    };
    let handle = ask::handle(call)?;
    let nodes = ask::answer(call, async move { handle.nodes(NodeQuery::default()).await })?;
    let mut with_it = nodes.iter().filter(|info| info.node.to_string() == node);
    match (with_it.next(), with_it.next()) {
        (Some(info), None) => Ok((info.dataflow.to_string(), node)),
        (Some(first), Some(second)) => Err(Diagnostic::new(codes::AMBIGUOUS_DATAFLOW, format!("several dataflows have a node `{node}`"))
            .label(place, "which one?")
            .help(format!("write `{}/{node}` or `{}/{node}`", first.dataflow_name, second.dataflow_name))),
        (None, _) => Err(unknown(&node, nodes.iter().map(|info| info.node.to_string())).label(place, "here")),
    }
}

/// The error for a node that is not there, with the nearest names.
pub(crate) fn unknown(node: &str, known: impl Iterator<Item = String>) -> Box<Diagnostic> {
    let known: Vec<String> = known.collect();
    let error = Diagnostic::new(codes::NODE_NOT_FOUND, format!("there is no node `{node}`")).next("node list");
    match diag::suggest::did_you_mean(node, known.iter().map(String::as_str)) {
        Some(help) => error.help(help),
        None if known.is_empty() => error.help("no dataflow runs; `--dataflow` names one that has ended"),
        None => error,
    }
}
