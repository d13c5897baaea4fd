//! The runtime inside this process.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use diag::{Diagnostic, Result, Sources, codes};
use dora_message::uhlc::HLC;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use futures::{FutureExt, TryFutureExt};
use store::dataflows::{Claim, DataflowRow};
use store::runtimes::{RuntimeKind, RuntimeRow};
use store::{Home, ProcessId, Store};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::descriptor::{self, Checked};
use crate::guard::Guard;
use crate::handle::{Backend, Handle};
use crate::logs::journal::Journal;
use crate::logs::query::{self, Logs};
use crate::model::{
    Capability, DataflowDetails, DataflowId, DataflowInfo, DataflowRef, DescriptorSource, Event, EventKind, EventQuery,
    LogQuery, LogRecord, NodeInfo, NodeQuery, StartOptions, Status, StopOptions, TopicInfo, TopicQuery, UnixNanos,
    WaitCondition,
};
use crate::node_protocol::listener::Listener;
use crate::node_protocol::{Flow, Flows};
use crate::records;
use crate::router::Router;
use crate::router::timers::Timers;
use crate::supervisor::dataflow::{Dataflow, Parts};
use crate::supervisor::task::{self, Command};
use crate::sweep;

/// How often rates and the use of processor and memory are looked at.
const SAMPLE: Duration = Duration::from_secs(1);
/// How many events a listener may be behind.
const EVENTS: usize = 1024;
/// How many ended dataflows a list shows at most.
const ENDED: usize = 1000;

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

/// What the parts of one runtime share.
pub struct Shared {
    options: Options,
    row: RuntimeRow,
    clock: Arc<HLC>,
    dataflows: Mutex<HashMap<DataflowId, Arc<Dataflow>>>,
    table: Arc<FlowTable>,
    events: broadcast::Sender<Event>,
    machinery: OnceLock<Machinery>,
    /// Held while the machinery is started, so that it is started once.
    starting: Mutex<()>,
    /// Taken when the runtime ends; `None` from then on.
    guard: Mutex<Option<Guard>>,
    tasks: Mutex<JoinSet<()>>,
    ended: std::sync::atomic::AtomicBool,
}

/// What runs as long as the runtime does.
struct Machinery {
    listener: Listener,
    timers: Timers,
}

#[derive(Default)]
struct FlowTable(Mutex<HashMap<DataflowId, Arc<Flow>>>);

impl Flows for FlowTable {
    fn find(&self, id: DataflowId) -> Option<Arc<Flow>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }
}

impl Embedded {
    /// Makes a runtime. Nothing is started or written yet.
    pub fn new(options: Options) -> Self {
        let row = RuntimeRow {
            id: Uuid::now_v7(),
            kind: options.kind,
            process: ProcessId::current(),
            address: None,
            token_path: None,
            version: env!("CARGO_PKG_VERSION").to_string(),
            started: jiff::Timestamp::now(),
        };
        Embedded(Arc::new(Shared {
            options,
            row,
            clock: Arc::new(HLC::default()),
            dataflows: Mutex::default(),
            table: Arc::default(),
            events: broadcast::Sender::new(EVENTS),
            machinery: OnceLock::new(),
            starting: Mutex::new(()),
            guard: Mutex::new(None),
            tasks: Mutex::new(JoinSet::new()),
            ended: false.into(),
        }))
    }

    /// The way in.
    pub fn handle(&self) -> Handle {
        Handle::new(self.clone())
    }

    /// How this runtime is known in the store; without an address, which whoever serves one adds.
    pub fn row(&self) -> &RuntimeRow {
        &self.0.row
    }

    /// Whether it has ever started a dataflow.
    pub fn is_active(&self) -> bool {
        self.0.machinery.get().is_some()
    }
}

impl Shared {
    pub fn store(&self) -> &Store {
        &self.options.store
    }

    fn name(&self) -> String {
        runtime_name(&self.row)
    }

    /// Where nodes connect to. Known from the first start on.
    pub fn address(&self) -> SocketAddr {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        self.machinery.get().map_or(nowhere, |machinery| machinery.listener.address())
    }

    /// Does something with the guard, while there is one.
    pub fn guard<T>(&self, work: impl FnOnce(&Guard) -> std::io::Result<T>) -> std::io::Result<T> {
        let guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
        work(guard.as_ref().ok_or(std::io::ErrorKind::BrokenPipe)?)
    }

    /// Lets the timers of a dataflow tick from now on.
    pub fn start_timers(&self, router: &Arc<Router>) {
        if let Some(machinery) = self.machinery.get() {
            machinery.timers.add(router);
        }
    }

    /// Closes what a node has left open.
    pub fn disconnect(&self, flow: DataflowId, node: usize) {
        if let Some(machinery) = self.machinery.get() {
            machinery.listener.disconnect(flow, Some(node));
        }
    }

    /// Forgets a dataflow that has ended: from now on the store and its log files tell of it.
    pub fn ended(&self, id: DataflowId) {
        self.dataflows().remove(&id);
        self.table.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        if let Some(machinery) = self.machinery.get() {
            machinery.listener.disconnect(id, None);
        }
    }

    fn dataflows(&self) -> MutexGuard<'_, HashMap<DataflowId, Arc<Dataflow>>> {
        self.dataflows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The dataflows of this process that have not ended, oldest first.
    fn live(&self) -> Vec<Arc<Dataflow>> {
        let mut live: Vec<_> = self.dataflows().values().filter(|flow| !flow.status().is_ended()).cloned().collect();
        live.sort_by_key(|flow| flow.id);
        live
    }

    /// Starts what every dataflow needs: the guard before anything it could be needed for.
    fn start_machinery(self: &Arc<Self>) -> Result<()> {
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if self.ended.load(std::sync::atomic::Ordering::Acquire) {
            return Err(ended());
        }
        if self.machinery.get().is_some() {
            return Ok(());
        }
        sweep::sweep(self.store())?;
        // Whoever serves our control socket has registered us, with its address.
        if self.store().runtime(self.row.id)?.is_none() {
            self.store().register_runtime(&self.row)?;
        }
        let failed = |what: &str| {
            let what = what.to_string();
            move |error: std::io::Error| {
                Diagnostic::new(codes::RUNTIME_FAILED, format!("the runtime could not start {what}"))
                    .cause(error.to_string())
            }
        };
        let guard = Guard::start(&self.options.executable).map_err(failed("its guard process"))?;
        *self.guard.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard);
        let listener =
            Listener::start(self.table.clone(), self.clock.clone()).map_err(failed("listening for nodes"))?;
        let timers = Timers::start().map_err(failed("its timers"))?;
        let _ = self.machinery.set(Machinery { listener, timers });
        let sampled = Arc::downgrade(self);
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(async move {
            let mut ticks = tokio::time::interval(SAMPLE);
            // Without it there are rates and no use of processor and memory.
            let mut system = sysinfo::System::new().ok();
            while let Some(shared) = sampled.upgrade() {
                sample(&shared.live(), system.as_mut());
                drop(shared);
                ticks.tick().await;
            }
        });
        Ok(())
    }

    async fn start(self: &Arc<Self>, options: StartOptions) -> Result<DataflowInfo> {
        let this = self.clone();
        let wait = options.wait;
        let prepared = tokio::task::spawn_blocking(move || this.prepare(options)).await;
        let prepared = prepared.map_err(|error| internal("the start of the dataflow", &error))??;
        let (flow, commands, signals) = prepared;
        let (started, outcome) = oneshot::channel();
        {
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            // Those that have ended are done with.
            while tasks.try_join_next().is_some() {}
            tasks.spawn(task::supervise(flow.clone(), self.clone(), signals, commands, started));
        }
        if !wait {
            return Ok(flow.info());
        }
        outcome.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Reads, checks and claims; nothing is started yet.
    #[allow(clippy::type_complexity)]
    fn prepare(
        self: &Arc<Self>,
        options: StartOptions,
    ) -> Result<(Arc<Dataflow>, mpsc::UnboundedReceiver<Command>, mpsc::UnboundedReceiver<crate::node_protocol::Signal>)>
    {
        let Checked { source, plan, working_dir, hash, file } =
            descriptor::load(&options, &self.options.executable, &self.options.sources)?;
        self.start_machinery()?;
        let id = DataflowId::generate();
        let created = UnixNanos::now();
        let row = DataflowRow {
            id: id.0,
            name: String::new(),
            runtime: self.row.id,
            status: Status::Created.to_string(),
            descriptor_path: file.clone(),
            descriptor: source.text.clone(),
            descriptor_hash: hash.clone(),
            working_dir: working_dir.clone(),
            nodes: u32::try_from(plan.nodes.len()).unwrap_or(u32::MAX),
            created: records::time(created),
            started: None,
            ended: None,
            restarts: 0,
            cause: None,
            culprit: None,
            snapshot: None,
        };
        // From here on the name is ours; whatever fails must give it back.
        let name = claim(self.store(), row, options.name, &options.source)?;
        let made = self.make(id, name, created, options.env, (source.text.clone(), plan, working_dir, hash, file));
        made.inspect_err(|error| {
            let end = store::dataflows::DataflowEnd {
                status: Status::Failed.to_string(),
                at: jiff::Timestamp::now(),
                restarts: 0,
                cause: Some(error.message.clone()),
                culprit: None,
                snapshot: None,
            };
            // The failure that is told is the one that came first.
            let _ = self.store().end_dataflow(id.0, &end);
        })
    }

    #[allow(clippy::type_complexity)]
    fn make(
        self: &Arc<Self>,
        id: DataflowId,
        name: String,
        created: UnixNanos,
        env: std::collections::BTreeMap<String, String>,
        (text, plan, working_dir, hash, file): (String, descriptor::plan::Plan, PathBuf, String, Option<PathBuf>),
    ) -> Result<(Arc<Dataflow>, mpsc::UnboundedReceiver<Command>, mpsc::UnboundedReceiver<crate::node_protocol::Signal>)>
    {
        let failed = |error: std::io::Error| {
            Diagnostic::new(codes::RUNTIME_FAILED, format!("dataflow `{name}` could not be set up"))
                .cause(error.to_string())
        };
        let directory = log_dir(self.store().home(), id);
        Home::create(&directory)?;
        let rules = plan.nodes.iter().map(|node| (node.id.clone(), node.logs.max_size, node.logs.max_rotated));
        let journal = Arc::new(Journal::open(id, name.clone(), &directory, rules).map_err(failed)?);
        let router = Arc::new(Router::new(&plan, self.clock.clone()).map_err(failed)?);
        let (signals, receiver) = mpsc::unbounded_channel();
        let (flow, commands) = Dataflow::new(Parts {
            id,
            name,
            runtime: self.name(),
            file,
            working_dir,
            text,
            hash,
            created,
            env,
            plan,
            router: router.clone(),
            journal,
            clock: self.clock.clone(),
            store: self.store().clone(),
            events: self.events.clone(),
        });
        self.dataflows().insert(id, flow.clone());
        let entry = Arc::new(Flow { id, router, signals });
        self.table.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, entry);
        Ok((flow, commands, receiver))
    }

    /// Finds what a reference means: a dataflow of this process, or a row of the store.
    fn find(&self, reference: &DataflowRef) -> Result<Found> {
        let own = |id: Uuid| self.dataflows().get(&DataflowId(id)).cloned();
        let text = reference.0.as_str();
        let found = |row: DataflowRow| match own(row.id) {
            Some(flow) => Found::Here(flow),
            None => Found::Stored(Box::new(row)),
        };
        if let Ok(id) = Uuid::parse_str(text) {
            if let Some(flow) = own(id) {
                return Ok(Found::Here(flow));
            }
            if let Some(row) = self.store().dataflow(id)? {
                return Ok(found(row));
            }
        }
        if let Some(row) = self.store().dataflow_named(text)? {
            return Ok(found(row));
        }
        let hexadecimal = text.len() >= 4 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        let mut fitting = if hexadecimal { self.store().dataflows_by_id_prefix(text, 2)? } else { Vec::new() };
        match (fitting.pop(), fitting.pop()) {
            (Some(row), None) => Ok(found(row)),
            (Some(_), Some(_)) => Err(Diagnostic::new(
                codes::AMBIGUOUS_DATAFLOW,
                format!("more than one dataflow has an id that begins with `{text}`"),
            )
            .help("type more of the id, or the name")
            .next("dataflow list --all")),
            _ => Err(self.unknown(text)),
        }
    }

    fn unknown(&self, text: &str) -> Box<Diagnostic> {
        let names: Vec<String> =
            self.store().live_dataflows().unwrap_or_default().into_iter().map(|row| row.name).collect();
        let diagnostic = Diagnostic::new(codes::DATAFLOW_NOT_FOUND, format!("there is no dataflow `{text}`"))
            .next("dataflow list --all");
        match diag::suggest::did_you_mean(text, names.iter().map(String::as_str)) {
            Some(hint) => diagnostic.help(hint),
            None => diagnostic,
        }
    }

    /// Finds a dataflow of this process.
    fn here(&self, reference: &DataflowRef) -> Result<Arc<Dataflow>> {
        match self.find(reference)? {
            Found::Here(flow) => Ok(flow),
            Found::Stored(row) if row.ended.is_some() => Err(already_ended(&row.name, &row.status)),
            Found::Stored(row) => Err(elsewhere(&row)),
        }
    }

    async fn stop(&self, reference: &DataflowRef, options: StopOptions) -> Result<DataflowInfo> {
        let flow = self.here(reference)?;
        let status = flow.status();
        if status.is_ended() || flow.commands.send(Command::Stop(options)).is_err() {
            return Err(already_ended(&flow.name, status.as_str()));
        }
        until_ended(&flow).await;
        Ok(flow.info())
    }

    fn list(&self, all: bool) -> Result<Vec<DataflowInfo>> {
        let mut rows: Vec<DataflowInfo> = self.live().iter().map(|flow| flow.info()).collect();
        if all {
            let known: Vec<DataflowId> = rows.iter().map(|row| row.id).collect();
            for row in self.store().ended_dataflows(ENDED)? {
                if !known.contains(&DataflowId(row.id)) {
                    rows.push(records::info(&row, self.runtime_of(&row)));
                }
            }
            rows.sort_by_key(|row| (row.created, row.id));
        }
        Ok(rows)
    }

    fn runtime_of(&self, row: &DataflowRow) -> String {
        let found = self.store().runtime(row.runtime).ok().flatten();
        found.map_or_else(|| row.runtime.to_string(), |runtime| runtime_name(&runtime))
    }

    async fn remove(&self, reference: &DataflowRef, force: bool) -> Result<DataflowInfo> {
        let (info, sequence) = match self.find(reference)? {
            Found::Here(flow) => {
                if !flow.status().is_ended() {
                    if !force {
                        return Err(still_runs(&flow.name));
                    }
                    self.stop(&flow.id.into(), StopOptions { grace: None, force: true }).await?;
                }
                self.dataflows().remove(&flow.id);
                (flow.info(), flow.details().history.last().map_or(0, |event| event.sequence))
            }
            Found::Stored(row) if row.ended.is_none() => {
                return Err(if force { elsewhere(&row) } else { still_runs(&row.name) });
            }
            Found::Stored(row) => {
                let query = store::events::EventQuery { dataflow: Some(row.id), last: Some(1), ..Default::default() };
                let last = self.store().events(&query)?.pop().map_or(0, |row| row.event.sequence);
                (records::info(&row, self.runtime_of(&row)), last)
            }
        };
        if !self.store().remove_dataflow(info.id.0)? {
            return Err(self.unknown(&reference.0));
        }
        let directory = log_dir(self.store().home(), info.id);
        match std::fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Diagnostic::new(
                    codes::RUNTIME_FAILED,
                    format!("dataflow `{}` is removed, but its logs in {} are not", info.name, directory.display()),
                )
                .cause(error.to_string()));
            }
            _ => {}
        }
        let event = Event {
            sequence: sequence + 1,
            time: UnixNanos::now(),
            dataflow: info.id,
            dataflow_name: info.name.clone(),
            node: None,
            kind: EventKind::Removed,
            why: String::new(),
        };
        self.store().record_events(&[records::event(&event)])?;
        let _ = self.events.send(event);
        Ok(info)
    }

    fn inspect(&self, reference: &DataflowRef) -> Result<DataflowDetails> {
        match self.find(reference)? {
            Found::Here(flow) => Ok(flow.details()),
            Found::Stored(row) if row.ended.is_none() => Err(elsewhere(&row)),
            Found::Stored(row) => {
                let directory = log_dir(self.store().home(), DataflowId(row.id));
                records::details(self.store(), &row, self.runtime_of(&row), directory)
            }
        }
    }

    fn nodes(&self, query: &NodeQuery) -> Result<Vec<NodeInfo>> {
        if let Some(reference) = &query.dataflow {
            return match self.find(reference)? {
                Found::Here(flow) => Ok(flow.nodes()),
                Found::Stored(row) if row.ended.is_none() => Err(elsewhere(&row)),
                Found::Stored(row) => records::nodes(self.store(), &row),
            };
        }
        let live = self.live();
        let mut nodes: Vec<NodeInfo> = live.iter().flat_map(|flow| flow.nodes()).collect();
        if query.all {
            for row in self.store().ended_dataflows(ENDED)? {
                if !live.iter().any(|flow| flow.id.0 == row.id) {
                    nodes.extend(records::nodes(self.store(), &row)?);
                }
            }
        }
        Ok(nodes)
    }

    fn topics(&self, query: &TopicQuery) -> Result<Vec<TopicInfo>> {
        match &query.dataflow {
            Some(reference) => Ok(self.here(reference)?.topics()),
            None => Ok(self.live().iter().flat_map(|flow| flow.topics()).collect()),
        }
    }

    fn logs(&self, reference: &DataflowRef) -> Result<Logs> {
        match self.find(reference)? {
            Found::Here(flow) => Ok(Logs {
                dataflow: flow.id,
                dataflow_name: flow.name.clone(),
                directory: flow.journal.directory.clone(),
                journal: Some(flow.journal.clone()),
            }),
            // What another runtime writes can be read up to now; who wants to follow asks that runtime.
            Found::Stored(row) => Ok(Logs {
                dataflow: DataflowId(row.id),
                dataflow_name: row.name.clone(),
                directory: log_dir(self.store().home(), DataflowId(row.id)),
                journal: None,
            }),
        }
    }

    fn events(&self, query: &EventQuery) -> Result<BoxStream<'static, Result<Event>>> {
        let only = match &query.dataflow {
            None => None,
            Some(reference) => Some(match self.find(reference)? {
                Found::Here(flow) => flow.id,
                Found::Stored(row) => DataflowId(row.id),
            }),
        };
        // First listen, then read, so that nothing falls in between.
        let live = query.follow.then(|| self.events.subscribe());
        let mut before = Vec::new();
        if query.history {
            let stored = store::events::EventQuery { dataflow: only.map(|id| id.0), ..Default::default() };
            before = self.store().events(&stored)?.into_iter().map(|row| records::event_of(row.event)).collect();
        }
        let mut last: HashMap<DataflowId, u64> = HashMap::new();
        for event in &before {
            last.insert(event.dataflow, event.sequence);
        }
        let history = stream::iter(before.into_iter().map(Ok));
        let Some(live) = live else { return Ok(history.boxed()) };
        let finished =
            only.and_then(|id| self.dataflows().get(&id).cloned()).is_none_or(|flow| flow.status().is_ended());
        if only.is_some() && finished {
            return Ok(history.boxed());
        }
        Ok(history.chain(follow(live, only, last)).boxed())
    }

    async fn wait(&self, reference: &DataflowRef, condition: WaitCondition) -> Result<DataflowInfo> {
        let flow = match self.find(reference)? {
            Found::Here(flow) => flow,
            Found::Stored(row) if row.ended.is_none() => return Err(elsewhere(&row)),
            Found::Stored(row) => return Ok(records::info(&row, self.runtime_of(&row))),
        };
        let reached =
            |status: &Status| status.is_ended() || (condition == WaitCondition::Running && *status == Status::Running);
        // The sender lives as long as the dataflow, which we hold.
        let _ = flow.watch().wait_for(reached).await;
        Ok(flow.info())
    }

    async fn shutdown(self: &Arc<Self>) -> Result<()> {
        self.ended.store(true, std::sync::atomic::Ordering::Release);
        let live = self.live();
        for flow in &live {
            // One that ends by itself meanwhile is as good.
            let _ = flow.commands.send(Command::Stop(StopOptions::default()));
        }
        for flow in &live {
            until_ended(flow).await;
        }
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.abort_all();
        while tasks.join_next().await.is_some() {}
        drop(self.guard.lock().unwrap_or_else(PoisonError::into_inner).take());
        if self.machinery.get().is_some() {
            self.store().end_runtime(self.row.id, jiff::Timestamp::now())?;
        }
        Ok(())
    }
}

/// What a reference meant.
enum Found {
    Here(Arc<Dataflow>),
    Stored(Box<DataflowRow>),
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

/// Claims the wanted name, or else the first free one made of the descriptor's.
fn claim(store: &Store, mut row: DataflowRow, wanted: Option<String>, source: &DescriptorSource) -> Result<String> {
    if let Some(name) = wanted {
        row.name = checked_name(name)?;
        return match store.claim_dataflow(&row)? {
            Claim::Granted => Ok(row.name),
            Claim::Taken(holder) => Err(Diagnostic::new(
                codes::NAME_TAKEN,
                format!("another dataflow is called `{}` and is {}", holder.name, holder.status),
            )
            .help("stop that one first, or give this one another name with --name")
            .next(format!("dataflow stop {}", holder.name))),
        };
    }
    let stem = match source {
        DescriptorSource::File(path) => path.file_stem().map(|stem| stem.to_string_lossy().into_owned()),
        DescriptorSource::Text { .. } => None,
    };
    let stem = stem.and_then(|stem| checked_name(stem).ok()).unwrap_or_else(|| "dataflow".to_string());
    let mut number = 1;
    loop {
        row.name = if number == 1 { stem.clone() } else { format!("{stem}-{number}") };
        if store.claim_dataflow(&row)? == Claim::Granted {
            return Ok(row.name);
        }
        number += 1;
    }
}

/// A name must be one word, and no id.
fn checked_name(name: String) -> Result<String> {
    let fits = !name.is_empty()
        && name.len() <= 100
        && !name.starts_with('-')
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if fits && Uuid::parse_str(&name).is_err() {
        return Ok(name);
    }
    Err(Diagnostic::new(codes::INVALID_NAME, format!("`{name}` cannot be the name of a dataflow"))
        .help("a name is made of letters, digits, `_`, `-` and `.`, does not begin with `-`, and is not an id"))
}

async fn until_ended(flow: &Dataflow) {
    // The sender lives as long as the dataflow, which the caller holds.
    let _ = flow.watch().wait_for(|status| status.is_ended()).await;
}

fn follow(
    live: broadcast::Receiver<Event>,
    only: Option<DataflowId>,
    last: HashMap<DataflowId, u64>,
) -> impl futures::Stream<Item = Result<Event>> + Send + 'static {
    stream::unfold(Some((live, last)), move |state| async move {
        let (mut live, last) = state?;
        loop {
            match live.recv().await {
                Ok(event) => {
                    let known = last.get(&event.dataflow).is_some_and(|last| event.sequence <= *last);
                    if known || only.is_some_and(|only| only != event.dataflow) {
                        continue;
                    }
                    let over = only.is_some()
                        && event.node.is_none()
                        && matches!(event.kind, EventKind::Transition { to, .. } if to.is_ended());
                    return Some((Ok(event), (!over).then_some((live, last))));
                }
                Err(RecvError::Closed) => return None,
                Err(RecvError::Lagged(count)) => {
                    let error = Diagnostic::new(
                        codes::RUNTIME_FAILED,
                        format!("{count} events came faster than they were read and were passed over"),
                    )
                    .help("all of them are in the history");
                    return Some((Err(error), Some((live, last))));
                }
            }
        }
    })
}

fn sample(live: &[Arc<Dataflow>], mut system: Option<&mut sysinfo::System>) {
    use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate};
    let pids: Vec<Pid> = live.iter().flat_map(|flow| flow.pids()).map(Pid::from_u32).collect();
    let what = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
    if let Some(system) = &mut system {
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, what);
    }
    let now = Instant::now();
    for flow in live {
        flow.sample(now, |pid| {
            let process = system.as_ref()?.process(Pid::from_u32(pid))?;
            Some((f64::from(process.cpu_usage()) / 100.0, process.memory()))
        });
    }
}

fn internal(what: &str, error: &dyn std::fmt::Display) -> Box<Diagnostic> {
    Diagnostic::new(codes::RUNTIME_FAILED, format!("{what} failed inside the runtime")).cause(error.to_string())
}

fn ended() -> Box<Diagnostic> {
    Diagnostic::new(codes::RUNTIME_FAILED, "this runtime has ended").help("start the shell or the daemon again")
}

fn already_ended(name: &str, status: &str) -> Box<Diagnostic> {
    Diagnostic::new(codes::DATAFLOW_ENDED, format!("dataflow `{name}` has ended already: it is {status}"))
        .next(format!("dataflow inspect {name}"))
}

fn still_runs(name: &str) -> Box<Diagnostic> {
    Diagnostic::new(codes::DATAFLOW_RUNS, format!("dataflow `{name}` still runs"))
        .help("stop it first, or remove it with --force, which kills it")
        .next(format!("dataflow stop {name}"))
}

fn elsewhere(row: &DataflowRow) -> Box<Diagnostic> {
    Diagnostic::new(
        codes::OTHER_RUNTIME,
        format!("dataflow `{}` runs in another process, which does not answer", row.name),
    )
    .help("use it from the shell that started it")
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

/// The directory relative paths of a descriptor start at.
pub fn base_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}
