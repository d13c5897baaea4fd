use runtime::Handle;
use runtime::model::{NodeRef, PathChoice, StopOptions};

use crate::ask;
use crate::changes::{self, DRY_RUN, FORCE, GRACE_PERIOD, WAIT_TIMEOUT};
use crate::prelude::*;

const NODES: Param =
    Param::rest("nodes", Takes::Name("node"), "Names, or `dataflow/node`; the rows that flow in without any");
pub(super) const DATAFLOW: Param =
    Param::flag("dataflow", Some('d'), Takes::Name("dataflow"), "The dataflow they belong to");

pub static START: Command = Command {
    name: "node start",
    category: Category::Node,
    summary: "Starts nodes that do not run, in a dataflow that does",
    details: "Consumers whose input had closed with the node are told that it is open again.",
    params: &[NODES, DATAFLOW, WAIT_TIMEOUT, DRY_RUN],
    io: changes::IO,
    examples: &[try_it("One that was stopped", "node start camera/detector")],
    search: &["up", "resume"],
    run: |call, input| {
        change(call, input, "start", |handle, at| {
            Box::pin(async move {
                handle.start_node(at.clone()).await?;
                Ok(Some(format!("node stop {}", super::written(&at))))
            })
        })
    },
    ..Command::DEFAULT
};

pub static STOP: Command = Command {
    name: "node stop",
    category: Category::Node,
    summary: "Stops nodes while their dataflow goes on; they can be started again",
    details: "The inputs of their consumers stay open, and what waits for the nodes is kept as far as their queues reach.",
    params: &[NODES, DATAFLOW, GRACE_PERIOD, FORCE, DRY_RUN],
    io: changes::IO,
    examples: &[
        try_it("One", "node stop camera/detector"),
        try_it("What uses too much memory", "node list | where memory > 2gb | stop"),
    ],
    search: &["kill", "end"],
    run: |call, input| {
        let options = stop_options(call)?;
        change(call, input, "stop", move |handle, at| {
            Box::pin(async move {
                handle.stop_node(at.clone(), options).await?;
                Ok(Some(format!("node start {}", super::written(&at))))
            })
        })
    },
    ..Command::DEFAULT
};

pub static RESTART: Command = Command {
    name: "node restart",
    category: Category::Node,
    summary: "Stops nodes and starts them again; their consumers go on and are told of it",
    details: "It counts as no crash. What waits for a node is kept for its new process. Returns when the nodes are ready. \
              `--path direct` sends their outputs through shared memory from then on; \
              `--path routed` brings them back through the runtime, where they can be seen and held.",
    params: &[
        NODES,
        DATAFLOW,
        Param::flag("path", None, Takes::Words(&["auto", "routed", "direct"]), "Which way their outputs take"),
        GRACE_PERIOD,
        FORCE,
        WAIT_TIMEOUT,
        DRY_RUN,
    ],
    io: changes::IO,
    examples: &[
        try_it("One", "node restart camera/detector"),
        try_it("What works too hard", "node list | where cpu > 80 | restart"),
    ],
    search: &["reset", "again"],
    run: |call, input| {
        let options = stop_options(call)?;
        let path = call.optional::<String>("path")?.and_then(|word| word.parse::<PathChoice>().ok());
        change(call, input, "restart", move |handle, at| {
            Box::pin(async move {
                let restarted = match path {
                    Some(path) => handle.reroute_node(at, options, path).await,
                    None => handle.restart_node(at, options).await,
                };
                restarted.map(|_| None)
            })
        })
    },
    ..Command::DEFAULT
};

pub static RELOAD: Command = Command {
    name: "node reload",
    category: Category::Node,
    summary: "Tells nodes to load their code again, which Python operators do",
    params: &[
        NODES,
        DATAFLOW,
        Param::flag("operator", Some('o'), Takes::Type("string"), "Only this operator of theirs"),
        DRY_RUN,
    ],
    io: changes::IO,
    examples: &[try_it("An operator whose file has changed", "node reload vision/detector --operator boxes")],
    search: &["hot", "refresh"],
    run: |call, input| {
        let operator: Option<String> = call.optional("operator")?;
        change(call, input, "reload", move |handle, at| {
            let operator = operator.clone();
            Box::pin(async move { handle.reload_node(at, operator).await.map(|()| None) })
        })
    },
    ..Command::DEFAULT
};

/// How a call says that something is to be stopped.
pub(crate) fn stop_options(call: &Call<'_>) -> Result<StopOptions> {
    Ok(StopOptions { grace: call.optional("grace-period")?, force: call.switch("force") })
}

/// Does something to each node that a call means.
fn change(
    call: &Call<'_>,
    input: Data,
    action: &'static str,
    work: impl Fn(Handle, NodeRef) -> changes::Work,
) -> Result<Data> {
    let (targets, nodes): (Vec<_>, Vec<_>) = super::targets(call, input)?.into_iter().unzip();
    let handle = ask::handle(call)?;
    let limit = changes::wait_limit(call)?;
    changes::apply_each(call, "node", action, targets.into_iter().zip(nodes), |at: &NodeRef| {
        changes::within(limit, work(handle.clone(), at.clone()))
    })
}
