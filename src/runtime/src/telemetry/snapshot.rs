//! What lies on a page.

use serde::{Deserialize, Serialize};

use crate::model::{DataflowId, EdgeInfo, NodeInfo, Status, Topic, UnixNanos};
use crate::router::latencies::Latencies;

/// A runtime at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    pub time: UnixNanos,
    /// As in the rows of dataflows.
    pub runtime: String,
    /// The dataflows that have not ended, oldest first.
    pub flows: Vec<Flow>,
    /// How many dataflows there are besides, for which the page has no room.
    pub hidden: u64,
}

/// A dataflow at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    pub id: DataflowId,
    pub name: String,
    pub status: Status,
    /// When all its nodes had reached the barrier.
    pub started: Option<UnixNanos>,
    pub nodes: Vec<NodeInfo>,
    pub edges: Vec<Edge>,
    /// Outputs, with messages per second.
    pub topics: Vec<(Topic, f64)>,
}

/// An input at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    pub info: EdgeInfo,
    pub latencies: Latencies,
}
