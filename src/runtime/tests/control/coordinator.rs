//! A real dora-rs coordinator and daemon, driven through a `Handle`.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use diag::codes;
use futures::{SinkExt, StreamExt};
use runtime::Handle;
use runtime::control::Coordinator;
use runtime::model::{
    Connection, DataflowRef, InputRef, LogQuery, NodeInfo, NodeQuery, NodeRef, StartOptions, Status, StopOptions,
    TapQuery, Topic, TopicQuery, WaitCondition,
};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::dora_cli::Cli;
use crate::world::until;

/// A coordinator with one daemon, in a home of their own; both end with it.
struct Cluster {
    cli: Cli,
    port: u16,
    processes: Vec<Child>,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Cluster {
    fn new(flags: &[&str]) -> Cluster {
        let port = free_port();
        let mut cluster = Cluster { cli: Cli::new(port), port, processes: Vec::new() };
        for (name, text) in [
            ("endless_source.py", include_str!("../../../../tests/dataflows/endless_source.py")),
            ("endless_sink.py", include_str!("../../../../tests/dataflows/endless_sink.py")),
            ("flow.yml", FLOW),
        ] {
            std::fs::write(cluster.path(name), text).unwrap();
        }
        let text = port.to_string();
        cluster.spawn(&[&["coordinator", "--store", "memory", "--port", &text], flags].concat());
        until("the coordinator listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        let listen = free_port().to_string();
        cluster.spawn(&["daemon", "--zenoh-no-multicast", "--coordinator-port", &text, "--local-listen-port", &listen]);
        until("the daemon is connected", || cluster.cli.succeeds("status"));
        cluster
    }

    fn path(&self, name: &str) -> PathBuf {
        self.cli.home().join(name)
    }

    fn spawn(&mut self, args: &[&str]) {
        let mut command = self.cli.command(args);
        // The daemon looks for `python` on its PATH.
        let bin = self.cli.program().parent().unwrap().to_path_buf();
        command.env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default()));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.processes.push(child);
    }

    fn handle(&self) -> Handle {
        self.with_token(None)
    }

    fn with_token(&self, token: Option<&Path>) -> Handle {
        let address = format!("127.0.0.1:{}", self.port);
        Coordinator::new("lab", &address, token.map(Path::to_path_buf)).unwrap().handle()
    }

    fn start(&self, name: &str) -> StartOptions {
        StartOptions { name: Some(name.to_string()), ..StartOptions::file(self.path("flow.yml")) }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Nodes end when they are stopped; a coordinator that is gone already has none.
        let mut down = self.cli.command(&["down", "--force"]);
        let _ = down.stdout(Stdio::null()).stderr(Stdio::null()).status();
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

const FLOW: &str = "
debug: {enable_debug_inspection: true}
nodes:
  - id: source
    path: endless_source.py
    inputs: {tick: dora/timer/millis/50}
    outputs: [number]
    env: {COLOR: red}
  - id: sink
    path: endless_sink.py
    inputs: {number: source/number}
";

fn at(node: &str) -> NodeRef {
    NodeRef { dataflow: "demo".into(), node: node.parse().unwrap() }
}

async fn nodes(handle: &Handle) -> Vec<NodeInfo> {
    handle.nodes(NodeQuery { dataflow: Some("demo".into()), all: false }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_coordinator_is_driven_like_a_runtime_of_ours() {
    let cluster = Cluster::new(&[]);
    let handle = cluster.handle();
    assert_eq!(handle.list(true).await.unwrap(), []);

    let started = handle.start(cluster.start("demo")).await.unwrap();
    assert_eq!((started.name.as_str(), started.status, started.nodes), ("demo", Status::Running, 2));
    assert!(started.uptime.unwrap() < Duration::from_secs(60), "{started:?}");
    assert_eq!(handle.list(false).await.unwrap()[0].id, started.id);
    let error = handle.start(cluster.start("demo")).await.unwrap_err();
    assert_eq!(error.code, codes::COORDINATOR_REFUSED, "{error:?}");
    assert!(!error.message.contains("Location"), "{error:?}");

    let topics = handle.topics(TopicQuery::default()).await.unwrap();
    assert_eq!(topics[0].topic.to_string(), "source/number");
    assert_eq!(topics[0].subscribers[0].node.to_string(), "sink");
    let details = handle.inspect("demo").await.unwrap();
    assert_eq!(details.edges.len(), 2);
    assert!(details.descriptor.contains("endless_sink.py"), "{}", details.descriptor);

    let topic = Topic::parse("source/number").unwrap();
    let tap = TapQuery { dataflow: "demo".into(), topics: vec![topic], data: true };
    let mut messages = handle.messages(tap).await.unwrap();
    for place in 1..=3 {
        let message = messages.next().await.unwrap().unwrap();
        assert_eq!((message.sequence, message.is_arrow()), (place, true), "{message:?}");
        assert!(message.size > 0 && !message.data.unwrap().is_empty());
    }

    handle.set_param(at("source"), "rate".into(), json!(30)).await.unwrap();
    assert_eq!(handle.params(at("source")).await.unwrap()["rate"], json!(30));
    handle.delete_param(at("source"), "rate".into()).await.unwrap();
    let error = handle.delete_param(at("source"), "rate".into()).await.unwrap_err();
    assert_eq!(error.code, codes::PARAM_NOT_FOUND);

    // The tick keeps the node when its other input is taken away: dora ends a node that has none left.
    let late = "{id: late, path: endless_sink.py, inputs: {number: source/number, tick: dora/timer/secs/1}}";
    handle.add_node("demo", late.to_string()).await.unwrap();
    let input = InputRef { node: "late".parse().unwrap(), input: "number".parse().unwrap() };
    handle.disconnect("demo", input.clone()).await.unwrap();
    let error = handle.disconnect("demo", input.clone()).await.unwrap_err();
    assert_eq!(error.code, codes::COORDINATOR_REFUSED, "{error:?}");
    let unknown = InputRef { input: "nothing".parse().unwrap(), ..input.clone() };
    let error = handle.disconnect("demo", unknown).await.unwrap_err();
    assert_eq!(error.code, codes::INPUT_NOT_FOUND);
    let connection = Connection { source: "source/number".into(), to: input, queue_size: None, queue_policy: None };
    handle.connect("demo", connection.clone()).await.unwrap();
    let error = handle.connect("demo", Connection { queue_size: Some(3), ..connection }).await.unwrap_err();
    assert_eq!(error.code, codes::NOT_SUPPORTED);
    handle.remove_node(at("late"), StopOptions::default()).await.unwrap();
    let error = handle.restart_node(at("late"), StopOptions::default()).await.unwrap_err();
    assert_eq!(error.code, codes::NODE_NOT_FOUND);

    // Figures come with the daemon's next report.
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while nodes(&handle).await.iter().any(|node| node.pid.is_none() || node.memory == Some(0)) {
        assert!(std::time::Instant::now() < deadline, "{:?}", nodes(&handle).await);
    }
    let stopped = handle.stop_node(at("sink"), StopOptions::default()).await.unwrap();
    assert_eq!((stopped.status, stopped.pid), (Status::Stopped, None));

    let stopped = handle.stop("demo", StopOptions::default()).await.unwrap();
    assert!(stopped.status.is_ended(), "{stopped:?}");
    let error = handle.stop("demo", StopOptions::default()).await.unwrap_err();
    assert_eq!(error.code, codes::DATAFLOW_ENDED);
    assert_eq!(handle.list(false).await.unwrap(), []);
    assert_eq!(handle.list(true).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_of_a_real_coordinator_are_read_filtered_and_followed_to_the_end() {
    let cluster = Cluster::new(&[]);
    let handle = cluster.handle();
    handle.start(cluster.start("demo")).await.unwrap();
    let mut follower = handle.logs(LogQuery { follow: true, ..LogQuery::new("demo") }).await.unwrap();
    let waiting = tokio::spawn({
        let handle = handle.clone();
        async move { handle.wait("demo", WaitCondition::Ended, Some(Duration::from_secs(30))).await }
    });
    let restarted = handle.restart("demo", StopOptions::default(), false).await.unwrap();
    assert_eq!(restarted.status, Status::Running);
    let ended = waiting.await.unwrap().unwrap();
    assert!(ended.status.is_ended() && ended.id != restarted.id, "{ended:?}");
    let mut said = Vec::new();
    while let Some(record) = follower.next().await {
        said.push(record.unwrap());
    }
    let stops = |records: &[runtime::model::LogRecord]| {
        records.iter().filter(|record| record.message.starts_with("stopped after")).count()
    };
    assert_eq!(stops(&said), 1, "once, though it is in the file and came live: {said:?}");

    let query = LogQuery { grep: Some("^stopped".into()), tail: Some(5), ..LogQuery::new(ended.id) };
    let stored: Vec<_> = handle.logs(query).await.unwrap().map(|record| record.unwrap()).collect().await;
    assert_eq!((stored.len(), stops(&stored)), (1, 1), "{stored:?}");
    assert_eq!(stored[0].node.as_ref().unwrap().to_string(), "source");
    handle.stop("demo", StopOptions { grace: None, force: true }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_coordinator_cannot_do_is_named_with_the_reason() {
    let cluster = Cluster::new(&[]);
    let handle = cluster.handle();
    let demo = || DataflowRef::from("demo");
    let refusals = [
        (handle.pause(demo(), false).await.map(drop), "pause"),
        (handle.resume(demo()).await.map(drop), "pause"),
        (handle.remove(demo(), false).await.map(drop), "remove"),
        (handle.start_node(at("sink")).await.map(drop), "start a node"),
        (handle.node_environment(at("sink")).await.map(drop), "environment"),
        (handle.shutdown(false).await, "ended"),
        (handle.events(Default::default()).await.map(drop), "events"),
    ];
    for (refusal, names) in refusals {
        let error = refusal.unwrap_err();
        assert_eq!(error.code, codes::NOT_SUPPORTED, "{error:?}");
        assert!(error.message.contains(names) && error.message.contains("`lab`"), "{error:?}");
        assert!(error.help.is_some() && !error.next.is_empty(), "{error:?}");
    }
    assert!(!handle.capabilities().await.unwrap().contains(&runtime::model::Capability::Events));
    let error = handle.inspect("nobody").await.unwrap_err();
    assert_eq!(error.code, codes::DATAFLOW_NOT_FOUND);

    // Without its switch a dataflow hands its messages to nobody.
    std::fs::write(cluster.path("flow.yml"), FLOW.replace("true", "false")).unwrap();
    handle.start(cluster.start("demo")).await.unwrap();
    let topics = vec![Topic::parse("source/number").unwrap()];
    let error = handle.messages(TapQuery { dataflow: demo(), topics, data: true }).await.err().unwrap();
    assert_eq!(error.code, codes::WRONG_STATE, "{error:?}");
    assert!(error.help.unwrap().contains("enable_debug_inspection"));
    handle.stop("demo", StopOptions { grace: None, force: true }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_asks_for_its_token_gets_it_from_the_file_of_the_context() {
    let cluster = Cluster::new(&["--auth"]);
    let token = cluster.path(".config/dora/.dora-token");
    until("the token is written", || token.exists());
    assert_eq!(cluster.with_token(Some(&token)).list(false).await.unwrap(), []);
    let error = cluster.handle().list(false).await.unwrap_err();
    assert_eq!(error.code, codes::TOKEN_REFUSED, "{error:?}");
    let wrong = cluster.path("wrong");
    runtime::control::token::Token::create(&wrong).unwrap();
    let error = cluster.with_token(Some(&wrong)).list(false).await.unwrap_err();
    assert_eq!(error.code, codes::TOKEN_REFUSED, "{error:?}");
    assert!(error.help.as_ref().unwrap().contains("wrong"), "{error:?}");
    let secret = std::fs::read_to_string(&wrong).unwrap();
    assert!(!format!("{error:?}").contains(secret.trim()), "a token is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_is_not_there_or_goes_away_is_unreachable() {
    let nobody = Coordinator::new("lab", &format!("127.0.0.1:{}", free_port()), None).unwrap().handle();
    let error = nobody.list(false).await.unwrap_err();
    assert_eq!(error.code, codes::COORDINATOR_UNREACHABLE, "{error:?}");
    assert!(error.next.iter().any(|next| next.contains("context use local")), "{error:?}");

    let mut cluster = Cluster::new(&[]);
    let handle = cluster.handle();
    handle.start(cluster.start("demo")).await.unwrap();
    let waiting = tokio::spawn({
        let handle = handle.clone();
        async move { handle.wait("demo", WaitCondition::Ended, None).await }
    });
    let mut logs = handle.logs(LogQuery { follow: true, ..LogQuery::new("demo") }).await.unwrap();
    // Its nodes stop with their daemon, which the end of the coordinator does not end.
    let mut coordinator = cluster.processes.remove(0);
    coordinator.kill().unwrap();
    coordinator.wait().unwrap();
    assert_eq!(waiting.await.unwrap().unwrap_err().code, codes::COORDINATOR_UNREACHABLE);
    let mut last = None;
    while let Some(record) = logs.next().await {
        last = Some(record);
    }
    assert_eq!(last.unwrap().unwrap_err().code, codes::COORDINATOR_UNREACHABLE);
    assert_eq!(handle.list(false).await.unwrap_err().code, codes::COORDINATOR_UNREACHABLE);
    let mut daemon = cluster.processes.remove(0);
    let group = std::process::Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status();
    assert!(group.unwrap().success());
    daemon.wait().unwrap();
}

/// A program that listens and answers each request as `answer` says.
async fn pretender(answer: impl Fn(&serde_json::Value) -> String + Send + 'static) -> Handle {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { continue };
            while let Some(Ok(Message::Text(text))) = socket.next().await {
                let asked = serde_json::from_str(&text).unwrap();
                let _ = socket.send(Message::text(answer(&asked))).await;
            }
        }
    });
    Coordinator::new("lab", &address, None).unwrap().handle()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_and_strange_answers_are_told_as_what_they_are() {
    let old = pretender(|asked| json!({ "id": asked["id"], "error": "dora version mismatch" }).to_string()).await;
    assert_eq!(old.list(false).await.unwrap_err().code, codes::COORDINATOR_VERSION);
    let future = |asked: &serde_json::Value| {
        json!({ "id": asked["id"], "result": { "HelloOk": { "dora_version": "2.0.0" } } }).to_string()
    };
    assert_eq!(pretender(future).await.list(false).await.unwrap_err().code, codes::COORDINATOR_VERSION);

    let hello = |asked: &serde_json::Value| {
        let result = json!({ "HelloOk": { "dora_version": "1.1.0" } });
        (asked["params"].get("Hello").is_some()).then(|| json!({ "id": asked["id"], "result": result }).to_string())
    };
    for answer in [json!("DestroyOk"), json!({ "Unheard": 1 }), json!(7), json!(null)] {
        let handle = pretender(move |asked| {
            hello(asked).unwrap_or_else(|| json!({ "id": asked["id"], "result": answer }).to_string())
        })
        .await;
        assert_eq!(handle.list(false).await.unwrap_err().code, codes::RUNTIME_PROTOCOL);
    }
    let torn = pretender(move |asked| hello(asked).unwrap_or_else(|| "no json".to_string())).await;
    assert_eq!(torn.list(false).await.unwrap_err().code, codes::RUNTIME_PROTOCOL);

    // A port of something else altogether.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"220 mail.example.org ESMTP\r\n").await;
        }
    });
    let error = Coordinator::new("lab", &address, None).unwrap().handle().list(false).await.unwrap_err();
    assert!([codes::RUNTIME_PROTOCOL, codes::COORDINATOR_UNREACHABLE].contains(&error.code), "{error:?}");
    assert_eq!(Coordinator::new("lab", "wss://x", None).err().unwrap().code, codes::BAD_ADDRESS);
}
