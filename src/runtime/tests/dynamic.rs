//! Nodes that somebody else starts: they find their dataflow by their id, and join and leave as they like.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use diag::{Sources, codes};
use dora_message::common::Timestamped;
use dora_message::id::NodeId;
use dora_message::node_to_daemon::DaemonRequest;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use runtime::model::{DataflowRef, NodeRef, StartOptions, Status, StopOptions, WaitCondition};
use runtime::{Embedded, Handle, Options};
use store::runtimes::RuntimeKind;

use crate::world::{PATIENCE, World, until, with_python};

const PORT: &str = "DORA_DAEMON_LOCAL_LISTEN_PORT";

/// A port that nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn on_port(mut options: StartOptions, port: u16) -> StartOptions {
    options.env.insert(PORT.into(), port.to_string());
    options
}

/// A stock Python program that is told nothing but its port.
fn python(port: u16, code: &str) -> Child {
    let python = std::env::var("DORA_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    Command::new(python)
        .args(["-c", code])
        .env(PORT, port.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a program printed, once it has ended by itself.
fn said(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    text
}

async fn status(handle: &Handle, flow: &str, node: &str) -> Status {
    let nodes = handle.inspect(flow).await.unwrap().nodes;
    nodes.into_iter().find(|info| info.node.to_string() == node).unwrap().status
}

async fn until_status(handle: &Handle, flow: &str, node: &str, wanted: Status) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while status(handle, flow, node).await != wanted {
        assert!(tokio::time::Instant::now() < deadline, "`{node}` did not become {wanted}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

const FLOW: &str = "\
nodes:
  - id: guest
    path: dynamic
    inputs: {tick: dora/timer/millis/20}
    outputs: [number]
  - id: sink
    path: sink.py
    inputs:
      number: guest/number
      tick: dora/timer/millis/20
";

const SINK: &str = "\
from dora import Node
for event in Node():
    if event['type'] == 'INPUT' and event['id'] == 'number':
        print('got', event['value'][0].as_py())
";

/// Sends a number at its first tick and leaves.
const GUEST: &str = "\
import sys, pyarrow as pa
from dora import Node
node = Node('guest')
for event in node:
    if event['type'] == 'INPUT':
        node.send_output('number', pa.array([int(sys.argv[1]) if len(sys.argv) > 1 else 7]))
        break
print('guest is done')
";

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_node_started_by_hand_joins_leaves_and_joins_again() {
    let world = World::new();
    let port = free_port();
    let file = world.write(FLOW, &[("sink.py", SINK)]);
    let flow = world.handle.start(on_port(with_python(&file), port)).await.unwrap();
    assert_eq!(flow.status, Status::Running, "nobody waits for the guest");
    assert_eq!(status(&world.handle, "flow", "guest").await, Status::Created);

    for _ in 0..2 {
        let guest = python(port, GUEST);
        assert!(said(guest).contains("guest is done"));
        until_status(&world.handle, "flow", "guest", Status::Created).await;
    }
    let edges = world.handle.inspect(flow.id).await.unwrap().edges;
    let edge = edges.iter().find(|edge| edge.input.to_string() == "number").unwrap();
    assert_eq!((edge.messages, edge.dropped), (2, 0));
    let dynamic = world.handle.inspect(flow.id).await.unwrap().nodes.remove(0);
    assert_eq!((dynamic.pid, dynamic.source.as_str()), (None, "dynamic"));

    world.handle.stop(flow.id, StopOptions::default()).await.unwrap();
    let printed = world.printed(flow.id).await;
    assert_eq!(printed.iter().filter(|line| *line == "sink: got 7").count(), 2, "{printed:?}");
}

/// Stays until it is told to stop.
const STAYS: &str = "\
from dora import Node
for event in Node('guest'):
    if event['type'] == 'STOP': print('told to stop')
print('guest is done')
";

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_is_told_to_stop_with_its_dataflow_and_keeps_none_alive() {
    let world = World::new();
    let port = free_port();
    let short = "from dora import Node\nnext(iter(Node()))\n";
    let yaml = FLOW.replace("sink.py", "short.py");
    let file = world.write(&yaml, &[("short.py", short)]);
    let mut options = on_port(with_python(&file), port);
    options.name = Some("first".into());
    let first = world.handle.start(options).await.unwrap();
    let ended = world.handle.wait(first.id, WaitCondition::Ended, Some(PATIENCE)).await.unwrap();
    assert_eq!(ended.status, Status::Finished, "it ends although its guest never came");

    let file = world.write("nodes:\n  - id: guest\n    path: dynamic\n    inputs: {tick: dora/timer/millis/20}\n", &[]);
    let second = world.handle.start(on_port(StartOptions::file(&file), port)).await.unwrap();
    let guest = python(port, STAYS);
    until_status(&world.handle, "flow", "guest", Status::Running).await;
    world.handle.stop(second.id, StopOptions::default()).await.unwrap();
    let text = said(guest);
    assert!(text.contains("told to stop") && text.contains("guest is done"), "{text}");
}

/// One wrong thing that may be said on the port.
fn lie() -> impl Strategy<Value = Vec<u8>> {
    let framed = |body: Vec<u8>| [(body.len() as u64).to_le_bytes().to_vec(), body].concat();
    let request = |inner| {
        let timestamp = dora_message::uhlc::HLC::default().new_timestamp();
        dora_message::encode(&Timestamped { inner, timestamp }).unwrap()
    };
    let asked = framed(request(DaemonRequest::NodeConfig { node_id: "guest".parse().unwrap() }));
    let torn = any::<prop::sample::Index>().prop_map(move |at| asked[..at.index(asked.len())].to_vec());
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(any::<u8>(), 0..200).prop_map(framed),
        torn,
        any::<u64>().prop_map(|length| length.to_le_bytes().to_vec()),
        // What nodes ask elsewhere.
        Just(framed(request(DaemonRequest::NextEvent))),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_said_on_the_port_a_guest_still_finds_its_dataflow() {
    let world = World::new();
    let port = free_port();
    let file = world.write(FLOW, &[("sink.py", SINK)]);
    let flow = world.handle.start(on_port(with_python(&file), port)).await.unwrap();
    let mut runner = TestRunner::new(Config::default());
    // Half of them wait for an answer without ever having asked to the end.
    let mut held = Vec::new();
    for round in 0..400 {
        let said = lie().new_tree(&mut runner).unwrap().current();
        let mut peer = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let _ = peer.write_all(&said);
        if round % 2 == 0 {
            held.push(peer);
        }
    }
    assert!(said(python(port, GUEST)).contains("guest is done"));
    drop(held);
    world.handle.stop(flow.id, StopOptions::default()).await.unwrap();
    assert!(world.printed(flow.id).await.contains(&"sink: got 7".to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_can_be_asked_to_leave_and_not_to_come() {
    let world = World::new();
    let port = free_port();
    let file = world.write(FLOW, &[("sink.py", SINK)]);
    world.handle.start(on_port(with_python(&file), port)).await.unwrap();
    let node = || NodeRef { dataflow: DataflowRef::from("flow"), node: "guest".parse::<NodeId>().unwrap() };
    for result in [
        world.handle.start_node(node()).await,
        world.handle.restart_node(node(), StopOptions::default()).await,
        world.handle.stop_node(node(), StopOptions::default()).await,
    ] {
        assert_eq!(result.unwrap_err().code, codes::WRONG_STATE);
    }
    let guest = python(port, STAYS);
    until_status(&world.handle, "flow", "guest", Status::Running).await;
    world.handle.stop_node(node(), StopOptions::default()).await.unwrap();
    assert!(said(guest).contains("told to stop"));
    world.handle.shutdown(false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn any_runtime_of_the_home_answers_and_another_takes_over() {
    let world = World::new();
    let port = free_port();
    let other = Embedded::new(Options {
        store: world.store.clone(),
        sources: Sources::new(),
        kind: RuntimeKind::Embedded,
        journal: None,
        executable: env!("CARGO_BIN_EXE_runtime-host").into(),
    })
    .handle();
    let file = world.write(FLOW, &[("sink.py", SINK)]);
    let start = |id: &str| {
        let text = std::fs::read_to_string(&file).unwrap().replace("guest", id);
        let own = file.with_file_name(format!("{id}.yml"));
        std::fs::write(&own, text).unwrap();
        on_port(with_python(&own), port)
    };
    // The first holds the port, and answers for the second.
    world.handle.start(start("one")).await.unwrap();
    other.start(start("two")).await.unwrap();
    let guest = |id: &str| python(port, &GUEST.replace("'guest'", &format!("'{id}'")));
    assert!(said(guest("two")).contains("is done"));
    assert!(said(guest("one")).contains("is done"));
    let details = other.inspect("two").await.unwrap();
    let warned = details.history.iter().filter(|event| event.why.contains("another program holds port")).count();
    assert_eq!(warned, 0, "whoever holds it answers: {:?}", details.history);

    world.handle.shutdown(false).await.unwrap();
    until("the other runtime has taken over", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()).await;
    assert!(said(guest("two")).contains("is done"));

    // An id that nobody or more than one dataflow has is told as that.
    let lost = guest("one").wait_with_output().unwrap();
    assert!(!lost.status.success());
    assert!(String::from_utf8_lossy(&lost.stderr).contains("no running dataflow has a node `one`"), "{lost:?}");
    let mut again = start("two");
    again.name = Some("again".into());
    other.start(again).await.unwrap();
    let lost = guest("two").wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&lost.stderr).contains("several dataflows have"), "{lost:?}");
    other.shutdown(false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_another_program_holds_is_told() {
    let world = World::new();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    // It accepts and hangs up, as a program that speaks something else does.
    std::thread::spawn(move || holder.incoming().for_each(drop));
    let file = world.write("nodes:\n  - {id: guest, path: dynamic, outputs: [a]}\n", &[]);
    let flow = world.handle.start(on_port(StartOptions::file(&file), port)).await.unwrap();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let told = async || {
        let history = world.handle.inspect(flow.id).await.unwrap().history;
        history.iter().any(|event| event.why.contains("another program holds port"))
    };
    while !told().await {
        assert!(tokio::time::Instant::now() < deadline, "nothing is told");
        tokio::task::yield_now().await;
    }
    world.handle.shutdown(false).await.unwrap();
}
