//! A node's side of the protocol, for one thread that reads events and sends outputs.

use std::collections::BTreeSet;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use arrow_array::ArrayRef;
use diag::{Diagnostic, Result, codes};
use dora_message::common::{DataMessage, Timestamped};
use dora_message::config::Input;
use dora_message::daemon_to_node::{DaemonCommunication, DaemonReply, NodeConfig, NodeEvent};
use dora_message::id::{DataId, NodeId};
use dora_message::metadata::{Metadata, MetadataParameters};
use dora_message::node_to_daemon::{DaemonRequest, NodeRegisterRequest};
use dora_message::uhlc::HLC;

use crate::payload;
use crate::wire::{Connection, unexpected};

/// What the event stream gives.
#[derive(Debug)]
pub enum Next {
    Event(NodeEvent),
    /// The deadline passed before an event came.
    Deadline,
    /// Nothing more comes: every input has closed, or the runtime has let the node go.
    Ended,
}

/// A node that is connected and registered, past the start barrier.
///
/// [`Node::close`] tells the runtime that its outputs are done; a node that is dropped without it looks to
/// the runtime like one that died.
pub struct Node {
    config: NodeConfig,
    clock: Arc<HLC>,
    control: Connection,
    closing: Connection,
    events: EventStream,
}

impl Node {
    /// Connects as the environment says (`DORA_NODE_CONFIG`), and waits at the start barrier.
    pub fn from_env() -> Result<Node> {
        let text = std::env::var("DORA_NODE_CONFIG").map_err(|_| {
            Diagnostic::new(codes::NOT_IN_A_DATAFLOW, "this program is a node and was not started by a dataflow")
                .help("name it in a dataflow file, `path: dora-builtin` with `args: camera`, and start that")
                .next("dora dataflow start FILE")
        })?;
        let config = serde_yaml::from_str(&text).map_err(|error| {
            Diagnostic::new(codes::NOT_IN_A_DATAFLOW, "DORA_NODE_CONFIG does not hold a node's configuration")
                .cause(error.to_string())
                .help("it was written by a runtime of another major version, or by hand")
        })?;
        Node::connect(config)
    }

    /// Opens a node's three connections, registers them and waits at the start barrier.
    pub fn connect(config: NodeConfig) -> Result<Node> {
        let Some(DaemonCommunication::Tcp { socket_addr }) = config.daemon_communication else {
            return Err(Diagnostic::new(codes::NODE_CONNECTION, "the runtime offers this node no TCP address"));
        };
        let clock = Arc::new(HLC::default());
        let open = || {
            let mut connection = Connection::open(socket_addr, clock.clone())?;
            let who = NodeRegisterRequest::new(config.dataflow_id, config.node_id.clone());
            connection.ask(DaemonRequest::Register(who))?;
            Ok(connection)
        };
        let told = |what: &'static str| {
            let node = config.node_id.clone();
            move |error: io::Error| {
                Diagnostic::new(codes::NODE_CONNECTION, format!("node `{node}` {what}")).cause(error.to_string())
            }
        };
        let mut events = open().map_err(told("cannot connect to its runtime"))?;
        let closing = open().map_err(told("cannot connect to its runtime"))?;
        let control = open().map_err(told("cannot connect to its runtime"))?;
        // The answer is the start barrier: it comes when every node of the dataflow has got this far.
        events.ask(DaemonRequest::Subscribe).map_err(told("was not let past the start of its dataflow"))?;
        let events = EventStream::read(events, clock.clone()).map_err(told("cannot read its events"))?;
        Ok(Node { config, clock, control, closing, events })
    }

    pub fn id(&self) -> &NodeId {
        &self.config.node_id
    }

    /// Inputs by name, with what feeds them.
    pub fn inputs(&self) -> impl Iterator<Item = (&DataId, &Input)> {
        self.config.run_config.inputs.iter()
    }

    pub fn outputs(&self) -> &BTreeSet<DataId> {
        &self.config.run_config.outputs
    }

    /// How often this node was started again; 0 in its first process.
    pub fn restarts(&self) -> u32 {
        self.config.restart_count
    }

    /// The output named on the command line, else the only one the descriptor gives this node.
    pub fn choose_output(&self, named: Option<&String>) -> Result<DataId> {
        let outputs = self.outputs();
        let told = |message: String| {
            let known: Vec<String> = outputs.iter().map(ToString::to_string).collect();
            let error = Diagnostic::new(codes::NODE_CONNECTION, message);
            if known.is_empty() {
                error.help("give the node an output in the dataflow file: `outputs: [data]`")
            } else {
                error.help(format!("name one with --output: {}", known.join(", ")))
            }
        };
        match named {
            Some(name) => outputs
                .iter()
                .find(|output| output.as_str() == name)
                .cloned()
                .ok_or_else(|| told(format!("node `{}` has no output `{name}`", self.id()))),
            None => match outputs.first() {
                Some(only) if outputs.len() == 1 => Ok(only.clone()),
                _ => Err(told(format!(
                    "node `{}` has {} outputs and needs to know which to use",
                    self.id(),
                    outputs.len()
                ))),
            },
        }
    }

    /// Waits for the next event.
    pub fn next_event(&mut self) -> Result<Next> {
        match self.events.received.recv() {
            Ok(event) => self.event(event),
            Err(_) => Ok(Next::Ended),
        }
    }

    /// Waits for the next event, until a moment.
    pub fn next_event_before(&mut self, deadline: Instant) -> Result<Next> {
        match self.events.received.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(event) => self.event(event),
            Err(RecvTimeoutError::Timeout) => Ok(Next::Deadline),
            Err(RecvTimeoutError::Disconnected) => Ok(Next::Ended),
        }
    }

    fn event(&self, event: io::Result<NodeEvent>) -> Result<Next> {
        event.map(Next::Event).map_err(|error| self.lost(&error))
    }

    /// Sends an array on an output.
    pub fn send(&mut self, output: &DataId, parameters: MetadataParameters, array: ArrayRef) -> Result<()> {
        let (data, parameters) = payload::encode(array, parameters).map_err(|error| {
            Diagnostic::new(codes::NODE_CONNECTION, format!("a message for `{output}` cannot be written as Arrow"))
                .cause(error.to_string())
        })?;
        self.forward(output, parameters, Some(data))
    }

    /// Sends a payload as it is, for instance one that was received.
    pub fn forward(
        &mut self,
        output: &DataId,
        parameters: MetadataParameters,
        data: Option<DataMessage>,
    ) -> Result<()> {
        let metadata = Metadata::from_parameters(self.clock.new_timestamp(), parameters);
        let message = DaemonRequest::SendMessage { output_id: output.clone(), metadata, data };
        self.control.send(message).map_err(|error| self.lost(&error))
    }

    /// Tells the runtime that nothing more is sent or read, and ends the connections.
    pub fn close(mut self) -> Result<()> {
        let outputs: Vec<DataId> = self.outputs().iter().cloned().collect();
        let done = (|| {
            self.control.ask(DaemonRequest::CloseOutputs(outputs))?;
            self.control.ask(DaemonRequest::OutputsDone)?;
            self.closing.ask(DaemonRequest::EventStreamDropped)
        })();
        done.map_err(|error| self.lost(&error))
    }

    fn lost(&self, error: &io::Error) -> Box<Diagnostic> {
        Diagnostic::new(codes::NODE_CONNECTION, format!("node `{}` lost its runtime", self.id()))
            .cause(error.to_string())
    }
}

/// How long a message was on its way, by the sender's clock at send and ours now. A sender whose clock runs
/// ahead gives zero.
pub fn age(metadata: &Metadata) -> Duration {
    let sent = metadata.timestamp().get_time().to_system_time();
    SystemTime::now().duration_since(sent).unwrap_or_default()
}

/// The thread that polls for events, so that a node can wait for one and for its clock at once.
struct EventStream {
    received: Receiver<io::Result<NodeEvent>>,
    socket: TcpStream,
    thread: Option<JoinHandle<()>>,
}

impl EventStream {
    fn read(connection: Connection, clock: Arc<HLC>) -> io::Result<EventStream> {
        let socket = connection.socket()?;
        // A rendezvous: the next batch is asked for when the node has taken this one, so that messages wait
        // in the runtime's queues, where they are counted, and not here.
        let (send, received) = sync_channel(0);
        let thread =
            std::thread::Builder::new().name("events".to_string()).spawn(move || poll(connection, &clock, &send))?;
        Ok(EventStream { received, socket, thread: Some(thread) })
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        // Either wakes the thread wherever it waits: on the socket, or to hand over an event.
        let _ = self.socket.shutdown(Shutdown::Both);
        self.received = sync_channel(0).1;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn poll(mut connection: Connection, clock: &HLC, send: &SyncSender<io::Result<NodeEvent>>) {
    loop {
        let events = match connection.request(DaemonRequest::NextEvent) {
            Ok(DaemonReply::NextEvents(events)) => events,
            Ok(other) => {
                let _ = send.send(Err(unexpected(&other)));
                return;
            }
            Err(error) => {
                let _ = send.send(Err(error));
                return;
            }
        };
        // An empty batch is the end of the stream.
        if events.is_empty() {
            return;
        }
        for Timestamped { inner, timestamp } in events {
            // A runtime whose clock is far ahead is refused by the clock; our own time then stays as it was.
            let _ = clock.update_with_timestamp(&timestamp);
            if send.send(Ok(inner)).is_err() {
                return;
            }
        }
    }
}
