//! Logs and messages as they come, and messages from outside.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow_array::{ArrayRef, RecordBatch, UInt8Array};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema};
use diag::{Diagnostic, Result, codes};
use dora_message::common::{LogLevelOrStdout, Timestamped};
use dora_message::coordinator_to_cli::ControlRequestReply;
use dora_message::daemon_to_daemon::InterDaemonEvent;
use dora_message::metadata::Metadata;
use dora_message::uhlc::{NTP64, Timestamp};
use dora_message::ws_protocol::{WsEvent, WsResponse};
use dora_message::{TOPIC_DATA_PROTOCOL_VERSION, topic_protocol_mismatch_message};
use futures::StreamExt;
use serde_json::json;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::super::session::{Gone, Outgoing};
use super::{sentence, value_of, words};
use crate::Handle;
use crate::model::{DataId, DataflowId, LogQuery, NodeId, Payload, Publication, TapQuery, Topic, TopicMessage};

/// As many as dora-rs admits.
const MAX_TOPICS: usize = 64;

/// What one peer has subscribed to, so that it can end it.
#[derive(Clone, Default)]
pub struct Subscriptions(Arc<Mutex<HashMap<Uuid, oneshot::Sender<()>>>>);

impl Subscriptions {
    /// Notes a new one; what is returned with its id comes to its end when the subscription is to end.
    fn begin(&self) -> (Uuid, oneshot::Receiver<()>) {
        let id = Uuid::new_v4();
        let (end, ended) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, end);
        (id, ended)
    }

    /// Ends a subscription. One that is not there has ended.
    pub fn end(&self, id: Uuid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

/// Sends what a dataflow logs from now on, up to a level (0 none, 5 all); plain output belongs to every level.
pub async fn logs(
    handle: &Handle,
    id: Uuid,
    dataflow: DataflowId,
    level: usize,
    answers: &Outgoing,
) -> std::result::Result<(), Gone> {
    let query = LogQuery { tail: Some(0), follow: true, ..LogQuery::new(dataflow) };
    let mut records = match handle.logs(query).await {
        Ok(records) => records,
        Err(error) => return answers.text(&WsResponse::err(id, sentence(&error))).await,
    };
    answers.text(&WsResponse::ok(id, json!({ "subscribed": true }))).await?;
    while let Some(record) = records.next().await {
        // A gap ends the stream for a CLI that knows no other way to tell of it.
        let Ok(record) = record else { break };
        let message = words::log_message(record);
        if matches!(message.level, LogLevelOrStdout::LogLevel(of) if of as usize > level) {
            continue;
        }
        let payload = serde_json::to_value(&message).unwrap_or_default();
        answers.text(&WsEvent { event: "log".to_string(), payload }).await?;
    }
    Ok(())
}

/// Sends the messages of some topics as dora-rs does: the subscription's id, then the event in which daemons tell
/// each other of an output, in postcard.
pub async fn messages(
    handle: &Handle,
    subscriptions: &Subscriptions,
    id: Uuid,
    dataflow: DataflowId,
    topics: Vec<(NodeId, DataId)>,
    version: Option<u16>,
    answers: &Outgoing,
) -> std::result::Result<(), Gone> {
    if version != Some(TOPIC_DATA_PROTOCOL_VERSION) {
        return answers.text(&WsResponse::err(id, topic_protocol_mismatch_message("client", version))).await;
    }
    if topics.len() > MAX_TOPICS {
        let told = format!("{} topics are more than the {MAX_TOPICS} of one subscription", topics.len());
        return answers.text(&WsResponse::err(id, told)).await;
    }
    let topics = topics.into_iter().map(|(node, output)| Topic { node, output }).collect();
    let query = TapQuery { dataflow: dataflow.into(), topics, data: true };
    let mut items = match handle.messages(query).await {
        Ok(items) => items,
        Err(error) => return answers.text(&WsResponse::err(id, sentence(&error))).await,
    };
    let (subscription_id, ended) = subscriptions.begin();
    let reply =
        ControlRequestReply::TopicSubscribed { subscription_id, protocol_version: Some(TOPIC_DATA_PROTOCOL_VERSION) };
    answers.text(&WsResponse::ok(id, value_of(reply))).await?;
    let all = async {
        while let Some(message) = items.next().await {
            // What cannot be sent is missed, as is what comes faster than it is taken.
            let Ok(Ok(event)) = message.map(|message| output(dataflow, message).serialize()) else { continue };
            answers.binary([subscription_id.as_bytes().as_slice(), &event].concat()).await?;
        }
        Ok(())
    };
    let sent = tokio::select! {
        sent = all => sent,
        // Told by nothing but its end: the peer wants no more.
        _ = ended => Ok(()),
    };
    subscriptions.end(subscription_id);
    sent
}

fn output(dataflow: DataflowId, message: TopicMessage) -> Timestamped<InterDaemonEvent> {
    let since = Duration::from_nanos(u64::try_from(message.sent.0).unwrap_or_default());
    let timestamp = Timestamp::new(NTP64::from(since), *words::CLOCK.get_id());
    let inner = InterDaemonEvent::Output {
        dataflow_id: dataflow.0,
        node_id: message.topic.node,
        output_id: message.topic.output,
        metadata: Metadata::from_parameters(timestamp, message.parameters),
        data: message.data.map(|data| data.0),
    };
    Timestamped { inner, timestamp: words::CLOCK.new_timestamp() }
}

/// Sends a JSON text through an output in its node's place: its bytes as an array of numbers, as dora-rs does.
pub async fn publish(handle: &Handle, dataflow: DataflowId, topic: Topic, json: &str) -> Result<()> {
    let data = bytes_as_numbers(json.as_bytes()).map_err(|error| {
        Diagnostic::new(codes::RUNTIME_FAILED, "the message cannot be written").cause(error.to_string())
    })?;
    let publication = Publication {
        dataflow: dataflow.into(),
        topic,
        parameters: Default::default(),
        data: Some(Payload::copy(&data)),
    };
    handle.publish(publication).await.map(drop)
}

fn bytes_as_numbers(bytes: &[u8]) -> std::result::Result<Vec<u8>, ArrowError> {
    let schema = Arc::new(Schema::new(vec![Field::new("data", DataType::UInt8, true)]));
    let column: ArrayRef = Arc::new(UInt8Array::from(bytes.to_vec()));
    let batch = RecordBatch::try_new(schema.clone(), vec![column])?;
    let mut stream = Vec::new();
    let mut writer = StreamWriter::try_new(&mut stream, &schema)?;
    writer.write(&batch)?;
    writer.finish()?;
    drop(writer);
    Ok(stream)
}
