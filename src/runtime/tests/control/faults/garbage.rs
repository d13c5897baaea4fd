//! What a broken or hostile peer may send.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use dora_message::MAX_MESSAGE_BYTES;
use dora_message::aligned_vec::AVec;
use dora_message::common::{DataMessage, Timestamped};
use dora_message::daemon_to_node::{DaemonCommunication, NodeConfig};
use dora_message::metadata::Metadata;
use dora_message::node_to_daemon::{DaemonRequest, NodeRegisterRequest};
use dora_message::uhlc::HLC;
use futures::SinkExt;
use runtime::control::token::Token;
use runtime::model::DataflowId;
use store::runtimes::RuntimeRow;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::marked::variable;
use super::rng::Rng;

/// Where a node connects to, as its process was told.
pub fn listener(node: u32) -> SocketAddr {
    let config: NodeConfig = serde_yaml::from_str(&variable(node, "DORA_NODE_CONFIG").unwrap()).unwrap();
    match config.daemon_communication {
        Some(DaemonCommunication::Tcp { socket_addr }) => socket_addr,
        other => panic!("{other:?}"),
    }
}

fn frame(request: DaemonRequest) -> Vec<u8> {
    let timestamp = HLC::default().new_timestamp();
    let body = dora_message::encode(&Timestamped { inner: request, timestamp }).unwrap();
    [(body.len() as u64).to_le_bytes().to_vec(), body].concat()
}

/// Says one wrong thing to the listener for nodes, half the time as one of these nodes of the flow. The connection
/// that is returned stays open, half a frame on its way.
pub fn to_node_listener(address: SocketAddr, flow: DataflowId, nodes: &[&str], rng: &mut Rng) -> Option<TcpStream> {
    let mut peer = TcpStream::connect(address).unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    if !nodes.is_empty() && rng.below(2) == 0 {
        let node = rng.choose(nodes).parse().unwrap();
        peer.write_all(&frame(DaemonRequest::Register(NodeRegisterRequest::new(flow.0, node)))).unwrap();
        let mut length = [0; 8];
        peer.read_exact(&mut length).unwrap();
        peer.read_exact(&mut vec![0; u64::from_le_bytes(length) as usize]).unwrap();
    }
    let data = Some(DataMessage::Vec(AVec::from_slice(128, &rng.bytes(40_000))));
    let metadata = Metadata::new(HLC::default().new_timestamp());
    let mut message = frame(DaemonRequest::SendMessage { output_id: "number".into(), metadata, data });
    let kind = rng.below(5);
    let bytes = match kind {
        0 => rng.bytes(4096),
        1 => {
            message.truncate(1 + rng.below(message.len() as u64 - 1) as usize);
            message
        }
        2 => {
            // What lies beside the length and the payload, where a bit means the most.
            let most = message.len().min(120);
            rng.flip(&mut message[8..most]);
            message
        }
        3 => rng.choose(&[u64::MAX, MAX_MESSAGE_BYTES as u64 + 1, 1 << 63]).to_le_bytes().to_vec(),
        _ => [(MAX_MESSAGE_BYTES as u64).to_le_bytes().to_vec(), rng.bytes(1000)].concat(),
    };
    // It may have been cut off already.
    let _ = peer.write_all(&bytes);
    (kind == 4 || kind == 1).then_some(peer)
}

/// Says one wrong thing to the control socket, half the time as somebody who was let in.
pub async fn to_control_socket(runtime: &RuntimeRow, rng: &mut Rng) -> Option<WebSocketStream<tokio::net::TcpStream>> {
    let address = runtime.address.clone().unwrap();
    let port: u16 = address.split(':').nth(2).and_then(|rest| rest.split('/').next()).unwrap().parse().unwrap();
    let kind = rng.below(6);
    if kind == 0 {
        let mut peer = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let _ = peer.write_all(&rng.bytes(4096));
        return None;
    }
    let mut request = address.into_client_request().unwrap();
    let token = Token::read(runtime.token_path.as_ref().unwrap()).unwrap();
    request.headers_mut().insert("authorization", token.header().parse().unwrap());
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (mut socket, _) = client_async(request, stream).await.unwrap();
    let known = *rng.choose(&[
        r#"{"id":"01a1fbd0-a5a3-74a6-ac3e-c19edbea1c21","method":"dora-shell","params":{"list":{"all":true}}}"#,
        r#"{"id":"01a1fbd0-a5a3-74a6-ac3e-c19edbea1c21","method":"dora-shell","params":{"logs":{"dataflow":"x"}}}"#,
        r#"{"id":"01a1fbd0-a5a3-74a6-ac3e-c19edbea1c21","method":"control","params":"List"}"#,
    ]);
    let told = match kind {
        1 => Message::binary(rng.bytes(4096)),
        2 => {
            let mut bytes = known.as_bytes().to_vec();
            rng.flip(&mut bytes);
            Message::text(String::from_utf8_lossy(&bytes).into_owned())
        }
        3 => Message::text(&known[..rng.below(known.len() as u64) as usize]),
        4 => Message::text("[".repeat(rng.below(200_000) as usize)),
        // Asks much and reads nothing of it.
        _ => {
            for _ in 0..200 {
                if socket.feed(Message::text(known)).await.is_err() {
                    return None;
                }
            }
            Message::text(known)
        }
    };
    // It may have been cut off already.
    let _ = socket.send(told).await;
    (kind == 5).then_some(socket)
}
