//! What only the supervisor knows of a node.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::Signal as Kill;
use tokio::time::Instant;

use super::commands::Done;
use crate::descriptor::plan::PlannedNode;
use crate::model::PathChoice;
use crate::supervisor::process::Ended;

/// What only the supervisor knows of a node.
#[derive(Default)]
pub(super) struct Member {
    /// The process group while the process runs or its end is being settled.
    pub(super) group: Option<u32>,
    pub(super) connections: usize,
    pub(super) subscribed: bool,
    /// How it ended, while connections are still open, and until when they may be.
    pub(super) draining: Option<(Ended, Instant)>,
    /// When it is started again.
    pub(super) restart_at: Option<Instant>,
    /// Until when it has to be ready.
    pub(super) ready_by: Option<Instant>,
    /// Until when it has to end, now that nothing can come to it any more and all others have ended.
    pub(super) end_by: Option<Instant>,
    /// How it is made to end.
    pub(super) ladder: Option<Ladder>,
    /// We have killed it, with this.
    pub(super) killed: Option<Kill>,
    /// The fault it was killed for.
    pub(super) fault: Option<String>,
    pub(super) then: Then,
    /// Those who wait for it to have stopped or to be ready.
    pub(super) waiting: Vec<Done>,
    /// Restarts in the present window, and when that began.
    pub(super) window: (u32, Option<Instant>),
    pub(super) rest: Rest,
    /// Nodes that have to be ready before it is started, because it will look for them.
    pub(super) awaits: BTreeSet<usize>,
    /// It has been started, or that was tried.
    pub(super) begun: bool,
}

impl Member {
    /// What is known of a node before anything has happened to it.
    pub(super) fn of(planned: &PlannedNode) -> Self {
        Member { rest: if planned.dynamic { Rest::Guest } else { Rest::No }, ..Member::default() }
    }

    pub(super) fn is_guest(&self) -> bool {
        self.rest == Rest::Guest
    }
}

/// Whether anything more can happen to a node.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Rest {
    #[default]
    No,
    /// It was stopped, and can be started again as long as others run.
    Parked,
    /// Somebody else starts it: it joins and leaves as it likes, and nobody waits for it.
    Guest,
    Done,
}

/// What follows when the process of a node ends.
#[derive(Default)]
pub(super) enum Then {
    /// It ended of its own accord, or was killed for a fault: its rules decide.
    #[default]
    Judge,
    Park,
    Restart,
    Reroute(PathChoice),
    Remove,
    Replace(Box<PlannedNode>),
}

/// What to do with a process that still runs, and when.
#[derive(Clone, Copy)]
pub(super) struct Ladder {
    pub(super) next: Instant,
    pub(super) then: Step,
    /// From SIGTERM to SIGKILL.
    pub(super) patience: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Terminate,
    Kill,
}
