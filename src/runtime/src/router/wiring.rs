//! Who is fed by whom. A wiring never changes: a new one takes its place, while those who route by the old one
//! finish what they have in hand.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use dora_message::config::InputMapping;
use dora_message::daemon_to_node::NodeEvent;
use dora_message::id::{DataId, NodeId};
use dora_message::uhlc::HLC;

use super::latencies::Latencies;
use super::mailbox::{InputCounts, Mailbox, Queue};
use super::message::Message;
use super::tap::Taps;
use crate::descriptor::plan::{Plan, PlannedInput, PlannedNode};
use crate::model::{DataPath, EdgeInfo, EdgeSource, LogLevel, NodeLoss, QueuePolicy, UnixNanos};

/// One state of the wiring.
#[derive(Clone, Default)]
pub struct Wiring {
    /// One for each node that ever was part of the dataflow, by its place in the plan.
    pub ports: Vec<Arc<Port>>,
    index: HashMap<NodeId, usize>,
    pub timers: Vec<Timer>,
    pub logs: Vec<LogInput>,
    /// Who looks on at outputs that are gone, until a node brings them back.
    absent: HashMap<(NodeId, String), Arc<Taps>>,
}

/// A node as the router sees it.
#[derive(Clone)]
pub struct Port {
    pub id: NodeId,
    pub mailbox: Arc<Mailbox>,
    /// In the order of the mailbox's queues.
    pub inputs: Vec<PlannedInput>,
    pub outputs: HashMap<String, Route>,
    /// While set, its outputs stay open when it ends, because it will be started again.
    pub keeps_outputs: Arc<AtomicBool>,
}

/// An output and who takes it.
#[derive(Clone)]
pub struct Route {
    pub output: Arc<Output>,
    pub subscribers: Vec<Target>,
}

/// What is counted of an output.
#[derive(Default)]
pub struct Output {
    pub closed: AtomicBool,
    /// Its messages go from node to node; those that come here could not.
    pub direct: AtomicBool,
    pub messages: AtomicU64,
    pub bytes: AtomicU64,
    largest: AtomicU64,
    /// Messages that came here although the output is direct.
    fallbacks: AtomicU64,
    /// Messages that came here and would be faster on the direct way.
    large: AtomicU64,
    /// When the last message came; 0 for never.
    last: AtomicI64,
    /// Who looks on. They stay when the output goes and comes back.
    pub taps: Arc<Taps>,
}

/// When a message came to the router, and its place among those of its output, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    pub time: UnixNanos,
    pub sequence: u64,
}

/// What is odd about the way of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Odd {
    /// It should have gone from node to node.
    Fallback,
    /// It would be faster from node to node.
    Large,
}

/// One input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    pub node: usize,
    pub input: usize,
}

/// All inputs that tick together.
#[derive(Clone)]
pub struct Timer {
    pub interval: Duration,
    pub targets: Vec<Target>,
}

/// An input that carries log records.
#[derive(Clone)]
pub struct LogInput {
    pub target: Target,
    min_level: Option<LogLevel>,
    node: Option<NodeId>,
}

/// Counts of one output.
#[derive(Debug, Clone, Copy)]
pub struct OutputCounts {
    pub path: DataPath,
    pub messages: u64,
    pub bytes: u64,
    pub largest: u64,
    pub fallbacks: u64,
    pub last: Option<UnixNanos>,
}

impl Wiring {
    /// Wires a plan.
    pub fn new(plan: &Plan, clock: &Arc<HLC>) -> Self {
        let mut wiring = Wiring::default();
        for node in &plan.nodes {
            wiring.add_port(node, clock);
        }
        for node in 0..wiring.ports.len() {
            wiring.subscribe_all(node);
        }
        wiring
    }

    /// The place of a node in the plan.
    pub fn find(&self, node: &NodeId) -> Option<usize> {
        self.index.get(node).copied()
    }

    /// Adds a node, wired to all it names and to all that names it; returns its place.
    pub fn add(&mut self, node: &PlannedNode, clock: &Arc<HLC>) -> usize {
        let at = self.add_port(node, clock);
        self.subscribe_all(at);
        at
    }

    /// Puts another definition in a node's place. Its mailbox, what is counted, and who takes its outputs stay.
    pub fn replace(&mut self, at: usize, node: &PlannedNode) {
        let Some(old) = self.ports.get(at).cloned() else { return };
        self.unsubscribe_all(at);
        old.mailbox.replace_queues(node.inputs.iter().map(queue));
        let mut known = old.outputs.clone();
        let outputs = self.outputs(node, &mut known);
        self.part(&node.id, known);
        self.ports[at] = Arc::new(Port { inputs: node.inputs.clone(), outputs, ..(*old).clone() });
        self.subscribe_all(at);
    }

    /// Takes a node out: nothing is brought to it any more, and nobody finds it. Its place stays empty.
    pub fn remove(&mut self, at: usize) {
        self.unsubscribe_all(at);
        self.index.retain(|_, place| *place != at);
        if let Some(port) = self.ports.get_mut(at) {
            let mut empty = (**port).clone();
            empty.inputs.clear();
            let outputs = std::mem::take(&mut empty.outputs);
            let id = empty.id.clone();
            *port = Arc::new(empty);
            self.part(&id, outputs);
        }
    }

    /// The outputs that a node declares: those that are known, and new ones for the rest.
    fn outputs(&mut self, node: &PlannedNode, known: &mut HashMap<String, Route>) -> HashMap<String, Route> {
        let outputs = node.run_config.outputs.iter().map(|id| {
            let route = known.remove(AsRef::<str>::as_ref(id)).unwrap_or_else(|| {
                let taps = self.absent.remove(&(node.id.clone(), id.to_string())).unwrap_or_default();
                Route { output: Arc::new(Output { taps, ..Output::default() }), subscribers: Vec::new() }
            });
            (id.to_string(), route)
        });
        outputs.collect()
    }

    /// Keeps in mind who looks on at outputs that go.
    fn part(&mut self, node: &NodeId, outputs: HashMap<String, Route>) {
        let tapped = outputs.into_iter().filter(|(_, route)| route.output.taps.any());
        self.absent.extend(tapped.map(|(name, route)| ((node.clone(), name), route.output.taps.clone())));
    }

    /// Feeds an input of a node: a new one, or one that nothing feeds any more.
    pub fn connect(&mut self, at: usize, input: &PlannedInput) {
        let Some(port) = self.ports.get_mut(at) else { return };
        let place = match port.inputs.iter().position(|known| known.id == input.id) {
            Some(place) => {
                port.mailbox.reopen_input(place);
                place
            }
            None => port.mailbox.add_queue(queue(input)),
        };
        let mut inputs = port.inputs.clone();
        match inputs.get_mut(place) {
            Some(known) => *known = input.clone(),
            None => inputs.push(input.clone()),
        }
        *port = Arc::new(Port { inputs, ..(**port).clone() });
        self.subscribe(Target { node: at, input: place }, &input.mapping);
    }

    /// Ends the feeding of an input.
    pub fn disconnect(&mut self, target: Target) {
        self.unsubscribe(|one| one == target);
    }

    /// What feeds an input, if that is an output.
    fn source(&self, mapping: &InputMapping) -> Option<&Route> {
        let InputMapping::User(from) = mapping else { return None };
        self.ports.get(self.find(&from.source)?)?.outputs.get(AsRef::<str>::as_ref(&from.output))
    }

    /// The place of an input.
    pub fn target(&self, node: usize, input: &DataId) -> Option<Target> {
        let input = self.ports.get(node)?.inputs.iter().position(|known| known.id == *input)?;
        Some(Target { node, input })
    }

    /// Whether anything feeds an input.
    pub fn is_fed(&self, target: Target) -> bool {
        self.subscribers().any(|one| one == target)
    }

    fn subscribers(&self) -> impl Iterator<Item = Target> + '_ {
        let outputs = self.ports.iter().flat_map(|port| port.outputs.values()).flat_map(|route| &route.subscribers);
        let timers = self.timers.iter().flat_map(|timer| &timer.targets);
        outputs.chain(timers).copied().chain(self.logs.iter().map(|input| input.target))
    }

    fn add_port(&mut self, node: &PlannedNode, clock: &Arc<HLC>) -> usize {
        let at = self.ports.len();
        let outputs = self.outputs(node, &mut HashMap::new());
        self.ports.push(Arc::new(Port {
            id: node.id.clone(),
            mailbox: Arc::new(Mailbox::new(node.inputs.iter().map(queue), clock.clone())),
            inputs: node.inputs.clone(),
            outputs,
            keeps_outputs: Arc::default(),
        }));
        self.index.insert(node.id.clone(), at);
        at
    }

    fn subscribe_all(&mut self, at: usize) {
        let Some(port) = self.ports.get(at).cloned() else { return };
        for (input, planned) in port.inputs.iter().enumerate() {
            self.subscribe(Target { node: at, input }, &planned.mapping);
        }
    }

    fn subscribe(&mut self, target: Target, mapping: &InputMapping) {
        match mapping {
            InputMapping::User(from) => {
                let source = self.find(&from.source).and_then(|source| self.ports.get_mut(source));
                let Some(port) = source else { return };
                let mut changed = (**port).clone();
                if let Some(route) = changed.outputs.get_mut(AsRef::<str>::as_ref(&from.output)) {
                    route.subscribers.push(target);
                    *port = Arc::new(changed);
                }
            }
            InputMapping::Timer { interval } => {
                match self.timers.iter_mut().find(|timer| timer.interval == *interval) {
                    Some(timer) => timer.targets.push(target),
                    None => self.timers.push(Timer { interval: *interval, targets: vec![target] }),
                }
            }
            InputMapping::Logs(filter) => self.logs.push(LogInput {
                target,
                min_level: filter.min_level.as_ref().map(crate::logs::line::level),
                node: filter.node_filter.clone(),
            }),
        }
    }

    fn unsubscribe_all(&mut self, at: usize) {
        self.unsubscribe(|target| target.node == at);
    }

    fn unsubscribe(&mut self, meant: impl Fn(Target) -> bool) {
        for port in &mut self.ports {
            if port.outputs.values().any(|route| route.subscribers.iter().any(|target| meant(*target))) {
                let mut changed = (**port).clone();
                for route in changed.outputs.values_mut() {
                    route.subscribers.retain(|target| !meant(*target));
                }
                *port = Arc::new(changed);
            }
        }
        for timer in &mut self.timers {
            timer.targets.retain(|target| !meant(*target));
        }
        self.timers.retain(|timer| !timer.targets.is_empty());
        self.logs.retain(|input| !meant(input.target));
    }
}

/// From this size on a message is faster on the direct way.
pub const LARGE: usize = 256 * 1024;

impl Output {
    /// Counts a message.
    pub fn count(&self, payload: usize) -> Arrival {
        let time = UnixNanos::now();
        let sequence = self.messages.fetch_add(1, Ordering::Relaxed) + 1;
        self.bytes.fetch_add(payload as u64, Ordering::Relaxed);
        self.last.store(time.0, Ordering::Relaxed);
        if payload as u64 > self.largest.load(Ordering::Relaxed) {
            self.largest.fetch_max(payload as u64, Ordering::Relaxed);
        }
        Arrival { time, sequence }
    }

    /// Counts a message and shows it to those who look on.
    pub fn arrive(&self, message: &Arc<Message>) {
        let arrival = self.count(message.payload);
        if self.taps.any() {
            self.taps.push(message, arrival);
        }
    }

    /// Counts a message that came to the router; what is odd about its way, and how often that was by now.
    pub fn count_routed(&self, payload: usize) -> (Arrival, Option<(Odd, u64)>) {
        let arrival = self.count(payload);
        let odd = if self.direct.load(Ordering::Relaxed) {
            Some((Odd::Fallback, self.fallbacks.fetch_add(1, Ordering::Relaxed) + 1))
        } else {
            (payload >= LARGE).then(|| (Odd::Large, self.large.fetch_add(1, Ordering::Relaxed) + 1))
        };
        (arrival, odd)
    }

    pub fn path(&self) -> DataPath {
        if self.direct.load(Ordering::Relaxed) { DataPath::Direct } else { DataPath::Routed }
    }

    pub fn counts(&self) -> OutputCounts {
        let last = self.last.load(Ordering::Relaxed);
        OutputCounts {
            path: self.path(),
            largest: self.largest.load(Ordering::Relaxed),
            fallbacks: self.fallbacks.load(Ordering::Relaxed),
            messages: self.messages.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            last: (last != 0).then_some(UnixNanos(last)),
        }
    }
}

impl Port {
    /// Queues an event that is no message.
    pub fn push_event(&self, event: &NodeEvent) {
        if let Ok(encoded) = dora_message::encode(event) {
            self.mailbox.push_control(encoded);
        }
    }

    /// Its inputs with their counts, and all their latencies.
    pub fn edges<'a>(&'a self, wiring: &'a Wiring) -> impl Iterator<Item = (EdgeInfo, Latencies)> + 'a {
        let counts = self.mailbox.counts();
        self.inputs.iter().zip(counts).map(|(input, counts)| {
            let latencies = Latencies::of(&counts.latencies);
            (self.edge(wiring, input, &counts, &latencies), latencies)
        })
    }

    fn edge(&self, wiring: &Wiring, input: &PlannedInput, counts: &InputCounts, latencies: &Latencies) -> EdgeInfo {
        EdgeInfo {
            path: wiring.source(&input.mapping).map_or(DataPath::Routed, |route| route.output.path()),
            kind: match input.mapping {
                InputMapping::User(_) => EdgeSource::Output,
                InputMapping::Timer { .. } => EdgeSource::Timer,
                InputMapping::Logs(_) => EdgeSource::Logs,
            },
            source: input.mapping.to_string(),
            node: self.id.clone(),
            input: input.id.clone(),
            queue_size: input.queue_size,
            queue_policy: input.policy,
            messages: counts.messages,
            bytes: counts.bytes,
            delivered: counts.delivered,
            dropped: counts.dropped,
            while_paused: counts.while_paused,
            queued: counts.queued,
            latency: latencies.figures(),
            node_loss: match input.policy {
                QueuePolicy::DropOldest => NodeLoss::Possible,
                QueuePolicy::Backpressure => NodeLoss::Impossible,
            },
            closed: counts.closed,
            silent: counts.silent,
        }
    }
}

impl LogInput {
    pub fn wants(&self, node: Option<&NodeId>, level: LogLevel) -> bool {
        let graver = match self.min_level {
            None | Some(LogLevel::Stdout) => true,
            Some(min) => level != LogLevel::Stdout && level <= min,
        };
        graver && self.node.as_ref().is_none_or(|wanted| Some(wanted) == node)
    }
}

fn queue(input: &PlannedInput) -> Queue {
    Queue {
        id: input.id.to_string(),
        // As upstream: `backpressure` allows for ten times the configured size.
        capacity: match input.policy {
            QueuePolicy::DropOldest => input.queue_size.max(1),
            QueuePolicy::Backpressure => input.queue_size.saturating_mul(10).max(100),
        },
        policy: input.policy,
        timeout: input.timeout,
    }
}
