//! One peer: reads its requests, runs them beside each other, and sends the answers as they come.

use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use diag::{Diagnostic, Result, codes};
use dora_message::ws_protocol::WsRequest;
use futures::StreamExt;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::dora;
use super::server::Shared;
use super::wire::{Asked, DORA_METHOD, Event, METHOD, Part, Report, Response, StreamPart};
use crate::handle::Items;
use crate::request::{Item, Request};

/// How many requests of one peer run at once.
const MAX_RUNNING: usize = 64;
/// How many frames may wait for a peer that reads slowly; those who make them wait then too.
const WAITING: usize = 64;

/// Serves a peer until it leaves, sends something that is no request, or the server closes.
pub async fn run(mut socket: WebSocket, shared: &Arc<Shared>, authorized: bool) {
    let (answers, mut frames) = mpsc::channel::<String>(WAITING);
    // Dropping it ends whatever still runs for a peer that has left.
    let mut running = JoinSet::new();
    let mut closing = shared.closing.clone();
    loop {
        let heard = tokio::select! {
            heard = socket.recv() => heard,
            Some(frame) = frames.recv() => match socket.send(Message::text(frame)).await {
                Ok(()) => continue,
                Err(_) => return,
            },
            Some(_) = running.join_next() => continue,
            () = closed(&mut closing) => {
                while let Ok(frame) = frames.try_recv() {
                    if socket.send(Message::text(frame)).await.is_err() {
                        return;
                    }
                }
                return close(socket, close_code::AWAY, "the runtime has ended").await;
            }
        };
        let text = match heard {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
            Some(Ok(Message::Binary(_))) => return close(socket, close_code::UNSUPPORTED, "requests are text").await,
            // A frame that is too long or torn comes as an error.
            Some(Ok(Message::Close(_)) | Err(_)) | None => return,
        };
        let request: WsRequest = match serde_json::from_str(&text) {
            Ok(request) => request,
            Err(error) => return close(socket, close_code::POLICY, &format!("not a request: {error}")).await,
        };
        let refusal = if running.len() >= MAX_RUNNING {
            Some(
                Diagnostic::new(
                    codes::RUNTIME_PROTOCOL,
                    format!("{MAX_RUNNING} requests of this connection are under way already"),
                )
                .retryable(),
            )
        } else if request.method == METHOD && !authorized {
            Some(Diagnostic::new(codes::TOKEN_REFUSED, "this request needs the runtime's token, and none was given"))
        } else {
            None
        };
        if let Some(refusal) = refusal {
            let answer = Response::of(request.id, Err(refusal));
            if socket.send(Message::text(text_of(&answer))).await.is_err() {
                return;
            }
            continue;
        }
        let (shared, answers) = (shared.clone(), answers.clone());
        running.spawn(async move { answer(&shared, request, &answers).await });
    }
}

async fn closed(closing: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is the same.
    let _ = closing.wait_for(|closing| *closing).await;
}

async fn close(mut socket: WebSocket, code: u16, reason: &str) {
    // A reason of more than 123 bytes does not fit a close frame.
    let mut end = reason.len().min(120);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let frame = CloseFrame { code, reason: reason.get(..end).unwrap_or_default().into() };
    let _ = socket.send(Message::Close(Some(frame))).await;
}

async fn answer(shared: &Shared, request: WsRequest, answers: &mpsc::Sender<String>) {
    // The peer has left when an answer cannot be sent; there is nobody to tell.
    let id = request.id;
    match request.method.as_str() {
        METHOD => match serde_json::from_value(request.params) {
            Ok(Asked::Subscription(subscription)) => {
                let items = shared.handle.subscribe(subscription).await;
                let _ = answer_in_items(id, items, answers).await;
            }
            Ok(Asked::Request(request)) => {
                let ends = matches!(request, Request::Shutdown { .. });
                let result = perform(shared, request).await;
                let ended = ends && result.is_ok();
                let _ = answers.send(text_of(&Response::of(id, result))).await;
                if let (true, Some(shut_down)) = (ended, &shared.shut_down) {
                    let _ = shut_down.send(()).await;
                }
            }
            Err(error) => {
                let refusal = Diagnostic::new(codes::RUNTIME_PROTOCOL, "the runtime does not know this request")
                    .cause(error.to_string())
                    .help("the shell and the runtime may be of different versions");
                let _ = answers.send(text_of(&Response::of(id, Err(refusal)))).await;
            }
        },
        DORA_METHOD => {
            let result = dora::answer(&shared.handle, request.params).await;
            let _ = answers.send(text_of(&Response::of(id, Ok(result)))).await;
        }
        other => {
            let told = format!("the runtime knows the methods `{DORA_METHOD}` and `{METHOD}`, not `{other}`");
            let refusal = Diagnostic::new(codes::RUNTIME_PROTOCOL, told);
            let _ = answers.send(text_of(&Response::of(id, Err(refusal)))).await;
        }
    }
}

async fn perform(shared: &Shared, request: Request) -> Result<Value> {
    if matches!(request, Request::Shutdown { .. }) && shared.shut_down.is_none() {
        return Err(Diagnostic::new(
            codes::NOT_SUPPORTED,
            "this runtime lives in a shell and ends with it; it cannot be shut down from outside",
        )
        .help("stop its dataflows one by one, or leave that shell")
        .next("dora dataflow stop NAME"));
    }
    let answer = shared.handle.ask(request).await?;
    serde_json::to_value(answer).map_err(|error| {
        Diagnostic::new(codes::RUNTIME_PROTOCOL, "the runtime could not write its answer").cause(error.to_string())
    })
}

async fn answer_in_items(
    id: Uuid,
    items: Result<Items<Item>>,
    answers: &mpsc::Sender<String>,
) -> std::result::Result<(), mpsc::error::SendError<String>> {
    let mut items = match items {
        Ok(items) => items,
        Err(error) => return answers.send(text_of(&Response::of(id, Err(error)))).await,
    };
    answers.send(text_of(&Response::of(id, Ok(Value::Null)))).await?;
    while let Some(item) = items.next().await {
        let part = match item {
            Ok(item) => Part::Item(item.into()),
            Err(error) => Part::Failed(Report::of(&error)),
        };
        answers.send(part_of(id, part)).await?;
    }
    answers.send(part_of(id, Part::End {})).await
}

fn part_of(stream: Uuid, part: Part) -> String {
    text_of(&Event { event: METHOD.to_string(), payload: StreamPart { stream, part } })
}

/// Frames are made of strings, numbers and JSON values, which can always be written.
fn text_of(frame: &impl Serialize) -> String {
    serde_json::to_string(frame).unwrap_or_default()
}
