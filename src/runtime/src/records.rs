//! Our structs as rows of the store, and back.

use std::collections::BTreeMap;
use std::path::PathBuf;

use diag::Result;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::dataflows::{DataflowEnd, DataflowRow};
use store::nodes::NodeProcessRow;
use store::{ProcessId, Store};

use crate::model::{
    Connection, DataflowDetails, DataflowId, DataflowInfo, EdgeInfo, Event, EventKind, InputRef, LogLevel, NodeExit,
    NodeId, NodeInfo, StartOptions, Status, TopicInfo, UnixNanos,
};
use crate::supervisor::dataflow::Dataflow;

/// What is kept of a dataflow's nodes and edges when it ends.
#[derive(Serialize, Deserialize)]
struct Snapshot {
    nodes: Vec<NodeInfo>,
    edges: Vec<EdgeInfo>,
    #[serde(default)]
    topics: Vec<TopicInfo>,
}

/// What is kept of a dataflow so that it can be started again.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    pub options: StartOptions,
    /// Whether a daemon starts it again after the one that ran it was killed.
    #[serde(default)]
    pub recovers: bool,
    /// Parameters that were set while it ran, by node.
    #[serde(default)]
    pub params: BTreeMap<NodeId, BTreeMap<String, serde_json::Value>>,
    /// How its nodes and edges were changed while it ran, in order.
    #[serde(default)]
    pub changes: Vec<Change>,
}

/// A change of the nodes and edges of a dataflow that runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// With the node as YAML.
    Added(NodeId, String),
    Removed(NodeId),
    /// With the node as YAML that took the place of the one of its id.
    Replaced(NodeId, String),
    Connected(Connection),
    Disconnected(InputRef),
}

impl Change {
    /// Adds a change to those before it. What it undoes is forgotten with it.
    pub fn note(self, changes: &mut Vec<Change>) {
        let concerns = |change: &Change, id: &NodeId| match change {
            Change::Added(node, _) | Change::Removed(node) | Change::Replaced(node, _) => node == id,
            Change::Connected(connection) => connection.to.node == *id,
            Change::Disconnected(input) => input.node == *id,
        };
        match &self {
            Change::Removed(id) => {
                let added = changes.iter().any(|change| matches!(change, Change::Added(node, _) if node == id));
                changes.retain(|change| !concerns(change, id));
                if added {
                    return;
                }
            }
            Change::Disconnected(input) => {
                let before = changes.len();
                changes.retain(|change| !matches!(change, Change::Connected(connection) if connection.to == *input));
                if changes.len() < before {
                    return;
                }
            }
            Change::Added(..) | Change::Replaced(..) | Change::Connected(_) => {}
        }
        changes.push(self);
    }
}

/// What it takes to start a dataflow of the store again; `None` when an older version of this program started it.
pub fn kept(row: &DataflowRow) -> Option<Kept> {
    serde_json::from_str(row.options.as_deref()?).ok()
}

/// A moment as the store keeps it.
pub fn time(at: UnixNanos) -> Timestamp {
    Timestamp::from_nanosecond(at.0.into()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A moment from the store.
pub fn nanos(at: Timestamp) -> UnixNanos {
    UnixNanos(i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX))
}

/// An event as a row.
pub fn event(event: &Event) -> store::events::Event {
    store::events::Event {
        time: time(event.time),
        dataflow: event.dataflow.0,
        dataflow_name: event.dataflow_name.clone(),
        sequence: event.sequence,
        node: event.node.as_ref().map(ToString::to_string),
        kind: match event.kind {
            EventKind::Transition { from, to } => {
                store::events::EventKind::Transition { from: from.to_string(), to: to.to_string() }
            }
            EventKind::Notice { level, count } => store::events::EventKind::Notice { level: level.to_string(), count },
            EventKind::Removed => store::events::EventKind::Removed,
        },
        why: event.why.clone(),
    }
}

/// An event from a row. Words of a newer version are read as the nearest of ours.
pub fn event_of(row: store::events::Event) -> Event {
    let status = |word: String| word.parse().unwrap_or(Status::Created);
    Event {
        sequence: row.sequence,
        time: nanos(row.time),
        dataflow: DataflowId(row.dataflow),
        dataflow_name: row.dataflow_name,
        node: row.node.and_then(|node| node.parse().ok()),
        kind: match row.kind {
            store::events::EventKind::Transition { from, to } => {
                EventKind::Transition { from: status(from), to: status(to) }
            }
            store::events::EventKind::Notice { level, count } => {
                EventKind::Notice { level: level.parse().unwrap_or(LogLevel::Info), count }
            }
            store::events::EventKind::Removed => EventKind::Removed,
        },
        why: row.why,
    }
}

/// A process as a row.
pub fn process(dataflow: DataflowId, node: String, process: ProcessId, started: UnixNanos) -> NodeProcessRow {
    NodeProcessRow {
        dataflow: dataflow.0,
        node,
        process,
        pgid: process.pid,
        started: time(started),
        ended: None,
        exit_code: None,
        signal: None,
    }
}

/// How a dataflow ended, as a row.
pub fn end(flow: &Dataflow, status: Status, at: UnixNanos) -> DataflowEnd {
    let info = flow.info();
    let snapshot = Snapshot { nodes: flow.nodes(), edges: flow.router.edges(), topics: flow.topics() };
    DataflowEnd {
        status: status.to_string(),
        at: time(at),
        restarts: info.restarts,
        cause: info.cause,
        culprit: info.culprit.map(|node| node.to_string()),
        snapshot: serde_json::to_string(&snapshot).ok(),
    }
}

/// A dataflow as a row, from the store alone.
pub fn info(row: &DataflowRow, runtime: String) -> DataflowInfo {
    let (started, ended) = (row.started.map(nanos), row.ended.map(nanos));
    DataflowInfo {
        id: DataflowId(row.id),
        name: row.name.clone(),
        status: row.status.parse().unwrap_or(Status::Failed),
        runtime,
        file: row.descriptor_path.clone(),
        nodes: row.nodes,
        running: 0,
        failed: snapshot(row)
            .map_or(0, |snapshot| snapshot.nodes.iter().map(|node| u32::from(node.status == Status::Failed)).sum()),
        restarts: row.restarts,
        created: nanos(row.created),
        started,
        ended,
        uptime: started.map(|started| ended.unwrap_or_else(UnixNanos::now).since(started)),
        cause: row.cause.clone(),
        culprit: row.culprit.as_deref().and_then(|node| node.parse().ok()),
    }
}

/// The nodes of a dataflow that has ended.
pub fn nodes(store: &Store, row: &DataflowRow) -> Result<Vec<NodeInfo>> {
    if let Some(snapshot) = snapshot(row) {
        return Ok(snapshot.nodes);
    }
    // Its runtime was killed: the processes it had are all that is known.
    let mut nodes: Vec<NodeInfo> = Vec::new();
    for process in store.node_processes(row.id)? {
        let Ok(node) = process.node.parse() else { continue };
        let (started, ended) = (nanos(process.started), process.ended.map(nanos));
        let code = process.exit_code.map(NodeExit::Code);
        let info = NodeInfo {
            dataflow: DataflowId(row.id),
            dataflow_name: row.name.clone(),
            status: Status::Failed,
            pid: None,
            restarts: 0,
            exit: code.or(process.signal.map(NodeExit::Signal)),
            cause: row.cause.clone(),
            culprit: None,
            cpu: None,
            memory: None,
            processes: None,
            received: 0,
            sent: 0,
            received_rate: 0.0,
            sent_rate: 0.0,
            started: Some(started),
            uptime: Some(ended.unwrap_or_else(UnixNanos::now).since(started)),
            source: String::new(),
            node,
        };
        match nodes.iter_mut().find(|known| known.node == info.node) {
            Some(known) => *known = NodeInfo { restarts: known.restarts + 1, ..info },
            None => nodes.push(info),
        }
    }
    Ok(nodes)
}

/// Everything known of a dataflow that has ended.
pub fn details(store: &Store, row: &DataflowRow, runtime: String, log_dir: PathBuf) -> Result<DataflowDetails> {
    let query = store::events::EventQuery { dataflow: Some(row.id), ..Default::default() };
    Ok(DataflowDetails {
        info: info(row, runtime),
        working_dir: row.working_dir.clone(),
        hash: row.descriptor_hash.clone(),
        descriptor: row.descriptor.clone(),
        log_dir,
        options: kept(row).map(|kept| kept.options),
        nodes: nodes(store, row)?,
        edges: snapshot(row).map(|snapshot| snapshot.edges).unwrap_or_default(),
        history: store.events(&query)?.into_iter().map(|row| event_of(row.event)).collect(),
    })
}

/// The outputs of a dataflow as they were when it ended.
pub fn topics(row: &DataflowRow) -> Vec<TopicInfo> {
    snapshot(row).map(|snapshot| snapshot.topics).unwrap_or_default()
}

fn snapshot(row: &DataflowRow) -> Option<Snapshot> {
    serde_json::from_str(row.snapshot.as_deref()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(node: &str) -> (Connection, InputRef) {
        let to = InputRef { node: NodeId::from(node.to_string()), input: "in".to_string().into() };
        (Connection { source: "a/b".into(), to: to.clone(), queue_size: None, queue_policy: None }, to)
    }

    #[test]
    fn what_was_undone_is_not_done_again() {
        let id = |name: &str| NodeId::from(name.to_string());
        let (connection, input) = edge("new");
        let mut changes = Vec::new();
        for change in [
            Change::Added(id("new"), "yaml".into()),
            Change::Connected(connection.clone()),
            Change::Disconnected(input.clone()),
            Change::Connected(connection),
            Change::Removed(id("new")),
        ] {
            change.note(&mut changes);
        }
        assert_eq!(changes, []);
        // These were there from the beginning.
        Change::Disconnected(input.clone()).note(&mut changes);
        Change::Removed(id("old")).note(&mut changes);
        assert_eq!(changes, [Change::Disconnected(input), Change::Removed(id("old"))]);
    }
}
