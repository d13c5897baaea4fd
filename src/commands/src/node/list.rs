use runtime::model::{NodeQuery, NodeRef};

use crate::ask;
use crate::model;
use crate::prelude::*;

pub static LIST: Command = Command {
    name: "node list",
    category: Category::Node,
    summary: "Lists nodes with their processes, load and message counts",
    params: &[
        Param::optional("dataflow", Takes::Name("dataflow"), "Only of this one"),
        Param::flag("status", Some('s'), Takes::Words(model::NODE_STATUSES), "Only those in this state"),
        Param::switch("all", Some('a'), "Of ended dataflows too"),
        WATCH,
        INTERVAL,
    ],
    io: &[
        ("nothing", model::NODES),
        ("record", model::NODES),
        ("table", model::NODES),
        ("list<any>", model::NODES),
        ("string", model::NODES),
    ],
    examples: &[
        try_it("What works hard", "node list | where cpu > 80"),
        try_it("Of one dataflow", "node list camera | select name status memory"),
    ],
    search: &["ps", "processes", "top"],
    yields: Some("node"),
    run: |call, input| {
        let mut infos = Vec::new();
        for dataflow in crate::dataflow::scopes(call, input)? {
            let query = NodeQuery { dataflow, all: call.switch("all") };
            let handle = ask::handle(call)?;
            infos.extend(ask::answer(call, async move { handle.nodes(query).await })?);
        }
        if let Some(status) = call.optional::<String>("status")? {
            infos.retain(|info| info.status.as_str() == status);
        }
        model::table(infos.iter().map(model::node).collect(), model::NODES, Some("node"))
    },
    ..Command::DEFAULT
};

pub static STATUS: Command = Command {
    name: "node status",
    category: Category::Node,
    summary: "Tells in which state a node is, since when, and why",
    params: &[
        Param::optional("node", Takes::Name("node"), "Its name, or `dataflow/node`; the row that flows in without it"),
        Param::flag("dataflow", Some('d'), Takes::Name("dataflow"), "The dataflow it belongs to"),
        WATCH,
        INTERVAL,
    ],
    io: &[
        ("nothing", STATE),
        ("record", STATE),
        ("table", "list<record>"),
        ("list<any>", "list<record>"),
        ("string", STATE),
    ],
    examples: &[try_it("One", "node status camera/detector")],
    search: &["state", "health", "alive"],
    run: |call, input| super::each(call, input, |at| state(call, at)),
    ..Command::DEFAULT
};

fn state(call: &Call<'_>, at: NodeRef) -> Result<Value> {
    let handle = ask::handle(call)?;
    let query = NodeQuery { dataflow: Some(at.dataflow.clone()), all: true };
    let infos = ask::answer(call, async move { handle.nodes(query).await })?;
    let Some(info) = infos.iter().find(|info| info.node == at.node) else {
        return Err(super::unknown(at.node.as_ref(), infos.iter().map(|info| info.node.to_string()))
            .label(call.span("node"), "here"));
    };
    let Value::Record(row) = model::node(info) else { return Ok(Value::Nothing) };
    let wanted = ["name", "dataflow", "status", "pid", "uptime", "restarts", "exit", "cause", "culprit"];
    let fields = wanted.into_iter().map(|name| (name, row.get(name).cloned().unwrap_or(Value::Nothing)));
    Ok(Value::record(fields.collect()))
}

/// What `node status` gives.
const STATE: &str = "record<name: string, dataflow: string, status: string, pid: int, uptime: duration, restarts: int, \
    exit: string, cause: string, culprit: string>";
