//! What is to be done at some moment: ladders, limits of time, inputs that are silent, what the router reports.

use std::time::Duration;

use rustix::process::Signal as Kill;
use tokio::time::Instant;

use super::member::{Ladder, Member, Rest, Step};
use super::{Barrier, DRAIN, Supervisor};
use crate::descriptor::plan::PlannedInput;
use crate::guard::kill_group;
use crate::model::{LogLevel, Status, StopOptions};
use crate::router::Report;
use crate::router::wiring::{Odd, Target};

impl Supervisor {
    pub(super) fn report(&self, report: Report) {
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

    pub(super) fn input(&self, target: Target) -> Option<PlannedInput> {
        self.flow.router.port(target.node)?.inputs.get(target.input).cloned()
    }

    /// Puts the process of a node on the ladder that ends it, or further up on it.
    pub(super) fn climb(&mut self, node: usize, options: StopOptions) {
        let Some(member) = self.members.get_mut(node).filter(|member| member.group.is_some()) else { return };
        let grace = options.grace.unwrap_or_else(|| self.shared.grace_period());
        let next = Instant::now() + grace;
        if options.force {
            self.kill(node, Kill::KILL);
        } else if member.ladder.is_none_or(|ladder| next < ladder.next) {
            member.ladder = Some(Ladder { next, then: Step::Terminate, patience: grace / 2 });
        }
    }

    pub(super) fn cancel_restarts(&mut self) {
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
    pub(super) fn kill(&mut self, node: usize, signal: Kill) {
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
    pub(super) fn punish(&mut self, node: usize, fault: String) {
        if self.members.get(node).is_some_and(Member::is_guest) {
            self.flow.notice(Some(node), LogLevel::Error, format!("its connections are closed: {fault}"));
            return self.shared.hang_up(self.flow.id, node);
        }
        self.flow.notice(Some(node), LogLevel::Error, format!("it is killed: {fault}"));
        if let Some(member) = self.members.get_mut(node) {
            member.fault = Some(fault);
            (member.ready_by, member.end_by) = (None, None);
        }
        self.kill(node, Kill::KILL);
    }

    /// When something is to be done that nobody will tell of.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let members = self.members.iter().flat_map(|member| {
            let draining = member.draining.as_ref().map(|(_, until)| *until);
            let ladder = member.ladder.map(|ladder| ladder.next);
            [member.restart_at, member.ready_by, member.end_by, draining, ladder].into_iter().flatten()
        });
        members.chain(self.next_check()).chain(self.farewell).min()
    }

    /// Whether nodes and inputs are to be looked at: a paused or ending dataflow is silent by right.
    pub(super) fn is_watched(&self) -> bool {
        self.flow.status() == Status::Running && matches!(self.barrier, Barrier::Open)
    }

    /// When the first node or input will have been silent for too long, if nothing comes before.
    pub(super) fn next_check(&self) -> Option<Instant> {
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

    pub(super) fn tick(&mut self) {
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
    pub(super) fn check_nodes(&mut self) {
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
    pub(super) fn check_inputs(&self) {
        for target in self.flow.router.find_silent(std::time::Instant::now()) {
            if let Some(input) = self.input(target) {
                let limit = input.timeout.unwrap_or_default();
                let text = format!("its input `{}` has had no message for {limit:?} (input_timeout)", input.id);
                self.flow.notice(Some(target.node), LogLevel::Warn, text);
            }
        }
    }

    /// Once all others have ended, a node that nothing can come to any more has to end within its time.
    pub(super) fn watch_the_last(&mut self) {
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
}
