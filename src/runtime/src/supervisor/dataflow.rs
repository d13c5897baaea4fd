//! What is known of one dataflow.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use diag::{Diagnostic, Result, codes};
use dora_message::daemon_to_node::NodeEvent;
use dora_message::descriptor::RestartPolicy;
use dora_message::id::NodeId;
use dora_message::uhlc::HLC;
use store::{ProcessId, Store};
use tokio::sync::{broadcast, mpsc, watch};

use super::paths::{self, Learned};
use super::task::commands::Command;
use crate::descriptor::plan::{Plan, PlannedNode};
use crate::logs::journal::Journal;
use crate::model::{
    BuildMode, DataPath, DataflowDetails, DataflowId, DataflowInfo, Event, EventKind, InputRef, LogLevel, NodeExit,
    NodeInfo, NodeLoss, Recovery, StartOptions, Status, Topic, TopicInfo, UnixNanos,
};
use crate::records::{self, Change, Kept};
use crate::router::Router;
use crate::router::rate::Meter;
use crate::telemetry::processes::Usage;

/// How many lines of a node's standard error are remembered for the moment it dies.
pub(super) const LAST_LINES: usize = 20;
/// How many of its latest events a dataflow remembers; all of them are in the store.
const HISTORY: usize = 500;

/// One dataflow that runs or has run in this process. Its supervisor changes it, everybody else asks it.
pub struct Dataflow {
    run: Run,
    plan: RwLock<Arc<Plan>>,
    pub commands: mpsc::UnboundedSender<Command>,
    pub(super) status: watch::Sender<Status>,
    pub(super) state: Mutex<State>,
}

/// What of a dataflow never changes. [`Dataflow`] gives it out as its own.
pub struct Run {
    pub id: DataflowId,
    pub name: String,
    pub runtime: String,
    pub file: Option<PathBuf>,
    pub working_dir: PathBuf,
    pub text: String,
    pub hash: String,
    pub created: UnixNanos,
    /// How it was started, with the text as it was then: what it takes to start it again.
    pub options: StartOptions,
    /// What an earlier run has told of its outputs.
    pub learned: Learned,
    pub router: Arc<Router>,
    pub journal: Arc<Journal>,
    pub clock: Arc<HLC>,
    pub store: Store,
    pub events: broadcast::Sender<Event>,
}

impl Deref for Dataflow {
    type Target = Run;

    fn deref(&self) -> &Run {
        &self.run
    }
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
    /// How its nodes and edges were changed.
    changes: Vec<Change>,
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
    /// How many processes it has had before the present one, for whatever reason.
    pub incarnation: u32,
    /// What was set while it ran, in JSON; every process of it is told.
    pub params: BTreeMap<String, serde_json::Value>,
    /// It was taken out of the dataflow; its place stays empty.
    pub removed: bool,
    /// Its present process is ready for events.
    pub ready: bool,
    /// Where it listens for others' direct messages, once any go that way.
    zenoh_port: Option<u16>,
    usage: Option<Usage>,
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
            incarnation: 0,
            params: BTreeMap::new(),
            removed: false,
            ready: false,
            zenoh_port: None,
            usage: None,
            received: Meter::default(),
            sent: Meter::default(),
        }
    }
}

impl Dataflow {
    /// Makes a dataflow that is about to start, and the queue its supervisor reads commands from.
    pub fn new(run: Run, plan: Plan) -> (Arc<Self>, mpsc::UnboundedReceiver<Command>) {
        let (commands, receiver) = mpsc::unbounded_channel();
        let nodes = plan.nodes.iter().map(|_| NodeState::new()).collect();
        let flow = Dataflow {
            run,
            plan: RwLock::new(Arc::new(plan)),
            commands,
            status: watch::Sender::new(Status::Created),
            state: Mutex::new(State { nodes, ..State::default() }),
        };
        (Arc::new(flow), receiver)
    }

    /// The plan as it is now. A node keeps its place in it for good.
    pub fn plan(&self) -> Arc<Plan> {
        self.plan.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the plan; only the supervisor does.
    pub(super) fn change_plan(&self, change: impl FnOnce(&mut Plan)) {
        let mut plan = self.plan.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut plan));
    }

    /// What it takes to start it again as it is now.
    pub fn kept(&self) -> Kept {
        let plan = self.plan();
        let state = self.lock();
        let set = plan.nodes.iter().zip(&state.nodes).filter(|(_, node)| !node.removed && !node.params.is_empty());
        let params = set.map(|(planned, node)| (planned.id.clone(), node.params.clone())).collect();
        let changes = state.changes.clone();
        // What has been built once is not built anew by each restart.
        let build = match self.options.build {
            BuildMode::Always => BuildMode::Needed,
            build => build,
        };
        let recovers = match self.options.recover {
            Recovery::Always => true,
            Recovery::Never => false,
            Recovery::ByNodes => plan.nodes.iter().any(|node| !matches!(node.restart.policy, RestartPolicy::Never)),
        };
        // What was only to be built would be built for nobody.
        let recovers = recovers && !self.options.build_only;
        Kept { options: StartOptions { build, ..self.options.clone() }, recovers, params, changes }
    }

    /// Writes down what it takes to start it again as it is now.
    pub fn keep_options(&self) -> Result<()> {
        let json = serde_json::to_string(&self.kept()).map_err(|error| {
            Diagnostic::new(codes::RUNTIME_FAILED, "the options of the dataflow cannot be written")
                .cause(error.to_string())
        })?;
        self.store.set_dataflow_options(self.id.0, &json, self.info().nodes)
    }

    /// Writes down a change of nodes or edges, so that it is there again when it is started again.
    pub fn note_change(&self, change: Change) -> Result<()> {
        change.note(&mut self.lock().changes);
        self.keep_options()
    }

    /// The parameters of a node.
    pub fn params(&self, node: usize) -> BTreeMap<String, serde_json::Value> {
        self.lock().nodes.get(node).map(|node| node.params.clone()).unwrap_or_default()
    }

    /// Sets a parameter of a node.
    pub fn set_param(&self, node: usize, key: String, value: serde_json::Value) -> Result<()> {
        if let Some(node) = self.lock().nodes.get_mut(node) {
            node.params.insert(key, value);
        }
        self.keep_options()
    }

    /// Deletes a parameter of a node; `false` when it was not set.
    pub fn delete_param(&self, node: usize, key: &str) -> Result<bool> {
        let had = self.lock().nodes.get_mut(node).is_some_and(|node| node.params.remove(key).is_some());
        self.keep_options().map(|()| had)
    }

    /// Sets parameters that were set in an earlier run.
    pub fn set_all_params(&self, params: BTreeMap<NodeId, BTreeMap<String, serde_json::Value>>) -> Result<()> {
        for (node, params) in params {
            let Some(node) = self.router.find(&node) else { continue };
            for (key, value) in params {
                let value_json = serde_json::to_vec(&value).unwrap_or_default();
                self.set_param(node, key.clone(), value)?;
                self.router.tell(node, &NodeEvent::ParamUpdate { key, value_json });
            }
        }
        Ok(())
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
        let plan = self.plan();
        let Some(id) = plan.nodes.get(node).map(|planned| &planned.id) else { return Ok(()) };
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
        let plan = self.plan();
        let node = node.and_then(|node| plan.nodes.get(node)).map(|planned| planned.id.clone());
        let count = {
            let mut state = self.lock();
            let count = state.notices.entry((node.clone(), text.clone())).or_default();
            *count += 1;
            *count
        };
        if count == 10u64.saturating_pow(count.ilog10()) {
            self.tell(node, level, text, count);
        }
    }

    /// Warns of something that has happened so many times to a node.
    pub(super) fn warn(&self, node: usize, text: String, count: u64) {
        let node = self.plan().nodes.get(node).map(|planned| planned.id.clone());
        self.tell(node, LogLevel::Warn, text, count);
    }

    fn tell(&self, node: Option<NodeId>, level: LogLevel, text: String, count: u64) {
        self.journal.say(node.as_ref(), level, text.clone());
        // A store that cannot be written is told by the transitions, which fail with it.
        let _ = self.emit(node, EventKind::Notice { level, count }, text);
    }

    /// Takes a new node in.
    pub(super) fn admit(&self, node: PlannedNode) {
        if let Err(error) = self.journal.add(&node.id, &node.logs) {
            self.notice(None, LogLevel::Error, format!("the logs of `{}` cannot be written: {error}", node.id));
        }
        self.lock().nodes.push(NodeState::new());
        self.change_plan(|plan| plan.nodes.push(node));
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

    /// Where a node listens for direct messages; the same for all its processes.
    pub fn zenoh_port(&self, node: usize) -> std::io::Result<u16> {
        let mut state = self.lock();
        let Some(node) = state.nodes.get_mut(node) else { return Err(std::io::ErrorKind::NotFound.into()) };
        match node.zenoh_port {
            Some(port) => Ok(port),
            None => paths::free_port().inspect(|port| node.zenoh_port = Some(*port)),
        }
    }

    /// Those of some nodes that are ready now.
    pub(super) fn ready_among(&self, nodes: &BTreeSet<usize>) -> Vec<usize> {
        let state = self.lock();
        nodes.iter().copied().filter(|&node| state.nodes.get(node).is_some_and(|node| node.ready)).collect()
    }

    /// Outputs that go from node to node.
    pub fn direct_outputs(&self) -> Vec<Topic> {
        self.topics().into_iter().filter(|topic| topic.path == DataPath::Direct).map(|topic| topic.topic).collect()
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
    pub fn sample(&self, now: Instant, usage: &HashMap<u32, Usage>) {
        let plan = self.plan();
        let mut state = self.lock();
        let state = &mut *state;
        for (at, node) in state.nodes.iter_mut().enumerate() {
            let (sent, received) = self.router.traffic(at);
            node.sent.sample(now, sent);
            node.received.sample(now, received);
            let running = node.process.filter(|_| !node.status.is_ended());
            node.usage = running.and_then(|process| usage.get(&process.pid).copied());
        }
        for (at, planned) in plan.nodes.iter().enumerate() {
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
        let count = |status| state.nodes.iter().map(|node| u32::from(node.status == status)).sum();
        DataflowInfo {
            id: self.id,
            name: self.name.clone(),
            status,
            runtime: self.runtime.clone(),
            file: self.file.clone(),
            nodes: state.nodes.iter().map(|node| u32::from(!node.removed)).sum(),
            running: count(Status::Running),
            failed: count(Status::Failed),
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
        let plan = self.plan();
        let state = self.lock();
        let rows = plan.nodes.iter().zip(&state.nodes).enumerate().filter(|(_, (_, node))| !node.removed);
        rows.map(|(at, (planned, node))| {
            let (sent, received) = self.router.traffic(at);
            let runs = !node.status.is_ended();
            let usage = node.usage.filter(|_| runs);
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
                cpu: usage.map(|usage| usage.cpu),
                memory: usage.map(|usage| usage.memory),
                processes: usage.map(|usage| usage.processes),
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
        let plan = self.plan();
        let edges = self.router.edges();
        let state = self.lock();
        let mut topics = Vec::new();
        for (at, planned) in plan.nodes.iter().enumerate() {
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
                    path: counts.path,
                    largest: counts.largest,
                    fallbacks: counts.fallbacks,
                    messages: counts.messages,
                    bytes: counts.bytes,
                    rate: meters.map_or(0.0, |(messages, _)| messages.rate(now, counts.messages)),
                    bandwidth: meters.map_or(0.0, |(_, bytes)| bytes.rate(now, counts.bytes)),
                    dropped: fed.iter().map(|edge| edge.dropped).sum(),
                    node_loss: match fed.iter().any(|edge| edge.node_loss == NodeLoss::Possible) {
                        true => NodeLoss::Possible,
                        false => NodeLoss::Impossible,
                    },
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

    /// Its outputs, with messages per second over the last few seconds.
    pub fn topic_rates(&self) -> Vec<(Topic, f64)> {
        let now = Instant::now();
        let plan = self.plan();
        let state = self.lock();
        let outputs = plan.nodes.iter().enumerate().flat_map(|(at, planned)| {
            let outputs = planned.run_config.outputs.iter();
            outputs.map(move |output| (at, output, Topic { node: planned.id.clone(), output: output.clone() }))
        });
        let rates = outputs.filter_map(|(at, output, topic)| {
            let counts = self.router.output(at, output)?;
            let rate = state.meters.get(&topic).map_or(0.0, |(messages, _)| messages.rate(now, counts.messages));
            Some((topic, rate))
        });
        rates.collect()
    }

    /// Everything.
    pub fn details(&self) -> DataflowDetails {
        DataflowDetails {
            info: self.info(),
            working_dir: self.working_dir.clone(),
            hash: self.hash.clone(),
            descriptor: self.text.clone(),
            log_dir: self.journal.directory.clone(),
            options: Some(self.options.clone()),
            nodes: self.nodes(),
            edges: self.router.edges(),
            history: self.lock().history.iter().cloned().collect(),
        }
    }
}
