//! What a supervisor is told to do while its dataflow runs.

use diag::{Diagnostic, Result, codes};
use dora_message::daemon_to_node::NodeEvent;
use dora_message::id::{NodeId, OperatorId};
use rustix::process::Signal as Kill;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::member::{Member, Rest, Then};
use super::{Barrier, Supervisor, direct};
use crate::descriptor::plan::{PlannedInput, PlannedNode};
use crate::embedded::orders::no_node;
use crate::guard::kill_group;
use crate::model::{InputRef, LogLevel, PathChoice, Status, StopOptions};

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

impl Command {
    /// Whom to tell that it was not done; the options of a stop, for which nobody waits.
    pub(super) fn into_done(self) -> Result<Done, StopOptions> {
        match self {
            Command::Stop(options) => Err(options),
            Command::Pause { done, .. }
            | Command::Resume { done }
            | Command::Node { done, .. }
            | Command::Add { done, .. }
            | Command::Connect { done, .. }
            | Command::Disconnect { done, .. } => Ok(done),
        }
    }
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

impl Supervisor {
    pub(super) fn command(&mut self, command: Command) {
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

    pub(super) fn stop(&mut self, options: StopOptions) {
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
        if options.force {
            self.farewell = Some(Instant::now());
        }
        for node in 0..self.members.len() {
            self.climb(node, options);
        }
    }

    pub(super) fn pause(&mut self, freeze: bool) -> Result<()> {
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

    pub(super) fn resume(&mut self) -> Result<()> {
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

    pub(super) fn thaw(&mut self) {
        if std::mem::take(&mut self.frozen) {
            self.members.iter().filter_map(|member| member.group).for_each(|group| kill_group(group, Kill::CONT));
        }
    }

    pub(super) fn rename(&self, from: Status, to: Status) {
        let nodes: Vec<usize> = {
            let state = self.flow.lock();
            (0..state.nodes.len()).filter(|&node| state.nodes[node].status == from).collect()
        };
        for node in nodes {
            self.told(self.flow.node_transition(node, to, ""));
        }
    }

    pub(super) fn not_now(&self, what: &str, help: &str) -> Box<Diagnostic> {
        let (name, status) = (&self.flow.name, self.flow.status());
        Diagnostic::new(codes::WRONG_STATE, format!("cannot {what} dataflow `{name}`: it is {status}")).help(help)
    }

    pub(super) fn find(&self, node: &NodeId) -> Result<usize> {
        self.flow.router.find(node).ok_or_else(|| no_node(&self.flow, node))
    }

    pub(super) fn order(&mut self, node: &NodeId, order: Order, done: Done) {
        let node = match self.find(node) {
            Ok(node) => node,
            Err(error) => return drop(done.send(Err(error))),
        };
        if self.stopping || matches!(self.barrier, Barrier::Broken(_)) {
            return drop(done.send(Err(self.not_now("change a node of", "it is about to end"))));
        }
        let Some(member) = self.members.get_mut(node) else { return };
        let alive = member.group.is_some();
        if member.is_guest() && matches!(order, Order::Start | Order::Stop(_) | Order::Restart(_)) {
            return drop(done.send(self.order_guest(node, &order)));
        }
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

    /// A guest can be asked to leave, and not to come.
    pub(super) fn order_guest(&self, node: usize, order: &Order) -> Result<()> {
        let present = self.members.get(node).is_some_and(|member| member.subscribed);
        let (id, flow) = (self.id(node), &self.flow.name);
        match order {
            Order::Stop(_) if present => {
                self.flow.router.dismiss(node);
                Ok(())
            }
            Order::Stop(_) => {
                let message = format!("the dynamic node `{id}` of dataflow `{flow}` has not joined it");
                Err(Diagnostic::new(codes::WRONG_STATE, message).next(format!("node list {flow}")))
            }
            _ => {
                let message = format!("node `{id}` of dataflow `{flow}` is dynamic: it is not started by its dataflow");
                let help = format!("start its program by hand; it finds the dataflow by the id `{id}`");
                Err(Diagnostic::new(codes::WRONG_STATE, message).help(help))
            }
        }
    }

    /// Ends the process of a node, if it runs, and does then what is to follow.
    pub(super) fn end(&mut self, node: usize, then: Then, options: StopOptions, done: Done) {
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
    pub(super) fn follow(&mut self, node: usize, how: String) {
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
                self.flow.router.remove(node);
                self.gone(node, Status::Stopped, "removed".to_string());
                self.told(self.shared.store().forget_dynamic_node(self.flow.id.0, &self.id(node)));
                self.shared.hang_up(self.flow.id, node);
                if let Some(state) = self.flow.lock().nodes.get_mut(node) {
                    state.removed = true;
                }
                self.answer(node, Ok(()));
                self.try_barrier();
            }
            Then::Replace(planned) => {
                self.flow.router.replace(node, &planned);
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
    pub(super) fn respawn(&mut self, node: usize) {
        let plan = self.flow.plan();
        let dynamic = plan.nodes.get(node).is_some_and(|planned| planned.dynamic);
        let Some(member) = self.members.get_mut(node) else { return };
        if member.connections > 0 {
            // Only a guest is still there when its place is taken.
            self.shared.hang_up(self.flow.id, node);
        }
        if dynamic {
            member.rest = Rest::Guest;
            self.told(self.flow.node_transition(node, Status::Created, ""));
            self.answer(node, Ok(()));
            return self.expect(node);
        }
        self.told(self.flow.node_transition(node, Status::Restarting, ""));
        if let Some(port) = self.flow.router.port(node) {
            port.mailbox.reopen();
        }
        self.spawn(node);
    }

    pub(super) fn add(&mut self, node: PlannedNode, done: Done) {
        if self.stopping || !matches!(self.barrier, Barrier::Open) {
            return drop(done.send(Err(self.not_now("add a node to", "wait until it runs"))));
        }
        let place = self.flow.router.add(&node);
        let member = Member { waiting: vec![done], begun: true, ..Member::of(&node) };
        self.flow.admit(node);
        self.members.push(member);
        self.shared.start_timers(&self.flow.router);
        if self.members.get(place).is_some_and(Member::is_guest) {
            self.answer(place, Ok(()));
            return self.expect(place);
        }
        self.spawn(place);
    }

    pub(super) fn connect(&mut self, node: &NodeId, input: PlannedInput) -> Result<()> {
        let place = self.find(node)?;
        self.flow.router.connect(place, &input);
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

    pub(super) fn disconnect(&mut self, input: &InputRef) -> Result<()> {
        let place = self.find(&input.node)?;
        let wiring = self.flow.router.wiring();
        let target = wiring.target(place, &input.input).filter(|target| wiring.is_fed(*target));
        let Some(target) = target else {
            let message = format!("nothing feeds the input `{}` of node `{}`", input.input, input.node);
            return Err(Diagnostic::new(codes::INPUT_NOT_FOUND, message)
                .next(format!("node inspect {}/{}", self.flow.name, input.node)));
        };
        self.flow.router.disconnect(target);
        self.flow.change_plan(|plan| {
            if let Some(planned) = plan.nodes.get_mut(place) {
                planned.inputs.retain(|known| known.id != input.input);
            }
        });
        self.flow.notice(Some(place), LogLevel::Info, format!("its input `{}` is fed no more", input.input));
        Ok(())
    }
}
