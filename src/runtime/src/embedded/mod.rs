//! The runtime in this process.
//!
//! - [`shared`] – what the parts of a runtime share, and the machinery that runs as long as it does
//! - [`start`] – from options to a dataflow that runs
//! - [`orders`] – what running dataflows and their nodes are told to do
//! - [`answers`] – what is asked of dataflows, running or ended
//! - [`topics`] – messages read from and sent through the outputs of running dataflows

pub mod answers;
pub mod orders;
pub mod shared;
pub mod start;
pub mod topics;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diag::{Result, Sources};
use dora_message::id::OperatorId;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use store::runtimes::{RuntimeKind, RuntimeRow};
use store::{Home, Store};

use crate::config::Settings;
use crate::handle::{Backend, Handle, Items};
use crate::logs::journal::Journal;
use crate::logs::query;
use crate::model::{Capability, DataflowId};
use crate::request::{Answer, Item, Request, Subscription};
use crate::supervisor::task::commands::Order;
use shared::Shared;

/// How a runtime is to be made.
pub struct Options {
    pub store: Store,
    /// Where descriptors are registered, so that diagnostics can point into them.
    pub sources: Sources,
    pub kind: RuntimeKind,
    /// What is run as the guard and as built-in nodes; normally the present executable.
    pub executable: PathBuf,
    /// Where it tells of itself; a shell's runtime does not.
    pub journal: Option<Arc<Journal>>,
}

/// A runtime in this process. It starts nothing, and leaves no trace, until its first dataflow.
#[derive(Clone)]
pub struct Embedded(Arc<Shared>);

impl Embedded {
    /// Makes a runtime. Nothing is started or written yet.
    pub fn new(options: Options) -> Self {
        Embedded(Arc::new(Shared::new(options)))
    }

    /// The way in.
    pub fn handle(&self) -> Handle {
        Handle::new(self.clone())
    }

    /// What its home is set to.
    pub fn settings(&self) -> &Arc<Settings> {
        &self.0.settings
    }

    /// How this runtime is known in the store; without an address, which whoever serves one adds.
    pub fn row(&self) -> &RuntimeRow {
        self.0.row()
    }

    /// Whether it has ever started a dataflow.
    pub fn is_active(&self) -> bool {
        self.0.is_active()
    }
}

/// The word that names a runtime in lists.
pub fn runtime_name(row: &RuntimeRow) -> String {
    match row.kind {
        RuntimeKind::Daemon => "daemon".to_string(),
        RuntimeKind::Embedded => format!("shell-{}", row.process.pid),
    }
}

/// Where the logs of a dataflow are kept.
pub fn log_dir(home: &Home, id: DataflowId) -> PathBuf {
    home.logs().join(id.to_string())
}

/// The directory relative paths of a descriptor start at.
pub fn base_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

impl Backend for Embedded {
    fn ask(&self, request: Request) -> BoxFuture<'_, Result<Answer>> {
        async move {
            let shared = &self.0;
            Ok(match request {
                Request::Start(options) => Answer::Dataflow(shared.start(options).await?),
                Request::Stop { dataflow, options } => Answer::Dataflow(shared.stop(&dataflow, options).await?),
                Request::Restart { dataflow, options, rolling } => {
                    Answer::Dataflow(shared.restart(&dataflow, options, rolling).await?)
                }
                Request::Pause { dataflow, freeze } => Answer::Dataflow(shared.pause(&dataflow, freeze).await?),
                Request::Resume { dataflow } => Answer::Dataflow(shared.resume(&dataflow).await?),
                Request::List { all } => Answer::Dataflows(shared.list(all)?),
                Request::Inspect { dataflow } => Answer::Details(shared.inspect(&dataflow)?.into()),
                Request::Remove { dataflow, force } => Answer::Dataflow(shared.remove(&dataflow, force).await?),
                Request::Nodes(query) => Answer::Nodes(shared.nodes(&query)?),
                Request::StartNode(node) => Answer::Node(shared.order(&node, Order::Start).await?),
                Request::StopNode { node, options } => Answer::Node(shared.order(&node, Order::Stop(options)).await?),
                Request::RestartNode { node, options, path } => {
                    let order = match path {
                        Some(path) => Order::Reroute(options, path),
                        None => Order::Restart(options),
                    };
                    Answer::Node(shared.order(&node, order).await?)
                }
                Request::AddNode { dataflow, descriptor } => {
                    Answer::Node(shared.add_node(&dataflow, descriptor).await?)
                }
                Request::RemoveNode { node, options } => Answer::Node(shared.remove_node(&node, options).await?),
                Request::ReplaceNode { dataflow, descriptor, options } => {
                    Answer::Node(shared.replace_node(&dataflow, descriptor, options).await?)
                }
                Request::Connect { dataflow, connection } => Answer::Done(shared.connect(&dataflow, connection).await?),
                Request::Disconnect { dataflow, input } => Answer::Done(shared.disconnect(&dataflow, input).await?),
                Request::ReloadNode { node, operator } => {
                    shared.order(&node, Order::Reload(operator.map(OperatorId::from))).await?;
                    Answer::Done(())
                }
                Request::NodeEnvironment(node) => Answer::Environment(shared.node_environment(&node)?),
                Request::Params(node) => Answer::Params(shared.params(&node)?),
                Request::SetParam { node, key, value } => Answer::Done(shared.set_param(&node, key, value)?),
                Request::DeleteParam { node, key } => Answer::Done(shared.delete_param(&node, &key)?),
                Request::Topics(query) => Answer::Topics(shared.topics(&query)?),
                Request::Publish(publication) => Answer::Published(shared.publish(publication).await?),
                Request::Wait { dataflow, condition, timeout } => {
                    Answer::Dataflow(shared.wait(&dataflow, condition, timeout).await?)
                }
                Request::Capabilities => Answer::Capabilities(Capability::ALL.to_vec()),
                Request::ReloadConfig => {
                    shared.settings.reload()?;
                    Answer::Done(())
                }
                Request::State => Answer::State(Box::new(shared.state())),
                Request::Shutdown { preserve, grace } => Answer::Done(shared.shutdown(preserve, grace).await?),
            })
        }
        .boxed()
    }

    fn subscribe(&self, subscription: Subscription) -> BoxFuture<'_, Result<Items<Item>>> {
        async move {
            Ok(match subscription {
                Subscription::Logs(query) => {
                    let records = query::answer(self.0.logs(&query)?, query).await?;
                    records.map(|record| record.map(Item::Log)).boxed()
                }
                Subscription::DaemonLogs(query) => {
                    let records = query::answer(self.0.own_logs()?, query).await?;
                    records.map(|record| record.map(Item::Log)).boxed()
                }
                Subscription::Events(query) => self.0.events(&query)?.map(|event| event.map(Item::Event)).boxed(),
                Subscription::Messages(query) => {
                    self.0.messages(query)?.map(|message| message.map(|it| Item::Message(it.into()))).boxed()
                }
            })
        }
        .boxed()
    }
}
