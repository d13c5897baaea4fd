//! A process that carries a runtime and nothing else: plays the shell in tests and measurements.
//!
//! `runtime-host FILE.yml` runs a dataflow to its end, prints its logs, and says how it ended. A line on
//! standard input stops it.

use std::io::Write;
use std::process::ExitCode;

use diag::Sources;
use futures::StreamExt;
use runtime::model::{EventQuery, LogQuery, StartOptions, Status, StopOptions, WaitCondition};
use runtime::{Embedded, Options};
use store::runtimes::RuntimeKind;
use store::{Home, Store};

fn main() -> ExitCode {
    if runtime::guard::is_wanted() {
        return runtime::guard::main();
    }
    let result = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
        .and_then(|tokio| tokio.block_on(run()).map_err(|error| format!("{error:?}")));
    match result {
        Ok(Status::Failed) => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> diag::Result<Status> {
    let file = std::env::args().nth(1).unwrap_or_default();
    let embedded = Embedded::new(Options {
        store: Store::open(Home::locate()?),
        sources: Sources::new(),
        kind: RuntimeKind::Embedded,
        journal: None,
        executable: std::env::current_exe().unwrap_or_default(),
    });
    let handle = embedded.handle();
    let started = handle.start(StartOptions::file(file)).await?;
    say(&format!("started {} {}", started.name, started.id));
    for node in handle.nodes(Default::default()).await? {
        say(&format!("node {} {}", node.node, node.pid.unwrap_or_default()));
    }

    let mut logs = handle.logs(LogQuery { follow: true, ..LogQuery::new(started.id) }).await?;
    let (told, mut asked) = tokio::sync::mpsc::unbounded_channel();
    // Reading standard input cannot be given up, so the thread that does it ends with the process.
    std::thread::spawn(move || {
        while std::io::stdin().read_line(&mut String::new()).is_ok_and(|count| count > 0) {
            let _ = told.send(());
        }
    });
    loop {
        tokio::select! {
            record = logs.next() => match record {
                Some(record) => {
                    let record = record?;
                    let node = record.node.map(|node| node.to_string()).unwrap_or_default();
                    say(&format!("{node} {} {}", record.level, record.message));
                }
                None => break,
            },
            Some(()) = asked.recv() => drop(handle.stop(started.id, StopOptions::default()).await?),
        }
    }
    let ended = handle.wait(started.id, WaitCondition::Ended, None).await?;
    let details = handle.inspect(started.id).await?;
    for edge in &details.edges {
        let latency = edge.latency.map(|latency| format!("{:?} / {:?}", latency.p50, latency.p99)).unwrap_or_default();
        say(&format!(
            "edge {} -> {}/{}: {} messages, {} delivered, {} dropped, latency p50 / p99 {latency}",
            edge.source, edge.node, edge.input, edge.messages, edge.delivered, edge.dropped
        ));
    }
    let mut events =
        handle.events(EventQuery { dataflow: Some(started.id.into()), history: true, follow: false }).await?;
    while let Some(event) = events.next().await {
        let event = event?;
        say(&format!(
            "event {} {:?} {} {}",
            event.sequence,
            event.node.map(|node| node.to_string()),
            serde_json::json!(event.kind),
            event.why
        ));
    }
    say(&format!("ended {}", ended.status));
    handle.shutdown(false).await?;
    Ok(ended.status)
}

fn say(line: &str) {
    // Whoever reads may have gone; the dataflow goes on to its end.
    let _ = writeln!(std::io::stdout(), "{line}");
}
