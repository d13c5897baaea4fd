use runtime::model::{DataflowRef, EventQuery};

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
    io: &[("nothing", model::EVENTS), ("record", model::EVENTS), ("string", model::EVENTS)],
    examples: &[try_it("Of one", "dataflow events camera"), try_it("As they happen", "dataflow events --follow")],
    search: &["history", "transitions"],
    run: |call, input| {
        let dataflow = match super::named(call, "dataflow", input) {
            Ok(names) => names.into_iter().next().map(DataflowRef),
            Err(error) if error.code == codes::NO_TARGET => None,
            Err(error) => return Err(error),
        };
        let follow = call.switch("follow");
        let handle = ask::handle(call)?;
        let query = EventQuery { dataflow, history: true, follow };
        let events = ask::answer(call, async move { handle.events(query).await })?;
        Ok(ask::stream(call, events, follow, model::event))
    },
    ..Command::DEFAULT
};
