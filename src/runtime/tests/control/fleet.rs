//! Several processes of one home as one.

use futures::StreamExt;
use runtime::model::{EventKind, EventQuery, LogQuery, Status, StopOptions, WaitCondition};

use crate::world::{World, until};

#[tokio::test(flavor = "multi_thread")]
async fn what_another_shell_runs_is_listed_shown_followed_and_stopped_from_here() {
    let world = World::new();
    let mut holder = world.holder("theirs");
    let fleet = world.fleet();
    let handle = fleet.handle();
    handle.start(world.start("mine")).await.unwrap();

    let list = handle.list(false).await.unwrap();
    assert_eq!(list.iter().map(|flow| flow.name.as_str()).collect::<Vec<_>>(), ["theirs", "mine"]);
    assert_eq!(list[0].runtime, format!("shell-{}", holder.id()));
    assert_ne!(list[0].runtime, list[1].runtime);
    assert_eq!(handle.nodes(Default::default()).await.unwrap().len(), 4);
    assert_eq!(handle.topics(Default::default()).await.unwrap().len(), 2);

    let error = handle.start(world.start("theirs")).await.unwrap_err();
    assert_eq!(error.code, diag::codes::NAME_TAKEN);

    let mut all = handle.events(EventQuery { dataflow: None, history: true, follow: true }).await.unwrap();
    let mut logs = handle.logs(LogQuery { follow: true, ..LogQuery::new("theirs") }).await.unwrap();
    let stopped = handle.stop("theirs", StopOptions::default()).await.unwrap();
    assert_eq!(stopped.status, Status::Stopped);
    while let Some(record) = logs.next().await {
        record.unwrap();
    }
    let mut told = Vec::new();
    while let Some(event) = all.next().await {
        let event = event.unwrap();
        told.push((event.dataflow_name.clone(), event.sequence));
        if event.node.is_none() && matches!(event.kind, EventKind::Transition { to: Status::Stopped, .. }) {
            break;
        }
    }
    let theirs: Vec<u64> = told.iter().filter(|(name, _)| name == "theirs").map(|(_, sequence)| *sequence).collect();
    assert_eq!(theirs, (1..=theirs.len() as u64).collect::<Vec<_>>(), "no event twice, none left out");

    let error = handle.stop("theirs", StopOptions::default()).await.unwrap_err();
    assert_eq!(error.code, diag::codes::DATAFLOW_ENDED);
    drop(holder.stdin.take());
    assert!(holder.wait().unwrap().success());
    handle.shutdown(false).await.unwrap();
    assert_eq!(world.store.runtimes().unwrap(), []);
    let tokens = std::fs::read_dir(world.store.home().state().join("tokens")).unwrap();
    assert_eq!(tokens.count(), 0, "tokens of runtimes that ended are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_that_is_killed_leaves_no_node_and_its_flow_is_told_as_failed() {
    let world = World::new();
    let mut holder = world.holder("theirs");
    let nodes = world.node_processes();
    assert_eq!(nodes.len(), 2);
    let handle = world.fleet().handle();
    let waiting = tokio::spawn({
        let handle = handle.clone();
        async move { handle.wait("theirs", WaitCondition::Ended, None).await }
    });
    // The wait has reached the other process once that has a second connection to answer.
    assert_eq!(handle.list(false).await.unwrap().len(), 1);
    holder.kill().unwrap();
    holder.wait().unwrap();
    until("all nodes of the killed shell are gone", || nodes.iter().all(|node| !node.is_alive()));
    let ended = waiting.await.unwrap().unwrap();
    assert_eq!(ended.status, Status::Failed);
    assert!(ended.cause.is_some());
    assert_eq!(handle.list(false).await.unwrap(), []);
    assert_eq!(handle.list(true).await.unwrap()[0].status, Status::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_shell_holds_up_nobody() {
    let world = World::new();
    let mut holder = world.holder("theirs");
    let signal = |name: &str| {
        let status = std::process::Command::new("kill").args([name, &holder.id().to_string()]).status();
        assert!(status.unwrap().success());
    };
    signal("-STOP");
    let list = world.fleet().handle().list(false).await.unwrap();
    assert_eq!((list.len(), list[0].name.as_str()), (1, "theirs"));
    assert!(list[0].cause.as_ref().unwrap().contains("does not answer"), "{:?}", list[0].cause);
    signal("-CONT");
    drop(holder.stdin.take());
    assert!(holder.wait().unwrap().success());
}
