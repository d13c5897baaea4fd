//! Logs and messages as they come.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use diag::{Diagnostic, Result, codes};
use dora_message::cli_to_coordinator::ControlRequest;
use dora_message::common::{LogMessage, Timestamped};
use dora_message::coordinator_to_cli::{ControlRequestReply, DataflowListEntry, DataflowResult, DataflowStatus};
use dora_message::daemon_to_daemon::InterDaemonEvent;
use dora_message::metadata::{FRAMING, FRAMING_ARROW_IPC, WIRE_SIZE, debug_frame_wire_size};
use dora_message::ws_protocol::WsMessage;
use dora_message::{TOPIC_DATA_PROTOCOL_VERSION, topic_protocol_mismatch_message};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use uuid::Uuid;

use super::link::{Heard, Socket};
use super::{Coordinator, declared, read};
use crate::logs::query::Filter;
use crate::model::{LogQuery, LogRecord, NodeId, Parameter, Payload, TapQuery, Topic, TopicMessage, UnixNanos};
use crate::router::message::unix_nanos;

/// How many bytes before each frame name its subscription.
const SUBSCRIPTION: usize = 16;
/// How an Arrow IPC stream begins.
const ARROW_STREAM: [u8; 4] = [0xff; 4];
/// How long what was sent before the end of a dataflow may take to come.
const LAST_FRAMES: Duration = Duration::from_millis(250);

/// Log records: those that are stored, then, when they are to be followed, what comes until the dataflow ends.
pub async fn logs(of: Coordinator, query: LogQuery) -> Result<BoxStream<'static, Result<LogRecord>>> {
    let filter = Filter::new(&query)?;
    let entry = of.find(&query.dataflow).await?;
    let runs = entry.status == DataflowStatus::Running;
    // Subscribed first and read afterwards, so that nothing falls in between.
    let live = match query.follow && runs {
        true => Some(of.0.subscribe(&subscription(&entry)?).await?.1),
        false => None,
    };
    let mut stored = Vec::new();
    for node in nodes(&of, &entry, &query).await? {
        let request = ControlRequest::Logs {
            uuid: Some(entry.id.uuid),
            name: None,
            node: node.to_string(),
            // A filter that looks at more than the node must see them all.
            tail: query.tail.filter(|_| filter.takes_all()),
        };
        match of.quick(request).await {
            Ok(ControlRequestReply::Logs(bytes)) => stored.extend(read::records(&bytes, &entry)),
            Ok(other) => return of.unexpected(&other),
            // It has said nothing yet.
            Err(error) if error.code == codes::COORDINATOR_REFUSED && runs => {}
            Err(error) => return Err(error),
        }
    }
    stored.sort_by_key(|record| record.time);
    let known: HashSet<Said> = stored.iter().map(said).collect();
    stored.retain(|record| filter.fits_record(record));
    let first = stored.len().saturating_sub(query.tail.unwrap_or(stored.len()));
    let stored = stream::iter(stored.split_off(first).into_iter().map(Ok));
    let Some(socket) = live else { return Ok(stored.boxed()) };
    let feed = Feed::new(of, entry.id.uuid, socket);
    let follower = Follower { feed, entry, filter, known };
    let live = stream::unfold(follower, |mut follower| async move {
        let item = follower.next().await?;
        Some((item, follower))
    });
    Ok(stored.chain(live).boxed())
}

fn subscription(entry: &DataflowListEntry) -> Result<ControlRequest> {
    // The crate that has the type of the level is not one of ours.
    let request = serde_json::json!({ "LogSubscribe": { "dataflow_id": entry.id.uuid, "level": "TRACE" } });
    serde_json::from_value(request).map_err(|error| {
        Diagnostic::new(codes::RUNTIME_PROTOCOL, "the request cannot be written").cause(error.to_string())
    })
}

/// The nodes whose logs are wanted.
async fn nodes(of: &Coordinator, entry: &DataflowListEntry, query: &LogQuery) -> Result<Vec<NodeId>> {
    if !query.nodes.is_empty() {
        return Ok(query.nodes.clone());
    }
    if entry.status == DataflowStatus::Running {
        return Ok(declared(&of.descriptor(entry).await?));
    }
    // What has ended is known by its results alone.
    let result = of.result(entry.id.uuid).await?;
    Ok(result.map(|result| result.node_results.into_keys().collect()).unwrap_or_default())
}

/// What makes a record the same in a log file, which keeps thousandths of seconds, and as it came.
type Said = (Option<NodeId>, i64, String);

fn said(record: &LogRecord) -> Said {
    (record.node.clone(), record.time.0 / 1_000_000, record.message.clone())
}

/// What comes over a subscription until its dataflow has ended.
struct Feed {
    of: Coordinator,
    socket: Option<Socket>,
    /// Kept from frame to frame, so that one connection serves all its questions.
    ended: Option<BoxFuture<'static, Result<DataflowResult>>>,
}

impl Feed {
    fn new(of: Coordinator, id: Uuid, socket: Socket) -> Feed {
        let asking = of.clone();
        let ended = async move { asking.until_ended(id).await }.boxed();
        Feed { of, socket: Some(socket), ended: Some(ended) }
    }

    /// The next frame; `None` at the end. What was sent before the end is still taken.
    async fn next(&mut self) -> Option<Result<Heard>> {
        loop {
            let socket = self.socket.as_mut()?;
            let heard = match &mut self.ended {
                Some(ended) => tokio::select! {
                    biased;
                    heard = self.of.0.hear(socket) => Some(heard),
                    ended = ended => {
                        self.ended = None;
                        match ended {
                            Ok(_) => continue,
                            Err(error) => {
                                self.socket = None;
                                return Some(Err(error));
                            }
                        }
                    }
                },
                None => tokio::time::timeout(LAST_FRAMES, self.of.0.hear(socket)).await.ok(),
            };
            // A connection that breaks when all is over tells nothing.
            let heard = heard.filter(|heard| heard.is_ok() || self.ended.is_some());
            if !matches!(heard, Some(Ok(_))) {
                self.socket = None;
            }
            return heard;
        }
    }
}

struct Follower {
    feed: Feed,
    entry: DataflowListEntry,
    filter: Filter,
    /// What was read from the log files and may come again.
    known: HashSet<Said>,
}

impl Follower {
    async fn next(&mut self) -> Option<Result<LogRecord>> {
        loop {
            let text = match self.feed.next().await? {
                Ok(Heard::Text(text)) => text,
                Ok(Heard::Binary(_)) => continue,
                Err(error) => return Some(Err(error)),
            };
            let Ok(WsMessage::Event(event)) = serde_json::from_str(&text) else { continue };
            let Ok(message) = serde_json::from_value::<LogMessage>(event.payload) else { continue };
            let record = read::record(message, &self.entry);
            if self.filter.fits_record(&record) && !self.known.remove(&said(&record)) {
                return Some(Ok(record));
            }
        }
    }
}

/// Messages of topics, which only a dataflow that was started for it hands to its coordinator.
pub async fn messages(of: Coordinator, query: TapQuery) -> Result<BoxStream<'static, Result<TopicMessage>>> {
    let entry = of.running(&query.dataflow).await?;
    let descriptor = of.descriptor(&entry).await?;
    let known = read::topics(&entry, &descriptor);
    if let Some(topic) = query.topics.iter().find(|topic| !known.iter().any(|known| known.topic == **topic)) {
        let told = format!("dataflow `{}` has no topic `{topic}`", read::name(&entry));
        return Err(Diagnostic::new(codes::TOPIC_NOT_FOUND, told).next(format!("topic list {}", read::name(&entry))));
    }
    if !descriptor.debug.enable_debug_inspection {
        let told = format!("dataflow `{}` was not started so that its topics can be looked into", read::name(&entry));
        return Err(Diagnostic::new(codes::WRONG_STATE, told)
            .help(
                "its daemons hand messages to the coordinator only when its file says `debug: \
                 {enable_debug_inspection: true}`; add that and start it again",
            )
            .next(format!("dataflow stop {}", read::name(&entry))));
    }
    let topics = query.topics.into_iter().map(|topic| (topic.node, topic.output)).collect();
    let (value, socket) = of.0.subscribe(&ControlRequest::topic_subscribe(entry.id.uuid, topics)).await?;
    match serde_json::from_value(value).map_err(|error| of.0.strange(&error.to_string()))? {
        ControlRequestReply::TopicSubscribed { protocol_version: Some(TOPIC_DATA_PROTOCOL_VERSION), .. } => {}
        ControlRequestReply::TopicSubscribed { protocol_version, .. } => {
            return Err(of.0.strange(&topic_protocol_mismatch_message("coordinator", protocol_version)));
        }
        other => return of.unexpected(&other),
    }
    let feed = Feed::new(of, entry.id.uuid, socket);
    let listener = Listener { feed, data: query.data, counts: HashMap::new() };
    Ok(stream::unfold(listener, |mut listener| async move {
        let item = listener.next().await?;
        Some((item, listener))
    })
    .boxed())
}

struct Listener {
    feed: Feed,
    data: bool,
    /// How many messages of each topic have come.
    counts: HashMap<Topic, u64>,
}

impl Listener {
    async fn next(&mut self) -> Option<Result<TopicMessage>> {
        loop {
            let frame = match self.feed.next().await? {
                Ok(Heard::Binary(frame)) => frame,
                Ok(Heard::Text(_)) => continue,
                Err(error) => return Some(Err(error)),
            };
            match event_of(&frame) {
                Ok(event) => {
                    if let Some(message) = self.message(event) {
                        return Some(Ok(message));
                    }
                }
                Err(why) => {
                    self.feed.socket = None;
                    return Some(Err(self.feed.of.0.strange(&why)));
                }
            }
        }
    }

    fn message(&mut self, event: InterDaemonEvent) -> Option<TopicMessage> {
        let InterDaemonEvent::Output { node_id, output_id, metadata, data, .. } = event else { return None };
        let topic = Topic { node: node_id, output: output_id };
        let count = self.counts.entry(topic.clone()).or_default();
        *count += 1;
        let size = debug_frame_wire_size(&metadata.parameters, data.as_deref());
        let sent = unix_nanos(metadata.timestamp().get_time().as_u64());
        let mut parameters = metadata.parameters;
        parameters.remove(WIRE_SIZE);
        // A daemon hands out whole streams and leaves out the word that says so.
        if data.as_ref().is_some_and(|data| data.starts_with(&ARROW_STREAM)) {
            parameters.insert(FRAMING.to_string(), Parameter::String(FRAMING_ARROW_IPC.to_string()));
        }
        Some(TopicMessage {
            sequence: *count,
            topic,
            time: UnixNanos::now(),
            sent,
            missed: 0,
            size: size as u64,
            parameters,
            data: data.filter(|_| self.data).map(Payload),
        })
    }
}

/// Reads a frame: the id of its subscription, then an event in postcard.
fn event_of(frame: &[u8]) -> std::result::Result<InterDaemonEvent, String> {
    let event = frame.get(SUBSCRIPTION..).ok_or("a frame is too short to name its subscription")?;
    let event = Timestamped::deserialize_inter_daemon_event(event).map_err(|error| format!("{error:#}"))?;
    Ok(event.inner)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_a_coordinator_sends_is_a_message_or_an_error(frame in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = event_of(&frame);
        }
    }
}
