//! The daemon: started when it is wanted, one for a home, gone without a trace.

use futures::StreamExt;
use runtime::control::daemon;
use runtime::model::{LogQuery, NodeRef, Recovery, StartOptions, Status, WaitCondition};

use crate::world::{World, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_detached_flow_outlives_its_shell_and_every_shell_sees_it() {
    let world = World::new();
    let file = world.file();
    let started = world.shell(&["detach", file.to_str().unwrap(), "demo"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&started.stdout), "running daemon\n", "{started:?}");
    let listed = world.shell(&["list"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&listed.stdout), "demo running daemon\n", "{listed:?}");

    let nodes = world.node_processes();
    let stopped = daemon::stop(&world.store, false, None).await.unwrap();
    assert!(!stopped.process.is_alive());
    assert!(nodes.iter().all(|node| !node.is_alive()));
    let listed = world.fleet().handle().list(true).await.unwrap();
    assert_eq!((listed[0].status, listed[0].runtime.as_str()), (Status::Stopped, "daemon"));
    assert_eq!(world.store.runtimes().unwrap(), []);
    let error = daemon::stop(&world.store, false, None).await.unwrap_err();
    assert_eq!(error.code, diag::codes::DAEMON_UNREACHABLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn shells_that_want_a_daemon_at_once_get_the_same_one() {
    let world = World::new();
    let options: Vec<_> = (0..4).map(|_| world.daemon()).collect();
    let found = futures::future::join_all(options.iter().map(daemon::ensure)).await;
    let pids: Vec<u32> = found.into_iter().map(|daemon| daemon.unwrap().process.pid).collect();
    assert!(pids.windows(2).all(|two| two[0] == two[1]), "{pids:?}");
    let error = daemon::spawn(&world.daemon()).await.unwrap_err();
    assert_eq!(error.code, diag::codes::DAEMON_RUNNING, "{error:?}");
    assert!(error.message.contains(&pids[0].to_string()), "{error:?}");
    daemon::stop(&world.store, false, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_leaves_no_node_and_the_next_one_mends_the_records() {
    let world = World::new();
    let first = daemon::ensure(&world.daemon()).await.unwrap();
    let fleet = world.fleet();
    fleet.start_detached(world.start("demo")).await.unwrap();
    let nodes = world.node_processes();
    assert_eq!(nodes.len(), 2);
    let killed = std::process::Command::new("kill").args(["-9", &first.process.pid.to_string()]).status();
    assert!(killed.unwrap().success());
    until("all nodes of the killed daemon are gone", || nodes.iter().all(|node| !node.is_alive()));
    until("the daemon is gone", || !first.process.is_alive());

    let second = daemon::ensure(&world.daemon()).await.unwrap();
    assert_ne!(first.process, second.process);
    assert_eq!(world.store.live_dataflows().unwrap(), []);
    assert_eq!(world.node_processes(), []);
    let ended = fleet.handle().wait("demo", WaitCondition::Ended, None).await.unwrap();
    assert_eq!(ended.status, Status::Failed);
    // The name is free again.
    fleet.start_detached(world.start("demo")).await.unwrap();
    daemon::stop(&world.store, false, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_told_by_whoever_wanted_the_daemon() {
    let world = World::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let options = daemon::Options { port: taken.local_addr().unwrap().port(), ..world.daemon() };
    let error = daemon::ensure(&options).await.unwrap_err();
    assert_eq!(error.code, diag::codes::PORT_TAKEN, "{error:?}");
    assert_eq!(daemon::find(&world.store).unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_no_daemon_is_an_error_at_once() {
    let world = World::new();
    for program in ["/bin/true", "/nowhere"] {
        let options = daemon::Options { executable: program.into(), ..world.daemon() };
        let error = daemon::ensure(&options).await.unwrap_err();
        assert_eq!(error.code, diag::codes::DAEMON_NOT_STARTED, "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_in_a_file_is_told_before_a_daemon_is_started() {
    let world = World::new();
    std::fs::write(world.file(), "nodes: [{id: a, path: dora-builtin, args: sink, inputs: {x: nobody/out}}]").unwrap();
    let error = world.fleet().start_detached(world.start("demo")).await.unwrap_err();
    assert_eq!(error.code, diag::codes::INVALID_DATAFLOW, "{error:?}");
    assert!(!error.labels.is_empty() || !error.related.is_empty(), "{error:?}");
    assert_eq!(daemon::find(&world.store).unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_daemon_ran_comes_back_with_the_next_one_as_it_was() {
    let world = World::new();
    let first = daemon::ensure(&world.daemon()).await.unwrap();
    let fleet = world.fleet();
    let kept = |name: &str, recover| StartOptions { recover, ..world.start(name) };
    let runs = fleet.start_detached(kept("runs", Recovery::Always)).await.unwrap();
    fleet.start_detached(kept("paused", Recovery::Always)).await.unwrap();
    fleet.start_detached(kept("never", Recovery::Never)).await.unwrap();
    // None of its nodes has a restart policy.
    fleet.start_detached(kept("plain", Recovery::ByNodes)).await.unwrap();
    let handle = fleet.handle();
    handle.pause("paused", false).await.unwrap();
    let sink = NodeRef { dataflow: "runs".into(), node: "sink".parse().unwrap() };
    handle.set_param(sink.clone(), "limit".into(), serde_json::json!(7)).await.unwrap();
    std::process::Command::new("kill").args(["-9", &first.process.pid.to_string()]).status().unwrap();
    until("the daemon is gone", || !first.process.is_alive());
    // Another shell looks before there is a daemon again, and repairs the records.
    assert_eq!(world.fleet().handle().list(false).await.unwrap(), []);

    daemon::ensure(&world.daemon()).await.unwrap();
    let handle = world.fleet().handle();
    handle.wait("runs", WaitCondition::Running, None).await.unwrap();
    until("both have come back", || world.store.live_dataflows().unwrap().len() == 2);
    let paused = handle.wait("paused", WaitCondition::Paused, None).await.unwrap();
    assert_eq!(paused.status, Status::Paused);
    let back = handle.inspect("runs").await.unwrap();
    assert_ne!(back.info.id, runs.id);
    assert_eq!(back.info.status, Status::Running);
    assert_eq!(handle.params(sink).await.unwrap()["limit"], 7);
    // The history of the run that was killed is whole.
    let before = handle.inspect(runs.id).await.unwrap();
    assert_eq!((before.info.status, before.info.cause.as_deref()), (Status::Failed, Some("its runtime was killed")));
    assert!(before.history.len() >= 5, "{:?}", before.history);
    let query = LogQuery::new("");
    let told: Vec<_> = handle.daemon_logs(query).await.unwrap().map(|record| record.unwrap().message).collect().await;
    assert!(told.iter().any(|line| line.starts_with("runs: started again")), "{told:?}");
    daemon::stop(&world.store, false, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_preserves_its_flows_hands_them_to_the_next_one() {
    let world = World::new();
    daemon::ensure(&world.daemon()).await.unwrap();
    world.fleet().start_detached(world.start("demo")).await.unwrap();
    daemon::stop(&world.store, true, None).await.unwrap();
    assert_eq!(world.node_processes(), []);
    // Its log is there when it is gone, and goes on with the next one.
    let logs = async || {
        let records = world.fleet().handle().daemon_logs(LogQuery::new("")).await.unwrap();
        records.map(|record| record.unwrap().message).collect::<Vec<_>>().await
    };
    let before = logs().await;
    assert!(before.iter().any(|line| line == "stopped"), "{before:?}");
    daemon::ensure(&world.daemon()).await.unwrap();
    until("it is back", || world.store.live_dataflows().unwrap().len() == 1);
    let back = world.fleet().handle().wait("demo", WaitCondition::Running, None).await.unwrap();
    assert_eq!((back.status, back.runtime.as_str()), (Status::Running, "daemon"));
    assert!(logs().await.starts_with(&before));
    daemon::stop(&world.store, false, None).await.unwrap();
}
