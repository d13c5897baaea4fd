//! The one task that changes a dataflow: it starts the nodes, holds the barrier, stops, restarts, and finishes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use diag::{Diagnostic, Result, codes};
use dora_message::config::InputMapping;
use dora_message::daemon_to_node::NodeEvent;
use dora_message::descriptor::RestartPolicy;
use dora_message::id::{NodeId, OperatorId};
use rustix::process::Signal as Kill;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::dataflow::Dataflow;
use super::paths;
use super::process::{self, Ended};
use crate::descriptor::plan::{PlannedInput, PlannedNode};
use crate::embedded::orders::no_node;
use crate::embedded::shared::Shared;
use crate::guard::kill_group;
use crate::model::{DataflowInfo, InputRef, LogLevel, NodeExit, PathChoice, Status, StopOptions, Topic, UnixNanos};
use crate::node_protocol::Signal;
use crate::records;
use crate::router::Report;
use crate::router::wiring::{Odd, Target};

/// How long a node may take to stop by itself.
const GRACE: Duration = Duration::from_secs(10);
/// How long the others may take to end when one has died before all were ready.
const ABORT_GRACE: Duration = Duration::from_secs(2);
/// How long connections of a node may stay open after its process has ended.
const DRAIN: Duration = Duration::from_secs(1);

/// What a supervisor is asked to do, and who is told how it went.
pub enum Command {
    Stop(StopOptions),
    /// Holds timers and deliveries; with `freeze`, the processes too.
    Pause {
        freeze: bool,
        done: Done,
    },
    Resume {
        done: Done,
    },
    Node {
        node: NodeId,
        order: Order,
        done: Done,
    },
    /// Takes a new node in and starts it.
    Add {
        node: Box<PlannedNode>,
        done: Done,
    },
    /// Feeds an input, a new one or one that nothing feeds.
    Connect {
        node: NodeId,
        input: Box<PlannedInput>,
        done: Done,
    },
    /// Ends the feeding of an input.
    Disconnect {
        input: InputRef,
        done: Done,
    },
}

/// Told once when something is done, or why it was not.
pub type Done = oneshot::Sender<Result<()>>;

/// What one node is to do.
pub enum Order {
    /// End, and stay in the dataflow. Its consumers' inputs stay open.
    Stop(StopOptions),
    Start,
    /// End and start again. It counts as no crash, and its consumers' inputs stay open.
    Restart(StopOptions),
    /// The same, and its outputs take another way from then on.
    Reroute(StopOptions, PathChoice),
    /// End and leave the dataflow.
    Remove(StopOptions),
    /// End and start again as this.
    Replace(Box<PlannedNode>, StopOptions),
    /// Load its code again: an event for the node, which knows how.
    Reload(Option<OperatorId>),
}

/// Where the barrier is.
enum Barrier {
    /// Nodes that have subscribed wait for the others.
    Waiting(Vec<SyncSender<Result<(), String>>>),
    Open,
    /// This node died before all were ready.
    Broken(NodeId),
}

/// What to do with a process that still runs, and when.
#[derive(Clone, Copy)]
struct Ladder {
    next: Instant,
    then: Step,
    /// From SIGTERM to SIGKILL.
    patience: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Terminate,
    Kill,
}

/// Whether anything more can happen to a node.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Rest {
    #[default]
    No,
    /// It was stopped, and can be started again as long as others run.
    Parked,
    Done,
}

/// What follows when the process of a node ends.
#[derive(Default)]
enum Then {
    /// It ended of its own accord, or was killed for a fault: its rules decide.
    #[default]
    Judge,
    Park,
    Restart,
    Reroute(PathChoice),
    Remove,
    Replace(Box<PlannedNode>),
}

/// What only the supervisor knows of a node.
#[derive(Default)]
struct Member {
    /// The process group while the process runs or its end is being settled.
    group: Option<u32>,
    connections: usize,
    subscribed: bool,
    /// How it ended, while connections are still open, and until when they may be.
    draining: Option<(Ended, Instant)>,
    /// When it is started again.
    restart_at: Option<Instant>,
    /// Until when it has to be ready.
    ready_by: Option<Instant>,
    /// Until when it has to end, now that nothing can come to it any more and all others have ended.
    end_by: Option<Instant>,
    /// How it is made to end.
    ladder: Option<Ladder>,
    /// We have killed it, with this.
    killed: Option<Kill>,
    /// The fault it was killed for.
    fault: Option<String>,
    then: Then,
    /// Those who wait for it to have stopped or to be ready.
    waiting: Vec<Done>,
    /// Restarts in the present window, and when that began.
    window: (u32, Option<Instant>),
    rest: Rest,
    /// Nodes that have to be ready before it is started, because it will look for them.
    awaits: BTreeSet<usize>,
    /// It has been started, or that was tried.
    begun: bool,
}

struct Supervisor {
    flow: Arc<Dataflow>,
    shared: Arc<Shared>,
    members: Vec<Member>,
    barrier: Barrier,
    stopping: bool,
    frozen: bool,
    exits: JoinSet<(usize, Ended)>,
    /// Told when the barrier opens, or the dataflow has ended before.
    started: Option<oneshot::Sender<Result<DataflowInfo>>>,
    failure: Option<Box<Diagnostic>>,
}

/// What a supervisor listens to.
pub struct Ears {
    pub signals: mpsc::UnboundedReceiver<Signal>,
    pub reports: mpsc::UnboundedReceiver<Report>,
    pub commands: mpsc::UnboundedReceiver<Command>,
}

/// Runs a dataflow to its end. `started` is told how the start went.
pub async fn supervise(
    flow: Arc<Dataflow>,
    shared: Arc<Shared>,
    ears: Ears,
    started: oneshot::Sender<Result<DataflowInfo>>,
) {
    let Ears { mut signals, mut reports, mut commands } = ears;
    let members = flow.plan().nodes.iter().map(|_| Member::default()).collect();
    let mut supervisor = Supervisor {
        flow,
        shared,
        members,
        barrier: Barrier::Waiting(Vec::new()),
        stopping: false,
        frozen: false,
        exits: JoinSet::new(),
        started: Some(started),
        failure: None,
    };
    supervisor.start();
    while supervisor.goes_on() {
        let deadline = supervisor.deadline();
        tokio::select! {
            biased;
            Some(signal) = signals.recv() => supervisor.signal(signal),
            Some(Ok((node, ended))) = supervisor.exits.join_next() => supervisor.exited(node, ended),
            Some(command) = commands.recv() => supervisor.command(command),
            Some(report) = reports.recv() => supervisor.report(report),
            () = at(deadline) => supervisor.tick(),
        }
    }
    supervisor.finish();
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

impl Supervisor {
    /// Whether anything is left to wait for. Nodes that were stopped by hand wait for nothing but the others.
    fn goes_on(&self) -> bool {
        self.members.iter().any(|member| member.rest == Rest::No)
    }

    fn start(&mut self) {
        for text in self.flow.plan().notices.clone() {
            self.flow.notice(None, LogLevel::Warn, text);
        }
        self.told(self.flow.transition(Status::Starting, ""));
        for node in 0..self.members.len() {
            self.decide_paths(node, self.flow.options.path);
        }
        for node in 0..self.members.len() {
            let peers = paths::peers(&self.flow.router.wiring(), node);
            if let Some(member) = self.members.get_mut(node) {
                member.awaits = peers.into_iter().filter(|peer| *peer < node).collect();
            }
        }
        self.spawn_those_who_can();
    }

    /// Starts the nodes that have not been started and wait for no other.
    fn spawn_those_who_can(&mut self) {
        for node in 0..self.members.len() {
            let Some(member) = self.members.get_mut(node) else { continue };
            if matches!(self.barrier, Barrier::Broken(_)) && !member.begun && member.rest == Rest::No {
                member.rest = Rest::Done;
                self.told(self.flow.node_transition(node, Status::Stopped, "another node could not be started"));
            } else if !member.begun && member.rest == Rest::No && member.awaits.is_empty() && !self.stopping {
                member.begun = true;
                self.spawn(node);
            }
        }
    }

    /// Decides which way the outputs of a node take from its next process on.
    fn decide_paths(&self, node: usize, choice: PathChoice) {
        for refusal in paths::decide(&self.flow, node, choice) {
            self.flow.notice(Some(node), LogLevel::Warn, refusal);
        }
    }

    /// A store that cannot be written stops no dataflow: it is said where it can be.
    fn told(&self, result: Result<()>) {
        if let Err(error) = result {
            self.flow.journal.say(None, LogLevel::Error, format!("its state cannot be recorded: {error}"));
        }
    }

    fn id(&self, node: usize) -> String {
        self.flow.plan().nodes.get(node).map(|planned| planned.id.to_string()).unwrap_or_default()
    }

    /// What a node is called when it runs.
    fn running(&self) -> Status {
        if self.flow.status() == Status::Paused { Status::Paused } else { Status::Running }
    }

    fn spawn(&mut self, node: usize) {
        let plan = self.flow.plan();
        let Some(planned) = plan.nodes.get(node) else { return };
        let incarnation = self.flow.lock().nodes.get(node).map_or(0, |state| state.incarnation);
        if incarnation == 0 {
            self.told(self.flow.node_transition(node, Status::Starting, ""));
        }
        let keeps = !matches!(planned.restart.policy, RestartPolicy::Never);
        self.flow.router.keep_outputs(node, keeps && !self.stopping);
        let running = match process::spawn(&self.flow, node, incarnation, self.shared.address()) {
            Ok(running) => running,
            Err(error) => return self.not_spawned(node, &error),
        };
        let group = running.id.pid;
        if let Err(error) = self.shared.guard(|guard| guard.add(group)) {
            self.flow.notice(None, LogLevel::Error, format!("its nodes are not guarded against a crash: {error}"));
        }
        let now = UnixNanos::now();
        if let Some(state) = self.flow.lock().nodes.get_mut(node) {
            state.process = Some(running.id);
            state.incarnation += 1;
            state.started = Some(now);
            state.ended = None;
            state.stderr.clear();
        }
        self.told(self.shared.store().record_node_process(&records::process(
            self.flow.id,
            self.id(node),
            running.id,
            now,
        )));
        if let Some(member) = self.members.get_mut(node) {
            let ready_by = planned.health.startup.map(|limit| Instant::now() + limit);
            *member = Member {
                group: Some(group),
                ready_by,
                window: member.window,
                waiting: std::mem::take(&mut member.waiting),
                begun: true,
                ..Member::default()
            };
        }
        self.exits.spawn(async move { (node, running.wait().await) });
    }

    fn not_spawned(&mut self, node: usize, error: &std::io::Error) {
        let id = self.id(node);
        let program = self.flow.plan().nodes.get(node).map(|planned| planned.program.path.display().to_string());
        let program = program.unwrap_or_default();
        let why = format!("`{program}` could not be started: {error}");
        let failure = Diagnostic::new(codes::NODE_NOT_STARTED, format!("node `{id}` could not be started"))
            .cause(format!("{program}: {error}"))
            .help("check that the file exists, is executable, and has the right interpreter in its first line");
        self.failure.get_or_insert_with(|| failure.clone());
        self.gone(node, Status::Failed, why);
        self.answer(node, Err(failure));
    }

    /// Tells those who wait for a node.
    fn answer(&mut self, node: usize, result: Result<()>) {
        let Some(member) = self.members.get_mut(node) else { return };
        for done in member.waiting.drain(..) {
            // Who has given up waiting need not be told.
            let _ = done.send(result.clone());
        }
    }

    fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::Connected { node } => {
                if let Some(member) = self.members.get_mut(node) {
                    member.connections += 1;
                }
            }
            Signal::Disconnected { node } => {
                let Some(member) = self.members.get_mut(node) else { return };
                member.connections = member.connections.saturating_sub(1);
                if member.connections == 0
                    && let Some((ended, _)) = member.draining.take()
                {
                    self.settle(node, ended);
                }
            }
            Signal::Subscribed { node, answer } => self.subscribed(node, answer),
            Signal::Notice { node, text } => self.flow.notice(Some(node), LogLevel::Warn, text),
        }
    }

    fn report(&self, report: Report) {
        match report {
            Report::Dropped { node, input, count } => {
                let Some(named) = self.input(Target { node, input }) else { return };
                let messages = if count == 1 { "message was" } else { "messages were" };
                let text = format!(
                    "{count} {messages} dropped at its input `{}`, whose queue of {} is full",
                    named.id, named.queue_size
                );
                self.flow.warn(node, text, count);
            }
            Report::Recovered { node, input } => {
                let Some(named) = self.input(Target { node, input }) else { return };
                self.flow.notice(Some(node), LogLevel::Info, format!("its input `{}` gets messages again", named.id));
            }
            Report::Odd { node, output, odd: Odd::Fallback, count, .. } => {
                let text = format!(
                    "{count} of its output `{output}` came through the runtime and not directly: its pool of shared \
                     memory is too small for them, or a consumer did not answer in time"
                );
                self.flow.warn(node, text, count);
            }
            Report::Odd { node, output, payload, odd: Odd::Large, count } => {
                let text = format!(
                    "its output `{output}` sends {payload} bytes through the runtime, {count} such messages by now; \
                     `node restart {}/{} --path direct` makes that faster",
                    self.flow.name,
                    self.id(node)
                );
                self.flow.warn(node, text, count);
            }
        }
    }

    fn input(&self, target: Target) -> Option<PlannedInput> {
        self.flow.router.port(target.node)?.inputs.get(target.input).cloned()
    }

    fn subscribed(&mut self, node: usize, answer: SyncSender<Result<(), String>>) {
        let Some(member) = self.members.get_mut(node) else { return };
        member.subscribed = true;
        member.ready_by = None;
        if let Some(state) = self.flow.lock().nodes.get_mut(node) {
            state.ready = true;
        }
        self.members.iter_mut().for_each(|member| drop(member.awaits.remove(&node)));
        // The channel holds one answer and this is the only one, so that sending never waits.
        match &mut self.barrier {
            Barrier::Waiting(waiting) => waiting.push(answer),
            Barrier::Open => {
                let _ = answer.send(Ok(()));
                if !self.stopping {
                    self.joined(node);
                }
            }
            Barrier::Broken(culprit) => drop(answer.send(Err(broken(culprit)))),
        }
        self.spawn_those_who_can();
        self.try_barrier();
    }

    /// A node is ready in a dataflow that runs.
    fn joined(&mut self, node: usize) {
        self.told(self.flow.node_transition(node, self.running(), ""));
        self.flow.router.reopen_outputs(node);
        let (restarted, params) = {
            let state = self.flow.lock();
            state.nodes.get(node).map_or((false, Vec::new()), |state| {
                (state.incarnation > 1, state.params.clone().into_iter().collect())
            })
        };
        if restarted {
            self.flow.router.tell_restart(node);
        }
        for (key, value) in params {
            let value_json = serde_json::to_vec(&value).unwrap_or_default();
            self.flow.router.tell(node, &NodeEvent::ParamUpdate { key, value_json });
        }
        self.answer(node, Ok(()));
    }

    /// Opens the barrier when all who are expected wait at it.
    fn try_barrier(&mut self) {
        if self.members.iter().all(|member| member.subscribed || member.rest != Rest::No) {
            self.open_barrier();
        }
    }

    fn open_barrier(&mut self) {
        let Barrier::Waiting(waiting) = &mut self.barrier else { return };
        let waiting = std::mem::take(waiting);
        self.barrier = Barrier::Open;
        if !self.stopping {
            let now = UnixNanos::now();
            self.flow.lock().started = Some(now);
            for node in 0..self.members.len() {
                if self.members.get(node).is_some_and(|member| member.rest == Rest::No) {
                    self.told(self.flow.node_transition(node, Status::Running, ""));
                    self.answer(node, Ok(()));
                }
            }
            let started =
                self.shared.store().set_dataflow_started(self.flow.id.0, Status::Running.as_str(), records::time(now));
            self.told(started);
            self.told(self.flow.transition(Status::Running, ""));
            self.flow.router.begin();
            self.shared.start_timers(&self.flow.router);
            self.report_start();
        }
        for answer in waiting {
            let _ = answer.send(Ok(()));
        }
    }

    fn report_start(&mut self) {
        if let Some(started) = self.started.take() {
            // The caller may have gone; the dataflow goes on.
            let _ = started.send(Ok(self.flow.info()));
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Stop(options) => self.stop(options),
            Command::Pause { freeze, done } => drop(done.send(self.pause(freeze))),
            Command::Resume { done } => drop(done.send(self.resume())),
            Command::Node { node, order, done } => self.order(&node, order, done),
            Command::Add { node, done } => self.add(*node, done),
            Command::Connect { node, input, done } => drop(done.send(self.connect(&node, *input))),
            Command::Disconnect { input, done } => drop(done.send(self.disconnect(&input))),
        }
    }

    fn stop(&mut self, options: StopOptions) {
        if !self.stopping {
            self.stopping = true;
            let why = if options.force { "killed" } else { "stop was asked for" };
            self.told(self.shared.store().set_dataflow_status(self.flow.id.0, Status::Stopping.as_str()));
            self.told(self.flow.transition(Status::Stopping, why));
            self.thaw();
            self.flow.router.stop();
            self.open_barrier();
            self.cancel_restarts();
        }
        for node in 0..self.members.len() {
            self.climb(node, options);
        }
    }

    /// Puts the process of a node on the ladder that ends it, or further up on it.
    fn climb(&mut self, node: usize, options: StopOptions) {
        let Some(member) = self.members.get_mut(node).filter(|member| member.group.is_some()) else { return };
        let grace = options.grace.unwrap_or(GRACE);
        let next = Instant::now() + grace;
        if options.force {
            self.kill(node, Kill::KILL);
        } else if member.ladder.is_none_or(|ladder| next < ladder.next) {
            member.ladder = Some(Ladder { next, then: Step::Terminate, patience: grace / 2 });
        }
    }

    fn cancel_restarts(&mut self) {
        // Those that were never started, because they waited for others, are done with too.
        for node in 0..self.members.len() {
            let unborn = |member: &&mut Member| !member.begun && member.rest == Rest::No;
            if self.stopping && self.members.get_mut(node).filter(unborn).is_some() {
                self.gone(node, Status::Stopped, String::new());
            }
        }
        let waiting = (0..self.members.len())
            .filter(|&node| self.members.get_mut(node).is_some_and(|member| member.restart_at.take().is_some()));
        for node in waiting.collect::<Vec<_>>() {
            self.gone(node, Status::Stopped, String::new());
        }
    }

    /// Signals the process of a node, if it still runs.
    fn kill(&mut self, node: usize, signal: Kill) {
        let Some(member) = self.members.get_mut(node) else { return };
        if let Some(group) = member.group {
            member.killed = Some(signal);
            kill_group(group, signal);
            // A frozen process takes no other signal.
            kill_group(group, Kill::CONT);
        }
        if signal == Kill::KILL {
            member.ladder = None;
        }
    }

    /// Kills a node for a fault. What its rules say of failures applies.
    fn punish(&mut self, node: usize, fault: String) {
        self.flow.notice(Some(node), LogLevel::Error, format!("it is killed: {fault}"));
        if let Some(member) = self.members.get_mut(node) {
            member.fault = Some(fault);
            (member.ready_by, member.end_by) = (None, None);
        }
        self.kill(node, Kill::KILL);
    }

    fn pause(&mut self, freeze: bool) -> Result<()> {
        if self.flow.status() != Status::Running {
            return Err(self.not_now("pause", "only a running dataflow can be paused"));
        }
        if let Some(topic) = self.flow.direct_outputs().first() {
            return Err(direct(&self.flow, topic));
        }
        self.flow.router.pause();
        let why = if freeze { "its processes are frozen too" } else { "" };
        self.told(self.shared.store().set_dataflow_status(self.flow.id.0, Status::Paused.as_str()));
        self.told(self.flow.transition(Status::Paused, why));
        self.rename(Status::Running, Status::Paused);
        if freeze {
            self.frozen = true;
            self.members.iter().filter_map(|member| member.group).for_each(|group| kill_group(group, Kill::STOP));
        }
        Ok(())
    }

    fn resume(&mut self) -> Result<()> {
        if self.flow.status() != Status::Paused {
            return Err(self.not_now("resume", "only a paused dataflow can be resumed"));
        }
        self.thaw();
        self.told(self.shared.store().set_dataflow_status(self.flow.id.0, Status::Running.as_str()));
        self.told(self.flow.transition(Status::Running, ""));
        self.rename(Status::Paused, Status::Running);
        self.flow.router.resume();
        Ok(())
    }

    fn thaw(&mut self) {
        if std::mem::take(&mut self.frozen) {
            self.members.iter().filter_map(|member| member.group).for_each(|group| kill_group(group, Kill::CONT));
        }
    }

    fn rename(&self, from: Status, to: Status) {
        let nodes: Vec<usize> = {
            let state = self.flow.lock();
            (0..state.nodes.len()).filter(|&node| state.nodes[node].status == from).collect()
        };
        for node in nodes {
            self.told(self.flow.node_transition(node, to, ""));
        }
    }

    fn not_now(&self, what: &str, help: &str) -> Box<Diagnostic> {
        let (name, status) = (&self.flow.name, self.flow.status());
        Diagnostic::new(codes::WRONG_STATE, format!("cannot {what} dataflow `{name}`: it is {status}")).help(help)
    }

    fn find(&self, node: &NodeId) -> Result<usize> {
        self.flow.router.find(node).ok_or_else(|| no_node(&self.flow, node))
    }

    fn order(&mut self, node: &NodeId, order: Order, done: Done) {
        let node = match self.find(node) {
            Ok(node) => node,
            Err(error) => return drop(done.send(Err(error))),
        };
        if self.stopping || matches!(self.barrier, Barrier::Broken(_)) {
            return drop(done.send(Err(self.not_now("change a node of", "it is about to end"))));
        }
        let Some(member) = self.members.get_mut(node) else { return };
        let alive = member.group.is_some();
        match order {
            Order::Reload(operator_id) => {
                self.flow.router.tell(node, &NodeEvent::Reload { operator_id });
                let _ = done.send(Ok(()));
            }
            Order::Start if alive || member.restart_at.is_some() => {
                let id = self.id(node);
                let error = Diagnostic::new(codes::WRONG_STATE, format!("node `{id}` runs already"));
                let _ = done.send(Err(error.next(format!("node restart {}/{id}", self.flow.name))));
            }
            Order::Start => {
                member.waiting.push(done);
                self.respawn(node);
            }
            Order::Stop(_) if !alive && member.restart_at.is_none() => {
                let id = self.id(node);
                let error = Diagnostic::new(codes::WRONG_STATE, format!("node `{id}` does not run"));
                let _ = done.send(Err(error.next(format!("node start {}/{id}", self.flow.name))));
            }
            Order::Stop(options) => self.end(node, Then::Park, options, done),
            Order::Restart(options) => self.end(node, Then::Restart, options, done),
            Order::Reroute(options, path) => self.end(node, Then::Reroute(path), options, done),
            Order::Remove(options) => self.end(node, Then::Remove, options, done),
            Order::Replace(planned, options) => self.end(node, Then::Replace(planned), options, done),
        }
    }

    /// Ends the process of a node, if it runs, and does then what is to follow.
    fn end(&mut self, node: usize, then: Then, options: StopOptions, done: Done) {
        let Some(member) = self.members.get_mut(node) else { return };
        member.waiting.push(done);
        member.then = then;
        if member.group.is_none() {
            member.restart_at = None;
            return self.follow(node, String::new());
        }
        if !matches!(member.then, Then::Remove) {
            self.flow.router.keep_outputs(node, true);
        }
        self.told(self.flow.node_transition(node, Status::Stopping, "asked for"));
        self.flow.router.dismiss(node);
        if self.frozen
            && let Some(group) = self.members.get(node).and_then(|member| member.group)
        {
            kill_group(group, Kill::CONT);
        }
        self.climb(node, options);
    }

    /// Does what was to follow the end of a process.
    fn follow(&mut self, node: usize, how: String) {
        let Some(member) = self.members.get_mut(node) else { return };
        match std::mem::take(&mut member.then) {
            Then::Judge => {}
            Then::Park => {
                member.rest = Rest::Parked;
                self.told(self.flow.node_transition(node, Status::Stopped, how));
                self.answer(node, Ok(()));
                self.try_barrier();
                self.watch_the_last();
            }
            Then::Restart => self.respawn(node),
            Then::Reroute(path) => {
                self.decide_paths(node, path);
                self.respawn(node);
            }
            Then::Remove => {
                if let Err(error) = self.flow.router.remove(node) {
                    self.flow.notice(Some(node), LogLevel::Error, format!("it could not be taken out: {error}"));
                }
                self.gone(node, Status::Stopped, "removed".to_string());
                if let Some(state) = self.flow.lock().nodes.get_mut(node) {
                    state.removed = true;
                }
                self.answer(node, Ok(()));
                self.try_barrier();
            }
            Then::Replace(planned) => {
                if let Err(error) = self.flow.router.replace(node, &planned) {
                    let id = self.id(node);
                    let error = Diagnostic::new(codes::RUNTIME_FAILED, format!("node `{id}` could not be replaced"))
                        .cause(error.to_string());
                    self.answer(node, Err(error));
                }
                self.flow.change_plan(|plan| {
                    if let Some(old) = plan.nodes.get_mut(node) {
                        *old = *planned;
                    }
                });
                self.shared.start_timers(&self.flow.router);
                self.respawn(node);
            }
        }
    }

    /// Starts a node again, by hand or by its rules.
    fn respawn(&mut self, node: usize) {
        self.told(self.flow.node_transition(node, Status::Restarting, ""));
        if let Some(port) = self.flow.router.port(node) {
            port.mailbox.reopen();
        }
        self.spawn(node);
    }

    fn add(&mut self, node: PlannedNode, done: Done) {
        if self.stopping || !matches!(self.barrier, Barrier::Open) {
            return drop(done.send(Err(self.not_now("add a node to", "wait until it runs"))));
        }
        let place = match self.flow.router.add(&node) {
            Ok(place) => place,
            Err(error) => {
                let error = Diagnostic::new(codes::RUNTIME_FAILED, format!("node `{}` could not be added", node.id))
                    .cause(error.to_string());
                return drop(done.send(Err(error)));
            }
        };
        self.flow.admit(node);
        self.members.push(Member { waiting: vec![done], begun: true, ..Member::default() });
        self.shared.start_timers(&self.flow.router);
        self.spawn(place);
    }

    fn connect(&mut self, node: &NodeId, input: PlannedInput) -> Result<()> {
        let place = self.find(node)?;
        let failed = |error: std::io::Error| {
            Diagnostic::new(codes::RUNTIME_FAILED, format!("input `{}` of `{node}` could not be fed", input.id))
                .cause(error.to_string())
        };
        self.flow.router.connect(place, &input).map_err(failed)?;
        self.shared.start_timers(&self.flow.router);
        let text = format!("its input `{}` is fed by `{}` from now on", input.id, input.mapping);
        self.flow.change_plan(|plan| {
            let Some(planned) = plan.nodes.get_mut(place) else { return };
            planned.inputs.retain(|known| known.id != input.id);
            planned.inputs.push(input);
        });
        self.flow.notice(Some(place), LogLevel::Info, text);
        Ok(())
    }

    fn disconnect(&mut self, input: &InputRef) -> Result<()> {
        let place = self.find(&input.node)?;
        let wiring = self.flow.router.wiring();
        let target = wiring.target(place, &input.input).filter(|target| wiring.is_fed(*target));
        let Some(target) = target else {
            let message = format!("nothing feeds the input `{}` of node `{}`", input.input, input.node);
            return Err(Diagnostic::new(codes::INPUT_NOT_FOUND, message)
                .next(format!("node inspect {}/{}", self.flow.name, input.node)));
        };
        self.flow.router.disconnect(target).map_err(|error| {
            Diagnostic::new(codes::RUNTIME_FAILED, "the input could not be disconnected").cause(error.to_string())
        })?;
        self.flow.change_plan(|plan| {
            if let Some(planned) = plan.nodes.get_mut(place) {
                planned.inputs.retain(|known| known.id != input.input);
            }
        });
        self.flow.notice(Some(place), LogLevel::Info, format!("its input `{}` is fed no more", input.input));
        Ok(())
    }

    /// When something is to be done that nobody will tell of.
    fn deadline(&self) -> Option<Instant> {
        let members = self.members.iter().flat_map(|member| {
            let draining = member.draining.as_ref().map(|(_, until)| *until);
            let ladder = member.ladder.map(|ladder| ladder.next);
            [member.restart_at, member.ready_by, member.end_by, draining, ladder].into_iter().flatten()
        });
        members.chain(self.next_check()).min()
    }

    /// Whether nodes and inputs are to be looked at: a paused or ending dataflow is silent by right.
    fn is_watched(&self) -> bool {
        self.flow.status() == Status::Running && matches!(self.barrier, Barrier::Open)
    }

    /// When the first node or input will have been silent for too long, if nothing comes before.
    fn next_check(&self) -> Option<Instant> {
        if !self.is_watched() {
            return None;
        }
        let plan = self.flow.plan();
        let now = std::time::Instant::now();
        let nodes = self.members.iter().zip(&plan.nodes).enumerate().filter_map(|(node, (member, planned))| {
            let limit = planned.health.silence.filter(|_| member.subscribed && member.fault.is_none())?;
            let quiet = self.flow.router.port(node)?.mailbox.quiet_for(now);
            Some(now + limit.saturating_sub(quiet).max(Duration::from_millis(1)))
        });
        nodes.chain(self.flow.router.next_silence()).min().map(Instant::from_std)
    }

    fn tick(&mut self) {
        let now = Instant::now();
        for node in 0..self.members.len() {
            let Some(member) = self.members.get_mut(node) else { continue };
            if let Some(ladder) = member.ladder.take_if(|ladder| ladder.next <= now) {
                match ladder.then {
                    Step::Terminate => {
                        member.ladder = Some(Ladder { next: now + ladder.patience, then: Step::Kill, ..ladder });
                        self.kill(node, Kill::TERM);
                    }
                    Step::Kill => self.kill(node, Kill::KILL),
                }
                continue;
            }
            if member.draining.as_ref().is_some_and(|(_, until)| *until <= now) {
                // A process it left behind holds its sockets; their threads report when they are closed.
                if let Some((_, until)) = &mut member.draining {
                    *until = now + DRAIN;
                }
                self.shared.hang_up(self.flow.id, node);
            } else if member.restart_at.take_if(|at| *at <= now).is_some() {
                if let Some(state) = self.flow.lock().nodes.get_mut(node) {
                    state.restarts += 1;
                }
                self.respawn(node);
            } else if member.ready_by.is_some_and(|by| by <= now) {
                let limit = self.flow.plan().nodes.get(node).and_then(|planned| planned.health.startup);
                self.punish(node, format!("not ready within {:?} (startup_timeout)", limit.unwrap_or_default()));
            } else if member.end_by.is_some_and(|by| by <= now) {
                let limit = self.flow.plan().nodes.get(node).map(|planned| planned.health.finish);
                let limit = limit.unwrap_or_default();
                self.punish(node, format!("still there {limit:?} after its last input closed (finish_grace_secs)"));
            }
        }
        if self.is_watched() {
            self.check_nodes();
            self.check_inputs();
        }
    }

    /// Kills nodes that give no sign of life.
    fn check_nodes(&mut self) {
        let plan = self.flow.plan();
        let now = std::time::Instant::now();
        for (node, planned) in plan.nodes.iter().enumerate() {
            let Some(limit) = planned.health.silence else { continue };
            let watched = self.members.get(node).is_some_and(|member| member.subscribed && member.fault.is_none());
            let quiet = self.flow.router.port(node).filter(|_| watched).map(|port| port.mailbox.quiet_for(now));
            if quiet.is_some_and(|quiet| quiet >= limit) {
                self.punish(node, format!("no sign of life for {limit:?} (health_check_timeout)"));
            }
        }
    }

    /// Tells nodes of inputs that have been silent for too long.
    fn check_inputs(&self) {
        for target in self.flow.router.find_silent(std::time::Instant::now()) {
            if let Some(input) = self.input(target) {
                let limit = input.timeout.unwrap_or_default();
                let text = format!("its input `{}` has had no message for {limit:?} (input_timeout)", input.id);
                self.flow.notice(Some(target.node), LogLevel::Warn, text);
            }
        }
    }

    fn exited(&mut self, node: usize, ended: Ended) {
        let Some(member) = self.members.get_mut(node) else { return };
        if member.connections > 0 {
            // What it sent last is still on its way to us.
            member.draining = Some((ended, Instant::now() + DRAIN));
        } else {
            self.settle(node, ended);
        }
    }

    /// Decides what the end of a process means.
    fn settle(&mut self, node: usize, ended: Ended) {
        let now = UnixNanos::now();
        let process = {
            let mut state = self.flow.lock();
            let Some(state) = state.nodes.get_mut(node) else { return };
            state.exit = ended.exit;
            state.ended = Some(now);
            state.ready = false;
            state.process
        };
        let Some(member) = self.members.get_mut(node) else { return };
        (member.ladder, member.ready_by, member.end_by) = (None, None, None);
        if let Some(group) = member.group.take() {
            // Whatever it started and left behind ends with it.
            kill_group(group, Kill::KILL);
            // A guard that is gone has been told of already.
            let _ = self.shared.guard(|guard| guard.remove(group));
        }
        let killed = member.killed;
        let fault = member.fault.take();
        member.subscribed = false;
        if let Some(process) = process {
            let (code, signal) = match ended.exit {
                Some(NodeExit::Code(code)) => (Some(code), None),
                Some(NodeExit::Signal(signal)) => (None, Some(signal)),
                None => (None, None),
            };
            self.told(self.shared.store().end_node_process(self.flow.id.0, process, records::time(now), code, signal));
        }

        let success = ended.exit.is_some_and(NodeExit::is_success) && fault.is_none();
        let how = match (fault, ended.exit) {
            (Some(fault), _) => format!("was killed: {fault}"),
            (None, Some(exit)) => format!("ended with {exit}"),
            (None, None) => "ended in an unknown way".to_string(),
        };
        if self.stopping || matches!(self.barrier, Barrier::Broken(_)) {
            return match killed {
                Some(signal) => self.gone(node, Status::Stopped, format!("killed with {}", name(signal))),
                None if success || !self.stopping => self.gone(node, Status::Stopped, String::new()),
                None => self.gone(node, Status::Failed, how),
            };
        }
        if self.members.get(node).is_some_and(|member| !matches!(member.then, Then::Judge)) {
            return self.follow(node, killed.map(|signal| format!("killed with {}", name(signal))).unwrap_or_default());
        }
        if let Some(backoff) = self.wants_restart(node, success) {
            return self.back_off(node, backoff, how);
        }
        if matches!(self.barrier, Barrier::Waiting(_)) {
            self.failure = Some(self.died_at_start(node, &how));
            return self.gone(node, Status::Failed, format!("{how} before it was ready"));
        }
        let waited_for = self.members.get(node).is_some_and(|member| !member.waiting.is_empty());
        let untold = waited_for.then(|| self.died_at_start(node, &how));
        if success {
            self.gone(node, Status::Finished, String::new());
        } else {
            self.flow.router.tell_failure(node, &format!("node `{}` {how}", self.id(node)));
            self.gone(node, Status::Failed, how);
        }
        if let Some(error) = untold {
            self.answer(node, Err(error));
        }
    }

    /// How long to wait before a node is started again; `None` when it is not.
    fn wants_restart(&mut self, node: usize, success: bool) -> Option<Duration> {
        let rules = self.flow.plan().nodes.get(node)?.restart;
        let wanted = match rules.policy {
            RestartPolicy::Never => false,
            RestartPolicy::OnFailure => !success,
            RestartPolicy::Always => true,
        };
        if !wanted || self.flow.router.is_drained(node) {
            return None;
        }
        let now = Instant::now();
        let (count, began) = &mut self.members.get_mut(node)?.window;
        if began.zip(rules.window).is_none_or(|(began, window)| now.duration_since(began) > window)
            && rules.window.is_some()
        {
            (*count, *began) = (0, Some(now));
        }
        if rules.max > 0 && *count >= rules.max {
            self.flow.notice(
                Some(node),
                LogLevel::Error,
                format!("it is not started again: {} restarts are the limit", rules.max),
            );
            return None;
        }
        *count += 1;
        Some(rules.backoff(*count))
    }

    fn back_off(&mut self, node: usize, backoff: Duration, how: String) {
        if let Some(member) = self.members.get_mut(node) {
            member.restart_at = Some(Instant::now() + backoff);
        }
        self.flow.notice(Some(node), LogLevel::Warn, format!("it {how} and is started again"));
        self.told(self.flow.node_transition(node, Status::Backoff, how));
    }

    /// Nothing more will happen to a node.
    fn gone(&mut self, node: usize, status: Status, why: String) {
        let plan = self.flow.plan();
        let Some(planned) = plan.nodes.get(node) else { return };
        let id = planned.id.clone();
        let culprit = match &self.barrier {
            Barrier::Broken(culprit) => Some(culprit.clone()),
            _ if status == Status::Failed => self.failed_source(planned),
            _ => None,
        };
        {
            let mut state = self.flow.lock();
            if let Some(state) = state.nodes.get_mut(node) {
                state.cause = (!why.is_empty()).then(|| why.clone());
                state.culprit = culprit;
            }
            if status == Status::Failed && state.culprit.is_none() {
                state.culprit = Some(id.clone());
                state.cause = Some(format!("node `{id}` {why}"));
            }
        }
        if let Some(member) = self.members.get_mut(node) {
            member.rest = Rest::Done;
        }
        self.told(self.flow.node_transition(node, status, why));
        self.flow.router.close_all_outputs(node);
        self.flow.router.drop_extensions_of(node);
        if let Some(port) = self.flow.router.port(node) {
            port.mailbox.end(true);
        }
        if status == Status::Failed && matches!(self.barrier, Barrier::Waiting(_)) && !self.stopping {
            self.break_barrier(id);
        }
        self.watch_the_last();
    }

    /// The node behind the failure of one of a node's sources, which may be why it fails itself.
    fn failed_source(&self, planned: &PlannedNode) -> Option<NodeId> {
        let plan = self.flow.plan();
        let state = self.flow.lock();
        planned.inputs.iter().find_map(|input| {
            let InputMapping::User(from) = &input.mapping else { return None };
            let at = plan.nodes.iter().position(|node| node.id == from.source && node.id != planned.id)?;
            let source = state.nodes.get(at).filter(|source| source.status == Status::Failed)?;
            Some(source.culprit.clone().unwrap_or_else(|| from.source.clone()))
        })
    }

    /// Once all others have ended, a node that nothing can come to any more has to end within its time.
    fn watch_the_last(&mut self) {
        let alive = |member: &Member| member.rest == Rest::No;
        let all_drained = (0..self.members.len())
            .filter(|&node| self.members.get(node).is_some_and(alive))
            .all(|node| self.flow.router.is_drained(node));
        if self.stopping || !all_drained {
            return;
        }
        let plan = self.flow.plan();
        for (member, planned) in self.members.iter_mut().zip(&plan.nodes) {
            if alive(member) && member.group.is_some() && member.end_by.is_none() {
                member.end_by = Instant::now().checked_add(planned.health.finish);
            }
        }
    }

    /// Ends a dataflow one of whose nodes died before all were ready.
    fn break_barrier(&mut self, culprit: NodeId) {
        let told = broken(&culprit);
        if let Barrier::Waiting(waiting) = std::mem::replace(&mut self.barrier, Barrier::Broken(culprit)) {
            for answer in waiting {
                let _ = answer.send(Err(told.clone()));
            }
        }
        let next = Instant::now() + ABORT_GRACE;
        for node in 0..self.members.len() {
            self.kill(node, Kill::TERM);
            if let Some(member) = self.members.get_mut(node).filter(|member| member.group.is_some()) {
                member.ladder = Some(Ladder { next, then: Step::Kill, patience: Duration::ZERO });
            }
        }
        self.cancel_restarts();
        self.spawn_those_who_can();
    }

    fn died_at_start(&self, node: usize, how: &str) -> Box<Diagnostic> {
        let id = self.id(node);
        let stderr: Vec<String> =
            self.flow.lock().nodes.get(node).map(|state| state.stderr.iter().cloned().collect()).unwrap_or_default();
        let mut diagnostic = Diagnostic::new(
            codes::NODE_DIED_AT_START,
            format!("node `{id}` of dataflow `{}` {how} before it was ready", self.flow.name),
        );
        diagnostic = if stderr.is_empty() {
            diagnostic.help("it printed nothing on its standard error; a dora node must make itself known by `Node()` or `DoraNode::init`")
        } else {
            diagnostic.cause_with(format!("the last lines of its standard error, of {}", stderr.len()), stderr)
        };
        diagnostic.next(format!("dataflow logs {} --node {id}", self.flow.id))
    }

    fn finish(&mut self) {
        // Whoever still waits for a node learns that its dataflow has ended.
        for node in 0..self.members.len() {
            let error = Diagnostic::new(codes::DATAFLOW_ENDED, format!("dataflow `{}` has ended", self.flow.name));
            self.answer(node, Err(error));
        }
        let flow = &self.flow;
        flow.router.end();
        let failed = flow.lock().culprit.is_some();
        let parked = self.members.iter().any(|member| member.rest == Rest::Parked);
        let status = match (self.stopping || parked, failed) {
            (_, true) => Status::Failed,
            (true, false) => Status::Stopped,
            (false, false) => Status::Finished,
        };
        let now = UnixNanos::now();
        let cause = {
            let mut state = flow.lock();
            state.ended = Some(now);
            state.cause.clone()
        };
        // First what others can read, then what they wait for: whoever sees the end sees it everywhere.
        let recorded = self.shared.store().end_dataflow(flow.id.0, &records::end(flow, status, now));
        self.told(recorded.map(drop));
        self.told(flow.transition(status, cause.unwrap_or_default()));
        // A log that cannot be written cannot tell so either; the notice is an event.
        if let Err(error) = flow.journal.close() {
            flow.notice(None, LogLevel::Error, format!("its logs could not be written to their end: {error}"));
        }
        self.shared.ended(flow.id);
        if let Some(started) = self.started.take() {
            let failure = self.failure.take().unwrap_or_else(|| {
                let message = format!("dataflow `{}` was stopped before all its nodes were ready", flow.name);
                Diagnostic::new(codes::DATAFLOW_ENDED, message)
            });
            let _ = started.send(Err(failure));
        }
    }
}

/// The error for what cannot be done with an output that goes from node to node.
pub fn direct(flow: &Dataflow, topic: &Topic) -> Box<Diagnostic> {
    Diagnostic::new(
        codes::DIRECT_OUTPUT,
        format!("`{topic}` of dataflow `{}` goes from node to node, out of the runtime's sight", flow.name),
    )
    .help("its node can be restarted so that its messages come through the runtime")
    .next(format!("node restart {}/{} --path routed", flow.name, topic.node))
}

/// What nodes are told that wait for one that died.
fn broken(culprit: &NodeId) -> String {
    format!("Node {culprit} exited before initializing dora.")
}

fn name(signal: Kill) -> NodeExit {
    NodeExit::Signal(signal.as_raw())
}
