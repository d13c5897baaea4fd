//! What is done to dataflows and nodes while they run, and what timeouts do, with unmodified dora-rs nodes.

use std::time::Duration;

use diag::codes;
use futures::StreamExt;
use runtime::model::{
    Connection, DataPath, DataflowId, DataflowInfo, InputRef, LogQuery, NodeInfo, NodeQuery, NodeRef, PathChoice,
    Status, StopOptions, TapQuery, TopicQuery, WaitCondition,
};
use serde_json::json;

use crate::world::{PATIENCE, World, with_python};

/// Sends 0, 1, 2, … with each tick.
const SOURCE: &str = "\
import pyarrow as pa
from dora import Node
node = Node()
count = 0
for event in node:
    if event['type'] == 'INPUT':
        node.send_output('number', pa.array([count]))
        count += 1
    elif event['type'] not in ('STOP',):
        print(event['type'], event.get('id'), event.get('key'), event.get('value'), flush=True)
";

/// Prints every event.
const WATCHER: &str = "\
from dora import Node
node = Node()
print('ready', flush=True)
for event in node:
    if event['type'] == 'INPUT':
        print('got', event['id'], event['value'][0].as_py() if len(event['value']) else None, flush=True)
    else:
        print(event['type'], event.get('id'), event.get('key'), event.get('value'), event.get('error'), flush=True)
";

const PAIR: &str = "\
nodes:
  - id: source
    path: source.py
    inputs: { tick: dora/timer/millis/20 }
    outputs: [number]
  - id: watcher
    path: watcher.py
    inputs:
      number: { source: source/number, queue_size: 1000 }
";

async fn start(world: &World, yaml: &str) -> DataflowInfo {
    let file = world.write(yaml, &[("source.py", SOURCE), ("watcher.py", WATCHER)]);
    world.handle.start(with_python(&file)).await.unwrap()
}

fn at(flow: &DataflowInfo, node: &str) -> NodeRef {
    NodeRef { dataflow: flow.id.into(), node: node.parse().unwrap() }
}

/// Waits until a node has printed a line that begins so, after `from` others that did; returns all it printed.
async fn said(world: &World, flow: DataflowId, node: &str, beginning: &str, from: usize) -> Vec<String> {
    let query = LogQuery { follow: true, nodes: vec![node.parse().unwrap()], ..LogQuery::new(flow) };
    let mut records = world.handle.logs(query).await.unwrap();
    let mut all: Vec<String> = Vec::new();
    let wait = async {
        while let Some(record) = records.next().await {
            all.push(record.unwrap().message);
            if all.iter().filter(|line| line.starts_with(beginning)).count() > from {
                return;
            }
        }
    };
    let outcome = tokio::time::timeout(PATIENCE, wait).await;
    let last = &all[all.len().saturating_sub(30)..];
    assert!(outcome.is_ok(), "`{node}` never said `{beginning}…`, but at last: {last:?}");
    assert!(
        all.iter().filter(|line| line.starts_with(beginning)).count() > from,
        "`{beginning}…` is missing: {last:?}"
    );
    all
}

async fn node(world: &World, flow: &DataflowInfo, name: &str) -> NodeInfo {
    let query = NodeQuery { dataflow: Some(flow.id.into()), all: true };
    let nodes = world.handle.nodes(query).await.unwrap();
    nodes.into_iter().find(|node| node.node.to_string() == name).unwrap()
}

async fn stop(world: &World, flow: &DataflowInfo) {
    world.handle.stop(flow.id, StopOptions { grace: None, force: true }).await.unwrap();
}

fn numbers(lines: &[String]) -> Vec<i64> {
    lines.iter().filter_map(|line| line.strip_prefix("got number ")?.parse().ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_restarted_by_hand_is_no_crash_and_its_consumers_go_on() {
    let world = World::new();
    let flow = start(&world, PAIR).await;
    said(&world, flow.id, "watcher", "got number", 3).await;
    let before = node(&world, &flow, "source").await;
    let after = world.handle.restart_node(at(&flow, "source"), StopOptions::default()).await.unwrap();
    assert_eq!((after.status, after.restarts), (Status::Running, 0));
    assert_ne!(after.pid, before.pid);
    let lines = said(&world, flow.id, "watcher", "NODE_RESTARTED", 0).await;
    assert!(!lines.iter().any(|line| line.contains("CLOSED")), "{lines:?}");
    // It counts from 0 again.
    let lines = said(&world, flow.id, "watcher", "got number 0", 1).await;
    assert!(!lines.iter().any(|line| line.contains("CLOSED")), "{lines:?}");
    stop(&world, &flow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_to_a_node_while_it_is_restarted_waits_for_its_new_process() {
    let world = World::new();
    let flow = start(&world, PAIR).await;
    said(&world, flow.id, "watcher", "got number", 3).await;
    world.handle.restart_node(at(&flow, "watcher"), StopOptions::default()).await.unwrap();
    let lines = said(&world, flow.id, "watcher", "got number", 60).await;
    let second = lines.iter().rposition(|line| line == "ready").unwrap();
    let (first, second) = (numbers(&lines[..second]), numbers(&lines[second..]));
    // A stock node reads ahead, so a few may have gone with the old process; from then on none is missing.
    assert!(second[0] - first[first.len() - 1] <= 20, "{first:?} {second:?}");
    assert!(second.windows(2).all(|pair| pair[1] == pair[0] + 1), "{second:?}");
    stop(&world, &flow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_holds_what_comes_and_resume_delivers_it_in_order() {
    let world = World::new();
    // The source runs on a clock of its own, which a pause does not stop.
    let clock = "import time\nimport pyarrow as pa\nfrom dora import Node\nnode = Node()\nfor count in range(100000):\n    node.send_output('number', pa.array([count]))\n    time.sleep(0.02)\n";
    let yaml = PAIR.replace("source.py", "clock.py").replace("    inputs: { tick: dora/timer/millis/20 }\n", "");
    std::fs::write(world.root.path().join("clock.py"), clock).unwrap();
    let flow = start(&world, &yaml).await;
    said(&world, flow.id, "watcher", "got number", 3).await;
    let paused = world.handle.pause(flow.id, false).await.unwrap();
    assert_eq!(paused.status, Status::Paused);
    assert_eq!(node(&world, &flow, "watcher").await.status, Status::Paused);
    let queued = async || world.handle.inspect(flow.id).await.unwrap().edges[0].queued;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while queued().await < 20 {
        assert!(tokio::time::Instant::now() < deadline, "nothing waits");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let error = world.handle.pause(flow.id, false).await.unwrap_err();
    assert_eq!(error.code, codes::WRONG_STATE);
    assert_eq!(world.handle.resume(flow.id).await.unwrap().status, Status::Running);
    let lines = said(&world, flow.id, "watcher", "got number", 60).await;
    let numbers = numbers(&lines);
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    let edge = &world.handle.inspect(flow.id).await.unwrap().edges[0];
    assert_eq!((edge.dropped, edge.while_paused), (0, 0));
    assert!(edge.latency.unwrap().max < Duration::from_millis(400), "the pause is no latency: {edge:?}");
    stop(&world, &flow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_a_paused_dataflow_delivers_nothing_more() {
    let world = World::new();
    let flow = start(&world, PAIR).await;
    said(&world, flow.id, "watcher", "got number", 3).await;
    world.handle.pause(flow.id, true).await.unwrap();
    let before = world.handle.inspect(flow.id).await.unwrap().edges.clone();
    let stopped = world.handle.stop(flow.id, StopOptions::default()).await.unwrap();
    assert_eq!(stopped.status, Status::Stopped, "{:?}", stopped.cause);
    for (before, after) in before.iter().zip(&world.handle.inspect(flow.id).await.unwrap().edges) {
        assert_eq!(before.delivered, after.delivered);
        assert_eq!(after.messages, after.delivered + after.dropped);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_node_can_be_started_again_and_its_consumers_have_never_lost_it() {
    let world = World::new();
    let flow = start(&world, PAIR).await;
    said(&world, flow.id, "watcher", "got number", 3).await;
    let stopped = world.handle.stop_node(at(&flow, "source"), StopOptions::default()).await.unwrap();
    assert_eq!((stopped.status, stopped.pid), (Status::Stopped, None));
    let error = world.handle.stop_node(at(&flow, "source"), StopOptions::default()).await.unwrap_err();
    assert_eq!(error.code, codes::WRONG_STATE);
    let started = world.handle.start_node(at(&flow, "source")).await.unwrap();
    assert_eq!(started.status, Status::Running);
    let error = world.handle.start_node(at(&flow, "source")).await.unwrap_err();
    assert_eq!(error.code, codes::WRONG_STATE);
    let lines = said(&world, flow.id, "watcher", "got number 0", 1).await;
    assert!(!lines.iter().any(|line| line.contains("CLOSED")), "{lines:?}");
    // A dataflow all of whose nodes were stopped by hand is over.
    for name in ["source", "watcher"] {
        world.handle.stop_node(at(&flow, name), StopOptions::default()).await.unwrap();
    }
    let ended = world.handle.wait(flow.id, WaitCondition::Ended, Some(PATIENCE)).await.unwrap();
    assert_eq!(ended.status, Status::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_started_by_hand_and_dies_is_told_with_its_last_words() {
    let world = World::new();
    let flow = start(&world, PAIR).await;
    std::fs::write(world.root.path().join("source.py"), "raise SystemExit('no camera today')").unwrap();
    let error = world.handle.restart_node(at(&flow, "source"), StopOptions::default()).await.unwrap_err();
    assert_eq!(error.code, codes::NODE_DIED_AT_START);
    assert!(error.causes.iter().any(|cause| cause.detail.join("").contains("no camera today")), "{error:?}");
    let failed = node(&world, &flow, "source").await;
    assert_eq!(failed.status, Status::Failed);
    let lines = said(&world, flow.id, "watcher", "NODE_FAILED", 0).await;
    assert!(lines.iter().any(|line| line.contains("source")), "{lines:?}");
    // Mended, it can be started, and its consumer hears that the input is back.
    std::fs::write(world.root.path().join("source.py"), SOURCE).unwrap();
    if node(&world, &flow, "watcher").await.status == Status::Running {
        world.handle.start_node(at(&flow, "source")).await.unwrap();
        stop(&world, &flow).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_are_told_at_once_and_again_to_a_new_process() {
    let world = World::new();
    let flow = start(&world, PAIR).await;
    let watcher = at(&flow, "watcher");
    world.handle.set_param(watcher.clone(), "threshold".into(), json!(0.5)).await.unwrap();
    world.handle.set_param(watcher.clone(), "mode".into(), json!({ "fast": true })).await.unwrap();
    said(&world, flow.id, "watcher", "PARAM_UPDATE", 1).await;
    assert_eq!(world.handle.params(watcher.clone()).await.unwrap()["threshold"], json!(0.5));
    world.handle.delete_param(watcher.clone(), "mode".into()).await.unwrap();
    let error = world.handle.delete_param(watcher.clone(), "mode".into()).await.unwrap_err();
    assert_eq!(error.code, codes::PARAM_NOT_FOUND);
    said(&world, flow.id, "watcher", "PARAM_DELETED", 0).await;
    world.handle.restart_node(watcher.clone(), StopOptions::default()).await.unwrap();
    said(&world, flow.id, "watcher", "PARAM_UPDATE", 2).await;
    // A new run has them too.
    let again = world.handle.restart(flow.id, StopOptions::default(), false).await.unwrap();
    assert_ne!(again.id, flow.id);
    assert_eq!(again.name, flow.name);
    let params = world.handle.params(at(&again, "watcher")).await.unwrap();
    assert_eq!(params.into_iter().collect::<Vec<_>>(), [("threshold".to_string(), json!(0.5))]);
    stop(&world, &again).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wiring_changes_while_messages_pass() {
    let world = World::new();
    let flow = start(&world, PAIR).await;
    let extra = "id: extra\npath: watcher.py\ninputs:\n  number: source/number\n  tick: dora/timer/millis/70\n";
    let added = world.handle.add_node(flow.id, extra.into()).await.unwrap();
    assert_eq!(added.status, Status::Running);
    let error = world.handle.add_node(flow.id, extra.into()).await.unwrap_err();
    assert_eq!(error.code, codes::NAME_TAKEN);
    said(&world, flow.id, "extra", "got number", 3).await;
    said(&world, flow.id, "extra", "got tick", 3).await;

    let to = InputRef { node: "watcher".parse().unwrap(), input: "beat".to_string().into() };
    let connection =
        Connection { source: "dora/timer/millis/30".into(), to: to.clone(), queue_size: None, queue_policy: None };
    world.handle.connect(flow.id, connection.clone()).await.unwrap();
    let error = world.handle.connect(flow.id, connection.clone()).await.unwrap_err();
    assert_eq!(error.code, codes::WRONG_STATE);
    said(&world, flow.id, "watcher", "got beat", 3).await;
    world.handle.disconnect(flow.id, to.clone()).await.unwrap();
    let error = world.handle.disconnect(flow.id, to).await.unwrap_err();
    assert_eq!(error.code, codes::INPUT_NOT_FOUND);
    said(&world, flow.id, "watcher", "INPUT_CLOSED", 0).await;

    let other = "id: extra\npath: watcher.py\ninputs:\n  value: source/number\n";
    let replaced = world.handle.replace_node(flow.id, other.into(), StopOptions::default()).await.unwrap();
    assert_eq!((replaced.status, replaced.restarts), (Status::Running, 0));
    said(&world, flow.id, "extra", "got value", 3).await;

    world.handle.remove_node(at(&flow, "extra"), StopOptions::default()).await.unwrap();
    let nodes = world.handle.nodes(NodeQuery { dataflow: Some(flow.id.into()), all: true }).await.unwrap();
    assert_eq!(nodes.len(), 2);
    assert_eq!(world.handle.list(false).await.unwrap()[0].nodes, 2);
    let error = world.handle.remove_node(at(&flow, "extra"), StopOptions::default()).await.unwrap_err();
    assert_eq!(error.code, codes::NODE_NOT_FOUND);
    stop(&world, &flow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_run_has_the_nodes_and_edges_that_the_old_one_was_given() {
    let world = World::new();
    let flow = start(&world, PAIR).await;
    let extra = "id: extra\npath: watcher.py\ninputs:\n  number: source/number\n";
    world.handle.add_node(flow.id, extra.into()).await.unwrap();
    let to = InputRef { node: "watcher".parse().unwrap(), input: "beat".to_string().into() };
    let connection = Connection { source: "dora/timer/millis/30".into(), to, queue_size: None, queue_policy: None };
    world.handle.connect(flow.id, connection).await.unwrap();
    world.handle.set_param(at(&flow, "extra"), "mode".into(), json!("fast")).await.unwrap();

    let again = world.handle.restart(flow.id, StopOptions::default(), false).await.unwrap();
    assert_eq!((again.nodes, again.running), (3, 3));
    said(&world, again.id, "extra", "got number", 3).await;
    said(&world, again.id, "watcher", "got beat", 3).await;
    assert_eq!(world.handle.params(at(&again, "extra")).await.unwrap()["mode"], json!("fast"));

    // What was taken out again stays out.
    world.handle.remove_node(at(&again, "extra"), StopOptions::default()).await.unwrap();
    // Its log is still there; that of a node that never was is asked for by mistake.
    let asked = |node: &str| LogQuery { nodes: vec![node.parse().unwrap()], ..LogQuery::new(again.id) };
    assert!(world.handle.logs(asked("extra")).await.is_ok());
    let error = world.handle.logs(asked("extr")).await.err().unwrap();
    assert_eq!(error.code, codes::NODE_NOT_FOUND);
    world.handle.stop(again.id, StopOptions::default()).await.unwrap();
    let third = world.handle.restart(again.id, StopOptions::default(), false).await.unwrap();
    assert_eq!(third.nodes, 2);
    stop(&world, &third).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_renews_every_process_of_the_same_run() {
    let world = World::new();
    let flow = start(&world, PAIR).await;
    let pids = async || -> Vec<_> {
        let nodes = world.handle.nodes(NodeQuery { dataflow: Some(flow.id.into()), all: false }).await.unwrap();
        nodes.into_iter().map(|node| node.pid.unwrap()).collect()
    };
    let before = pids().await;
    let rolled = world.handle.restart(flow.id, StopOptions::default(), true).await.unwrap();
    assert_eq!((rolled.id, rolled.status, rolled.restarts), (flow.id, Status::Running, 0));
    assert!(pids().await.iter().all(|pid| !before.contains(pid)));
    stop(&world, &flow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_not_ready_in_time_is_killed_and_its_policy_applies() {
    let world = World::new();
    let slow = "import os, time\nif not os.path.exists('tried'):\n    open('tried', 'w').close()\n    time.sleep(1000)\nfrom dora import Node\nfor event in Node(): pass\n";
    let file = world.write(
        "nodes:\n  - id: slow\n    path: slow.py\n    startup_timeout: 1.5\n    restart_policy: on-failure\n    inputs: { tick: dora/timer/secs/1 }\n",
        &[("slow.py", slow)],
    );
    let flow = world.handle.start(with_python(&file)).await.unwrap();
    let slow = node(&world, &flow, "slow").await;
    assert_eq!((slow.status, slow.restarts), (Status::Running, 1));
    stop(&world, &flow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_is_silent_for_too_long_is_told_and_so_is_its_return() {
    let world = World::new();
    let yaml = PAIR.replace("queue_size: 1000", "queue_size: 1000, input_timeout: 0.4");
    let flow = start(&world, &yaml).await;
    said(&world, flow.id, "watcher", "got number", 3).await;
    world.handle.stop_node(at(&flow, "source"), StopOptions::default()).await.unwrap();
    said(&world, flow.id, "watcher", "INPUT_CLOSED", 0).await;
    assert!(world.handle.inspect(flow.id).await.unwrap().edges[1].silent);
    world.handle.start_node(at(&flow, "source")).await.unwrap();
    let lines = said(&world, flow.id, "watcher", "INPUT_RECOVERED", 0).await;
    assert!(!lines.iter().any(|line| line.starts_with("ALL_INPUTS_CLOSED")), "{lines:?}");
    said(&world, flow.id, "watcher", "got number 0", 1).await;
    let told = said(&world, flow.id, "watcher", "its input `number` gets messages again", 0).await;
    assert!(told.iter().any(|line| line.contains("input_timeout")), "{told:?}");
    stop(&world, &flow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_behind_a_failure_is_named_on_those_who_fail_after_it() {
    let world = World::new();
    let weak = "import sys\nfrom dora import Node\nnode = Node()\nfor event in node:\n    if event['type'] == 'INPUT': sys.exit(7)\n";
    let follower = "import sys\nfrom dora import Node\nnode = Node()\nfor event in node:\n    if event['type'] == 'NODE_FAILED': sys.exit(1)\n";
    let file = world.write(
        "nodes:\n  - id: weak\n    path: weak.py\n    inputs: { tick: dora/timer/millis/50 }\n    outputs: [out]\n  - id: follower\n    path: follower.py\n    inputs: { in: weak/out, tick: dora/timer/secs/10 }\n",
        &[("weak.py", weak), ("follower.py", follower)],
    );
    let flow = world.handle.start(with_python(&file)).await.unwrap();
    let ended = world.handle.wait(flow.id, WaitCondition::Ended, Some(PATIENCE)).await.unwrap();
    assert_eq!((ended.status, ended.culprit.unwrap().to_string()), (Status::Failed, "weak".to_string()));
    let follower = node(&world, &flow, "follower").await;
    assert_eq!((follower.status, follower.culprit.unwrap().to_string()), (Status::Failed, "weak".to_string()));
    // It can be started again, as it was.
    std::fs::write(world.root.path().join("weak.py"), SOURCE.replace("number", "out")).unwrap();
    let again = world.handle.restart(flow.id, StopOptions::default(), false).await.unwrap();
    assert_eq!((again.name, again.status), (flow.name, Status::Running));
    world.handle.stop(again.id, StopOptions { grace: None, force: true }).await.unwrap();
}

/// Sends messages of some megabytes, each beginning with its number.
const LARGE_SOURCE: &str = "\
import numpy as np
import pyarrow as pa
from dora import Node
node = Node()
count = 0
for event in node:
    if event['type'] == 'INPUT':
        data = np.zeros(2_000_000, dtype=np.uint8)
        data[0] = count % 250
        node.send_output('number', pa.array(data))
        count += 1
";

#[tokio::test(flavor = "multi_thread")]
async fn large_messages_go_from_node_to_node_when_that_is_wanted_or_was_learned() {
    let world = World::new();
    let yaml = PAIR.replace("millis/20", "millis/100");
    let file = world.write(&yaml, &[("source.py", LARGE_SOURCE), ("watcher.py", WATCHER)]);
    let topic = async |flow: &DataflowInfo| {
        let query = TopicQuery { dataflow: Some(flow.id.into()) };
        world.handle.topics(query).await.unwrap().remove(0)
    };
    // Nothing is known of it yet.
    let first = world.handle.start(with_python(&file)).await.unwrap();
    said(&world, first.id, "watcher", "got number", 5).await;
    let seen = topic(&first).await;
    assert_eq!((seen.path, seen.fallbacks), (DataPath::Routed, 0));
    assert!(seen.largest > 2_000_000, "{seen:?}");
    let noticed = world.handle.inspect(first.id).await.unwrap().history;
    assert!(noticed.iter().any(|event| event.why.contains("--path direct")), "{noticed:?}");
    stop(&world, &first).await;

    // The next run has learned.
    let second = world.handle.start(with_python(&file)).await.unwrap();
    said(&world, second.id, "watcher", "got number", 10).await;
    let seen = topic(&second).await;
    assert_eq!(seen.path, DataPath::Direct);
    assert!(seen.messages >= 10 && seen.fallbacks <= 1, "{seen:?}");
    assert_eq!(world.handle.pause(second.id, false).await.unwrap_err().code, codes::DIRECT_OUTPUT);
    let tap = TapQuery { dataflow: second.id.into(), topics: vec![seen.topic.clone()], data: false };
    assert_eq!(world.handle.messages(tap.clone()).await.err().unwrap().code, codes::DIRECT_OUTPUT);
    // Brought back, it can be held and watched.
    let source = at(&second, "source");
    world.handle.reroute_node(source.clone(), StopOptions::default(), PathChoice::Routed).await.unwrap();
    said(&world, second.id, "watcher", "got number 0", 1).await;
    assert_eq!(topic(&second).await.path, DataPath::Routed);
    let mut watched = world.handle.messages(tap).await.unwrap();
    assert!(watched.next().await.unwrap().unwrap().size > 2_000_000);
    drop(watched);
    world.handle.pause(second.id, false).await.unwrap();
    world.handle.resume(second.id).await.unwrap();
    // And sent away again, to a consumer that has stayed.
    world.handle.reroute_node(source, StopOptions::default(), PathChoice::Direct).await.unwrap();
    said(&world, second.id, "watcher", "NODE_RESTARTED", 1).await;
    let before = topic(&second).await;
    let got = world.printed_so_far(second.id, "watcher").await.len();
    said(&world, second.id, "watcher", "", got + 5).await;
    let seen = topic(&second).await;
    assert_eq!((seen.path, seen.fallbacks), (DataPath::Direct, before.fallbacks));
    stop(&world, &second).await;
}
