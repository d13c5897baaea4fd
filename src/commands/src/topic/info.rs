use std::time::Duration;

use futures::StreamExt;

use super::DATAFLOW;
use crate::ask;
use crate::model;
use crate::prelude::*;

/// How long a message is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

pub static INFO: Command = Command {
    name: "topic info",
    category: Category::Node,
    summary: "Gives all that is known about a topic: who takes it, how fast it is, and what its messages look like",
    details: "`type` is what the dataflow file declares; `schema`, `shape` and `metadata` are of the next message, \
        which is waited for, and null when none comes. `node_loss` says whether a consumer can lose messages where \
        nobody can count them.",
    params: &[
        Param::optional(
            "topic",
            Takes::Name("topic"),
            "`node/output`, or `dataflow/node/output`; the row that flows in without it",
        ),
        DATAFLOW,
        Param::flag("wait-timeout", None, Takes::Type("duration"), "How long to wait for a message; 2sec by default"),
        WATCH,
        INTERVAL,
    ],
    io: &[("nothing", "record"), ("record", "record"), ("string", "record")],
    examples: &[
        try_it("One", "topic info camera/image"),
        try_it("What waits in the queues it fills", "topic info camera/image | get subscribers | select node queued"),
    ],
    search: &["show", "inspect", "schema", "type", "subscribers"],
    run: |call, input| {
        let patience = call.optional("wait-timeout")?.unwrap_or(PATIENCE);
        let info = super::topic(call, input)?;
        let message = match super::tap(call, std::slice::from_ref(&info), true) {
            Ok(mut messages) => {
                let next = async { tokio::time::timeout(patience, messages.next()).await };
                let next = call.context().block_on(next)?.ok().flatten();
                next.map(|next| crate::rows::here(call, next)).transpose()?.map(|(_, message)| message)
            }
            // All else is known of what goes from node to node.
            Err(error) if error.code == codes::DIRECT_OUTPUT => None,
            Err(error) => return Err(error),
        };
        let handle = ask::handle(call)?;
        let id = info.dataflow;
        let details = ask::answer(call, async move { handle.inspect(id).await })?;
        let name = info.topic.to_string();
        let edges = details.edges.iter().filter(|edge| edge.source == name);
        Ok(Data::Value(model::topic_details(&info, message.as_ref(), edges.map(model::edge).collect())))
    },
    ..Command::DEFAULT
};
