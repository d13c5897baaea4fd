use crate::ask;
use crate::changes::{self, DRY_RUN, FORCE, GRACE_PERIOD};
use crate::node::change::stop_options;
use crate::prelude::*;

pub static STOP: Command = Command {
    name: "dataflow stop",
    category: Category::Dataflow,
    summary: "Stops dataflows: nodes are asked, then told, then killed",
    params: &[
        Param::rest("dataflows", Takes::Name("dataflow"), "Names or ids; the rows that flow in without any"),
        GRACE_PERIOD,
        FORCE,
        DRY_RUN,
    ],
    io: changes::IO,
    examples: &[
        try_it("One", "dataflow stop camera"),
        try_it("All that run", "dataflow list | where status == running | stop"),
    ],
    search: &["end", "kill", "down"],
    run: |call, input| {
        let targets = changes::targets(call, "dataflows", input)?;
        let options = stop_options(call)?;
        let handle = ask::handle(call)?;
        changes::apply(call, "dataflow", "stop", targets, |target| {
            let (handle, key) = (handle.clone(), target.key.clone());
            Box::pin(async move {
                let info = handle.stop(key, options).await?;
                Ok(Some(format!("dataflow restart {}", value::literal::bare_or_quoted(&info.name))))
            })
        })
    },
    ..Command::DEFAULT
};
