use runtime::model::{LogLevel, LogQuery, NodeId, UnixNanos};

use crate::ask;
use crate::model;
use crate::prelude::*;

pub static LOGS: Command = Command {
    name: "dataflow logs",
    category: Category::Dataflow,
    summary: "Gives what the nodes of a dataflow said, in order of time",
    params: &[
        Param::optional("dataflow", Takes::Name("dataflow"), "Its name or id; the row that flows in without it"),
        Param::flag("node", None, Takes::Name("node"), "Only this node"),
        FOLLOW,
        TAIL,
        SINCE,
        UNTIL,
        LEVEL,
        GREP,
    ],
    io: &[
        ("nothing", model::LOGS),
        ("record", model::LOGS),
        ("table", model::LOGS),
        ("list<any>", model::LOGS),
        ("string", model::LOGS),
    ],
    examples: &[
        try_it("The last lines", "dataflow logs camera --tail 20"),
        try_it("Warnings of today", "dataflow logs camera --level warn --since 1day"),
        try_it("As they come", "dataflow logs camera --follow | where message =~ 'timeout'"),
    ],
    search: &["output", "stdout", "stderr", "tail"],
    run: |call, input| {
        let name = super::one(call, "dataflow", input)?;
        let mut query = query(call, name)?;
        if let Some(node) = call.optional::<String>("node")? {
            query.nodes.push(NodeId::from(node));
        }
        read(call, query)
    },
    ..Command::DEFAULT
};

pub(crate) const FOLLOW: Param = Param::switch("follow", Some('f'), "Go on with what comes, until the dataflow ends");
pub(crate) const TAIL: Param = Param::flag("tail", Some('n'), Takes::Type("int"), "Only the last so many");
pub(crate) const SINCE: Param =
    Param::flag("since", None, Takes::Type("oneof<duration, datetime>"), "From this moment on, or from so long ago");
pub(crate) const UNTIL: Param =
    Param::flag("until", None, Takes::Type("oneof<duration, datetime>"), "Up to this moment, or to so long ago");
pub(crate) const LEVEL: Param = Param::flag(
    "level",
    Some('l'),
    Takes::Words(&["error", "warn", "info", "debug", "trace"]),
    "As grave as this, or graver",
);
pub(crate) const GREP: Param =
    Param::flag("grep", None, Takes::Type("string"), "A regular expression that is found in the message");

/// The query that the flags of a call make.
pub(crate) fn query(call: &Call<'_>, dataflow: String) -> Result<LogQuery> {
    let levels = match call.value("level").and_then(Value::as_str) {
        Some("error") => vec![LogLevel::Error],
        Some("warn") => vec![LogLevel::Error, LogLevel::Warn],
        // A line that names no level may be anything.
        Some("info") => vec![LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Stdout],
        Some("debug") => vec![LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Stdout],
        _ => Vec::new(),
    };
    Ok(LogQuery {
        tail: crate::rows::count(call, "tail")?,
        since: moment(call, "since")?,
        until: moment(call, "until")?,
        levels,
        grep: call.optional("grep")?,
        follow: call.switch("follow"),
        ..LogQuery::new(dataflow)
    })
}

/// A moment, or one so long ago.
pub(crate) fn moment(call: &Call<'_>, name: &str) -> Result<Option<UnixNanos>> {
    Ok(match call.value(name) {
        Some(Value::Duration(ago)) => Some(UnixNanos(UnixNanos::now().0.saturating_sub(*ago))),
        Some(Value::DateTime(at)) => Some(model::nanos(*at)),
        _ => None,
    })
}

pub(crate) fn read(call: &Call<'_>, query: LogQuery) -> Result<Data> {
    let handle = ask::handle(call)?;
    let follow = query.follow;
    let records = ask::answer(call, async move { handle.logs(query).await })?;
    Ok(ask::stream(call, records, follow, model::log))
}
