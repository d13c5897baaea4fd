//! Logs and messages as they come, and messages from outside.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use diag::{Result, codes};
use dora_message::common::LogLevelOrStdout;
use dora_message::ws_protocol::{WsEvent, WsResponse};
use dora_message::{TOPIC_DATA_PROTOCOL_VERSION, topic_protocol_mismatch_message};
use futures::StreamExt;
use serde_json::json;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::super::session::{Gone, Outgoing};
use super::{sentence, unsupported, words};
use crate::Handle;
use crate::model::{DataId, DataflowId, LogQuery, NodeId};

/// As many as dora-rs admits.
const MAX_TOPICS: usize = 64;

/// What one peer has subscribed to, so that it can end it.
#[derive(Clone, Default)]
pub struct Subscriptions(Arc<Mutex<HashMap<Uuid, oneshot::Sender<()>>>>);

impl Subscriptions {
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

/// TEMPORARY until the tap is merged.
pub async fn messages(
    _: &Handle,
    _: &Subscriptions,
    id: Uuid,
    _: DataflowId,
    _: Vec<(NodeId, DataId)>,
    version: Option<u16>,
    answers: &Outgoing,
) -> std::result::Result<(), Gone> {
    let _ = (version, TOPIC_DATA_PROTOCOL_VERSION, topic_protocol_mismatch_message("client", None), MAX_TOPICS);
    answers.text(&WsResponse::err(id, "no topics yet".to_string())).await
}

pub async fn publish(_: &Handle, _: DataflowId, _: NodeId, _: DataId, _: &str) -> Result<()> {
    Err(unsupported("topics").cause(codes::NOT_SUPPORTED.id()))
}
