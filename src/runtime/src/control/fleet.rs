//! All runtimes of one home as one: this process's own, other shells', the daemon.
//!
//! A dataflow is found by its row in the store, which names its runtime; the request then goes to that runtime,
//! here or over its control socket. What has ended is read from the store. Runtimes that died are noticed
//! whenever they are looked for, and their flows are marked as failed.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use diag::{Diagnostic, Result, Sources, codes};
use futures::future::{BoxFuture, join_all};
use futures::stream;
use futures::{FutureExt, StreamExt};
use store::dataflows::DataflowRow;
use store::runtimes::RuntimeRow;
use store::{Home, Store};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::client::Client;
use super::daemon;
use super::server::Server;
use super::token::Token;
use crate::config::Settings;
use crate::embedded::{Embedded, Options, runtime_name};
use crate::handle::{Backend, Handle, Items};
use crate::model::{
    DataflowId, DataflowInfo, DataflowRef, Event, EventQuery, NodeInfo, NodeQuery, StartOptions, TopicInfo, TopicQuery,
};
use crate::request::{Answer, Item, Request, Subscription};
use crate::telemetry::{self, Seen};
use crate::{descriptor, records, sweep};

/// How long a process may take to be gone after its connections have broken.
const LAST_BREATH: Duration = Duration::from_secs(1);

/// The runtimes of one home. Making one starts nothing and touches no disk.
#[derive(Clone)]
pub struct Fleet(Arc<Inner>);

struct Inner {
    store: Store,
    sources: Sources,
    executable: PathBuf,
    own: Embedded,
    /// This process's control socket, from its first dataflow on.
    server: OnceCell<Server>,
}

impl Fleet {
    /// Makes this process's own runtime, and a way to all others of its home.
    pub fn new(options: Options) -> Fleet {
        Fleet(Arc::new(Inner {
            store: options.store.clone(),
            sources: options.sources.clone(),
            executable: options.executable.clone(),
            own: Embedded::new(options),
            server: OnceCell::new(),
        }))
    }

    /// The way in: requests go to whichever runtime they concern, and a start to this process's own.
    pub fn handle(&self) -> Handle {
        Handle::new(self.clone())
    }

    /// Whether this process's own runtime has begun: it has run something.
    pub fn is_active(&self) -> bool {
        self.0.own.is_active()
    }

    /// This process's own runtime alone.
    pub fn own(&self) -> Handle {
        self.0.own.handle()
    }

    /// Starts a dataflow in the daemon, and the daemon itself when none runs.
    ///
    /// Its nodes get this process's `PATH` and `VIRTUAL_ENV`, so that they find the same programs as without a
    /// daemon, unless the options name others.
    pub async fn start_detached(&self, mut options: StartOptions) -> Result<DataflowInfo> {
        // Checked here first, where the file's text can be shown with what is wrong in it.
        let inner = &*self.0;
        descriptor::load(&options, &inner.executable, &inner.sources)?;
        for name in ["PATH", "VIRTUAL_ENV"] {
            if let Ok(value) = std::env::var(name) {
                options.env.entry(name.to_string()).or_insert(value);
            }
        }
        let daemon = daemon::ensure(&self.daemon_options()?).await?;
        client(&daemon)?.handle().start(options).await
    }

    /// How the daemon of this home is found and started.
    pub fn daemon_options(&self) -> Result<daemon::Options> {
        let Inner { store, sources, executable, own, .. } = &*self.0;
        let config = own.settings().get()?;
        daemon::Options::configured(store.clone(), sources.clone(), executable.clone(), &config)
    }

    /// What this home is set to.
    pub fn settings(&self) -> &Settings {
        self.0.own.settings()
    }

    /// Runtimes that live, oldest first.
    pub fn runtimes(&self) -> Result<Vec<RuntimeRow>> {
        sweep::sweep(&self.0.store)?;
        self.0.store.runtimes()
    }

    /// What the runtimes that live were doing when they last told, without asking them. Oldest first.
    pub fn look(&self) -> Result<Seen> {
        Ok(telemetry::look(&self.runtimes()?, &self.0.store.live_dataflows()?))
    }

    /// The other runtimes that can be asked.
    fn others(&self) -> Result<Vec<(RuntimeRow, Client)>> {
        let own = self.0.own.row().id;
        let others = self.runtimes()?.into_iter().filter(|row| row.id != own);
        // One that has just begun has no address yet, and no dataflow either.
        Ok(others.filter_map(|row| client(&row).ok().map(|client| (row, client))).collect())
    }

    /// Opens this process's control socket, so that other shells see the flow that is about to start.
    async fn serve(&self) -> Result<()> {
        let inner = &*self.0;
        let row = inner.own.row();
        let open = async || {
            inner.store.register_runtime(row)?;
            sweep_tokens(&inner.store)?;
            let path = token_path(inner.store.home(), row.id);
            let server = Server::bind(inner.own.handle(), 0, Token::create(&path)?, None).await?;
            let (address, token_path) = (Some(server.address()), Some(path));
            inner.store.register_runtime(&RuntimeRow { address, token_path, ..row.clone() })?;
            Ok(server)
        };
        inner.server.get_or_try_init(open).await.map(|_| ())
    }

    /// The row of a dataflow that lives in another runtime; `None` leaves it to our own, which also knows what
    /// has ended and what to say of a name that nothing has.
    fn elsewhere(&self, reference: &DataflowRef) -> Result<Option<DataflowRow>> {
        let store = &self.0.store;
        let text = reference.0.as_str();
        let row = match Uuid::parse_str(text) {
            Ok(id) => store.dataflow(id)?,
            Err(_) => store.dataflow_named(text)?,
        };
        let row = match row {
            Some(row) => Some(row),
            None if text.len() >= 4 => {
                let mut fitting = store.dataflows_by_id_prefix(text, 2)?;
                fitting.pop().filter(|_| fitting.is_empty())
            }
            None => None,
        };
        Ok(row.filter(|row| row.ended.is_none() && row.runtime != self.0.own.row().id))
    }

    /// Asks the runtime that has a dataflow. One that dies over it leaves the answer to the store.
    async fn at<T>(&self, dataflow: &DataflowRef, ask: impl Fn(Handle) -> BoxFuture<'static, Result<T>>) -> Result<T> {
        sweep::sweep(&self.0.store)?;
        let own = self.own();
        let Some(row) = self.elsewhere(dataflow)? else {
            let answer = ask(own.clone()).await;
            // A name may have passed to another runtime since we looked: a daemon starts again what the last one ran.
            return match answer {
                Err(error) if error.code == codes::OTHER_RUNTIME => self.there(dataflow, ask, error).await,
                answer => answer,
            };
        };
        let Some(runtime) = self.0.store.runtime(row.runtime)? else { return ask(own).await };
        let failure = match client(&runtime) {
            Ok(client) => match ask(client.handle()).await {
                Err(error) if error.code == codes::DAEMON_UNREACHABLE => error,
                answer => return answer,
            },
            Err(error) => error,
        };
        if !has_died(&runtime, &failure).await {
            return Err(failure);
        }
        sweep::sweep(&self.0.store)?;
        ask(own).await
    }

    /// Asks the other runtime that has a dataflow by now; `missed` is what was answered here.
    async fn there<T>(
        &self,
        dataflow: &DataflowRef,
        ask: impl Fn(Handle) -> BoxFuture<'static, Result<T>>,
        missed: Box<Diagnostic>,
    ) -> Result<T> {
        let Some(row) = self.elsewhere(dataflow)? else { return Err(missed) };
        let Some(runtime) = self.0.store.runtime(row.runtime)? else { return Err(missed) };
        ask(client(&runtime)?.handle()).await
    }

    /// The dataflows of all runtimes.
    async fn list(&self, all: bool) -> Result<Vec<DataflowInfo>> {
        let others = self.others()?;
        let answers = join_all(others.iter().map(async |(_, client)| client.handle().list(false).await)).await;
        let mut flows = Vec::new();
        let mut silent = Vec::new();
        for ((row, _), answer) in others.iter().zip(answers) {
            match answer {
                Ok(theirs) => flows.extend(theirs),
                Err(error) if has_died(row, &error).await => sweep::sweep(&self.0.store)?,
                Err(error) => silent.push((row, error)),
            }
        }
        // Last, because it reads from the store what has ended, and the others may have ended by now.
        flows.extend(self.own().list(all).await?);
        // What is known of the flows of a runtime that lives and does not answer is better than nothing.
        for row in self.0.store.live_dataflows()? {
            if let Some((runtime, error)) = silent.iter().find(|(runtime, _)| runtime.id == row.runtime) {
                let cause = Some(error.message.clone());
                flows.push(DataflowInfo { cause, ..records::info(&row, runtime_name(runtime)) });
            }
        }
        flows.sort_by_key(|flow| (flow.created, flow.id, flow.ended.is_none()));
        // One that ended between two looks is in both; the later look counts.
        flows.dedup_by_key(|flow| flow.id);
        Ok(flows)
    }

    /// The nodes of all runtimes; the query names no dataflow.
    async fn nodes(&self, query: NodeQuery) -> Result<Vec<NodeInfo>> {
        let others = self.others()?;
        let live = NodeQuery { dataflow: None, all: false };
        let answers = join_all(others.iter().map(async |(_, client)| client.handle().nodes(live.clone()).await)).await;
        // A runtime that does not answer is told of by the list of dataflows.
        let mut nodes: Vec<NodeInfo> = answers.into_iter().flatten().flatten().collect();
        let known: Vec<DataflowId> = nodes.iter().map(|node| node.dataflow).collect();
        let own = self.own().nodes(query).await?;
        nodes.extend(own.into_iter().filter(|node| !known.contains(&node.dataflow)));
        // Ids of dataflows grow with time, and the order within one stays.
        nodes.sort_by_key(|node| node.dataflow);
        Ok(nodes)
    }

    /// The topics of all runtimes; the query names no dataflow.
    async fn topics(&self, query: TopicQuery) -> Result<Vec<TopicInfo>> {
        let others = self.others()?;
        let answers =
            join_all(others.iter().map(async |(_, client)| client.handle().topics(query.clone()).await)).await;
        let mut topics = self.own().topics(query).await?;
        topics.extend(answers.into_iter().flatten().flatten());
        topics.sort_by_key(|topic| topic.dataflow);
        Ok(topics)
    }

    /// What happens in all runtimes; the query names no dataflow.
    async fn events(&self, query: EventQuery) -> Result<Items<Event>> {
        // First listen everywhere, then read, so that nothing falls in between.
        let mut live = Vec::new();
        if query.follow {
            let follow = EventQuery { dataflow: None, history: false, follow: true };
            live.push(self.own().events(follow.clone()).await?);
            let others = self.others()?;
            let streams =
                join_all(others.iter().map(async |(_, client)| client.handle().events(follow.clone()).await)).await;
            live.extend(streams.into_iter().flatten());
        }
        let stored = EventQuery { dataflow: None, history: query.history, follow: false };
        let history = self.own().events(stored).await?;
        let mut seen: HashMap<DataflowId, u64> = HashMap::new();
        let events = history.chain(stream::select_all(live)).filter(move |event| {
            let fresh = match event {
                Ok(event) => {
                    let last = seen.entry(event.dataflow).or_default();
                    let fresh = event.sequence > *last;
                    *last = event.sequence.max(*last);
                    fresh
                }
                Err(_) => true,
            };
            futures::future::ready(fresh)
        });
        Ok(events.boxed())
    }

    async fn shutdown(&self) -> Result<()> {
        let inner = &*self.0;
        self.own().shutdown(false).await?;
        if let Some(server) = inner.server.get() {
            server.stop().await;
            inner.store.end_runtime(inner.own.row().id, jiff::Timestamp::now())?;
            // A token without a runtime opens nothing.
            let _ = std::fs::remove_file(token_path(inner.store.home(), inner.own.row().id));
        }
        Ok(())
    }
}

/// Whether a runtime that failed to answer has died over it. The kernel closes a dying process's connections
/// a moment before the process is gone.
async fn has_died(runtime: &RuntimeRow, failure: &Diagnostic) -> bool {
    // One that kept silent all the time lives; only a connection that broke is worth a wait.
    let patience = if failure.elapsed.is_some() { Duration::ZERO } else { LAST_BREATH };
    daemon::has_ended(runtime.process, patience).await
}

/// Where a runtime keeps the token of its control socket.
pub(super) fn token_path(home: &Home, runtime: Uuid) -> PathBuf {
    home.state().join("tokens").join(runtime.to_string())
}

/// Removes tokens of runtimes that died. They open nothing; this keeps the directory small.
pub(super) fn sweep_tokens(store: &Store) -> Result<()> {
    let directory = store.home().state().join("tokens");
    let Ok(entries) = std::fs::read_dir(&directory) else { return Ok(()) };
    // Read before the records: a runtime registers itself first and then writes its token.
    let names: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
    let live: Vec<String> = store.runtimes()?.into_iter().map(|row| row.id.to_string()).collect();
    for name in names {
        if !live.iter().any(|id| name == id.as_str()) {
            let _ = std::fs::remove_file(directory.join(name));
        }
    }
    Ok(())
}

/// The way to a runtime that is registered.
pub(super) fn client(row: &RuntimeRow) -> Result<Client> {
    let name = format!("runtime `{}` (pid {})", runtime_name(row), row.process.pid);
    match (&row.address, &row.token_path) {
        (Some(address), Some(token_path)) => Ok(Client::new(name, address, token_path)),
        _ => Err(Diagnostic::new(codes::DAEMON_UNREACHABLE, format!("{name} has not opened its control socket yet"))
            .retryable()),
    }
}

impl Backend for Fleet {
    fn ask(&self, request: Request) -> BoxFuture<'_, Result<Answer>> {
        async move {
            if let Some(dataflow) = request.dataflow() {
                let ask = |handle: Handle| {
                    let request = request.clone();
                    async move { handle.ask(request).await }.boxed()
                };
                return self.at(dataflow, ask).await;
            }
            match request {
                Request::List { all } => self.list(all).await.map(Answer::Dataflows),
                Request::Nodes(query) => self.nodes(query).await.map(Answer::Nodes),
                Request::Topics(query) => self.topics(query).await.map(Answer::Topics),
                Request::Shutdown { .. } => self.shutdown().await.map(Answer::Done),
                Request::Start(_) => {
                    self.serve().await?;
                    self.own().ask(request).await
                }
                other => self.own().ask(other).await,
            }
        }
        .boxed()
    }

    fn subscribe(&self, subscription: Subscription) -> BoxFuture<'_, Result<Items<Item>>> {
        async move {
            if let Some(dataflow) = subscription.dataflow() {
                let ask = |handle: Handle| {
                    let subscription = subscription.clone();
                    async move { handle.subscribe(subscription).await }.boxed()
                };
                return self.at(dataflow, ask).await;
            }
            match subscription {
                Subscription::DaemonLogs(_) => match daemon::find(&self.0.store)? {
                    Some(daemon) => client(&daemon)?.handle().subscribe(subscription).await,
                    // What the last one said is still there.
                    None => daemon::old_logs(&self.0.store, subscription).await,
                },
                Subscription::Events(query) => {
                    Ok(self.events(query).await?.map(|event| event.map(Item::Event)).boxed())
                }
                other => self.own().subscribe(other).await,
            }
        }
        .boxed()
    }
}
