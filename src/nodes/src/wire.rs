//! Frames on a connection to the runtime: a `u64` little-endian length, then that many bytes of postcard.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use dora_message::common::Timestamped;
use dora_message::daemon_to_node::DaemonReply;
use dora_message::node_to_daemon::DaemonRequest;
use dora_message::uhlc::HLC;
use dora_message::{MAX_MESSAGE_BYTES, decode, encode_presized};

/// One of the connections a node keeps.
pub struct Connection {
    stream: TcpStream,
    clock: Arc<HLC>,
}

impl Connection {
    pub fn open(address: SocketAddr, clock: Arc<HLC>) -> io::Result<Connection> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, clock })
    }

    /// A second name for the socket, to shut it down while another thread waits on it.
    pub fn socket(&self) -> io::Result<TcpStream> {
        self.stream.try_clone()
    }

    /// Sends a request that has no reply.
    pub fn send(&mut self, request: DaemonRequest) -> io::Result<()> {
        let hint = request.encode_size_hint();
        let stamped = Timestamped { inner: request, timestamp: self.clock.new_timestamp() };
        let body = encode_presized(&stamped, hint).map_err(io::Error::other)?;
        if body.len() > MAX_MESSAGE_BYTES {
            let told = format!("a message of {} bytes exceeds the limit of {MAX_MESSAGE_BYTES}", body.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, told));
        }
        self.stream.write_all(&(body.len() as u64).to_le_bytes())?;
        self.stream.write_all(&body)
    }

    /// Sends a request and waits for its reply.
    pub fn request(&mut self, request: DaemonRequest) -> io::Result<DaemonReply> {
        self.send(request)?;
        let mut length = [0; 8];
        self.stream.read_exact(&mut length)?;
        let length = usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX);
        if length > MAX_MESSAGE_BYTES {
            let told = format!("a reply of {length} bytes exceeds the limit of {MAX_MESSAGE_BYTES}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, told));
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        decode(&body).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
    }

    /// Sends a request that is answered with nothing but whether it worked.
    pub fn ask(&mut self, request: DaemonRequest) -> io::Result<()> {
        match self.request(request)? {
            DaemonReply::Result(Ok(())) => Ok(()),
            DaemonReply::Result(Err(why)) => Err(io::Error::other(why)),
            other => Err(unexpected(&other)),
        }
    }
}

pub fn unexpected(reply: &DaemonReply) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a reply that fits no request: {reply:?}"))
}
