//! Nodes: the processes of dataflows.

use engine::Command;

pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod logs;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[&inspect::INSPECT, &list::LIST, &logs::LOGS];

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
        (Some(first), Some(second)) => {
            Err(Diagnostic::new(codes::AMBIGUOUS_DATAFLOW, format!("several dataflows have a node `{node}`"))
                .label(place, "which one?")
                .help(format!("write `{}/{node}` or `{}/{node}`", first.dataflow_name, second.dataflow_name)))
        }
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
