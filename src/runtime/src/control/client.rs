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
use futures::stream::BoxStream;
use futures::{SinkExt, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use uuid::Uuid;

use super::token::Token;
use super::wire::{Event, METHOD, Part, Request, Response};
use crate::handle::{Backend, Handle};
use crate::model::{
    Capability, DataflowDetails, DataflowInfo, DataflowRef, DescriptorSource, EventQuery, LogQuery, LogRecord,
    NodeInfo, NodeQuery, StartOptions, StopOptions, TopicInfo, TopicQuery, WaitCondition,
};

/// How long a runtime may take to accept a connection, or to answer what it knows at once. Idle ones take a
/// millisecond; a list waits this long for a shell that is suspended.
const PATIENCE: Duration = Duration::from_secs(2);
/// Answers may be longer than requests: an inspected dataflow has its whole descriptor and history.
const MAX_ANSWER: usize = 64 << 20;

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

    async fn call<T: DeserializeOwned>(&self, request: Request) -> Result<T> {
        let quick = request.is_quick();
        let answer = self.open(&request);
        let (value, _) = if quick {
            tokio::time::timeout(PATIENCE, answer).await.map_err(|_| self.silent())??
        } else {
            answer.await?
        };
        self.read(value)
    }

    async fn stream<T: DeserializeOwned + Send + 'static>(
        &self,
        request: Request,
    ) -> Result<BoxStream<'static, Result<T>>> {
        let opened = tokio::time::timeout(PATIENCE, self.open(&request)).await.map_err(|_| self.silent())?;
        let (_, socket) = opened?;
        let parts = futures::stream::unfold(Some((self.clone(), socket)), async |open| {
            let (client, mut socket) = open?;
            match client.part(&mut socket).await {
                Ok(Part::Item(value)) => Some((client.read(value), Some((client, socket)))),
                Ok(Part::Failed(report)) => Some((Err(report.into_diagnostic()), Some((client, socket)))),
                Ok(Part::End {}) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(parts.boxed())
    }

    /// Connects, asks, and waits for the answer; parts may follow on the connection.
    async fn open(&self, request: &Request) -> Result<(Value, Socket)> {
        let mut socket = tokio::time::timeout(PATIENCE, self.connect()).await.map_err(|_| self.silent())??;
        let id = Uuid::new_v4();
        let frame = json!({ "id": id, "method": METHOD, "params": to_value(request)? });
        socket.send(Message::text(frame.to_string())).await.map_err(|error| self.lost(&error))?;
        let response: Response = self.hear(&mut socket).await?;
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

    async fn part(&self, socket: &mut Socket) -> Result<Part> {
        let event: Event = self.hear(socket).await?;
        Ok(event.payload.part)
    }

    async fn hear<T: DeserializeOwned>(&self, socket: &mut Socket) -> Result<T> {
        loop {
            let text = match socket.next().await {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Close(frame))) => {
                    let why = frame.map(|frame| frame.reason.to_string()).filter(|why| !why.is_empty());
                    return Err(self.gone(why.unwrap_or_else(|| "it closed the connection".to_string())));
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(self.lost(&error)),
                None => return Err(self.gone("it closed the connection".to_string())),
            };
            return serde_json::from_str(&text).map_err(|error| self.strange(&error.to_string()));
        }
    }

    fn read<T: DeserializeOwned>(&self, value: Value) -> Result<T> {
        serde_json::from_value(value).map_err(|error| self.strange(&error.to_string()))
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

fn to_value(request: &impl Serialize) -> Result<Value> {
    serde_json::to_value(request).map_err(|error| {
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
    options
}

impl Backend for Client {
    fn start(&self, options: StartOptions) -> BoxFuture<'_, Result<DataflowInfo>> {
        Box::pin(self.call(Request::Start(from_here(options))))
    }

    fn stop(&self, dataflow: DataflowRef, options: StopOptions) -> BoxFuture<'_, Result<DataflowInfo>> {
        Box::pin(self.call(Request::Stop { dataflow, options }))
    }

    fn list(&self, all: bool) -> BoxFuture<'_, Result<Vec<DataflowInfo>>> {
        Box::pin(self.call(Request::List { all }))
    }

    fn inspect(&self, dataflow: DataflowRef) -> BoxFuture<'_, Result<DataflowDetails>> {
        Box::pin(self.call(Request::Inspect { dataflow }))
    }

    fn remove(&self, dataflow: DataflowRef, force: bool) -> BoxFuture<'_, Result<DataflowInfo>> {
        Box::pin(self.call(Request::Remove { dataflow, force }))
    }

    fn nodes(&self, query: NodeQuery) -> BoxFuture<'_, Result<Vec<NodeInfo>>> {
        Box::pin(self.call(Request::Nodes(query)))
    }

    fn topics(&self, query: TopicQuery) -> BoxFuture<'_, Result<Vec<TopicInfo>>> {
        Box::pin(self.call(Request::Topics(query)))
    }

    fn logs(&self, query: LogQuery) -> BoxFuture<'_, Result<BoxStream<'static, Result<LogRecord>>>> {
        Box::pin(self.stream(Request::Logs(query)))
    }

    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<BoxStream<'static, Result<crate::model::Event>>>> {
        Box::pin(self.stream(Request::Events(query)))
    }

    fn wait(
        &self,
        dataflow: DataflowRef,
        condition: WaitCondition,
        timeout: Option<Duration>,
    ) -> BoxFuture<'_, Result<DataflowInfo>> {
        Box::pin(self.call(Request::Wait { dataflow, condition, timeout }))
    }

    fn capabilities(&self) -> BoxFuture<'_, Result<Vec<Capability>>> {
        Box::pin(self.call(Request::Capabilities))
    }

    fn shutdown(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.call(Request::Shutdown))
    }
}
