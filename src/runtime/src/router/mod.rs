//! Brings messages from outputs to inputs, in order, and counts them.
//!
//! One [`Router`] serves one dataflow. It is called from the threads that read the nodes' sockets and never
//! waits for anything but room in a `backpressure` queue.
//!
//! - [`mailbox`] – what waits for one node, and handing it over
//! - [`message`] – a message's bytes
//! - [`timers`] – `dora/timer` inputs
//! - [`rate`] – messages per second
//! - [`extensions`] – values that nodes leave for each other

pub mod extensions;
pub mod mailbox;
pub mod message;
pub mod rate;
pub mod timers;

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dora_message::config::InputMapping;
use dora_message::daemon_to_node::NodeEvent;
use dora_message::id::{DataId, NodeId};
use dora_message::metadata::Metadata;
use dora_message::uhlc::HLC;

use crate::descriptor::plan::{Plan, PlannedInput};
use crate::model::{EdgeInfo, EdgeSource, LogLevel, NodeLoss, QueuePolicy, UnixNanos};
use crate::node_protocol::buffers::Buffer;
use crate::node_protocol::wire::SendMessage;
use mailbox::{Mailbox, Push};
use message::Message;

/// How long a producer is kept waiting before it is looked whether its own end has come.
const PATIENCE: Duration = Duration::from_millis(500);

/// The wiring of one dataflow.
pub struct Router {
    ports: Vec<Port>,
    index: HashMap<NodeId, usize>,
    timers: Vec<Timer>,
    logs: Vec<LogInput>,
    exit_when_nodes_finish: bool,
    /// Values that nodes leave for each other.
    pub extensions: extensions::Extensions,
    /// Held while inputs are closed, so that the last one is noticed exactly once.
    closing: Mutex<()>,
    stopped: AtomicBool,
    clock: Arc<HLC>,
}

/// A node as the router sees it.
pub struct Port {
    pub id: NodeId,
    pub mailbox: Mailbox,
    inputs: Vec<PlannedInput>,
    outputs: HashMap<String, Output>,
    /// While set, its outputs stay open when it ends, because it will be started again.
    keeps_outputs: AtomicBool,
}

struct Output {
    subscribers: Vec<Target>,
    closed: AtomicBool,
    messages: AtomicU64,
    bytes: AtomicU64,
    /// When the last message came; 0 for never.
    last: AtomicI64,
}

#[derive(Clone, Copy)]
struct Target {
    node: usize,
    input: usize,
}

/// All inputs that tick together.
pub struct Timer {
    pub interval: Duration,
    targets: Vec<Target>,
}

struct LogInput {
    target: Target,
    min_level: Option<LogLevel>,
    node: Option<NodeId>,
}

/// Counts of one output.
#[derive(Debug, Clone, Copy)]
pub struct OutputCounts {
    pub messages: u64,
    pub bytes: u64,
    pub last: Option<UnixNanos>,
}

/// Nodes that have something new to be sent. Kept by a thread that routes, and flushed when it would wait.
#[derive(Default)]
pub struct Touched(Vec<usize>);

impl Router {
    /// Wires a plan.
    pub fn new(plan: &Plan, clock: Arc<HLC>) -> io::Result<Self> {
        let index: HashMap<NodeId, usize> =
            plan.nodes.iter().enumerate().map(|(at, node)| (node.id.clone(), at)).collect();
        let mut subscribers: HashMap<(usize, String), Vec<Target>> = HashMap::new();
        let mut timers: Vec<Timer> = Vec::new();
        let mut logs = Vec::new();
        for (node, planned) in plan.nodes.iter().enumerate() {
            for (input, feed) in planned.inputs.iter().enumerate() {
                let target = Target { node, input };
                match &feed.mapping {
                    InputMapping::User(from) => {
                        if let Some(&source) = index.get(&from.source) {
                            subscribers.entry((source, from.output.to_string())).or_default().push(target);
                        }
                    }
                    InputMapping::Timer { interval } => match timers.iter_mut().find(|one| one.interval == *interval) {
                        Some(timer) => timer.targets.push(target),
                        None => timers.push(Timer { interval: *interval, targets: vec![target] }),
                    },
                    InputMapping::Logs(filter) => logs.push(LogInput {
                        target,
                        min_level: filter.min_level.as_ref().map(crate::logs::line::level),
                        node: filter.node_filter.clone(),
                    }),
                }
            }
        }
        let ports = plan
            .nodes
            .iter()
            .enumerate()
            .map(|(at, planned)| {
                let inputs = planned.inputs.iter().map(|input| (input.id.to_string(), capacity(input), input.policy));
                let outputs = planned.run_config.outputs.iter().map(|id| {
                    let subscribers = subscribers.remove(&(at, id.to_string())).unwrap_or_default();
                    (id.to_string(), Output::new(subscribers))
                });
                Ok(Port {
                    id: planned.id.clone(),
                    mailbox: Mailbox::new(inputs, clock.clone())?,
                    inputs: planned.inputs.clone(),
                    outputs: outputs.collect(),
                    keeps_outputs: AtomicBool::new(false),
                })
            })
            .collect::<io::Result<_>>()?;
        Ok(Router {
            ports,
            index,
            timers,
            logs,
            exit_when_nodes_finish: plan.exit_when_nodes_finish,
            extensions: extensions::Extensions::default(),
            closing: Mutex::new(()),
            stopped: AtomicBool::new(false),
            clock,
        })
    }

    /// The place of a node in the plan.
    pub fn find(&self, node: &NodeId) -> Option<usize> {
        self.index.get(node).copied()
    }

    pub fn port(&self, node: usize) -> Option<&Port> {
        self.ports.get(node)
    }

    pub fn timers(&self) -> &[Timer] {
        &self.timers
    }

    /// Routes a message that lies in a reader's chunk. `false` when the node has no such output.
    pub fn send_small(&self, node: usize, sent: &SendMessage<'_>, request: &[u8], touched: &mut Touched) -> bool {
        self.send(node, sent, touched, || {
            Message::small(request.get(sent.body.clone()).unwrap_or_default(), sent.payload, sent.sent)
        })
    }

    /// Routes a message that has a buffer of its own. `None` when the node has no such output.
    pub fn send_large(
        &self,
        node: usize,
        request: Buffer,
        touched: &mut Touched,
    ) -> Result<bool, crate::node_protocol::wire::Malformed> {
        let Some(sent) = SendMessage::walk(&request)? else { return Ok(true) };
        let (output, body, payload, time) = (sent.output.to_string(), sent.body.clone(), sent.payload, sent.sent);
        let header = SendMessage { output: &output, body: body.clone(), sent: time, payload };
        Ok(self.send(node, &header, touched, move || Message::large(request, body, payload, time)))
    }

    fn send(
        &self,
        node: usize,
        sent: &SendMessage<'_>,
        touched: &mut Touched,
        message: impl FnOnce() -> Arc<Message>,
    ) -> bool {
        let Some(output) = self.ports.get(node).and_then(|port| port.outputs.get(sent.output)) else { return false };
        output.count(sent.payload);
        if output.subscribers.is_empty() {
            return true;
        }
        let message = message();
        for target in &output.subscribers {
            self.deliver(*target, &message, touched);
        }
        true
    }

    /// Counts a message that its node brought to its consumers by itself.
    pub fn note_sent(&self, node: usize, output: &DataId) {
        if let Some(output) = self.ports.get(node).and_then(|port| port.outputs.get(AsRef::<str>::as_ref(output))) {
            output.count(0);
        }
    }

    fn deliver(&self, target: Target, message: &Arc<Message>, touched: &mut Touched) {
        let Some(port) = self.ports.get(target.node) else { return };
        loop {
            match port.mailbox.push(target.input, message) {
                Push::Full => {
                    // Whoever is to make room must first get what is there.
                    self.flush(touched);
                    port.mailbox.wait_for_room(target.input, PATIENCE);
                }
                Push::Ended => return,
                Push::Queued | Push::Dropped => break,
            }
        }
        if !touched.0.contains(&target.node) {
            touched.0.push(target.node);
        }
    }

    /// Hands over what was queued.
    pub fn flush(&self, touched: &mut Touched) {
        for node in touched.0.drain(..) {
            if let Some(port) = self.ports.get(node) {
                port.mailbox.flush();
            }
        }
    }

    /// Lets a timer tick.
    pub fn tick(&self, timer: usize) {
        let (Some(timer), false) = (self.timers.get(timer), self.stopped.load(Ordering::Acquire)) else { return };
        let now = self.clock.new_timestamp();
        let Ok(mut body) = dora_message::encode(&Metadata::new(now)) else { return };
        body.push(0); // No data.
        let message = Message::small(&body, 0, now.get_time().as_u64());
        let mut touched = Touched::default();
        for target in &timer.targets {
            // A timer cannot wait for room: a tick that finds none is dropped and counted.
            let Some(port) = self.ports.get(target.node) else { continue };
            if port.mailbox.push_or_drop(target.input, &message) != Push::Ended {
                touched.0.push(target.node);
            }
        }
        self.flush(&mut touched);
    }

    /// Whether any input wants log records such as this one.
    pub fn wants_logs(&self, node: Option<&NodeId>, level: LogLevel) -> bool {
        self.logs.iter().any(|input| input.wants(node, level))
    }

    /// Brings an encoded log record to the inputs that want it.
    pub fn log(&self, node: Option<&NodeId>, level: LogLevel, message: &Arc<Message>) {
        let mut touched = Touched::default();
        for input in self.logs.iter().filter(|input| input.wants(node, level)) {
            let Some(port) = self.ports.get(input.target.node) else { continue };
            if port.mailbox.push_or_drop(input.target.input, message) != Push::Ended {
                touched.0.push(input.target.node);
            }
        }
        self.flush(&mut touched);
    }

    /// Sends a message of the runtime's own through an output of a node, such as a printed line.
    pub fn send_as(&self, node: usize, output: &DataId, message: &Arc<Message>) {
        let Some(output) = self.ports.get(node).and_then(|port| port.outputs.get(AsRef::<str>::as_ref(output))) else {
            return;
        };
        output.count(message.payload);
        let mut touched = Touched::default();
        for target in &output.subscribers {
            let Some(port) = self.ports.get(target.node) else { continue };
            if port.mailbox.push_or_drop(target.input, message) != Push::Ended {
                touched.0.push(target.node);
            }
        }
        self.flush(&mut touched);
    }

    /// Says whether a node's outputs stay open when it ends, because it will be started again.
    pub fn keep_outputs(&self, node: usize, keep: bool) {
        if let Some(port) = self.ports.get(node) {
            port.keeps_outputs.store(keep, Ordering::Release);
        }
    }

    /// Closes outputs at their node's wish.
    pub fn close_outputs<'a>(&self, node: usize, outputs: impl IntoIterator<Item = &'a DataId>) {
        let Some(port) = self.ports.get(node) else { return };
        if port.keeps_outputs.load(Ordering::Acquire) {
            return;
        }
        for output in outputs {
            if let Some(output) = port.outputs.get(AsRef::<str>::as_ref(output)) {
                self.close(output);
            }
        }
    }

    /// Closes all outputs of a node that says it will send nothing more.
    pub fn finish_outputs(&self, node: usize) {
        if self.ports.get(node).is_some_and(|port| !port.keeps_outputs.load(Ordering::Acquire)) {
            self.close_all_outputs(node);
        }
    }

    /// Closes all outputs of a node that has ended.
    pub fn close_all_outputs(&self, node: usize) {
        if let Some(port) = self.ports.get(node) {
            port.outputs.values().for_each(|output| self.close(output));
        }
    }

    fn close(&self, output: &Output) {
        let _closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        if output.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        for target in &output.subscribers {
            let Some(port) = self.ports.get(target.node) else { continue };
            if !port.mailbox.close_input(target.input) {
                continue;
            }
            if let Some(input) = port.inputs.get(target.input) {
                port.push_event(&NodeEvent::InputClosed { id: input.id.clone() });
            }
            if self.all_closed(port) {
                port.push_event(&NodeEvent::AllInputsClosed);
                port.mailbox.end(false);
            } else {
                port.mailbox.flush();
            }
        }
    }

    /// Whether nothing can come to a node any more. Timers and logs never close: a node they feed goes on,
    /// unless the dataflow says that they are no work.
    fn all_closed(&self, port: &Port) -> bool {
        let counts = port.mailbox.counts();
        port.inputs.iter().zip(&counts).all(|(input, counts)| match input.mapping {
            InputMapping::User(_) => counts.closed,
            InputMapping::Timer { .. } => self.exit_when_nodes_finish,
            InputMapping::Logs(_) => false,
        })
    }

    /// Whether all that feeds a node has ended, so that starting it again would give it nothing to do.
    pub fn is_drained(&self, node: usize) -> bool {
        self.ports.get(node).is_some_and(|port| {
            port.inputs.iter().any(|input| matches!(input.mapping, InputMapping::User(_))) && self.all_closed(port)
        })
    }

    /// Tells the consumers of a node that it failed.
    pub fn tell_failure(&self, node: usize, error: &str) {
        let Some(port) = self.ports.get(node) else { return };
        self.tell_consumers(port, |affected_input_ids| NodeEvent::NodeFailed {
            affected_input_ids,
            error: error.to_string(),
            source_node_id: port.id.clone(),
        });
    }

    /// Tells the consumers of a node that it was started again.
    pub fn tell_restart(&self, node: usize) {
        let Some(port) = self.ports.get(node) else { return };
        self.tell_consumers(port, |_| NodeEvent::NodeRestarted { id: port.id.clone() });
    }

    fn tell_consumers(&self, port: &Port, event: impl Fn(Vec<DataId>) -> NodeEvent) {
        let mut affected: HashMap<usize, Vec<DataId>> = HashMap::new();
        for target in port.outputs.values().flat_map(|output| &output.subscribers) {
            let input = self.ports.get(target.node).and_then(|port| port.inputs.get(target.input));
            affected.entry(target.node).or_default().extend(input.map(|input| input.id.clone()));
        }
        for (node, inputs) in affected {
            if let Some(port) = self.ports.get(node) {
                port.push_event(&event(inputs));
                port.mailbox.flush();
            }
        }
    }

    /// Drops a value that a node left, and tells who touched it.
    pub fn drop_extension(&self, name: &extensions::Name) {
        self.tell_dropped(name, self.extensions.drop_value(name));
    }

    /// Drops all values of a node that has ended, and tells who touched them.
    pub fn drop_extensions_of(&self, node: usize) {
        for (name, touched_by) in self.extensions.drop_all_of(node) {
            self.tell_dropped(&name, touched_by);
        }
    }

    fn tell_dropped(&self, (namespace, key): &extensions::Name, touched_by: impl IntoIterator<Item = usize>) {
        for port in touched_by.into_iter().filter_map(|node| self.ports.get(node)) {
            port.push_event(&NodeEvent::ExtensionDropped { namespace: namespace.clone(), key: key.clone() });
            port.mailbox.flush();
        }
    }

    /// Tells every node to stop; timers tick no more.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        for port in &self.ports {
            port.push_event(&NodeEvent::Stop);
            port.mailbox.end(false);
        }
    }

    /// Ends everything at once: whoever waits for room goes on, and what is queued counts as dropped.
    pub fn end(&self) {
        self.stopped.store(true, Ordering::Release);
        self.ports.iter().for_each(|port| port.mailbox.end(true));
    }

    /// How many messages a node sent and got so far.
    pub fn traffic(&self, node: usize) -> (u64, u64) {
        self.ports.get(node).map_or((0, 0), |port| {
            let sent = port.outputs.values().map(|output| output.messages.load(Ordering::Relaxed)).sum();
            (sent, port.mailbox.delivered())
        })
    }

    /// Counts of one output.
    pub fn output(&self, node: usize, output: &DataId) -> Option<OutputCounts> {
        let output = self.ports.get(node)?.outputs.get(AsRef::<str>::as_ref(output))?;
        let last = output.last.load(Ordering::Relaxed);
        Some(OutputCounts {
            messages: output.messages.load(Ordering::Relaxed),
            bytes: output.bytes.load(Ordering::Relaxed),
            last: (last != 0).then_some(UnixNanos(last)),
        })
    }

    /// Every input with its counts, by node and in the order of the plan.
    pub fn edges(&self) -> Vec<EdgeInfo> {
        self.ports.iter().flat_map(Port::edges).collect()
    }
}

impl Output {
    fn new(subscribers: Vec<Target>) -> Self {
        Output {
            subscribers,
            closed: AtomicBool::new(false),
            messages: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            last: AtomicI64::new(0),
        }
    }

    fn count(&self, payload: usize) {
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(payload as u64, Ordering::Relaxed);
        self.last.store(UnixNanos::now().0, Ordering::Relaxed);
    }
}

impl Port {
    fn push_event(&self, event: &NodeEvent) {
        if let Ok(encoded) = dora_message::encode(event) {
            self.mailbox.push_control(encoded);
        }
    }

    fn edges(&self) -> impl Iterator<Item = EdgeInfo> + '_ {
        let counts = self.mailbox.counts();
        self.inputs.iter().zip(counts).map(|(input, counts)| EdgeInfo {
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
            queued: counts.queued,
            latency: counts.latency,
            node_loss: match input.policy {
                QueuePolicy::DropOldest => NodeLoss::Possible,
                QueuePolicy::Backpressure => NodeLoss::Impossible,
            },
            closed: counts.closed,
        })
    }
}

impl LogInput {
    fn wants(&self, node: Option<&NodeId>, level: LogLevel) -> bool {
        let graver = match self.min_level {
            None | Some(LogLevel::Stdout) => true,
            Some(min) => level != LogLevel::Stdout && level <= min,
        };
        graver && self.node.as_ref().is_none_or(|wanted| Some(wanted) == node)
    }
}

/// How many messages wait at an input at most. As upstream: `backpressure` allows for ten times the configured size.
fn capacity(input: &PlannedInput) -> usize {
    match input.policy {
        QueuePolicy::DropOldest => input.queue_size.max(1),
        QueuePolicy::Backpressure => input.queue_size.saturating_mul(10).max(100),
    }
}
