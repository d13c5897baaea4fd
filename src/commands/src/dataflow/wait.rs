use runtime::model::WaitCondition;

use crate::ask;
use crate::model;
use crate::prelude::*;

pub static WAIT: Command = Command {
    name: "dataflow wait",
    category: Category::Dataflow,
    summary: "Waits until a dataflow has ended, or runs, and gives its row",
    details: "One that failed is an error, unless `--allow-failure`.",
    params: &[
        Param::optional("dataflow", Takes::Name("dataflow"), "Its name or id; the row that flows in without it"),
        Param::flag("until", Some('u'), Takes::Words(&["ended", "running", "paused"]), "For what; `ended` by default"),
        Param::flag("timeout", Some('t'), Takes::Type("duration"), "How long at most"),
        Param::switch("allow-failure", None, "Give the row of one that failed too"),
    ],
    io: &[("nothing", model::DATAFLOW), ("record", model::DATAFLOW), ("string", model::DATAFLOW)],
    examples: &[try_it("Its end", "dataflow start job.yml | wait --timeout 10min")],
    yields: Some("dataflow"),
    run: |call, input| {
        let name = super::one(call, "dataflow", input)?;
        let condition = match call.value("until").and_then(Value::as_str) {
            Some("running") => WaitCondition::Running,
            Some("paused") => WaitCondition::Paused,
            _ => WaitCondition::Ended,
        };
        let timeout = call.optional("timeout")?;
        let handle = ask::handle(call)?;
        let info = ask::answer(call, async move { handle.wait(name, condition, timeout).await })?;
        match super::start::failure(call.command.name, &info) {
            Some(error) if !call.switch("allow-failure") => Err(error.label(call.head, "waited for it")),
            _ => Ok(Data::Value(model::dataflow(&info))),
        }
    },
    ..Command::DEFAULT
};
