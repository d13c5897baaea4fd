//! `http …` against a server that is as good and as bad as a test wants.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::world::World;

/// What a server was asked.
struct Asked {
    line: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

/// Answers each connection with `answer`, and tells what it was asked.
fn server(answer: impl Fn(&Asked) -> String + Send + 'static) -> (String, Receiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    let (sender, asked) = channel();
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            // A client that hangs up early is a test's affair.
            let _ = serve(&socket, &answer, &sender);
        }
    });
    (address, asked)
}

fn serve(socket: &TcpStream, answer: &dyn Fn(&Asked) -> String, sender: &Sender<Asked>) -> std::io::Result<()> {
    let mut reader = BufReader::new(socket);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut headers = HashMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_string());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let asked = Asked { line: line.trim().to_string(), headers, body };
    let answer = answer(&asked);
    let _ = sender.send(asked);
    (&mut &*socket).write_all(answer.as_bytes())
}

fn ok(kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn a_table_at_an_address_is_opened_like_a_file() {
    let world = World::new();
    let (address, _asked) = server(|asked| match asked.line.as_str() {
        "GET /data/runs.csv?day=1 HTTP/1.1" => ok("text/plain", "a,took\n1,5ms\n2,7ms\n"),
        "GET /notes.json HTTP/1.1" => ok("application/octet-stream", "{\"a\": [1, 2]}"),
        _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnone".into(),
    });
    let rows = format!("open 'http://{address}/data/runs.csv?day=1' | where a > 1 | get a | to json --raw");
    assert_eq!(world.eval(&rows), "[2]");
    assert_eq!(world.eval(&format!("open http://{address}/notes.json | get a.1")), "2");
    let gone = world.dora(&["-c", &format!("open http://{address}/gone.parquet")]);
    assert!(gone.err.contains("DORA_E331") && gone.err.contains("404"), "{}", gone.err);
    let no_way = world.dora(&["-c", "open s3://bucket/runs.parquet"]);
    assert!(no_way.err.contains("`s3` is not a way of reading"), "{}", no_way.err);
}

#[test]
fn what_is_fetched_is_the_value_that_the_server_says_it_is() {
    let world = World::new();
    let (address, _asked) = server(|asked| match asked.line.split(' ').nth(1).unwrap_or_default() {
        "/json" => ok("application/json; charset=utf-8", "{\"a\": [1, 2]}"),
        "/problem" => ok("application/problem+json", "{\"title\": \"no\"}"),
        "/csv" => ok("text/csv", "name,n\nx,1\ny,2\n"),
        "/yaml" => ok("application/x-yaml", "a: 1"),
        "/flow.toml" => ok("text/plain", "a = 1"),
        "/bytes" => ok("application/octet-stream", "\u{1}\u{2}"),
        _ => ok("text/html", "<p>hi</p>"),
    });
    assert_eq!(world.eval(&format!("http get http://{address}/json | get a | math sum")), "3");
    assert_eq!(world.eval(&format!("http get {address}/problem | get title")), "no");
    assert_eq!(world.eval(&format!("http get http://{address}/csv | where n > 1 | get name | first")), "y");
    assert_eq!(world.eval(&format!("http http://{address}/yaml | get a")), "1");
    assert_eq!(world.eval(&format!("http get http://{address}/flow.toml | get a")), "1");
    assert_eq!(world.eval(&format!("http get http://{address}/ | describe")), "string");
    assert_eq!(world.eval(&format!("http get http://{address}/json --raw | str length")), "13");
    let full = format!("http get http://{address}/json --full | $'($in.status) ($in.body.a.1) ($in.urls.0)'");
    assert_eq!(world.eval(&full), format!("200 2 http://{address}/json"));
    let head = format!("http head http://{address}/csv | where name == content-type | get value.0");
    assert_eq!(world.eval(&head), "text/csv");
    world.eval(&format!("http get http://{address}/bytes --raw | save got.bin"));
    assert_eq!(std::fs::read(world.path().join("got.bin")).expect("a file"), [1, 2]);
}

#[test]
fn data_is_sent_as_what_it_is_or_as_is_asked() {
    let world = World::new();
    let (address, asked) = server(|_| ok("text/plain", "done"));
    let sent = |code: &str| {
        assert_eq!(world.eval(&code.replace("URL", &format!("http://{address}/x"))), "done", "{code}");
        let asked = asked.recv().expect("a request");
        let kind = asked.headers.get("content-type").cloned().unwrap_or_default();
        (asked.line, kind, String::from_utf8(asked.body).expect("text"), asked.headers)
    };
    let (line, kind, body, _) = sent("http post URL {a: 1, b: [x]}");
    assert_eq!((line.as_str(), kind.as_str()), ("POST /x HTTP/1.1", "application/json"));
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&body).expect("JSON"),
        serde_json::json!({"a": 1, "b": ["x"]})
    );
    let (_, kind, body, _) = sent("'hello' | http put URL");
    assert_eq!((kind.as_str(), body.as_str()), ("text/plain; charset=utf-8", "hello"));
    let (_, kind, body, _) = sent("[[a b]; [1 2]] | http patch URL --content-type csv");
    assert_eq!((kind.as_str(), body.as_str()), ("text/csv", "a,b\n1,2\n"));
    let form = "http post URL {a: 'x y', b: [1 2]} --content-type application/x-www-form-urlencoded";
    assert_eq!(sent(form).2, "a=x+y&b=1&b=2");
    let (_, kind, body, _) = sent("http post URL {note: hi, file: 0x[41 42]} --content-type multipart/form-data");
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").expect("a boundary");
    let parts = [
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n"),
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n"),
        format!("Content-Type: application/octet-stream\r\n\r\nAB\r\n--{boundary}--\r\n"),
    ];
    assert_eq!(body, parts.concat());
    let (line, _, body, headers) =
        sent("http delete URL --data {n: 1} --user me --password secret --headers {X-Robot: r2, Accept: text/plain}");
    assert_eq!((line.as_str(), body.as_str()), ("DELETE /x HTTP/1.1", "{\n  \"n\": 1\n}"));
    assert_eq!(headers["authorization"], "Basic bWU6c2VjcmV0");
    assert_eq!((headers["x-robot"].as_str(), headers["accept"].as_str()), ("r2", "text/plain"));
}

#[test]
fn servers_that_refuse_or_are_not_there_are_errors_with_their_reason() {
    let world = World::new();
    let (address, _asked) = server(|asked| {
        match asked.line.contains("/moved") {
        true => "HTTP/1.1 302 Found\r\nLocation: /else\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".into(),
        false => {
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 7\r\nConnection: close\r\n\r\nno such".into()
        }
    }
    });
    let refused = world.dora(&["-c", &format!("http get http://{address}/x")]);
    assert!(refused.err.contains("DORA_E331") && refused.err.contains("no such"), "{}", refused.err);
    let caught = format!("try {{ http get http://{address}/x }} catch {{|e| $'($e.status) ($e.body)' }}");
    assert_eq!(world.eval(&caught), "404 no such");
    assert_eq!(world.eval(&format!("http get http://{address}/x --allow-errors --full | get status")), "404");
    let moved = world.dora(&["-c", &format!("http get http://{address}/moved --redirect-mode error")]);
    assert!(moved.err.contains("DORA_E331") && moved.err.contains("/else"), "{}", moved.err);
    let manual = format!("http get http://{address}/moved --redirect-mode manual --full | get status");
    assert_eq!(world.eval(&manual), "302");
    // A port that was just free: nobody listens there.
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let absent = world.dora(&["-c", &format!("http get http://{gone}/x")]);
    assert!(absent.err.contains("DORA_E330") && absent.err.contains("refused"), "{}", absent.err);
    for bad in ["http get 'ht tp://x'", "http get ftp://x", "http get http://x --headers [a]"] {
        let ran = world.dora(&["-c", bad]);
        assert!(ran.code == 1 && ran.err.contains("DORA_E"), "{bad}: {}", ran.err);
    }
}

#[test]
fn a_server_that_says_nothing_is_given_up_when_asked_to() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let slow = world.dora(&["-c", &format!("http get http://{address}/ --max-time 200ms")]);
    assert!(slow.err.contains("DORA_E330") && slow.err.contains("took too long"), "{}", slow.err);
}
