//! What the control socket gives away, and to whom; and what a hostile peer can break.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use dora_message::cli_to_coordinator::ControlRequest;
use futures::{SinkExt, StreamExt};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use runtime::Embedded;
use runtime::control::daemon;
use runtime::control::server::Server;
use runtime::control::token::Token;
use runtime::model::{EdgeSource, Status, StopOptions};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};
use uuid::Uuid;

use crate::dora_cli::{Cli, port_of};
use crate::faults::garbage;
use crate::faults::rng::{self, Rng};
use crate::world::World;

async fn connect(port: u16, bearer: Option<&str>) -> Option<WebSocketStream<TcpStream>> {
    let mut request = format!("ws://127.0.0.1:{port}/api/control").into_client_request().unwrap();
    if let Some(bearer) = bearer {
        request.headers_mut().insert("authorization", bearer.parse().unwrap());
    }
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    client_async(request, stream).await.ok().map(|(socket, _)| socket)
}

async fn greets(socket: &mut WebSocketStream<TcpStream>) -> bool {
    let hello = json!({ "id": Uuid::new_v4(), "method": "control", "params": ControlRequest::hello() });
    socket.send(Message::text(hello.to_string())).await.is_ok()
        && matches!(socket.next().await, Some(Ok(Message::Text(text))) if text.contains("HelloOk"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_others_reach_answers_nobody_without_the_token() {
    let world = World::new();
    let own = Embedded::new(world.options()).handle();
    let path = world.store.home().state().join("token");
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let server = Server::bind_at(own, everywhere, Token::create(&path).unwrap(), None).await.unwrap();
    assert!(server.address().starts_with("ws://127.0.0.1:"), "{}", server.address());
    assert!(connect(server.port(), None).await.is_none());
    assert!(connect(server.port(), Some("Bearer guess")).await.is_none());
    let bearer = Token::read(&path).unwrap().header();
    assert!(greets(&mut connect(server.port(), Some(&bearer)).await.unwrap()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_for_other_machines_asks_the_real_cli_for_its_token() {
    let world = World::new();
    let options = daemon::Options { interface: Ipv4Addr::UNSPECIFIED.into(), ..world.daemon() };
    let row = daemon::ensure(&options).await.unwrap();
    let cli = Cli::new(port_of(row.address.as_ref().unwrap()));
    assert!(cli.fails("list").contains("401"));
    let token = row.token_path.unwrap();
    assert_eq!(token.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let secret = std::fs::read_to_string(&token).unwrap();
    let given = cli.command(&["list"]).env("DORA_AUTH_TOKEN", &secret).output().unwrap();
    assert!(given.status.success(), "{given:?}");
    // Or from where dora-rs's own coordinator would have put it.
    let directory = cli.home().join(".config/dora");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::copy(&token, directory.join(".dora-token")).unwrap();
    cli.run("list");
    daemon::stop(&world.store, false, None).await.unwrap();
}

/// Frames that are requests, nearly requests, and no requests at all.
fn frames() -> impl Strategy<Value = Message> {
    let texts = [
        json!({ "id": Uuid::nil(), "method": "control", "params": "List" }),
        json!({ "id": Uuid::nil(), "method": "control", "params": { "Stop": { "dataflow_uuid": 7 } } }),
        json!({ "id": Uuid::nil(), "method": "control", "params": { "TopicSubscribe": {
            "dataflow_id": Uuid::nil(), "topics": [["a", "b"]], "protocol_version": 2 } } }),
        json!({ "id": Uuid::nil(), "method": "control", "params": { "Logs": {
            "uuid": null, "name": "../../etc/passwd", "node": "../x", "tail": u64::MAX } } }),
        json!({ "id": Uuid::nil(), "method": "control", "params": { "Start": { "dataflow": { "nodes": "x" } } } }),
        json!({ "id": Uuid::nil(), "method": "dora-shell", "params": { "list": { "all": true } } }),
        json!({ "id": Uuid::nil(), "method": "dora-shell", "params": { "logs": { "dataflow": "x", "nodes": [{}] } } }),
    ];
    let texts = prop::sample::select(texts.map(|value| value.to_string()).to_vec());
    // A character put somewhere, or all from some place on cut off.
    let torn = (texts, any::<prop::sample::Index>(), any::<Option<char>>()).prop_map(|(text, at, put)| {
        let mut chars: Vec<char> = text.chars().collect();
        let at = at.index(chars.len());
        match put {
            Some(put) => chars[at] = put,
            None => chars.truncate(at),
        }
        Message::text(chars.into_iter().collect::<String>())
    });
    let bytes = prop::collection::vec(any::<u8>(), 0..200).prop_map(Message::binary);
    prop_oneof![4 => torn, 2 => bytes, 1 => any::<String>().prop_map(Message::text)]
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_peer_sends_costs_at_most_its_own_connection() {
    let world = World::new();
    let own = Embedded::new(world.options()).handle();
    own.start(world.start("demo")).await.unwrap();
    let path = world.store.home().state().join("token");
    let server = Server::bind(own.clone(), 0, Token::create(&path).unwrap(), None).await.unwrap();
    let bearer = Token::read(&path).unwrap().header();
    let mut bystander = connect(server.port(), None).await.unwrap();
    let mut runner = TestRunner::new(Config::default());
    for round in 0..400 {
        // Owners can send more, binary frames among it.
        let bearer = (round % 2 == 0).then_some(bearer.as_str());
        let mut peer = connect(server.port(), bearer).await.unwrap();
        let frame = frames().new_tree(&mut runner).unwrap().current();
        let shown = format!("{frame:?}");
        let _ = peer.send(frame).await;
        let _ = peer.close(None).await;
        // Until it is closed, from either side.
        while let Some(Ok(_)) = peer.next().await {}
        assert!(round % 50 != 0 || greets(&mut bystander).await, "the runtime is gone after {shown}");
    }
    assert!(greets(&mut bystander).await);
    assert_eq!(own.list(false).await.unwrap().len(), 1);
    own.shutdown(false).await.unwrap();
}

const STOCK: &str = "
nodes:
  - {id: source, path: source.py, inputs: {tick: dora/timer/millis/2}, outputs: [number]}
  - {id: relay, path: dora-builtin, args: echo, inputs: {number: {source: source/number, queue_size: 5000}}, outputs: [number]}
  - {id: sink, path: sink.py, inputs: {number: {source: relay/number, queue_size: 5000}}}
";
const SOURCE: &str = "
import pyarrow as pa
from dora import Node
node, number = Node(), 0
for event in node:
    if event['type'] == 'INPUT':
        node.send_output('number', pa.array([number]))
        number += 1
";
const SINK: &str = "
from dora import Node
expected = 0
for event in Node():
    if event['type'] == 'INPUT':
        assert event['value'][0].as_py() == expected, event
        expected += 1
print('in order', flush=True)
";

#[tokio::test(flavor = "multi_thread")]
async fn unmodified_nodes_run_on_while_every_port_is_lied_to() {
    let world = World::new();
    std::fs::write(world.file(), STOCK).unwrap();
    for (name, text) in [("source.py", SOURCE), ("sink.py", SINK)] {
        std::fs::write(world.file().with_file_name(name), text).unwrap();
    }
    let row = daemon::ensure(&world.daemon()).await.unwrap();
    let handle = world.fleet().handle();
    let mut options = world.start("demo");
    let venv = Cli::new(0).program().ancestors().nth(2).unwrap().display().to_string();
    options.env.insert("VIRTUAL_ENV".into(), venv);
    let flow = world.fleet().start_detached(options).await.unwrap();
    let pid = handle.inspect(flow.id).await.unwrap().nodes[0].pid.unwrap();
    let listener = garbage::listener(pid);
    let seed = rng::fresh();
    println!("seed {seed}");
    let mut rng = Rng::new(seed);
    // Those that are held keep a connection, and half a frame, to the end.
    let mut held = (Vec::new(), Vec::new());
    for _ in 0..100 {
        held.0.extend(garbage::to_node_listener(listener, flow.id, &[], &mut rng));
        held.1.extend(garbage::to_control_socket(&row, &mut rng).await);
    }
    let details = handle.inspect(flow.id).await.unwrap();
    assert!(details.nodes.iter().all(|node| node.restarts == 0 && node.exit.is_none()), "{:?}", details.nodes);
    // A busy machine may miss ticks; what a node sends has room, until the flow is stopped.
    let sent = |edge: &&runtime::model::EdgeInfo| edge.kind == EdgeSource::Output;
    assert!(details.edges.iter().filter(sent).all(|edge| edge.dropped == 0), "{:?}", details.edges);
    handle.stop(flow.id, StopOptions::default()).await.unwrap();
    let ended = handle.inspect(flow.id).await.unwrap();
    assert_eq!(ended.info.status, Status::Stopped, "{:?}", ended.nodes);
    // The sink has checked their order; what is on its way at a stop is dropped.
    assert!(ended.edges.iter().all(|edge| edge.messages > 20), "{:?}", ended.edges);
    drop(held);
    daemon::stop(&world.store, false, None).await.unwrap();
}

/// All files under a directory.
fn files(directory: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_in_its_file_and_nowhere_else() {
    let world = World::new();
    let row = daemon::ensure(&world.daemon()).await.unwrap();
    let fleet = world.fleet();
    fleet.start_detached(world.start("demo")).await.unwrap();
    let token = row.token_path.clone().unwrap();
    let secret = std::fs::read_to_string(&token).unwrap();

    // What is told of failures, in both protocols.
    let cli = Cli::new(port_of(row.address.as_ref().unwrap()));
    let mut told = cli.fails("stop nobody");
    told += &cli.run("top --once");
    told += &format!("{:?}", fleet.handle().inspect("nobody").await.unwrap_err());
    let mut owner = connect(cli.port(), Some(&format!("Bearer {secret}"))).await.unwrap();
    for params in [json!("Fly"), json!({ "list": 7 })] {
        let frame = json!({ "id": Uuid::new_v4(), "method": "dora-shell", "params": params });
        owner.send(Message::text(frame.to_string())).await.unwrap();
        told += &owner.next().await.unwrap().unwrap().to_string();
    }
    let shown: Value = serde_json::to_value(fleet.handle().inspect("demo").await.unwrap()).unwrap();
    told += &shown.to_string();
    assert!(!told.contains(&secret), "a token is told");

    // What processes were given, the daemon's own and its nodes'.
    let nodes = world.node_processes();
    assert_eq!(nodes.len(), 2);
    for pid in nodes.iter().map(|node| node.pid).chain([row.process.pid]) {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
        let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        for bytes in [environment, arguments] {
            assert!(!String::from_utf8_lossy(&bytes).contains(&secret), "process {pid} was given a token");
        }
    }
    // What was written, while it runs and when it has ended.
    for ended in [false, true] {
        let mut all = Vec::new();
        files(world.store.home().root().unwrap(), &mut all);
        assert!(all.len() > 3, "{all:?}");
        for path in all.iter().filter(|path| **path != token) {
            let bytes = std::fs::read(path).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(&secret), "a token is in {}", path.display());
        }
        if !ended {
            daemon::stop(&world.store, false, None).await.unwrap();
        }
    }
    assert!(!token.exists());
}
