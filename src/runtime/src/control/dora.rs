//! Requests in dora-rs 1.1's own protocol, so that its CLI can look at and stop our flows.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use diag::Result;
use dora_message::cli_to_coordinator::{ControlRequest, check_cli_version};
use dora_message::common::{DaemonId, LogMessage, NodeError, NodeErrorCause, NodeExitStatus};
use dora_message::coordinator_to_cli::{
    ControlRequestReply, DaemonInfo, DataflowIdAndName, DataflowList, DataflowListEntry, DataflowResult,
    DataflowStatus, NodeInfo as DoraNode, NodeMetricsInfo,
};
use dora_message::current_crate_version;
use dora_message::daemon_to_coordinator::NodeStatus;
use dora_message::uhlc::HLC;
use futures::StreamExt;
use serde_json::{Value, json};

use crate::Handle;
use crate::model::{
    DataflowId, DataflowInfo, DataflowRef, LogLevel, LogQuery, LogRecord, NodeExit, NodeInfo, NodeQuery, Status,
    StopOptions,
};

/// What we are called as a daemon of a cluster of one; the id holds for the life of this process.
static DAEMON: LazyLock<DaemonId> = LazyLock::new(|| DaemonId::new(Some("dora-shell".to_string())));
static CLOCK: LazyLock<HLC> = LazyLock::new(HLC::default);

/// Answers one request; what fails is told in the reply, as dora-rs does.
pub async fn answer(handle: &Handle, params: Value) -> Value {
    let reply = match serde_json::from_value(params) {
        Ok(request) => reply(handle, request).await.unwrap_or_else(|error| {
            let help = error.help.as_deref().map(|help| format!("; {help}")).unwrap_or_default();
            ControlRequestReply::Error(format!("{}: {}{help}", error.code.id(), error.message))
        }),
        Err(error) => {
            ControlRequestReply::Error(format!("not a control request of dora {}: {error}", dora_message::VERSION))
        }
    };
    serde_json::to_value(&reply).unwrap_or_else(|error| json!({ "Error": error.to_string() }))
}

async fn reply(handle: &Handle, request: ControlRequest) -> Result<ControlRequestReply> {
    Ok(match request {
        ControlRequest::Hello { dora_version } => match check_cli_version(&dora_version) {
            Ok(()) => ControlRequestReply::HelloOk { dora_version: current_crate_version() },
            Err(why) => ControlRequestReply::Error(why),
        },
        ControlRequest::List => {
            let entries = handle.list(true).await?.into_iter().map(|flow| DataflowListEntry {
                id: DataflowIdAndName { uuid: flow.id.0, name: Some(flow.name) },
                status: status_of(flow.status),
            });
            ControlRequestReply::DataflowList(DataflowList(entries.collect()))
        }
        ControlRequest::Stop { dataflow_uuid, grace_duration, force } => {
            stop(handle, DataflowId(dataflow_uuid).into(), StopOptions { grace: grace_duration, force }).await?
        }
        ControlRequest::StopByName { name, grace_duration, force } => {
            stop(handle, name.into(), StopOptions { grace: grace_duration, force }).await?
        }
        ControlRequest::Check { dataflow_uuid } => {
            let flow = handle.inspect(DataflowId(dataflow_uuid)).await?;
            if flow.info.status.is_ended() {
                stopped(&flow.info, &flow.nodes)
            } else {
                ControlRequestReply::DataflowSpawned { uuid: dataflow_uuid }
            }
        }
        ControlRequest::Info { dataflow_uuid } => {
            let flow = handle.inspect(DataflowId(dataflow_uuid)).await?;
            match serde_yaml::from_str(&flow.descriptor) {
                Ok(descriptor) => {
                    ControlRequestReply::DataflowInfo { uuid: dataflow_uuid, name: Some(flow.info.name), descriptor }
                }
                Err(error) => ControlRequestReply::Error(format!("the descriptor cannot be read: {error}")),
            }
        }
        ControlRequest::GetNodeInfo => {
            let nodes = handle.nodes(NodeQuery::default()).await?;
            ControlRequestReply::NodeInfoList(nodes.into_iter().map(node_of).collect())
        }
        ControlRequest::Logs { uuid, name, node, tail } => {
            let Some(dataflow) = uuid.map(|id| DataflowId(id).into()).or(name.map(DataflowRef::from)) else {
                return Ok(ControlRequestReply::Error("logs of which dataflow? name it or give its id".to_string()));
            };
            match node.parse() {
                Ok(node) => logs(handle, LogQuery { nodes: vec![node], tail, ..LogQuery::new(dataflow) }).await?,
                Err(error) => ControlRequestReply::Error(format!("`{node}` is no node: {error}")),
            }
        }
        ControlRequest::DaemonConnected => ControlRequestReply::DaemonConnected(true),
        ControlRequest::ConnectedMachines => ControlRequestReply::ConnectedDaemons(vec![DaemonInfo {
            daemon_id: DAEMON.clone(),
            last_heartbeat_ago_ms: 0,
            ft_stats: None,
        }]),
        ControlRequest::CliAndDefaultDaemonOnSameMachine => {
            let here = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
            ControlRequestReply::CliAndDefaultDaemonIps { default_daemon: here, cli: here }
        }
        other => {
            let name = format!("{other:?}");
            let name = name.split([' ', '{', '(']).next().unwrap_or_default();
            ControlRequestReply::Error(format!(
                "a dora-shell runtime does not answer `{name}`; use the `dora` of dora-shell"
            ))
        }
    })
}

async fn stop(handle: &Handle, dataflow: DataflowRef, options: StopOptions) -> Result<ControlRequestReply> {
    let flow = handle.stop(dataflow, options).await?;
    let nodes = handle.nodes(NodeQuery { dataflow: Some(flow.id.into()), all: true }).await?;
    Ok(stopped(&flow, &nodes))
}

fn stopped(flow: &DataflowInfo, nodes: &[NodeInfo]) -> ControlRequestReply {
    let node_results = nodes.iter().map(|node| (node.node.clone(), result_of(node))).collect();
    let result = DataflowResult { uuid: flow.id.0, timestamp: CLOCK.new_timestamp(), node_results };
    ControlRequestReply::DataflowStopped { uuid: flow.id.0, result }
}

fn result_of(node: &NodeInfo) -> std::result::Result<(), NodeError> {
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

fn status_of(status: Status) -> DataflowStatus {
    match status {
        Status::Failed => DataflowStatus::Failed,
        ended if ended.is_ended() => DataflowStatus::Finished,
        _ => DataflowStatus::Running,
    }
}

fn node_of(node: NodeInfo) -> DoraNode {
    let metrics = node.pid.map(|pid| NodeMetricsInfo {
        pid,
        cpu_usage: node.cpu.unwrap_or(0.0) as f32 * 100.0,
        memory_mb: node.memory.unwrap_or(0) as f64 / 1e6,
        disk_read_mb_s: None,
        disk_write_mb_s: None,
        restart_count: node.restarts,
        broken_inputs: Vec::new(),
        status: match node.status {
            Status::Failed => NodeStatus::Failed,
            Status::Restarting | Status::Backoff => NodeStatus::Restarting,
            ended if ended.is_ended() => NodeStatus::Stopped,
            _ => NodeStatus::Running,
        },
        pending_messages: 0,
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

/// Log records as dora-rs keeps them: a JSON text per line.
async fn logs(handle: &Handle, query: LogQuery) -> Result<ControlRequestReply> {
    let mut records = handle.logs(query).await?;
    let mut bytes = Vec::new();
    while let Some(record) = records.next().await {
        if let Ok(line) = serde_json::to_vec(&log_message(record?)) {
            bytes.extend(line);
            bytes.push(b'\n');
        }
    }
    Ok(ControlRequestReply::Logs(bytes))
}

fn log_message(record: LogRecord) -> LogMessage {
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
