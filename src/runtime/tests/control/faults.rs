//! Processes that are killed, stopped and lied to at random points: no orphan, no hang, no lie in the records, and
//! no message uncounted.
//!
//! A run is repeated with `DORA_FAULT_SEED`, which every run prints, and prolonged with `DORA_FAULT_ROUNDS`.

mod disk;
pub mod garbage;
mod marked;
pub mod rng;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use diag::Result;
use runtime::Handle;
use runtime::model::{DataflowDetails, NodeExit, NodeId, Status, StopOptions, WaitCondition};
use runtime::sweep::sweep;
use store::ProcessId;
use store::runtimes::RuntimeRow;

use crate::world::{World, until};
use marked::{Marked, signal};
use rng::Rng;

/// Few enough for every run of the tests; by hand a few hundred say more.
const ROUNDS: u64 = 20;
/// Nothing may take longer, whatever happens.
const HANG: Duration = Duration::from_secs(5);

/// What is done to a dataflow that runs, or is about to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    KillNode,
    KillNodeThatRestarts,
    FreezeNode,
    StopWhileNodeIsFrozen,
    Stop,
    StopByForce,
    RemoveByForce,
    PauseAndStop,
    KillCarrier,
    KillCarrierAtStart,
    KillGuard,
    KillGuardThenCarrier,
    LieToNodeListener,
    LieToControlSocket,
}

const FAULTS: [Fault; 14] = [
    Fault::KillNode,
    Fault::KillNodeThatRestarts,
    Fault::FreezeNode,
    Fault::StopWhileNodeIsFrozen,
    Fault::Stop,
    Fault::StopByForce,
    Fault::RemoveByForce,
    Fault::PauseAndStop,
    Fault::KillCarrier,
    Fault::KillCarrierAtStart,
    Fault::KillGuard,
    Fault::KillGuardThenCarrier,
    Fault::LieToNodeListener,
    Fault::LieToControlSocket,
];

/// The nodes that are killed and frozen: each can be, at any time.
const NODES: [&str; 5] = ["source", "relay", "deaf", "hung", "sink"];
const NAME: &str = "faulty";

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_its_processes_the_runtime_leaves_no_orphan_and_no_lie() {
    let seed = number("DORA_FAULT_SEED").unwrap_or_else(rng::fresh);
    let rounds = number("DORA_FAULT_ROUNDS").unwrap_or(ROUNDS);
    println!("DORA_FAULT_SEED={seed} DORA_FAULT_ROUNDS={rounds}");
    let mut rng = Rng::new(seed);
    let trial = Trial::new();
    let mut order = Vec::new();
    for round in 0..rounds {
        // Every fault comes before any comes twice.
        if order.is_empty() {
            order = FAULTS.to_vec();
        }
        let fault = order.swap_remove(rng.below(order.len() as u64) as usize);
        let detached = rng.below(2) == 0;
        println!("round {round}: {fault:?}, {}", if detached { "in the daemon" } else { "in a shell" });
        trial.round(fault, detached, &mut rng).await;
    }
    trial.end().await;
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// What holds a dataflow: a shell of its own, or the daemon that all share.
struct Carrier {
    shell: Option<Child>,
    process: ProcessId,
}

/// One home for all rounds, so that what one leaves behind is in the way of the next.
struct Trial {
    world: World,
    marked: Marked,
    handle: Handle,
}

impl Trial {
    fn new() -> Trial {
        let world = World::new();
        let handle = world.fleet().handle();
        Trial { world, marked: Marked::new(), handle }
    }

    async fn round(&self, fault: Fault, detached: bool, rng: &mut Rng) {
        let file = self.write(rng, fault);
        if fault == Fault::KillCarrierAtStart {
            return self.kill_carrier_at_start(&file, detached, rng).await;
        }
        let carrier = self.start(&file, detached);
        rng.wait(200).await;
        let ended = match fault {
            Fault::KillNode => self.kill_node(rng).await,
            Fault::KillNodeThatRestarts => self.kill_node_that_restarts(rng).await,
            Fault::FreezeNode => self.freeze_node(rng).await,
            Fault::StopWhileNodeIsFrozen => self.stop_while_node_is_frozen(rng).await,
            Fault::Stop => self.stop(false).await,
            Fault::StopByForce => self.stop(true).await,
            Fault::RemoveByForce => self.remove_by_force().await,
            Fault::PauseAndStop => self.pause_and_stop(rng).await,
            Fault::KillCarrier => self.kill_carrier(&carrier).await,
            Fault::KillGuard => self.kill_guard(&carrier, rng).await,
            Fault::KillGuardThenCarrier => self.kill_guard_then_carrier(&carrier, rng).await,
            Fault::LieToNodeListener => self.lie_to_node_listener(rng).await,
            Fault::LieToControlSocket => self.lie_to_control_socket(&carrier, rng).await,
            Fault::KillCarrierAtStart => unreachable!("done above"),
        };
        self.check(ended).await;
        if let Some(mut shell) = carrier.shell {
            drop(shell.stdin.take());
            within("the shell ends with its input", || shell.try_wait().unwrap().is_some());
        }
        self.marked.none_but(&self.carriers());
    }

    /// A source, two ways on, one node that ends only when it is killed, one that does nothing any more.
    fn write(&self, rng: &mut Rng, fault: Fault) -> PathBuf {
        let restart = match fault {
            Fault::KillNodeThatRestarts => "restart_policy: on-failure, restart_delay: 0.02, ",
            _ => "",
        };
        let rate = 100 + rng.below(2000);
        let mut queue = || 1 + rng.below(50);
        let yaml = format!(
            "nodes:
  - {{id: source, path: dora-builtin, {restart}args: counter --rate {rate}, outputs: [number]}}
  - {{id: relay, path: dora-builtin, {restart}args: echo, inputs: {{number: {{source: source/number, queue_size: {}}}}}, outputs: [number]}}
  - {{id: deaf, path: dora-builtin, {restart}args: fault --ignore-stop --slow 1ms, inputs: {{number: {{source: source/number, queue_size: {}}}}}}}
  - {{id: hung, path: dora-builtin, {restart}args: fault --hang-after 3, inputs: {{number: {{source: relay/number, queue_size: {}}}}}}}
  - {{id: sink, path: dora-builtin, {restart}args: sink --report 100ms, inputs: {{number: {{source: relay/number, queue_size: {}, queue_policy: backpressure}}, tick: dora/timer/millis/3}}}}
",
            queue(), queue(), queue(), queue()
        );
        let file = self.world.file();
        std::fs::write(&file, yaml).unwrap();
        file
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.world.shell(words);
        self.marked.mark(&mut command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        command
    }

    /// Starts the flow and returns when it runs.
    fn start(&self, file: &std::path::Path, detached: bool) -> Carrier {
        let verb = if detached { "detach" } else { "hold" };
        let mut child = self.command(&[verb, file.to_str().unwrap(), NAME]).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("running"), "the shell said {line:?}");
        if !detached {
            let process = ProcessId::of(child.id()).unwrap();
            return Carrier { shell: Some(child), process };
        }
        within("the shell that detached ends", || child.try_wait().unwrap().is_some());
        let process = self.daemon().unwrap().process;
        Carrier { shell: None, process }
    }

    fn daemon(&self) -> Option<RuntimeRow> {
        runtime::control::daemon::find(&self.world.store).unwrap()
    }

    /// Processes that may be there between two rounds: the daemon, and its guard.
    fn carriers(&self) -> Vec<u32> {
        self.daemon()
            .map(|daemon| daemon.process.pid)
            .into_iter()
            .flat_map(|pid| [vec![pid], guards(pid)])
            .flatten()
            .collect()
    }

    async fn details(&self) -> DataflowDetails {
        soon("inspect", self.handle.inspect(NAME)).await.unwrap()
    }

    async fn pid(&self, node: &str) -> u32 {
        let nodes = self.details().await.nodes;
        nodes
            .iter()
            .find(|one| one.node.as_ref() == node)
            .and_then(|one| one.pid)
            .unwrap_or_else(|| panic!("{nodes:?}"))
    }

    async fn stop(&self, force: bool) -> Vec<Status> {
        let grace = Some(Duration::from_millis(100));
        let stopped = soon("stop", self.handle.stop(NAME, StopOptions { grace, force })).await.unwrap();
        assert!(stopped.status.is_ended(), "{stopped:?}");
        vec![Status::Stopped]
    }

    async fn kill_node(&self, rng: &mut Rng) -> Vec<Status> {
        let node = *rng.choose(&NODES);
        signal(self.pid(node).await, "KILL");
        self.node_until(node, "is told as killed", |exit, status| {
            exit == Some(NodeExit::Signal(9)) && status == Status::Failed
        })
        .await;
        rng.wait(50).await;
        self.balance(&self.details().await);
        self.stop(false).await;
        // A node that failed makes a flow that failed, whoever stopped the rest of it.
        vec![Status::Failed]
    }

    async fn kill_node_that_restarts(&self, rng: &mut Rng) -> Vec<Status> {
        let node = *rng.choose(&NODES);
        for kills in 1..=1 + rng.below(3) {
            let before = self.pid(node).await;
            signal(before, "KILL");
            let again = format!("node {node} runs again after kill {kills}");
            let mut polls = Polls::new(again);
            loop {
                let nodes = self.details().await.nodes;
                let one = nodes.iter().find(|one| one.node.as_ref() == node).unwrap();
                if one.status == Status::Running && one.pid != Some(before) {
                    break;
                }
                polls.next(&nodes).await;
            }
        }
        self.moves(&["relay/number"]).await;
        self.stop(false).await;
        vec![Status::Stopped]
    }

    async fn freeze_node(&self, rng: &mut Rng) -> Vec<Status> {
        let node = *rng.choose(&NODES);
        let pid = self.pid(node).await;
        signal(pid, "STOP");
        rng.wait(300).await;
        self.balance(&self.details().await);
        signal(pid, "CONT");
        self.moves(&["source/number"]).await;
        self.stop(false).await
    }

    async fn stop_while_node_is_frozen(&self, rng: &mut Rng) -> Vec<Status> {
        let node = *rng.choose(&NODES);
        signal(self.pid(node).await, "STOP");
        self.stop(false).await
    }

    async fn remove_by_force(&self) -> Vec<Status> {
        soon("remove", self.handle.remove(NAME, true)).await.unwrap();
        let error = soon("inspect", self.handle.inspect(NAME)).await;
        // An earlier flow of this name may be found again.
        assert!(error.as_ref().is_ok_and(|found| found.info.status.is_ended()) || error.is_err(), "{error:?}");
        Vec::new()
    }

    async fn pause_and_stop(&self, rng: &mut Rng) -> Vec<Status> {
        soon("pause", self.handle.pause(NAME, rng.below(2) == 0)).await.unwrap();
        rng.wait(100).await;
        self.balance(&self.details().await);
        if rng.below(2) == 0 {
            soon("resume", self.handle.resume(NAME)).await.unwrap();
            self.moves(&["source/number"]).await;
        }
        self.stop(false).await
    }

    async fn kill_carrier(&self, carrier: &Carrier) -> Vec<Status> {
        signal(carrier.process.pid, "KILL");
        within("the carrier is gone", || !carrier.process.is_alive());
        self.marked.gone_within(HANG, &self.carriers());
        vec![Status::Failed]
    }

    /// Anything may have been reached by then; nothing of it may last.
    async fn kill_carrier_at_start(&self, file: &std::path::Path, detached: bool, rng: &mut Rng) {
        let verb = if detached { "detach" } else { "hold" };
        let mut child = self.command(&[verb, file.to_str().unwrap(), NAME]).spawn().unwrap();
        rng.wait(120).await;
        let victim = if detached {
            self.world.store.runtimes().unwrap().pop().map(|row| row.process.pid)
        } else {
            Some(child.id())
        };
        if let Some(pid) = victim {
            signal(pid, "KILL");
        }
        drop(child.stdin.take());
        within("the shell ends", || child.try_wait().unwrap().is_some());
        // The shell may have found no daemon, or the one that was killed, and started another.
        let listed = soon("list", self.handle.list(true)).await.unwrap();
        if listed.iter().any(|flow| flow.name == NAME && !flow.status.is_ended()) {
            self.stop(false).await;
        }
        self.check(vec![Status::Failed, Status::Stopped, Status::Finished]).await;
        self.marked.gone_within(HANG, &self.carriers());
    }

    async fn kill_guard(&self, carrier: &Carrier, rng: &mut Rng) -> Vec<Status> {
        let before = guards(carrier.process.pid);
        before.iter().for_each(|guard| signal(*guard, "KILL"));
        rng.wait(50).await;
        self.moves(&["source/number"]).await;
        within("there is a guard again", || guards(carrier.process.pid).iter().any(|guard| !before.contains(guard)));
        if rng.below(2) == 0 { self.kill_carrier(carrier).await } else { self.stop(false).await }
    }

    /// Then only the sweep of the next runtime is left, and what nodes notice by themselves.
    async fn kill_guard_then_carrier(&self, carrier: &Carrier, rng: &mut Rng) -> Vec<Status> {
        guards(carrier.process.pid).iter().for_each(|guard| signal(*guard, "KILL"));
        rng.wait(50).await;
        signal(carrier.process.pid, "KILL");
        within("the carrier is gone", || !carrier.process.is_alive());
        sweep(&self.world.store).unwrap();
        self.marked.gone_within(HANG, &self.carriers());
        vec![Status::Failed]
    }

    async fn lie_to_node_listener(&self, rng: &mut Rng) -> Vec<Status> {
        let details = self.details().await;
        let address = garbage::listener(self.pid("source").await);
        // Some hold on to their connection until the flow has ended.
        let held: Vec<_> = (0..20)
            .filter_map(|_| garbage::to_node_listener(address, details.info.id, &["source", "relay", "sink"], rng))
            .collect();
        self.moves(&["source/number", "relay/number"]).await;
        let details = self.details().await;
        assert!(details.nodes.iter().all(|node| node.status == Status::Running), "{:?}", details.nodes);
        let ended = self.stop(false).await;
        drop(held);
        ended
    }

    async fn lie_to_control_socket(&self, carrier: &Carrier, rng: &mut Rng) -> Vec<Status> {
        let runtimes = self.world.store.runtimes().unwrap();
        let runtime = runtimes.iter().find(|row| row.process == carrier.process).unwrap();
        let mut held = Vec::new();
        for _ in 0..20 {
            held.extend(garbage::to_control_socket(runtime, rng).await);
        }
        self.moves(&["source/number"]).await;
        let ended = self.stop(false).await;
        drop(held);
        ended
    }

    /// Waits until messages of these outputs come that were not there before.
    async fn moves(&self, sources: &[&str]) {
        let count = |details: &DataflowDetails, source: &str| -> u64 {
            details.edges.iter().filter(|edge| edge.source == source).map(|edge| edge.messages).sum()
        };
        let before = self.details().await;
        for source in sources {
            let mut polls = Polls::new(format!("messages come from {source}"));
            loop {
                let now = self.details().await;
                self.balance(&now);
                if count(&now, source) > count(&before, source) {
                    break;
                }
                polls.next(&(&now.nodes, &now.edges)).await;
            }
        }
    }

    async fn node_until(&self, node: &str, what: &str, so: impl Fn(Option<NodeExit>, Status) -> bool) {
        let id: NodeId = node.parse().unwrap();
        let mut polls = Polls::new(format!("node {node} {what}"));
        loop {
            let nodes = self.details().await.nodes;
            if nodes.iter().any(|one| one.node == id && so(one.exit, one.status)) {
                return;
            }
            polls.next(&nodes).await;
        }
    }

    /// Every message that came to an edge was delivered, was dropped, or waits.
    fn balance(&self, details: &DataflowDetails) {
        for edge in &details.edges {
            assert_eq!(edge.messages, edge.delivered + edge.dropped + edge.queued, "{edge:?}");
            assert!(
                !details.info.status.is_ended() || edge.queued == 0,
                "nothing waits in a flow that ended: {edge:?}"
            );
        }
    }

    /// What must be so after every round: the flow has ended in one of these ways, and every record says so.
    async fn check(&self, ways: Vec<Status>) {
        let listed = soon("list", self.handle.list(true)).await.unwrap();
        let last = listed.iter().rev().find(|flow| flow.name == NAME);
        if let Some(last) = last.filter(|_| !ways.is_empty()) {
            assert!(ways.contains(&last.status), "{last:?}");
            let ended = soon("wait", self.handle.wait(last.id, WaitCondition::Ended, Some(HANG))).await.unwrap();
            assert_eq!(ended.status, last.status);
            let details = soon("inspect", self.handle.inspect(last.id)).await.unwrap();
            self.balance(&details);
            assert!(details.nodes.iter().all(|node| node.status.is_ended()), "{:?}", details.nodes);
        }
        assert_eq!(self.world.store.live_dataflows().unwrap(), [], "the name is free");
        assert_eq!(self.world.store.live_node_processes().unwrap(), [], "no process is taken to live");
    }

    async fn end(self) {
        if let Some(daemon) = self.daemon() {
            // Connections and threads of all rounds are gone, whatever came over them.
            until("the daemon has closed what was open", || files(daemon.process.pid) < 40);
            runtime::control::daemon::stop(&self.world.store, false, None).await.unwrap();
        }
        self.marked.gone_within(HANG, &[]);
        assert_eq!(self.world.store.runtimes().unwrap(), []);
    }
}

/// The guards of a runtime: its children with the variable that makes them guards.
fn guards(parent: u32) -> Vec<u32> {
    marked::children(parent)
        .into_iter()
        .filter(|pid| marked::variable(*pid, runtime::guard::ENVIRONMENT).is_some())
        .collect()
}

fn files(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

async fn soon<T>(what: &str, future: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(HANG, future).await.unwrap_or_else(|_| panic!("{what} hangs"))
}

/// Waits for what a process does by itself.
fn within(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + HANG;
    while !so() {
        assert!(std::time::Instant::now() < deadline, "hangs before {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Looks again and again, as long as nothing hangs.
struct Polls {
    what: String,
    deadline: std::time::Instant,
}

impl Polls {
    fn new(what: String) -> Polls {
        Polls { what, deadline: std::time::Instant::now() + HANG }
    }

    async fn next(&mut self, seen: &dyn std::fmt::Debug) {
        assert!(std::time::Instant::now() < self.deadline, "hangs before {}: {seen:?}", self.what);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
