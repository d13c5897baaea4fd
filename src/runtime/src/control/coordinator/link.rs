//! Connections to a coordinator: made when they are needed, kept for the next request.
//!
//! A coordinator admits a connection in a fraction of a millisecond, and from other machines only so many in a
//! minute, so those that were answered are used again. Requests that run at once have one each.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use diag::{Diagnostic, Result, codes};
use dora_message::auth::discover_token;
use dora_message::cli_to_coordinator::{ControlRequest, check_cli_version};
use dora_message::coordinator_to_cli::ControlRequestReply;
use dora_message::ws_protocol::{WsMessage, WsRequest};
use futures::{FutureExt, SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use uuid::Uuid;

use super::super::token::Token;
use super::super::wire::{DORA_METHOD, MAX_BINARY, PATH};

/// The port of a coordinator whose address names none.
const PORT: u16 = 6013;
/// How long a coordinator may take to accept a connection, or to answer what it knows at once.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many connections without a request are kept.
const IDLE: usize = 4;

pub type Socket = WebSocketStream<TcpStream>;

/// Where a coordinator is: host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// Reads `HOST`, `HOST:PORT`, or `ws://HOST:PORT/api/control`.
    pub fn parse(text: &str) -> Result<Address> {
        let bare = text.strip_prefix("ws://").unwrap_or(text);
        let bare = bare.strip_suffix(PATH).unwrap_or(bare).trim_end_matches('/');
        let wrong = |why: &str| {
            Diagnostic::new(codes::BAD_ADDRESS, format!("`{text}` is no address of a coordinator: {why}"))
                .help("write HOST:PORT, for instance `localhost:6013` or `[::1]:6013`")
        };
        if bare.contains("://") {
            return Err(wrong("coordinators speak plain WebSocket, `ws://`"));
        }
        let (host, port) = match bare.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, port.parse().map_err(|_| wrong("its port is no number from 1 to 65535"))?)
            }
            _ => (bare, PORT),
        };
        let named = host.trim_start_matches('[').trim_end_matches(']');
        if port == 0 {
            return Err(wrong("its port is no number from 1 to 65535"));
        }
        if named.is_empty() || named.contains(['/', '@', '?', '#', ' ']) || (named.contains(':') && named == host) {
            return Err(wrong("its host is no name and no IP address"));
        }
        Ok(Address { host: host.to_string(), port })
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// The way to one coordinator. Making one connects to nothing.
pub struct Link {
    /// The context it belongs to, for messages.
    context: String,
    address: Address,
    /// The file with its token; without one it is looked for where dora-rs's own CLI looks.
    token: Option<PathBuf>,
    idle: Mutex<Vec<Socket>>,
}

impl Link {
    pub fn new(context: String, address: Address, token: Option<PathBuf>) -> Link {
        Link { context, address, token, idle: Mutex::default() }
    }

    /// Asks, and waits for the answer: not for long when it is known at once.
    pub async fn ask(&self, request: &ControlRequest, quick: bool) -> Result<ControlRequestReply> {
        let asked = async {
            let mut socket = self.socket().await?;
            let answer = self.exchange(&mut socket, request).await;
            // A request that was refused came over a connection that is well.
            if answer.is_ok() {
                self.keep(socket);
            }
            answer?
        };
        let value = match quick {
            true => tokio::time::timeout(PATIENCE, asked).await.map_err(|_| self.silent())??,
            false => asked.await?,
        };
        match serde_json::from_value(value).map_err(|error| self.strange(&error.to_string()))? {
            ControlRequestReply::Error(why) => Err(self.refused(&why)),
            reply => Ok(reply),
        }
    }

    /// Subscribes on a connection of its own; what follows comes there.
    pub async fn subscribe(&self, request: &ControlRequest) -> Result<(Value, Socket)> {
        let asked = async {
            let mut socket = self.socket().await?;
            let value = self.exchange(&mut socket, request).await??;
            Ok((value, socket))
        };
        tokio::time::timeout(PATIENCE, asked).await.map_err(|_| self.silent())?
    }

    fn keep(&self, socket: Socket) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(socket);
        }
    }

    /// A connection that was kept and is still open, else a new one.
    async fn socket(&self) -> Result<Socket> {
        loop {
            let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(mut socket) = kept else { break };
            // Nothing is due on it: whatever is there says that it was closed.
            if socket.next().now_or_never().is_none() {
                return Ok(socket);
            }
        }
        tokio::time::timeout(PATIENCE, self.connect()).await.map_err(|_| self.silent())?
    }

    async fn connect(&self) -> Result<Socket> {
        let url = format!("ws://{}{PATH}", self.address);
        let mut request = url.into_client_request().map_err(|error| self.lost(&error))?;
        if let Some(token) = self.token()? {
            let bearer = HeaderValue::from_str(&token).map_err(|_| self.unauthorized("the token is no text"))?;
            request.headers_mut().insert(header::AUTHORIZATION, bearer);
        }
        let stream = TcpStream::connect(self.address.to_string()).await;
        let stream = stream.map_err(|error| self.lost(&SocketError::Io(error)))?;
        stream.set_nodelay(true).map_err(|error| self.lost(&SocketError::Io(error)))?;
        let config = WebSocketConfig::default().max_message_size(Some(MAX_BINARY)).max_frame_size(Some(MAX_BINARY));
        let connected = tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await;
        let mut socket = connected.map(|(socket, _)| socket).map_err(|error| match error {
            SocketError::Http(response) if response.status() == StatusCode::UNAUTHORIZED => {
                self.unauthorized("it asks for a token, and the one it got is missing or wrong")
            }
            SocketError::Http(response) => {
                self.strange(&format!("it answered {}, as no coordinator does", response.status()))
            }
            SocketError::Protocol(error) => self.strange(&format!("it speaks no WebSocket: {error}")),
            other => self.lost(&other),
        })?;
        let answer = self.exchange(&mut socket, &ControlRequest::hello()).await?;
        let answer = answer.map_err(|error| self.other_version(&error.message))?;
        match serde_json::from_value(answer) {
            Ok(ControlRequestReply::HelloOk { dora_version }) => {
                check_cli_version(&dora_version).map_err(|why| self.other_version(&why))?;
                Ok(socket)
            }
            Ok(ControlRequestReply::Error(why)) => Err(self.other_version(&why)),
            _ => Err(self.strange("it did not greet back")),
        }
    }

    /// The value of the `Authorization` header.
    fn token(&self) -> Result<Option<String>> {
        match &self.token {
            Some(path) => Ok(Some(Token::read(path)?.header())),
            None => Ok(discover_token().map(|token| format!("Bearer {}", token.as_hex()))),
        }
    }

    /// Sends a request and waits for its answer. The outer error is of the connection, the inner one of the request.
    async fn exchange(&self, socket: &mut Socket, request: &ControlRequest) -> Result<Result<Value>> {
        let id = Uuid::new_v4();
        let params = serde_json::to_value(request).map_err(|error| self.strange(&error.to_string()))?;
        let frame = WsRequest { id, method: DORA_METHOD.to_string(), params };
        let frame = serde_json::to_string(&frame).map_err(|error| self.strange(&error.to_string()))?;
        socket.send(Message::text(frame)).await.map_err(|error| self.lost(&error))?;
        loop {
            let Heard::Text(text) = self.hear(socket).await? else { continue };
            match serde_json::from_str(&text).map_err(|error| self.strange(&error.to_string()))? {
                WsMessage::Response(response) if response.id == id || response.id.is_nil() => {
                    return Ok(match response.error {
                        Some(why) => Err(self.refused(&why)),
                        None => Ok(response.result.unwrap_or_default()),
                    });
                }
                // What an earlier request of this connection was still to get.
                _ => {}
            }
        }
    }

    /// The next frame that says something.
    pub async fn hear(&self, socket: &mut Socket) -> Result<Heard> {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(Heard::Text(text.to_string())),
                Some(Ok(Message::Binary(bytes))) => return Ok(Heard::Binary(bytes.to_vec())),
                Some(Ok(Message::Close(_))) | None => return Err(self.gone("it closed the connection")),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(self.lost(&error)),
            }
        }
    }

    /// How messages call it.
    pub fn name(&self) -> String {
        format!("the coordinator of context `{}`", self.context)
    }

    /// The context it belongs to.
    pub fn context(&self) -> &str {
        &self.context
    }

    fn lost(&self, error: &SocketError) -> Box<Diagnostic> {
        self.gone(&error.to_string())
    }

    fn gone(&self, why: &str) -> Box<Diagnostic> {
        Diagnostic::new(codes::COORDINATOR_UNREACHABLE, format!("{} does not answer at {}", self.name(), self.address))
            .cause(why)
            .help("start it where it is to run, with `dora up` of dora-rs; or go back to the dataflows of this home")
            .next("dora context show")
            .next("dora context use local")
            .retryable()
    }

    fn silent(&self) -> Box<Diagnostic> {
        self.gone(&format!("nothing came within {} seconds", PATIENCE.as_secs())).elapsed(PATIENCE)
    }

    /// Something came that no coordinator of our protocol says.
    pub fn strange(&self, why: &str) -> Box<Diagnostic> {
        let told = format!("{} at {} gave an answer that cannot be read", self.name(), self.address);
        Diagnostic::new(codes::RUNTIME_PROTOCOL, told)
            .cause(why)
            .help("another program may listen at this address, or its dora-rs may be of another version than 1.x")
            .next("dora context list")
    }

    fn other_version(&self, why: &str) -> Box<Diagnostic> {
        let told = format!("{} is of a version of dora-rs that this program does not speak", self.name());
        Diagnostic::new(codes::COORDINATOR_VERSION, told)
            .cause(own_words(why))
            .help(format!("this program speaks the protocol of dora-rs {}", dora_message::VERSION))
    }

    fn unauthorized(&self, why: &str) -> Box<Diagnostic> {
        let error = Diagnostic::new(codes::TOKEN_REFUSED, format!("{} refused the connection", self.name())).cause(why);
        match &self.token {
            Some(path) => error.help(format!("the token was read from {}", path.display())),
            None => error
                .help(
                    "the token was looked for in DORA_AUTH_TOKEN, in ./.dora-token and in dora/.dora-token of the \
                     configuration directory, as dora-rs does; a context can name the file that has it",
                )
                .next("dora context add NAME ADDRESS --token-file FILE"),
        }
    }

    /// The coordinator understood a request and refused it.
    pub fn refused(&self, why: &str) -> Box<Diagnostic> {
        Diagnostic::new(codes::COORDINATOR_REFUSED, format!("{} refused: {}", self.name(), own_words(why)))
    }
}

/// A frame that says something.
pub enum Heard {
    Text(String),
    Binary(Vec<u8>),
}

/// An error's text without the place in dora-rs's sources that raised it.
fn own_words(text: &str) -> &str {
    text.split("\n\nLocation:").next().unwrap_or(text).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_host_and_port_in_any_spelling() {
        let read = |text: &str| Address::parse(text).map(|address| address.to_string());
        assert_eq!(read("robot").unwrap(), "robot:6013");
        assert_eq!(read("10.0.0.7:7000").unwrap(), "10.0.0.7:7000");
        assert_eq!(read("ws://robot:7000/api/control").unwrap(), "robot:7000");
        assert_eq!(read("[::1]:7000").unwrap(), "[::1]:7000");
        for wrong in ["", ":6013", "robot:port", "robot:0", "wss://robot", "a b", "::1", "user@robot", "robot/path"] {
            assert_eq!(read(wrong).unwrap_err().code, codes::BAD_ADDRESS, "{wrong:?}");
        }
    }

    #[test]
    fn an_error_is_told_without_its_place_in_the_sources() {
        assert_eq!(own_words("no such node\n\nLocation:\n    binaries/x.rs:1:2"), "no such node");
    }
}
