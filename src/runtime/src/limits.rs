//! How many files this process may have open: every node takes a dozen of them.

use std::sync::OnceLock;

use diag::{Diagnostic, Result, codes};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

/// Connections, pipes and the log of one node.
const FILES_OF_NODE: u64 = 13;
/// What a dataflow, the store and those who ask take beside its nodes.
const SPARE: u64 = 32;

/// What the limit was when this process began: what its nodes are to have.
static INHERITED: OnceLock<Rlimit> = OnceLock::new();

/// Raises the limit as far as this process may. The usual one of 1024 is made for programs that use `select`, and would
/// be reached with eighty nodes.
pub fn raise() {
    INHERITED.get_or_init(|| {
        let inherited = getrlimit(Resource::Nofile);
        // What is refused is told when it matters: by `room_for`.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: inherited.maximum, maximum: inherited.maximum });
        inherited
    });
}

/// Gives a process that was just started the limit it would have had without [`raise`].
pub fn restore(pid: u32) {
    if let (Some(inherited), Some(pid)) = (INHERITED.get(), i32::try_from(pid).ok().and_then(Pid::from_raw)) {
        // One that has ended already needs no limit.
        let _ = prlimit(Some(pid), Resource::Nofile, *inherited);
    }
}

/// Checks that so many nodes more can be served.
///
/// # Errors
/// `RUNTIME_FAILED`, before anything is started that could not be connected to.
pub fn room_for(nodes: usize) -> Result<()> {
    let Some(limit) = getrlimit(Resource::Nofile).current else { return Ok(()) };
    // Without /proc nothing is known, and nothing is refused.
    let open = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count) as u64;
    let needed = nodes as u64 * FILES_OF_NODE + SPARE;
    if open + needed <= limit {
        return Ok(());
    }
    Err(Diagnostic::new(
        codes::RUNTIME_FAILED,
        format!("this dataflow would open {needed} files, and only {} of {limit} are left", limit.saturating_sub(open)),
    )
    .help("raise the limit in the shell that starts `dora` (`ulimit -Hn` shows how far), or stop other dataflows first")
    .next("dataflow list"))
}
