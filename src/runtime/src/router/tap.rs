//! Taps: copies of what outputs send, for those who look at a dataflow without being part of it.
//!
//! A tap never holds up a sender. It keeps what its reader has not yet taken within a bound of messages and of
//! bytes; beyond that the oldest is dropped, counted, and told with the next message of the same output. The last
//! message is always kept, so that whatever was missed is told in the end.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::message::Message;
use super::wiring::Arrival;

/// How much a tap keeps for a reader that is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub messages: usize,
    /// Payload and metadata. A longer message is kept alone.
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { messages: 1024, bytes: 64 << 20 }
    }
}

/// One message of a tapped output.
#[derive(Clone)]
pub struct Tapped {
    /// Which of the tap's outputs it came through, in the order they were given.
    pub output: usize,
    pub message: Arc<Message>,
    pub arrival: Arrival,
    /// How many messages of its output this tap has dropped since the one before.
    pub missed: u64,
}

/// The reader's end of a tap. Dropping it ends the tap.
pub struct Tap(Arc<Queue>);

struct Queue {
    state: Mutex<State>,
    bounds: Bounds,
    came: Notify,
}

struct State {
    waiting: VecDeque<Tapped>,
    bytes: usize,
    /// For each output, what was dropped and not yet told.
    missed: Vec<u64>,
    ended: bool,
}

impl Tap {
    /// A tap for so many outputs, which nothing feeds yet.
    pub fn new(outputs: usize, bounds: Bounds) -> Tap {
        let state = State { waiting: VecDeque::new(), bytes: 0, missed: vec![0; outputs], ended: false };
        Tap(Arc::new(Queue { state: Mutex::new(state), bounds, came: Notify::new() }))
    }

    /// Waits for the next message; `None` when the tap has ended and everything was taken.
    pub async fn next(&mut self) -> Option<Tapped> {
        loop {
            let came = self.0.came.notified();
            {
                let mut state = self.0.lock();
                if let Some(mut tapped) = state.waiting.pop_front() {
                    state.bytes -= tapped.message.body().len();
                    if let Some(missed) = state.missed.get_mut(tapped.output) {
                        tapped.missed = std::mem::take(missed);
                    }
                    return Some(tapped);
                }
                if state.ended {
                    return None;
                }
            }
            came.await;
        }
    }

    /// Takes nothing more in. What waits can still be taken.
    pub fn end(&self) {
        self.0.lock().ended = true;
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.ended = true;
        state.waiting.clear();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a message in; `false` when the tap has ended.
    fn push(&self, tapped: Tapped) -> bool {
        let mut state = self.lock();
        if state.ended {
            return false;
        }
        state.bytes += tapped.message.body().len();
        state.waiting.push_back(tapped);
        while state.waiting.len() > 1 && (state.waiting.len() > self.bounds.messages || state.bytes > self.bounds.bytes)
        {
            let Some(dropped) = state.waiting.pop_front() else { break };
            state.bytes -= dropped.message.body().len();
            if let Some(missed) = state.missed.get_mut(dropped.output) {
                *missed += 1;
            }
        }
        drop(state);
        self.came.notify_one();
        true
    }

    /// Counts a message that cannot be seen here; `false` when the tap has ended.
    fn miss(&self, output: usize) -> bool {
        let mut state = self.lock();
        if let Some(missed) = state.missed.get_mut(output) {
            *missed += 1;
        }
        !state.ended
    }
}

/// The taps on one output.
#[derive(Default)]
pub struct Taps {
    /// Whether there are any: all that a message through an untapped output looks at.
    any: AtomicBool,
    taps: Mutex<Vec<(Arc<Queue>, usize)>>,
}

impl Taps {
    /// Whether a message is worth bringing here.
    pub fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Lets a tap see what comes from now on, as its output number `output`.
    pub fn add(&self, tap: &Tap, output: usize) {
        let mut taps = self.lock();
        taps.push((tap.0.clone(), output));
        self.any.store(true, Ordering::Release);
    }

    /// Brings a message to all taps, and forgets those that have ended.
    pub fn push(&self, message: &Arc<Message>, arrival: Arrival) {
        let mut taps = self.lock();
        taps.retain(|(queue, output)| {
            queue.push(Tapped { output: *output, message: message.clone(), arrival, missed: 0 })
        });
        self.any.store(!taps.is_empty(), Ordering::Release);
    }

    /// Tells all taps of a message that went past the router.
    pub fn miss(&self) {
        self.lock().retain(|(queue, output)| queue.miss(*output));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Arc<Queue>, usize)>> {
        self.taps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UnixNanos;

    fn message(size: usize) -> Arc<Message> {
        Message::small(&vec![0; size], size, 0)
    }

    fn push(taps: &Taps, sequence: u64, size: usize) {
        taps.push(&message(size), Arrival { time: UnixNanos(0), sequence });
    }

    async fn taken(tap: &mut Tap) -> Vec<(usize, u64, u64)> {
        tap.end();
        let mut taken = Vec::new();
        while let Some(one) = tap.next().await {
            taken.push((one.output, one.arrival.sequence, one.missed));
        }
        taken
    }

    #[tokio::test]
    async fn what_is_missed_is_told_with_the_next_message_of_its_output() {
        let (a, b) = (Taps::default(), Taps::default());
        let mut tap = Tap::new(2, Bounds { messages: 3, bytes: 1 << 20 });
        a.add(&tap, 0);
        b.add(&tap, 1);
        for sequence in 1..=4 {
            push(&a, sequence, 10);
        }
        push(&b, 1, 10);
        push(&a, 5, 10);
        assert_eq!(taken(&mut tap).await, [(0, 4, 3), (1, 1, 0), (0, 5, 0)]);
    }

    #[tokio::test]
    async fn what_goes_past_the_router_is_missed() {
        let taps = Taps::default();
        let mut tap = Tap::new(1, Bounds::default());
        taps.add(&tap, 0);
        taps.miss();
        push(&taps, 2, 1);
        assert_eq!(taken(&mut tap).await, [(0, 2, 1)]);
    }

    #[tokio::test]
    async fn bytes_are_bounded_and_a_message_beyond_the_bound_is_kept_alone() {
        let taps = Taps::default();
        let mut tap = Tap::new(1, Bounds { messages: 1000, bytes: 100 });
        taps.add(&tap, 0);
        for sequence in 1..=5 {
            push(&taps, sequence, 40);
        }
        assert_eq!(tap.0.lock().waiting.len(), 2);
        push(&taps, 6, 1000);
        assert_eq!(tap.0.lock().bytes, 1000);
        assert_eq!(taken(&mut tap).await, [(0, 6, 5)]);
    }

    #[tokio::test]
    async fn every_tap_sees_everything_and_one_that_is_dropped_is_forgotten() {
        let taps = Taps::default();
        let mut first = Tap::new(1, Bounds::default());
        let second = Tap::new(1, Bounds::default());
        taps.add(&first, 0);
        taps.add(&second, 0);
        push(&taps, 1, 1);
        drop(second);
        push(&taps, 2, 1);
        assert_eq!(taps.lock().len(), 1);
        assert_eq!(taken(&mut first).await, [(0, 1, 0), (0, 2, 0)]);
        push(&taps, 3, 1);
        assert!(!taps.any());
    }

    #[tokio::test]
    async fn a_reader_that_waits_is_woken_by_a_message() {
        let taps = Taps::default();
        let mut tap = Tap::new(1, Bounds::default());
        taps.add(&tap, 0);
        let reader = tokio::spawn(async move { tap.next().await.map(|one| one.arrival.sequence) });
        tokio::task::yield_now().await;
        push(&taps, 1, 1);
        assert_eq!(reader.await.unwrap(), Some(1));
    }
}
