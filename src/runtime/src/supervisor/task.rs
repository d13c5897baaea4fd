//! The one task that changes a dataflow: it starts the nodes, holds the barrier, stops, restarts, and finishes.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use diag::{Diagnostic, Result, codes};
use dora_message::descriptor::RestartPolicy;
use dora_message::id::NodeId;
use rustix::process::Signal as Kill;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::dataflow::Dataflow;
use super::process::{self, Ended};
use crate::embedded::shared::Shared;
use crate::guard::kill_group;
use crate::model::{DataflowInfo, LogLevel, NodeExit, Status, StopOptions, UnixNanos};
use crate::node_protocol::Signal;
use crate::records;

/// How long a node may take to stop by itself.
const GRACE: Duration = Duration::from_secs(10);
/// How long the others may take to end when one has died before all were ready.
const ABORT_GRACE: Duration = Duration::from_secs(2);
/// How long connections of a node may stay open after its process has ended.
const DRAIN: Duration = Duration::from_secs(1);

/// What a supervisor is asked to do.
pub enum Command {
    Stop(StopOptions),
}

/// Where the barrier is.
enum Barrier {
    /// Nodes that have subscribed wait for the others.
    Waiting(Vec<SyncSender<Result<(), String>>>),
    Open,
    /// This node died before all were ready.
    Broken(NodeId),
}

/// What to do with all processes that still run, and when.
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
    /// We have killed it, with this.
    killed: Option<Kill>,
    /// Restarts in the present window, and when that began.
    window: (u32, Option<Instant>),
    /// Nothing more will happen to it.
    done: bool,
}

struct Supervisor {
    flow: Arc<Dataflow>,
    shared: Arc<Shared>,
    members: Vec<Member>,
    barrier: Barrier,
    stopping: bool,
    ladder: Option<Ladder>,
    exits: JoinSet<(usize, Ended)>,
    /// Told when the barrier opens, or the dataflow has ended before.
    started: Option<oneshot::Sender<Result<DataflowInfo>>>,
    failure: Option<Box<Diagnostic>>,
}

/// Runs a dataflow to its end. `started` is told how the start went.
pub async fn supervise(
    flow: Arc<Dataflow>,
    shared: Arc<Shared>,
    mut signals: mpsc::UnboundedReceiver<Signal>,
    mut commands: mpsc::UnboundedReceiver<Command>,
    started: oneshot::Sender<Result<DataflowInfo>>,
) {
    let members = flow.plan.nodes.iter().map(|_| Member::default()).collect();
    let mut supervisor = Supervisor {
        flow,
        shared,
        members,
        barrier: Barrier::Waiting(Vec::new()),
        stopping: false,
        ladder: None,
        exits: JoinSet::new(),
        started: Some(started),
        failure: None,
    };
    supervisor.start();
    while !supervisor.members.iter().all(|member| member.done) {
        let deadline = supervisor.deadline();
        tokio::select! {
            biased;
            Some(signal) = signals.recv() => supervisor.signal(signal),
            Some(Ok((node, ended))) = supervisor.exits.join_next() => supervisor.exited(node, ended),
            Some(command) = commands.recv() => supervisor.command(command),
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
    fn start(&mut self) {
        for text in self.flow.plan.notices.clone() {
            self.flow.notice(None, LogLevel::Warn, text);
        }
        self.told(self.flow.transition(Status::Starting, ""));
        for node in 0..self.members.len() {
            self.spawn(node);
            if matches!(self.barrier, Barrier::Broken(_)) {
                // Those after it are not started at all.
                for node in node + 1..self.members.len() {
                    if let Some(member) = self.members.get_mut(node) {
                        member.done = true;
                    }
                    self.told(self.flow.node_transition(node, Status::Stopped, "another node could not be started"));
                }
                break;
            }
        }
    }

    /// A store that cannot be written stops no dataflow: it is said where it can be.
    fn told(&self, result: Result<()>) {
        if let Err(error) = result {
            self.flow.journal.say(None, LogLevel::Error, format!("its state cannot be recorded: {error}"));
        }
    }

    fn id(&self, node: usize) -> String {
        self.flow.plan.nodes.get(node).map(|planned| planned.id.to_string()).unwrap_or_default()
    }

    fn spawn(&mut self, node: usize) {
        let restarts = self.flow.lock().nodes.get(node).map_or(0, |state| state.restarts);
        if restarts == 0 {
            self.told(self.flow.node_transition(node, Status::Starting, ""));
        }
        let keeps = self
            .flow
            .plan
            .nodes
            .get(node)
            .is_some_and(|planned| !matches!(planned.restart.policy, RestartPolicy::Never));
        self.flow.router.keep_outputs(node, keeps && !self.stopping);
        let running = match process::spawn(&self.flow, node, restarts, self.shared.address()) {
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
            *member = Member { group: Some(group), window: member.window, ..Member::default() };
        }
        self.exits.spawn(async move { (node, running.wait().await) });
    }

    fn not_spawned(&mut self, node: usize, error: &std::io::Error) {
        let id = self.id(node);
        let program = self.flow.plan.nodes.get(node).map(|planned| planned.program.path.display().to_string());
        let program = program.unwrap_or_default();
        let why = format!("`{program}` could not be started: {error}");
        self.failure.get_or_insert_with(|| {
            Diagnostic::new(codes::NODE_NOT_STARTED, format!("node `{id}` could not be started"))
                .cause(format!("{program}: {error}"))
                .help("check that the file exists, is executable, and has the right interpreter in its first line")
        });
        self.gone(node, Status::Failed, why);
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

    fn subscribed(&mut self, node: usize, answer: SyncSender<Result<(), String>>) {
        let Some(member) = self.members.get_mut(node) else { return };
        member.subscribed = true;
        // The channel holds one answer and this is the only one, so that sending never waits.
        match &mut self.barrier {
            Barrier::Waiting(waiting) => waiting.push(answer),
            Barrier::Open => {
                let _ = answer.send(Ok(()));
                if !self.stopping {
                    self.told(self.flow.node_transition(node, Status::Running, ""));
                    self.flow.router.tell_restart(node);
                }
            }
            Barrier::Broken(culprit) => drop(answer.send(Err(broken(culprit)))),
        }
        if self.members.iter().all(|member| member.subscribed) {
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
                self.told(self.flow.node_transition(node, Status::Running, ""));
            }
            let started =
                self.shared.store().set_dataflow_started(self.flow.id.0, Status::Running.as_str(), records::time(now));
            self.told(started);
            self.told(self.flow.transition(Status::Running, ""));
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
        let Command::Stop(options) = command;
        if !self.stopping {
            self.stopping = true;
            let why = if options.force { "killed" } else { "stop was asked for" };
            self.told(self.shared.store().set_dataflow_status(self.flow.id.0, Status::Stopping.as_str()));
            self.told(self.flow.transition(Status::Stopping, why));
            self.flow.router.stop();
            self.open_barrier();
            self.cancel_restarts();
        }
        let grace = options.grace.unwrap_or(GRACE);
        let now = Instant::now();
        if options.force {
            self.ladder = None;
            self.kill(Kill::KILL);
        } else if self.ladder.as_ref().is_none_or(|ladder| now + grace < ladder.next) {
            self.ladder = Some(Ladder { next: now + grace, then: Step::Terminate, patience: grace / 2 });
        }
    }

    fn cancel_restarts(&mut self) {
        let waiting = (0..self.members.len())
            .filter(|&node| self.members.get_mut(node).is_some_and(|member| member.restart_at.take().is_some()));
        for node in waiting.collect::<Vec<_>>() {
            self.gone(node, Status::Stopped, String::new());
        }
    }

    /// Signals every process that still runs.
    fn kill(&mut self, signal: Kill) {
        for member in &mut self.members {
            if let Some(group) = member.group {
                member.killed = Some(signal);
                kill_group(group, signal);
            }
        }
    }

    /// When something is to be done that nobody will tell of.
    fn deadline(&self) -> Option<Instant> {
        let members = self.members.iter().flat_map(|member| {
            [member.restart_at, member.draining.as_ref().map(|(_, until)| *until)].into_iter().flatten()
        });
        members.chain(self.ladder.as_ref().map(|ladder| ladder.next)).min()
    }

    fn tick(&mut self) {
        let now = Instant::now();
        if let Some(ladder) = self.ladder.take_if(|ladder| ladder.next <= now) {
            match ladder.then {
                Step::Terminate => {
                    self.kill(Kill::TERM);
                    self.ladder = Some(Ladder { next: now + ladder.patience, then: Step::Kill, ..ladder });
                }
                Step::Kill => self.kill(Kill::KILL),
            }
        }
        for node in 0..self.members.len() {
            let Some(member) = self.members.get_mut(node) else { continue };
            if member.draining.as_ref().is_some_and(|(_, until)| *until <= now) {
                // A process it left behind holds its sockets; their threads report when they are closed.
                if let Some((_, until)) = &mut member.draining {
                    *until = now + DRAIN;
                }
                self.shared.disconnect(self.flow.id, node);
            } else if member.restart_at.take_if(|at| *at <= now).is_some() {
                self.restart(node);
            }
        }
    }

    fn restart(&mut self, node: usize) {
        if let Some(state) = self.flow.lock().nodes.get_mut(node) {
            state.restarts += 1;
        }
        self.told(self.flow.node_transition(node, Status::Restarting, ""));
        if let Some(port) = self.flow.router.port(node) {
            port.mailbox.reopen();
        }
        self.spawn(node);
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
            state.process
        };
        let Some(member) = self.members.get_mut(node) else { return };
        if let Some(group) = member.group.take() {
            // Whatever it started and left behind ends with it.
            kill_group(group, Kill::KILL);
            // A guard that is gone has been told of already.
            let _ = self.shared.guard(|guard| guard.remove(group));
        }
        let killed = member.killed;
        member.subscribed = false;
        if let Some(process) = process {
            let (code, signal) = match ended.exit {
                Some(NodeExit::Code(code)) => (Some(code), None),
                Some(NodeExit::Signal(signal)) => (None, Some(signal)),
                None => (None, None),
            };
            self.told(self.shared.store().end_node_process(self.flow.id.0, process, records::time(now), code, signal));
        }

        let success = ended.exit.is_some_and(NodeExit::is_success);
        let how = ended.exit.map_or_else(|| "ended in an unknown way".to_string(), |exit| format!("ended with {exit}"));
        if self.stopping || matches!(self.barrier, Barrier::Broken(_)) {
            return match killed {
                Some(signal) => self.gone(node, Status::Stopped, format!("killed with {}", name(signal))),
                None if success || !self.stopping => self.gone(node, Status::Stopped, String::new()),
                None => self.gone(node, Status::Failed, how),
            };
        }
        if let Some(backoff) = self.wants_restart(node, success) {
            return self.back_off(node, backoff, how);
        }
        if matches!(self.barrier, Barrier::Waiting(_)) {
            self.failure = Some(self.died_at_start(node, &how));
            return self.gone(node, Status::Failed, format!("{how} before it was ready"));
        }
        if success {
            self.gone(node, Status::Finished, String::new());
        } else {
            self.flow.router.tell_failure(node, &format!("node `{}` {how}", self.id(node)));
            self.gone(node, Status::Failed, how);
        }
    }

    /// How long to wait before a node is started again; `None` when it is not.
    fn wants_restart(&mut self, node: usize, success: bool) -> Option<Duration> {
        let rules = self.flow.plan.nodes.get(node)?.restart;
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
        let Some(planned) = self.flow.plan.nodes.get(node) else { return };
        let id = planned.id.clone();
        let culprit = match &self.barrier {
            Barrier::Broken(culprit) => Some(culprit.clone()),
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
            member.done = true;
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
    }

    /// Ends a dataflow one of whose nodes died before all were ready.
    fn break_barrier(&mut self, culprit: NodeId) {
        let told = broken(&culprit);
        if let Barrier::Waiting(waiting) = std::mem::replace(&mut self.barrier, Barrier::Broken(culprit)) {
            for answer in waiting {
                let _ = answer.send(Err(told.clone()));
            }
        }
        self.kill(Kill::TERM);
        self.ladder = Some(Ladder { next: Instant::now() + ABORT_GRACE, then: Step::Kill, patience: Duration::ZERO });
        self.cancel_restarts();
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
        let flow = &self.flow;
        flow.router.end();
        let failed = flow.lock().culprit.is_some();
        let status = match (self.stopping, failed) {
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

/// What nodes are told that wait for one that died.
fn broken(culprit: &NodeId) -> String {
    format!("Node {culprit} exited before initializing dora.")
}

fn name(signal: Kill) -> NodeExit {
    NodeExit::Signal(signal.as_raw())
}
