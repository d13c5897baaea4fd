//! The other end of a node's three connections, as small as the protocol allows.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dora_message::common::{DataMessage, Timestamped};
use dora_message::config::NodeRunConfig;
use dora_message::daemon_to_node::{DaemonCommunication, DaemonReply, NodeConfig, NodeEvent};
use dora_message::id::DataId;
use dora_message::metadata::{Metadata, MetadataParameters};
use dora_message::node_to_daemon::DaemonRequest;
use dora_message::uhlc::HLC;
use dora_message::{decode, encode};

/// What a node said, in order, of all its connections.
#[derive(Debug)]
pub enum Said {
    Registered,
    Subscribed,
    Message { output: DataId, metadata: Metadata, data: Option<DataMessage> },
    Closed(Vec<DataId>),
    Done,
    StreamDropped,
}

/// A daemon for one node.
pub struct Daemon {
    /// Batches for the node's `NextEvent`; dropping it ends the node's stream.
    pub events: Option<Sender<Vec<NodeEvent>>>,
    said: Receiver<Said>,
    config: NodeConfig,
    clock: HLC,
}

impl Daemon {
    /// A daemon whose node has these inputs (fed by node `up`) and outputs.
    pub fn new(inputs: &[&str], outputs: &[&str]) -> Daemon {
        Self::with_barrier(inputs, outputs, Ok(()))
    }

    /// The same, with this answer at the start barrier.
    pub fn with_barrier(inputs: &[&str], outputs: &[&str], barrier: Result<(), String>) -> Daemon {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let inputs: String = inputs.iter().map(|id| format!("{id}: up/{id}\n  ")).collect();
        let run_config: NodeRunConfig = serde_yaml_run_config(&inputs, outputs);
        let config = NodeConfig {
            dataflow_id: uuid::Uuid::nil(),
            node_id: "it".parse().unwrap(),
            run_config,
            daemon_communication: Some(DaemonCommunication::Tcp { socket_addr: listener.local_addr().unwrap() }),
            dataflow_descriptor: serde_yaml::Value::Null,
            dynamic: false,
            write_events_to: None,
            restart_count: 0,
            output_routing: None,
        };
        let (events, batches) = channel();
        let (say, said) = channel();
        let batches = Arc::new(Mutex::new(batches));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (say, batches, barrier) = (say.clone(), batches.clone(), barrier.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &say, &batches, &barrier));
            }
        });
        Daemon { events: Some(events), said, config, clock: HLC::default() }
    }

    /// Starts a built-in node in a process of its own, as a child of this daemon.
    pub fn start(&self, args: &[&str]) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "one_node", "--nocapture", "--test-threads=1"])
            .env("NODES_TEST_ARGS", args.join(" "))
            .env("DORA_NODE_CONFIG", serde_yaml::to_string(&self.config).unwrap())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub fn give(&self, events: Vec<NodeEvent>) {
        self.events.as_ref().unwrap().send(events).unwrap();
    }

    /// An input event whose payload is one integer.
    pub fn input(&self, id: &str, number: i64) -> NodeEvent {
        let array = Arc::new(arrow_array::Int64Array::from(vec![number]));
        let (data, parameters) = nodes::payload::encode(array, MetadataParameters::new()).unwrap();
        NodeEvent::Input {
            id: id.parse().unwrap(),
            metadata: Arc::new(Metadata::from_parameters(self.clock.new_timestamp(), parameters)),
            data: Some(Arc::new(data)),
        }
    }

    /// The next thing the node says.
    pub fn hear(&self) -> Said {
        self.said.recv_timeout(Duration::from_secs(20)).expect("the node says nothing more")
    }

    /// The next message the node sends, whatever it says before.
    pub fn message(&self) -> (DataId, Metadata, DataMessage) {
        loop {
            if let Said::Message { output, metadata, data } = self.hear() {
                return (output, metadata, data.expect("a message without a payload"));
            }
        }
    }

    /// Listens until the node has said goodbye: outputs closed and done, stream dropped.
    pub fn hear_goodbye(&self) -> Vec<DataId> {
        let mut closed = None;
        let mut done = false;
        loop {
            match self.hear() {
                Said::Closed(outputs) => closed = Some(outputs),
                Said::Done => done = true,
                Said::StreamDropped => {
                    assert!(done, "the stream was dropped before the outputs were done");
                    return closed.expect("the outputs were not closed");
                }
                _ => {}
            }
        }
    }
}

fn serde_yaml_run_config(inputs: &str, outputs: &[&str]) -> NodeRunConfig {
    let inputs = if inputs.is_empty() { "{}".to_string() } else { format!("\n  {inputs}") };
    serde_yaml::from_str(&format!("inputs: {inputs}\noutputs: [{}]", outputs.join(", "))).unwrap()
}

fn serve(
    mut stream: TcpStream,
    say: &Sender<Said>,
    batches: &Mutex<Receiver<Vec<NodeEvent>>>,
    barrier: &Result<(), String>,
) {
    let clock = HLC::default();
    loop {
        let mut length = [0; 8];
        if stream.read_exact(&mut length).is_err() {
            return;
        }
        let mut body = vec![0; usize::try_from(u64::from_le_bytes(length)).unwrap()];
        stream.read_exact(&mut body).unwrap();
        let request: Timestamped<DaemonRequest> = decode(&body).unwrap();
        let ok = DaemonReply::Result(Ok(()));
        let (heard, reply) = match request.inner {
            DaemonRequest::Register(who) => (Some(Said::Registered), DaemonReply::Result(who.check_version())),
            DaemonRequest::Subscribe => (Some(Said::Subscribed), DaemonReply::Result(barrier.clone())),
            DaemonRequest::NextEvent => {
                let batch = batches.lock().unwrap().recv().unwrap_or_default();
                let stamped =
                    batch.into_iter().map(|inner| Timestamped { inner, timestamp: clock.new_timestamp() }).collect();
                (None, DaemonReply::NextEvents(stamped))
            }
            DaemonRequest::SendMessage { output_id, metadata, data } => {
                let _ = say.send(Said::Message { output: output_id, metadata, data });
                continue;
            }
            DaemonRequest::CloseOutputs(outputs) => (Some(Said::Closed(outputs)), ok),
            DaemonRequest::OutputsDone => (Some(Said::Done), ok),
            DaemonRequest::EventStreamDropped => (Some(Said::StreamDropped), ok),
            other => panic!("unexpected request {other:?}"),
        };
        // The test may have ended.
        if let Some(heard) = heard {
            let _ = say.send(heard);
        }
        let body = encode(&reply).unwrap();
        if stream.write_all(&(body.len() as u64).to_le_bytes()).and_then(|()| stream.write_all(&body)).is_err() {
            return;
        }
    }
}
