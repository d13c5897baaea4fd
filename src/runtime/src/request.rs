//! What a runtime can be asked, and what it answers: one vocabulary, in process and over the control socket.
//!
//! A new ability is a variant of [`Request`], a method of [`Handle`](crate::Handle) that asks it, and an arm in
//! [`embedded`](crate::embedded) that does it. That it reaches the runtime it concerns, in another process too,
//! follows from [`Request::dataflow`].

use std::collections::BTreeMap;
use std::time::Duration;

use diag::{Diagnostic, Result, codes};
use serde::{Deserialize, Serialize};

use crate::model::{
    Capability, Connection, DataflowDetails, DataflowInfo, DataflowRef, Event, EventQuery, InputRef, LogQuery,
    LogRecord, NodeEnvironment, NodeInfo, NodeQuery, NodeRef, PathChoice, Publication, RuntimeState, StartOptions,
    StopOptions, TapQuery, TopicInfo, TopicMessage, TopicQuery, WaitCondition,
};

/// A question or an order that has one answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    Start(StartOptions),
    Stop {
        dataflow: DataflowRef,
        options: StopOptions,
    },
    /// Stops and starts it anew; with `rolling`, one node after the other.
    Restart {
        dataflow: DataflowRef,
        options: StopOptions,
        rolling: bool,
    },
    Pause {
        dataflow: DataflowRef,
        freeze: bool,
    },
    Resume {
        dataflow: DataflowRef,
    },
    List {
        all: bool,
    },
    Inspect {
        dataflow: DataflowRef,
    },
    Remove {
        dataflow: DataflowRef,
        force: bool,
    },
    Nodes(NodeQuery),
    StartNode(NodeRef),
    StopNode {
        node: NodeRef,
        options: StopOptions,
    },
    /// Stops a node and starts it again; with `path`, its outputs take that way from then on.
    RestartNode {
        node: NodeRef,
        options: StopOptions,
        #[serde(default)]
        path: Option<PathChoice>,
    },
    /// Takes in a node that is given as YAML.
    AddNode {
        dataflow: DataflowRef,
        descriptor: String,
    },
    RemoveNode {
        node: NodeRef,
        options: StopOptions,
    },
    /// Puts another node in the place of the one that has the id it gives.
    ReplaceNode {
        dataflow: DataflowRef,
        descriptor: String,
        options: StopOptions,
    },
    Connect {
        dataflow: DataflowRef,
        connection: Connection,
    },
    Disconnect {
        dataflow: DataflowRef,
        input: InputRef,
    },
    ReloadNode {
        node: NodeRef,
        operator: Option<String>,
    },
    NodeEnvironment(NodeRef),
    Params(NodeRef),
    SetParam {
        node: NodeRef,
        key: String,
        value: serde_json::Value,
    },
    DeleteParam {
        node: NodeRef,
        key: String,
    },
    Topics(TopicQuery),
    /// Sends a message in a node's place; answered when it has been brought to all inputs.
    Publish(Publication),
    Wait {
        dataflow: DataflowRef,
        condition: WaitCondition,
        timeout: Option<Duration>,
    },
    Capabilities,
    /// Reads the configuration of the home again. One that is not valid changes nothing.
    ReloadConfig,
    /// All that a runtime knows of itself.
    State,
    /// Stops all dataflows and ends the runtime. With `preserve`, the next daemon starts them again.
    Shutdown {
        preserve: bool,
        /// How long nodes may take to stop before they are told by a signal, unless it is to be as configured.
        #[serde(default)]
        grace: Option<Duration>,
    },
}

/// What a request is answered with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Done(()),
    Dataflow(DataflowInfo),
    Dataflows(Vec<DataflowInfo>),
    Details(Box<DataflowDetails>),
    Node(NodeInfo),
    Nodes(Vec<NodeInfo>),
    Environment(NodeEnvironment),
    Params(BTreeMap<String, serde_json::Value>),
    Topics(Vec<TopicInfo>),
    /// How many inputs got it.
    Published(u64),
    Capabilities(Vec<Capability>),
    State(Box<RuntimeState>),
}

/// A question whose answer comes item by item, and may never end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subscription {
    Logs(LogQuery),
    /// What the daemon itself has to say; the query's dataflow and nodes mean nothing.
    DaemonLogs(LogQuery),
    Events(EventQuery),
    Messages(TapQuery),
}

/// One item of the answer to a [`Subscription`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    Log(LogRecord),
    Event(Event),
    Message(Box<TopicMessage>),
}

impl Request {
    /// The dataflow it is about; `None` for what concerns a runtime, or all dataflows.
    pub fn dataflow(&self) -> Option<&DataflowRef> {
        match self {
            Request::Stop { dataflow, .. }
            | Request::Restart { dataflow, .. }
            | Request::Pause { dataflow, .. }
            | Request::Resume { dataflow }
            | Request::Inspect { dataflow }
            | Request::Remove { dataflow, .. }
            | Request::AddNode { dataflow, .. }
            | Request::ReplaceNode { dataflow, .. }
            | Request::Connect { dataflow, .. }
            | Request::Disconnect { dataflow, .. }
            | Request::Wait { dataflow, .. } => Some(dataflow),
            Request::StartNode(node)
            | Request::StopNode { node, .. }
            | Request::RestartNode { node, .. }
            | Request::RemoveNode { node, .. }
            | Request::ReloadNode { node, .. }
            | Request::NodeEnvironment(node)
            | Request::Params(node)
            | Request::SetParam { node, .. }
            | Request::DeleteParam { node, .. } => Some(&node.dataflow),
            Request::Nodes(query) => query.dataflow.as_ref(),
            Request::Topics(query) => query.dataflow.as_ref(),
            Request::Publish(publication) => Some(&publication.dataflow),
            Request::Start(_)
            | Request::List { .. }
            | Request::Capabilities
            | Request::ReloadConfig
            | Request::State
            | Request::Shutdown { .. } => None,
        }
    }

    /// Whether the answer is known at once, so that one that does not come means a runtime that hangs.
    pub fn is_quick(&self) -> bool {
        match self {
            Request::List { .. }
            | Request::Inspect { .. }
            | Request::Nodes(_)
            | Request::Pause { .. }
            | Request::Resume { .. }
            | Request::Connect { .. }
            | Request::Disconnect { .. }
            | Request::ReloadNode { .. }
            | Request::NodeEnvironment(_)
            | Request::Params(_)
            | Request::SetParam { .. }
            | Request::DeleteParam { .. }
            | Request::Topics(_)
            | Request::ReloadConfig
            | Request::State
            | Request::Capabilities => true,
            Request::Start(_)
            | Request::Stop { .. }
            | Request::Restart { .. }
            | Request::Remove { .. }
            | Request::StartNode(_)
            | Request::StopNode { .. }
            | Request::RestartNode { .. }
            | Request::AddNode { .. }
            | Request::RemoveNode { .. }
            | Request::ReplaceNode { .. }
            | Request::Publish(_)
            | Request::Wait { .. }
            | Request::Shutdown { .. } => false,
        }
    }
}

impl Subscription {
    /// The dataflow it is about; `None` for all.
    pub fn dataflow(&self) -> Option<&DataflowRef> {
        match self {
            Subscription::Logs(query) => Some(&query.dataflow),
            Subscription::DaemonLogs(_) => None,
            Subscription::Events(query) => query.dataflow.as_ref(),
            Subscription::Messages(query) => Some(&query.dataflow),
        }
    }
}

/// Lets a caller take the payload that it asked for out of an [`Answer`] or an [`Item`].
macro_rules! payloads {
    ($($whole:ident::$variant:ident($payload:ident) => $of:ty = $value:expr;)*) => {
        $(impl TryFrom<$whole> for $of {
            type Error = Box<Diagnostic>;

            fn try_from(whole: $whole) -> Result<Self> {
                match whole {
                    $whole::$variant($payload) => Ok($value),
                    _ => Err(Diagnostic::new(
                        codes::RUNTIME_PROTOCOL,
                        concat!("the runtime was to answer with ", stringify!($variant), ", and answered with something else"),
                    )),
                }
            }
        })*
    };
}

payloads! {
    Answer::Done(payload) => () = payload;
    Answer::Dataflow(payload) => DataflowInfo = payload;
    Answer::Dataflows(payload) => Vec<DataflowInfo> = payload;
    Answer::Details(payload) => DataflowDetails = *payload;
    Answer::Node(payload) => NodeInfo = payload;
    Answer::Nodes(payload) => Vec<NodeInfo> = payload;
    Answer::Environment(payload) => NodeEnvironment = payload;
    Answer::Params(payload) => BTreeMap<String, serde_json::Value> = payload;
    Answer::Topics(payload) => Vec<TopicInfo> = payload;
    Answer::Published(payload) => u64 = payload;
    Answer::Capabilities(payload) => Vec<Capability> = payload;
    Answer::State(payload) => RuntimeState = *payload;
    Item::Log(payload) => LogRecord = payload;
    Item::Event(payload) => Event = payload;
    Item::Message(payload) => TopicMessage = *payload;
}
