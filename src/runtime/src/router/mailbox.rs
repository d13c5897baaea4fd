//! What waits for one node: its input queues, and the socket its event stream reads from.
//!
//! A node asks for events with a long poll. Whoever brings an event while such a poll is open answers it at
//! once, from the thread that received the message, so that a message passes through with a single wake-up.
//! Only what does not fit into the socket's buffer is left to the node's own event thread.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dora_message::uhlc::HLC;
use hdrhistogram::Histogram;

use super::message::{Message, ntp_between, ntp_now};
use crate::model::{Latency, QueuePolicy};
use crate::node_protocol::waker::Waker;
use crate::node_protocol::wire;

/// Messages up to this size are copied beside the others of a reply; larger ones are sent from where they are.
const COPY_UP_TO: usize = 16 * 1024;

/// Counts of one input. `messages` is what came; it is `delivered`, `dropped`, or `queued`.
#[derive(Debug, Clone, Copy, Default)]
pub struct InputCounts {
    pub messages: u64,
    pub bytes: u64,
    pub delivered: u64,
    pub dropped: u64,
    pub queued: u64,
    pub latency: Option<Latency>,
    pub closed: bool,
}

struct Input {
    id: String,
    capacity: usize,
    policy: QueuePolicy,
    queued: usize,
    messages: u64,
    bytes: u64,
    delivered: u64,
    dropped: u64,
    latency: Histogram<u64>,
    closed: bool,
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
}

/// The connection a node reads its events from.
struct Stream {
    socket: TcpStream,
    waker: Arc<Waker>,
    /// The node waits for an answer.
    polled: bool,
    unsent: Option<Outgoing>,
}

/// A frame that is being written.
struct Outgoing {
    head: Vec<u8>,
    /// Where in `head` a message's own bytes come in between.
    inserts: Vec<(usize, Arc<Message>)>,
    written: usize,
    length: usize,
}

/// What a message met at an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Push {
    Queued,
    /// It took the place of the oldest one.
    Dropped,
    /// There is no room and nothing may be dropped; it was not queued.
    Full,
    /// The node takes no more messages.
    Ended,
}

/// One node's queues.
pub struct Mailbox {
    state: Mutex<State>,
    room: Condvar,
    clock: Arc<HLC>,
}

impl Mailbox {
    /// A mailbox for inputs given by id, the number of messages that may wait, and policy.
    pub fn new(inputs: impl IntoIterator<Item = (String, usize, QueuePolicy)>, clock: Arc<HLC>) -> io::Result<Self> {
        let inputs = inputs
            .into_iter()
            .map(|(id, capacity, policy)| {
                Ok(Input {
                    id,
                    capacity,
                    policy,
                    queued: 0,
                    messages: 0,
                    bytes: 0,
                    delivered: 0,
                    dropped: 0,
                    // From a microsecond to a hundred seconds, to 1 %.
                    latency: Histogram::new_with_bounds(1_000, 100_000_000_000, 2).map_err(io::Error::other)?,
                    closed: false,
                })
            })
            .collect::<io::Result<_>>()?;
        let state = State { queue: VecDeque::new(), inputs, stream: None, ended: false };
        Ok(Mailbox { state: Mutex::new(state), room: Condvar::new(), clock })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
        // A message that fits its sender's frame to the last byte may not fit the consumer's, whose names differ.
        if message.body().len() + wire::input_overhead(&entry.id) > wire::EVENTS_BUDGET {
            entry.dropped += 1;
            return Push::Dropped;
        }
        if full {
            entry.dropped += 1;
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
        if full { Push::Dropped } else { Push::Queued }
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
            state.discard();
        }
        state.ended = true;
        self.room.notify_all();
        self.flush_locked(&mut state);
    }

    /// Gives the mailbox the connection of a node that has subscribed; `false` when it has one.
    pub fn attach(&self, socket: TcpStream, waker: Arc<Waker>) -> bool {
        let mut state = self.lock();
        if state.stream.is_some() {
            return false;
        }
        state.stream = Some(Stream { socket, waker, polled: false, unsent: None });
        true
    }

    /// Forgets the connection. Queued messages stay for a successor unless the mailbox has ended.
    pub fn detach(&self) {
        let mut state = self.lock();
        state.stream = None;
        if state.ended {
            state.discard();
        }
        self.room.notify_all();
    }

    /// Opens a mailbox again for a node that is started anew.
    pub fn reopen(&self) {
        self.lock().ended = false;
    }

    /// Notes that the node waits for events, and answers if there are any.
    pub fn polled(&self) {
        let mut state = self.lock();
        if let Some(stream) = &mut state.stream {
            stream.polled = true;
        }
        self.flush_locked(&mut state);
    }

    /// Answers an open poll with what is queued.
    pub fn flush(&self) {
        self.flush_locked(&mut self.lock());
    }

    /// Goes on writing what did not fit into the socket; `true` when something is still left.
    pub fn write_rest(&self) -> bool {
        let mut state = self.lock();
        let Some(stream) = &mut state.stream else { return false };
        stream.write()
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
                queued: input.queued as u64,
                latency: latency(&input.latency),
                closed: input.closed,
            })
            .collect()
    }

    /// How many messages came to the node's process.
    pub fn delivered(&self) -> u64 {
        self.lock().inputs.iter().map(|input| input.delivered).sum()
    }

    fn flush_locked(&self, state: &mut State) {
        let State { queue, inputs, stream: Some(stream), ended } = state else { return };
        if !stream.polled || (queue.is_empty() && !*ended) {
            return;
        }
        stream.polled = false;
        stream.unsent = Some(take(queue, inputs, &self.clock));
        self.room.notify_all();
        if stream.write() {
            stream.waker.wake();
        }
    }
}

impl State {
    fn discard(&mut self) {
        for entry in self.queue.drain(..) {
            if let Entry::Message { input, .. } = entry
                && let Some(input) = self.inputs.get_mut(input)
            {
                input.queued = input.queued.saturating_sub(1);
                input.dropped += 1;
            }
        }
    }
}

/// Takes as many events as one frame holds.
fn take(queue: &mut VecDeque<Entry>, inputs: &mut [Input], clock: &HLC) -> Outgoing {
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
                let latency = ntp_between(message.sent, now).as_nanos();
                input.latency.saturating_record(u64::try_from(latency).unwrap_or(u64::MAX));
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
    let length = head.len() + elsewhere;
    Outgoing { head, inserts, written: 0, length }
}

impl Stream {
    /// Writes what the socket takes now; `true` when something is left.
    fn write(&mut self) -> bool {
        let Some(outgoing) = &mut self.unsent else { return false };
        match outgoing.write(&self.socket) {
            Ok(true) => return true,
            Ok(false) => {}
            // The connection's own thread meets the same error and ends it.
            Err(_) => drop(self.socket.shutdown(std::net::Shutdown::Both)),
        }
        self.unsent = None;
        false
    }
}

impl Outgoing {
    fn write(&mut self, mut socket: &TcpStream) -> io::Result<bool> {
        while self.written < self.length {
            let result = if self.inserts.is_empty() {
                socket.write(self.head.get(self.written..).unwrap_or_default())
            } else {
                socket.write_vectored(&self.rest())
            };
            match result {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// What is left to write, as far as one system call takes it.
    fn rest(&self) -> Vec<IoSlice<'_>> {
        let mut slices = Vec::with_capacity(2 * self.inserts.len() + 1);
        let mut skip = self.written;
        let mut add = |bytes: &'_ [u8]| -> Option<(usize, usize)> {
            if skip >= bytes.len() {
                skip -= bytes.len();
                None
            } else {
                Some((std::mem::take(&mut skip), bytes.len()))
            }
        };
        let mut from = 0;
        for (at, message) in &self.inserts {
            let (part, body) = (self.head.get(from..*at).unwrap_or_default(), message.body());
            from = *at;
            for bytes in [part, body] {
                if let Some((start, end)) = add(bytes) {
                    slices.push(IoSlice::new(&bytes[start..end]));
                }
            }
        }
        let tail = self.head.get(from..).unwrap_or_default();
        if let Some((start, end)) = add(tail) {
            slices.push(IoSlice::new(&tail[start..end]));
        }
        slices.truncate(512);
        slices
    }
}

fn latency(histogram: &Histogram<u64>) -> Option<Latency> {
    if histogram.is_empty() {
        return None;
    }
    Some(Latency {
        mean: Duration::from_nanos(histogram.mean() as u64),
        p50: Duration::from_nanos(histogram.value_at_quantile(0.5)),
        p99: Duration::from_nanos(histogram.value_at_quantile(0.99)),
        max: Duration::from_nanos(histogram.max()),
    })
}
