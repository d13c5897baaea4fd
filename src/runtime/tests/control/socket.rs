//! The control socket: who is let in, what a peer can break, two handles on one runtime.

use dora_message::cli_to_coordinator::ControlRequest;
use dora_message::coordinator_to_cli::{ControlRequestReply, DataflowStatus};
use futures::{SinkExt, StreamExt};
use runtime::control::Client;
use runtime::control::server::Server;
use runtime::control::token::Token;
use runtime::model::{EventKind, EventQuery, LogQuery, Status, StopOptions, WaitCondition};
use runtime::{Embedded, Handle};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use uuid::Uuid;

use crate::world::World;

type Socket = WebSocketStream<TcpStream>;

/// A runtime with a control socket.
struct Served {
    world: World,
    own: Handle,
    server: Server,
    token: std::path::PathBuf,
}

impl Served {
    async fn new() -> Served {
        let world = World::new();
        let own = Embedded::new(world.options()).handle();
        let token = world.store.home().state().join("token");
        let server = Server::bind(own.clone(), 0, Token::create(&token).unwrap(), None).await.unwrap();
        Served { world, own, server, token }
    }

    fn client(&self) -> Handle {
        Client::new("the runtime", self.server.address(), &self.token).handle()
    }

    async fn connect(&self, headers: &[(&'static str, String)]) -> Result<Socket, Error> {
        let mut request = self.server.address().into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(("127.0.0.1", self.server.port())).await.unwrap();
        client_async(request, stream).await.map(|(socket, _)| socket)
    }
}

async fn ask(socket: &mut Socket, method: &str, params: Value) -> Value {
    let frame = json!({ "id": Uuid::new_v4(), "method": method, "params": params });
    socket.send(Message::text(frame.to_string())).await.unwrap();
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn dora(socket: &mut Socket, request: ControlRequest) -> ControlRequestReply {
    let answer = ask(socket, "control", serde_json::to_value(request).unwrap()).await;
    serde_json::from_value(answer["result"].clone()).unwrap()
}

async fn is_closed(socket: &mut Socket) -> bool {
    loop {
        match socket.next().await {
            None | Some(Err(_) | Ok(Message::Close(_))) => return true,
            Some(Ok(Message::Text(_) | Message::Binary(_))) => return false,
            Some(Ok(_)) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_methods_need_the_token_and_those_of_dora_do_not() {
    let served = Served::new().await;
    let mut bare = served.connect(&[]).await.unwrap();
    let answer = ask(&mut bare, "dora-shell", json!({ "list": { "all": true } })).await;
    assert!(answer["error"].as_str().unwrap().starts_with("DORA_E051"), "{answer}");
    let hello = dora(&mut bare, ControlRequest::hello()).await;
    assert!(matches!(hello, ControlRequestReply::HelloOk { .. }), "{hello:?}");

    let bearer = Token::read(&served.token).unwrap().header();
    let mut known = served.connect(&[("authorization", bearer)]).await.unwrap();
    let answer = ask(&mut known, "dora-shell", json!({ "list": { "all": true } })).await;
    assert_eq!(answer["result"], json!({ "dataflows": [] }), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_and_a_web_page_are_turned_away_at_the_door() {
    let served = Served::new().await;
    let wrong = format!("Bearer {}", "0".repeat(64));
    for (header, status) in [(("authorization", wrong), 401), (("origin", "http://example.org".to_string()), 403)] {
        match served.connect(&[header]).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), status),
            other => panic!("let in: {other:?}"),
        }
    }
    let other = served.world.store.home().state().join("other");
    Token::create(&other).unwrap();
    let error = Client::new("the runtime", served.server.address(), &other).handle().list(false).await.unwrap_err();
    assert_eq!(error.code, diag::codes::TOKEN_REFUSED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_frame_costs_its_peer_the_connection_and_nobody_else() {
    let served = Served::new().await;
    let mut bystander = served.connect(&[]).await.unwrap();
    let torn = [
        Message::text("no json"),
        Message::text(r#"{"id":1,"method":"control","params":null}"#),
        Message::text("[".repeat(100_000)),
        Message::binary(vec![0; 8]),
        Message::text(" ".repeat((1 << 20) + 1)),
    ];
    for frame in torn {
        let shown = format!("{frame:?}").chars().take(60).collect::<String>();
        let mut peer = served.connect(&[]).await.unwrap();
        // A frame that is too long may be refused before it is sent to its end.
        let _ = peer.send(frame).await;
        assert!(is_closed(&mut peer).await, "still open after {shown}");
    }
    let hello = dora(&mut bystander, ControlRequest::hello()).await;
    assert!(matches!(hello, ControlRequestReply::HelloOk { .. }), "{hello:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_nobody_knows_is_an_error_and_the_connection_stays() {
    let served = Served::new().await;
    let bearer = Token::read(&served.token).unwrap().header();
    let mut peer = served.connect(&[("authorization", bearer)]).await.unwrap();
    let answer = ask(&mut peer, "dora-shell", json!({ "fly": {} })).await;
    assert!(answer["error"].as_str().unwrap().starts_with("DORA_E050"), "{answer}");
    let answer = ask(&mut peer, "no-such-method", Value::Null).await;
    assert!(answer["error"].as_str().unwrap().contains("no-such-method"), "{answer}");
    let answer = ask(&mut peer, "control", json!("Fly")).await;
    assert!(answer["result"]["Error"].is_string(), "{answer}");
    let answer = dora(&mut peer, ControlRequest::GetTraces).await;
    assert!(matches!(&answer, ControlRequestReply::Error(told) if told.contains("GetTraces")), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_handles_on_one_runtime_see_the_same() {
    let served = Served::new().await;
    let client = served.client();
    let started = client.start(served.world.start("demo")).await.unwrap();
    assert_eq!(started.status, Status::Running);

    let seen = served.own.list(false).await.unwrap();
    assert_eq!((seen.len(), seen[0].id), (1, started.id));
    let nodes = client.nodes(Default::default()).await.unwrap();
    assert_eq!(nodes.iter().map(|node| node.node.to_string()).collect::<Vec<_>>(), ["counter", "sink"]);
    let topics = client.topics(Default::default()).await.unwrap();
    assert_eq!(topics[0].topic.to_string(), "counter/number");
    assert_eq!(client.inspect("demo").await.unwrap().edges.len(), 1);

    let mut logs = client.logs(LogQuery { follow: true, ..LogQuery::new("demo") }).await.unwrap();
    let follow = EventQuery { dataflow: Some("demo".into()), history: true, follow: true };
    let mut events = client.events(follow).await.unwrap();
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.wait("demo", WaitCondition::Ended, None).await }
    });
    served.own.stop("demo", StopOptions::default()).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().status, Status::Stopped);

    let mut messages = Vec::new();
    while let Some(record) = logs.next().await {
        messages.push(record.unwrap().message);
    }
    assert!(messages.iter().any(|message| message == "counted"), "{messages:?}");
    let mut last = None;
    while let Some(event) = events.next().await {
        last = Some(event.unwrap());
    }
    let last = last.unwrap();
    assert!(matches!(last.kind, EventKind::Transition { to: Status::Stopped, .. }), "{last:?}");

    let error = client.stop("demo", StopOptions::default()).await.unwrap_err();
    assert_eq!(error.code, diag::codes::DATAFLOW_ENDED);
    client.remove("demo", false).await.unwrap();
    assert_eq!(served.own.list(true).await.unwrap(), []);
    served.own.shutdown(false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn doras_own_protocol_lists_shows_and_stops_a_flow() {
    let served = Served::new().await;
    let started = served.own.start(served.world.start("demo")).await.unwrap();
    let mut dora_cli = served.connect(&[]).await.unwrap();
    let ControlRequestReply::DataflowList(list) = dora(&mut dora_cli, ControlRequest::List).await else { panic!() };
    assert_eq!((list.0.len(), list.0[0].status), (1, DataflowStatus::Running));
    let info = dora(&mut dora_cli, ControlRequest::Info { dataflow_uuid: started.id.0 }).await;
    assert!(matches!(&info, ControlRequestReply::DataflowInfo { descriptor, .. } if descriptor.nodes.len() == 2));
    let ControlRequestReply::NodeInfoList(nodes) = dora(&mut dora_cli, ControlRequest::GetNodeInfo).await else {
        panic!()
    };
    assert_eq!(nodes.len(), 2);
    assert!(nodes[0].metrics.as_ref().unwrap().pid > 0);
    let stop = ControlRequest::StopByName { name: "demo".to_string(), grace_duration: None, force: false };
    let ControlRequestReply::DataflowStopped { result, .. } = dora(&mut dora_cli, stop).await else { panic!() };
    assert!(result.is_ok(), "{result:?}");
    let logs = ControlRequest::Logs { uuid: Some(started.id.0), name: None, node: "counter".to_string(), tail: None };
    let ControlRequestReply::Logs(bytes) = dora(&mut dora_cli, logs).await else { panic!() };
    assert!(String::from_utf8(bytes).unwrap().contains("counted"));
    served.own.shutdown(false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_arrives_with_its_code_and_help() {
    let served = Served::new().await;
    let error = served.client().inspect("nothing").await.unwrap_err();
    assert_eq!(error.code, diag::codes::DATAFLOW_NOT_FOUND);
    assert!(!error.next.is_empty());
    let error = served.client().shutdown(false).await.unwrap_err();
    assert_eq!(error.code, diag::codes::NOT_SUPPORTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_that_is_gone_is_unreachable() {
    let served = Served::new().await;
    let client = served.client();
    let mut peer = served.connect(&[]).await.unwrap();
    served.server.stop().await;
    assert!(is_closed(&mut peer).await);
    let error = client.list(false).await.unwrap_err();
    assert_eq!(error.code, diag::codes::DAEMON_UNREACHABLE);
}
