//! Built-in nodes in a real runtime.

use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use runtime::model::{EventKind, EventQuery, LogQuery, NodeExit, StartOptions, Status, StopOptions, WaitCondition};

use crate::world::World;

fn flow(nodes: &str) -> StartOptions {
    StartOptions::text("test", format!("nodes:\n{nodes}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_flow_brings_something_on_every_edge_and_stops() {
    let world = World::new();
    let handle = world.fleet().handle();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/dataflows/demo.yml");
    let started = handle.start(StartOptions::file(file)).await.unwrap();
    assert_eq!((started.name.as_str(), started.status), ("demo", Status::Running));
    // The first report of the monitor comes when all its inputs have had time to bring something.
    let mut logs = handle.logs(LogQuery { follow: true, ..LogQuery::new("demo") }).await.unwrap();
    let mut inputs = std::collections::BTreeSet::new();
    while inputs.len() < 4 {
        let record = tokio::time::timeout(Duration::from_secs(30), logs.next()).await.unwrap().unwrap().unwrap();
        if record.node.is_some_and(|node| node.to_string() == "monitor") {
            inputs.extend(record.fields.get("input").cloned());
        }
    }
    assert_eq!(inputs.into_iter().collect::<Vec<_>>(), ["heartbeat", "image", "motion", "number"]);
    for edge in handle.inspect("demo").await.unwrap().edges {
        assert!(edge.messages > 0, "{edge:?}");
    }
    let stopped = handle.stop("demo", StopOptions::default()).await.unwrap();
    assert_eq!(stopped.status, Status::Stopped);
    let details = handle.inspect("demo").await.unwrap();
    assert!(details.nodes.iter().all(|node| node.exit == Some(NodeExit::Code(0))), "{:?}", details.nodes);
    handle.shutdown(false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counted_flow_ends_by_itself_and_nothing_is_lost() {
    let world = World::new();
    let handle = world.fleet().handle();
    let options = flow(
        "
  - {id: a, path: dora-builtin, args: counter --rate 2000 --count 3000, outputs: [n]}
  - {id: b, path: dora-builtin, args: sink --expect 3000, inputs: {n: {source: a/n, queue_policy: backpressure}}}",
    );
    let started = handle.start(options).await.unwrap();
    let ended = handle.wait(started.id, WaitCondition::Ended, Some(Duration::from_secs(60))).await.unwrap();
    assert_eq!(ended.status, Status::Finished, "{ended:?}");
    handle.shutdown(false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_crashes_is_named_with_its_exit_code() {
    let world = World::new();
    let handle = world.fleet().handle();
    let options = flow(
        "
  - {id: a, path: dora-builtin, args: counter --rate 200, outputs: [n]}
  - {id: bad, path: dora-builtin, args: fault --crash-after 5 --exit-code 7, inputs: {n: a/n}}",
    );
    let started = handle.start(options).await.unwrap();
    let crashed = |nodes: &[runtime::model::NodeInfo]| nodes.iter().any(|node| node.exit == Some(NodeExit::Code(7)));
    let query = runtime::model::NodeQuery { dataflow: Some(started.id.into()), all: true };
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !crashed(&handle.nodes(query.clone()).await.unwrap()) {
        assert!(std::time::Instant::now() < deadline, "the node did not crash");
    }
    let _ = handle.stop(started.id, StopOptions::default()).await;
    let ended = handle.wait(started.id, WaitCondition::Ended, None).await.unwrap();
    assert_eq!((ended.status, ended.culprit.map(|node| node.to_string())), (Status::Failed, Some("bad".to_string())));
    handle.shutdown(false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_at_the_start_is_told_with_its_last_words() {
    let world = World::new();
    let handle = world.fleet().handle();
    let options = flow(
        "
  - {id: a, path: dora-builtin, args: counter, outputs: [n]}
  - {id: bad, path: dora-builtin, args: fault --crash-at-start --exit-code 3, inputs: {n: a/n}}",
    );
    let error = handle.start(options).await.unwrap_err();
    assert_eq!(error.code, diag::codes::NODE_DIED_AT_START);
    assert!(error.message.contains("`bad`"), "{error:?}");
    let said: Vec<&String> = error.causes.iter().flat_map(|cause| &cause.detail).collect();
    assert!(said.iter().any(|line| line.contains("crashing on purpose at the start")), "{error:?}");
    handle.shutdown(false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hangs_is_killed_by_the_ladder() {
    let world = World::new();
    let handle = world.fleet().handle();
    let started = handle.start(flow("\n  - {id: bad, path: dora-builtin, args: fault --hang-after 0}")).await.unwrap();
    let nodes = world.node_processes();
    let grace = Some(Duration::from_millis(200));
    let stopped = handle.stop(started.id, StopOptions { grace, force: false }).await.unwrap();
    assert!(stopped.status.is_ended());
    assert!(nodes.iter().all(|node| !node.is_alive()));
    let query = runtime::model::NodeQuery { dataflow: Some(started.id.into()), all: true };
    assert_eq!(handle.nodes(query).await.unwrap()[0].exit, Some(NodeExit::Signal(15)));
    handle.shutdown(false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hangs_is_killed_and_started_again_and_one_that_only_waits_is_left_alone() {
    let world = World::new();
    let handle = world.fleet().handle();
    let options = flow(
        "
  - {id: a, path: dora-builtin, args: counter --rate 20, outputs: [n]}
  - id: hangs
    path: dora-builtin
    args: fault --hang-after 5
    health_check_timeout: 0.5
    restart_policy: on-failure
    inputs: {n: a/n}
  - id: waits
    path: dora-builtin
    args: sink --report 0s
    health_check_timeout: 0.5
    inputs: {t: dora/timer/secs/30}",
    );
    let started = handle.start(options).await.unwrap();
    let query = EventQuery { dataflow: Some(started.id.into()), history: true, follow: true };
    let mut events = handle.events(query).await.unwrap();
    let restarted = async {
        loop {
            let event = events.next().await.unwrap().unwrap();
            if event.node.as_ref().is_some_and(|node| node.to_string() == "hangs")
                && event.kind == (EventKind::Transition { from: Status::Restarting, to: Status::Running })
            {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), restarted).await.unwrap();
    let details = handle.inspect(started.id).await.unwrap();
    let restarts: Vec<_> = details.nodes.iter().map(|node| (node.node.to_string(), node.restarts > 0)).collect();
    assert_eq!(restarts, [("a".into(), false), ("hangs".into(), true), ("waits".into(), false)]);
    assert!(details.history.iter().any(|event| event.why.contains("health_check_timeout")), "{:?}", details.history);
    handle.shutdown(false).await.unwrap();
}
