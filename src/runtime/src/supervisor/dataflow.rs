//! What is known of one dataflow.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use diag::Result;
use dora_message::id::NodeId;
use dora_message::uhlc::HLC;
use store::{ProcessId, Store};
use tokio::sync::{broadcast, mpsc, watch};

use super::task::Command;
use crate::descriptor::plan::Plan;
use crate::logs::journal::Journal;
use crate::model::{
    DataPath, DataflowDetails, DataflowId, DataflowInfo, Event, EventKind, InputRef, LogLevel, NodeExit, NodeInfo,
    Status, Topic, TopicInfo, UnixNanos,
};
use crate::records;
use crate::router::Router;
use crate::router::rate::Meter;

/// How many lines of a node's standard error are remembered for the moment it dies.
const LAST_LINES: usize = 20;
/// How many of its latest events a dataflow remembers; all of them are in the store.
const HISTORY: usize = 500;

/// One dataflow that runs or has run in this process. Its supervisor changes it, everybody else asks it.
pub struct Dataflow {
    pub id: DataflowId,
    pub name: String,
    pub runtime: String,
    pub file: Option<PathBuf>,
    pub working_dir: PathBuf,
    pub text: String,
    pub hash: String,
    pub created: UnixNanos,
    /// What the caller adds to every node's environment.
    pub env: BTreeMap<String, String>,
    pub plan: Plan,
    pub router: Arc<Router>,
    pub journal: Arc<Journal>,
    pub clock: Arc<HLC>,
    pub commands: mpsc::UnboundedSender<Command>,
    pub(super) store: Store,
    pub(super) events: broadcast::Sender<Event>,
    pub(super) status: watch::Sender<Status>,
    pub(super) state: Mutex<State>,
}

/// What changes.
#[derive(Default)]
pub(super) struct State {
    pub started: Option<UnixNanos>,
    pub ended: Option<UnixNanos>,
    pub cause: Option<String>,
    pub culprit: Option<NodeId>,
    pub nodes: Vec<NodeState>,
    sequence: u64,
    history: VecDeque<Event>,
    /// How often each notice was given.
    notices: HashMap<(Option<NodeId>, String), u64>,
    meters: HashMap<Topic, (Meter, Meter)>,
}

pub(super) struct NodeState {
    pub status: Status,
    pub process: Option<ProcessId>,
    pub restarts: u32,
    pub exit: Option<NodeExit>,
    pub cause: Option<String>,
    pub culprit: Option<NodeId>,
    pub started: Option<UnixNanos>,
    pub ended: Option<UnixNanos>,
    pub stderr: VecDeque<String>,
    cpu: Option<f64>,
    memory: Option<u64>,
    received: Meter,
    sent: Meter,
}

impl NodeState {
    pub fn new() -> Self {
        NodeState {
            status: Status::Created,
            process: None,
            restarts: 0,
            exit: None,
            cause: None,
            culprit: None,
            started: None,
            ended: None,
            stderr: VecDeque::new(),
            cpu: None,
            memory: None,
            received: Meter::default(),
            sent: Meter::default(),
        }
    }
}

/// The parts of a dataflow that do not change, gathered to make one.
pub struct Parts {
    pub id: DataflowId,
    pub name: String,
    pub runtime: String,
    pub file: Option<PathBuf>,
    pub working_dir: PathBuf,
    pub text: String,
    pub hash: String,
    pub created: UnixNanos,
    pub env: BTreeMap<String, String>,
    pub plan: Plan,
    pub router: Arc<Router>,
    pub journal: Arc<Journal>,
    pub clock: Arc<HLC>,
    pub store: Store,
    pub events: broadcast::Sender<Event>,
}

impl Dataflow {
    /// Makes a dataflow that is about to start, and the queue its supervisor reads commands from.
    pub fn new(parts: Parts) -> (Arc<Self>, mpsc::UnboundedReceiver<Command>) {
        let (commands, receiver) = mpsc::unbounded_channel();
        let nodes = parts.plan.nodes.iter().map(|_| NodeState::new()).collect();
        let flow = Dataflow {
            id: parts.id,
            name: parts.name,
            runtime: parts.runtime,
            file: parts.file,
            working_dir: parts.working_dir,
            text: parts.text,
            hash: parts.hash,
            created: parts.created,
            env: parts.env,
            plan: parts.plan,
            router: parts.router,
            journal: parts.journal,
            clock: parts.clock,
            commands,
            store: parts.store,
            events: parts.events,
            status: watch::Sender::new(Status::Created),
            state: Mutex::new(State { nodes, ..State::default() }),
        };
        (Arc::new(flow), receiver)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it is in its life.
    pub fn status(&self) -> Status {
        *self.status.borrow()
    }

    /// Tells of every change of status, beginning with the present one.
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Waits until it has ended.
    pub async fn until_ended(&self) {
        // The sender lives as long as the dataflow, which the caller holds.
        let _ = self.watch().wait_for(|status| status.is_ended()).await;
    }

    /// Changes the status of the dataflow and tells everybody.
    pub(super) fn transition(&self, to: Status, why: impl Into<String>) -> Result<()> {
        let from = self.status();
        if from == to {
            return Ok(());
        }
        let why = why.into();
        let said = if why.is_empty() { format!("{from} → {to}") } else { format!("{from} → {to}: {why}") };
        self.journal.say(None, if to == Status::Failed { LogLevel::Error } else { LogLevel::Info }, said);
        let told = self.emit(None, EventKind::Transition { from, to }, why);
        // Last, so that who waited for it finds it told everywhere.
        self.status.send_replace(to);
        told
    }

    /// Changes the status of a node and tells everybody.
    pub(super) fn node_transition(&self, node: usize, to: Status, why: impl Into<String>) -> Result<()> {
        let Some(id) = self.plan.nodes.get(node).map(|planned| &planned.id) else { return Ok(()) };
        let from = {
            let mut state = self.lock();
            let Some(node) = state.nodes.get_mut(node) else { return Ok(()) };
            std::mem::replace(&mut node.status, to)
        };
        if from == to {
            return Ok(());
        }
        let why = why.into();
        if to == Status::Failed {
            self.journal.say(Some(id), LogLevel::Error, format!("failed: {why}"));
        }
        self.emit(Some(id.clone()), EventKind::Transition { from, to }, why)
    }

    /// Tells of something worth knowing. The same notice is told when it has happened 1, 10, 100, … times.
    pub fn notice(&self, node: Option<usize>, level: LogLevel, text: String) {
        let node = node.and_then(|node| self.plan.nodes.get(node)).map(|planned| planned.id.clone());
        let count = {
            let mut state = self.lock();
            let count = state.notices.entry((node.clone(), text.clone())).or_default();
            *count += 1;
            *count
        };
        if count == 10u64.saturating_pow(count.ilog10()) {
            self.journal.say(node.as_ref(), level, text.clone());
            // A store that cannot be written is told by the transitions, which fail with it.
            let _ = self.emit(node, EventKind::Notice { level, count }, text);
        }
    }

    fn emit(&self, node: Option<NodeId>, kind: EventKind, why: String) -> Result<()> {
        let event = {
            let mut state = self.lock();
            state.sequence += 1;
            let event = Event {
                sequence: state.sequence,
                time: UnixNanos::now(),
                dataflow: self.id,
                dataflow_name: self.name.clone(),
                node,
                kind,
                why,
            };
            if state.history.len() == HISTORY {
                state.history.pop_front();
            }
            state.history.push_back(event.clone());
            event
        };
        let stored = self.store.record_events(&[records::event(&event)]);
        // Nobody listening is no failure.
        let _ = self.events.send(event);
        stored.map(drop)
    }

    /// Keeps a line of standard error for the moment the node dies.
    pub fn remember_stderr(&self, node: usize, line: &str) {
        let mut state = self.lock();
        let Some(node) = state.nodes.get_mut(node) else { return };
        if node.stderr.len() == LAST_LINES {
            node.stderr.pop_front();
        }
        node.stderr.push_back(line.chars().take(500).collect());
    }

    /// Notes how many messages went through, and what the processes use.
    pub fn sample(&self, now: Instant, usage: impl Fn(u32) -> Option<(f64, u64)>) {
        let mut state = self.lock();
        let state = &mut *state;
        for (at, node) in state.nodes.iter_mut().enumerate() {
            let (sent, received) = self.router.traffic(at);
            node.sent.sample(now, sent);
            node.received.sample(now, received);
            let used = node.process.filter(|_| !node.status.is_ended()).and_then(|process| usage(process.pid));
            (node.cpu, node.memory) = (used.map(|used| used.0), used.map(|used| used.1));
        }
        for (at, planned) in self.plan.nodes.iter().enumerate() {
            for output in &planned.run_config.outputs {
                let Some(counts) = self.router.output(at, output) else { continue };
                let topic = Topic { node: planned.id.clone(), output: output.clone() };
                let (messages, bytes) = state.meters.entry(topic).or_default();
                messages.sample(now, counts.messages);
                bytes.sample(now, counts.bytes);
            }
        }
    }

    /// The processes that run now.
    pub fn pids(&self) -> Vec<u32> {
        let state = self.lock();
        state.nodes.iter().filter(|node| !node.status.is_ended()).filter_map(|node| Some(node.process?.pid)).collect()
    }

    /// The dataflow as a row.
    pub fn info(&self) -> DataflowInfo {
        let status = self.status();
        let state = self.lock();
        DataflowInfo {
            id: self.id,
            name: self.name.clone(),
            status,
            runtime: self.runtime.clone(),
            file: self.file.clone(),
            nodes: u32::try_from(state.nodes.len()).unwrap_or(u32::MAX),
            running: state.nodes.iter().map(|node| u32::from(node.status == Status::Running)).sum(),
            restarts: state.nodes.iter().map(|node| node.restarts).sum(),
            created: self.created,
            started: state.started,
            ended: state.ended,
            uptime: state.started.map(|started| state.ended.unwrap_or_else(UnixNanos::now).since(started)),
            cause: state.cause.clone(),
            culprit: state.culprit.clone(),
        }
    }

    /// Its nodes as rows.
    pub fn nodes(&self) -> Vec<NodeInfo> {
        let now = Instant::now();
        let state = self.lock();
        let rows = self.plan.nodes.iter().zip(&state.nodes).enumerate();
        rows.map(|(at, (planned, node))| {
            let (sent, received) = self.router.traffic(at);
            let runs = !node.status.is_ended();
            NodeInfo {
                dataflow: self.id,
                dataflow_name: self.name.clone(),
                node: planned.id.clone(),
                status: node.status,
                pid: node.process.filter(|_| runs).map(|process| process.pid),
                restarts: node.restarts,
                exit: node.exit,
                cause: node.cause.clone(),
                culprit: node.culprit.clone(),
                cpu: node.cpu.filter(|_| runs),
                memory: node.memory.filter(|_| runs),
                received,
                sent,
                received_rate: if runs { node.received.rate(now, received) } else { 0.0 },
                sent_rate: if runs { node.sent.rate(now, sent) } else { 0.0 },
                started: node.started,
                uptime: node.started.map(|started| node.ended.unwrap_or_else(UnixNanos::now).since(started)),
                source: planned.source.clone(),
            }
        })
        .collect()
    }

    /// Its outputs as rows.
    pub fn topics(&self) -> Vec<TopicInfo> {
        let now = Instant::now();
        let edges = self.router.edges();
        let state = self.lock();
        let mut topics = Vec::new();
        for (at, planned) in self.plan.nodes.iter().enumerate() {
            for output in &planned.run_config.outputs {
                let Some(counts) = self.router.output(at, output) else { continue };
                let topic = Topic { node: planned.id.clone(), output: output.clone() };
                let name = topic.to_string();
                let fed: Vec<_> = edges.iter().filter(|edge| edge.source == name).collect();
                let meters = state.meters.get(&topic);
                topics.push(TopicInfo {
                    dataflow: self.id,
                    dataflow_name: self.name.clone(),
                    data_type: planned.run_config.output_types.get(output).cloned(),
                    path: DataPath::Routed,
                    messages: counts.messages,
                    bytes: counts.bytes,
                    rate: meters.map_or(0.0, |(messages, _)| messages.rate(now, counts.messages)),
                    bandwidth: meters.map_or(0.0, |(_, bytes)| bytes.rate(now, counts.bytes)),
                    dropped: fed.iter().map(|edge| edge.dropped).sum(),
                    subscribers: fed
                        .iter()
                        .map(|edge| InputRef { node: edge.node.clone(), input: edge.input.clone() })
                        .collect(),
                    last: counts.last,
                    topic,
                });
            }
        }
        topics
    }

    /// Everything.
    pub fn details(&self) -> DataflowDetails {
        DataflowDetails {
            info: self.info(),
            working_dir: self.working_dir.clone(),
            hash: self.hash.clone(),
            descriptor: self.text.clone(),
            log_dir: self.journal.directory.clone(),
            nodes: self.nodes(),
            edges: self.router.edges(),
            history: self.lock().history.iter().cloned().collect(),
        }
    }
}
