//! Figures of nodes and dataflows: as they are, or of a time between two looks.

use std::collections::HashMap;
use std::time::Duration;

use super::snapshot::{Edge, Flow, Snapshot};
use crate::model::{DataflowId, Latency, NodeId, NodeInfo, Status, UnixNanos};
use crate::router::latencies::Latencies;

/// What was seen of runtimes from a first look to a last one.
#[derive(Debug, Clone)]
pub struct Window {
    first: Vec<Snapshot>,
    last: Vec<Snapshot>,
    looks: u32,
    /// Shares of a processor at each look.
    cpu: HashMap<(DataflowId, Option<NodeId>), Spread>,
}

/// Values that were seen one after another.
#[derive(Debug, Clone, Copy, Default)]
struct Spread {
    sum: f64,
    count: u32,
    max: f64,
}

/// What is told of a node, and of a dataflow as a whole.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    /// Share of one processor, 1.0 being all of it: the mean of all looks.
    pub cpu: Option<f64>,
    /// The highest share that was seen.
    pub cpu_max: Option<f64>,
    /// Resident bytes.
    pub memory: Option<u64>,
    pub processes: u32,
    /// Messages handed over, from the beginning.
    pub received: u64,
    /// Messages sent, from the beginning.
    pub sent: u64,
    /// Messages per second; `None` when the runtime has told nothing new in the time.
    pub received_rate: Option<f64>,
    pub sent_rate: Option<f64>,
    /// Messages that wait.
    pub queued: u64,
    /// Messages that the runtime dropped: in the time, or from the beginning when there was one look.
    pub dropped: u64,
    pub restarts: u32,
    /// Of the messages that were handed over: in the time, or from the beginning when there was one look.
    pub latency: Option<Latency>,
}

/// A node with its figures.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeStats {
    pub info: NodeInfo,
    pub figures: Figures,
    /// How old the last look's figures were.
    pub age: Duration,
}

/// A dataflow with its figures: sums, and the latencies of all its inputs together.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowStats {
    pub id: DataflowId,
    pub name: String,
    pub status: Status,
    pub nodes: u32,
    pub uptime: Option<Duration>,
    pub figures: Figures,
    pub age: Duration,
}

impl Window {
    /// Begins with a look.
    pub fn begin(snapshots: Vec<Snapshot>) -> Self {
        let mut window = Window { first: snapshots.clone(), last: Vec::new(), looks: 0, cpu: HashMap::new() };
        window.look(snapshots);
        window
    }

    /// Adds a later look.
    pub fn look(&mut self, snapshots: Vec<Snapshot>) {
        for flow in snapshots.iter().flat_map(|snapshot| &snapshot.flows) {
            let mut all = None;
            for node in &flow.nodes {
                if let Some(share) = node.cpu {
                    self.cpu.entry((flow.id, Some(node.node.clone()))).or_default().add(share);
                    *all.get_or_insert(0.0) += share;
                }
            }
            if let Some(share) = all {
                self.cpu.entry((flow.id, None)).or_default().add(share);
            }
        }
        self.last = snapshots;
        self.looks += 1;
    }

    /// Dataflows of which the runtimes had no room to tell.
    pub fn hidden(&self) -> u64 {
        self.last.iter().map(|snapshot| snapshot.hidden).sum()
    }

    /// Runtimes that have told nothing new for longer than this, and for how long.
    pub fn stale(&self, limit: Duration) -> impl Iterator<Item = (&str, Duration)> {
        let now = UnixNanos::now();
        let ages =
            self.last.iter().map(move |snapshot| (snapshot.runtime.as_str(), now.since(snapshot.time), snapshot));
        // One that has nothing to tell rests.
        ages.filter(move |(_, age, snapshot)| *age > limit && !snapshot.flows.is_empty())
            .map(|(name, age, _)| (name, age))
    }

    /// The nodes of the last look.
    pub fn nodes(&self) -> Vec<NodeStats> {
        let now = UnixNanos::now();
        let mut stats = Vec::new();
        for (snapshot, flow) in self.flows_of_last() {
            for info in &flow.nodes {
                let figures = self.figures(snapshot, flow, Some(&info.node));
                stats.push(NodeStats { info: info.clone(), figures, age: now.since(snapshot.time) });
            }
        }
        stats
    }

    /// The dataflows of the last look.
    pub fn flows(&self) -> Vec<FlowStats> {
        let now = UnixNanos::now();
        let stats = self.flows_of_last().map(|(snapshot, flow)| FlowStats {
            id: flow.id,
            name: flow.name.clone(),
            status: flow.status,
            nodes: u32::try_from(flow.nodes.len()).unwrap_or(u32::MAX),
            uptime: flow.started.map(|started| now.since(started)),
            figures: self.figures(snapshot, flow, None),
            age: now.since(snapshot.time),
        });
        stats.collect()
    }

    fn flows_of_last(&self) -> impl Iterator<Item = (&Snapshot, &Flow)> {
        self.last.iter().flat_map(|snapshot| snapshot.flows.iter().map(move |flow| (snapshot, flow)))
    }

    /// The figures of a node, or of all nodes of a dataflow.
    fn figures(&self, snapshot: &Snapshot, flow: &Flow, node: Option<&NodeId>) -> Figures {
        let earlier = (self.looks > 1).then(|| self.first_look_at(flow.id)).flatten();
        let time = earlier.map(|(time, _)| snapshot.time.since(time));
        let now = Counts::of(flow, node);
        let before = earlier.map(|(_, flow)| Counts::of(flow, node));
        let rate = |count: fn(&Counts) -> u64, present: f64| match (time, &before) {
            (Some(time), Some(before)) => {
                (time > Duration::ZERO).then(|| count(&now).saturating_sub(count(before)) as f64 / time.as_secs_f64())
            }
            // It began after the first look, or there was only one.
            _ => Some(present),
        };
        let cpu = self.cpu.get(&(flow.id, node.cloned()));
        let members = || flow.nodes.iter().filter(|info| node.is_none_or(|node| info.node == *node));
        let memory = members().filter_map(|info| info.memory).fold(None, |sum, more| Some(sum.unwrap_or(0) + more));
        let latencies = match &before {
            Some(before) => now.latencies.since(&before.latencies),
            None => now.latencies.clone(),
        };
        Figures {
            cpu: cpu.map(|spread| spread.sum / f64::from(spread.count)),
            cpu_max: cpu.map(|spread| spread.max),
            memory,
            processes: members().filter_map(|info| info.processes).sum(),
            received: now.received,
            sent: now.sent,
            received_rate: rate(|counts| counts.received, members().map(|info| info.received_rate).sum()),
            sent_rate: rate(|counts| counts.sent, members().map(|info| info.sent_rate).sum()),
            queued: now.queued,
            dropped: now.dropped.saturating_sub(before.as_ref().map_or(0, |before| before.dropped)),
            restarts: members().map(|info| info.restarts).sum(),
            latency: latencies.figures(),
        }
    }

    fn first_look_at(&self, id: DataflowId) -> Option<(UnixNanos, &Flow)> {
        let mut flows = self.first.iter().flat_map(|snapshot| snapshot.flows.iter().map(|flow| (snapshot.time, flow)));
        flows.find(|(_, flow)| flow.id == id)
    }
}

impl Spread {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
        self.max = self.max.max(value);
    }
}

/// What is summed of a node, or of all nodes of a dataflow.
struct Counts {
    received: u64,
    sent: u64,
    queued: u64,
    dropped: u64,
    latencies: Latencies,
}

impl Counts {
    fn of(flow: &Flow, node: Option<&NodeId>) -> Self {
        let members = || flow.nodes.iter().filter(|info| node.is_none_or(|node| info.node == *node));
        let edges = || flow.edges.iter().filter(|edge| node.is_none_or(|node| edge.info.node == *node));
        let sum = |count: fn(&Edge) -> u64| edges().map(count).sum();
        Counts {
            received: members().map(|info| info.received).sum(),
            sent: members().map(|info| info.sent).sum(),
            queued: sum(|edge| edge.info.queued),
            dropped: sum(|edge| edge.info.dropped),
            latencies: edges().fold(Latencies::default(), |all, edge| all.and(&edge.latencies)),
        }
    }
}
