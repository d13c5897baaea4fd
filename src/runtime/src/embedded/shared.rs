//! What the parts of a runtime share, and the machinery that runs as long as it does.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use diag::{Diagnostic, Result, codes};
use dora_message::common::Timestamped;
use dora_message::daemon_to_node::OutputRouting;
use dora_message::node_to_daemon::DaemonRequest;
use dora_message::uhlc::HLC;
use store::runtimes::RuntimeRow;
use store::{ProcessId, Store};
use tokio::sync::{Notify, broadcast, mpsc};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{Options, runtime_name};
use crate::config::{Config, Settings};
use crate::descriptor::plan::PlannedNode;
use crate::guard::Guard;
use crate::model::{DataflowId, Event, LogLevel, StopOptions};
use crate::node_protocol::listener::Listener;
use crate::node_protocol::{Flow, Flows, Signal, dynamic};
use crate::router::Router;
use crate::router::timers::Timers;
use crate::supervisor::dataflow::Dataflow;
use crate::supervisor::process;
use crate::supervisor::task::commands::Command;
use crate::telemetry::page::Page;
use crate::telemetry::processes::Processes;
use crate::telemetry::publisher::Publisher;
use crate::{limits, sweep};

/// How often rates and the use of processor and memory are looked at.
const SAMPLE: Duration = Duration::from_secs(1);
/// How many events a listener may be behind.
const EVENTS: usize = 1024;

/// What the parts of one runtime share.
pub struct Shared {
    pub options: Options,
    /// What this home is set to.
    pub settings: Arc<Settings>,
    row: RuntimeRow,
    pub(super) clock: Arc<HLC>,
    dataflows: Mutex<HashMap<DataflowId, Arc<Dataflow>>>,
    table: Arc<FlowTable>,
    pub(super) events: broadcast::Sender<Event>,
    machinery: OnceLock<Machinery>,
    /// Held while the machinery is started, so that it is started once.
    starting: Mutex<()>,
    /// Taken when the runtime ends; `None` from then on.
    guard: Mutex<Option<Guard>>,
    pub(super) tasks: Mutex<JoinSet<()>>,
    ended: AtomicBool,
    /// The ports at which dynamic nodes are answered, or will be when they are free.
    dynamic_ports: Mutex<HashSet<u16>>,
    /// Told when a dataflow is taken in.
    admitted: Arc<Notify>,
    /// Why there is no telemetry page.
    unseen: OnceLock<String>,
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
impl Shared {
    /// Makes what a runtime needs before its first dataflow: nothing.
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
        let settings = Settings::new(options.store.home().clone(), options.sources.clone());
        Shared {
            options,
            settings: Arc::new(settings),
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
            dynamic_ports: Mutex::default(),
            admitted: Arc::default(),
            unseen: OnceLock::new(),
        }
    }

    /// How this runtime is known in the store.
    pub fn row(&self) -> &RuntimeRow {
        &self.row
    }

    /// Whether it has ever started a dataflow.
    pub fn is_active(&self) -> bool {
        self.machinery.get().is_some()
    }

    /// Where state is kept.
    pub fn store(&self) -> &Store {
        &self.options.store
    }

    pub(super) fn name(&self) -> String {
        runtime_name(&self.row)
    }

    /// How long a node may take to stop, unless the order says otherwise.
    pub fn grace_period(&self) -> Duration {
        // One that is not valid any more has been told of by whoever read it.
        self.settings.get().map_or_else(|_| Config::default().grace_period, |config| config.grace_period)
    }

    /// How many connections of nodes are open.
    pub(super) fn connections(&self) -> usize {
        self.machinery.get().map_or(0, |machinery| machinery.listener.connections())
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
    pub fn hang_up(&self, flow: DataflowId, node: usize) {
        if let Some(machinery) = self.machinery.get() {
            machinery.listener.disconnect(flow, Some(node));
        }
    }

    /// Takes a dataflow in, so that its nodes and those who ask find it.
    pub(super) fn admit(&self, flow: Arc<Dataflow>, signals: mpsc::UnboundedSender<Signal>) {
        let entry = Arc::new(Flow { id: flow.id, router: flow.router.clone(), signals });
        self.table.0.lock().unwrap_or_else(PoisonError::into_inner).insert(flow.id, entry);
        self.dataflows().insert(flow.id, flow.clone());
        self.admitted.notify_one();
        if let Some(error) = self.unseen.get() {
            flow.notice(None, LogLevel::Warn, format!("nobody can look at its figures: {error}"));
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

    pub(super) fn dataflows(&self) -> MutexGuard<'_, HashMap<DataflowId, Arc<Dataflow>>> {
        self.dataflows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The dataflows of this process that have not ended, oldest first.
    pub(super) fn live(&self) -> Vec<Arc<Dataflow>> {
        let mut live: Vec<_> = self.dataflows().values().filter(|flow| !flow.status().is_ended()).cloned().collect();
        live.sort_by_key(|flow| flow.id);
        live
    }

    /// Starts what every dataflow needs: the guard before anything it could be needed for.
    pub(super) fn start_machinery(self: &Arc<Self>) -> Result<()> {
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if self.ended.load(Ordering::Acquire) {
            return Err(ended());
        }
        if self.machinery.get().is_some() {
            return Ok(());
        }
        limits::raise();
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
        self.watch_over();
        Ok(())
    }

    /// Keeps looking at what the dataflows do, and publishes it; rests while there are none.
    fn watch_over(self: &Arc<Self>) {
        let watched = Arc::downgrade(self);
        let admitted = self.admitted.clone();
        let page = Page::create(self.row.id, self.row.process);
        let mut publisher = page.map(|page| Publisher::new(page, runtime_name(&self.row)));
        if let Err(error) = &publisher {
            let _ = self.unseen.set(error.clone());
        }
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(async move {
            let mut processes = Processes::default();
            let mut due = Instant::now();
            while let Some(shared) = watched.upgrade() {
                let live = shared.live();
                drop(shared);
                let now = Instant::now();
                if now >= due {
                    sample(&live, &mut processes);
                    due = now + SAMPLE;
                }
                // What cannot be published grows old on the page, and readers are told how old.
                let pause = publisher.as_mut().ok().and_then(|publisher| publisher.publish(&live).ok());
                if live.is_empty() {
                    admitted.notified().await;
                } else {
                    drop(live);
                    tokio::time::sleep(pause.unwrap_or(SAMPLE)).await;
                }
            }
        });
    }

    /// Lets a node be found that somebody else starts.
    pub fn expect_dynamic(self: &Arc<Self>, flow: &Arc<Dataflow>, planned: &PlannedNode) -> Result<()> {
        let failed = |error: &dyn std::fmt::Display| {
            let message = format!("the dynamic node `{}` cannot be made known", planned.id);
            Diagnostic::new(codes::RUNTIME_FAILED, message).cause(error.to_string())
        };
        // It comes and goes, so that its messages always pass the router.
        let routed = OutputRouting { daemon_only: true, ..OutputRouting::default() };
        let routing = planned.run_config.outputs.iter().map(|id| (id.clone(), routed.clone())).collect();
        let config = process::config(flow, planned, 0, self.address(), routing);
        let json = serde_json::to_string(&config).map_err(|error| failed(&error))?;
        self.store().record_dynamic_node(flow.id.0, planned.id.as_ref(), &json)?;
        let named = flow.options.env.get(dynamic::PORT_VARIABLE).cloned();
        let named = named.or_else(|| std::env::var(dynamic::PORT_VARIABLE).ok());
        let port = match &named {
            Some(text) => text
                .trim()
                .parse()
                .map_err(|_| failed(&format!("`{text}` in {} is not the number of a port", dynamic::PORT_VARIABLE)))?,
            None => dynamic::PORT,
        };
        if !self.dynamic_ports.lock().unwrap_or_else(PoisonError::into_inner).insert(port) {
            return Ok(());
        }
        let (held, told) = tokio::sync::oneshot::channel();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = move |error| {
            // Whoever is told may have ended.
            let _ = held.send(error);
        };
        tasks.spawn(dynamic::serve(port, self.store().clone(), Some(waiting)));
        let (clock, flow, node) = (self.clock.clone(), flow.clone(), planned.id.clone());
        tasks.spawn(async move {
            let Ok(error) = told.await else { return };
            let inner = DaemonRequest::NodeConfig { node_id: node.clone() };
            let request = Timestamped { inner, timestamp: clock.new_timestamp() };
            let answer = dynamic::ask(port, &node, &request).await;
            if answer.is_none_or(|config| config.dataflow_id != flow.id.0) {
                let text = format!(
                    "its dynamic nodes cannot find it yet: another program holds port {port}, where they ask ({error})"
                );
                flow.notice(None, LogLevel::Warn, text);
            }
        });
        Ok(())
    }

    /// Stops all dataflows and ends. With `preserve`, the next daemon starts them again.
    pub(super) async fn shutdown(self: &Arc<Self>, preserve: bool, grace: Option<Duration>) -> Result<()> {
        self.ended.store(true, Ordering::Release);
        let live = self.live();
        if preserve {
            // First, so that one that dies over it is started again too.
            for flow in &live {
                self.store().interrupt_dataflow(flow.id.0, flow.status().as_str())?;
            }
        }
        for flow in &live {
            // One that ends by itself meanwhile is as good.
            let _ = flow.commands.send(Command::Stop(StopOptions { grace, force: false }));
        }
        for flow in &live {
            flow.until_ended().await;
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

fn sample(live: &[Arc<Dataflow>], processes: &mut Processes) {
    let pids: Vec<u32> = live.iter().flat_map(|flow| flow.pids()).collect();
    let usage = processes.sample(&pids);
    let now = Instant::now();
    for flow in live {
        flow.sample(now, &usage);
    }
}

/// What calls get when the runtime has ended.
pub(super) fn ended() -> Box<Diagnostic> {
    Diagnostic::new(codes::RUNTIME_FAILED, "this runtime has ended").help("start the shell or the daemon again")
}
