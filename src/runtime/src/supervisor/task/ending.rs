//! What the end of a process means: for its node, for those who wait, and for the dataflow.

use std::time::Duration;

use diag::{Diagnostic, codes};
use dora_message::config::InputMapping;
use dora_message::descriptor::RestartPolicy;
use dora_message::id::NodeId;
use rustix::process::Signal as Kill;
use tokio::time::Instant;

use super::member::{Ladder, Rest, Step, Then};
use super::{ABORT_GRACE, Barrier, DRAIN, Supervisor, broken, name};
use crate::descriptor::meaning::SHELL;
use crate::descriptor::plan::PlannedNode;
use crate::guard::kill_group;
use crate::model::{LogLevel, NodeExit, Status, UnixNanos};
use crate::records;
use crate::supervisor::process::Ended;

impl Supervisor {
    pub(super) fn exited(&mut self, node: usize, ended: Ended) {
        let Some(member) = self.members.get_mut(node) else { return };
        if member.connections > 0 {
            // What it sent last is still on its way to us.
            member.draining = Some((ended, Instant::now() + DRAIN));
        } else {
            self.settle(node, ended);
        }
    }

    /// Decides what the end of a process means.
    pub(super) fn settle(&mut self, node: usize, ended: Ended) {
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
        // A command line need not be a node: one that has done its work holds nobody up.
        let plan = self.flow.plan();
        if success && plan.nodes.get(node).is_some_and(|planned| planned.source == SHELL) {
            self.gone(node, Status::Finished, String::new());
            return self.try_barrier();
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
    pub(super) fn wants_restart(&mut self, node: usize, success: bool) -> Option<Duration> {
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

    pub(super) fn back_off(&mut self, node: usize, backoff: Duration, how: String) {
        if let Some(member) = self.members.get_mut(node) {
            member.restart_at = Some(Instant::now() + backoff);
        }
        self.flow.notice(Some(node), LogLevel::Warn, format!("it {how} and is started again"));
        self.told(self.flow.node_transition(node, Status::Backoff, how));
    }

    /// Nothing more will happen to a node.
    pub(super) fn gone(&mut self, node: usize, status: Status, why: String) {
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
    pub(super) fn failed_source(&self, planned: &PlannedNode) -> Option<NodeId> {
        let plan = self.flow.plan();
        let state = self.flow.lock();
        planned.inputs.iter().find_map(|input| {
            let InputMapping::User(from) = &input.mapping else { return None };
            let at = plan.nodes.iter().position(|node| node.id == from.source && node.id != planned.id)?;
            let source = state.nodes.get(at).filter(|source| source.status == Status::Failed)?;
            Some(source.culprit.clone().unwrap_or_else(|| from.source.clone()))
        })
    }

    /// Ends a dataflow one of whose nodes died before all were ready.
    pub(super) fn break_barrier(&mut self, culprit: NodeId) {
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

    pub(super) fn died_at_start(&self, node: usize, how: &str) -> Box<Diagnostic> {
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

    pub(super) fn finish(&mut self) {
        // Whoever still waits for a node learns that its dataflow has ended.
        for node in 0..self.members.len() {
            let error = Diagnostic::new(codes::DATAFLOW_ENDED, format!("dataflow `{}` has ended", self.flow.name));
            self.answer(node, Err(error));
        }
        for node in (0..self.members.len()).filter(|&node| self.members[node].is_guest()) {
            self.told(self.flow.node_transition(node, Status::Finished, "its dataflow has ended"));
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
            let outcome = match self.failure.take() {
                Some(failure) => Err(failure),
                None if status == Status::Finished => Ok(flow.info()),
                None => {
                    let message = format!("dataflow `{}` was stopped before all its nodes were ready", flow.name);
                    Err(Diagnostic::new(codes::DATAFLOW_ENDED, message))
                }
            };
            let _ = started.send(outcome);
        }
    }
}
