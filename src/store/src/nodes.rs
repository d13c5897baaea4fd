//! Processes of nodes: written before a node may do harm, read by the sweep after a crash.

use diag::Result;
use jiff::Timestamp;
use rusqlite::{Row, named_params};
use uuid::Uuid;

use crate::database::Store;
use crate::process::ProcessId;
use crate::sql::{Columns, from_timestamp};

/// One process of a node; a node that was restarted has several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeProcessRow {
    pub dataflow: Uuid,
    pub node: String,
    pub process: ProcessId,
    /// The process group that is killed with it.
    pub pgid: u32,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
}

/// What a node is told that somebody else starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DynamicNode {
    pub dataflow_name: String,
    /// In the runtime's own JSON.
    pub config: String,
}

impl Store {
    /// Notes what a node is told that somebody else starts.
    pub fn record_dynamic_node(&self, dataflow: Uuid, node: &str, config: &str) -> Result<()> {
        self.write(|connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO dynamic_nodes (dataflow, node, config) VALUES (?1, ?2, ?3)")?
                .execute((dataflow.to_string(), node, config))?;
            Ok(())
        })
    }

    /// Forgets a node that somebody else starts; one that is unknown is as good as forgotten.
    pub fn forget_dynamic_node(&self, dataflow: Uuid, node: &str) -> Result<()> {
        self.write(|connection| {
            connection
                .prepare_cached("DELETE FROM dynamic_nodes WHERE dataflow = ?1 AND node = ?2")?
                .execute((dataflow.to_string(), node))?;
            Ok(())
        })
    }

    /// The nodes of this id in dataflows that have not ended.
    pub fn dynamic_nodes(&self, node: &str) -> Result<Vec<DynamicNode>> {
        self.with(|connection| {
            connection
                .prepare_cached(
                    "SELECT name, config FROM dynamic_nodes JOIN dataflows ON dataflows.id = dynamic_nodes.dataflow
                     WHERE node = ?1 AND ended IS NULL ORDER BY created",
                )?
                .query_map([node], |row| Ok(DynamicNode { dataflow_name: row.get(0)?, config: row.get(1)? }))?
                .collect()
        })
    }

    /// Writes that a process was started for a node.
    pub fn record_node_process(&self, process: &NodeProcessRow) -> Result<()> {
        self.write(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO node_processes (dataflow, node, pid, pid_started, pgid, started, ended, exit_code, signal)
                     VALUES (:dataflow, :node, :pid, :pid_started, :pgid, :started, :ended, :exit_code, :signal)",
                )?
                .execute(named_params! {
                    ":dataflow": process.dataflow.to_string(),
                    ":node": process.node,
                    ":pid": process.process.pid,
                    ":pid_started": process.process.started.cast_signed(),
                    ":pgid": process.pgid,
                    ":started": from_timestamp(process.started),
                    ":ended": process.ended.map(from_timestamp),
                    ":exit_code": process.exit_code,
                    ":signal": process.signal,
                })?;
            Ok(())
        })
    }

    /// Writes that a process of a node ended, and how.
    pub fn end_node_process(
        &self,
        dataflow: Uuid,
        process: ProcessId,
        at: Timestamp,
        exit_code: Option<i32>,
        signal: Option<i32>,
    ) -> Result<()> {
        self.write(|connection| {
            connection
                .prepare_cached(
                    "UPDATE node_processes SET ended = :at, exit_code = :exit_code, signal = :signal
                     WHERE dataflow = :dataflow AND pid = :pid AND pid_started = :pid_started AND ended IS NULL",
                )?
                .execute(named_params! {
                    ":dataflow": dataflow.to_string(),
                    ":pid": process.pid,
                    ":pid_started": process.started.cast_signed(),
                    ":at": from_timestamp(at),
                    ":exit_code": exit_code,
                    ":signal": signal,
                })?;
            Ok(())
        })
    }

    /// Processes of nodes that have not ended as far as the records know.
    pub fn live_node_processes(&self) -> Result<Vec<NodeProcessRow>> {
        self.with(|connection| {
            connection
                .prepare_cached("SELECT * FROM node_processes WHERE ended IS NULL ORDER BY id")?
                .query_map([], read)?
                .collect()
        })
    }

    /// All processes a dataflow has had, in the order they were started.
    pub fn node_processes(&self, dataflow: Uuid) -> Result<Vec<NodeProcessRow>> {
        self.with(|connection| {
            connection
                .prepare_cached("SELECT * FROM node_processes WHERE dataflow = ?1 ORDER BY id")?
                .query_map([dataflow.to_string()], read)?
                .collect()
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<NodeProcessRow> {
    Ok(NodeProcessRow {
        dataflow: row.uuid("dataflow")?,
        node: row.get("node")?,
        process: ProcessId { pid: row.get("pid")?, started: row.get::<_, i64>("pid_started")?.cast_unsigned() },
        pgid: row.get("pgid")?,
        started: row.timestamp("started")?,
        ended: row.maybe_timestamp("ended")?,
        exit_code: row.get("exit_code")?,
        signal: row.get("signal")?,
    })
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::Home;
    use crate::dataflows::tests::dataflow;
    use crate::runtimes::tests::embedded;

    #[test]
    fn a_process_that_ended_is_no_longer_swept_but_stays_told() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Home::at(root.path()));
        let runtime = embedded();
        store.register_runtime(&runtime).unwrap();
        let flow = dataflow("demo", runtime.id);
        store.claim_dataflow(&flow).unwrap();
        let process = NodeProcessRow {
            dataflow: flow.id,
            node: "camera".to_string(),
            process: ProcessId { pid: 4, started: u64::MAX },
            pgid: 4,
            started: Timestamp::now(),
            ended: None,
            exit_code: None,
            signal: None,
        };
        store.record_node_process(&process).unwrap();
        assert_eq!(store.live_node_processes().unwrap(), std::slice::from_ref(&process));
        store.end_node_process(flow.id, process.process, Timestamp::now(), None, Some(9)).unwrap();
        assert_eq!(store.live_node_processes().unwrap(), []);
        assert_eq!(store.node_processes(flow.id).unwrap()[0].signal, Some(9));
    }

    #[test]
    fn a_dynamic_node_is_found_by_its_id_while_its_dataflow_lives() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(crate::Home::at(root.path()));
        let runtime = crate::runtimes::tests::embedded();
        store.register_runtime(&runtime).unwrap();
        let row = crate::dataflows::tests::dataflow("demo", runtime.id);
        store.claim_dataflow(&row).unwrap();
        store.record_dynamic_node(row.id, "guest", "{}").unwrap();
        store.record_dynamic_node(row.id, "guest", "{\"a\": 1}").unwrap();
        let found = store.dynamic_nodes("guest").unwrap();
        assert_eq!(found, [DynamicNode { dataflow_name: "demo".into(), config: "{\"a\": 1}".into() }]);
        assert_eq!(store.dynamic_nodes("other").unwrap(), []);
        store.forget_dynamic_node(row.id, "guest").unwrap();
        assert_eq!(store.dynamic_nodes("guest").unwrap(), []);
        store.record_dynamic_node(row.id, "guest", "{}").unwrap();
        let end = crate::dataflows::DataflowEnd {
            status: "stopped".into(),
            at: Timestamp::now(),
            restarts: 0,
            cause: None,
            culprit: None,
            snapshot: None,
        };
        store.end_dataflow(row.id, &end).unwrap();
        assert_eq!(store.dynamic_nodes("guest").unwrap(), [], "what has ended is nobody's dataflow");
    }
}
