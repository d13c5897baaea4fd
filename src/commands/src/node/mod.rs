//! Nodes: the processes of dataflows.

use engine::Command;

pub(crate) mod change;
pub(crate) mod exec;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod stats;
pub(crate) mod topology;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[
    &change::START,
    &change::STOP,
    &change::RESTART,
    &change::RELOAD,
    &exec::EXEC,
    &inspect::INSPECT,
    &list::LIST,
    &list::STATUS,
    &logs::LOGS,
    &stats::STATS,
    &topology::ADD,
    &topology::REMOVE,
    &topology::REPLACE,
    &topology::CONNECT,
    &topology::DISCONNECT,
];

use runtime::model::{NodeId, NodeInfo, NodeQuery, NodeRef};

use crate::ask;
use crate::changes::{self, Target};
use crate::prelude::*;

/// The one node that a call means: `dataflow/node`, a node's name that only one running dataflow has, or a row.
pub(crate) fn which(call: &Call<'_>, input: Data) -> Result<NodeRef> {
    let text = match call.optional::<String>("node")? {
        Some(text) => text,
        None => crate::dataflow::one(call, "node", input)?,
    };
    Ok(resolve(call, vec![Target { name: text.clone(), key: text }], "node")?.remove(0).1)
}

/// The nodes that a call means: the argument, or the rows that flow in.
pub(crate) fn all(call: &Call<'_>, input: Data) -> Result<Vec<NodeRef>> {
    let names = crate::dataflow::named(call, "node", input)?;
    let targets = names.into_iter().map(|name| Target { name: name.clone(), key: name }).collect();
    Ok(resolve(call, targets, "node")?.into_iter().map(|(_, at)| at).collect())
}

/// What a question about a node gives for each of the nodes that a call means: one value, or a list when rows flow in.
pub(crate) fn each(call: &Call<'_>, input: Data, mut ask: impl FnMut(NodeRef) -> Result<Value>) -> Result<Data> {
    if !input.is_many() || call.value("node").is_some() {
        return Ok(Data::Value(ask(which(call, input)?)?));
    }
    let answers = all(call, input)?.into_iter().map(ask).collect::<Result<Vec<Value>>>()?;
    Ok(Data::Value(Value::list(answers)))
}

/// The nodes that a changing call means: its arguments, or the rows that flow in.
pub(crate) fn targets(call: &Call<'_>, input: Data) -> Result<Vec<(Target, NodeRef)>> {
    let targets = changes::targets(call, "nodes", input)?;
    resolve(call, targets, "nodes")
}

/// Finds what each name means, with one look at what runs.
fn resolve(call: &Call<'_>, targets: Vec<Target>, param: &str) -> Result<Vec<(Target, NodeRef)>> {
    let given: Option<String> = call.optional("dataflow")?;
    let mut running = None;
    let mut found = Vec::with_capacity(targets.len());
    for target in targets {
        let at =
            |dataflow: &str, node: &str| NodeRef { dataflow: dataflow.into(), node: NodeId::from(node.to_string()) };
        let node = match (&given, target.key.split_once('/')) {
            (Some(dataflow), None) => at(dataflow, &target.key),
            (_, Some((dataflow, node))) => at(dataflow, node),
            (None, None) => {
                if running.is_none() {
                    let handle = ask::handle(call)?;
                    running = Some(ask::answer(call, async move { handle.nodes(NodeQuery::default()).await })?);
                }
                let nodes = running.as_deref().unwrap_or_default();
                only(nodes, &target.key).map_err(|error| error.label(call.span(param), "which one?"))?
            }
        };
        found.push((target, node));
    }
    Ok(found)
}

/// The node of a name, if one running dataflow alone has it.
fn only(nodes: &[NodeInfo], name: &str) -> Result<NodeRef> {
    let mut with_it = nodes.iter().filter(|info| AsRef::<str>::as_ref(&info.node) == name);
    match (with_it.next(), with_it.next()) {
        (Some(info), None) => Ok(NodeRef { dataflow: info.dataflow_name.as_str().into(), node: info.node.clone() }),
        (Some(first), Some(second)) => {
            Err(Diagnostic::new(codes::AMBIGUOUS_DATAFLOW, format!("several dataflows have a node `{name}`"))
                .help(format!("write `{}/{name}` or `{}/{name}`", first.dataflow_name, second.dataflow_name)))
        }
        (None, _) => Err(unknown(name, nodes.iter().map(|info| info.node.to_string()))),
    }
}

/// How a node is written where its dataflow is to be named too.
pub(crate) fn written(at: &NodeRef) -> String {
    value::literal::bare_or_quoted(&format!("{}/{}", at.dataflow, at.node))
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
