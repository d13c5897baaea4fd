//! The listening end: a port, of the loopback interface unless it is told otherwise, and the peers that come to it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use diag::{Diagnostic, Result, codes};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

use super::admission::{Admission, Admitted};
use super::session;
use super::token::Token;
use super::wire::{MAX_BINARY, MAX_REQUEST, PATH};
use crate::Handle;

/// As many peers as dora-rs admits.
const MAX_PEERS: u32 = 256;
/// How long a peer that reads nothing may hold up the end of the server.
const FAREWELL: Duration = Duration::from_secs(2);

/// The control socket of one runtime. [`Server::stop`] ends it and its peers; dropping it does so without waiting.
pub struct Server {
    address: SocketAddr,
    closing: watch::Sender<bool>,
    peers: Arc<Semaphore>,
    /// Taken by whoever ends it.
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What all peers share.
pub(super) struct Shared {
    pub handle: Handle,
    admission: Admission,
    /// Told when a peer has shut the runtime down; absent where no peer may.
    pub shut_down: Option<mpsc::Sender<()>>,
    pub closing: watch::Receiver<bool>,
    pub peers: Arc<Semaphore>,
}

impl Server {
    /// Listens on a port of the loopback interface; 0 takes a free one.
    ///
    /// `shut_down` is told when a peer has shut the runtime down; without it, peers may not.
    pub async fn bind(handle: Handle, port: u16, token: Token, shut_down: Option<mpsc::Sender<()>>) -> Result<Server> {
        Server::bind_at(handle, SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port), token, shut_down).await
    }

    /// The same on any interface. One that is no loopback answers only those who have the token.
    pub async fn bind_at(
        handle: Handle,
        address: SocketAddr,
        token: Token,
        shut_down: Option<mpsc::Sender<()>>,
    ) -> Result<Server> {
        let bound = async {
            let listener = TcpListener::bind(address).await?;
            let address = listener.local_addr()?;
            std::io::Result::Ok((listener, address))
        };
        let (listener, address) = bound.await.map_err(|error| port_taken(address, &error))?;
        let (closing, closed) = watch::channel(false);
        let peers = Arc::new(Semaphore::new(MAX_PEERS as usize));
        let shared = Arc::new(Shared {
            handle,
            admission: Admission::new(token, address),
            shut_down,
            closing: closed.clone(),
            peers: peers.clone(),
        });
        let router = Router::new().route(PATH, get(upgrade)).route("/health", get(async || "ok")).with_state(shared);
        let task = tokio::spawn(async move {
            let ends = async move {
                let mut closed = closed;
                // An error means that the server itself is gone.
                let _ = closed.wait_for(|closing| *closing).await;
            };
            // It fails with its listener only, which a loopback port does not do.
            let _ = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
                .with_graceful_shutdown(ends)
                .await;
        });
        Ok(Server { address, closing, peers, task: Mutex::new(Some(task)) })
    }

    /// Where this machine reaches it: `ws://127.0.0.1:PORT/api/control`.
    pub fn address(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
        }
        format!("ws://{address}{PATH}")
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Ends it: no peer is admitted any more, and those that are here get what was already answered.
    pub async fn stop(&self) {
        self.closing.send_replace(true);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let gone = async {
            let _ = self.peers.acquire_many(MAX_PEERS).await;
            if let Some(task) = task {
                let _ = task.await;
            }
        };
        let _ = tokio::time::timeout(FAREWELL, gone).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closing.send_replace(true);
        if let Some(task) = self.task.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

fn port_taken(address: SocketAddr, error: &std::io::Error) -> Box<Diagnostic> {
    let place = match address.ip() {
        IpAddr::V4(Ipv4Addr::LOCALHOST) => String::new(),
        other => format!(" of {other}"),
    };
    Diagnostic::new(codes::PORT_TAKEN, format!("port {}{place} cannot be listened on", address.port()))
        .cause(error.to_string())
        .help("another program holds it, perhaps a dora coordinator; stop that, or choose another port")
        .next("DORA_COORDINATOR_PORT=6014 dora daemon start")
}

async fn upgrade(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let decided = {
        let shared = shared.clone();
        tokio::task::spawn_blocking(move || shared.admission.decide(&headers, peer)).await
    };
    let authorized = match decided {
        Ok(Ok(admitted)) => admitted == Admitted::Owner,
        Ok(Err(refusal)) => return refusal.into_response(),
        Err(_) => return (StatusCode::INTERNAL_SERVER_ERROR, "nobody could be asked").into_response(),
    };
    let Ok(place) = shared.peers.clone().try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many connections").into_response();
    };
    // Messages that are to be sent may be as long as those of nodes.
    let longest = if authorized { MAX_BINARY } else { MAX_REQUEST };
    upgrade.max_message_size(longest).max_frame_size(longest).on_upgrade(async move |socket| {
        session::run(socket, &shared, authorized).await;
        drop(place);
    })
}
