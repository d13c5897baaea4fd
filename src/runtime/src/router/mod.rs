//! Brings messages from outputs to inputs, in order, and counts them.
//!
//! One [`Router`] serves one dataflow. It is called from the threads that read the nodes' sockets and never
//! waits for anything but room in a `backpressure` queue.
//!
//! - [`wiring`] – who is fed by whom, and changes to that
//! - [`mailbox`] – what waits for one node, and handing it over; [`stream`]: the connection it is handed over on
//! - [`message`] – a message's bytes
//! - [`latencies`] – how long messages took, as distributions whose difference is one too
//! - [`tap`] – copies of messages for those who look on
//! - [`timers`] – `dora/timer` inputs
//! - [`rate`] – messages per second
//! - [`extensions`] – values that nodes leave for each other

pub mod extensions;
pub mod latencies;
pub mod mailbox;
pub mod message;
pub mod rate;
pub mod stream;
pub mod tap;
pub mod timers;
pub mod wiring;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use dora_message::config::InputMapping;
use dora_message::daemon_to_node::NodeEvent;
use dora_message::id::{DataId, NodeId};
use dora_message::metadata::Metadata;
use dora_message::uhlc::HLC;
use tokio::sync::mpsc::UnboundedSender;

use crate::descriptor::plan::{Plan, PlannedInput, PlannedNode};
use crate::model::{EdgeInfo, LogLevel};
use crate::node_protocol::buffers::Buffer;
use crate::node_protocol::wire::SendMessage;
use latencies::Latencies;
use mailbox::Push;
use message::Message;
use wiring::{Odd, Output, OutputCounts, Port, Target, Wiring};

/// How long a producer is kept waiting before it is looked whether its own end has come.
const PATIENCE: Duration = Duration::from_millis(500);

/// Routes the messages of one dataflow.
pub struct Router {
    wiring: RwLock<Arc<Wiring>>,
    /// Held while the wiring or what is open of it changes, so that one change sees the other.
    changing: Mutex<()>,
    exit_when_nodes_finish: bool,
    /// Values that nodes leave for each other.
    pub extensions: extensions::Extensions,
    stopped: AtomicBool,
    paused: AtomicBool,
    clock: Arc<HLC>,
    reports: UnboundedSender<Report>,
}

/// What a router tells of by itself. Nodes and inputs are named by their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// Messages were dropped at an input for the 1st, 10th, 100th, … time.
    Dropped { node: usize, input: usize, count: u64 },
    /// An input that was silent for too long got a message.
    Recovered { node: usize, input: usize },
    /// Messages took an odd way for the 1st, 10th, 100th, … time; the last one had so many bytes.
    Odd { node: usize, output: String, payload: usize, odd: Odd, count: u64 },
}

/// What happens often is told of when it has happened 1, 10, 100, … times.
pub fn is_milestone(count: u64) -> bool {
    count > 0 && count == 10u64.saturating_pow(count.ilog10())
}

/// Nodes that have something new to be sent. Kept by a thread that routes, and flushed when it would wait.
#[derive(Default)]
pub struct Touched(Vec<usize>);

impl Router {
    /// Wires a plan. What the router has to tell by itself goes to `reports`.
    pub fn new(plan: &Plan, clock: Arc<HLC>, reports: UnboundedSender<Report>) -> Self {
        Router {
            wiring: RwLock::new(Arc::new(Wiring::new(plan, &clock))),
            changing: Mutex::new(()),
            exit_when_nodes_finish: plan.exit_when_nodes_finish,
            extensions: extensions::Extensions::default(),
            stopped: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            clock,
            reports,
        }
    }

    /// The wiring as it is now.
    pub fn wiring(&self) -> Arc<Wiring> {
        self.wiring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the wiring. Whoever routes meanwhile does so by the old one.
    fn rewire<T>(&self, change: impl FnOnce(&mut Wiring) -> T) -> T {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wiring = (*self.wiring()).clone();
        let result = change(&mut wiring);
        *self.wiring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(wiring);
        result
    }

    /// The place of a node in the plan.
    pub fn find(&self, node: &NodeId) -> Option<usize> {
        self.wiring().find(node)
    }

    pub fn port(&self, node: usize) -> Option<Arc<Port>> {
        self.wiring().ports.get(node).cloned()
    }

    /// Adds a node; returns its place.
    pub fn add(&self, node: &PlannedNode) -> usize {
        let at = self.rewire(|wiring| wiring.add(node, &self.clock));
        if self.paused.load(Ordering::Acquire)
            && let Some(port) = self.port(at)
        {
            port.mailbox.hold();
        }
        at
    }

    /// Puts another definition in a node's place.
    pub fn replace(&self, at: usize, node: &PlannedNode) {
        self.rewire(|wiring| wiring.replace(at, node));
    }

    /// Takes a node out. Its consumers' inputs are closed first.
    pub fn remove(&self, at: usize) {
        self.close_all_outputs(at);
        self.rewire(|wiring| wiring.remove(at));
    }

    /// Feeds an input of a node: a new one, or one that nothing feeds any more.
    pub fn connect(&self, at: usize, input: &PlannedInput) {
        self.rewire(|wiring| wiring.connect(at, input));
    }

    /// Ends the feeding of an input: for its node it closes.
    pub fn disconnect(&self, target: Target) {
        self.rewire(|wiring| wiring.disconnect(target));
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.close_input(&self.wiring(), target);
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
        let wiring = self.wiring();
        let Some(route) = wiring.ports.get(node).and_then(|port| port.outputs.get(sent.output)) else { return false };
        let (arrival, odd) = route.output.count_routed(sent.payload);
        if let Some((odd, count)) = odd
            && is_milestone(count)
            && !route.subscribers.is_empty()
        {
            self.report(Report::Odd { node, output: sent.output.to_string(), payload: sent.payload, odd, count });
        }
        let tapped = route.output.taps.any();
        if route.subscribers.is_empty() && !tapped {
            return true;
        }
        let message = message();
        if tapped {
            route.output.taps.push(&message, arrival);
        }
        for target in &route.subscribers {
            self.deliver(&wiring, *target, &message, touched);
        }
        true
    }

    /// Counts a message that its node brought to its consumers by itself.
    pub fn note_sent(&self, node: usize, output: &DataId) {
        let wiring = self.wiring();
        if let Some(route) = wiring.ports.get(node).and_then(|port| port.outputs.get(AsRef::<str>::as_ref(output))) {
            route.output.count(0);
            if route.output.taps.any() {
                route.output.taps.miss();
            }
        }
    }

    /// Brings a message to an input, waiting for room if need be; `false` when the node takes nothing any more.
    fn deliver(&self, wiring: &Wiring, target: Target, message: &Arc<Message>, touched: &mut Touched) -> bool {
        let Some(port) = wiring.ports.get(target.node) else { return false };
        loop {
            let push = port.mailbox.push(target.input, message);
            if push != Push::Full {
                self.pushed(target, push, touched);
                return push != Push::Ended;
            }
            // Whoever is to make room must first get what is there.
            self.flush(touched);
            port.mailbox.wait_for_room(target.input, PATIENCE);
        }
    }

    /// Brings a message to an input whose sender cannot wait: what finds no room is dropped and counted.
    fn offer(&self, wiring: &Wiring, target: Target, message: &Arc<Message>, touched: &mut Touched) {
        if let Some(port) = wiring.ports.get(target.node) {
            self.pushed(target, port.mailbox.push_or_drop(target.input, message), touched);
        }
    }

    fn report(&self, report: Report) {
        // Nobody listens any more when the dataflow has ended.
        let _ = self.reports.send(report);
    }

    fn pushed(&self, target: Target, push: Push, touched: &mut Touched) {
        let Target { node, input } = target;
        let report = match push {
            Push::Ended => return,
            Push::Dropped(count) if is_milestone(count) => Some(Report::Dropped { node, input, count }),
            Push::Recovered => Some(Report::Recovered { node, input }),
            Push::Queued | Push::Dropped(_) | Push::Full => None,
        };
        if let Some(report) = report {
            self.report(report);
        }
        if !touched.0.contains(&node) {
            touched.0.push(node);
        }
    }

    /// Hands over what was queued.
    pub fn flush(&self, touched: &mut Touched) {
        if touched.0.is_empty() {
            return;
        }
        let wiring = self.wiring();
        for node in touched.0.drain(..) {
            if let Some(port) = wiring.ports.get(node) {
                port.mailbox.flush();
            }
        }
    }

    /// The intervals at which some input is to tick.
    pub fn intervals(&self) -> Vec<Duration> {
        if self.stopped.load(Ordering::Acquire) {
            return Vec::new();
        }
        self.wiring().timers.iter().map(|timer| timer.interval).collect()
    }

    /// Lets all inputs of an interval tick; `false` when there are none any more. Ticks of a paused dataflow are
    /// skipped.
    pub fn tick(&self, interval: Duration) -> bool {
        let wiring = self.wiring();
        let timer = wiring.timers.iter().find(|timer| timer.interval == interval);
        let Some(timer) = timer.filter(|_| !self.stopped.load(Ordering::Acquire)) else { return false };
        if self.paused.load(Ordering::Acquire) {
            return true;
        }
        let now = self.clock.new_timestamp();
        let Ok(mut body) = dora_message::encode(&Metadata::new(now)) else { return true };
        body.push(0); // No data.
        let message = Message::small(&body, 0, now.get_time().as_u64());
        let mut touched = Touched::default();
        for target in &timer.targets {
            self.offer(&wiring, *target, &message, &mut touched);
        }
        self.flush(&mut touched);
        true
    }

    /// Whether any input wants log records such as this one.
    pub fn wants_logs(&self, node: Option<&NodeId>, level: LogLevel) -> bool {
        self.wiring().logs.iter().any(|input| input.wants(node, level))
    }

    /// Brings an encoded log record to the inputs that want it.
    pub fn log(&self, node: Option<&NodeId>, level: LogLevel, message: &Arc<Message>) {
        let wiring = self.wiring();
        let mut touched = Touched::default();
        for input in wiring.logs.iter().filter(|input| input.wants(node, level)) {
            self.offer(&wiring, input.target, message, &mut touched);
        }
        self.flush(&mut touched);
    }

    /// Sends a message of the runtime's own through an output of a node, such as a printed line.
    pub fn send_as(&self, node: usize, output: &DataId, message: &Arc<Message>) {
        let wiring = self.wiring();
        let Some(route) = wiring.ports.get(node).and_then(|port| port.outputs.get(AsRef::<str>::as_ref(output))) else {
            return;
        };
        route.output.arrive(message);
        let mut touched = Touched::default();
        for target in &route.subscribers {
            self.offer(&wiring, *target, message, &mut touched);
        }
        self.flush(&mut touched);
    }

    /// Sends a message through an output as if its node had sent it, and waits for room where that would have to
    /// wait; returns how many inputs got it. `None` when the node has no such output.
    pub fn publish(&self, node: usize, output: &DataId, message: &Arc<Message>) -> Option<usize> {
        let wiring = self.wiring();
        let route = wiring.ports.get(node)?.outputs.get(AsRef::<str>::as_ref(output))?;
        route.output.arrive(message);
        let mut touched = Touched::default();
        let deliver = |target: &&Target| self.deliver(&wiring, **target, message, &mut touched);
        let got = route.subscribers.iter().filter(deliver).count();
        self.flush(&mut touched);
        Some(got)
    }

    /// Whether an output is closed: its node has ended, or said that nothing more comes.
    pub fn is_closed(&self, node: usize, output: &DataId) -> bool {
        let port = self.port(node);
        let route = port.as_ref().and_then(|port| port.outputs.get(AsRef::<str>::as_ref(output)));
        route.is_none_or(|route| route.output.closed.load(Ordering::Acquire))
    }

    /// Taps outputs from now on. `Err` has the place of the first that is not there.
    pub fn tap(&self, outputs: &[(usize, DataId)], bounds: tap::Bounds) -> Result<tap::Tap, usize> {
        let wiring = self.wiring();
        let tap = tap::Tap::new(outputs.len(), bounds);
        for (at, (node, output)) in outputs.iter().enumerate() {
            let port = wiring.ports.get(*node).ok_or(at)?;
            let route = port.outputs.get(AsRef::<str>::as_ref(output)).ok_or(at)?;
            route.output.taps.add(&tap, at);
        }
        Ok(tap)
    }

    /// Says whether a node's outputs stay open when it ends, because it will be started again.
    pub fn keep_outputs(&self, node: usize, keep: bool) {
        if let Some(port) = self.port(node) {
            port.keeps_outputs.store(keep, Ordering::Release);
        }
    }

    /// Closes outputs at their node's wish.
    pub fn close_outputs<'a>(&self, node: usize, outputs: impl IntoIterator<Item = &'a DataId>) {
        let Some(port) = self.port(node).filter(|port| !port.keeps_outputs.load(Ordering::Acquire)) else { return };
        for output in outputs {
            if let Some(route) = port.outputs.get(AsRef::<str>::as_ref(output)) {
                self.close(&route.output, node, output.as_ref());
            }
        }
    }

    /// Closes all outputs of a node that says it will send nothing more.
    pub fn finish_outputs(&self, node: usize) {
        if self.port(node).is_some_and(|port| !port.keeps_outputs.load(Ordering::Acquire)) {
            self.close_all_outputs(node);
        }
    }

    /// Closes all outputs of a node that has ended.
    pub fn close_all_outputs(&self, node: usize) {
        if let Some(port) = self.port(node) {
            port.outputs.iter().for_each(|(name, route)| self.close(&route.output, node, name));
        }
    }

    fn close(&self, output: &Output, node: usize, name: &str) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if output.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        let wiring = self.wiring();
        let route = wiring.ports.get(node).and_then(|port| port.outputs.get(name));
        for target in route.into_iter().flat_map(|route| &route.subscribers) {
            self.close_input(&wiring, *target);
        }
    }

    /// Tells a node that nothing comes to an input any more. `changing` is held, so that the last one is noticed
    /// exactly once.
    fn close_input(&self, wiring: &Wiring, target: Target) {
        let Some(port) = wiring.ports.get(target.node) else { return };
        if !port.mailbox.close_input(target.input) {
            return;
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

    /// Opens the outputs of a node again that had ended and is started anew: consumers that still run go on.
    pub fn reopen_outputs(&self, node: usize) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let wiring = self.wiring();
        let Some(port) = wiring.ports.get(node) else { return };
        for route in port.outputs.values() {
            if !route.output.closed.swap(false, Ordering::AcqRel) {
                continue;
            }
            for target in &route.subscribers {
                let Some(consumer) = wiring.ports.get(target.node) else { continue };
                if consumer.mailbox.reopen_input(target.input)
                    && let Some(input) = consumer.inputs.get(target.input)
                {
                    consumer.push_event(&NodeEvent::InputRecovered { id: input.id.clone() });
                    consumer.mailbox.flush();
                }
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
        self.port(node).is_some_and(|port| {
            port.inputs.iter().any(|input| matches!(input.mapping, InputMapping::User(_))) && self.all_closed(&port)
        })
    }

    /// Tells the consumers of a node that it failed.
    pub fn tell_failure(&self, node: usize, error: &str) {
        self.tell_consumers(node, |port, affected_input_ids| NodeEvent::NodeFailed {
            affected_input_ids,
            error: error.to_string(),
            source_node_id: port.id.clone(),
        });
    }

    /// Tells the consumers of a node that it was started again.
    pub fn tell_restart(&self, node: usize) {
        self.tell_consumers(node, |port, _| NodeEvent::NodeRestarted { id: port.id.clone() });
    }

    fn tell_consumers(&self, node: usize, event: impl Fn(&Port, Vec<DataId>) -> NodeEvent) {
        let wiring = self.wiring();
        let Some(port) = wiring.ports.get(node) else { return };
        let mut affected: HashMap<usize, Vec<DataId>> = HashMap::new();
        for target in port.outputs.values().flat_map(|route| &route.subscribers) {
            let input = wiring.ports.get(target.node).and_then(|port| port.inputs.get(target.input));
            affected.entry(target.node).or_default().extend(input.map(|input| input.id.clone()));
        }
        for (node, inputs) in affected {
            if let Some(consumer) = wiring.ports.get(node) {
                consumer.push_event(&event(port, inputs));
                consumer.mailbox.flush();
            }
        }
    }

    /// Tells a node something.
    pub fn tell(&self, node: usize, event: &NodeEvent) {
        if let Some(port) = self.port(node) {
            port.push_event(event);
            port.mailbox.flush();
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
        for node in touched_by {
            self.tell(node, &NodeEvent::ExtensionDropped { namespace: namespace.clone(), key: key.clone() });
        }
    }

    /// Tells the process of a node to stop, and keeps what is queued for its successor.
    pub fn dismiss(&self, node: usize) {
        if let (Some(port), Ok(event)) = (self.port(node), dora_message::encode(&NodeEvent::Stop)) {
            port.mailbox.dismiss(event);
        }
    }

    /// Tells every node to stop; timers tick no more, and what a pause held back is dropped.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        let Ok(event) = dora_message::encode(&NodeEvent::Stop) else { return };
        for port in &self.wiring().ports {
            port.mailbox.stop(event.clone());
        }
    }

    /// Holds timers and deliveries.
    pub fn pause(&self) {
        self.paused.store(true, Ordering::Release);
        self.wiring().ports.iter().for_each(|port| port.mailbox.hold());
    }

    /// Hands over what was held, in order, and lets timers tick again.
    pub fn resume(&self) {
        self.paused.store(false, Ordering::Release);
        self.wiring().ports.iter().for_each(|port| port.mailbox.release());
    }

    /// Begins to measure silences and latencies.
    pub fn begin(&self) {
        self.wiring().ports.iter().for_each(|port| port.mailbox.begin());
    }

    /// Finds inputs that have been silent for longer than their timeout and tells their nodes.
    pub fn find_silent(&self, now: Instant) -> Vec<Target> {
        let wiring = self.wiring();
        let ports = wiring.ports.iter().enumerate();
        let of = |(node, port): (usize, &Arc<Port>)| {
            port.mailbox.find_silent(now).into_iter().map(move |input| Target { node, input }).collect::<Vec<_>>()
        };
        ports.flat_map(of).collect()
    }

    /// When the next input will have been silent for longer than its timeout, if nothing comes.
    pub fn next_silence(&self) -> Option<Instant> {
        self.wiring().ports.iter().filter_map(|port| port.mailbox.next_silence()).min()
    }

    /// Ends everything at once: whoever waits for room goes on, and what is queued counts as dropped.
    pub fn end(&self) {
        self.stopped.store(true, Ordering::Release);
        self.wiring().ports.iter().for_each(|port| port.mailbox.end(true));
    }

    /// How many messages a node sent and got so far.
    pub fn traffic(&self, node: usize) -> (u64, u64) {
        self.port(node).map_or((0, 0), |port| {
            let sent = port.outputs.values().map(|route| route.output.messages.load(Ordering::Relaxed)).sum();
            (sent, port.mailbox.delivered())
        })
    }

    /// Counts of one output.
    pub fn output(&self, node: usize, output: &DataId) -> Option<OutputCounts> {
        Some(self.port(node)?.outputs.get(AsRef::<str>::as_ref(output))?.output.counts())
    }

    /// Every input with its counts, by node and in the order of the plan.
    pub fn edges(&self) -> Vec<EdgeInfo> {
        self.edges_with_latencies().into_iter().map(|(edge, _)| edge).collect()
    }

    /// The same, each with all its latencies.
    pub fn edges_with_latencies(&self) -> Vec<(EdgeInfo, Latencies)> {
        let wiring = self.wiring();
        wiring.ports.iter().flat_map(|port| port.edges(&wiring)).collect()
    }
}
