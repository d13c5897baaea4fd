//! A disk for logs that is full.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use futures::StreamExt;
use runtime::model::{EventKind, LogQuery, StartOptions, Status, StopOptions};

use super::soon;
use crate::world::World;

/// A file system of a few pages, mounted where logs go.
struct Small(PathBuf);

impl Small {
    /// `None` where this may not be done.
    fn mount(at: PathBuf) -> Option<Small> {
        std::fs::create_dir_all(&at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "none"]).arg(&at).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Small(at)),
            other => {
                println!("skipped: only root can mount a small disk ({other:?})");
                None
            }
        }
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

const FLOW: &str = "
nodes:
  - {id: source, path: dora-builtin, args: counter --rate 500, outputs: [number]}
  - {id: talker, path: dora-builtin, args: sink --report 1ms, inputs: {number: source/number}}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_for_logs_costs_log_lines_and_nothing_else() {
    let world = World::new();
    let Some(_small) = Small::mount(world.store.home().logs()) else { return };
    let handle = world.fleet().handle();
    let start = |name: &str| StartOptions { name: Some(name.into()), ..StartOptions::text("full", FLOW) };
    handle.start(start("first")).await.unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    loop {
        let details = soon("inspect", handle.inspect("first")).await.unwrap();
        let told =
            |event: &runtime::model::Event| matches!(event.kind, EventKind::Notice { .. }) && event.why.contains("log");
        if details.history.iter().any(told) {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "nobody is told of it: {:?}", details.history);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let delivered = async || soon("inspect", handle.inspect("first")).await.unwrap().edges[0].delivered;
    let before = delivered().await;
    while delivered().await < before + 50 {
        assert!(std::time::Instant::now() < deadline, "messages no longer come");
    }
    // What was written can be read.
    let mut logs = soon("logs", handle.logs(LogQuery::new("first"))).await.unwrap();
    assert!(logs.next().await.is_some_and(|record| record.is_ok()));
    // Another flow starts without its logs, or is told why not; its name is free again.
    match soon("start", handle.start(start("second"))).await {
        Ok(_) => drop(soon("stop", handle.stop("second", StopOptions::default())).await.unwrap()),
        Err(error) => assert_eq!(error.code, diag::codes::RUNTIME_FAILED, "{error:?}"),
    }
    let stopped = soon("stop", handle.stop("first", StopOptions::default())).await.unwrap();
    assert_eq!(stopped.status, Status::Stopped);
    assert_eq!(world.store.live_dataflows().unwrap(), []);
    assert_eq!(world.node_processes(), []);
    handle.shutdown(false).await.unwrap();
}
