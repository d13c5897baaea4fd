//! Topics: the outputs of nodes, and the messages that come through them.

use engine::Command;

pub(crate) mod echo;
pub(crate) mod hz;
pub(crate) mod info;
pub(crate) mod list;
pub(crate) mod publish;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[&echo::ECHO, &hz::HZ, &info::INFO, &list::LIST, &publish::PUB];

use futures::StreamExt;
use futures::stream::{BoxStream, select_all};
use runtime::model::{DataflowId, TapQuery, TopicInfo, TopicMessage, TopicQuery};

use crate::ask;
use crate::prelude::*;

pub(crate) const TOPICS: Param = Param::rest(
    "topics",
    Takes::Name("topic"),
    "`node/output`, or `dataflow/node/output`; the rows that flow in without any",
);
pub(crate) const DATAFLOW: Param =
    Param::flag("dataflow", Some('d'), Takes::Name("dataflow"), "The dataflow they belong to");

/// The topics that a call means, at least one: its arguments, else the rows that flow in.
pub(crate) fn topics(call: &Call<'_>, input: Data) -> Result<Vec<TopicInfo>> {
    let mut texts: Vec<String> = call.rest("topics")?;
    if texts.is_empty() {
        texts = flowing(call, input)?;
    }
    let running = running(call)?;
    let mut topics: Vec<TopicInfo> = Vec::with_capacity(texts.len());
    for text in &texts {
        let found = find(&running, text).map_err(|error| error.or_label(call.span("topics"), "here"))?;
        // What is named twice is watched once.
        if !topics.iter().any(|known| known.dataflow == found.dataflow && known.topic == found.topic) {
            topics.push(found);
        }
    }
    Ok(topics)
}

/// The one topic that an argument or a row that flows in means.
pub(crate) fn topic(call: &Call<'_>, input: Data) -> Result<TopicInfo> {
    let text = match call.optional::<String>("topic")? {
        Some(text) => text,
        None => match flowing(call, input)?.as_slice() {
            [text] => text.clone(),
            many => {
                let message = format!("`{}` works on one, and {} flow in", call.command.name, many.len());
                return Err(Diagnostic::new(codes::BAD_ARGUMENT, message)
                    .label(call.head, "which one?")
                    .help("`each { … }` takes them one after another, `first` takes one"));
            }
        },
    };
    find(&running(call)?, &text).map_err(|error| error.or_label(call.span("topic"), "here"))
}

/// What names or rows of topics flow in.
fn flowing(call: &Call<'_>, input: Data) -> Result<Vec<String>> {
    if matches!(input, Data::Empty | Data::Value(Value::Nothing)) {
        return Err(Diagnostic::new(codes::NO_TARGET, format!("`{}` needs to know which", call.command.name))
            .label(call.head, "no topic is named and nothing flows in")
            .help(format!("name them, or pipe rows of `topic list` into it; usage: {}", call.command.usage())));
    }
    let named = |item: Value| {
        let text = match &item {
            Value::String(name) => Some(name.to_string()),
            Value::Record(row) => {
                let text = |field: &str| row.get(field).and_then(Value::as_str);
                text("topic").map(|topic| match text("dataflow") {
                    Some(dataflow) => format!("{dataflow}/{topic}"),
                    None => topic.to_string(),
                })
            }
            _ => None,
        };
        text.ok_or_else(|| call.wrong_input(&item.type_of(), "names of topics, or rows with a `topic`"))
    };
    let names = crate::rows::all(call, input)?.items.into_iter().map(named).collect::<Result<Vec<_>>>()?;
    if names.is_empty() {
        return Err(Diagnostic::new(codes::NO_TARGET, "no rows flow in").label(call.head, "which ones?"));
    }
    Ok(names)
}

/// The topics of all running dataflows, or of the one that is named.
fn running(call: &Call<'_>) -> Result<Vec<TopicInfo>> {
    let dataflow = call.optional::<String>("dataflow")?.map(Into::into);
    let handle = ask::handle(call)?;
    ask::answer(call, async move { handle.topics(TopicQuery { dataflow }).await })
}

/// The topic that a text names: by its own name when one dataflow alone has it, or with its dataflow before it.
fn find(running: &[TopicInfo], text: &str) -> Result<TopicInfo> {
    let is_meant = |info: &&TopicInfo| info.topic.to_string() == text || qualified(info) == text;
    let mut meant = running.iter().filter(is_meant);
    match (meant.next(), meant.next()) {
        (Some(info), None) => Ok(info.clone()),
        (Some(first), Some(second)) => {
            Err(Diagnostic::new(codes::AMBIGUOUS_DATAFLOW, format!("several dataflows have a topic `{text}`"))
                .help(format!("write `{}` or `{}`", qualified(first), qualified(second))))
        }
        (None, _) => {
            let error = Diagnostic::new(codes::TOPIC_NOT_FOUND, format!("no running dataflow has a topic `{text}`"));
            let known: Vec<String> =
                running.iter().flat_map(|info| [info.topic.to_string(), qualified(info)]).collect();
            if known.is_empty() {
                return Err(error.help("nothing runs that has topics").next("dataflow start FILE"));
            }
            let error = error.next("topic list");
            if let Some(hint) = diag::suggest::did_you_mean(text, known.iter().map(String::as_str)) {
                return Err(error.help(hint));
            }
            // The node is right, so that one of its outputs is meant.
            let node = text.rsplit_once('/').map_or(text, |(node, _)| node);
            let outputs: Vec<String> = known
                .iter()
                .filter(|topic| topic.rsplit_once('/').is_some_and(|(of, _)| of == node))
                .map(|topic| format!("`{topic}`"))
                .collect();
            Err(if outputs.is_empty() { error } else { error.help(format!("`{node}` has {}", outputs.join(", "))) })
        }
    }
}

/// `dataflow/node/output`
fn qualified(info: &TopicInfo) -> String {
    format!("{}/{}", info.dataflow_name, info.topic)
}

/// What to call topics: with their dataflows when these are several.
pub(crate) fn names(infos: &[TopicInfo]) -> Vec<String> {
    let several = infos.windows(2).any(|two| two[0].dataflow != two[1].dataflow);
    infos.iter().map(|info| if several { qualified(info) } else { info.topic.to_string() }).collect()
}

/// Messages, each with the place of its topic among those that were asked for.
pub(crate) type Messages = BoxStream<'static, Result<(usize, TopicMessage)>>;

/// Taps topics from now on, until their dataflows end.
pub(crate) fn tap(call: &Call<'_>, infos: &[TopicInfo], data: bool) -> Result<Messages> {
    let mut flows: Vec<(DataflowId, Vec<usize>)> = Vec::new();
    for (place, info) in infos.iter().enumerate() {
        match flows.iter_mut().find(|(id, _)| *id == info.dataflow) {
            Some((_, places)) => places.push(place),
            None => flows.push((info.dataflow, vec![place])),
        }
    }
    let mut streams = Vec::with_capacity(flows.len());
    for (id, places) in flows {
        let topics: Vec<_> = places.iter().map(|place| infos[*place].topic.clone()).collect();
        let query = TapQuery { dataflow: id.into(), topics: topics.clone(), data };
        let handle = ask::handle(call)?;
        let messages = ask::answer(call, async move { handle.messages(query).await })?;
        streams.push(messages.filter_map(move |message| {
            let placed = message.map(|message| {
                let at = topics.iter().position(|topic| *topic == message.topic)?;
                Some((places[at], message))
            });
            futures::future::ready(placed.transpose())
        }));
    }
    Ok(select_all(streams.into_iter().map(StreamExt::boxed)).boxed())
}
