//! Messages read from and sent through the outputs of running dataflows.

use std::sync::Arc;

use diag::{Diagnostic, Result, codes};
use dora_message::MAX_MESSAGE_BYTES;
use dora_message::common::DataMessage;
use dora_message::metadata::{FRAMING, FRAMING_ARROW_IPC, Metadata, Parameter};
use futures::Stream;
use futures::stream::unfold;
use serde::Deserialize;

use super::answers::already_ended;
use super::shared::Shared;
use crate::model::{DataId, DataPath, DataflowRef, Payload, Publication, TapQuery, Topic, TopicMessage};
use crate::router::message::{Message, unix_nanos};
use crate::router::tap::{Bounds, Tapped};
use crate::supervisor::dataflow::Dataflow;
use crate::supervisor::task::direct;

/// What a message may be longer by in its consumers' frames than it is by itself: names and stamps.
const ENVELOPE: usize = 4096;

impl Shared {
    /// Taps outputs of a dataflow from now on, until it ends.
    pub(super) fn messages(
        &self,
        query: TapQuery,
    ) -> Result<impl Stream<Item = Result<TopicMessage>> + Send + 'static> {
        let flow = self.running(&query.dataflow)?;
        let outputs = query.topics.iter().map(|topic| seen(&flow, topic)).collect::<Result<Vec<_>>>()?;
        let tap = flow.router.tap(&outputs, Bounds::default()).map_err(|at| match query.topics.get(at) {
            Some(topic) => unknown(&flow, topic),
            None => Diagnostic::new(codes::TOPIC_NOT_FOUND, "no topic was asked for"),
        })?;
        let TapQuery { topics, data, .. } = query;
        let ended = {
            let flow = flow.clone();
            Box::pin(async move { flow.until_ended().await })
        };
        Ok(unfold((tap, Some(ended), topics), move |(mut tap, mut ended, topics)| async move {
            let tapped = match &mut ended {
                Some(end) => tokio::select! {
                    biased;
                    tapped = tap.next() => tapped,
                    () = end => {
                        ended = None;
                        tap.end();
                        tap.next().await
                    }
                },
                None => tap.next().await,
            }?;
            let topic = topics.get(tapped.output)?.clone();
            Some((read(&tapped, topic, data), (tap, ended, topics)))
        }))
    }

    fn running(&self, reference: &DataflowRef) -> Result<Arc<Dataflow>> {
        let flow = self.here(reference)?;
        let status = flow.status();
        if status.is_ended() { Err(already_ended(&flow.name, status.as_str())) } else { Ok(flow) }
    }

    /// Sends a message through an output in its node's place.
    pub(super) async fn publish(&self, publication: Publication) -> Result<u64> {
        let Publication { dataflow, topic, mut parameters, data } = publication;
        let flow = self.running(&dataflow)?;
        let (node, output) = seen(&flow, &topic)?;
        if flow.router.is_closed(node, &output) {
            let message = format!("`{topic}` is closed: its node has ended, or said that it sends nothing more");
            return Err(Diagnostic::new(codes::WRONG_STATE, message)
                .help("consumers were told so, and listen to it again once its node runs again")
                .next(format!("node start {}/{}", flow.name, topic.node)));
        }
        if data.is_some() {
            parameters.insert(FRAMING.to_string(), Parameter::String(FRAMING_ARROW_IPC.to_string()));
        }
        let now = self.clock.new_timestamp();
        let payload = data.as_ref().map_or(0, |data| data.len());
        let metadata = Metadata::from_parameters(now, parameters);
        let body = dora_message::encode_presized(&(metadata, data.map(|data| DataMessage::Vec(data.0))), payload);
        let body = body.map_err(|error| {
            Diagnostic::new(codes::NOT_A_MESSAGE, "the message cannot be written").cause(error.to_string())
        })?;
        if body.len() > MAX_MESSAGE_BYTES - ENVELOPE {
            let message = format!("a message of {} bytes is longer than nodes can receive", body.len());
            return Err(Diagnostic::new(codes::NOT_A_MESSAGE, message).help("messages hold 64 MiB at most"));
        }
        let message = Message::small(&body, payload, now.get_time().as_u64());
        let router = flow.router.clone();
        // A queue that makes its senders wait makes this one wait too.
        let got = tokio::task::spawn_blocking(move || router.publish(node, &output, &message)).await;
        let got = got.map_err(|error| {
            Diagnostic::new(codes::RUNTIME_FAILED, "the message was not sent").cause(error.to_string())
        })?;
        got.map(|inputs| inputs as u64).ok_or_else(|| unknown(&flow, &topic))
    }
}

/// Where a topic is in the wiring, if its messages pass the router.
fn seen(flow: &Arc<Dataflow>, topic: &Topic) -> Result<(usize, DataId)> {
    let (node, output) = find(flow, topic)?;
    match flow.router.output(node, &output).map(|counts| counts.path) {
        Some(DataPath::Direct) => Err(direct(flow, topic)),
        _ => Ok((node, output)),
    }
}

/// Where a topic is in the wiring.
fn find(flow: &Arc<Dataflow>, topic: &Topic) -> Result<(usize, DataId)> {
    let node = flow.router.find(&topic.node).filter(|node| flow.router.output(*node, &topic.output).is_some());
    node.map(|node| (node, topic.output.clone())).ok_or_else(|| unknown(flow, topic))
}

fn unknown(flow: &Dataflow, topic: &Topic) -> Box<Diagnostic> {
    let known: Vec<String> = flow.topics().iter().map(|info| info.topic.to_string()).collect();
    let message = format!("dataflow `{}` has no topic `{topic}`", flow.name);
    let error = Diagnostic::new(codes::TOPIC_NOT_FOUND, message).next(format!("topic list {}", flow.name));
    match diag::suggest::did_you_mean(&topic.to_string(), known.iter().map(String::as_str)) {
        Some(hint) => error.help(hint),
        None => error,
    }
}

/// `DataMessage`, where it lies.
#[derive(Deserialize)]
enum Data<'a> {
    Vec(#[serde(borrow)] &'a [u8]),
}

/// Reads a message that a tap has seen.
fn read(tapped: &Tapped, topic: Topic, wanted: bool) -> Result<TopicMessage> {
    let (metadata, data): (Metadata, Option<Data<'_>>) =
        dora_message::decode(tapped.message.body()).map_err(|error| {
            Diagnostic::new(codes::RUNTIME_PROTOCOL, format!("a message of `{topic}` cannot be read"))
                .cause(format!("{error:#}"))
        })?;
    Ok(TopicMessage {
        topic,
        time: tapped.arrival.time,
        sent: unix_nanos(tapped.message.sent),
        sequence: tapped.arrival.sequence,
        missed: tapped.missed,
        size: tapped.message.payload as u64,
        parameters: metadata.parameters,
        data: data.filter(|_| wanted).map(|Data::Vec(bytes)| Payload::copy(bytes)),
    })
}
