//! One connection's life.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use dora_message::daemon_to_node::DaemonReply;
use dora_message::node_to_daemon::{DaemonRequest, NodeRegisterRequest};

use super::frames::{Frame, FrameReader, write_frame};
use super::listener::Shared;
use super::waker::{Waker, readable_within};
use super::wire::{self, Malformed, SendMessage};
use super::{Flow, Signal};
use crate::model::DataflowId;
use crate::router::Touched;
use crate::router::mailbox::Mailbox;
use crate::router::stream::{Stream, Work};

/// How long a peer may take to say who it is.
const INTRODUCTION: Duration = Duration::from_secs(30);

/// Serves a connection until its peer closes it, or breaks the protocol.
pub fn serve(shared: &Arc<Shared>, id: u64, socket: TcpStream) {
    let mut reader = FrameReader::new(shared.pool.clone());
    let Ok(Some((flow, node))) = introduce(shared, &socket, &mut reader) else { return };
    shared.own(id, flow.id, node);
    let _ = flow.signals.send(Signal::Connected { node });
    let mut session = Session { shared, flow, node, socket, touched: Touched::default() };
    if let Err(error) = session.run(reader)
        && error.kind() == io::ErrorKind::InvalidData
    {
        session.notice(format!("its connection was closed, because it broke the protocol: {error}"));
    }
    session.flow.router.flush(&mut session.touched);
    let _ = session.flow.signals.send(Signal::Disconnected { node });
}

/// Reads the `Register` request and finds whom it names; `None` when the peer was refused.
fn introduce(shared: &Shared, socket: &TcpStream, reader: &mut FrameReader) -> io::Result<Option<(Arc<Flow>, usize)>> {
    socket.set_nodelay(true)?;
    if !readable_within(socket, INTRODUCTION)? {
        return Ok(None);
    }
    let Some(frame) = reader.next(socket)? else { return Ok(None) };
    let found = match wire::decode_request(frame.bytes(), &shared.clock)? {
        DaemonRequest::Register(request) => register(shared, &request),
        DaemonRequest::NodeConfig { node_id } => {
            let reply = serde_json::json!({ "NodeConfig": { "result": {
                "Err": format!("no dataflow of this runtime waits for a dynamic node `{node_id}`")
            } } });
            write_frame(socket, reply.to_string().as_bytes())?;
            return Ok(None);
        }
        _ => Err("the first request of a connection must be `Register`".to_string()),
    };
    match found {
        Ok(found) => Ok(Some(found)),
        Err(reason) => answer(socket, &DaemonReply::Result(Err(reason))).map(|()| None),
    }
}

fn register(shared: &Shared, request: &NodeRegisterRequest) -> Result<(Arc<Flow>, usize), String> {
    request.check_version()?;
    let id = DataflowId(request.dataflow_id);
    let flow = shared.flows.find(id).ok_or_else(|| format!("no dataflow {id} runs here"))?;
    let node = flow.router.find(&request.node_id);
    let node = node.ok_or_else(|| format!("dataflow {id} has no node `{}`", request.node_id))?;
    Ok((flow, node))
}

struct Session<'a> {
    shared: &'a Shared,
    flow: Arc<Flow>,
    node: usize,
    socket: TcpStream,
    touched: Touched,
}

/// Whether a session goes on as it is, or has become the one that events are read from.
enum Next {
    Continue,
    Events,
}

impl Session<'_> {
    fn run(&mut self, mut reader: FrameReader) -> io::Result<()> {
        // Only now, when the supervisor has been told of the connection: a node that is answered may send and
        // be gone before anybody else gets to run.
        answer(&self.socket, &DaemonReply::Result(Ok(())))?;
        let port = self.flow.router.port(self.node);
        while let Some(frame) = reader.next(&self.socket)? {
            if let Some(port) = &port {
                port.mailbox.note_life();
            }
            if let Next::Events = self.handle(frame)? {
                return self.events(reader);
            }
            // A burst is handed over in one piece: everything that came with one read is routed first.
            if !reader.is_ready() {
                self.flow.router.flush(&mut self.touched);
            }
        }
        Ok(())
    }

    fn handle(&mut self, frame: Frame<'_>) -> io::Result<Next> {
        let router = &self.flow.router;
        let known = match frame {
            Frame::Small(bytes) => match SendMessage::walk(bytes).map_err(invalid)? {
                Some(sent) => router.send_small(self.node, &sent, bytes, &mut self.touched),
                None => return self.request(wire::decode_request(bytes, &self.shared.clock)?),
            },
            Frame::Large(buffer) if SendMessage::walk(&buffer).map_err(invalid)?.is_some() => {
                router.send_large(self.node, buffer, &mut self.touched).map_err(invalid)?
            }
            Frame::Large(buffer) => return self.request(wire::decode_request(&buffer, &self.shared.clock)?),
        };
        if !known {
            self.notice("it sent a message on an output that it does not declare".to_string());
        }
        Ok(Next::Continue)
    }

    fn request(&mut self, request: DaemonRequest) -> io::Result<Next> {
        let router = &self.flow.router;
        router.flush(&mut self.touched);
        let reply = match request {
            DaemonRequest::Subscribe => return self.subscribe(),
            DaemonRequest::OutputSent { output_id, .. } => {
                router.note_sent(self.node, &output_id);
                return Ok(Next::Continue);
            }
            DaemonRequest::CloseOutputs(outputs) => {
                router.close_outputs(self.node, &outputs);
                Ok(())
            }
            DaemonRequest::OutputsDone => {
                router.finish_outputs(self.node);
                Ok(())
            }
            DaemonRequest::EventStreamDropped => {
                if let Some(port) = router.port(self.node) {
                    port.mailbox.end(true);
                }
                Ok(())
            }
            DaemonRequest::NextEvent => Err("`NextEvent` before `Subscribe`".to_string()),
            DaemonRequest::Register(_) => Err("this connection is registered already".to_string()),
            DaemonRequest::ExtensionStore { namespace, key, value } => {
                router.extensions.store((namespace, key), value, self.node)
            }
            DaemonRequest::ExtensionLoad { namespace, key, remove } => {
                let name = (namespace, key);
                let value = router.extensions.load(&name, self.node);
                if remove && value.is_some() {
                    router.drop_extension(&name);
                }
                answer(&self.socket, &DaemonReply::ExtensionValue { value })?;
                return Ok(Next::Continue);
            }
            DaemonRequest::ExtensionDrop { namespace, key } => {
                router.drop_extension(&(namespace, key));
                Ok(())
            }
            DaemonRequest::ExtensionRequest { namespace, .. } => {
                Err(format!("this runtime has no extension `{namespace}`"))
            }
            _ => Err("this runtime does not serve this request".to_string()),
        };
        answer(&self.socket, &DaemonReply::Result(reply))?;
        Ok(Next::Continue)
    }

    /// Waits at the barrier with the node.
    fn subscribe(&mut self) -> io::Result<Next> {
        let (answering, waiting) = sync_channel(1);
        let _ = self.flow.signals.send(Signal::Subscribed { node: self.node, answer: answering });
        let result = waiting.recv().unwrap_or_else(|_| Err("the dataflow has ended".to_string()));
        let ready = result.is_ok();
        answer(&self.socket, &DaemonReply::Result(result))?;
        Ok(if ready { Next::Events } else { Next::Continue })
    }

    fn events(&mut self, reader: FrameReader) -> io::Result<()> {
        let flow = self.flow.clone();
        let Some(port) = flow.router.port(self.node) else { return Ok(()) };
        let waker = Arc::new(Waker::new()?);
        // From here on messages are written by whoever brings them, who must never wait for this node.
        self.socket.set_nonblocking(true)?;
        let stream = Stream::new(self.socket.try_clone()?, reader, waker.clone(), self.shared.clock.clone());
        if !port.mailbox.attach(stream) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "two event streams of one node"));
        }
        let result = self.long_polls(&port.mailbox, &waker);
        port.mailbox.detach();
        result
    }

    fn long_polls(&mut self, mailbox: &Mailbox, waker: &Waker) -> io::Result<()> {
        loop {
            match mailbox.work()? {
                Work::Request(request) => {
                    self.request(request)?;
                }
                Work::Wait(interest) => waker.wait(&self.socket, interest)?,
                Work::End => return Ok(()),
            }
        }
    }

    fn notice(&self, text: String) {
        let _ = self.flow.signals.send(Signal::Notice { node: self.node, text });
    }
}

fn answer(socket: &TcpStream, reply: &DaemonReply) -> io::Result<()> {
    write_frame(socket, &dora_message::encode(reply).map_err(io::Error::other)?)
}

fn invalid(malformed: Malformed) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, malformed.0)
}
