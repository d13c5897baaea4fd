//! A runtime that is killed outright leaves no node behind, and its records are repaired.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use runtime::model::Status;
use store::ProcessId;

use crate::world::{World, dataflows, until, with_python};

#[tokio::test(flavor = "multi_thread")]
async fn kill_nine_of_the_shell_leaves_no_node_and_no_lie_behind() {
    let world = World::new();
    // One node that knows of the runtime, and one that does not and has left a child of its own behind.
    let deaf = "import os, subprocess, sys, time\nfrom dora import Node\nnode = Node()\nchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\nprint(f'child {child.pid}', flush=True)\ntime.sleep(600)\n";
    let yaml = "nodes:\n  - id: polite\n    path: polite.py\n    inputs: {tick: dora/timer/millis/10}\n  - id: deaf\n    path: deaf.py\n";
    let file =
        world.write(yaml, &[("deaf.py", deaf), ("polite.py", "from dora import Node\nfor event in Node(): pass\n")]);
    let python = with_python(&file).env.remove("VIRTUAL_ENV").unwrap();

    let mut shell = Command::new(env!("CARGO_BIN_EXE_runtime-host"))
        .arg(&file)
        .env("DORA_HOME", world.root.path().join("home"))
        .env("VIRTUAL_ENV", python)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut nodes = Vec::new();
    for line in BufReader::new(shell.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["node", _, pid] => nodes.extend(ProcessId::of(pid.parse().unwrap())),
            ["deaf", "stdout", "child", pid] => {
                nodes.extend(ProcessId::of(pid.parse().unwrap()));
                break;
            }
            _ => {}
        }
    }
    assert_eq!(nodes.len(), 3, "two nodes and a child run");
    assert!(nodes.iter().all(|node| node.is_alive()));

    shell.kill().unwrap();
    shell.wait().unwrap();
    until("every process of the flow is gone", || nodes.iter().all(|node| !node.is_alive())).await;

    // The next runtime of this home finds what happened.
    let flow = world.handle.start(with_python(&dataflows().join("ticker_echo.yml"))).await.unwrap();
    let rows = world.handle.list(true).await.unwrap();
    let crashed = rows.iter().find(|row| row.id != flow.id).unwrap();
    assert_eq!((crashed.status, crashed.cause.as_deref()), (Status::Failed, Some("its runtime was killed")));
    world.handle.shutdown(false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_kills_what_a_runtime_left_whose_guard_died_too() {
    let world = World::new();
    let mut orphan = {
        use std::os::unix::process::CommandExt;
        Command::new("sleep").arg("600").process_group(0).spawn().unwrap()
    };
    let process = ProcessId::of(orphan.id()).unwrap();
    let now = jiff::Timestamp::now();
    let dead = ProcessId { pid: std::process::id(), started: 1 };
    let flow = uuid::Uuid::now_v7();
    world.record_runtime(dead, &[(flow, "old".to_string())]);
    let recorded = |process: ProcessId| store::nodes::NodeProcessRow {
        dataflow: flow,
        node: "left".into(),
        process,
        pgid: process.pid,
        started: now,
        ended: None,
        exit_code: None,
        signal: None,
    };
    world.store.record_node_process(&recorded(process)).unwrap();
    // A pid that belongs to another process by now: this one, which must survive.
    world.store.record_node_process(&recorded(ProcessId { pid: std::process::id(), started: 1 })).unwrap();

    runtime::sweep::sweep(&world.store).unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&orphan.wait().unwrap()), Some(9));
    assert!(world.store.live_node_processes().unwrap().is_empty());
    assert_eq!(world.store.dataflow(flow).unwrap().unwrap().status, "failed");
    assert!(world.store.runtimes().unwrap().is_empty());
}
