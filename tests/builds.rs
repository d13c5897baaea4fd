//! From a dataflow's file to its processes, by the real binary: builds, modules, graphs, and nodes that others start.

use std::process::{Command, Stdio};

use crate::world::{World, eventually, ran};

const FLOW: &str = "\
nodes:
  - id: made
    path: made.sh
    build: |
      cp template.sh made.sh
      chmod +x made.sh
  - {id: plain, path: template.sh}
";

fn with_flow(flow: &str) -> World {
    let world = World::new();
    world.write("flow.yml", flow);
    let template = world.write("template.sh", "#!/bin/sh\nexit 0\n");
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(template, std::fs::Permissions::from_mode(0o755)).expect("an executable");
    world
}

fn statuses(world: &World, args: &[&str]) -> serde_json::Value {
    let ran = world.dora(&[args, &["--output", "json"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&ran.out).expect("JSON");
    rows.iter().map(|row| serde_json::json!([row["name"], row["status"]])).collect()
}

#[test]
fn a_build_tells_what_it_did_and_does_it_once() {
    let world = with_flow(FLOW);
    let rows = |made: &str| serde_json::json!([["flow/made", made], ["flow/plain", "skipped"]]);
    assert_eq!(statuses(&world, &["build", "flow.yml", "--dry-run"]), serde_json::json!([["made", "planned"]]));
    assert_eq!(statuses(&world, &["build", "flow.yml"]), rows("ok"));
    assert_eq!(statuses(&world, &["dataflow", "build", "flow.yml"]), rows("skipped"));
    assert_eq!(statuses(&world, &["build", "flow.yml", "--rebuild"]), rows("ok"));
    let both = world.dora(&["run", "flow.yml", "--rebuild", "--no-build"]);
    assert!(both.code != 0 && both.err.contains("say the opposite"), "{}", both.err);
}

#[test]
fn a_build_that_fails_tells_its_last_words_and_the_whole_is_in_the_logs() {
    let world = with_flow("nodes:\n  - {id: a, path: x, build: sh -c 'echo words; echo last words >&2; exit 5'}\n");
    let ran = world.dora(&["run", "flow.yml"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("DORA_E003") && ran.err.contains("last words"), "{}", ran.err);
    let logs = world.dora(&["dataflow", "logs", "flow", "--node", "a", "--output", "json"]);
    assert!(logs.out.contains("\"words\"") && logs.out.contains("last words"), "{}", logs.out);
}

#[test]
fn ctrl_c_ends_a_build_with_all_it_has_started() {
    let world = with_flow("nodes:\n  - {id: a, path: x, build: sh -c 'sleep 1000 & echo $! > pid; wait'}\n");
    let child = world.command(&["run", "flow.yml"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.expect("it runs");
    let pid = || std::fs::read_to_string(world.path().join("pid")).unwrap_or_default().trim().to_string();
    eventually("the build to run", || !pid().is_empty());
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.expect("kill").success());
    let ran = ran(child.wait_with_output().expect("it ends"));
    assert_eq!(ran.code, 130, "{}", ran.err);
    let stat = format!("/proc/{}/stat", pid());
    eventually("what the build started to end", || {
        std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") Z ")) || !std::path::Path::new(&stat).exists()
    });
}

#[test]
fn modules_are_taken_apart_and_drawn() {
    let world = with_flow("nodes:\n  - {id: m, module: m.yml}\n  - {id: s, path: template.sh, inputs: {x: m/out}}\n");
    world.write("m.yml", "module: {name: m, outputs: [out]}\nnodes:\n  - {id: n, path: template.sh, outputs: [out]}\n");
    let flat = world.dora(&["expand", "flow.yml"]);
    assert_eq!(flat.code, 0, "{}", flat.err);
    world.write("flat.yml", &flat.out);
    assert_eq!(world.eval("dataflow graph flat.yml | get node | to json --raw"), r#"["m.n","s"]"#);
    assert_eq!(world.eval("dataflow graph flow.yml | get module | to json --raw"), r#"["m",null]"#);
    assert_eq!(world.eval("graph flow.yml | where node == s | get from | to json --raw"), r#"["m.n/out"]"#);
    let drawn = world.dora(&["graph", "flow.yml", "--mermaid"]);
    assert!(drawn.out.starts_with("flowchart TB\n") && drawn.out.contains("subgraph m0 [\"m\"]"), "{}", drawn.out);
}

#[test]
fn strict_types_make_a_notice_a_mistake() {
    let flow = "\
nodes:
  - {id: a, path: template.sh, outputs: [x], output_types: {x: std/core/v1/Bool}}
  - {id: b, path: template.sh, inputs: {x: a/x}, input_types: {x: std/core/v1/Int8}}
";
    let world = with_flow(flow);
    assert_eq!(world.eval("dataflow validate flow.yml | get notices | length"), "1");
    let strict = world.dora(&["validate", "flow.yml", "--strict-types"]);
    assert!(strict.code == 2 && strict.err.contains("DORA_E034"), "{}", strict.err);
}

#[test]
fn a_daemon_runs_command_lines_that_its_caller_allows_and_answers_nodes_that_others_start() {
    let flow = "\
nodes:
  - {id: line, path: shell, args: sleep 1000}
  - {id: guest, path: dynamic, inputs: {tick: dora/timer/millis/10}}
";
    let world = with_flow(flow);
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
    let refused = world.dora(&["dataflow", "start", "flow.yml", "--detach"]);
    assert!(refused.code == 2 && refused.err.contains("DORA_E032"), "{}", refused.err);
    let mut start = world.command(&["dataflow", "start", "flow.yml", "--detach", "--no-wait"]);
    start.env("DORA_ALLOW_SHELL_NODES", "1").env("DORA_DAEMON_LOCAL_LISTEN_PORT", port.to_string());
    let started = ran(start.output().expect("it runs"));
    assert_eq!(started.code, 0, "{}", started.err);

    let python = std::env::var("DORA_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let mut guest = Command::new(python)
        .args(["-c", "from dora import Node\nfor event in Node('guest'): pass\n"])
        .env("DORA_DAEMON_LOCAL_LISTEN_PORT", port.to_string())
        .spawn()
        .expect("Python");
    // The command line never says that it is ready, so that the guest waits at the barrier with it.
    eventually("the guest to have found its dataflow", || {
        let connected = world.eval("node list | where name == guest | get status | to json --raw");
        connected == r#"["created"]"# && guest.try_wait().expect("a child").is_none()
    });
    assert_eq!(world.dora(&["dataflow", "stop", "flow", "--force"]).code, 0);
    guest.wait().expect("it ends with its dataflow");
}
