use runtime::descriptor::graph;

use crate::dataflow::start::{self, FILE, WORKING_DIR};
use crate::prelude::*;

pub static GRAPH: Command = Command {
    name: "dataflow graph",
    category: Category::Dataflow,
    summary: "Gives what feeds what in a dataflow, as a table or as a Mermaid chart",
    details: "There is a row for each input, and one for each node that has none.",
    params: &[
        FILE,
        WORKING_DIR,
        Param::switch("mermaid", None, "As the text of a Mermaid flow chart, which GitHub and mermaid.live draw"),
    ],
    io: &[(
        "nothing",
        "table<node: string, input: string, from: string, type: string, queue_size: int, queue_policy: string, \
         program: string, module: string>",
    )],
    examples: &[
        try_it("As a table", "dataflow graph camera.yml"),
        try_it("What reads the camera", "dataflow graph camera.yml | where from starts-with camera/"),
        try_it("As a drawing", "dataflow graph camera.yml --mermaid | save camera.mmd"),
    ],
    search: &["visualize", "draw", "edges", "topology"],
    infer: Some(|shape| shape.switch("mermaid").then(|| Type::parse("string").ok()).flatten()),
    run: |call, _| {
        let (_, mut options) = start::options(call)?;
        // Nothing is run here.
        options.allow_shell_nodes = true;
        let checked = super::validate::load(call, &options)?;
        if call.switch("mermaid") {
            return Ok(Data::Value(Value::string(graph::mermaid(&checked.plan, &checked.modules))));
        }
        let edges = graph::edges(&checked.plan);
        let mut rows = Vec::new();
        for node in &checked.plan.nodes {
            let id = node.id.to_string();
            let module = checked.modules.iter().find(|module| module.nodes.contains(&id)).map(|module| &module.id);
            let row = |edge: Option<&graph::Edge<'_>>| {
                let fields = [
                    ("node", Value::string(&id)),
                    ("input", edge.map(|edge| edge.input.id.to_string()).into()),
                    ("from", edge.map(|edge| edge.source.clone()).into()),
                    ("type", edge.and_then(|edge| edge.data_type).map(str::to_string).into()),
                    ("queue_size", edge.and_then(|edge| i64::try_from(edge.input.queue_size).ok()).into()),
                    ("queue_policy", edge.map(|edge| edge.input.policy.to_string()).into()),
                    ("program", Value::string(&node.source)),
                    ("module", module.cloned().into()),
                ];
                Value::record(fields.into_iter().collect())
            };
            let before = rows.len();
            rows.extend(edges.iter().filter(|edge| edge.node.id == node.id).map(|edge| row(Some(edge))));
            if rows.len() == before {
                rows.push(row(None));
            }
        }
        Ok(Data::Value(Value::list(rows)))
    },
    ..Command::DEFAULT
};
