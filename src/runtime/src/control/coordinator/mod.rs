//! A real dora-rs coordinator, and the daemons behind it, as one more runtime.
//!
//! It is driven in dora-rs's own protocol. What that has no request for is refused with an error that names the
//! feature and says why; figures that nobody counts there are zero.
//!
//! - [`link`] – connections, and what goes wrong with them
//! - [`read`] – what a coordinator tells, in our words
//! - [`live`] – logs and messages as they come

pub mod link;
mod live;
mod read;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diag::{Diagnostic, Result, codes};
use dora_message::SessionId;
use dora_message::cli_to_coordinator::ControlRequest;
use dora_message::config::InputMapping;
use dora_message::coordinator_to_cli::{
    ControlRequestReply, DataflowListEntry, DataflowResult, DataflowStatus, NodeInfo as DoraNode,
};
use dora_message::descriptor::{Descriptor, EnvValue, Node};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use self::link::{Address, Link};
use crate::embedded::base_of;
use crate::handle::{Backend, Handle, Items};
use crate::model::{
    Capability, Connection, DataflowDetails, DataflowId, DataflowInfo, DataflowRef, DescriptorSource, InputRef, NodeId,
    NodeInfo, NodeQuery, NodeRef, StartOptions, Status, StopOptions, TopicInfo, TopicQuery, WaitCondition,
};
use crate::request::{Answer, Item, Request, Subscription};

/// How often a coordinator is asked whether a dataflow has ended: it tells nobody of it by itself.
const POLL: Duration = Duration::from_millis(250);

/// One coordinator. Clones are the same one; making it connects to nothing.
#[derive(Clone)]
pub struct Coordinator(Arc<Link>);

impl Coordinator {
    /// Names the coordinator of a context. Without a file for its token, that is looked for as dora-rs does.
    pub fn new(context: &str, address: &str, token: Option<PathBuf>) -> Result<Coordinator> {
        Ok(Coordinator(Arc::new(Link::new(context.to_string(), Address::parse(address)?, token))))
    }

    /// The same as a handle.
    pub fn handle(&self) -> Handle {
        Handle::new(self.clone())
    }

    async fn quick(&self, request: ControlRequest) -> Result<ControlRequestReply> {
        self.0.ask(&request, true).await
    }

    async fn patient(&self, request: ControlRequest) -> Result<ControlRequestReply> {
        self.0.ask(&request, false).await
    }

    fn unexpected<T>(&self, reply: &ControlRequestReply) -> Result<T> {
        let shown: String = format!("{reply:?}").chars().take(120).collect();
        Err(self.0.strange(&format!("it answered {shown}")))
    }

    /// The error for what no request of the protocol does.
    fn unsupported<T>(&self, what: &str, why: &str) -> Result<T> {
        Err(Diagnostic::new(codes::NOT_SUPPORTED, format!("{} cannot {what}", self.0.name()))
            .help(why)
            .next("dora context use local"))
    }

    async fn entries(&self) -> Result<Vec<DataflowListEntry>> {
        match self.quick(ControlRequest::List).await? {
            ControlRequestReply::DataflowList(list) => Ok(list.0),
            other => self.unexpected(&other),
        }
    }

    /// What a reference means: a name, the one that runs before those that ended; an id, or the beginning of one.
    async fn find(&self, reference: &DataflowRef) -> Result<DataflowListEntry> {
        let mut entries = self.entries().await?;
        // Ids grow with time: of several that had a name, the last one is meant.
        entries.sort_by_key(|entry| (entry.status == DataflowStatus::Running, entry.id.uuid));
        let text = reference.0.as_str();
        let named = |entry: &&DataflowListEntry| entry.id.name.as_deref() == Some(text);
        let exactly = |entry: &&DataflowListEntry| Uuid::parse_str(text).is_ok_and(|id| id == entry.id.uuid);
        if let Some(entry) = entries.iter().rfind(|entry| exactly(entry)).or(entries.iter().rfind(named)) {
            return Ok(entry.clone());
        }
        let begins = |entry: &&DataflowListEntry| text.len() >= 4 && entry.id.uuid.to_string().starts_with(text);
        let mut fitting = entries.iter().filter(begins);
        match (fitting.next(), fitting.next()) {
            (Some(entry), None) => Ok(entry.clone()),
            (Some(_), Some(_)) => Err(Diagnostic::new(
                codes::AMBIGUOUS_DATAFLOW,
                format!("more than one dataflow has an id that begins with `{text}`"),
            )
            .help("type more of the id, or the name")
            .next("dataflow list --all")),
            _ => {
                let told = format!("there is no dataflow `{text}` in context `{}`", self.0.context());
                let error = Diagnostic::new(codes::DATAFLOW_NOT_FOUND, told).next("dataflow list --all");
                let names = entries.iter().filter_map(|entry| entry.id.name.as_deref());
                Err(match diag::suggest::did_you_mean(text, names) {
                    Some(hint) => error.help(hint),
                    None => error,
                })
            }
        }
    }

    /// Finds a dataflow that runs.
    async fn running(&self, reference: &DataflowRef) -> Result<DataflowListEntry> {
        let entry = self.find(reference).await?;
        if entry.status == DataflowStatus::Running {
            return Ok(entry);
        }
        let status = if entry.status == DataflowStatus::Failed { Status::Failed } else { Status::Finished };
        let told = format!("dataflow `{}` has ended already: it is {status}", read::name(&entry));
        Err(Diagnostic::new(codes::DATAFLOW_ENDED, told).next("dataflow list --all"))
    }

    async fn descriptor(&self, entry: &DataflowListEntry) -> Result<Descriptor> {
        match self.quick(ControlRequest::Info { dataflow_uuid: entry.id.uuid }).await? {
            ControlRequestReply::DataflowInfo { descriptor, .. } => Ok(descriptor),
            other => self.unexpected(&other),
        }
    }

    async fn figures(&self) -> Result<Vec<DoraNode>> {
        match self.quick(ControlRequest::GetNodeInfo).await? {
            ControlRequestReply::NodeInfoList(nodes) => Ok(nodes),
            other => self.unexpected(&other),
        }
    }

    /// The nodes of a dataflow; a coordinator knows none of one that has ended.
    async fn nodes_of(&self, entry: &DataflowListEntry, figures: &[DoraNode]) -> Result<Vec<NodeInfo>> {
        if entry.status != DataflowStatus::Running {
            return Ok(Vec::new());
        }
        match self.descriptor(entry).await {
            Ok(descriptor) => Ok(read::nodes(entry, &descriptor, figures)),
            // It has ended between the two questions.
            Err(error) if error.code == codes::COORDINATOR_REFUSED => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn info(&self, entry: &DataflowListEntry, figures: &[DoraNode]) -> Result<DataflowInfo> {
        let nodes = self.nodes_of(entry, figures).await?;
        Ok(read::dataflow(entry, &nodes, self.0.context()))
    }

    async fn list(&self, all: bool) -> Result<Vec<DataflowInfo>> {
        let mut entries = self.entries().await?;
        entries.retain(|entry| all || entry.status == DataflowStatus::Running);
        entries.sort_by_key(|entry| entry.id.uuid);
        let figures = self.figures().await?;
        let mut infos = Vec::with_capacity(entries.len());
        for entry in &entries {
            infos.push(self.info(entry, &figures).await?);
        }
        Ok(infos)
    }

    async fn nodes(&self, query: NodeQuery) -> Result<Vec<NodeInfo>> {
        let entries = match &query.dataflow {
            Some(dataflow) => vec![self.find(dataflow).await?],
            None => self.entries().await?,
        };
        let figures = self.figures().await?;
        let mut nodes = Vec::new();
        for entry in &entries {
            nodes.extend(self.nodes_of(entry, &figures).await?);
        }
        Ok(nodes)
    }

    async fn topics(&self, query: TopicQuery) -> Result<Vec<TopicInfo>> {
        let entries = match &query.dataflow {
            Some(dataflow) => vec![self.running(dataflow).await?],
            None => self.entries().await?,
        };
        let mut topics = Vec::new();
        for entry in entries.iter().filter(|entry| entry.status == DataflowStatus::Running) {
            topics.extend(read::topics(entry, &self.descriptor(entry).await?));
        }
        Ok(topics)
    }

    /// How a dataflow has ended; `None` while it runs.
    async fn result(&self, id: Uuid) -> Result<Option<DataflowResult>> {
        match self.quick(ControlRequest::Check { dataflow_uuid: id }).await? {
            ControlRequestReply::DataflowStopped { result, .. } => Ok(Some(result)),
            ControlRequestReply::DataflowSpawned { .. } => Ok(None),
            other => self.unexpected(&other),
        }
    }

    /// Waits until a dataflow has ended.
    async fn until_ended(&self, id: Uuid) -> Result<DataflowResult> {
        let mut ticks = tokio::time::interval(POLL);
        loop {
            ticks.tick().await;
            if let Some(result) = self.result(id).await? {
                return Ok(result);
            }
        }
    }

    async fn inspect(&self, dataflow: &DataflowRef) -> Result<DataflowDetails> {
        let entry = self.find(dataflow).await?;
        let mut details = DataflowDetails {
            info: read::dataflow(&entry, &[], self.0.context()),
            working_dir: PathBuf::new(),
            hash: String::new(),
            descriptor: String::new(),
            log_dir: PathBuf::new(),
            nodes: Vec::new(),
            edges: Vec::new(),
            history: Vec::new(),
            options: None,
        };
        if let Some(result) = self.result(entry.id.uuid).await? {
            details.info = read::ended(details.info, &result, false);
            return Ok(details);
        }
        let descriptor = self.descriptor(&entry).await?;
        details.nodes = read::nodes(&entry, &descriptor, &self.figures().await?);
        details.info = read::dataflow(&entry, &details.nodes, self.0.context());
        details.edges = read::edges(&descriptor);
        details.descriptor = serde_yaml::to_string(&descriptor).map_err(|error| self.0.strange(&error.to_string()))?;
        let digest = Sha256::digest(details.descriptor.as_bytes());
        details.hash = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(details)
    }

    async fn start(&self, options: StartOptions) -> Result<DataflowInfo> {
        let (mut descriptor, file) = read_descriptor(&options)?;
        if let Some(node) = descriptor.nodes.iter().find(|node| node.module.is_some() || node.hub.is_some()) {
            let what = format!("start node `{}`, which is a module or a package of the hub", node.id);
            return self.unsupported(&what, "its own command line puts these in place first: `dora start`");
        }
        for (name, value) in &options.env {
            let value = serde_json::from_value::<EnvValue>(value.as_str().into()).map_err(|error| {
                Diagnostic::new(codes::BAD_ARGUMENT, format!("the variable `{name}` cannot be handed over"))
                    .cause(error.to_string())
            })?;
            for node in &mut descriptor.nodes {
                node.env.get_or_insert_default().insert(name.clone(), EnvValue::clone(&value));
            }
        }
        let stem = file.as_deref().and_then(|file| file.file_stem()).map(|stem| stem.to_string_lossy().into_owned());
        let request = ControlRequest::Start {
            build_id: None,
            session_id: SessionId::generate(),
            dataflow: descriptor,
            name: options.name.or(stem),
            local_working_dir: self.working_dir(options.working_dir, file).await?,
            uv: options.uv,
            write_events_to: None,
        };
        let id = match self.patient(request).await? {
            ControlRequestReply::DataflowStartTriggered { uuid } => uuid,
            other => return self.unexpected(&other),
        };
        if options.wait {
            self.spawned(id).await?;
        }
        let entry = self.find(&DataflowId(id).into()).await?;
        self.info(&entry, &[]).await
    }

    async fn spawned(&self, id: Uuid) -> Result<()> {
        match self.patient(ControlRequest::WaitForSpawn { dataflow_id: id }).await? {
            ControlRequestReply::DataflowSpawned { .. } => Ok(()),
            other => self.unexpected(&other),
        }
    }

    /// Where relative paths start, which only a daemon of this machine can use.
    async fn working_dir(&self, given: Option<PathBuf>, file: Option<PathBuf>) -> Result<Option<PathBuf>> {
        let here = match self.quick(ControlRequest::CliAndDefaultDaemonOnSameMachine).await? {
            ControlRequestReply::CliAndDefaultDaemonIps { default_daemon, cli } => {
                default_daemon.is_some() && default_daemon == cli
            }
            other => return self.unexpected(&other),
        };
        let directory = given.or_else(|| file.as_deref().map(base_of)).unwrap_or_else(|| PathBuf::from("."));
        Ok(here.then(|| std::path::absolute(&directory).unwrap_or(directory)))
    }

    async fn stop(&self, dataflow: &DataflowRef, options: StopOptions) -> Result<DataflowInfo> {
        let entry = self.running(dataflow).await?;
        let before = self.info(&entry, &[]).await?;
        let request =
            ControlRequest::Stop { dataflow_uuid: entry.id.uuid, grace_duration: options.grace, force: options.force };
        match self.patient(request).await? {
            ControlRequestReply::DataflowStopped { result, .. } => Ok(read::ended(before, &result, true)),
            other => self.unexpected(&other),
        }
    }

    async fn restart(&self, dataflow: &DataflowRef, options: StopOptions, rolling: bool) -> Result<DataflowInfo> {
        let entry = self.running(dataflow).await?;
        let mut id = entry.id.uuid;
        if rolling {
            for node in self.descriptor(&entry).await?.nodes {
                let at = NodeRef { dataflow: dataflow.clone(), node: node.id };
                self.restart_node(&at, options).await?;
            }
        } else {
            let request =
                ControlRequest::Restart { dataflow_uuid: id, grace_duration: options.grace, force: options.force };
            id = match self.patient(request).await? {
                ControlRequestReply::DataflowRestarted { new_uuid, .. } => new_uuid,
                other => return self.unexpected(&other),
            };
            self.spawned(id).await?;
        }
        let entry = self.find(&DataflowId(id).into()).await?;
        self.info(&entry, &[]).await
    }

    async fn wait(
        &self,
        dataflow: &DataflowRef,
        condition: WaitCondition,
        timeout: Option<Duration>,
    ) -> Result<DataflowInfo> {
        let start = Instant::now();
        let waited = async {
            let entry = self.find(dataflow).await?;
            match condition {
                WaitCondition::Paused => return self.unsupported("pause", PAUSE),
                WaitCondition::Running if entry.status == DataflowStatus::Running => {
                    self.spawned(entry.id.uuid).await?;
                    return self.info(&entry, &[]).await;
                }
                WaitCondition::Running | WaitCondition::Ended => {}
            }
            let before = self.info(&entry, &[]).await?;
            Ok(read::ended(before, &self.until_ended(entry.id.uuid).await?, false))
        };
        match timeout {
            Some(limit) => tokio::time::timeout(limit, waited).await.unwrap_or_else(|_| {
                Err(Diagnostic::new(codes::WAITED_TOO_LONG, format!("dataflow `{dataflow}` was not so far in time"))
                    .elapsed(start.elapsed())
                    .retryable())
            }),
            None => waited.await,
        }
    }

    /// The id of a running dataflow and its node as it is now.
    async fn node(&self, at: &NodeRef) -> Result<(Uuid, NodeInfo)> {
        let entry = self.running(&at.dataflow).await?;
        let nodes = self.nodes_of(&entry, &self.figures().await?).await?;
        let names: Vec<String> = nodes.iter().map(|node| node.node.to_string()).collect();
        if let Some(node) = nodes.into_iter().find(|node| node.node == at.node) {
            return Ok((entry.id.uuid, node));
        }
        let told = format!("dataflow `{}` has no node `{}`", read::name(&entry), at.node);
        let error = Diagnostic::new(codes::NODE_NOT_FOUND, told);
        Err(match diag::suggest::did_you_mean(at.node.as_ref(), names.iter().map(String::as_str)) {
            Some(hint) => error.help(hint),
            None => error.next(format!("node list {}", read::name(&entry))),
        })
    }

    async fn stop_node(&self, at: &NodeRef, options: StopOptions) -> Result<NodeInfo> {
        let (dataflow_id, node) = self.node(at).await?;
        let node_id = at.node.clone();
        let request = ControlRequest::StopNode { dataflow_id, node_id, grace_duration: grace(options) };
        match self.patient(request).await? {
            ControlRequestReply::NodeStopped { .. } => Ok(gone(node)),
            other => self.unexpected(&other),
        }
    }

    async fn restart_node(&self, at: &NodeRef, options: StopOptions) -> Result<NodeInfo> {
        let (dataflow_id, node) = self.node(at).await?;
        let node_id = at.node.clone();
        let request = ControlRequest::RestartNode { dataflow_id, node_id, grace_duration: grace(options) };
        match self.patient(request).await? {
            // It is told once the restart has begun, and its figures are those of before for a while.
            ControlRequestReply::NodeRestarted { .. } => {
                Ok(NodeInfo { status: Status::Restarting, pid: None, cpu: None, memory: None, processes: None, ..node })
            }
            other => self.unexpected(&other),
        }
    }

    async fn remove_node(&self, at: &NodeRef, options: StopOptions) -> Result<NodeInfo> {
        let (dataflow_id, node) = self.node(at).await?;
        let node_id = at.node.clone();
        let request = ControlRequest::RemoveNode { dataflow_id, node_id, grace_duration: grace(options) };
        match self.patient(request).await? {
            ControlRequestReply::NodeRemoved { .. } => Ok(gone(node)),
            other => self.unexpected(&other),
        }
    }

    /// Adds a node, or puts it in the place of the one with its id.
    async fn put_node(&self, dataflow: &DataflowRef, text: &str, replaces: Option<StopOptions>) -> Result<NodeInfo> {
        let entry = self.running(dataflow).await?;
        let node: Node = serde_yaml::from_str(text).map_err(|error| invalid("the node", &error))?;
        let node_id = node.id.clone();
        let dataflow_id = entry.id.uuid;
        let request = match replaces {
            Some(options) => ControlRequest::ReplaceNode { dataflow_id, node, grace_duration: grace(options) },
            None => ControlRequest::AddNode { dataflow_id, node },
        };
        match self.patient(request).await? {
            ControlRequestReply::NodeAdded { .. } | ControlRequestReply::NodeReplaced { .. } => {}
            other => return self.unexpected(&other),
        }
        let at = NodeRef { dataflow: DataflowId(dataflow_id).into(), node: node_id };
        self.node(&at).await.map(|(_, node)| node)
    }

    async fn connect(&self, dataflow: &DataflowRef, connection: Connection) -> Result<()> {
        let entry = self.running(dataflow).await?;
        if connection.queue_size.is_some() || connection.queue_policy.is_some() {
            return self.unsupported("choose the queue of a new connection", "leave out its size and policy");
        }
        let source: InputMapping = connection.source.parse().map_err(|error| {
            let told = format!("`{}` cannot feed an input: {error}", connection.source);
            Diagnostic::new(codes::INPUT_NOT_FOUND, told)
        })?;
        let InputMapping::User(from) = source else {
            return self
                .unsupported("feed an input from a timer or from logs", "only outputs of nodes can be connected");
        };
        let request = ControlRequest::AddMapping {
            dataflow_id: entry.id.uuid,
            source_node: from.source,
            source_output: from.output,
            target_node: connection.to.node,
            target_input: connection.to.input,
        };
        match self.patient(request).await? {
            ControlRequestReply::MappingAdded { .. } => Ok(()),
            other => self.unexpected(&other),
        }
    }

    async fn disconnect(&self, dataflow: &DataflowRef, input: InputRef) -> Result<()> {
        let entry = self.running(dataflow).await?;
        let descriptor = self.descriptor(&entry).await?;
        let from = match read::source(&descriptor, &input) {
            Some(InputMapping::User(from)) => from,
            Some(_) => {
                return self
                    .unsupported("end a timer or logs of an input", "only outputs of nodes can be disconnected");
            }
            None => {
                let told = format!("nothing feeds the input `{}` of node `{}`", input.input, input.node);
                return Err(
                    Diagnostic::new(codes::INPUT_NOT_FOUND, told).next(format!("topic list {}", read::name(&entry)))
                );
            }
        };
        let request = ControlRequest::RemoveMapping {
            dataflow_id: entry.id.uuid,
            source_node: from.source,
            source_output: from.output,
            target_node: input.node,
            target_input: input.input,
        };
        match self.patient(request).await? {
            ControlRequestReply::MappingRemoved { .. } => Ok(()),
            other => self.unexpected(&other),
        }
    }

    async fn reload(&self, at: NodeRef, operator: Option<String>) -> Result<()> {
        let (dataflow_id, _) = self.node(&at).await?;
        let operator_id = operator.map(Into::into);
        match self.quick(ControlRequest::Reload { dataflow_id, node_id: at.node, operator_id }).await? {
            ControlRequestReply::DataflowReloaded { .. } => Ok(()),
            other => self.unexpected(&other),
        }
    }

    async fn params(&self, at: NodeRef) -> Result<Answer> {
        let (dataflow_id, _) = self.node(&at).await?;
        match self.quick(ControlRequest::GetParams { dataflow_id, node_id: at.node }).await? {
            ControlRequestReply::ParamList { params } => Ok(Answer::Params(params.into_iter().collect())),
            other => self.unexpected(&other),
        }
    }

    async fn set_param(&self, at: NodeRef, key: String, value: serde_json::Value) -> Result<()> {
        let (dataflow_id, _) = self.node(&at).await?;
        match self.quick(ControlRequest::SetParam { dataflow_id, node_id: at.node, key, value }).await? {
            ControlRequestReply::ParamSet => Ok(()),
            other => self.unexpected(&other),
        }
    }

    async fn delete_param(&self, at: NodeRef, key: String) -> Result<()> {
        let (dataflow_id, _) = self.node(&at).await?;
        // It deletes what is not there without a word.
        match self.params(at.clone()).await? {
            Answer::Params(params) if !params.contains_key(&key) => {
                let told = format!("node `{}` has no parameter `{key}`", at.node);
                return Err(Diagnostic::new(codes::PARAM_NOT_FOUND, told)
                    .next(format!("param list {}/{}", at.dataflow, at.node)));
            }
            _ => {}
        }
        match self.quick(ControlRequest::DeleteParam { dataflow_id, node_id: at.node, key }).await? {
            ControlRequestReply::ParamDeleted => Ok(()),
            other => self.unexpected(&other),
        }
    }
}

/// Why there is no pause.
const PAUSE: &str = "messages go from node to node there, past anything that could hold them";

/// What a coordinator can do.
const CAPABILITIES: &[Capability] =
    &[Capability::Start, Capability::Stop, Capability::Inspect, Capability::Logs, Capability::Topics, Capability::Wait];

fn grace(options: StopOptions) -> Option<Duration> {
    if options.force { Some(Duration::ZERO) } else { options.grace }
}

fn gone(node: NodeInfo) -> NodeInfo {
    NodeInfo { status: Status::Stopped, pid: None, cpu: None, memory: None, processes: None, ..node }
}

fn invalid(what: &str, error: &serde_yaml::Error) -> Box<Diagnostic> {
    Diagnostic::new(codes::INVALID_DATAFLOW, format!("{what} is not valid")).cause(error.to_string())
}

fn read_descriptor(options: &StartOptions) -> Result<(Descriptor, Option<PathBuf>)> {
    let (text, label, file) = match &options.source {
        DescriptorSource::Text { text, label, file } => (text.clone(), label.clone(), file.clone()),
        DescriptorSource::File(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Diagnostic::new(
                    codes::DATAFLOW_UNREADABLE,
                    format!("the dataflow file {} cannot be read", path.display()),
                )
                .cause(error.to_string())
            })?;
            (text, path.display().to_string(), Some(path.clone()))
        }
    };
    let descriptor = serde_yaml::from_str(&text).map_err(|error| invalid(&label, &error))?;
    Ok((descriptor, file))
}

impl Backend for Coordinator {
    fn ask(&self, request: Request) -> BoxFuture<'_, Result<Answer>> {
        async move {
            Ok(match request {
                Request::Start(options) => Answer::Dataflow(self.start(options).await?),
                Request::Stop { dataflow, options } => Answer::Dataflow(self.stop(&dataflow, options).await?),
                Request::Restart { dataflow, options, rolling } => {
                    Answer::Dataflow(self.restart(&dataflow, options, rolling).await?)
                }
                Request::List { all } => Answer::Dataflows(self.list(all).await?),
                Request::Inspect { dataflow } => Answer::Details(self.inspect(&dataflow).await?.into()),
                Request::Nodes(query) => Answer::Nodes(self.nodes(query).await?),
                Request::StopNode { node, options } => Answer::Node(self.stop_node(&node, options).await?),
                Request::RestartNode { path: Some(_), .. } => {
                    return self.unsupported("choose the way of an output", "its nodes choose that by themselves");
                }
                Request::RestartNode { node, options, path: None } => {
                    Answer::Node(self.restart_node(&node, options).await?)
                }
                Request::AddNode { dataflow, descriptor } => {
                    Answer::Node(self.put_node(&dataflow, &descriptor, None).await?)
                }
                Request::RemoveNode { node, options } => Answer::Node(self.remove_node(&node, options).await?),
                Request::ReplaceNode { dataflow, descriptor, options } => {
                    Answer::Node(self.put_node(&dataflow, &descriptor, Some(options)).await?)
                }
                Request::Connect { dataflow, connection } => Answer::Done(self.connect(&dataflow, connection).await?),
                Request::Disconnect { dataflow, input } => Answer::Done(self.disconnect(&dataflow, input).await?),
                Request::ReloadNode { node, operator } => Answer::Done(self.reload(node, operator).await?),
                Request::Params(node) => self.params(node).await?,
                Request::SetParam { node, key, value } => Answer::Done(self.set_param(node, key, value).await?),
                Request::DeleteParam { node, key } => Answer::Done(self.delete_param(node, key).await?),
                Request::Topics(query) => Answer::Topics(self.topics(query).await?),
                Request::Wait { dataflow, condition, timeout } => {
                    Answer::Dataflow(self.wait(&dataflow, condition, timeout).await?)
                }
                Request::Capabilities => Answer::Capabilities(CAPABILITIES.to_vec()),
                Request::Pause { .. } | Request::Resume { .. } => return self.unsupported("pause a dataflow", PAUSE),
                Request::StartNode(_) => {
                    return self.unsupported("start a node that was stopped", "add it again, or restart its dataflow");
                }
                Request::Remove { .. } => {
                    let why = "it forgets all dataflows that have ended at once: `dora clean` of dora-rs does that";
                    return self.unsupported("remove one dataflow", why);
                }
                Request::NodeEnvironment(_) => {
                    return self
                        .unsupported("tell the environment of a node", "no request of its protocol asks for it");
                }
                Request::Publish(_) => {
                    let why = "it takes JSON texts only, and sends their bytes: `dora topic pub` of dora-rs does that";
                    return self.unsupported("publish a message", why);
                }
                Request::ReloadConfig | Request::State => {
                    return self
                        .unsupported("tell of itself", "its configuration is the command line it was started with");
                }
                Request::Shutdown { .. } => {
                    return self.unsupported("be ended from here", "`dora down` of dora-rs ends it and its daemons");
                }
            })
        }
        .boxed()
    }

    fn subscribe(&self, subscription: Subscription) -> BoxFuture<'_, Result<Items<Item>>> {
        async move {
            match subscription {
                Subscription::Logs(query) => {
                    Ok(live::logs(self.clone(), query).await?.map(|record| record.map(Item::Log)).boxed())
                }
                Subscription::Messages(query) => {
                    let messages = live::messages(self.clone(), query).await?;
                    Ok(messages.map(|message| message.map(|message| Item::Message(message.into()))).boxed())
                }
                Subscription::DaemonLogs(_) => {
                    self.unsupported("tell the logs of its daemons", "they are files in `out/` where it was started")
                }
                Subscription::Events(_) => {
                    self.unsupported("tell of events", "it keeps no history of what happened; its logs are there")
                }
            }
        }
        .boxed()
    }
}

/// Nodes that a descriptor declares, for those who ask for all of them.
fn declared(descriptor: &Descriptor) -> Vec<NodeId> {
    descriptor.nodes.iter().map(|node| node.id.clone()).collect()
}
