use crate::ask;
use crate::model;
use crate::prelude::*;

pub static INSPECT: Command = Command {
    name: "dataflow inspect",
    category: Category::Dataflow,
    summary: "Gives all that is known about a dataflow: its nodes, edges, history and descriptor",
    params: &[
        Param::optional("dataflow", Takes::Name("dataflow"), "Its name or id; the row that flows in without it"),
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
        try_it("One", "dataflow inspect camera"),
        try_it("Its slow edges", "dataflow inspect camera | get edges | where latency_p99 > 10ms"),
    ],
    search: &["show", "describe", "details"],
    run: |call, input| {
        let many = input.is_many();
        let names = super::named(call, "dataflow", input)?;
        let handle = ask::handle(call)?;
        let mut all = Vec::with_capacity(names.len());
        for name in names {
            let handle = handle.clone();
            let details = ask::answer(call, async move { handle.inspect(name).await })?;
            all.push(model::details(&details));
        }
        Ok(Data::Value(if many { Value::list(all) } else { all.pop().unwrap_or(Value::Nothing) }))
    },
    ..Command::DEFAULT
};
