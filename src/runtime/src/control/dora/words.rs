//! What we tell, in dora-rs's words.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use dora_message::common::{DaemonId, LogMessage, NodeError, NodeErrorCause, NodeExitStatus};
use dora_message::coordinator_to_cli::{
    ControlRequestReply, DataflowIdAndName, DataflowListEntry, DataflowResult, DataflowStatus, NodeInfo as DoraNode,
    NodeMetricsInfo,
};
use dora_message::daemon_to_coordinator::NodeStatus;
use dora_message::uhlc::HLC;

use crate::model::{DataflowInfo, EdgeInfo, LogLevel, LogRecord, NodeExit, NodeInfo, Status};

/// What we are called as a daemon of a cluster of one; the id holds for the life of this process.
pub static DAEMON: LazyLock<DaemonId> = LazyLock::new(|| DaemonId::new(Some("dora-shell".to_string())));
pub static CLOCK: LazyLock<HLC> = LazyLock::new(HLC::default);

/// A dataflow, as an entry of a list.
pub fn entry(flow: DataflowInfo) -> DataflowListEntry {
    let status = match flow.status {
        Status::Failed => DataflowStatus::Failed,
        ended if ended.is_ended() => DataflowStatus::Finished,
        _ => DataflowStatus::Running,
    };
    DataflowListEntry { id: DataflowIdAndName { uuid: flow.id.0, name: Some(flow.name) }, status }
}

/// How a dataflow that was stopped, or ended by itself, has ended.
pub fn stopped(flow: &DataflowInfo, nodes: &[NodeInfo]) -> ControlRequestReply {
    let node_results = nodes.iter().map(|node| (node.node.clone(), result_of(node))).collect();
    let result = DataflowResult { uuid: flow.id.0, timestamp: CLOCK.new_timestamp(), node_results };
    ControlRequestReply::DataflowStopped { uuid: flow.id.0, result }
}

fn result_of(node: &NodeInfo) -> Result<(), NodeError> {
    if node.status != Status::Failed {
        return Ok(());
    }
    let cause = match &node.culprit {
        Some(culprit) if *culprit != node.node => NodeErrorCause::Cascading { caused_by_node: culprit.clone() },
        _ => NodeErrorCause::Other { stderr: node.cause.clone().unwrap_or_default() },
    };
    let exit_status = match node.exit {
        Some(NodeExit::Code(0)) => NodeExitStatus::Success,
        Some(NodeExit::Code(code)) => NodeExitStatus::ExitCode(code),
        Some(NodeExit::Signal(signal)) => NodeExitStatus::Signal(signal),
        None => NodeExitStatus::Unknown,
    };
    Err(NodeError { timestamp: CLOCK.new_timestamp(), cause, exit_status })
}

/// A node of a dataflow that runs; `edges` are those of its dataflow.
pub fn node(node: NodeInfo, edges: &[EdgeInfo]) -> DoraNode {
    let inputs: Vec<&EdgeInfo> = edges.iter().filter(|edge| edge.node == node.node).collect();
    // Without any, the CLI says that it knows nothing of the node.
    let known = node.pid.is_some() || node.status.is_ended() || node.status == Status::Backoff;
    let metrics = known.then(|| NodeMetricsInfo {
        pid: node.pid.unwrap_or_default(),
        cpu_usage: node.cpu.unwrap_or(0.0) as f32 * 100.0,
        memory_mb: node.memory.unwrap_or(0) as f64 / 1e6,
        disk_read_mb_s: None,
        disk_write_mb_s: None,
        restart_count: node.restarts,
        broken_inputs: inputs.iter().filter(|edge| edge.silent).map(|edge| edge.input.to_string()).collect(),
        status: match node.status {
            Status::Failed => NodeStatus::Failed,
            Status::Restarting | Status::Backoff => NodeStatus::Restarting,
            ended if ended.is_ended() => NodeStatus::Stopped,
            _ if inputs.iter().any(|edge| edge.silent) => NodeStatus::Degraded,
            _ => NodeStatus::Running,
        },
        pending_messages: inputs.iter().map(|edge| edge.queued).sum(),
    });
    DoraNode {
        dataflow_id: node.dataflow.0,
        dataflow_name: Some(node.dataflow_name),
        node_id: node.node,
        daemon_id: DAEMON.clone(),
        metrics,
        network: None,
    }
}

/// A log record.
pub fn log_message(record: LogRecord) -> LogMessage {
    use dora_message::common::{LogLevel as Level, LogLevelOrStdout as Word};
    LogMessage {
        build_id: None,
        dataflow_id: Some(record.dataflow.0),
        node_id: record.node,
        daemon_id: Some(DAEMON.clone()),
        level: match record.level {
            LogLevel::Error => Word::LogLevel(Level::Error),
            LogLevel::Warn => Word::LogLevel(Level::Warn),
            LogLevel::Info => Word::LogLevel(Level::Info),
            LogLevel::Debug => Word::LogLevel(Level::Debug),
            LogLevel::Trace => Word::LogLevel(Level::Trace),
            LogLevel::Stdout => Word::Stdout,
        },
        target: record.target,
        module_path: None,
        file: None,
        line: None,
        message: record.message,
        timestamp: DateTime::<Utc>::from_timestamp_nanos(record.time.0),
        fields: (!record.fields.is_empty()).then_some(record.fields),
    }
}
