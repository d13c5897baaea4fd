//! The only way into a runtime, wherever it runs.

use std::sync::Arc;
use std::time::Duration;

use diag::Result;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::model::{
    Capability, DataflowDetails, DataflowInfo, DataflowRef, Event, EventQuery, LogQuery, LogRecord, NodeInfo,
    NodeQuery, StartOptions, StopOptions, TopicInfo, TopicQuery, WaitCondition,
};

/// What a runtime does. [`Handle`] is what callers hold; this is what each kind of runtime implements.
pub trait Backend: Send + Sync + 'static {
    fn start(&self, options: StartOptions) -> BoxFuture<'_, Result<DataflowInfo>>;
    fn stop(&self, dataflow: DataflowRef, options: StopOptions) -> BoxFuture<'_, Result<DataflowInfo>>;
    fn list(&self, all: bool) -> BoxFuture<'_, Result<Vec<DataflowInfo>>>;
    fn inspect(&self, dataflow: DataflowRef) -> BoxFuture<'_, Result<DataflowDetails>>;
    fn remove(&self, dataflow: DataflowRef, force: bool) -> BoxFuture<'_, Result<DataflowInfo>>;
    fn nodes(&self, query: NodeQuery) -> BoxFuture<'_, Result<Vec<NodeInfo>>>;
    fn topics(&self, query: TopicQuery) -> BoxFuture<'_, Result<Vec<TopicInfo>>>;
    fn logs(&self, query: LogQuery) -> BoxFuture<'_, Result<BoxStream<'static, Result<LogRecord>>>>;
    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<BoxStream<'static, Result<Event>>>>;
    fn wait(
        &self,
        dataflow: DataflowRef,
        condition: WaitCondition,
        timeout: Option<Duration>,
    ) -> BoxFuture<'_, Result<DataflowInfo>>;
    fn capabilities(&self) -> BoxFuture<'_, Result<Vec<Capability>>>;
    fn shutdown(&self) -> BoxFuture<'_, Result<()>>;
}

/// A runtime. Clones name the same one.
#[derive(Clone)]
pub struct Handle(Arc<dyn Backend>);

impl Handle {
    /// Wraps one kind of runtime.
    pub fn new(backend: impl Backend) -> Self {
        Handle(Arc::new(backend))
    }

    /// Starts a dataflow. With `wait`, returns when all its nodes have reached the barrier; a node that dies
    /// before is an error that names it and shows its last words. Giving up this wait does not end the dataflow.
    pub async fn start(&self, options: StartOptions) -> Result<DataflowInfo> {
        self.0.start(options).await
    }

    /// Stops a dataflow and returns when its last process has ended. Stopping an ended one is an error.
    pub async fn stop(&self, dataflow: impl Into<DataflowRef>, options: StopOptions) -> Result<DataflowInfo> {
        self.0.stop(dataflow.into(), options).await
    }

    /// The dataflows that have not ended; with `all`, the ended ones too. Oldest first.
    pub async fn list(&self, all: bool) -> Result<Vec<DataflowInfo>> {
        self.0.list(all).await
    }

    /// Everything known about one dataflow.
    pub async fn inspect(&self, dataflow: impl Into<DataflowRef>) -> Result<DataflowDetails> {
        self.0.inspect(dataflow.into()).await
    }

    /// Deletes an ended dataflow's record and logs; with `force`, kills it first.
    pub async fn remove(&self, dataflow: impl Into<DataflowRef>, force: bool) -> Result<DataflowInfo> {
        self.0.remove(dataflow.into(), force).await
    }

    /// Nodes, by dataflow and then in the descriptor's order.
    pub async fn nodes(&self, query: NodeQuery) -> Result<Vec<NodeInfo>> {
        self.0.nodes(query).await
    }

    /// Outputs of the dataflows that run.
    pub async fn topics(&self, query: TopicQuery) -> Result<Vec<TopicInfo>> {
        self.0.topics(query).await
    }

    /// Log records in order of time: what is stored, then, with `follow`, what comes until the dataflow ends.
    pub async fn logs(&self, query: LogQuery) -> Result<BoxStream<'static, Result<LogRecord>>> {
        self.0.logs(query).await
    }

    /// Transitions and notices in order.
    pub async fn events(&self, query: EventQuery) -> Result<BoxStream<'static, Result<Event>>> {
        self.0.events(query).await
    }

    /// Waits for a condition and returns the dataflow as it is then. A timeout is an error.
    pub async fn wait(
        &self,
        dataflow: impl Into<DataflowRef>,
        condition: WaitCondition,
        timeout: Option<Duration>,
    ) -> Result<DataflowInfo> {
        self.0.wait(dataflow.into(), condition, timeout).await
    }

    /// What this runtime can do.
    pub async fn capabilities(&self) -> Result<Vec<Capability>> {
        self.0.capabilities().await
    }

    /// Stops all dataflows of this runtime and ends it. Calls after that are errors.
    pub async fn shutdown(&self) -> Result<()> {
        self.0.shutdown().await
    }
}
