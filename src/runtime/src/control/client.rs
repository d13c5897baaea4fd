//! A runtime in another process, driven over its control socket.
//!
//! Each request has a connection of its own: on the loopback interface that costs a fraction of a millisecond,
//! a follower that reads slowly holds up nobody else, a runtime that was started anew is not mistaken for the
//! old one, and dropping a stream ends it on the other side too.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use diag::{Diagnostic, Result, codes};
use futures::future::BoxFuture;
use futures::{FutureExt, SinkExt, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Error as SocketError, Message, Utf8Bytes};
use uuid::Uuid;

use super::token::Token;
use super::wire::{Asked, Event, MAX_BINARY, METHOD, Part, Response, from_binary, to_binary};
use crate::handle::{Backend, Handle, Items};
use crate::model::{DescriptorSource, StartOptions};
use crate::request::{Answer, Item, Request, Subscription};

/// How long a runtime may take to accept a connection, or to answer what it knows at once. Idle ones take a
/// millisecond; a list waits this long for a shell that is suspended.
const PATIENCE: Duration = Duration::from_secs(2);
/// Answers may be longer than requests: an inspected dataflow has its whole descriptor and history, and an item may
/// be a message.
const MAX_ANSWER: usize = MAX_BINARY;

type Socket = WebSocketStream<TcpStream>;

/// The way to one runtime. Making one connects to nothing.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    /// How messages call the runtime: `the daemon (pid 7)`.
    name: String,
    address: String,
    token_path: PathBuf,
}

impl Client {
    /// Names a runtime by its address, as its record in the store says; `name` is what messages call it.
    pub fn new(name: impl Into<String>, address: impl Into<String>, token_path: impl Into<PathBuf>) -> Client {
        Client(Arc::new(Inner { name: name.into(), address: address.into(), token_path: token_path.into() }))
    }

    /// The same as a handle.
    pub fn handle(&self) -> Handle {
        Handle::new(self.clone())
    }

    /// Connects, asks, and waits for the answer; parts may follow on the connection.
    async fn open(&self, asked: &Asked) -> Result<(Value, Socket)> {
        let mut socket = self.within(Some(PATIENCE), self.connect()).await?;
        let id = Uuid::new_v4();
        let frame = match asked {
            Asked::Request(Request::Publish(publication)) => {
                let bulk = publication.data.as_ref().map_or(0, |data| data.len());
                Message::binary(to_binary(id, publication, bulk)?)
            }
            asked => Message::text(json!({ "id": id, "method": METHOD, "params": to_value(asked)? }).to_string()),
        };
        socket.send(frame).await.map_err(|error| self.lost(&error))?;
        let Heard::Text(text) = self.hear(&mut socket).await? else {
            return Err(self.strange("it sent a message before its answer"));
        };
        let response: Response = self.parse(&text)?;
        if response.id != id {
            return Err(self.strange("it answered something that was not asked"));
        }
        Ok((response.into_result()?, socket))
    }

    async fn connect(&self) -> Result<Socket> {
        let Inner { address, token_path, .. } = &*self.0;
        let token = Token::read(token_path)?;
        let mut request = address.as_str().into_client_request().map_err(|error| self.lost(&error))?;
        let bearer = HeaderValue::from_str(&token.header()).map_err(|_| {
            Diagnostic::new(codes::TOKEN_REFUSED, format!("the token file {} holds no token", token_path.display()))
        })?;
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        let Some(authority) = request.uri().authority().map(ToString::to_string) else {
            return Err(self.strange("its address names no port"));
        };
        let stream = TcpStream::connect(authority).await.map_err(|error| self.lost(&SocketError::Io(error)))?;
        stream.set_nodelay(true).map_err(|error| self.lost(&SocketError::Io(error)))?;
        let config = WebSocketConfig::default().max_message_size(Some(MAX_ANSWER)).max_frame_size(Some(MAX_ANSWER));
        let connected = tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await;
        connected.map(|(socket, _)| socket).map_err(|error| match error {
            SocketError::Http(response) if response.status() == StatusCode::UNAUTHORIZED => {
                Diagnostic::new(codes::TOKEN_REFUSED, format!("{} refused the token", self.0.name))
                    .help("another program may have taken over its port")
            }
            other => self.lost(&other),
        })
    }

    async fn hear(&self, socket: &mut Socket) -> Result<Heard> {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(Heard::Text(text)),
                Some(Ok(Message::Binary(bytes))) => return Ok(Heard::Binary(bytes)),
                Some(Ok(Message::Close(frame))) => {
                    let why = frame.map(|frame| frame.reason.to_string()).filter(|why| !why.is_empty());
                    return Err(self.gone(why.unwrap_or_else(|| "it closed the connection".to_string())));
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(self.lost(&error)),
                None => return Err(self.gone("it closed the connection".to_string())),
            }
        }
    }

    fn parse<T: DeserializeOwned>(&self, text: &str) -> Result<T> {
        serde_json::from_str(text).map_err(|error| self.strange(&error.to_string()))
    }

    /// The next part of an answer in parts.
    async fn part(&self, socket: &mut Socket) -> Result<Part> {
        match self.hear(socket).await? {
            Heard::Text(text) => self.parse::<Event>(&text).map(|event| event.payload.part),
            Heard::Binary(bytes) => from_binary(&bytes).map(|(_, message)| Part::Item(Item::Message(message).into())),
        }
    }

    async fn within<T>(&self, limit: Option<Duration>, answer: impl Future<Output = Result<T>>) -> Result<T> {
        match limit {
            Some(limit) => tokio::time::timeout(limit, answer).await.map_err(|_| self.silent())?,
            None => answer.await,
        }
    }

    fn lost(&self, error: &SocketError) -> Box<Diagnostic> {
        self.gone(error.to_string())
    }

    fn gone(&self, why: String) -> Box<Diagnostic> {
        Diagnostic::new(codes::DAEMON_UNREACHABLE, format!("{} does not answer at {}", self.0.name, self.0.address))
            .cause(why)
            .retryable()
    }

    fn silent(&self) -> Box<Diagnostic> {
        self.gone(format!("nothing came within {} seconds; it may be suspended", PATIENCE.as_secs())).elapsed(PATIENCE)
    }

    fn strange(&self, why: &str) -> Box<Diagnostic> {
        Diagnostic::new(codes::RUNTIME_PROTOCOL, format!("{} gave an answer that cannot be read", self.0.name))
            .cause(why)
            .help("the shell and the runtime may be of different versions")
    }
}

/// A frame that says something.
enum Heard {
    Text(Utf8Bytes),
    Binary(Bytes),
}

fn to_value(asked: &Asked) -> Result<Value> {
    serde_json::to_value(asked).map_err(|error| {
        Diagnostic::new(codes::RUNTIME_PROTOCOL, "the request cannot be written").cause(error.to_string())
    })
}

/// Makes paths whole: the runtime has another current directory.
pub(super) fn from_here(mut options: StartOptions) -> StartOptions {
    let whole = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    match &mut options.source {
        DescriptorSource::File(path) => *path = whole(std::mem::take(path)),
        DescriptorSource::Text { .. } => {
            options.working_dir = options.working_dir.take().or_else(|| std::env::current_dir().ok());
        }
    }
    options.working_dir = options.working_dir.map(whole);
    // What this process may do it may have done.
    options.allow_shell_nodes |= crate::descriptor::resolve::shell_is_allowed();
    options
}

impl Backend for Client {
    fn ask(&self, request: Request) -> BoxFuture<'_, Result<Answer>> {
        async move {
            let request = match request {
                Request::Start(options) => Request::Start(from_here(options)),
                other => other,
            };
            let limit = request.is_quick().then_some(PATIENCE);
            let (value, _) = self.within(limit, self.open(&Asked::Request(request))).await?;
            serde_json::from_value(value).map_err(|error| self.strange(&error.to_string()))
        }
        .boxed()
    }

    fn subscribe(&self, subscription: Subscription) -> BoxFuture<'_, Result<Items<Item>>> {
        async move {
            let (_, socket) = self.within(Some(PATIENCE), self.open(&Asked::Subscription(subscription))).await?;
            let items = futures::stream::unfold(Some((self.clone(), socket)), async |open| {
                let (client, mut socket) = open?;
                match client.part(&mut socket).await {
                    Ok(Part::Item(item)) => Some((Ok(*item), Some((client, socket)))),
                    Ok(Part::Failed(report)) => Some((Err(report.into_diagnostic()), Some((client, socket)))),
                    Ok(Part::End {}) => None,
                    Err(error) => Some((Err(error), None)),
                }
            });
            Ok(items.boxed())
        }
        .boxed()
    }
}
