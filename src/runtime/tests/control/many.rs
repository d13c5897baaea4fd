//! Many dataflows at once in one runtime.

use std::process::{Command, Stdio};

use futures::future::join_all;
use runtime::model::{NodeExit, StartOptions, Status, StopOptions};

use crate::world::{World, until};

/// With five nodes each, a hundred processes.
const FLOWS: usize = 20;

const FLOW: &str = "
nodes:
  - {id: camera, path: dora-builtin, args: camera --width 32 --height 24 --rate 5, outputs: [image]}
  - {id: imu, path: dora-builtin, args: imu --rate 10, outputs: [motion]}
  - {id: lidar, path: dora-builtin, args: lidar --points 90 --rate 5, outputs: [scan]}
  - {id: relay, path: dora-builtin, args: echo, inputs: {image: camera/image, scan: lidar/scan}, outputs: [image, scan]}
  - id: monitor
    path: dora-builtin
    args: sink --report 0s
    inputs: {image: relay/image, scan: relay/scan, motion: imu/motion, tick: dora/timer/secs/1}
";

#[tokio::test(flavor = "multi_thread")]
async fn twenty_flows_of_five_nodes_start_run_and_stop_and_leave_nothing_open() {
    let world = World::new();
    let handle = world.fleet().handle();
    // What the first dataflow makes stays for all others.
    handle.start(named("first")).await.unwrap();
    handle.stop("first", StopOptions::default()).await.unwrap();
    let (files, threads) = (count("fd"), count("task"));

    let names: Vec<String> = (0..FLOWS).map(|number| format!("flow-{number}")).collect();
    let started = join_all(names.iter().map(|name| handle.start(named(name)))).await;
    for flow in started {
        assert_eq!(flow.unwrap().status, Status::Running);
    }
    let nodes = world.node_processes();
    assert_eq!(nodes.len(), 5 * FLOWS);
    for name in &names {
        let mut polls = 0;
        while handle.inspect(name.as_str()).await.unwrap().edges.iter().any(|edge| edge.delivered == 0) {
            polls += 1;
            assert!(polls < 2000, "nothing comes on some edge of {name}");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    let stopped = join_all(names.iter().map(|name| handle.stop(name.as_str(), StopOptions::default()))).await;
    for flow in stopped {
        assert_eq!(flow.unwrap().status, Status::Stopped);
    }
    assert!(nodes.iter().all(|node| !node.is_alive()), "a node outlived its flow");
    for name in &names {
        for node in handle.inspect(name.as_str()).await.unwrap().nodes {
            assert_eq!(node.exit, Some(NodeExit::Code(0)), "{node:?}");
        }
    }
    until("files and threads are as before", || count("fd") <= files + 5 && count("task") <= threads + 5);
    handle.shutdown(false).await.unwrap();
}

#[test]
fn a_runtime_raises_its_limit_of_files_and_says_when_that_is_not_enough() {
    let world = World::new();
    let file = world.file();
    let limited = |limit: &str, verb: &str| {
        let shell = world.shell(&[verb, file.to_str().unwrap(), "demo"]);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit {limit} && exec \"$0\" \"$@\"")]).arg(shell.get_program());
        command.args(shell.get_args()).envs(shell.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.stdin(Stdio::null()).output().unwrap()
    };
    let held = limited("-S -n 40", "hold");
    assert!(String::from_utf8_lossy(&held.stdout).starts_with("running"), "{held:?}");
    let refused = limited("-n 60", "hold");
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("files, and only") && told.contains("ulimit -Hn"), "{told}");
    assert_eq!(world.store.live_dataflows().unwrap(), []);
}

fn named(name: &str) -> StartOptions {
    StartOptions { name: Some(name.to_string()), ..StartOptions::text("many", FLOW) }
}

/// Open files (`fd`) or threads (`task`) of this process.
fn count(what: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{what}")).unwrap().count()
}
