//! Requests in dora-rs 1.1's own protocol, so that its CLI can drive our flows.
//!
//! What our runtime has no counterpart for is refused with a sentence that says so; nothing is pretended.
//!
//! - [`live`] – logs and messages as they come, and messages from outside
//! - [`shape`] – the descriptor of a dataflow as it is now
//! - [`words`] – what we tell, in dora-rs's words

mod live;
mod shape;
mod words;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use diag::{Diagnostic, Result, codes};
use dora_message::BuildId;
use dora_message::cli_to_coordinator::{ControlRequest, check_cli_version};
use dora_message::coordinator_to_cli::{
    CleanFailure, ControlRequestReply, DaemonInfo, DataflowIdAndName, DataflowList,
};
use dora_message::current_crate_version;
use dora_message::descriptor::{Descriptor, Node};
use dora_message::ws_protocol::WsResponse;
use futures::StreamExt;
use serde_json::{Value, json};
use uuid::Uuid;

use super::server::Shared;
use super::session::{Gone, Outgoing};
use crate::Handle;
use crate::model::{
    Connection, DataId, DataflowId, DataflowRef, InputRef, LogQuery, NodeId, NodeQuery, NodeRef, StartOptions, Status,
    StopOptions, Topic, TopicQuery, WaitCondition,
};
pub(super) use live::Subscriptions;

/// How many bytes of logs are answered at once; the answer spells each of them as a number.
const MAX_LOGS: usize = 8 << 20;

/// How a request fails that is told in dora-rs's reply.
type Reply = Result<ControlRequestReply>;

/// Answers one request of a peer; what it subscribes to follows on the same connection.
pub(super) async fn serve(
    shared: &Shared,
    subscriptions: &Subscriptions,
    id: Uuid,
    params: Value,
    answers: &Outgoing,
) -> std::result::Result<(), Gone> {
    let handle = &shared.handle;
    let request = match serde_json::from_value(params) {
        Ok(request) => request,
        Err(error) => {
            let told = format!("not a control request of dora {}: {error}", dora_message::VERSION);
            return answers.text(&WsResponse::ok(id, value_of(ControlRequestReply::Error(told)))).await;
        }
    };
    match request {
        ControlRequest::LogSubscribe { dataflow_id, level } => {
            live::logs(handle, id, DataflowId(dataflow_id), level as usize, answers).await
        }
        // Nothing is built before a start, and what a start builds is in the logs of its dataflow.
        ControlRequest::BuildLogSubscribe { .. } => {
            answers.text(&WsResponse::ok(id, json!({ "subscribed": true }))).await
        }
        ControlRequest::TopicSubscribe { dataflow_id, topics, protocol_version, .. } => {
            live::messages(handle, subscriptions, id, DataflowId(dataflow_id), topics, protocol_version, answers).await
        }
        ControlRequest::TopicUnsubscribe { subscription_id } => {
            subscriptions.end(subscription_id);
            let told = json!({ "unsubscribed": true, "subscription_id": subscription_id });
            answers.text(&WsResponse::ok(id, told)).await
        }
        ControlRequest::Destroy => {
            let reply = destroy(shared).await;
            let ends = reply.is_ok();
            answers.text(&WsResponse::ok(id, told(reply))).await?;
            if let (true, Some(shut_down)) = (ends, &shared.shut_down) {
                let _ = shut_down.send(()).await;
            }
            Ok(())
        }
        request => answers.text(&WsResponse::ok(id, told(reply(handle, request).await))).await,
    }
}

fn told(reply: Reply) -> Value {
    value_of(reply.unwrap_or_else(|error| ControlRequestReply::Error(sentence(&error))))
}

/// A diagnostic in one line.
fn sentence(error: &Diagnostic) -> String {
    let causes = error.causes.iter().map(|cause| format!(": {}", cause.title));
    let help = error.help.iter().map(|help| format!("; {help}"));
    let related = error.related.iter().map(|error| format!("; {}", error.message));
    let rest: String = causes.chain(related).chain(help).collect();
    format!("{}: {}{rest}", error.code.id(), error.message)
}

fn value_of(reply: ControlRequestReply) -> Value {
    serde_json::to_value(&reply).unwrap_or_else(|error| json!({ "Error": error.to_string() }))
}

async fn reply(handle: &Handle, request: ControlRequest) -> Reply {
    Ok(match request {
        ControlRequest::Hello { dora_version } => match check_cli_version(&dora_version) {
            Ok(()) => ControlRequestReply::HelloOk { dora_version: current_crate_version() },
            Err(why) => ControlRequestReply::Error(why),
        },
        ControlRequest::List => {
            let entries = handle.list(true).await?.into_iter().map(words::entry);
            ControlRequestReply::DataflowList(DataflowList(entries.collect()))
        }
        // A start runs the build lines of its nodes itself, so that none is left to do beforehand.
        ControlRequest::Build { .. } => ControlRequestReply::DataflowBuildTriggered { build_id: BuildId::generate() },
        ControlRequest::WaitForBuild { build_id } => {
            ControlRequestReply::DataflowBuildFinished { build_id, result: Ok(()) }
        }
        ControlRequest::Start { dataflow, name, local_working_dir, uv, write_events_to, .. } => {
            if write_events_to.is_some() {
                return Err(unsupported("writing the events of a dataflow's nodes to files"));
            }
            start(handle, dataflow, name, local_working_dir, uv).await?
        }
        ControlRequest::WaitForSpawn { dataflow_id } => spawned(handle, DataflowId(dataflow_id)).await?,
        ControlRequest::Stop { dataflow_uuid, grace_duration, force } => {
            stop(handle, DataflowId(dataflow_uuid).into(), StopOptions { grace: grace_duration, force }).await?
        }
        ControlRequest::StopByName { name, grace_duration, force } => {
            stop(handle, name.into(), StopOptions { grace: grace_duration, force }).await?
        }
        ControlRequest::Restart { dataflow_uuid, grace_duration, force } => {
            restart(handle, DataflowId(dataflow_uuid).into(), StopOptions { grace: grace_duration, force }).await?
        }
        ControlRequest::RestartByName { name, grace_duration, force } => {
            restart(handle, name.into(), StopOptions { grace: grace_duration, force }).await?
        }
        ControlRequest::Check { dataflow_uuid } => {
            let flow = handle.inspect(DataflowId(dataflow_uuid)).await?;
            if flow.info.status.is_ended() {
                words::stopped(&flow.info, &flow.nodes)
            } else {
                ControlRequestReply::DataflowSpawned { uuid: dataflow_uuid }
            }
        }
        ControlRequest::Clean => clean(handle).await?,
        ControlRequest::Info { dataflow_uuid } => info(handle, DataflowId(dataflow_uuid)).await?,
        ControlRequest::GetNodeInfo => nodes(handle).await?,
        ControlRequest::Logs { uuid, name, node, tail } => {
            let Some(dataflow) = uuid.map(|id| DataflowId(id).into()).or(name.map(DataflowRef::from)) else {
                return Ok(ControlRequestReply::Error("logs of which dataflow? name it or give its id".to_string()));
            };
            match node.parse() {
                Ok(node) => logs(handle, LogQuery { nodes: vec![node], tail, ..LogQuery::new(dataflow) }).await?,
                Err(error) => ControlRequestReply::Error(format!("`{node}` is no node: {error}")),
            }
        }
        ControlRequest::Reload { dataflow_id, node_id, operator_id } => {
            handle.reload_node(at(dataflow_id, node_id), operator_id.map(|id| id.to_string())).await?;
            ControlRequestReply::DataflowReloaded { uuid: dataflow_id }
        }
        ControlRequest::RestartNode { dataflow_id, node_id, grace_duration } => {
            handle.restart_node(at(dataflow_id, node_id.clone()), within(grace_duration)).await?;
            ControlRequestReply::NodeRestarted { dataflow_id, node_id }
        }
        ControlRequest::StopNode { dataflow_id, node_id, grace_duration } => {
            handle.stop_node(at(dataflow_id, node_id.clone()), within(grace_duration)).await?;
            ControlRequestReply::NodeStopped { dataflow_id, node_id }
        }
        ControlRequest::AddNode { dataflow_id, node } => {
            let node_id = node.id.clone();
            handle.add_node(DataflowId(dataflow_id), text_of_node(&node)?).await?;
            ControlRequestReply::NodeAdded { dataflow_id, node_id }
        }
        ControlRequest::RemoveNode { dataflow_id, node_id, grace_duration } => {
            handle.remove_node(at(dataflow_id, node_id.clone()), within(grace_duration)).await?;
            ControlRequestReply::NodeRemoved { dataflow_id, node_id }
        }
        ControlRequest::ReplaceNode { dataflow_id, node, grace_duration } => {
            let node_id = node.id.clone();
            handle.replace_node(DataflowId(dataflow_id), text_of_node(&node)?, within(grace_duration)).await?;
            ControlRequestReply::NodeReplaced { dataflow_id, node_id }
        }
        ControlRequest::AddMapping { dataflow_id, source_node, source_output, target_node, target_input } => {
            let connection = Connection {
                source: format!("{source_node}/{source_output}"),
                to: InputRef { node: target_node.clone(), input: target_input.clone() },
                queue_size: None,
                queue_policy: None,
            };
            handle.connect(DataflowId(dataflow_id), connection).await?;
            ControlRequestReply::MappingAdded { dataflow_id, source_node, source_output, target_node, target_input }
        }
        ControlRequest::RemoveMapping { dataflow_id, source_node, source_output, target_node, target_input } => {
            let input = InputRef { node: target_node.clone(), input: target_input.clone() };
            disconnect(handle, DataflowId(dataflow_id), &source_node, &source_output, input).await?;
            ControlRequestReply::MappingRemoved { dataflow_id, source_node, source_output, target_node, target_input }
        }
        ControlRequest::GetParams { dataflow_id, node_id } => {
            let params = handle.params(at(dataflow_id, node_id)).await?;
            ControlRequestReply::ParamList { params: params.into_iter().collect() }
        }
        ControlRequest::GetParam { dataflow_id, node_id, key } => {
            let mut params = handle.params(at(dataflow_id, node_id.clone())).await?;
            match params.remove(&key) {
                Some(value) => ControlRequestReply::ParamValue { key, value },
                None => return Err(no_param(&node_id, &key)),
            }
        }
        ControlRequest::SetParam { dataflow_id, node_id, key, value } => {
            handle.set_param(at(dataflow_id, node_id), key, value).await?;
            ControlRequestReply::ParamSet
        }
        ControlRequest::DeleteParam { dataflow_id, node_id, key } => {
            handle.delete_param(at(dataflow_id, node_id), key).await?;
            ControlRequestReply::ParamDeleted
        }
        ControlRequest::TopicPublish { dataflow_id, node_id, output_id, data_json } => {
            let topic = Topic { node: node_id, output: output_id };
            live::publish(handle, DataflowId(dataflow_id), topic, &data_json).await?;
            ControlRequestReply::TopicPublished
        }
        // Spans are of dora-rs's coordinator itself; we keep none.
        ControlRequest::GetTraces => ControlRequestReply::TraceList(Vec::new()),
        ControlRequest::GetTraceSpans { .. } => ControlRequestReply::TraceSpans(Vec::new()),
        ControlRequest::DaemonConnected => ControlRequestReply::DaemonConnected(true),
        ControlRequest::ConnectedMachines => ControlRequestReply::ConnectedDaemons(vec![DaemonInfo {
            daemon_id: words::DAEMON.clone(),
            last_heartbeat_ago_ms: 0,
            ft_stats: None,
        }]),
        ControlRequest::CliAndDefaultDaemonOnSameMachine => {
            let here = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
            ControlRequestReply::CliAndDefaultDaemonIps { default_daemon: here, cli: here }
        }
        // Answered where the connection is at hand.
        ControlRequest::Destroy
        | ControlRequest::LogSubscribe { .. }
        | ControlRequest::BuildLogSubscribe { .. }
        | ControlRequest::TopicSubscribe { .. }
        | ControlRequest::TopicUnsubscribe { .. } => return Err(unsupported("this request here")),
    })
}

async fn start(
    handle: &Handle,
    mut dataflow: Descriptor,
    name: Option<String>,
    working_dir: Option<PathBuf>,
    uv: bool,
) -> Reply {
    // Any output can be looked at here, so that the switch for it means nothing.
    dataflow.debug = Default::default();
    let text = serde_yaml::to_string(&dataflow).map_err(|error| unwritable("dataflow", &error))?;
    let options = StartOptions {
        name,
        working_dir,
        uv,
        // The CLI waits with a request of its own.
        wait: false,
        ..StartOptions::text("the dataflow of `dora start`", text)
    };
    let started = handle.start(options).await?;
    Ok(ControlRequestReply::DataflowStartTriggered { uuid: started.id.0 })
}

/// Waits until a dataflow runs; one that failed before is an error with its reason.
async fn spawned(handle: &Handle, id: DataflowId) -> Reply {
    let flow = handle.wait(id, WaitCondition::Running, None).await?;
    if flow.status != Status::Failed {
        return Ok(ControlRequestReply::DataflowSpawned { uuid: id.0 });
    }
    let culprit = flow.culprit.map(|node| format!(", and node `{node}` made it fail")).unwrap_or_default();
    let error = Diagnostic::new(codes::DATAFLOW_FAILED, format!("dataflow `{}` failed{culprit}", flow.name));
    Err(match flow.cause {
        Some(cause) => error.cause(cause),
        None => error,
    })
}

async fn stop(handle: &Handle, dataflow: DataflowRef, options: StopOptions) -> Reply {
    let flow = handle.stop(dataflow, options).await?;
    let nodes = handle.nodes(NodeQuery { dataflow: Some(flow.id.into()), all: true }).await?;
    Ok(words::stopped(&flow, &nodes))
}

async fn restart(handle: &Handle, dataflow: DataflowRef, options: StopOptions) -> Reply {
    let old = handle.inspect(dataflow).await?.info.id;
    let new = handle.restart(old, options, false).await?;
    Ok(ControlRequestReply::DataflowRestarted { old_uuid: old.0, new_uuid: new.id.0 })
}

/// Deletes the records and logs of all dataflows that have ended.
async fn clean(handle: &Handle) -> Reply {
    let mut cleaned = Vec::new();
    let mut failed = Vec::new();
    for flow in handle.list(true).await?.into_iter().filter(|flow| flow.status.is_ended()) {
        match handle.remove(flow.id, false).await {
            Ok(flow) => cleaned.push(words::entry(flow)),
            Err(error) => failed.push(CleanFailure {
                id: DataflowIdAndName { uuid: flow.id.0, name: Some(flow.name) },
                error: sentence(&error),
            }),
        }
    }
    Ok(ControlRequestReply::CleanResult { cleaned: DataflowList(cleaned), failed })
}

async fn destroy(shared: &Shared) -> Reply {
    if shared.shut_down.is_none() {
        return Err(unsupported("ending a runtime that lives in a shell").help("leave that shell"));
    }
    shared.handle.shutdown(false).await?;
    Ok(ControlRequestReply::DestroyOk)
}

async fn info(handle: &Handle, id: DataflowId) -> Reply {
    let flow = handle.inspect(id).await?;
    let unreadable = |error: serde_yaml::Error| {
        Diagnostic::new(codes::INVALID_DATAFLOW, "its descriptor is none of dora-rs's").cause(error.to_string())
    };
    let mut descriptor: Descriptor = serde_yaml::from_str(&flow.descriptor).map_err(unreadable)?;
    if !flow.info.status.is_ended() {
        let topics = handle.topics(TopicQuery { dataflow: Some(id.into()) }).await?;
        shape::current(&mut descriptor, &flow.nodes, &flow.edges, &topics);
    }
    // dora-rs's CLI looks into the outputs of no other dataflow, and here all can be looked into.
    descriptor.debug.enable_debug_inspection = true;
    Ok(ControlRequestReply::DataflowInfo { uuid: id.0, name: Some(flow.info.name), descriptor })
}

async fn nodes(handle: &Handle) -> Reply {
    let nodes = handle.nodes(NodeQuery::default()).await?;
    let mut told = Vec::with_capacity(nodes.len());
    let mut of = None;
    let mut edges = Vec::new();
    for node in nodes {
        if of != Some(node.dataflow) {
            of = Some(node.dataflow);
            // One that is gone by now has no queues.
            edges = handle.inspect(node.dataflow).await.map(|flow| flow.edges).unwrap_or_default();
        }
        told.push(words::node(node, &edges));
    }
    Ok(ControlRequestReply::NodeInfoList(told))
}

async fn disconnect(handle: &Handle, id: DataflowId, node: &NodeId, output: &DataId, input: InputRef) -> Result<()> {
    let source = format!("{node}/{output}");
    let edges = handle.inspect(id).await?.edges;
    if !edges.iter().any(|edge| edge.source == source && edge.node == input.node && edge.input == input.input) {
        let told = format!("`{source}` does not feed the input `{}` of node `{}`", input.input, input.node);
        return Err(Diagnostic::new(codes::INPUT_NOT_FOUND, told));
    }
    handle.disconnect(id, input).await
}

/// Log records as dora-rs keeps them: a JSON text per line; of more than [`MAX_LOGS`] bytes the last ones.
async fn logs(handle: &Handle, query: LogQuery) -> Reply {
    let mut records = handle.logs(query).await?;
    let mut lines = VecDeque::new();
    let mut length = 0;
    while let Some(record) = records.next().await {
        let Ok(mut line) = serde_json::to_vec(&words::log_message(record?)) else { continue };
        line.push(b'\n');
        length += line.len();
        lines.push_back(line);
        while length > MAX_LOGS {
            length -= lines.pop_front().map_or(length, |line| line.len());
        }
    }
    Ok(ControlRequestReply::Logs(lines.into_iter().flatten().collect()))
}

fn at(dataflow: Uuid, node: NodeId) -> NodeRef {
    NodeRef { dataflow: DataflowId(dataflow).into(), node }
}

fn within(grace: Option<std::time::Duration>) -> StopOptions {
    StopOptions { grace, force: false }
}

fn text_of_node(node: &Node) -> Result<String> {
    serde_yaml::to_string(node).map_err(|error| unwritable("node", &error))
}

fn unwritable(what: &str, error: &serde_yaml::Error) -> Box<Diagnostic> {
    Diagnostic::new(codes::INVALID_DATAFLOW, format!("the {what} cannot be written as YAML")).cause(error.to_string())
}

fn no_param(node: &NodeId, key: &str) -> Box<Diagnostic> {
    Diagnostic::new(codes::PARAM_NOT_FOUND, format!("node `{node}` has no parameter `{key}`"))
}

fn unsupported(what: &str) -> Box<Diagnostic> {
    Diagnostic::new(codes::NOT_SUPPORTED, format!("a runtime of dora-shell does not offer {what}"))
}
