//! The runtime in this process.
//!
//! - [`shared`] – what the parts of a runtime share, and the machinery that runs as long as it does
//! - [`start`] – from options to a dataflow that runs
//! - [`answers`] – what is asked of dataflows, running or ended

pub mod answers;
pub mod shared;
pub mod start;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use diag::{Diagnostic, Result, Sources, codes};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, TryFutureExt};
use store::runtimes::{RuntimeKind, RuntimeRow};
use store::{Home, Store};

use crate::handle::{Backend, Handle};
use crate::logs::query;
use crate::model::{
    Capability, DataflowDetails, DataflowId, DataflowInfo, DataflowRef, Event, EventQuery, LogQuery, LogRecord,
    NodeInfo, NodeQuery, StartOptions, StopOptions, TopicInfo, TopicQuery, WaitCondition,
};
use shared::Shared;

/// How a runtime is to be made.
pub struct Options {
    pub store: Store,
    /// Where descriptors are registered, so that diagnostics can point into them.
    pub sources: Sources,
    pub kind: RuntimeKind,
    /// What is run as the guard and as built-in nodes; normally the present executable.
    pub executable: PathBuf,
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
    fn start(&self, options: StartOptions) -> BoxFuture<'_, Result<DataflowInfo>> {
        async move { self.0.start(options).await }.boxed()
    }

    fn stop(&self, dataflow: DataflowRef, options: StopOptions) -> BoxFuture<'_, Result<DataflowInfo>> {
        async move { self.0.stop(&dataflow, options).await }.boxed()
    }

    fn list(&self, all: bool) -> BoxFuture<'_, Result<Vec<DataflowInfo>>> {
        async move { self.0.list(all) }.boxed()
    }

    fn inspect(&self, dataflow: DataflowRef) -> BoxFuture<'_, Result<DataflowDetails>> {
        async move { self.0.inspect(&dataflow) }.boxed()
    }

    fn remove(&self, dataflow: DataflowRef, force: bool) -> BoxFuture<'_, Result<DataflowInfo>> {
        async move { self.0.remove(&dataflow, force).await }.boxed()
    }

    fn nodes(&self, query: NodeQuery) -> BoxFuture<'_, Result<Vec<NodeInfo>>> {
        async move { self.0.nodes(&query) }.boxed()
    }

    fn topics(&self, query: TopicQuery) -> BoxFuture<'_, Result<Vec<TopicInfo>>> {
        async move { self.0.topics(&query) }.boxed()
    }

    fn logs(&self, query: LogQuery) -> BoxFuture<'_, Result<BoxStream<'static, Result<LogRecord>>>> {
        async move { query::answer(self.0.logs(&query.dataflow)?, query).await }.boxed()
    }

    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<BoxStream<'static, Result<Event>>>> {
        async move { self.0.events(&query) }.boxed()
    }

    fn wait(
        &self,
        dataflow: DataflowRef,
        condition: WaitCondition,
        timeout: Option<Duration>,
    ) -> BoxFuture<'_, Result<DataflowInfo>> {
        async move {
            let wait = self.0.wait(&dataflow, condition);
            let Some(limit) = timeout else { return wait.await };
            let late = |_| {
                Diagnostic::new(
                    codes::WAITED_TOO_LONG,
                    format!("dataflow `{dataflow}` has not got there within the time given"),
                )
                .elapsed(limit)
                .retryable()
            };
            tokio::time::timeout(limit, wait).map_err(late).await?
        }
        .boxed()
    }

    fn capabilities(&self) -> BoxFuture<'_, Result<Vec<Capability>>> {
        async { Ok(Capability::ALL.to_vec()) }.boxed()
    }

    fn shutdown(&self) -> BoxFuture<'_, Result<()>> {
        async move { self.0.shutdown().await }.boxed()
    }
}
