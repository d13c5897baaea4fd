//! `dora/timer` inputs: absolute deadlines on one thread.
//!
//! The thread sleeps on a condition until shortly before the next deadline, so that it can be told of new
//! timers, and the rest with the kernel's absolute sleep, so that no delay adds up.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::thread::{ClockId, Timespec, clock_nanosleep_absolute};

use super::Router;

/// How long before a deadline the thread leaves the condition.
const NEAR: u64 = 2_000_000;

/// The timers of all dataflows of one runtime.
pub struct Timers {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// By deadline, the nearest first.
    due: BinaryHeap<Reverse<Entry>>,
    entries: Vec<Option<Running>>,
    ended: bool,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    deadline: u64,
    slot: usize,
}

struct Running {
    router: Weak<Router>,
    interval: Duration,
}

impl Timers {
    /// Starts the thread.
    pub fn start() -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let thread = std::thread::Builder::new().name("dora-timers".into()).spawn({
            let shared = shared.clone();
            move || run(&shared)
        })?;
        Ok(Timers { shared, thread: Some(thread) })
    }

    /// Lets all timers of a dataflow tick from now on that do not yet, the first time at once. They end with the
    /// router, or with the last input that wants them.
    pub fn add(&self, router: &Arc<Router>) {
        let now = monotonic();
        let mut state = self.shared.lock();
        for interval in router.intervals() {
            let ticks =
                |one: &Running| one.interval == interval && std::ptr::eq(one.router.as_ptr(), Arc::as_ptr(router));
            if state.entries.iter().flatten().any(ticks) {
                continue;
            }
            let running = Some(Running { router: Arc::downgrade(router), interval });
            let free = state.entries.iter().position(Option::is_none);
            let slot = free.unwrap_or(state.entries.len());
            match free {
                Some(free) => state.entries[free] = running,
                None => state.entries.push(running),
            }
            state.due.push(Reverse(Entry { deadline: now, slot }));
        }
        self.shared.changed.notify_one();
    }
}

impl Drop for Timers {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn run(shared: &Shared) {
    // Precise sleeps are the point of this thread: the default slack is 50 microseconds.
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
    let mut state = shared.lock();
    while !state.ended {
        let Some(Reverse(next)) = state.due.peek() else {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        let (deadline, now) = (next.deadline, monotonic());
        if deadline > now + NEAR {
            let rest = Duration::from_nanos(deadline - now - NEAR);
            state = shared.changed.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner).0;
            continue;
        }
        if deadline > now {
            drop(state);
            sleep_until(deadline);
            state = shared.lock();
            continue;
        }
        let Some(Reverse(Entry { slot, .. })) = state.due.pop() else { continue };
        let Some(Some(running)) = state.entries.get(slot) else { continue };
        let (router, interval) = (running.router.upgrade(), running.interval);
        drop(state);
        let goes_on = router.as_ref().is_some_and(|router| router.tick(interval));
        state = shared.lock();
        // An input may have come to want it since, and found that it ticks already.
        if goes_on || router.is_some_and(|router| router.intervals().contains(&interval)) {
            let nanos = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX).max(1);
            state.due.push(Reverse(Entry { deadline: following(deadline, nanos, now), slot }));
        } else {
            state.entries[slot] = None;
        }
    }
}

/// The first deadline after `now` on the grid of `deadline`: ticks that were missed are skipped.
fn following(deadline: u64, interval: u64, now: u64) -> u64 {
    let behind = now.saturating_sub(deadline) / interval;
    deadline.saturating_add(interval.saturating_mul(behind + 1))
}

fn monotonic() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

fn sleep_until(deadline: u64) {
    let deadline = Timespec {
        tv_sec: i64::try_from(deadline / 1_000_000_000).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(deadline % 1_000_000_000).unwrap_or(0),
    };
    // A signal ends the sleep early; the caller looks at the clock again.
    let _ = clock_nanosleep_absolute(ClockId::Monotonic, &deadline);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missed_ticks_are_skipped_and_the_grid_is_kept() {
        assert_eq!(following(100, 10, 100), 110);
        assert_eq!(following(100, 10, 109), 110);
        assert_eq!(following(100, 10, 135), 140);
    }
}
