//! From a runtime to its page.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::page::{PLACE, Page};
use super::snapshot::{Edge, Flow, Snapshot};
use crate::model::UnixNanos;
use crate::supervisor::dataflow::Dataflow;

/// How often a snapshot is published while dataflows run.
pub const PACE: Duration = Duration::from_millis(100);
/// Between two snapshots passes so many times what one takes, so that many dataflows make snapshots rarer instead of
/// the processor busier.
const REST: u32 = 100;
/// No pause is longer: one snapshot may have taken long because the process was stopped in the midst of it.
const LONGEST: Duration = Duration::from_secs(1);

/// Publishes snapshots of a runtime.
pub struct Publisher {
    page: Page,
    runtime: String,
}

impl Publisher {
    /// Publishes on a page.
    pub fn new(page: Page, runtime: String) -> Self {
        Publisher { page, runtime }
    }

    /// Publishes these dataflows as they are now; returns when to do it again at the earliest.
    ///
    /// # Errors
    /// The system has no memory for it; what was published before stays, and grows old.
    pub fn publish(&mut self, live: &[Arc<Dataflow>]) -> Result<Duration, String> {
        let began = Instant::now();
        let flows = live.iter().map(|dataflow| flow(dataflow)).collect();
        let mut snapshot = Snapshot { time: UnixNanos::now(), runtime: self.runtime.clone(), flows, hidden: 0 };
        let bytes = loop {
            let bytes = dora_message::encode(&snapshot).map_err(|error| format!("{error:#}"))?;
            // The newest go first: whoever looked at the others still finds them.
            if bytes.len() <= PLACE || snapshot.flows.pop().is_none() {
                break bytes;
            }
            snapshot.hidden += 1;
        };
        self.page.write(&bytes)?;
        Ok(began.elapsed().saturating_mul(REST).clamp(PACE, LONGEST))
    }
}

/// What is published of a dataflow.
fn flow(dataflow: &Dataflow) -> Flow {
    let info = dataflow.info();
    let edges = dataflow.router.edges_with_latencies().into_iter().map(|(info, latencies)| Edge { info, latencies });
    Flow {
        id: info.id,
        name: info.name,
        status: info.status,
        started: info.started,
        nodes: dataflow.nodes(),
        topics: dataflow.topic_rates(),
        edges: edges.collect(),
    }
}
