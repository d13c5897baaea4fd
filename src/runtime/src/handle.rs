//! The only way into a runtime, wherever it runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use diag::{Diagnostic, Result};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::model::{
    Capability, Connection, DataflowDetails, DataflowInfo, DataflowRef, Event, EventQuery, InputRef, LogQuery,
    LogRecord, NodeEnvironment, NodeInfo, NodeQuery, NodeRef, PathChoice, Publication, RuntimeState, StartOptions,
    StopOptions, TapQuery, TopicInfo, TopicMessage, TopicQuery, WaitCondition,
};
use crate::request::{Answer, Item, Request, Subscription};

/// Items of an answer as they come. Dropping it ends the subscription.
pub type Items<T> = BoxStream<'static, Result<T>>;

/// One kind of runtime: in this process, in another one, or all of a home.
pub trait Backend: Send + Sync + 'static {
    /// Answers a request.
    fn ask(&self, request: Request) -> BoxFuture<'_, Result<Answer>>;

    /// Begins to answer a subscription.
    fn subscribe(&self, subscription: Subscription) -> BoxFuture<'_, Result<Items<Item>>>;
}

/// A runtime. Clones name the same one.
#[derive(Clone)]
pub struct Handle(Arc<dyn Backend>);

impl Handle {
    /// Wraps one kind of runtime.
    pub fn new(backend: impl Backend) -> Self {
        Handle(Arc::new(backend))
    }

    /// Asks anything, and takes whatever answer comes.
    pub async fn ask(&self, request: Request) -> Result<Answer> {
        self.0.ask(request).await
    }

    /// Subscribes to anything.
    pub async fn subscribe(&self, subscription: Subscription) -> Result<Items<Item>> {
        self.0.subscribe(subscription).await
    }

    async fn get<T: TryFrom<Answer, Error = Box<Diagnostic>>>(&self, request: Request) -> Result<T> {
        self.0.ask(request).await?.try_into()
    }

    async fn items<T>(&self, subscription: Subscription) -> Result<Items<T>>
    where
        T: TryFrom<Item, Error = Box<Diagnostic>> + 'static,
    {
        let items = self.0.subscribe(subscription).await?;
        Ok(items.map(|item| item.and_then(T::try_from)).boxed())
    }

    /// Starts a dataflow. With `wait`, returns when all its nodes have reached the barrier; a node that dies
    /// before is an error that names it and shows its last words. Giving up this wait does not end the dataflow.
    pub async fn start(&self, options: StartOptions) -> Result<DataflowInfo> {
        self.get(Request::Start(options)).await
    }

    /// Stops a dataflow and returns when its last process has ended. Stopping an ended one is an error.
    pub async fn stop(&self, dataflow: impl Into<DataflowRef>, options: StopOptions) -> Result<DataflowInfo> {
        self.get(Request::Stop { dataflow: dataflow.into(), options }).await
    }

    /// Stops a dataflow and starts it anew as it was started first: another run with the same name. With
    /// `rolling`, restarts its nodes one after the other instead, each once the one before is ready.
    pub async fn restart(
        &self,
        dataflow: impl Into<DataflowRef>,
        options: StopOptions,
        rolling: bool,
    ) -> Result<DataflowInfo> {
        self.get(Request::Restart { dataflow: dataflow.into(), options, rolling }).await
    }

    /// Holds the timers and deliveries of a dataflow; with `freeze`, its processes too.
    pub async fn pause(&self, dataflow: impl Into<DataflowRef>, freeze: bool) -> Result<DataflowInfo> {
        self.get(Request::Pause { dataflow: dataflow.into(), freeze }).await
    }

    /// Hands over what a pause held, in order, and goes on.
    pub async fn resume(&self, dataflow: impl Into<DataflowRef>) -> Result<DataflowInfo> {
        self.get(Request::Resume { dataflow: dataflow.into() }).await
    }

    /// The dataflows that have not ended; with `all`, the ended ones too. Oldest first.
    pub async fn list(&self, all: bool) -> Result<Vec<DataflowInfo>> {
        self.get(Request::List { all }).await
    }

    /// Everything known about one dataflow.
    pub async fn inspect(&self, dataflow: impl Into<DataflowRef>) -> Result<DataflowDetails> {
        self.get(Request::Inspect { dataflow: dataflow.into() }).await
    }

    /// Deletes an ended dataflow's record and logs; with `force`, kills it first.
    pub async fn remove(&self, dataflow: impl Into<DataflowRef>, force: bool) -> Result<DataflowInfo> {
        self.get(Request::Remove { dataflow: dataflow.into(), force }).await
    }

    /// Nodes, by dataflow and then in the descriptor's order.
    pub async fn nodes(&self, query: NodeQuery) -> Result<Vec<NodeInfo>> {
        self.get(Request::Nodes(query)).await
    }

    /// Starts a node that does not run in a dataflow that does, and returns when it is ready.
    pub async fn start_node(&self, node: NodeRef) -> Result<NodeInfo> {
        self.get(Request::StartNode(node)).await
    }

    /// Stops a node; its dataflow goes on, and its consumers' inputs stay open.
    pub async fn stop_node(&self, node: NodeRef, options: StopOptions) -> Result<NodeInfo> {
        self.get(Request::StopNode { node, options }).await
    }

    /// Stops a node and starts it again, and returns when it is ready. It counts as no crash, what waits for it
    /// is kept, and its consumers' inputs stay open.
    pub async fn restart_node(&self, node: NodeRef, options: StopOptions) -> Result<NodeInfo> {
        self.get(Request::RestartNode { node, options, path: None }).await
    }

    /// Restarts a node so that its outputs take another way from then on.
    pub async fn reroute_node(&self, node: NodeRef, options: StopOptions, path: PathChoice) -> Result<NodeInfo> {
        self.get(Request::RestartNode { node, options, path: Some(path) }).await
    }

    /// Adds a node, given as YAML, to a dataflow that runs, and returns when it is ready.
    pub async fn add_node(&self, dataflow: impl Into<DataflowRef>, descriptor: String) -> Result<NodeInfo> {
        self.get(Request::AddNode { dataflow: dataflow.into(), descriptor }).await
    }

    /// Stops a node and takes it out of its dataflow; returns it as it was last.
    pub async fn remove_node(&self, node: NodeRef, options: StopOptions) -> Result<NodeInfo> {
        self.get(Request::RemoveNode { node, options }).await
    }

    /// Puts another node, given as YAML, in the place of the one with its id, and returns when it is ready.
    pub async fn replace_node(
        &self,
        dataflow: impl Into<DataflowRef>,
        descriptor: String,
        options: StopOptions,
    ) -> Result<NodeInfo> {
        self.get(Request::ReplaceNode { dataflow: dataflow.into(), descriptor, options }).await
    }

    /// Feeds an input of a node: a new one, or one that nothing feeds.
    pub async fn connect(&self, dataflow: impl Into<DataflowRef>, connection: Connection) -> Result<()> {
        self.get(Request::Connect { dataflow: dataflow.into(), connection }).await
    }

    /// Ends the feeding of an input: for its node, it closes.
    pub async fn disconnect(&self, dataflow: impl Into<DataflowRef>, input: InputRef) -> Result<()> {
        self.get(Request::Disconnect { dataflow: dataflow.into(), input }).await
    }

    /// Tells a node to load its code again, or that of one operator.
    pub async fn reload_node(&self, node: NodeRef, operator: Option<String>) -> Result<()> {
        self.get(Request::ReloadNode { node, operator }).await
    }

    /// What the process of a node was given.
    pub async fn node_environment(&self, node: NodeRef) -> Result<NodeEnvironment> {
        self.get(Request::NodeEnvironment(node)).await
    }

    /// The parameters that were set on a node while it ran.
    pub async fn params(&self, node: NodeRef) -> Result<BTreeMap<String, serde_json::Value>> {
        self.get(Request::Params(node)).await
    }

    /// Sets a parameter: the node is told now, and again whenever it is started again.
    pub async fn set_param(&self, node: NodeRef, key: String, value: serde_json::Value) -> Result<()> {
        self.get(Request::SetParam { node, key, value }).await
    }

    /// Deletes a parameter. One that is not set is an error.
    pub async fn delete_param(&self, node: NodeRef, key: String) -> Result<()> {
        self.get(Request::DeleteParam { node, key }).await
    }

    /// Outputs of the dataflows that run.
    pub async fn topics(&self, query: TopicQuery) -> Result<Vec<TopicInfo>> {
        self.get(Request::Topics(query)).await
    }

    /// Messages of some topics as they come, until the dataflow ends. What comes faster than it is taken is missed
    /// and counted; nothing waits for this.
    pub async fn messages(&self, query: TapQuery) -> Result<Items<TopicMessage>> {
        self.items(Subscription::Messages(query)).await
    }

    /// Sends a message through an output as if its node had sent it; returns how many inputs got it.
    pub async fn publish(&self, publication: Publication) -> Result<u64> {
        self.get(Request::Publish(publication)).await
    }

    /// Log records in order of time: what is stored, then, with `follow`, what comes until the dataflow ends.
    pub async fn logs(&self, query: LogQuery) -> Result<Items<LogRecord>> {
        self.items(Subscription::Logs(query)).await
    }

    /// What the daemon itself has to say, in order of time; with `follow`, until it ends.
    pub async fn daemon_logs(&self, query: LogQuery) -> Result<Items<LogRecord>> {
        self.items(Subscription::DaemonLogs(query)).await
    }

    /// Transitions and notices in order.
    pub async fn events(&self, query: EventQuery) -> Result<Items<Event>> {
        self.items(Subscription::Events(query)).await
    }

    /// Waits for a condition and returns the dataflow as it is then. A timeout is an error.
    pub async fn wait(
        &self,
        dataflow: impl Into<DataflowRef>,
        condition: WaitCondition,
        timeout: Option<Duration>,
    ) -> Result<DataflowInfo> {
        self.get(Request::Wait { dataflow: dataflow.into(), condition, timeout }).await
    }

    /// What this runtime can do.
    pub async fn capabilities(&self) -> Result<Vec<Capability>> {
        self.get(Request::Capabilities).await
    }

    /// Stops all dataflows of this runtime and ends it. Calls after that are errors. With `preserve`, the next
    /// daemon starts them again.
    pub async fn shutdown(&self, preserve: bool) -> Result<()> {
        self.shutdown_within(preserve, None).await
    }

    /// The same, with another time for nodes to stop in than is configured.
    pub async fn shutdown_within(&self, preserve: bool, grace: Option<Duration>) -> Result<()> {
        self.get(Request::Shutdown { preserve, grace }).await
    }

    /// Has a runtime read the configuration of its home again.
    pub async fn reload_config(&self) -> Result<()> {
        self.get(Request::ReloadConfig).await
    }

    /// All that a runtime knows of itself.
    pub async fn state(&self) -> Result<RuntimeState> {
        self.get(Request::State).await
    }
}
