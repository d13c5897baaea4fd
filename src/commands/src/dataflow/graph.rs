use runtime::descriptor::Checked;
use runtime::descriptor::graph::{self, Edge};
use runtime::descriptor::plan::PlannedNode;

use crate::dataflow::start::{self, FILE, WORKING_DIR};
use crate::prelude::*;

const GRAPH_TYPE: &str = "record<nodes: table<name: string, source: string, inputs: list<string>, outputs: list<string>, \
    module: string>, edges: table<from: string, to: string, type: string, queue_size: int, queue_policy: string>>";

pub static GRAPH: Command = Command {
    name: "dataflow graph",
    category: Category::Dataflow,
    summary: "Gives the nodes of a dataflow and what feeds what, as tables or as a Mermaid chart",
    params: &[
        FILE,
        WORKING_DIR,
        Param::switch("mermaid", None, "As the text of a Mermaid flow chart, which GitHub and mermaid.live draw"),
    ],
    io: &[("nothing", GRAPH_TYPE)],
    examples: &[
        try_it("As tables", "dataflow graph camera.yml"),
        try_it("What reads the camera", "dataflow graph camera.yml | get edges | where from starts-with camera/"),
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
        let nodes: Vec<Value> = checked.plan.nodes.iter().map(|planned| node(planned, &checked)).collect();
        let edges: Vec<Value> = graph::edges(&checked.plan).iter().map(edge).collect();
        let fields = [("nodes", Value::list(nodes)), ("edges", Value::list(edges))];
        Ok(Data::Value(Value::record(fields.into_iter().collect())))
    },
    ..Command::DEFAULT
};

fn node(planned: &PlannedNode, checked: &Checked) -> Value {
    let id = planned.id.to_string();
    let texts = |names: Vec<String>| Value::list(names.into_iter().map(Value::string).collect::<Vec<_>>());
    let module = checked.modules.iter().find(|module| module.nodes.contains(&id)).map(|module| module.id.clone());
    let fields = [
        ("name", Value::string(&id)),
        ("source", Value::string(&planned.source)),
        ("inputs", texts(planned.inputs.iter().map(|input| input.id.to_string()).collect())),
        ("outputs", texts(planned.run_config.outputs.iter().map(ToString::to_string).collect())),
        ("module", module.into()),
    ];
    Value::record(fields.into_iter().collect())
}

fn edge(edge: &Edge<'_>) -> Value {
    let fields = [
        ("from", Value::string(&edge.source)),
        ("to", Value::string(format!("{}/{}", edge.node.id, edge.input.id))),
        ("type", edge.data_type.map(str::to_string).into()),
        ("queue_size", Value::Int(i64::try_from(edge.input.queue_size).unwrap_or(i64::MAX))),
        ("queue_policy", Value::string(edge.input.policy.as_str())),
    ];
    Value::record(fields.into_iter().collect())
}
