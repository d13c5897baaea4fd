//! What the runtime tells about itself: plain data, the same in process and over the control socket.
//!
//! Times are [`UnixNanos`], spans of time [`Duration`], sizes bytes. Nothing here is formatted for people.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dora_message::aligned_vec::{AVec, ConstAlign};
pub use dora_message::id::{DataId, NodeId};
use dora_message::metadata::{FRAMING, FRAMING_ARROW_IPC};
pub use dora_message::metadata::{MetadataParameters, Parameter};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A moment: nanoseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixNanos(pub i64);

impl UnixNanos {
    /// The present moment by the system's clock.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// The time from `earlier` to this moment; zero when the clock was set back in between.
    pub fn since(self, earlier: UnixNanos) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl From<SystemTime> for UnixNanos {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => UnixNanos(i64::try_from(after.as_nanos()).unwrap_or(i64::MAX)),
            Err(before) => UnixNanos(i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos)),
        }
    }
}

/// Names one run of a dataflow; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DataflowId(pub Uuid);

impl DataflowId {
    /// A new id; later ones sort after earlier ones.
    pub fn generate() -> Self {
        DataflowId(Uuid::now_v7())
    }
}

impl fmt::Display for DataflowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for DataflowId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(DataflowId)
    }
}

/// How people name a dataflow: its name, its id, or a beginning of its id that fits no other. A name means the
/// dataflow that bears it now, else the last one that did.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DataflowRef(pub String);

impl fmt::Display for DataflowRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<&str> for DataflowRef {
    fn from(text: &str) -> Self {
        DataflowRef(text.to_string())
    }
}

impl From<String> for DataflowRef {
    fn from(text: String) -> Self {
        DataflowRef(text)
    }
}

impl From<DataflowId> for DataflowRef {
    fn from(id: DataflowId) -> Self {
        DataflowRef(id.to_string())
    }
}

/// Declares an enum whose variants have one word each, used wherever the variant is shown, typed or stored.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// Every variant, in order.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// The variant's word.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word).ok_or_else(|| UnknownWord {
                    word: word.to_string(),
                    known: Self::ALL.iter().map(|one| one.as_str()).collect(),
                })
            }
        }
    };
}

/// A word that names no variant of an enum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    pub word: String,
    /// The words that would have been understood.
    pub known: Vec<&'static str>,
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not one of {}", self.word, self.known.join(", "))
    }
}

impl std::error::Error for UnknownWord {}

words! {
    /// Where a dataflow or a node is in its life.
    Status {
        Created = "created",
        Building = "building",
        /// Its processes are started and have not all reached the barrier.
        Starting = "starting",
        Running = "running",
        Paused = "paused",
        Stopping = "stopping",
        /// Somebody asked it to stop, and it did.
        Stopped = "stopped",
        Failed = "failed",
        /// It came to its end by itself, without a failure.
        Finished = "finished",
        /// A node only: it is being started again.
        Restarting = "restarting",
        /// A node only: it waits before it is started again.
        Backoff = "backoff",
    }
}

impl Status {
    /// Whether nothing more will happen.
    pub fn is_ended(self) -> bool {
        matches!(self, Status::Stopped | Status::Failed | Status::Finished)
    }
}

words! {
    /// How grave a log record is; `stdout` is a line of plain output that names no level.
    LogLevel {
        Error = "error",
        Warn = "warn",
        Info = "info",
        Debug = "debug",
        Trace = "trace",
        Stdout = "stdout",
    }
}

words! {
    /// Where a log record came from.
    LogStream {
        Stdout = "stdout",
        Stderr = "stderr",
        /// The runtime itself.
        Runtime = "runtime",
    }
}

words! {
    /// What an input does when its queue is full.
    QueuePolicy {
        DropOldest = "drop_oldest",
        Backpressure = "backpressure",
    }
}

words! {
    /// The way an output's messages take.
    DataPath {
        /// Through the runtime's router: lossless, ordered, counted.
        Routed = "routed",
        /// From node to node through shared memory: fast for large messages, and out of the runtime's sight.
        Direct = "direct",
    }
}

words! {
    /// Which way outputs are to take.
    PathChoice {
        /// Direct for outputs that say so, by their type or their node's pool, or that sent large messages last
        /// time; routed for all others.
        Auto = "auto",
        Routed = "routed",
        /// Direct wherever that is possible.
        Direct = "direct",
    }
}

words! {
    /// Whether messages can be lost where the runtime cannot count them: a stock node reads ahead and evicts
    /// the oldest of its own queue.
    NodeLoss {
        Impossible = "impossible",
        Possible = "possible",
    }
}

impl NodeLoss {
    /// What is said of a record that does not tell.
    fn unknown() -> Self {
        NodeLoss::Possible
    }
}

words! {
    /// What feeds an edge.
    EdgeSource {
        Output = "output",
        Timer = "timer",
        Logs = "logs",
    }
}

words! {
    /// One thing a runtime can do; a missing one becomes an error that names it.
    Capability {
        Start = "start",
        Stop = "stop",
        Remove = "remove",
        Inspect = "inspect",
        Logs = "logs",
        Events = "events",
        Topics = "topics",
        Wait = "wait",
    }
}

words! {
    /// What a daemon does with a dataflow whose daemon was killed.
    Recovery {
        /// Starts it again if any of its nodes is to be started again when it fails.
        ByNodes = "by-nodes",
        Always = "always",
        Never = "never",
    }
}

/// A dataflow, as a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataflowInfo {
    pub id: DataflowId,
    /// Unique among the dataflows that have not ended, over all runtimes of one home.
    pub name: String,
    pub status: Status,
    /// The runtime that runs it, or ran it.
    pub runtime: String,
    /// The descriptor's file; `None` when it was given as text.
    pub file: Option<PathBuf>,
    /// How many nodes it has.
    pub nodes: u32,
    /// How many of them run.
    pub running: u32,
    /// How many of them have failed.
    #[serde(default)]
    pub failed: u32,
    /// How often its nodes were started again, in all.
    pub restarts: u32,
    pub created: UnixNanos,
    /// When all nodes had reached the barrier.
    pub started: Option<UnixNanos>,
    pub ended: Option<UnixNanos>,
    /// From `started` until now, or until `ended`.
    pub uptime: Option<Duration>,
    /// Why it failed.
    pub cause: Option<String>,
    /// The node that made it fail.
    pub culprit: Option<NodeId>,
}

/// Everything known about one dataflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataflowDetails {
    pub info: DataflowInfo,
    /// Where relative paths of its descriptor start.
    pub working_dir: PathBuf,
    /// SHA-256 of the descriptor's text, in hexadecimal.
    pub hash: String,
    /// The descriptor's text.
    pub descriptor: String,
    /// Where its logs are kept.
    pub log_dir: PathBuf,
    /// How it was started; `None` when an older version started it.
    #[serde(default)]
    pub options: Option<StartOptions>,
    pub nodes: Vec<NodeInfo>,
    pub edges: Vec<EdgeInfo>,
    /// Its transitions and notices, oldest first.
    pub history: Vec<Event>,
}

/// All that a runtime knows of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuntimeState {
    pub name: String,
    pub pid: u32,
    pub version: String,
    pub started: UnixNanos,
    /// What it was set to when it last read the configuration: keys and values.
    pub config: Vec<(String, String)>,
    /// Tasks of its async machinery that have not ended.
    pub tasks: u64,
    /// Connections of nodes that are open.
    pub connections: u64,
    pub process: ProcessState,
    pub dataflows: Vec<DataflowDetails>,
}

/// A process as the system tells of it. Sizes are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProcessState {
    pub threads: u64,
    pub open_files: u64,
    /// In memory now.
    pub resident: u64,
    /// The most that was ever in memory.
    pub peak: u64,
    /// Of the resident: its own data.
    pub private: u64,
    /// Of the resident: files, above all the program itself.
    pub files: u64,
    /// Of the resident: memory that others can see.
    pub shared: u64,
    pub swapped: u64,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeExit {
    Code(i32),
    Signal(i32),
}

impl NodeExit {
    /// Whether it ended with exit code 0.
    pub fn is_success(self) -> bool {
        self == NodeExit::Code(0)
    }
}

impl fmt::Display for NodeExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            NodeExit::Code(code) => write!(f, "exit code {code}"),
            NodeExit::Signal(signal) => match signal_name(signal) {
                Some(name) => f.write_str(name),
                None => write!(f, "signal {signal}"),
            },
        }
    }
}

fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return None,
    })
}

/// A node, as a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeInfo {
    pub dataflow: DataflowId,
    pub dataflow_name: String,
    pub node: NodeId,
    pub status: Status,
    pub pid: Option<u32>,
    pub restarts: u32,
    /// How its last process ended.
    pub exit: Option<NodeExit>,
    /// Why it failed, or was killed.
    pub cause: Option<String>,
    /// The node that made this one fail.
    pub culprit: Option<NodeId>,
    /// Share of one processor that its process and all that descend from it take, 1.0 being all of it; `None` while
    /// it does not run.
    pub cpu: Option<f64>,
    /// Resident memory of all of them in bytes.
    pub memory: Option<u64>,
    /// How many processes these are.
    #[serde(default)]
    pub processes: Option<u32>,
    /// Messages handed to its process.
    pub received: u64,
    /// Messages it sent.
    pub sent: u64,
    /// Messages per second, over the last few seconds.
    pub received_rate: f64,
    /// Messages per second, over the last few seconds.
    pub sent_rate: f64,
    pub started: Option<UnixNanos>,
    pub uptime: Option<Duration>,
    /// What runs: the `path` of the descriptor.
    pub source: String,
}

/// An input and what feeds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EdgeInfo {
    pub kind: EdgeSource,
    /// `node/output`, `dora/timer/millis/100`, or `dora/logs`.
    pub source: String,
    pub node: NodeId,
    pub input: DataId,
    /// The way its source's messages take. Those of a direct one are not counted here, but for fallbacks.
    #[serde(default = "routed")]
    pub path: DataPath,
    pub queue_size: usize,
    pub queue_policy: QueuePolicy,
    /// Messages that came to the edge.
    pub messages: u64,
    /// Payload of these messages, in bytes.
    pub bytes: u64,
    /// Messages handed to the consumer's process.
    pub delivered: u64,
    /// Messages the runtime dropped because the queue was full, or because the consumer had ended.
    pub dropped: u64,
    /// How many of these it dropped while the dataflow was paused.
    #[serde(default)]
    pub while_paused: u64,
    /// Messages that wait now.
    pub queued: u64,
    /// From the sender's clock at send until handed over; `None` before the first message.
    pub latency: Option<Latency>,
    pub node_loss: NodeLoss,
    /// Whether nothing more can come.
    pub closed: bool,
    /// Whether nothing has come for longer than the input's timeout.
    #[serde(default)]
    pub silent: bool,
}

fn routed() -> DataPath {
    DataPath::Routed
}

/// A distribution of latencies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    pub mean: Duration,
    pub p50: Duration,
    pub p99: Duration,
    pub max: Duration,
}

/// One output of a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Topic {
    pub node: NodeId,
    pub output: DataId,
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.node, self.output)
    }
}

impl Topic {
    /// Reads `node/output`; `None` when it is no such thing. An operator's output is `node/operator/output`.
    pub fn parse(text: &str) -> Option<Topic> {
        let (node, output) = text.split_once('/').filter(|(node, output)| !node.is_empty() && !output.is_empty())?;
        Some(Topic { node: NodeId::from(node.to_string()), output: DataId::from(output.to_string()) })
    }
}

/// Which messages are wanted: those that come from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TapQuery {
    pub dataflow: DataflowRef,
    pub topics: Vec<Topic>,
    /// Whether their data is wanted too, or only what is known of it.
    pub data: bool,
}

/// A message as it came to the router.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopicMessage {
    pub topic: Topic,
    /// When the router got it.
    pub time: UnixNanos,
    /// When it was sent, by the sender's clock.
    pub sent: UnixNanos,
    /// Its place among the messages of its topic, from 1.
    pub sequence: u64,
    /// How many messages of its topic this subscription has missed since the one before.
    pub missed: u64,
    /// Bytes of data.
    pub size: u64,
    /// Its metadata, with dora's own parameters.
    pub parameters: MetadataParameters,
    /// `None` for a message without data, or when no data was wanted.
    pub data: Option<Payload>,
}

impl TopicMessage {
    /// Whether its data is an Arrow IPC stream, and not bytes of the sender's own.
    pub fn is_arrow(&self) -> bool {
        self.parameters.get(FRAMING) == Some(&Parameter::String(FRAMING_ARROW_IPC.to_string()))
    }

    /// The parameters that the sender gave it.
    pub fn own_parameters(&self) -> MetadataParameters {
        let mut parameters = self.parameters.clone();
        dora_message::metadata::strip_internal_parameters(&mut parameters);
        parameters
    }
}

/// A message to be sent through an output in its node's place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Publication {
    pub dataflow: DataflowRef,
    pub topic: Topic,
    pub parameters: MetadataParameters,
    /// An Arrow IPC stream of one column.
    pub data: Option<Payload>,
}

/// The data of a message, aligned as Arrow wants it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Payload(#[serde(with = "dora_message::bulk_bytes")] pub AVec<u8, ConstAlign<128>>);

impl Payload {
    /// Copies bytes to where they are aligned.
    pub fn copy(bytes: &[u8]) -> Self {
        Payload(AVec::from_slice(128, bytes))
    }
}

impl std::ops::Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// A moment as metadata holds it.
pub fn moment_parameter(at: UnixNanos) -> Parameter {
    Parameter::Timestamp(chrono::DateTime::from_timestamp_nanos(at.0))
}

/// A node of a dataflow.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NodeRef {
    pub dataflow: DataflowRef,
    pub node: NodeId,
}

/// What a node's process was given: enough to run another program in its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeEnvironment {
    pub working_dir: PathBuf,
    /// Variables that differ from the runtime's own, and those it has from there.
    pub variables: BTreeMap<String, String>,
    /// The node's process, while it runs.
    pub pid: Option<u32>,
}

/// How an input is to be fed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// `node/output`, `dora/timer/millis/100`, or `dora/logs`.
    pub source: String,
    pub to: InputRef,
    /// Default: 10.
    pub queue_size: Option<usize>,
    /// Default: `drop_oldest`.
    pub queue_policy: Option<QueuePolicy>,
}

/// One input of a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InputRef {
    pub node: NodeId,
    pub input: DataId,
}

/// An output, as a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopicInfo {
    pub dataflow: DataflowId,
    pub dataflow_name: String,
    pub topic: Topic,
    /// The declared type, such as `std/media/v1/Image`.
    pub data_type: Option<String>,
    pub path: DataPath,
    pub messages: u64,
    pub bytes: u64,
    /// Messages per second, over the last few seconds.
    pub rate: f64,
    /// Bytes per second, over the last few seconds.
    pub bandwidth: f64,
    pub subscribers: Vec<InputRef>,
    /// Messages the runtime dropped, over all subscribers.
    pub dropped: u64,
    /// Whether any subscriber can lose messages where nobody can count them.
    #[serde(default = "NodeLoss::unknown")]
    pub node_loss: NodeLoss,
    /// When the last message came.
    pub last: Option<UnixNanos>,
    /// Payload of the largest message that the runtime saw, in bytes.
    #[serde(default)]
    pub largest: u64,
    /// Messages of a direct output that came through the runtime all the same.
    #[serde(default)]
    pub fallbacks: u64,
}

/// One line a node or the runtime said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogRecord {
    pub time: UnixNanos,
    pub dataflow: DataflowId,
    pub dataflow_name: String,
    /// `None` when the runtime speaks about the dataflow.
    pub node: Option<NodeId>,
    pub level: LogLevel,
    pub stream: LogStream,
    /// The module or logger that speaks.
    pub target: Option<String>,
    pub message: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// Which log records are wanted. An empty list means no restriction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogQuery {
    pub dataflow: DataflowRef,
    pub nodes: Vec<NodeId>,
    /// Only the last so many of the records that fit.
    pub tail: Option<usize>,
    pub since: Option<UnixNanos>,
    pub until: Option<UnixNanos>,
    pub levels: Vec<LogLevel>,
    /// A regular expression to be found in the message.
    pub grep: Option<String>,
    /// Whether to go on with new records until the dataflow ends.
    pub follow: bool,
}

impl LogQuery {
    /// All records of `dataflow` so far.
    pub fn new(dataflow: impl Into<DataflowRef>) -> Self {
        LogQuery {
            dataflow: dataflow.into(),
            nodes: Vec::new(),
            tail: None,
            since: None,
            until: None,
            levels: Vec::new(),
            grep: None,
            follow: false,
        }
    }
}

/// Something that happened to a dataflow or one of its nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Grows by one with every event of the dataflow.
    pub sequence: u64,
    pub time: UnixNanos,
    pub dataflow: DataflowId,
    pub dataflow_name: String,
    pub node: Option<NodeId>,
    pub kind: EventKind,
    /// Why, in a sentence; empty when the kind says it all.
    pub why: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    Transition {
        from: Status,
        to: Status,
    },
    /// Something worth knowing that changes no status; `count` says how often it has happened so far.
    Notice {
        level: LogLevel,
        count: u64,
    },
    /// The dataflow's record and logs were deleted.
    Removed,
}

/// Which events are wanted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EventQuery {
    pub dataflow: Option<DataflowRef>,
    /// Whether to begin with what is stored.
    pub history: bool,
    /// Whether to go on with new events; without a `dataflow` this never ends.
    pub follow: bool,
}

/// Which nodes are wanted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeQuery {
    pub dataflow: Option<DataflowRef>,
    /// Whether to include the nodes of ended dataflows.
    pub all: bool,
}

/// Which topics are wanted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TopicQuery {
    pub dataflow: Option<DataflowRef>,
}

/// Where a dataflow's descriptor comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DescriptorSource {
    /// A YAML file; relative node paths start at its directory.
    File(PathBuf),
    /// YAML itself; `label` is what messages call it, `file` where it once came from.
    Text {
        label: String,
        text: String,
        #[serde(default)]
        file: Option<PathBuf>,
    },
}

/// What of a dataflow is built before its nodes start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuildMode {
    /// What was not built before by the same commands in the same directory.
    #[default]
    Needed,
    /// Everything.
    Always,
    /// Nothing, and nothing is fetched.
    Never,
}

/// How a dataflow is to be started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StartOptions {
    pub source: DescriptorSource,
    /// Default: the file's name without its ending, made unique by a number.
    pub name: Option<String>,
    /// Default: the file's directory; for text the current one.
    pub working_dir: Option<PathBuf>,
    /// Added to the environment of all nodes: wins over that of the dataflow, not over that of a node.
    pub env: BTreeMap<String, String>,
    /// Whether Python nodes run under `uv run`.
    pub uv: bool,
    /// Whether to return only when all nodes have reached the barrier, or one has failed.
    pub wait: bool,
    /// How long nodes may take to reach the barrier once they are built, when that is waited for.
    #[serde(default)]
    pub ready_within: Option<Duration>,
    /// What is built before the nodes start.
    #[serde(default)]
    pub build: BuildMode,
    /// Whether it ends when all is built, and starts no node.
    #[serde(default)]
    pub build_only: bool,
    /// Whether types of an output and an input that do not fit are a mistake, whatever the dataflow says.
    #[serde(default)]
    pub strict_types: bool,
    /// Whether nodes may be command lines of `sh`.
    #[serde(default)]
    pub allow_shell_nodes: bool,
    /// What becomes of it when the daemon that runs it is killed.
    #[serde(default = "by_nodes")]
    pub recover: Recovery,
    /// Which way its outputs take.
    #[serde(default = "auto")]
    pub path: PathChoice,
}

fn auto() -> PathChoice {
    PathChoice::Auto
}

fn by_nodes() -> Recovery {
    Recovery::ByNodes
}

impl StartOptions {
    /// Starts the dataflow of a file under a default name, and waits until it runs.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::from_source(DescriptorSource::File(path.into()))
    }

    /// Starts a dataflow given as text; `label` is what messages call it.
    pub fn text(label: impl Into<String>, text: impl Into<String>) -> Self {
        Self::from_source(DescriptorSource::Text { label: label.into(), text: text.into(), file: None })
    }

    fn from_source(source: DescriptorSource) -> Self {
        StartOptions {
            source,
            name: None,
            working_dir: None,
            env: BTreeMap::new(),
            uv: false,
            wait: true,
            ready_within: None,
            build: BuildMode::default(),
            build_only: false,
            strict_types: false,
            allow_shell_nodes: false,
            recover: Recovery::ByNodes,
            path: PathChoice::Auto,
        }
    }
}

/// How a dataflow is to be stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopOptions {
    /// How long nodes may take after the stop event before they get SIGTERM. Default: 10 seconds.
    pub grace: Option<Duration>,
    /// Whether to skip the stop event and kill at once.
    pub force: bool,
}

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitCondition {
    /// The dataflow runs, or has ended before it could.
    Running,
    /// The dataflow is paused, or has ended.
    Paused,
    /// The dataflow has ended.
    Ended,
}
