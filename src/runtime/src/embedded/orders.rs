//! What running dataflows and their nodes are told to do.

use std::collections::BTreeMap;
use std::sync::Arc;

use diag::{Diagnostic, Result, codes};
use dora_message::config::InputMapping;
use dora_message::daemon_to_node::NodeEvent;
use tokio::sync::oneshot;

use super::answers::{Found, already_ended, elsewhere};
use super::shared::Shared;
use crate::descriptor::{
    self,
    plan::{PlannedInput, PlannedNode},
};
use crate::model::{
    Connection, DataflowInfo, DataflowRef, InputRef, LogLevel, NodeEnvironment, NodeId, NodeInfo, NodeRef, QueuePolicy,
    Status, StopOptions,
};
use crate::records::{self, Change};
use crate::supervisor::build;
use crate::supervisor::dataflow::Dataflow;
use crate::supervisor::process;
use crate::supervisor::task::commands::{Command, Done, Order};

impl Shared {
    pub(super) async fn stop(&self, reference: &DataflowRef, options: StopOptions) -> Result<DataflowInfo> {
        let flow = self.here(reference)?;
        let status = flow.status();
        if status.is_ended() || flow.commands.send(Command::Stop(options)).is_err() {
            return Err(already_ended(&flow.name, status.as_str()));
        }
        flow.until_ended().await;
        Ok(flow.info())
    }

    /// Starts a dataflow anew as it was started first, after stopping it if it runs.
    pub(super) async fn restart(
        self: &Arc<Self>,
        reference: &DataflowRef,
        options: StopOptions,
        rolling: bool,
    ) -> Result<DataflowInfo> {
        let kept = match self.find(reference)? {
            Found::Here(flow) if rolling => return self.roll(&flow, options).await,
            Found::Here(flow) => {
                let kept = flow.kept();
                if !flow.status().is_ended() {
                    self.stop(&flow.id.into(), options).await?;
                }
                Some(kept)
            }
            Found::Stored(row) if row.ended.is_none() => return Err(elsewhere(&row)),
            Found::Stored(row) if rolling => return Err(already_ended(&row.name, &row.status)),
            Found::Stored(row) => records::kept(&row),
        };
        let Some(kept) = kept else {
            let message = format!("dataflow `{reference}` was started by an older version, which did not note how");
            return Err(Diagnostic::new(codes::WRONG_STATE, message).help("start it from its file"));
        };
        let info = self.start(kept.options).await?;
        let Some(flow) = self.dataflows().get(&info.id).cloned() else { return Ok(info) };
        for change in kept.changes {
            let told = format!("{change:?}");
            if let Err(error) = self.change(&info.id.into(), change).await {
                flow.notice(None, LogLevel::Warn, format!("it is not changed as it was before: {error} ({told})"));
            }
        }
        flow.set_all_params(kept.params)?;
        Ok(flow.info())
    }

    /// Changes nodes or edges once more as they were changed in an earlier run.
    async fn change(&self, dataflow: &DataflowRef, change: Change) -> Result<()> {
        let options = StopOptions::default();
        match change {
            Change::Added(_, text) => self.add_node(dataflow, text).await.map(drop),
            Change::Removed(node) => {
                self.remove_node(&NodeRef { dataflow: dataflow.clone(), node }, options).await.map(drop)
            }
            Change::Replaced(_, text) => self.replace_node(dataflow, text, options).await.map(drop),
            Change::Connected(connection) => self.connect(dataflow, connection).await,
            Change::Disconnected(input) => self.disconnect(dataflow, input).await,
        }
    }

    /// Restarts the nodes of a dataflow one after the other, each once the one before is ready.
    async fn roll(&self, flow: &Arc<Dataflow>, options: StopOptions) -> Result<DataflowInfo> {
        for node in flow.nodes() {
            if node.pid.is_some() {
                self.command(flow, |done| Command::Node { node: node.node, order: Order::Restart(options), done })
                    .await?;
            }
        }
        Ok(flow.info())
    }

    pub(super) async fn pause(&self, reference: &DataflowRef, freeze: bool) -> Result<DataflowInfo> {
        let flow = self.here(reference)?;
        self.command(&flow, |done| Command::Pause { freeze, done }).await?;
        Ok(flow.info())
    }

    pub(super) async fn resume(&self, reference: &DataflowRef) -> Result<DataflowInfo> {
        let flow = self.here(reference)?;
        self.command(&flow, |done| Command::Resume { done }).await?;
        Ok(flow.info())
    }

    /// Has a node do something and returns it as it is then.
    pub(super) async fn order(&self, at: &NodeRef, order: Order) -> Result<NodeInfo> {
        let flow = self.here(&at.dataflow)?;
        self.command(&flow, |done| Command::Node { node: at.node.clone(), order, done }).await?;
        info(&flow, &at.node)
    }

    pub(super) async fn remove_node(&self, at: &NodeRef, options: StopOptions) -> Result<NodeInfo> {
        let flow = self.here(&at.dataflow)?;
        let before = info(&flow, &at.node)?;
        self.command(&flow, |done| Command::Node { node: at.node.clone(), order: Order::Remove(options), done })
            .await?;
        flow.note_change(Change::Removed(at.node.clone()))?;
        Ok(NodeInfo { status: Status::Stopped, pid: None, cpu: None, memory: None, processes: None, ..before })
    }

    pub(super) async fn add_node(&self, reference: &DataflowRef, text: String) -> Result<NodeInfo> {
        let flow = self.here(reference)?;
        let node = self.plan_node(&flow, &text)?;
        let id = node.id.clone();
        if flow.router.find(&id).is_some() {
            return Err(Diagnostic::new(
                codes::NAME_TAKEN,
                format!("dataflow `{}` has a node `{id}` already", flow.name),
            )
            .help("give the new one another id, or put it in the place of that one")
            .next(format!("node replace {}/{id} FILE", flow.name)));
        }
        let node = self.build_node(&flow, node).await?;
        self.command(&flow, |done| Command::Add { node: node.into(), done }).await?;
        flow.note_change(Change::Added(id.clone(), text))?;
        info(&flow, &id)
    }

    pub(super) async fn replace_node(
        &self,
        reference: &DataflowRef,
        text: String,
        options: StopOptions,
    ) -> Result<NodeInfo> {
        let flow = self.here(reference)?;
        let planned = self.plan_node(&flow, &text)?;
        let planned = self.build_node(&flow, planned).await?;
        let node = planned.id.clone();
        let order = Order::Replace(planned.into(), options);
        self.command(&flow, |done| Command::Node { node: node.clone(), order, done }).await?;
        flow.note_change(Change::Replaced(node.clone(), text))?;
        info(&flow, &node)
    }

    fn plan_node(&self, flow: &Dataflow, text: &str) -> Result<PlannedNode> {
        let place = descriptor::resolve::Place::of(&flow.options, &flow.working_dir, &self.options.executable);
        descriptor::load_node(&self.options.sources.add("the node", text), &place, &flow.plan())
    }

    /// Builds a node that is to join a dataflow that runs, with its output in the log it will have there.
    async fn build_node(&self, flow: &Arc<Dataflow>, planned: PlannedNode) -> Result<PlannedNode> {
        if planned.build.is_empty() {
            return Ok(planned);
        }
        flow.journal.add(&planned.id, &planned.logs).map_err(|error| {
            Diagnostic::new(codes::RUNTIME_FAILED, format!("the logs of `{}` cannot be written", planned.id))
                .cause(error.to_string())
        })?;
        build::node(flow, self, planned).await.map(|(planned, _)| planned)
    }

    pub(super) async fn connect(&self, reference: &DataflowRef, connection: Connection) -> Result<()> {
        let flow = self.here(reference)?;
        let change = Change::Connected(connection.clone());
        let Connection { source, to, queue_size, queue_policy } = connection;
        let refused = |message: String| {
            Diagnostic::new(codes::INPUT_NOT_FOUND, message).next(format!("topic list {}", flow.name))
        };
        let mapping: InputMapping =
            source.parse().map_err(|error| refused(format!("`{source}` cannot feed an input: {error}")))?;
        if let InputMapping::User(from) = &mapping {
            let port = flow.router.find(&from.source).and_then(|node| flow.router.port(node));
            if port.is_none_or(|port| !port.outputs.contains_key(AsRef::<str>::as_ref(&from.output))) {
                return Err(refused(format!("dataflow `{}` has no output `{source}`", flow.name)));
            }
        }
        let wiring = flow.router.wiring();
        let known = wiring.find(&to.node).and_then(|node| wiring.target(node, &to.input));
        if known.is_some_and(|target| wiring.is_fed(target)) {
            let message = format!("the input `{}` of node `{}` is fed already", to.input, to.node);
            return Err(Diagnostic::new(codes::WRONG_STATE, message)
                .next(format!("node disconnect {}/{}/{}", flow.name, to.node, to.input)));
        }
        let input = PlannedInput {
            id: to.input,
            mapping,
            queue_size: queue_size.unwrap_or(dora_message::config::DEFAULT_QUEUE_SIZE),
            policy: queue_policy.unwrap_or(QueuePolicy::DropOldest),
            timeout: None,
        };
        self.command(&flow, |done| Command::Connect { node: to.node, input: input.into(), done }).await?;
        flow.note_change(change)
    }

    pub(super) async fn disconnect(&self, reference: &DataflowRef, input: InputRef) -> Result<()> {
        let flow = self.here(reference)?;
        let change = Change::Disconnected(input.clone());
        self.command(&flow, |done| Command::Disconnect { input, done }).await?;
        flow.note_change(change)
    }

    pub(super) fn node_environment(&self, at: &NodeRef) -> Result<NodeEnvironment> {
        let flow = self.here(&at.dataflow)?;
        let pid = info(&flow, &at.node)?.pid;
        let plan = flow.plan();
        let planned = plan.nodes.iter().find(|node| node.id == at.node);
        let planned = planned.ok_or_else(|| no_node(&flow, &at.node))?;
        Ok(NodeEnvironment { working_dir: planned.working_dir.clone(), variables: process::environment(planned), pid })
    }

    pub(super) fn params(&self, at: &NodeRef) -> Result<BTreeMap<String, serde_json::Value>> {
        let flow = self.here(&at.dataflow)?;
        let node = place(&flow, &at.node)?;
        Ok(flow.params(node))
    }

    pub(super) fn set_param(&self, at: &NodeRef, key: String, value: serde_json::Value) -> Result<()> {
        let flow = self.here(&at.dataflow)?;
        let node = place(&flow, &at.node)?;
        flow.set_param(node, key.clone(), value.clone())?;
        let value_json = serde_json::to_vec(&value).unwrap_or_default();
        flow.router.tell(node, &NodeEvent::ParamUpdate { key, value_json });
        Ok(())
    }

    pub(super) fn delete_param(&self, at: &NodeRef, key: &str) -> Result<()> {
        let flow = self.here(&at.dataflow)?;
        let node = place(&flow, &at.node)?;
        if !flow.delete_param(node, key)? {
            let params = flow.params(node);
            let error = Diagnostic::new(codes::PARAM_NOT_FOUND, format!("node `{}` has no parameter `{key}`", at.node));
            return Err(match diag::suggest::did_you_mean(key, params.keys().map(String::as_str)) {
                Some(hint) => error.help(hint),
                None => error.next(format!("param list {}/{}", flow.name, at.node)),
            });
        }
        flow.router.tell(node, &NodeEvent::ParamDeleted { key: key.to_string() });
        Ok(())
    }

    /// Has the supervisor of a dataflow do something, and waits until it is done.
    async fn command(&self, flow: &Dataflow, command: impl FnOnce(Done) -> Command) -> Result<()> {
        let (done, told) = oneshot::channel();
        let ended = || already_ended(&flow.name, flow.status().as_str());
        flow.commands.send(command(done)).map_err(|_| ended())?;
        told.await.unwrap_or_else(|_| Err(ended()))
    }
}

fn info(flow: &Dataflow, node: &NodeId) -> Result<NodeInfo> {
    flow.nodes().into_iter().find(|info| info.node == *node).ok_or_else(|| no_node(flow, node))
}

fn place(flow: &Dataflow, node: &NodeId) -> Result<usize> {
    flow.router.find(node).ok_or_else(|| no_node(flow, node))
}

/// The error for a node that a dataflow does not have.
pub fn no_node(flow: &Dataflow, node: &NodeId) -> Box<Diagnostic> {
    none_of(&flow.name, &flow.nodes(), node)
}

/// The error for a node that is none of a dataflow's.
pub(super) fn none_of(flow: &str, nodes: &[NodeInfo], node: &NodeId) -> Box<Diagnostic> {
    let error = Diagnostic::new(codes::NODE_NOT_FOUND, format!("dataflow `{flow}` has no node `{node}`"));
    match diag::suggest::did_you_mean(node.as_ref(), nodes.iter().map(|info| info.node.as_ref())) {
        Some(hint) => error.help(hint),
        None => error.next(format!("node list {flow}")),
    }
}
