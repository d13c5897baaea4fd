//! The protocol as a node speaks it, without processes: a small client against the real listener.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use diag::Sources;
use dora_message::aligned_vec::AVec;
use dora_message::common::{DataMessage, Timestamped};
use dora_message::daemon_to_node::{DaemonReply, NodeEvent};
use dora_message::metadata::{Metadata, Parameter};
use dora_message::node_to_daemon::{DaemonRequest, NodeRegisterRequest};
use dora_message::uhlc::HLC;
use runtime::descriptor;
use runtime::model::{DataflowId, EdgeInfo, StartOptions};
use runtime::node_protocol::listener::Listener;
use runtime::node_protocol::{Flow, Flows, Signal};
use runtime::router::Router;
use runtime::router::timers::Timers;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A router behind a listener, and what the supervisor would be told.
struct Wire {
    flow: Arc<Flow>,
    listener: Listener,
    signals: UnboundedReceiver<Signal>,
}

struct One(Arc<Flow>);

impl Flows for One {
    fn find(&self, id: DataflowId) -> Option<Arc<Flow>> {
        (id == self.0.id).then(|| self.0.clone())
    }
}

impl Wire {
    fn new(yaml: &str) -> Self {
        let options = StartOptions::text("test", yaml);
        let checked = descriptor::load(&options, "/bin/true".as_ref(), &Sources::new()).unwrap();
        let clock = Arc::new(HLC::default());
        let router = Arc::new(Router::new(&checked.plan, clock.clone(), tokio::sync::mpsc::unbounded_channel().0));
        let (sender, signals) = unbounded_channel();
        let flow = Arc::new(Flow { id: DataflowId::generate(), router, signals: sender });
        let listener = Listener::start(Arc::new(One(flow.clone())), clock).unwrap();
        Wire { flow, listener, signals }
    }

    fn connect(&self, node: &str) -> Client {
        let mut client = Client::open(self.listener.address());
        let request = NodeRegisterRequest::new(self.flow.id.0, node.parse().unwrap());
        assert!(matches!(client.ask(DaemonRequest::Register(request)), DaemonReply::Result(Ok(()))));
        client
    }

    /// A node that has passed the barrier, ready to poll.
    fn subscribe(&mut self, node: &str) -> Client {
        let mut client = self.connect(node);
        client.send(&DaemonRequest::Subscribe);
        loop {
            match self.signals.blocking_recv().unwrap() {
                Signal::Subscribed { answer, .. } => {
                    answer.send(Ok(())).unwrap();
                    assert!(matches!(client.receive(), DaemonReply::Result(Ok(()))));
                    return client;
                }
                _ => continue,
            }
        }
    }

    fn edge(&self, node: &str, input: &str) -> EdgeInfo {
        let edges = self.flow.router.edges();
        edges.into_iter().find(|edge| edge.node.as_ref() == node && edge.input.as_str() == input).unwrap()
    }
}

struct Client(TcpStream);

impl Client {
    fn open(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Client(socket)
    }

    fn send(&mut self, request: &DaemonRequest) {
        let timestamp = HLC::default().new_timestamp();
        let body = dora_message::encode(&Timestamped { inner: request.clone(), timestamp }).unwrap();
        self.raw(&body);
    }

    fn raw(&mut self, body: &[u8]) {
        self.0.write_all(&(body.len() as u64).to_le_bytes()).unwrap();
        self.0.write_all(body).unwrap();
    }

    fn receive(&mut self) -> DaemonReply {
        let mut length = [0; 8];
        self.0.read_exact(&mut length).unwrap();
        let mut body = vec![0; u64::from_le_bytes(length) as usize];
        self.0.read_exact(&mut body).unwrap();
        dora_message::decode(&body).unwrap()
    }

    fn ask(&mut self, request: DaemonRequest) -> DaemonReply {
        self.send(&request);
        self.receive()
    }

    /// One long poll.
    fn events(&mut self) -> Vec<NodeEvent> {
        match self.ask(DaemonRequest::NextEvent) {
            DaemonReply::NextEvents(events) => events.into_iter().map(|event| event.inner).collect(),
            other => panic!("not events: {other:?}"),
        }
    }

    fn publish(&mut self, output: &str, number: i64, size: usize) {
        let parameters = BTreeMap::from([("number".to_string(), Parameter::Integer(number))]);
        let metadata = Metadata::from_parameters(HLC::default().new_timestamp(), parameters);
        let data = Some(DataMessage::Vec(AVec::from_slice(128, &vec![number as u8; size])));
        self.send(&DaemonRequest::SendMessage { output_id: output.into(), metadata, data });
    }

    /// Whether the other side has closed the connection.
    fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0) | Err(_))
    }
}

/// The numbers of the inputs among some events.
fn numbers(events: &[NodeEvent]) -> Vec<i64> {
    let number = |event: &NodeEvent| match event {
        NodeEvent::Input { metadata, .. } => match metadata.parameters.get("number") {
            Some(Parameter::Integer(number)) => Some(*number),
            _ => None,
        },
        _ => None,
    };
    events.iter().filter_map(number).collect()
}

const PAIR: &str = "\
nodes:
  - {id: a, path: dora-builtin, outputs: [out, other]}
  - id: b
    path: dora-builtin
    inputs: {in: {source: a/out, queue_size: 6000}}
";

#[test]
fn a_burst_is_whole_in_order_and_counted() {
    let mut wire = Wire::new(PAIR);
    let mut b = wire.subscribe("b");
    let mut a = wire.connect("a");
    (0..5000).for_each(|number| a.publish("out", number, 100));
    let mut got = Vec::new();
    while got.len() < 5000 {
        got.extend(numbers(&b.events()));
    }
    assert!(got == (0..5000).collect::<Vec<_>>());
    let edge = wire.edge("b", "in");
    assert_eq!((edge.messages, edge.delivered, edge.dropped, edge.queued), (5000, 5000, 0, 0));
    assert_eq!(edge.bytes, 500_000);
}

#[test]
fn large_messages_pass_unchanged_beside_small_ones() {
    let mut wire = Wire::new(PAIR);
    let mut b = wire.subscribe("b");
    let mut a = wire.connect("a");
    let sizes = [1, 16_000, 17_000, 65_400, 70_000, 5_000_000, 0, 30_000_000];
    let sender = std::thread::spawn(move || {
        sizes.iter().enumerate().for_each(|(number, &size)| a.publish("out", number as i64, size));
        a
    });
    let mut got = Vec::new();
    while got.len() < sizes.len() {
        for event in b.events() {
            let NodeEvent::Input { data: Some(data), .. } = event else { panic!("{event:?}") };
            let DataMessage::Vec(bytes) = &*data;
            let number = got.len();
            assert!(bytes.iter().all(|&byte| byte == number as u8), "message {number}");
            got.push(bytes.len());
        }
    }
    assert_eq!(got, sizes);
    drop(sender.join().unwrap());
}

#[test]
fn a_full_queue_drops_its_oldest_and_counts_them() {
    let mut wire = Wire::new(
        "nodes:\n  - {id: a, path: dora-builtin, outputs: [out]}\n  - {id: b, path: dora-builtin, inputs: {in: {source: a/out, queue_size: 3}}}\n",
    );
    let mut b = wire.subscribe("b");
    let mut a = wire.connect("a");
    (0..10).for_each(|number| a.publish("out", number, 1));
    // Its answer says that all before it is routed.
    assert!(matches!(a.ask(DaemonRequest::CloseOutputs(Vec::new())), DaemonReply::Result(Ok(()))));
    assert_eq!(numbers(&b.events()), [7, 8, 9]);
    let edge = wire.edge("b", "in");
    assert_eq!((edge.messages, edge.delivered, edge.dropped), (10, 3, 7));
}

#[test]
fn backpressure_makes_the_sender_wait_and_loses_nothing() {
    let mut wire = Wire::new(
        "nodes:\n  - {id: a, path: dora-builtin, outputs: [out]}\n  - {id: b, path: dora-builtin, inputs: {in: {source: a/out, queue_size: 10, queue_policy: backpressure}}}\n",
    );
    let mut b = wire.subscribe("b");
    let mut a = wire.connect("a");
    let sender = std::thread::spawn(move || {
        (0..1000).for_each(|number| a.publish("out", number, 100_000));
        a
    });
    let mut got = Vec::new();
    while got.len() < 1000 {
        assert!(wire.edge("b", "in").queued <= 100);
        got.extend(numbers(&b.events()));
    }
    assert!(got == (0..1000).collect::<Vec<_>>());
    drop(sender.join().unwrap());
}

#[test]
fn when_its_source_is_done_a_node_hears_of_each_input_then_of_all_then_the_stream_ends() {
    let mut wire = Wire::new(PAIR);
    let mut b = wire.subscribe("b");
    let mut a = wire.connect("a");
    a.publish("out", 1, 1);
    assert!(matches!(a.ask(DaemonRequest::OutputsDone), DaemonReply::Result(Ok(()))));
    let mut events = Vec::new();
    loop {
        let more = b.events();
        if more.is_empty() {
            break;
        }
        events.extend(more);
    }
    assert!(
        matches!(
            events.as_slice(),
            [NodeEvent::Input { .. }, NodeEvent::InputClosed { .. }, NodeEvent::AllInputsClosed]
        ),
        "{events:?}"
    );
}

#[test]
fn a_malformed_frame_costs_its_peer_the_connection_and_nobody_else() {
    let mut wire = Wire::new(PAIR);
    let mut b = wire.subscribe("b");
    let mut good = wire.connect("a");
    for bad in [&[2u8, 0xff, 0xff, 0xff, 0xff][..], &[99], &[], &[0; 3]] {
        let mut evil = wire.connect("a");
        evil.raw(bad);
        assert!(evil.is_closed(), "{bad:?}");
    }
    let mut evil = wire.connect("a");
    evil.0.write_all(&u64::MAX.to_le_bytes()).unwrap();
    assert!(evil.is_closed());
    good.publish("out", 1, 1);
    assert_eq!(numbers(&b.events()), [1]);
    let mut notices = 0;
    while let Ok(signal) = wire.signals.try_recv() {
        notices += usize::from(matches!(signal, Signal::Notice { .. }));
    }
    assert!(notices >= 4, "{notices}");
}

#[test]
fn strangers_are_refused_with_a_reason() {
    let wire = Wire::new(PAIR);
    let told = |request: DaemonRequest| match Client::open(wire.listener.address()).ask(request) {
        DaemonReply::Result(Err(error)) => error,
        other => panic!("{other:?}"),
    };
    let register = |flow, node: &str| DaemonRequest::Register(NodeRegisterRequest::new(flow, node.parse().unwrap()));
    assert!(told(register(wire.flow.id.0, "nobody")).contains("has no node `nobody`"));
    assert!(told(register(DataflowId::generate().0, "a")).contains("no dataflow"));
    assert!(told(DaemonRequest::NextEvent).contains("Register"));
}

#[test]
fn a_node_of_another_version_is_refused() {
    let wire = Wire::new(PAIR);
    let mut client = Client::open(wire.listener.address());
    let request = NodeRegisterRequest::new(wire.flow.id.0, "a".parse().unwrap());
    let timestamp = HLC::default().new_timestamp();
    let mut body = dora_message::encode(&Timestamped { inner: DaemonRequest::Register(request), timestamp }).unwrap();
    // The version is text in the request: make it one of the days before 1.0.
    let at = body.windows(5).position(|bytes| bytes == b"1.1.0").unwrap();
    body[at..at + 5].copy_from_slice(b"0.3.9");
    client.raw(&body);
    let DaemonReply::Result(Err(error)) = client.receive() else { panic!("it was accepted") };
    assert!(error.contains("0.3.9"), "{error}");
}

#[test]
fn the_barrier_tells_who_waits_that_another_has_died() {
    let mut wire = Wire::new(PAIR);
    let mut b = wire.connect("b");
    b.send(&DaemonRequest::Subscribe);
    loop {
        if let Signal::Subscribed { answer, .. } = wire.signals.blocking_recv().unwrap() {
            answer.send(Err("Node a exited before initializing dora.".into())).unwrap();
            break;
        }
    }
    let DaemonReply::Result(Err(error)) = b.receive() else { panic!("it may not go on") };
    assert!(error.contains("Node a exited"));
}

#[test]
fn a_timer_ticks_at_once_and_then_at_its_pace() {
    let mut wire = Wire::new("nodes:\n  - {id: a, path: dora-builtin, inputs: {tick: dora/timer/millis/50}}\n");
    let mut a = wire.subscribe("a");
    let timers = Timers::start().unwrap();
    let started = std::time::Instant::now();
    timers.add(&wire.flow.router);
    let mut ticks = Vec::new();
    while ticks.len() < 5 {
        for event in a.events() {
            assert!(matches!(event, NodeEvent::Input { data: None, .. }), "{event:?}");
            ticks.push(started.elapsed());
        }
    }
    assert!(ticks[0] < Duration::from_millis(40), "{ticks:?}");
    assert!(ticks[4] >= Duration::from_millis(190) && ticks[4] < Duration::from_millis(400), "{ticks:?}");
}

#[test]
fn stop_ends_the_stream_of_every_node_and_what_comes_later_is_counted_as_dropped() {
    let mut wire = Wire::new(PAIR);
    let mut b = wire.subscribe("b");
    let mut a = wire.connect("a");
    wire.flow.router.stop();
    assert!(matches!(b.events().as_slice(), [NodeEvent::Stop]));
    assert!(b.events().is_empty());
    a.publish("out", 1, 1);
    assert!(matches!(a.ask(DaemonRequest::OutputsDone), DaemonReply::Result(Ok(()))));
    let edge = wire.edge("b", "in");
    assert_eq!((edge.messages, edge.dropped), (1, 1));
}

#[test]
fn values_left_beside_the_dataflow_are_read_and_their_end_is_told() {
    let mut wire = Wire::new(PAIR);
    let mut reader = wire.subscribe("b");
    let mut a = wire.connect("a");
    let mut b = wire.connect("b");
    let (namespace, key) = ("pool".to_string(), "k".to_string());
    let store = |value: &[u8]| DaemonRequest::ExtensionStore {
        namespace: namespace.clone(),
        key: key.clone(),
        value: value.to_vec(),
    };
    let load = || DaemonRequest::ExtensionLoad { namespace: namespace.clone(), key: key.clone(), remove: false };
    assert!(matches!(a.ask(store(b"one")), DaemonReply::Result(Ok(()))));
    assert!(matches!(b.ask(store(b"two")), DaemonReply::Result(Err(_))), "only its owner may replace it");
    assert!(matches!(b.ask(load()), DaemonReply::ExtensionValue { value: Some(value) } if value == b"one"));
    let drop = DaemonRequest::ExtensionDrop { namespace: namespace.clone(), key: key.clone() };
    assert!(matches!(a.ask(drop), DaemonReply::Result(Ok(()))));
    assert!(matches!(b.ask(load()), DaemonReply::ExtensionValue { value: None }));
    assert!(matches!(reader.events().as_slice(), [NodeEvent::ExtensionDropped { .. }]));
}

#[test]
fn a_node_that_does_not_read_delays_nobody_else() {
    let yaml = "\
nodes:
  - {id: a, path: dora-builtin, outputs: [out]}
  - {id: slow, path: dora-builtin, inputs: {in: {source: a/out, queue_size: 100}}}
  - {id: fast, path: dora-builtin, inputs: {in: {source: a/out, queue_size: 100}}}
";
    let mut wire = Wire::new(yaml);
    let mut slow = wire.subscribe("slow");
    let mut fast = wire.subscribe("fast");
    let mut a = wire.connect("a");
    // It asks, and then does not read the answer, which is far larger than any socket's buffer.
    slow.send(&DaemonRequest::NextEvent);
    for number in 0..3 {
        a.publish("out", number, 30_000_000);
        assert_eq!(numbers(&fast.events()), [number]);
    }
    let DaemonReply::NextEvents(events) = slow.receive() else { panic!("not events") };
    assert_eq!(events.len(), 1);
    // Two of these are all that fits into one frame.
    assert_eq!(numbers(&slow.events()), [1, 2]);
}
