//! What a coordinator tells, in our words. What it does not count is zero or absent.

use std::time::Duration;

use dora_message::common::{LogLevelOrStdout, LogMessage, NodeErrorCause, NodeExitStatus};
use dora_message::config::{Input, InputMapping, QueuePolicy as TheirPolicy};
use dora_message::coordinator_to_cli::{
    DataflowListEntry, DataflowResult, DataflowStatus, NodeInfo as DoraNode, NodeMetricsInfo,
};
use dora_message::daemon_to_coordinator::NodeStatus;
use dora_message::descriptor::{Descriptor, Node};
use serde::Deserialize;
use uuid::Uuid;

use crate::logs::line;
use crate::model::{
    DataId, DataPath, DataflowId, DataflowInfo, EdgeInfo, EdgeSource, InputRef, LogRecord, LogStream, NodeExit, NodeId,
    NodeInfo, NodeLoss, QueuePolicy, Status, Topic, TopicInfo, UnixNanos,
};

/// How long nodes of a dataflow may be without figures because none were taken yet.
const FIRST_FIGURES: Duration = Duration::from_secs(5);

/// A dataflow as a row; its nodes are those of [`nodes`].
pub fn dataflow(entry: &DataflowListEntry, nodes: &[NodeInfo], runtime: &str) -> DataflowInfo {
    let status = match entry.status {
        DataflowStatus::Running => Status::Running,
        DataflowStatus::Finished => Status::Finished,
        DataflowStatus::Failed => Status::Failed,
    };
    let created = created(entry.id.uuid);
    DataflowInfo {
        id: DataflowId(entry.id.uuid),
        name: name(entry),
        status,
        runtime: runtime.to_string(),
        file: None,
        nodes: u32::try_from(nodes.len()).unwrap_or(u32::MAX),
        running: u32::try_from(nodes.iter().filter(|node| node.pid.is_some()).count()).unwrap_or(u32::MAX),
        failed: nodes.iter().map(|node| u32::from(node.status == Status::Failed)).sum(),
        restarts: nodes.iter().map(|node| node.restarts).sum(),
        created,
        started: None,
        ended: None,
        uptime: (status == Status::Running).then(|| UnixNanos::now().since(created)),
        cause: None,
        culprit: None,
    }
}

/// What a dataflow is called; one without a name by its id.
pub fn name(entry: &DataflowListEntry) -> String {
    entry.id.name.clone().unwrap_or_else(|| entry.id.uuid.to_string())
}

/// Adds how a dataflow has ended; one that was stopped did not come to its end by itself.
pub fn ended(info: DataflowInfo, result: &DataflowResult, stopped: bool) -> DataflowInfo {
    let failed = |cascading: bool| {
        result.node_results.iter().find_map(|(node, result)| {
            let error = result.as_ref().err()?;
            (matches!(error.cause, NodeErrorCause::Cascading { .. }) == cascading).then_some((node, error))
        })
    };
    let info = DataflowInfo { uptime: None, running: 0, ..info };
    let Some((node, error)) = failed(false).or_else(|| failed(true)) else {
        return DataflowInfo { status: if stopped { Status::Stopped } else { Status::Finished }, ..info };
    };
    let last_words = match &error.cause {
        NodeErrorCause::GraceDuration => Some("it did not stop in time and was killed".to_string()),
        NodeErrorCause::Cascading { caused_by_node } => Some(format!("node `{caused_by_node}` failed before it")),
        NodeErrorCause::FailedToSpawn(why) => Some(format!("it could not be started: {why}")),
        NodeErrorCause::Other { stderr } => stderr.trim().lines().last().map(str::to_string),
    };
    let exit = exit(&error.exit_status).map(|exit| exit.to_string());
    let cause: Vec<String> = exit.into_iter().chain(last_words).collect();
    DataflowInfo { status: Status::Failed, culprit: Some(node.clone()), cause: Some(cause.join(": ")), ..info }
}

fn exit(status: &NodeExitStatus) -> Option<NodeExit> {
    match status {
        NodeExitStatus::Success => Some(NodeExit::Code(0)),
        NodeExitStatus::ExitCode(code) => Some(NodeExit::Code(*code)),
        NodeExitStatus::Signal(signal) => Some(NodeExit::Signal(*signal)),
        _ => None,
    }
}

/// When a dataflow was made, which its id tells.
fn created(id: Uuid) -> UnixNanos {
    let nanos = id.get_timestamp().map_or(0, |at| {
        let (seconds, nanos) = at.to_unix();
        i128::from(seconds) * 1_000_000_000 + i128::from(nanos)
    });
    UnixNanos(i64::try_from(nanos).unwrap_or_default())
}

/// The nodes of a dataflow that runs, in the descriptor's order, with the figures that there are.
pub fn nodes(entry: &DataflowListEntry, descriptor: &Descriptor, figures: &[DoraNode]) -> Vec<NodeInfo> {
    let of_it: Vec<&DoraNode> = figures.iter().filter(|node| node.dataflow_id == entry.id.uuid).collect();
    let age = UnixNanos::now().since(created(entry.id.uuid));
    let silent = if age < FIRST_FIGURES { Status::Starting } else { Status::Finished };
    let node = |declared: &Node| {
        let found = of_it.iter().find(|node| node.node_id == declared.id);
        let metrics = found.and_then(|node| node.metrics.as_ref());
        node(entry, &declared.id, declared.path.clone().unwrap_or_default(), metrics, silent)
    };
    descriptor.nodes.iter().map(node).collect()
}

fn node(
    entry: &DataflowListEntry,
    id: &NodeId,
    source: String,
    metrics: Option<&NodeMetricsInfo>,
    silent: Status,
) -> NodeInfo {
    let status = metrics.map_or(silent, |metrics| match metrics.status {
        NodeStatus::Running | NodeStatus::Degraded => Status::Running,
        NodeStatus::Restarting => Status::Restarting,
        NodeStatus::Failed => Status::Failed,
        NodeStatus::Stopped => Status::Stopped,
    });
    let running = metrics.filter(|_| !status.is_ended());
    NodeInfo {
        dataflow: DataflowId(entry.id.uuid),
        dataflow_name: name(entry),
        node: id.clone(),
        status,
        pid: running.map(|metrics| metrics.pid),
        restarts: metrics.map_or(0, |metrics| metrics.restart_count),
        exit: None,
        cause: None,
        culprit: None,
        cpu: running.map(|metrics| f64::from(metrics.cpu_usage) / 100.0),
        memory: running.map(|metrics| (metrics.memory_mb * 1e6) as u64),
        processes: None,
        received: 0,
        sent: 0,
        received_rate: 0.0,
        sent_rate: 0.0,
        started: None,
        uptime: None,
        source,
    }
}

/// The outputs of a node with their types; those of an operator begin with its name.
fn outputs(node: &Node) -> Vec<(DataId, Option<String>)> {
    let own = node.outputs.iter().map(|output| (output.clone(), node.output_types.get(output).cloned()));
    let mut all: Vec<_> = own.collect();
    if let Some(single) = &node.operator {
        let types = &single.config.output_types;
        all.extend(single.config.outputs.iter().map(|output| (output.clone(), types.get(output).cloned())));
    }
    for operator in node.operators.iter().flat_map(|runtime| &runtime.operators) {
        let full = |output: &DataId| DataId::from(format!("{}/{output}", operator.id));
        let types = &operator.config.output_types;
        all.extend(operator.config.outputs.iter().map(|output| (full(output), types.get(output).cloned())));
    }
    all
}

/// The inputs of a node; those of an operator begin with its name.
fn inputs(node: &Node) -> Vec<(DataId, &Input)> {
    let mut all: Vec<_> = node.inputs.iter().map(|(id, input)| (id.clone(), input)).collect();
    if let Some(single) = &node.operator {
        all.extend(single.config.inputs.iter().map(|(id, input)| (id.clone(), input)));
    }
    for operator in node.operators.iter().flat_map(|runtime| &runtime.operators) {
        let full = |id: &DataId| DataId::from(format!("{}/{id}", operator.id));
        all.extend(operator.config.inputs.iter().map(|(id, input)| (full(id), input)));
    }
    all
}

/// What feeds an input of a node.
pub fn source(descriptor: &Descriptor, to: &InputRef) -> Option<InputMapping> {
    let node = descriptor.nodes.iter().find(|node| node.id == to.node)?;
    inputs(node).into_iter().find(|(id, _)| *id == to.input).map(|(_, input)| input.mapping.clone())
}

/// The outputs of a dataflow.
pub fn topics(entry: &DataflowListEntry, descriptor: &Descriptor) -> Vec<TopicInfo> {
    let consumers = |topic: &Topic| {
        let of_node = |node: &Node| -> Vec<InputRef> {
            let fed = inputs(node).into_iter().filter(|(_, input)| match &input.mapping {
                InputMapping::User(from) => from.source == topic.node && from.output == topic.output,
                _ => false,
            });
            fed.map(|(input, _)| InputRef { node: node.id.clone(), input }).collect()
        };
        descriptor.nodes.iter().flat_map(of_node).collect()
    };
    let of_node = |node: &Node| -> Vec<TopicInfo> {
        let topic = |(output, data_type): (DataId, Option<String>)| {
            let topic = Topic { node: node.id.clone(), output };
            TopicInfo {
                dataflow: DataflowId(entry.id.uuid),
                dataflow_name: name(entry),
                subscribers: consumers(&topic),
                topic,
                data_type,
                path: DataPath::Routed,
                messages: 0,
                bytes: 0,
                rate: 0.0,
                bandwidth: 0.0,
                dropped: 0,
                last: None,
                largest: 0,
                fallbacks: 0,
                node_loss: NodeLoss::Possible,
            }
        };
        outputs(node).into_iter().map(topic).collect()
    };
    descriptor.nodes.iter().flat_map(of_node).collect()
}

/// The inputs of a dataflow and what feeds them.
pub fn edges(descriptor: &Descriptor) -> Vec<EdgeInfo> {
    let edge = |node: &NodeId, input: DataId, fed: &Input| {
        let queue_policy = match fed.queue_policy {
            Some(TheirPolicy::Backpressure) => QueuePolicy::Backpressure,
            _ => QueuePolicy::DropOldest,
        };
        EdgeInfo {
            kind: match fed.mapping {
                InputMapping::User(_) => EdgeSource::Output,
                InputMapping::Timer { .. } => EdgeSource::Timer,
                InputMapping::Logs(_) => EdgeSource::Logs,
            },
            source: fed.mapping.to_string(),
            node: node.clone(),
            input,
            path: DataPath::Routed,
            queue_size: fed.queue_size.unwrap_or(dora_message::config::DEFAULT_QUEUE_SIZE),
            queue_policy,
            messages: 0,
            bytes: 0,
            delivered: 0,
            dropped: 0,
            while_paused: 0,
            queued: 0,
            latency: None,
            // dora-rs's direct path loses what comes faster than it is taken.
            node_loss: NodeLoss::Possible,
            closed: false,
            silent: false,
        }
    };
    let of_node = |node: &Node| -> Vec<EdgeInfo> {
        inputs(node).into_iter().map(|(input, fed)| edge(&node.id, input, fed)).collect()
    };
    descriptor.nodes.iter().flat_map(of_node).collect()
}

/// A record that came as it was said.
pub fn record(message: LogMessage, entry: &DataflowListEntry) -> LogRecord {
    let nanos = message.timestamp.timestamp_nanos_opt().unwrap_or_default();
    let mut fields = message.fields.unwrap_or_default();
    // The text again.
    fields.remove("message");
    LogRecord {
        time: UnixNanos(nanos),
        dataflow: DataflowId(entry.id.uuid),
        dataflow_name: name(entry),
        stream: if message.node_id.is_some() { LogStream::Stdout } else { LogStream::Runtime },
        node: message.node_id,
        level: line::level(&message.level),
        target: message.target,
        message: message.message,
        fields,
    }
}

/// A line of a log file, as a coordinator hands them out.
#[derive(Deserialize)]
struct Stored {
    ts: chrono::DateTime<chrono::Utc>,
    level: LogLevelOrStdout,
    node: Option<NodeId>,
    stream: Option<String>,
    #[serde(default)]
    msg: String,
    target: Option<String>,
    fields: Option<std::collections::BTreeMap<String, String>>,
}

/// The records of a log file. A runtime of ours tells them as they came; what is neither is left out.
pub fn records(bytes: &[u8], entry: &DataflowListEntry) -> Vec<LogRecord> {
    let read = |line: &[u8]| {
        if let Ok(message) = serde_json::from_slice::<LogMessage>(line) {
            return Some(record(message, entry));
        }
        let stored: Stored = serde_json::from_slice(line).ok()?;
        let mut fields = stored.fields.unwrap_or_default();
        fields.remove("message");
        Some(LogRecord {
            time: UnixNanos(stored.ts.timestamp_nanos_opt().unwrap_or_default()),
            dataflow: DataflowId(entry.id.uuid),
            dataflow_name: name(entry),
            stream: stored.stream.and_then(|stream| stream.parse().ok()).unwrap_or(match stored.node {
                Some(_) => LogStream::Stdout,
                None => LogStream::Runtime,
            }),
            node: stored.node,
            level: line::level(&stored.level),
            target: stored.target,
            message: stored.msg,
            fields,
        })
    };
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).filter_map(read).collect()
}
