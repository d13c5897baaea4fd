use std::time::Duration;

use futures::StreamExt;

use super::{DATAFLOW, TOPICS};
use crate::ask;
use crate::model;
use crate::prelude::*;

pub static ECHO: Command = Command {
    name: "topic echo",
    category: Category::Node,
    summary: "Gives the messages of topics as they come",
    details: "Any output of a running dataflow can be watched; it needs no debug mode, and nothing waits for whoever \
        watches: messages that come faster than they are taken are missed, and `missed` of the next one says how \
        many.\n\n\
        `value` is the list of the items of the message's Arrow array, or the item itself when there is one. Structs \
        are records; an array of bytes is binary; what is no Arrow is binary as it came. `type` is the Arrow type of \
        the items. `time` is when the runtime got the message, `latency` how long after the sender stamped it.",
    params: &[
        TOPICS,
        DATAFLOW,
        Param::flag("count", Some('n'), Takes::Type("int"), "End after so many messages"),
        Param::flag("duration", None, Takes::Type("duration"), "End after this time"),
    ],
    io: &[
        ("nothing", model::MESSAGES),
        ("record", model::MESSAGES),
        ("table", model::MESSAGES),
        ("list<any>", model::MESSAGES),
        ("string", model::MESSAGES),
    ],
    examples: &[
        try_it("The first three", "topic echo camera/image | first 3"),
        try_it("Where something happens", "topic echo imu/motion | where $it.value.ax > 1"),
        try_it("How large pictures are", "topic echo camera/image --count 30 | get size | math avg"),
        try_it("All of a node, for a second", "topic list | where node == imu | topic echo --duration 1sec"),
    ],
    search: &["messages", "watch", "subscribe", "tap", "arrow"],
    run: |call, input| {
        let count = crate::rows::count(call, "count")?;
        let limit: Option<Duration> = call.optional("duration")?;
        let infos = super::topics(call, input)?;
        let names = super::names(&infos);
        let mut messages = super::tap(call, &infos, true)?;
        if let Some(count) = count {
            messages = messages.take(count).boxed();
        }
        if let Some(limit) = limit {
            messages = messages.take_until(async move { tokio::time::sleep(limit).await }).boxed();
        }
        let follow = count.is_none() && limit.is_none();
        Ok(ask::stream(call, messages, follow, move |(place, message)| model::message(&names[*place], message)))
    },
    ..Command::DEFAULT
};
