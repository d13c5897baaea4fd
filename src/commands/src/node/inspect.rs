use runtime::model::NodeRef;

use crate::ask;
use crate::model;
use crate::prelude::*;

pub static INSPECT: Command = Command {
    name: "node inspect",
    category: Category::Node,
    summary: "Gives all that is known about a node: its process, its inputs with their queues, and what feeds on it",
    params: &[
        Param::optional("node", Takes::Name("node"), "Its name, or `dataflow/node`; the row that flows in without it"),
        Param::flag("dataflow", Some('d'), Takes::Name("dataflow"), "The dataflow it belongs to"),
        WATCH,
        LIVE,
        INTERVAL,
    ],
    io: &[
        ("nothing", "record"),
        ("record", "record"),
        ("table", "list<record>"),
        ("list<any>", "list<record>"),
        ("string", "record"),
    ],
    examples: &[
        try_it("One", "node inspect camera/detector"),
        try_it("Its inputs", "node inspect detector | get inputs"),
    ],
    search: &["show", "details", "queues"],
    run: |call, input| super::each(call, input, |at| details(call, at)),
    ..Command::DEFAULT
};

fn details(call: &Call<'_>, NodeRef { dataflow, node }: NodeRef) -> Result<Value> {
    let handle = ask::handle(call)?;
    let details = ask::answer(call, async move { handle.inspect(dataflow).await })?;
    let Some(info) = details.nodes.iter().find(|info| info.node == node) else {
        return Err(super::unknown(node.as_ref(), details.nodes.iter().map(|info| info.node.to_string()))
            .label(call.span("node"), "here"));
    };
    let edges = |wanted: &dyn Fn(&runtime::model::EdgeInfo) -> bool| {
        Value::list(details.edges.iter().filter(|edge| wanted(edge)).map(model::edge).collect::<Vec<_>>())
    };
    let row = model::node(info);
    let Value::Record(row) = &row else { return Ok(row) };
    let mut record = (**row).clone();
    let prefix = format!("{node}/");
    record.insert("inputs", edges(&|edge| edge.node == info.node));
    record.insert("outputs", edges(&|edge| edge.source.starts_with(&prefix)));
    let history = details.history.iter().filter(|event| event.node.as_ref() == Some(&info.node));
    record.insert("history", Value::list(history.map(model::event).collect::<Vec<_>>()));
    Ok(Value::record(record))
}
