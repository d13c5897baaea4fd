//! Frames: JSON texts in dora-rs's envelope, and messages of dataflows in binary ones.
//!
//! A request is `{"id", "method": "dora-shell", "params": Asked}`, its answer `{"id", "result"}` or `{"id",
//! "error", "diagnostic"}`. Subscriptions are answered with `null`, and their items then come as
//! `{"event": "dora-shell", "payload": {"stream": id, …}}` until one says that it is the last. Items that are
//! messages of topics come in binary frames instead: the 16 bytes of the request's id, then a `TopicMessage` in
//! postcard. A message that is to be sent is asked for in the same way: an id, then a `Publication`.

use std::time::Duration;

use diag::{Code, Diagnostic, codes};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::request::{Item, Request, Subscription};

/// Where the WebSocket is, after host and port.
pub const PATH: &str = "/api/control";
/// The method, and the event, of our own frames.
pub const METHOD: &str = "dora-shell";
/// The method of dora-rs's frames.
pub const DORA_METHOD: &str = "control";
/// The longest request: as in dora-rs.
pub const MAX_REQUEST: usize = 1 << 20;
/// The longest binary frame: a whole message of a node, and what is told with it.
pub const MAX_BINARY: usize = dora_message::MAX_MESSAGE_BYTES + MAX_REQUEST;

/// What a shell asks of a runtime.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Asked {
    Request(Request),
    Subscription(Subscription),
}

/// The answer to one request.
#[derive(Debug, Serialize, Deserialize)]
pub struct Response {
    pub id: Uuid,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub result: Value,
    /// For peers that know dora-rs's frames only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostic: Option<Report>,
}

impl Response {
    pub fn of(id: Uuid, result: diag::Result<Value>) -> Response {
        match result {
            Ok(result) => Response { id, result, error: None, diagnostic: None },
            Err(error) => Response {
                id,
                result: Value::Null,
                error: Some(format!("{}: {error}", error.code.id())),
                diagnostic: Some(Report::of(&error)),
            },
        }
    }

    /// What was answered. An error without our diagnostic comes from another program.
    pub fn into_result(self) -> diag::Result<Value> {
        match (self.diagnostic, self.error) {
            (Some(report), _) => Err(report.into_diagnostic()),
            (None, Some(error)) => Err(Diagnostic::new(codes::RUNTIME_PROTOCOL, error)),
            (None, None) => Ok(self.result),
        }
    }
}

/// What the server sends without being asked again.
#[derive(Debug, Serialize, Deserialize)]
pub struct Event {
    pub event: String,
    pub payload: StreamPart,
}

/// A part of the answer to a request that is answered in parts.
#[derive(Debug, Serialize, Deserialize)]
pub struct StreamPart {
    /// The id of the request.
    pub stream: Uuid,
    #[serde(flatten)]
    pub part: Part,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Item(Box<Item>),
    /// A failure that the stream goes on after.
    Failed(Report),
    /// The last part.
    End {},
}

/// Writes a binary frame. `bulk` is about how long it gets.
pub fn to_binary(id: Uuid, what: &impl Serialize, bulk: usize) -> diag::Result<Vec<u8>> {
    // Both are written in one go: a tuple has no bytes of its own.
    dora_message::encode_presized(&(id.as_bytes(), what), bulk).map_err(|error| {
        Diagnostic::new(codes::RUNTIME_PROTOCOL, "a message cannot be written").cause(error.to_string())
    })
}

/// Reads a binary frame.
pub fn from_binary<T: DeserializeOwned>(frame: &[u8]) -> diag::Result<(Uuid, T)> {
    let (id, what): ([u8; 16], T) = dora_message::decode(frame).map_err(|error| {
        Diagnostic::new(codes::RUNTIME_PROTOCOL, "a message cannot be read").cause(format!("{error:#}"))
    })?;
    Ok((Uuid::from_bytes(id), what))
}

/// A diagnostic on its way.
///
/// Labels stay behind: they point into texts that only the sender has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    code: String,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    next: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    causes: Vec<(String, Vec<String>)>,
    #[serde(default)]
    retryable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    elapsed: Option<Duration>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    related: Vec<Report>,
}

impl Report {
    pub fn of(diagnostic: &Diagnostic) -> Report {
        Report {
            code: diagnostic.code.id().to_string(),
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
            next: diagnostic.next.clone(),
            causes: diagnostic.causes.iter().map(|cause| (cause.title.clone(), cause.detail.clone())).collect(),
            retryable: diagnostic.retryable,
            elapsed: diagnostic.elapsed,
            related: diagnostic.related.iter().map(Report::of).collect(),
        }
    }

    pub fn into_diagnostic(self) -> Box<Diagnostic> {
        // A code we do not have was given by a newer version; its sentences still tell what happened.
        let code = Code::find(&self.code).unwrap_or(codes::RUNTIME_PROTOCOL);
        let mut diagnostic = Diagnostic::new(code, self.message);
        diagnostic.help = self.help;
        diagnostic.next = self.next;
        for (title, detail) in self.causes {
            diagnostic = diagnostic.cause_with(title, detail);
        }
        diagnostic.retryable = self.retryable;
        diagnostic.elapsed = self.elapsed;
        diagnostic.related = self.related.into_iter().map(|report| *report.into_diagnostic()).collect();
        diagnostic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_arrives_with_all_it_says() {
        let inner = *Diagnostic::new(codes::INVALID_DATAFLOW, "also this");
        let sent = Diagnostic::new(codes::DAEMON_UNREACHABLE, "no answer")
            .help("start it")
            .next("dora daemon start")
            .cause_with("connection refused", vec!["line".to_string()])
            .retryable()
            .elapsed(Duration::from_millis(3))
            .related(inner);
        let json = serde_json::to_string(&Report::of(&sent)).unwrap();
        let got = serde_json::from_str::<Report>(&json).unwrap().into_diagnostic();
        assert_eq!(format!("{got:?}"), format!("{sent:?}"));
        assert_eq!((got.next, got.retryable, got.elapsed), (sent.next, sent.retryable, sent.elapsed));
    }

    #[test]
    fn a_code_of_a_newer_version_keeps_its_words() {
        let report: Report = serde_json::from_str(r#"{"code":"DORA_E099X","message":"new trouble"}"#).unwrap();
        let got = report.into_diagnostic();
        assert_eq!((got.code, got.message.as_str()), (codes::RUNTIME_PROTOCOL, "new trouble"));
    }

    #[test]
    fn a_binary_frame_begins_with_the_id_and_what_is_torn_is_an_error() {
        let id = Uuid::now_v7();
        let frame = to_binary(id, &("text", 7_u64), 10).unwrap();
        assert_eq!(&frame[..16], id.as_bytes());
        assert_eq!(from_binary::<(String, u64)>(&frame).unwrap(), (id, ("text".to_string(), 7)));
        for torn in [&frame[..3], &frame[..frame.len() - 1], &[frame.clone(), vec![0]].concat()] {
            assert_eq!(from_binary::<(String, u64)>(torn).unwrap_err().code, codes::RUNTIME_PROTOCOL);
        }
    }

    #[test]
    fn an_empty_answer_and_an_answer_of_null_are_the_same() {
        let response: Response = serde_json::from_str(&format!(r#"{{"id":"{}"}}"#, Uuid::nil())).unwrap();
        assert_eq!(response.into_result().unwrap(), Value::Null);
    }
}
