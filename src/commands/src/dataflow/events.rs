use runtime::model::EventQuery;

use crate::ask;
use crate::model;
use crate::prelude::*;

pub static EVENTS: Command = Command {
    name: "dataflow events",
    category: Category::Dataflow,
    summary: "Gives what happened to dataflows and their nodes: every change of status, and why",
    params: &[
        Param::optional("dataflow", Takes::Name("dataflow"), "Only of this one"),
        Param::switch("follow", Some('f'), "Go on with what happens"),
    ],
    io: &[
        ("nothing", model::EVENTS),
        ("record", model::EVENTS),
        ("table", model::EVENTS),
        ("list<any>", model::EVENTS),
        ("string", model::EVENTS),
    ],
    examples: &[try_it("Of one", "dataflow events camera"), try_it("As they happen", "dataflow events --follow")],
    search: &["history", "transitions"],
    run: |call, input| {
        let follow = call.switch("follow");
        let mut all = Vec::new();
        for dataflow in super::scopes(call, input)? {
            let handle = ask::handle(call)?;
            let query = EventQuery { dataflow, history: true, follow };
            all.push(ask::answer(call, async move { handle.events(query).await })?);
        }
        Ok(ask::stream(call, ask::joined(all, follow), follow, model::event))
    },
    ..Command::DEFAULT
};
