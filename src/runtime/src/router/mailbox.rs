//! What waits for one node: its input queues, and the socket its event stream reads from.
//!
//! Whoever brings an event to a node that waits for one hands it over at once, from the thread that received the
//! message; see [`stream`](super::stream).

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dora_message::daemon_to_node::NodeEvent;
use dora_message::uhlc::HLC;

use super::latencies::Buckets;
use super::message::{Message, ntp_between, ntp_now};
use super::stream::{Outgoing, Stream, Work};
use crate::model::QueuePolicy;
use crate::node_protocol::wire;

/// Messages up to this size are copied beside the others of a reply; larger ones are sent from where they are.
const COPY_UP_TO: usize = 16 * 1024;

/// An input as a mailbox is told of it.
pub struct Queue {
    pub id: String,
    /// How many messages may wait.
    pub capacity: usize,
    pub policy: QueuePolicy,
    /// After so long without a message the node is told that the input is broken.
    pub timeout: Option<Duration>,
}

/// Counts of one input. `messages` is what came; it is `delivered`, `dropped`, or `queued`.
#[derive(Debug, Clone, Default)]
pub struct InputCounts {
    pub messages: u64,
    pub bytes: u64,
    pub delivered: u64,
    pub dropped: u64,
    /// How many of the dropped were dropped while the dataflow was paused.
    pub while_paused: u64,
    pub queued: u64,
    pub latencies: Buckets,
    pub closed: bool,
    /// Whether nothing has come for longer than its timeout.
    pub silent: bool,
}

struct Input {
    id: String,
    capacity: usize,
    policy: QueuePolicy,
    timeout: Option<Duration>,
    queued: usize,
    messages: u64,
    bytes: u64,
    delivered: u64,
    dropped: u64,
    while_paused: u64,
    latency: Buckets,
    closed: bool,
    /// When the last message came, or waiting for one began.
    heard: Instant,
    silent: bool,
}

enum Entry {
    Message {
        input: usize,
        message: Arc<Message>,
    },
    /// An encoded event that is no message; never dropped.
    Control(Vec<u8>),
}

struct State {
    queue: VecDeque<Entry>,
    inputs: Vec<Input>,
    stream: Option<Stream>,
    /// Nothing is accepted any more, and when the queue is empty the node's event stream ends.
    ended: bool,
    /// Nothing is handed over until the dataflow is resumed.
    held: bool,
    /// The process is to go and its successor gets what is queued: it is handed these events and then the end of
    /// its stream.
    farewell: Option<Vec<Vec<u8>>>,
    /// Messages that were sent before this moment waited for a reason that is no latency.
    fresh: u64,
}

/// What became of a message that was brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Push {
    Queued,
    /// It is queued, and the first after a silence that the node was told of.
    Recovered,
    /// It, or an older one, was dropped; so many were by now.
    Dropped(u64),
    /// The queue is full, and this input's policy is that the sender waits.
    Full,
    /// The node takes nothing any more.
    Ended,
}

/// What waits for one node.
pub struct Mailbox {
    state: Mutex<State>,
    room: Condvar,
    clock: Arc<HLC>,
    since: Instant,
    /// When the node last gave a sign of life, in milliseconds after `since`.
    alive: AtomicU64,
}

impl Input {
    fn new(queue: Queue) -> Self {
        Input {
            id: queue.id,
            capacity: queue.capacity,
            policy: queue.policy,
            timeout: queue.timeout,
            queued: 0,
            messages: 0,
            bytes: 0,
            delivered: 0,
            dropped: 0,
            while_paused: 0,
            latency: Buckets::default(),
            closed: false,
            heard: Instant::now(),
            silent: false,
        }
    }

    /// When it will have been silent for too long.
    fn silence(&self) -> Option<Instant> {
        let timeout = self.timeout.filter(|_| !self.closed && !self.silent)?;
        self.heard.checked_add(timeout)
    }
}

impl Mailbox {
    /// A mailbox for inputs in the order given.
    pub fn new(queues: impl IntoIterator<Item = Queue>, clock: Arc<HLC>) -> Self {
        let inputs = queues.into_iter().map(Input::new).collect();
        let state =
            State { queue: VecDeque::new(), inputs, stream: None, ended: false, held: false, farewell: None, fresh: 0 };
        Mailbox {
            state: Mutex::new(state),
            room: Condvar::new(),
            clock,
            since: Instant::now(),
            alive: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an input; returns its place.
    pub fn add_queue(&self, queue: Queue) -> usize {
        let mut state = self.lock();
        state.inputs.push(Input::new(queue));
        state.inputs.len() - 1
    }

    /// Puts other inputs in the place of the present ones. What waits for an input that stays keeps waiting; the
    /// rest is dropped with its input.
    pub fn replace_queues(&self, queues: impl IntoIterator<Item = Queue>) {
        let mut inputs: Vec<Input> = queues.into_iter().map(Input::new).collect();
        let mut state = self.lock();
        let state = &mut *state;
        let places: Vec<Option<usize>> =
            state.inputs.iter().map(|old| inputs.iter().position(|new| new.id == old.id)).collect();
        for (old, place) in state.inputs.drain(..).zip(&places) {
            if let Some(new) = place.and_then(|place| inputs.get_mut(place)) {
                let (capacity, policy, timeout) = (new.capacity, new.policy, new.timeout);
                *new = Input { capacity, policy, timeout, ..old };
            }
        }
        state.queue.retain_mut(|entry| match entry {
            Entry::Message { input, .. } => match places.get(*input).copied().flatten() {
                Some(place) => {
                    *input = place;
                    true
                }
                None => false,
            },
            Entry::Control(_) => true,
        });
        state.inputs = inputs;
    }

    /// Queues a message. It is sent with the next [`flush`](Self::flush).
    pub fn push(&self, input: usize, message: &Arc<Message>) -> Push {
        self.insert(input, message, false)
    }

    fn insert(&self, input: usize, message: &Arc<Message>, may_drop: bool) -> Push {
        let mut state = self.lock();
        let state = &mut *state;
        let Some(entry) = state.inputs.get_mut(input) else { return Push::Ended };
        let full = entry.queued >= entry.capacity;
        if full && !may_drop && entry.policy == QueuePolicy::Backpressure && !state.ended {
            return Push::Full;
        }
        entry.messages += 1;
        entry.bytes += message.payload as u64;
        if state.ended || entry.closed {
            entry.dropped += 1;
            return Push::Ended;
        }
        entry.heard = Instant::now();
        let recovered = std::mem::take(&mut entry.silent);
        if recovered {
            let event = NodeEvent::InputRecovered { id: entry.id.clone().into() };
            state.queue.extend(dora_message::encode(&event).ok().map(Entry::Control));
        }
        // A message that fits its sender's frame to the last byte may not fit the consumer's, whose names differ.
        if message.body().len() + wire::input_overhead(&entry.id) > wire::EVENTS_BUDGET {
            entry.dropped += 1;
            return Push::Dropped(entry.dropped);
        }
        if full {
            entry.dropped += 1;
            entry.while_paused += u64::from(state.held);
            // The oldest of a full queue is near the front, where removing is cheap.
            let oldest =
                state.queue.iter().position(|one| matches!(one, Entry::Message { input: of, .. } if *of == input));
            if let Some(oldest) = oldest {
                state.queue.remove(oldest);
            }
        } else {
            entry.queued += 1;
        }
        state.queue.push_back(Entry::Message { input, message: message.clone() });
        match (recovered, full) {
            (true, _) => Push::Recovered,
            (false, true) => Push::Dropped(entry.dropped),
            (false, false) => Push::Queued,
        }
    }

    /// Queues a message, or drops the oldest whatever the policy, for senders that cannot wait.
    pub fn push_or_drop(&self, input: usize, message: &Arc<Message>) -> Push {
        self.insert(input, message, true)
    }

    /// Waits until there is room at an input, the node ends, or `limit` is over.
    pub fn wait_for_room(&self, input: usize, limit: Duration) {
        let state = self.lock();
        let full = |state: &mut State| {
            !state.ended && state.inputs.get(input).is_some_and(|input| input.queued >= input.capacity)
        };
        drop(self.room.wait_timeout_while(state, limit, full).unwrap_or_else(PoisonError::into_inner));
    }

    /// Queues an encoded event that is not a message.
    pub fn push_control(&self, event: Vec<u8>) {
        let mut state = self.lock();
        if !state.ended {
            state.queue.push_back(Entry::Control(event));
        }
    }

    /// Opens an input again that was closed, for a source that has come back; `false` when it was open.
    pub fn reopen_input(&self, input: usize) -> bool {
        let mut state = self.lock();
        let Some(input) = state.inputs.get_mut(input) else { return false };
        input.heard = Instant::now();
        std::mem::take(&mut input.closed)
    }

    /// Marks an input as closed; `false` when it was already.
    pub fn close_input(&self, input: usize) -> bool {
        let mut state = self.lock();
        match state.inputs.get_mut(input) {
            Some(input) if !input.closed => {
                input.closed = true;
                true
            }
            _ => false,
        }
    }

    /// Ends the event stream after what is queued: with `discard`, what is queued is dropped too.
    pub fn end(&self, discard: bool) {
        let mut state = self.lock();
        if discard {
            state.clear();
        }
        state.ended = true;
        self.room.notify_all();
        self.flush_locked(&mut state);
    }

    /// Tells the node to stop and ends its stream. What a paused dataflow held back is dropped.
    pub fn stop(&self, event: Vec<u8>) {
        let mut state = self.lock();
        if std::mem::take(&mut state.held) {
            state.discard();
        }
        if !state.ended {
            state.queue.push_back(Entry::Control(event));
        }
        state.ended = true;
        self.room.notify_all();
        self.flush_locked(&mut state);
    }

    /// Tells the present process to stop and ends its stream; what is queued waits for its successor, even while
    /// the dataflow is paused.
    pub fn dismiss(&self, event: Vec<u8>) {
        let mut state = self.lock();
        state.farewell = Some(vec![event]);
        self.flush_locked(&mut state);
    }

    /// Holds everything back from now on.
    pub fn hold(&self) {
        self.lock().held = true;
    }

    /// Hands over what was held back.
    pub fn release(&self) {
        let mut state = self.lock();
        if std::mem::take(&mut state.held) {
            state.begin();
            self.flush_locked(&mut state);
        }
    }

    /// Begins to wait for messages: silences and latencies are measured from here on.
    pub fn begin(&self) {
        self.lock().begin();
    }

    /// Finds inputs that have been silent for too long, tells the node of them, and returns their places.
    pub fn find_silent(&self, now: Instant) -> Vec<usize> {
        let mut state = self.lock();
        let state = &mut *state;
        let mut silent = Vec::new();
        if state.ended || state.held {
            return silent;
        }
        for (place, input) in state.inputs.iter_mut().enumerate() {
            if input.silence().is_none_or(|due| due > now) {
                continue;
            }
            input.silent = true;
            silent.push(place);
            let event = NodeEvent::InputClosed { id: input.id.clone().into() };
            state.queue.extend(dora_message::encode(&event).ok().map(Entry::Control));
        }
        if !silent.is_empty() {
            self.flush_locked(state);
        }
        silent
    }

    /// When the next input will have been silent for too long, if nothing comes.
    pub fn next_silence(&self) -> Option<Instant> {
        let state = self.lock();
        state.inputs.iter().filter(|_| !state.ended && !state.held).filter_map(Input::silence).min()
    }

    /// Notes a sign of life of the node.
    pub fn note_life(&self) {
        self.alive.store(self.since.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    /// How long the node has given no sign of life. One that waits for events is well.
    pub fn quiet_for(&self, now: Instant) -> Duration {
        if self.lock().stream.as_mut().is_some_and(Stream::is_polled) {
            return Duration::ZERO;
        }
        let last = self.since + Duration::from_millis(self.alive.load(Ordering::Relaxed));
        now.saturating_duration_since(last)
    }

    /// Gives the mailbox the connection of a node that has subscribed; `false` when it has one.
    pub fn attach(&self, stream: Stream) -> bool {
        let mut state = self.lock();
        if state.stream.is_some() {
            return false;
        }
        state.stream = Some(stream);
        true
    }

    /// Does what can be done for the connection without waiting, and tells its thread what else there is to do.
    ///
    /// # Errors
    /// The connection failed, or the node broke the protocol.
    pub fn work(&self) -> io::Result<Work> {
        let mut state = self.lock();
        if let Some(stream) = &mut state.stream {
            stream.proceed();
        }
        self.flush_locked(&mut state);
        state.stream.as_mut().map_or(Ok(Work::End), Stream::work)
    }

    /// Forgets the connection. Queued messages stay for a successor unless the mailbox has ended.
    pub fn detach(&self) {
        let mut state = self.lock();
        state.stream = None;
        if state.ended {
            state.clear();
        }
        self.room.notify_all();
    }

    /// Opens a mailbox again for a node that is started anew.
    pub fn reopen(&self) {
        let mut state = self.lock();
        state.ended = false;
        state.farewell = None;
        state.begin();
        drop(state);
        self.note_life();
    }

    /// Answers an open poll with what is queued.
    pub fn flush(&self) {
        self.flush_locked(&mut self.lock());
    }

    /// Counts of every input, in the order they were given.
    pub fn counts(&self) -> Vec<InputCounts> {
        self.lock()
            .inputs
            .iter()
            .map(|input| InputCounts {
                messages: input.messages,
                bytes: input.bytes,
                delivered: input.delivered,
                dropped: input.dropped,
                while_paused: input.while_paused,
                queued: input.queued as u64,
                latencies: input.latency.clone(),
                closed: input.closed,
                silent: input.silent,
            })
            .collect()
    }

    /// How many messages came to the node's process.
    pub fn delivered(&self) -> u64 {
        self.lock().inputs.iter().map(|input| input.delivered).sum()
    }

    fn flush_locked(&self, state: &mut State) {
        while state.has_news() {
            let State { queue, inputs, stream: Some(stream), farewell, fresh, .. } = state else { return };
            if !stream.is_polled() {
                return stream.expect_poll();
            }
            let outgoing = match farewell {
                Some(events) => take(&mut events.drain(..).map(Entry::Control).collect(), inputs, &self.clock, *fresh),
                None => take(queue, inputs, &self.clock, *fresh),
            };
            stream.answer(outgoing);
            // It waited for an answer until now.
            self.note_life();
            self.room.notify_all();
        }
    }
}

impl State {
    /// Whether the node has something to be told, be it that nothing more comes.
    fn has_news(&self) -> bool {
        self.farewell.is_some() || (!self.held && (self.ended || !self.queue.is_empty()))
    }

    fn begin(&mut self) {
        self.fresh = ntp_now();
        let now = Instant::now();
        self.inputs.iter_mut().for_each(|input| input.heard = now);
    }

    /// Drops all that waits.
    fn clear(&mut self) {
        self.discard();
        self.queue.clear();
    }

    /// Drops all messages that wait.
    fn discard(&mut self) {
        let State { queue, inputs, .. } = self;
        queue.retain(|entry| {
            let Entry::Message { input, .. } = entry else { return true };
            if let Some(input) = inputs.get_mut(*input) {
                input.queued = input.queued.saturating_sub(1);
                input.dropped += 1;
            }
            false
        });
    }
}

/// Takes as many events as one frame holds.
fn take(queue: &mut VecDeque<Entry>, inputs: &mut [Input], clock: &HLC, fresh: u64) -> Outgoing {
    let mut count = 0;
    let mut budget = wire::EVENTS_BUDGET;
    for entry in queue.iter() {
        let size = match entry {
            Entry::Message { input, message } => {
                message.body().len() + inputs.get(*input).map_or(0, |input| wire::input_overhead(&input.id))
            }
            Entry::Control(event) => event.len() + 32,
        };
        // One event alone always fits: larger ones were not queued.
        if size > budget && count > 0 {
            break;
        }
        budget = budget.saturating_sub(size);
        count += 1;
    }

    let mut head = Vec::with_capacity(64 + (count * 256).min(1 << 20));
    let mut inserts = Vec::new();
    let mut elsewhere = 0;
    wire::begin_next_events(&mut head, count);
    let timestamp = clock.new_timestamp();
    let now = ntp_now();
    for entry in queue.drain(..count) {
        match entry {
            Entry::Control(event) => head.extend_from_slice(&event),
            Entry::Message { input, message } => {
                let Some(input) = inputs.get_mut(input) else { continue };
                input.queued = input.queued.saturating_sub(1);
                input.delivered += 1;
                if message.sent >= fresh {
                    let latency = ntp_between(message.sent, now).as_nanos();
                    input.latency.record(u64::try_from(latency).unwrap_or(u64::MAX));
                }
                wire::begin_input(&mut head, &input.id);
                if message.body().len() <= COPY_UP_TO {
                    head.extend_from_slice(message.body());
                } else {
                    elsewhere += message.body().len();
                    inserts.push((head.len(), message));
                }
            }
        }
        wire::put_timestamp(&mut head, &timestamp);
    }
    wire::finish_frame(&mut head, elsewhere);
    Outgoing::new(head, inserts)
}
