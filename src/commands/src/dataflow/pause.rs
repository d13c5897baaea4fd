use crate::ask;
use crate::changes::{self, DRY_RUN};
use crate::prelude::*;

const DATAFLOWS: Param =
    Param::rest("dataflows", Takes::Name("dataflow"), "Names or ids; the rows that flow in without any");

pub static PAUSE: Command = Command {
    name: "dataflow pause",
    category: Category::Dataflow,
    summary: "Holds dataflows: timers stand still and no message is delivered until they are resumed",
    details: "Processes go on, and what they send waits in the queues of its receivers; what finds no room there is dropped \
              and counted, or makes its sender wait, as the input says. `--freeze` stops the processes too.",
    params: &[DATAFLOWS, Param::switch("freeze", None, "Stop the processes too"), DRY_RUN],
    io: changes::IO,
    examples: &[
        try_it("One", "dataflow pause camera"),
        try_it("All that run", "dataflow list | where status == running | pause"),
    ],
    search: &["hold", "suspend", "freeze"],
    run: |call, input| {
        let targets = changes::targets(call, "dataflows", input)?;
        let freeze = call.switch("freeze");
        let handle = ask::handle(call)?;
        changes::apply(call, "dataflow", "pause", targets, |target| {
            let (handle, key) = (handle.clone(), target.key.clone());
            Box::pin(async move {
                let info = handle.pause(key, freeze).await?;
                Ok(Some(format!("dataflow resume {}", value::literal::bare_or_quoted(&info.name))))
            })
        })
    },
    ..Command::DEFAULT
};

pub static RESUME: Command = Command {
    name: "dataflow resume",
    category: Category::Dataflow,
    summary: "Lets paused dataflows go on: what was held is delivered first, in order",
    params: &[DATAFLOWS, DRY_RUN],
    io: changes::IO,
    examples: &[try_it("One", "dataflow resume camera")],
    search: &["continue", "unpause"],
    run: |call, input| {
        let targets = changes::targets(call, "dataflows", input)?;
        let handle = ask::handle(call)?;
        changes::apply(call, "dataflow", "resume", targets, |target| {
            let (handle, key) = (handle.clone(), target.key.clone());
            Box::pin(async move {
                let info = handle.resume(key).await?;
                Ok(Some(format!("dataflow pause {}", value::literal::bare_or_quoted(&info.name))))
            })
        })
    },
    ..Command::DEFAULT
};
