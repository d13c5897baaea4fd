use runtime::model::{LogLevel, LogQuery, NodeId, UnixNanos, UnknownWord};

use crate::ask;
use crate::model;
use crate::prelude::*;

pub static LOGS: Command = Command {
    name: "dataflow logs",
    category: Category::Dataflow,
    summary: "Gives what the nodes of a dataflow said, in order of time",
    params: &[
        Param::optional("dataflow", Takes::Name("dataflow"), "Its name or id; the row that flows in without it"),
        Param::flag("node", None, Takes::Name("node"), "Only these nodes, joined by commas"),
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
        try_it("Warnings of today", "dataflow logs camera --level warn,error --since 1day"),
        try_it("As they come", "dataflow logs camera --follow | where message =~ 'timeout'"),
    ],
    search: &["output", "stdout", "stderr", "tail"],
    run: |call, input| {
        let nodes: Vec<NodeId> = words(call, "node")?.into_iter().map(NodeId::from).collect();
        let names = super::named(call, "dataflow", input)?;
        let of = |name| Ok(LogQuery { nodes: nodes.clone(), ..query(call, name)? });
        read(call, names.into_iter().map(of).collect::<Result<_>>()?)
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
    Takes::WordList(&["error", "warn", "info", "debug", "trace", "stdout"]),
    "Only these levels, joined by commas: error, warn, info, debug, trace, stdout",
);
pub(crate) const GREP: Param =
    Param::flag("grep", None, Takes::Type("string"), "A regular expression that is found in the message");

/// The query that the flags of a call make.
pub(crate) fn query(call: &Call<'_>, dataflow: String) -> Result<LogQuery> {
    let levels = words(call, "level")?.iter().map(|word| level(call, word)).collect::<Result<_>>()?;
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

/// The words of a flag that takes several, joined by commas.
fn words(call: &Call<'_>, flag: &str) -> Result<Vec<String>> {
    let text: Option<String> = call.optional(flag)?;
    let words = text.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|word| !word.is_empty());
    Ok(words.map(str::to_string).collect())
}

fn level(call: &Call<'_>, word: &str) -> Result<LogLevel> {
    word.parse().map_err(|unknown: UnknownWord| {
        let error = Diagnostic::new(codes::NOT_IN_SET, unknown.to_string()).label(call.span("level"), "not a level");
        match diag::suggest::did_you_mean(word, unknown.known.iter().copied()) {
            Some(help) => error.help(help),
            None => error,
        }
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

/// What several queries find: one after another, or as it comes when they follow.
pub(crate) fn read(call: &Call<'_>, queries: Vec<LogQuery>) -> Result<Data> {
    let follow = call.switch("follow");
    let mut all = Vec::with_capacity(queries.len());
    for query in queries {
        let handle = ask::handle(call)?;
        all.push(ask::answer(call, async move { handle.logs(query).await })?);
    }
    Ok(ask::stream(call, ask::joined(all, follow), follow, model::log))
}
