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

use store::dataflows::DataflowRow;
use store::runtimes::RuntimeRow;

use crate::embedded::runtime_name;
use page::{Page, Unreadable};
pub use snapshot::Snapshot;
pub use stats::Window;

/// What can be seen of some runtimes.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Their last snapshots. One that has run nothing yet has none.
    pub snapshots: Vec<Snapshot>,
    /// Why others cannot be looked at, in a sentence each: they are of another version of `dora`, or something else
    /// lies where their page should be.
    pub refused: Vec<String>,
}

/// Looks at the pages of runtimes that live. Whoever runs one of these dataflows must have one.
pub fn look(runtimes: &[RuntimeRow], running: &[DataflowRow]) -> Seen {
    let mut seen = Seen::default();
    for runtime in runtimes {
        let bytes = Page::open(runtime.id, runtime.process).and_then(|page| page.read());
        let decoded = bytes.and_then(|bytes| {
            dora_message::decode::<Snapshot>(&bytes).map_err(|error| Unreadable::Foreign(format!("{error:#}")))
        });
        let why = match decoded {
            Ok(snapshot) => {
                seen.snapshots.push(snapshot);
                continue;
            }
            // What has only just begun may not be told of yet.
            Err(Unreadable::Missing)
                if !running.iter().any(|flow| flow.runtime == runtime.id && flow.started.is_some()) =>
            {
                continue;
            }
            Err(Unreadable::Missing) => "it has no telemetry page".to_string(),
            Err(Unreadable::Foreign(why)) => format!("its telemetry page is refused, {why}"),
        };
        seen.refused.push(format!("the figures of `{}` are left out: {why}", runtime_name(runtime)));
    }
    seen
}
