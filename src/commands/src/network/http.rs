//! `http get`, `http post` and the other methods.

use std::collections::VecDeque;
use std::io::Read;
use std::time::Duration;

use diag::Span;
use engine::error_value::with_fields;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, ClientBuilder, Method, Response, StatusCode, redirect};
use url::Url;
use url::form_urlencoded::Serializer;

use crate::formats::{self, Format};
use crate::prelude::*;

/// How long a server may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// What all methods declare alike.
const HTTP: Command = Command {
    category: Category::Network,
    io: &[("nothing", "any"), ("any", "any")],
    search: &["network", "fetch", "request", "curl", "wget", "download", "rest", "api"],
    ..Command::DEFAULT
};

const URL: Param = Param::required("url", Takes::Type("string"), "Whom to ask; `http://` when it says nothing else");
const DATA: Param = Param::optional("data", Takes::Type("any"), "What to send; what flows in, when there is none");
const HEADERS: Param = Param::flag(
    "headers",
    Some('H'),
    Takes::Type("any"),
    "Headers to send: a record, or a list of names and values by turns",
);
const USER: Param = Param::flag("user", Some('u'), Takes::Type("string"), "The user to log in as");
const PASSWORD: Param = Param::flag("password", Some('p'), Takes::Type("string"), "The user's password");
const MAX_TIME: Param = Param::flag("max-time", Some('m'), Takes::Type("duration"), "How long all of it may take");
const INSECURE: Param = Param::switch("insecure", Some('k'), "Whatever certificate the server shows");
const REDIRECT_MODE: Param = Param::flag(
    "redirect-mode",
    Some('R'),
    Takes::Words(&["follow", "error", "manual"]),
    "What to do when the server sends somewhere else",
);
const RAW: Param = Param::switch("raw", Some('r'), "As text or binary, whatever the server calls it");
const FULL: Param = Param::switch("full", Some('f'), "Status, headers and body as a record");
const ALLOW_ERRORS: Param =
    Param::switch("allow-errors", Some('e'), "The answer of a server that refuses is an answer, too");
const CONTENT: Param = Param::flag(
    "content-type",
    Some('t'),
    Takes::Type("string"),
    "What the data is sent as: a type such as `application/json`, or a format's name",
);

const ASKING: &[Param] = &[URL, HEADERS, USER, PASSWORD, MAX_TIME, INSECURE, REDIRECT_MODE, RAW, FULL, ALLOW_ERRORS];
const SENDING: &[Param] =
    &[URL, DATA, CONTENT, HEADERS, USER, PASSWORD, MAX_TIME, INSECURE, REDIRECT_MODE, RAW, FULL, ALLOW_ERRORS];

pub static GET: Command = Command {
    name: "http get",
    summary: "Fetches what is at an address, as the value that the server says it is",
    details: "JSON, CSV, XML, YAML and the like become values, other text becomes text, what else there is binary. A \
              server that refuses is an error, unless `--allow-errors`.",
    params: ASKING,
    examples: &[
        try_it("The names in a JSON document", "http get https://api.github.com/repos/dora-rs/dora/tags | get name"),
        try_it("With a header", "http get http://robot:8080/state --headers {Accept: application/json}"),
        try_it("Into a file", "http get https://example.org/model.onnx --raw | save model.onnx"),
    ],
    run: |call, _| ask(call, Method::GET, None),
    ..HTTP
};

pub static HEAD: Command = Command {
    name: "http head",
    summary: "Asks for the headers of what is at an address",
    params: &[URL, HEADERS, USER, PASSWORD, MAX_TIME, INSECURE, REDIRECT_MODE],
    io: &[("nothing", "table<name: string, value: string>"), ("any", "table<name: string, value: string>")],
    examples: &[try_it("How large it is", "http head https://example.org | where name == content-length")],
    run: |call, _| {
        let answer = send(call, Method::HEAD, asked_headers(call)?, None)?;
        Ok(Data::Value(headers(answer.headers())))
    },
    ..HTTP
};

pub static OPTIONS: Command = Command {
    name: "http options",
    summary: "Asks what a server allows at an address",
    params: &[URL, HEADERS, USER, PASSWORD, MAX_TIME, INSECURE],
    io: &[("nothing", "table<name: string, value: string>"), ("any", "table<name: string, value: string>")],
    examples: &[try_it("What is allowed", "http options https://example.org | where name == allow")],
    run: |call, _| {
        let answer = send(call, Method::OPTIONS, asked_headers(call)?, None)?;
        Ok(Data::Value(headers(answer.headers())))
    },
    ..HTTP
};

pub static POST: Command = Command {
    name: "http post",
    summary: "Sends data to an address",
    details: "A record, list or table is sent as JSON, text as text, binary as it is, unless `--content-type` says \
              otherwise: with `application/x-www-form-urlencoded` or `multipart/form-data` a record's fields are the \
              form's.",
    params: SENDING,
    examples: &[
        try_it("A record", "http post http://robot:8080/goal {x: 1.5, y: 2}"),
        try_it(
            "A file",
            "open --raw map.pgm | http post http://robot:8080/map --content-type image/x-portable-graymap",
        ),
    ],
    run: |call, input| with_data(call, Method::POST, input),
    ..HTTP
};

pub static PUT: Command = Command {
    name: "http put",
    summary: "Puts data at an address",
    params: SENDING,
    examples: &[try_it("A record", "http put http://robot:8080/params {speed: 0.5}")],
    run: |call, input| with_data(call, Method::PUT, input),
    ..HTTP
};

pub static PATCH: Command = Command {
    name: "http patch",
    summary: "Changes what is at an address",
    params: SENDING,
    examples: &[try_it("One field", "http patch http://robot:8080/params {speed: 0.5}")],
    run: |call, input| with_data(call, Method::PATCH, input),
    ..HTTP
};

pub static DELETE: Command = Command {
    name: "http delete",
    summary: "Removes what is at an address",
    params: &[
        URL,
        Param::flag("data", Some('d'), Takes::Type("any"), "What to send along"),
        CONTENT,
        HEADERS,
        USER,
        PASSWORD,
        MAX_TIME,
        INSECURE,
        REDIRECT_MODE,
        RAW,
        FULL,
        ALLOW_ERRORS,
    ],
    examples: &[try_it("A goal", "http delete http://robot:8080/goals/3")],
    run: |call, _| with_data(call, Method::DELETE, Data::Empty),
    ..HTTP
};

fn with_data(call: &mut Call<'_>, method: Method, input: Data) -> Result<Data> {
    let data = match call.value("data") {
        Some(data) => Some(data.clone()),
        None if input.is_empty() => None,
        None => Some(call.collect(input)?),
    };
    ask(call, method, data)
}

/// Asks, and gives the answer as a value.
fn ask(call: &mut Call<'_>, method: Method, data: Option<Value>) -> Result<Data> {
    let sent = asked_headers(call)?;
    let answer = send(call, method, sent.clone(), data)?;
    let status = answer.status();
    let (url, received) = (answer.url().to_string(), headers(answer.headers()));
    let refused = (status.is_client_error() || status.is_server_error()) && !call.switch("allow-errors");
    if refused {
        return Err(refusal(call, answer, call.span("url")));
    }
    let body = body(call, answer)?;
    if !call.switch("full") {
        return Ok(body);
    }
    let body = call.collect(body)?;
    let both = [("request", headers(&sent)), ("response", received)].into_iter().collect();
    let full = [
        ("urls", Value::list(vec![Value::string(url)])),
        ("headers", Value::record(both)),
        ("body", body),
        ("status", Value::Int(status.as_u16().into())),
    ];
    Ok(Data::Value(Value::record(full.into_iter().collect())))
}

/// The answer's body, read as what its type says, while it comes where it is not read.
fn body(call: &mut Call<'_>, answer: Response) -> Result<Data> {
    let said = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let reader = if call.switch("raw") { None } else { format_of(&kind, answer.url()).and_then(formats::reader) };
    let body = Data::Bytes(engine::Bytes {
        reader: Box::new(Body { answer, context: call.context().clone(), chunk: VecDeque::new() }),
        program: None,
    });
    match reader {
        Some(command) => call.run_instead(command, body),
        // Text that a person would read is wanted whole; what else there is may be large.
        None if kind.starts_with("text/") && !call.switch("raw") => call.collect(body).map(Data::Value),
        None => Ok(body),
    }
}

/// The format of an answer: what its content type names, or its address where that says nothing.
fn format_of<'a>(kind: &'a str, url: &'a Url) -> Option<&'a str> {
    match named(kind)? {
        // What servers say of files that they do not know.
        "plain" | "octet-stream" => {
            let name = url.path_segments()?.next_back()?;
            name.rsplit_once('.').map(|(_, extension)| extension)
        }
        format => Some(format),
    }
}

/// The format that a content type names: `application/json`, `application/vnd.api+json`, `text/csv`.
fn named(kind: &str) -> Option<&str> {
    let (_, sub) = kind.split_once('/')?;
    Some(match sub.rsplit('+').next().unwrap_or(sub).trim_start_matches("x-") {
        "tab-separated-values" => "tsv",
        "vnd.msgpack" => "msgpack",
        "newline-delimited-json" | "jsonlines" => "ndjson",
        sub => sub,
    })
}

/// Reads a body piece by piece as it comes.
struct Body {
    answer: Response,
    context: engine::Context,
    chunk: VecDeque<u8>,
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.chunk.is_empty() {
            let next = self.context.block_on(self.answer.chunk());
            // An interrupt.
            let next = next.map_err(|error| std::io::Error::other(*error))?;
            match next.map_err(|error| std::io::Error::other(reason(&error)))? {
                Some(chunk) => self.chunk = Vec::from(chunk).into(),
                None => return Ok(0),
            }
        }
        self.chunk.read(into)
    }
}

fn client() -> ClientBuilder {
    Client::builder().user_agent(concat!("dora/", env!("CARGO_PKG_VERSION"))).connect_timeout(PATIENCE)
}

fn failed(url: &Url, error: &reqwest::Error, place: Span) -> Box<Diagnostic> {
    Diagnostic::new(codes::HTTP_FAILED, format!("{} could not be asked: {}", shown(url), reason(error)))
        .label(place, if error.is_timeout() { "took too long" } else { "this address" })
}

/// What is at an address, as bytes that come as they are read.
///
/// # Errors
/// `HTTP_FAILED`, `HTTP_REFUSED`
pub(crate) fn fetch(call: &Call<'_>, url: &Url, place: Span) -> Result<Box<dyn Read + Send>> {
    let request = {
        // Building starts things on the async runtime, and so must happen within it.
        let tokio = call.context().tokio()?;
        let _within = tokio.enter();
        client().build().map_err(|error| failed(url, &error, place))?.get(url.clone())
    };
    let answer = crate::progress::shown(call, request.send());
    let answer = call.context().block_on(answer)?.map_err(|error| failed(url, &error, place))?;
    if answer.status().is_client_error() || answer.status().is_server_error() {
        return Err(refusal(call, answer, place));
    }
    Ok(Box::new(Body { answer, context: call.context().clone(), chunk: VecDeque::new() }))
}

/// Sends the request and waits for the head of the answer.
fn send(call: &Call<'_>, method: Method, headers: HeaderMap, data: Option<Value>) -> Result<Response> {
    let url = address(call)?;
    let given = |name: &str| call.command.param(name).is_some();
    let limit: Option<Duration> = call.optional("max-time")?;
    let mode: Option<String> = if given("redirect-mode") { call.optional("redirect-mode")? } else { None };
    let policy = match mode.as_deref() {
        Some("manual" | "error") => redirect::Policy::none(),
        _ => redirect::Policy::limited(10),
    };
    let failed = |error: reqwest::Error| failed(&url, &error, call.span("url"));
    let mut builder = client().redirect(policy).danger_accept_invalid_certs(call.switch("insecure"));
    if let Some(limit) = limit {
        builder = builder.timeout(limit);
    }
    let (answer, mode) = {
        // Building starts things on the async runtime, and so must happen within it.
        let tokio = call.context().tokio()?;
        let _within = tokio.enter();
        let client = builder.build().map_err(failed)?;
        let names_content = headers.contains_key(CONTENT_TYPE);
        let mut request = client.request(method, url.clone()).headers(headers);
        let user: Option<String> = call.optional("user")?;
        let password: Option<String> = call.optional("password")?;
        if user.is_some() || password.is_some() {
            request = request.basic_auth(user.unwrap_or_default(), password);
        }
        if let Some(data) = data {
            let (kind, body) = encoded(call, &data)?;
            if !names_content {
                request = request.header(CONTENT_TYPE, kind);
            }
            request = request.body(body);
        }
        (crate::progress::shown(call, request.send()), mode)
    };
    let answer = call.context().block_on(answer)?.map_err(failed)?;
    if mode.as_deref() == Some("error") && answer.status().is_redirection() {
        let to = answer.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or("somewhere else");
        let error = Diagnostic::new(codes::HTTP_REFUSED, format!("{} sends to {to}", shown(&url)));
        return Err(error.label(call.span("url"), "this address"));
    }
    Ok(answer)
}

fn address(call: &Call<'_>) -> Result<Url> {
    let text: String = call.required("url")?;
    let whole = if text.contains("://") { text.clone() } else { format!("http://{text}") };
    let url = Url::parse(&whole).map_err(|error| {
        Diagnostic::new(codes::BAD_ARGUMENT, format!("`{text}` is not an address: {error}"))
            .label(call.span("url"), "this address")
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("`{}` is not a way of asking", url.scheme()))
            .label(call.span("url"), "`http` or `https`")
            .help("`open` reads files"));
    }
    Ok(url)
}

/// An address without the secrets in it.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    if url.password().is_some() {
        // Only addresses that cannot have a password refuse.
        let _ = url.set_password(Some("…"));
    }
    url.to_string()
}

/// The headers that the user asked for.
fn asked_headers(call: &Call<'_>) -> Result<HeaderMap> {
    let mut map = HeaderMap::new();
    map.insert(ACCEPT, HeaderValue::from_static("*/*"));
    let place = call.span("headers");
    let mut put = |name: &str, value: &Value| {
        let text = value::text::to_text(value);
        let bad = |what: &str| {
            Diagnostic::new(codes::BAD_ARGUMENT, format!("{what} of a header")).label(place, "in these headers")
        };
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad(&format!("`{name}` is no name")))?;
        let value = HeaderValue::from_str(&text).map_err(|_| bad(&format!("`{text}` is no value")))?;
        if key == ACCEPT {
            map.insert(key, value);
        } else {
            map.append(key, value);
        }
        Ok::<_, Box<Diagnostic>>(())
    };
    match call.value("headers") {
        None | Some(Value::Nothing) => {}
        Some(Value::Record(record)) => record.iter().try_for_each(|(name, value)| put(name, value))?,
        Some(other) => {
            let items = other.items().map_err(|error| error.label(place, "these headers"))?;
            match items.as_slice() {
                [Value::Record(_), ..] => {
                    for item in items.iter() {
                        if let Value::Record(record) = item {
                            record.iter().try_for_each(|(name, value)| put(name, value))?;
                        }
                    }
                }
                pairs if pairs.len() % 2 == 0 => {
                    for pair in pairs.chunks_exact(2) {
                        put(&value::text::to_text(&pair[0]), &pair[1])?;
                    }
                }
                _ => {
                    return Err(Diagnostic::new(codes::BAD_ARGUMENT, "a header without its value")
                        .label(place, "names and values by turns"));
                }
            }
        }
    }
    Ok(map)
}

/// Data as the bytes that are sent, and what they are called.
fn encoded(call: &Call<'_>, data: &Value) -> Result<(String, Vec<u8>)> {
    let asked: Option<String> = call.optional("content-type")?;
    let place = call.span("content-type");
    let asked = asked.map(|kind| match Format::named(&kind) {
        Some(Format::Json) => "application/json".to_string(),
        Some(Format::Ndjson) => "application/x-ndjson".into(),
        Some(Format::Yaml) => "application/yaml".into(),
        Some(Format::Csv) => "text/csv".into(),
        Some(Format::Tsv) => "text/tab-separated-values".into(),
        Some(Format::Markdown) => "text/markdown".into(),
        Some(Format::Text) => "text/plain".into(),
        Some(Format::Nuon) | None => kind,
    });
    let kind = match (&asked, data) {
        (Some(kind), _) => kind.clone(),
        (None, Value::String(_)) => "text/plain; charset=utf-8".into(),
        (None, Value::Binary(_)) => "application/octet-stream".into(),
        (None, _) => "application/json".into(),
    };
    let plain = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let body = match (plain.as_str(), data) {
        ("application/x-www-form-urlencoded", Value::Record(record)) => form(record).into_bytes(),
        ("multipart/form-data", Value::Record(record)) => {
            let boundary = uuid::Uuid::new_v4().simple().to_string();
            return Ok((format!("multipart/form-data; boundary={boundary}"), multipart(record, &boundary)));
        }
        (_, Value::String(text)) => text.as_bytes().to_vec(),
        (_, Value::Binary(bytes)) => bytes.to_vec(),
        (_, Value::Nothing) => Vec::new(),
        _ => {
            let Some(format) = named(&plain).and_then(Format::named) else {
                let error = format!("{} cannot be sent as `{plain}`", data.type_of().brief());
                return Err(Diagnostic::new(codes::BAD_ARGUMENT, error)
                    .label(place, "this type")
                    .help("`to …` makes text of it, which is sent as it is"));
            };
            crate::rows::here(call, formats::encode(format, data))?.into_bytes()
        }
    };
    Ok((kind, body))
}

fn form(record: &Record) -> String {
    let mut form = Serializer::new(String::new());
    for (name, value) in record.iter() {
        match value {
            Value::List(items) => {
                for item in items.iter() {
                    form.append_pair(name, &value::text::to_text(item));
                }
            }
            value => {
                form.append_pair(name, &value::text::to_text(value));
            }
        }
    }
    form.finish()
}

/// A form as RFC 7578 has it; binary fields are files.
fn multipart(record: &Record, boundary: &str) -> Vec<u8> {
    let quoted = |name: &str| name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    let mut body = Vec::new();
    for (name, value) in record.iter() {
        let name = quoted(name);
        body.extend_from_slice(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"").as_bytes());
        match value {
            Value::Binary(bytes) => {
                let kind = format!("; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n");
                body.extend_from_slice(kind.as_bytes());
                body.extend_from_slice(bytes);
            }
            value => {
                body.extend_from_slice(b"\r\n\r\n");
                body.extend_from_slice(value::text::to_text(value).as_bytes());
            }
        }
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    body
}

fn headers(map: &HeaderMap) -> Value {
    let rows = map.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        Value::record([("name", Value::from(name.as_str())), ("value", Value::string(value))].into_iter().collect())
    });
    Value::list(rows.collect::<Vec<_>>())
}

/// The error of a server that answered, and refused.
fn refusal(call: &Call<'_>, answer: Response, place: Span) -> Box<Diagnostic> {
    let (status, url) = (answer.status(), shown(answer.url()));
    let why = status.canonical_reason().unwrap_or("refused");
    let error = Diagnostic::new(codes::HTTP_REFUSED, format!("{url} answers {} {why}", status.as_u16()))
        .label(place, "this address");
    let error = match status {
        // Only requests have flags about it; `open` has none.
        _ if call.command.param("allow-errors").is_none() => {
            error.help("`http get` logs in, and can take such answers")
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => error.help("`--user` and `--password` log in"),
        _ => error.help("`--allow-errors` takes the answer as it is, and `--full` shows status and headers"),
    };
    let said = call.context().block_on(answer.text()).ok().and_then(std::result::Result::ok).unwrap_or_default();
    let lines: Vec<String> = said.lines().take(5).map(|line| line.chars().take(200).collect()).collect();
    let error = if said.trim().is_empty() { error } else { error.cause_with("it says".to_string(), lines) };
    let status = Value::Int(status.as_u16().into());
    with_fields(error, [("status", status), ("body", Value::string(said))].into_iter().collect())
}

/// Why a request failed: its deepest cause says most.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".into();
    }
    let mut deepest: &dyn std::error::Error = error;
    while let Some(cause) = deepest.source() {
        deepest = cause;
    }
    match deepest.downcast_ref::<std::io::Error>() {
        Some(error) => diag::os_reason(error),
        None => deepest.to_string(),
    }
}
