//! The one task that changes a dataflow: it starts the nodes, holds the barrier, stops, restarts, and finishes.
//!
//! - here: the start, up to the open barrier, and what connections tell
//! - [`commands`] – what it is told to do
//! - [`watch`] – what is to be done at some moment
//! - [`ending`] – what the end of a process means
//! - [`member`] – what only the supervisor knows of a node

pub mod commands;
mod ending;
mod member;
mod watch;

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use diag::{Diagnostic, Result, codes};
use dora_message::daemon_to_node::NodeEvent;
use dora_message::descriptor::RestartPolicy;
use dora_message::id::NodeId;
use rustix::process::Signal as Kill;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::build;
use super::dataflow::Dataflow;
use super::paths;
use super::process::{self, Ended};
use crate::embedded::shared::Shared;
use crate::model::{DataflowInfo, LogLevel, NodeExit, PathChoice, Status, Topic, UnixNanos};
use crate::node_protocol::Signal;
use crate::records;
use crate::router::Report;
use commands::Command;
use member::{Member, Rest};

/// How long the others may take to end when one has died before all were ready.
const ABORT_GRACE: Duration = Duration::from_secs(2);
/// How long connections of a node may stay open after its process has ended.
const DRAIN: Duration = Duration::from_secs(1);

/// Where the barrier is.
enum Barrier {
    /// Nodes that have subscribed wait for the others.
    Waiting(Vec<SyncSender<Result<(), String>>>),
    Open,
    /// This node died before all were ready.
    Broken(NodeId),
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
    /// Until when guests may stay after all others have ended.
    farewell: Option<Instant>,
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
    let members = flow.plan().nodes.iter().map(Member::of).collect();
    let mut supervisor = Supervisor {
        flow,
        shared,
        members,
        barrier: Barrier::Waiting(Vec::new()),
        stopping: false,
        frozen: false,
        exits: JoinSet::new(),
        started: Some(started),
        farewell: None,
        failure: None,
    };
    supervisor.build(&mut commands).await;
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
    /// Whether anything is left to wait for. Nodes that were stopped by hand wait for nothing but the others, and so
    /// do guests, unless there is nobody else.
    fn goes_on(&mut self) -> bool {
        let only_guests = self.members.iter().all(Member::is_guest);
        if self.members.iter().any(|member| member.rest == Rest::No) || (only_guests && !self.stopping) {
            return true;
        }
        let present = |member: &Member| member.is_guest() && member.connections > 0;
        let present: Vec<usize> = (0..self.members.len()).filter(|&node| present(&self.members[node])).collect();
        if present.is_empty() {
            return false;
        }
        let until = *self.farewell.get_or_insert_with(|| {
            // They are told to go, and may say their last words.
            present.iter().for_each(|&node| self.flow.router.dismiss(node));
            Instant::now() + ABORT_GRACE
        });
        until > Instant::now()
    }

    /// Builds what is to be built, and starts the nodes. Meanwhile nothing but a stop is listened to.
    async fn build(&mut self, commands: &mut mpsc::UnboundedReceiver<Command>) {
        let (flow, shared) = (self.flow.clone(), self.shared.clone());
        let built = build::all(&flow, &shared);
        tokio::pin!(built);
        loop {
            tokio::select! {
                biased;
                Some(command) = commands.recv() => match command.into_done() {
                    Ok(done) => drop(done.send(Err(self.not_now("change", "wait until it is built")))),
                    Err(options) => {
                        self.stop(options);
                        return self.all_gone("stopped before it was built");
                    }
                },
                built = &mut built => match built {
                    Ok(()) if flow.options.build_only => return self.built(),
                    Ok(()) => return self.start(),
                    Err(failure) => {
                        self.failure = Some(failure.error);
                        self.gone(failure.node, Status::Failed, failure.why);
                        return self.all_gone("another node could not be built");
                    }
                },
            }
        }
    }

    /// Ends a dataflow that was only to be built.
    fn built(&mut self) {
        for node in 0..self.members.len() {
            self.gone(node, Status::Finished, String::new());
        }
    }

    /// Ends all nodes that have not been started.
    fn all_gone(&mut self, why: &str) {
        for node in 0..self.members.len() {
            if let Some(member) = self.members.get_mut(node).filter(|member| member.rest == Rest::No) {
                member.rest = Rest::Done;
                self.told(self.flow.node_transition(node, Status::Stopped, why));
            }
        }
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
        for node in (0..self.members.len()).filter(|&node| self.members[node].is_guest()).collect::<Vec<_>>() {
            self.expect(node);
        }
        self.spawn_those_who_can();
        // With guests alone there is nobody to wait for.
        self.try_barrier();
    }

    /// Gets ready for a node that somebody else will start.
    fn expect(&mut self, node: usize) {
        let plan = self.flow.plan();
        let Some(planned) = plan.nodes.get(node) else { return };
        if let Err(error) = self.shared.expect_dynamic(&self.flow, planned) {
            self.flow.notice(Some(node), LogLevel::Error, error.message);
        }
        if let Some(port) = self.flow.router.port(node) {
            // What comes before it does is not kept for it.
            port.mailbox.end(true);
        }
    }

    /// A node that somebody else started is ready.
    fn welcome(&mut self, node: usize) {
        if let Some(state) = self.flow.lock().nodes.get_mut(node) {
            state.incarnation += 1;
            (state.started, state.ended) = (Some(UnixNanos::now()), None);
        }
        self.joined(node);
        if self.flow.router.is_drained(node)
            && let Some(port) = self.flow.router.port(node)
        {
            self.flow.router.tell(node, &NodeEvent::AllInputsClosed);
            port.mailbox.end(false);
        }
    }

    /// A node that somebody else started has left, and may come again.
    fn left(&mut self, node: usize) {
        if let Some(state) = self.flow.lock().nodes.get_mut(node) {
            state.ended = Some(UnixNanos::now());
        }
        if let Some(port) = self.flow.router.port(node) {
            port.mailbox.end(true);
        }
        self.flow.router.close_all_outputs(node);
        self.flow.router.drop_extensions_of(node);
        self.told(self.flow.node_transition(node, Status::Created, "it has left"));
        self.watch_the_last();
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
        let plan = self.flow.plan();
        let program = plan.nodes.get(node).and_then(|planned| planned.program.as_ref());
        let program = program.map(|program| program.path.display().to_string()).unwrap_or_default();
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
                if member.connections == 0 && member.is_guest() && std::mem::take(&mut member.subscribed) {
                    return self.left(node);
                }
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

    fn subscribed(&mut self, node: usize, answer: SyncSender<Result<(), String>>) {
        let Some(member) = self.members.get_mut(node) else { return };
        member.subscribed = true;
        member.ready_by = None;
        if let Some(state) = self.flow.lock().nodes.get_mut(node) {
            state.ready = true;
        }
        let guest = member.is_guest();
        for member in &mut self.members {
            member.awaits.remove(&node);
        }
        if let Some(port) = self.flow.router.port(node).filter(|_| guest) {
            port.mailbox.reopen();
        }
        // The channel holds one answer and this is the only one, so that sending never waits.
        match &mut self.barrier {
            Barrier::Waiting(waiting) => waiting.push(answer),
            Barrier::Open => {
                let _ = answer.send(Ok(()));
                if !self.stopping && guest {
                    self.welcome(node);
                } else if !self.stopping {
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
                } else if self.members.get(node).is_some_and(|member| member.is_guest() && member.subscribed) {
                    self.welcome(node);
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
