//! What a runtime is doing, published where anybody of its user can look without asking it.
//!
//! Each runtime has one page of shared memory. A publisher copies the runtime's counts there at a steady pace, however
//! many look on; who looks on reads memory. So watching costs the runtime nothing, and works while it is busy, and
//! even while it is stopped: the page says how old it is.
//!
//! - [`page`] – the shared memory, and how a reader never sees half of a snapshot
//! - [`snapshot`] – what lies on the page
//! - [`publisher`] – from a runtime to its page, at a pace that costs at most a hundredth of a processor
//! - [`processes`] – what the processes of nodes use
//! - [`stats`] – figures of nodes and dataflows, as they are or of a time

pub mod page;
pub mod processes;
pub mod publisher;
pub mod snapshot;
pub mod stats;

use diag::{Diagnostic, Result, codes};
use store::runtimes::RuntimeRow;

use crate::embedded::runtime_name;
use page::{Page, Unreadable};
pub use snapshot::Snapshot;
pub use stats::Window;

/// The last snapshots of all runtimes that live, oldest runtime first. One that has run nothing yet has none.
///
/// # Errors
/// A page that cannot be read: its runtime is another version of `dora`, or something else lies there.
pub fn snapshots(runtimes: &[RuntimeRow]) -> Result<Vec<Snapshot>> {
    let mut snapshots = Vec::new();
    for runtime in runtimes {
        match Page::open(runtime.id, runtime.process).and_then(|page| page.read()) {
            Ok(bytes) => snapshots.push(decode(runtime, &bytes)?),
            Err(Unreadable::Missing) => {}
            Err(Unreadable::Foreign(why)) => return Err(unreadable(runtime, &why)),
        }
    }
    Ok(snapshots)
}

fn decode(runtime: &RuntimeRow, bytes: &[u8]) -> Result<Snapshot> {
    dora_message::decode(bytes).map_err(|error| unreadable(runtime, &format!("{error:#}")))
}

fn unreadable(runtime: &RuntimeRow, why: &str) -> Box<Diagnostic> {
    Diagnostic::new(
        codes::RUNTIME_PROTOCOL,
        format!("the figures of the runtime `{}` cannot be read: {why}", runtime_name(runtime)),
    )
    .next("node list")
}
