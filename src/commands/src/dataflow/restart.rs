use crate::ask;
use crate::changes::{self, DRY_RUN, FORCE, GRACE_PERIOD, WAIT_TIMEOUT};
use crate::node::change::stop_options;
use crate::prelude::*;

pub static RESTART: Command = Command {
    name: "dataflow restart",
    category: Category::Dataflow,
    summary: "Stops dataflows and starts them anew as they were started first; ended ones are started again",
    details: "The new run has the name, the text, the variables and the parameters of the old one, whatever has become of the \
              file since. `--rolling` restarts the nodes of the same run one after the other instead, each once the one before \
              is ready, so that the dataflow never stands still.",
    params: &[
        Param::rest("dataflows", Takes::Name("dataflow"), "Names or ids; the rows that flow in without any"),
        Param::switch("rolling", None, "Restart one node after the other"),
        GRACE_PERIOD,
        FORCE,
        WAIT_TIMEOUT,
        DRY_RUN,
    ],
    io: changes::IO,
    examples: &[
        try_it("One", "dataflow restart camera"),
        try_it("Without standing still", "dataflow restart camera --rolling"),
        try_it("What failed", "dataflow list --all | where status == failed | restart"),
    ],
    search: &["reset", "again"],
    run: |call, input| {
        let targets = changes::targets(call, "dataflows", input)?;
        let options = stop_options(call)?;
        let rolling = call.switch("rolling");
        let limit = changes::wait_limit(call)?;
        let handle = ask::handle(call)?;
        changes::apply(call, "dataflow", "restart", targets, |target| {
            let (handle, key) = (handle.clone(), target.key.clone());
            changes::within(limit, Box::pin(async move { handle.restart(key, options, rolling).await.map(|_| None) }))
        })
    },
    ..Command::DEFAULT
};
