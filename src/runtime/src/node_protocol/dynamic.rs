//! Where nodes ask for their dataflow that were started by somebody else.
//!
//! Such a node knows nothing but its own id, and one port that is the same on every machine. Whichever runtime holds
//! that port answers for all runtimes of its home, from the store; another takes over when it ends. The answer, which
//! is JSON, is all that a node of a runtime's own finds in its environment, and from then on it speaks to its own
//! runtime.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use dora_message::common::Timestamped;
use dora_message::daemon_to_node::NodeConfig;
use dora_message::dynamic_node::{DynamicNodeConfigReply, DynamicNodePeering};
use dora_message::id::NodeId;
use dora_message::node_to_daemon::DaemonRequest;
use store::Store;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::sweep;

/// The port, unless this variable names another.
pub const PORT: u16 = 53291;
/// Names another port, to the runtime as to its nodes.
pub const PORT_VARIABLE: &str = "DORA_DAEMON_LOCAL_LISTEN_PORT";

/// How often a port that somebody else holds is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How long a node may take to ask.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a question may be: it holds one id.
const LONGEST: u64 = 64 * 1024;

/// Holds the port as soon as it is free, and answers. `waiting` is told once when it is not free at first.
pub async fn serve(port: u16, store: Store, mut waiting: Option<impl FnOnce(io::Error)>) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = loop {
        match TcpListener::bind(address).await {
            Ok(listener) => break listener,
            Err(error) => {
                if let Some(waiting) = waiting.take() {
                    waiting(error);
                }
                // Nothing tells when a port is free.
                tokio::time::sleep(RETRY).await;
            }
        }
    };
    let mut peers = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    let store = store.clone();
                    // A peer that is gone before its answer has lost interest in it.
                    peers.spawn(async move { drop(tokio::time::timeout(PATIENCE, answer(socket, &store)).await) });
                }
                // No descriptor is left: then some connection has to be closed first.
                Err(_) => tokio::time::sleep(RETRY).await,
            },
            Some(_) = peers.join_next() => {}
        }
    }
}

async fn answer(mut socket: TcpStream, store: &Store) -> io::Result<()> {
    let asked = read(&mut socket).await?;
    let request: Timestamped<DaemonRequest> = dora_message::decode(&asked).map_err(io::Error::other)?;
    let DaemonRequest::NodeConfig { node_id } = request.inner else {
        return Err(io::Error::other("only the configuration of a dynamic node can be asked for here"));
    };
    let result = find(store, &node_id);
    // A listener of its own keeps the node's session from looking for peers in the network. It wants to know the port:
    // one that is free now, as dora-rs gives it too.
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.and_then(|listener| listener.local_addr());
    let zenoh = free.ok().filter(|_| result.is_ok());
    let zenoh = zenoh.map(|address| DynamicNodePeering { listen: format!("tcp/{address}"), connect: Vec::new() });
    write(&mut socket, &serde_json::to_vec(&DynamicNodeConfigReply::NodeConfig { result, zenoh })?).await
}

async fn read(socket: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = socket.read_u64_le().await?;
    if length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = Vec::new();
    socket.take(length).read_to_end(&mut body).await?;
    Ok(body)
}

async fn write(socket: &mut TcpStream, body: &[u8]) -> io::Result<()> {
    socket.write_u64_le(body.len() as u64).await?;
    socket.write_all(body).await?;
    socket.flush().await
}

/// What a node is told that asks by its id, or why it is not.
fn find(store: &Store, node: &NodeId) -> Result<NodeConfig, String> {
    let failed = |error: Box<diag::Diagnostic>| error.message;
    // A runtime that was killed has left its dataflows as if they ran.
    sweep::sweep(store).map_err(failed)?;
    let found = store.dynamic_nodes(node.as_ref()).map_err(failed)?;
    match found.as_slice() {
        [one] => serde_json::from_str(&one.config).map_err(|error| error.to_string()),
        [] => Err(format!("no running dataflow has a node `{node}` with `path: dynamic`")),
        several => {
            let names: Vec<&str> = several.iter().map(|one| one.dataflow_name.as_str()).collect();
            Err(format!("several dataflows have a dynamic node `{node}`: {}", names.join(", ")))
        }
    }
}

/// Asks whoever holds the port for a node.
pub async fn ask(port: u16, node: &NodeId, request: &Timestamped<DaemonRequest>) -> Option<NodeConfig> {
    let asking = async {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
        write(&mut socket, &dora_message::encode(request).ok()?).await.ok()?;
        let length = socket.read_u64_le().await.ok()?;
        let mut body = Vec::new();
        socket.take(length.min(dora_message::MAX_MESSAGE_BYTES as u64)).read_to_end(&mut body).await.ok()?;
        let DynamicNodeConfigReply::NodeConfig { result, .. } = serde_json::from_slice(&body).ok()?;
        result.ok().filter(|config| config.node_id == *node)
    };
    tokio::time::timeout(PATIENCE, asking).await.ok().flatten()
}
