//! A plan as a graph: what feeds what.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use dora_message::config::InputMapping;

use super::module::Module;
use super::plan::{Plan, PlannedInput, PlannedNode};

/// One input and what feeds it.
pub struct Edge<'a> {
    /// `node/output`, `dora/timer/…` or `dora/logs…`.
    pub source: String,
    pub node: &'a PlannedNode,
    pub input: &'a PlannedInput,
    /// The type that the output declares, else the input.
    pub data_type: Option<&'a str>,
}

/// The edges of a plan, by node and in its order.
pub fn edges(plan: &Plan) -> Vec<Edge<'_>> {
    let of = |node| plan.nodes.iter().find(|planned| planned.id == node);
    let inputs = plan.nodes.iter().flat_map(|node| node.inputs.iter().map(move |input| (node, input)));
    inputs
        .map(|(node, input)| {
            let given = match &input.mapping {
                InputMapping::User(from) => {
                    of(from.source.clone()).and_then(|source| source.run_config.output_types.get(&from.output))
                }
                _ => None,
            };
            let data_type = given.or_else(|| node.run_config.input_types.get(&input.id)).map(String::as_str);
            Edge { source: input.mapping.to_string(), node, input, data_type }
        })
        .collect()
}

/// The graph as a flow chart in Mermaid's language: what only gives and what only takes have shapes of their own, and
/// the nodes of a module stand in a box.
pub fn mermaid(plan: &Plan, modules: &[Module]) -> String {
    let mut text = String::from("flowchart TB\n");
    let mut line = |line: std::fmt::Arguments<'_>| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{line}");
    };
    let names: HashMap<String, String> =
        plan.nodes.iter().enumerate().map(|(at, node)| (node.id.to_string(), format!("n{at}"))).collect();
    let shape = |node: &PlannedNode| {
        let id = node.id.to_string();
        let name = &names[&id];
        let id = quoted(&id);
        match (node.inputs.is_empty(), node.run_config.outputs.is_empty()) {
            (true, false) => format!("{name}[\\{id}/]"),
            (false, true) => format!("{name}[/{id}\\]"),
            _ => format!("{name}[{id}]"),
        }
    };
    for (at, module) in modules.iter().enumerate() {
        line(format_args!("  subgraph m{at} [{}]", quoted(&module.id)));
        for node in plan.nodes.iter().filter(|node| module.nodes.iter().any(|id| *id == node.id.to_string())) {
            line(format_args!("    {}", shape(node)));
        }
        line(format_args!("  end"));
    }
    let alone =
        |node: &&PlannedNode| !modules.iter().any(|module| module.nodes.iter().any(|id| *id == node.id.to_string()));
    for node in plan.nodes.iter().filter(alone) {
        line(format_args!("  {}", shape(node)));
    }
    let edges = edges(plan);
    let own: BTreeSet<&str> =
        edges.iter().map(|edge| edge.source.as_str()).filter(|source| source.starts_with("dora/")).collect();
    let own: HashMap<&str, String> =
        own.into_iter().enumerate().map(|(at, source)| (source, format!("d{at}"))).collect();
    let mut sorted: Vec<_> = own.iter().collect();
    sorted.sort();
    for (source, name) in sorted {
        line(format_args!("  {name}([{}])", quoted(source)));
    }
    for edge in &edges {
        let (node, output) = edge.source.split_once('/').unwrap_or((&edge.source, ""));
        let from = own.get(edge.source.as_str()).or_else(|| names.get(node));
        let (Some(from), Some(to)) = (from, names.get(&edge.node.id.to_string())) else { continue };
        let input = edge.input.id.to_string();
        let mut label = match edge.source.starts_with("dora/") || output == input {
            true => input,
            false => format!("{output} as {input}"),
        };
        if let Some(short) = edge.data_type.and_then(|name| name.split('[').next()?.rsplit('/').next()) {
            label = format!("{label}: {short}");
        }
        line(format_args!("  {from} -- {} --> {to}", quoted(&label)));
    }
    text
}

/// A text as Mermaid takes it whole.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "#quot;"))
}
