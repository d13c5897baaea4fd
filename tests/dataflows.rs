//! Dataflows of stock PyPI nodes and of built-in ones, run by the real binary.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

use crate::world::{World, eventually, root};

/// A line-by-line session: `dora` reading lines from a pipe, as the prompt would.
struct Shell {
    child: Child,
}

impl Shell {
    fn start(world: &World) -> Shell {
        let mut command = world.command(&[]);
        Shell { child: command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the shell starts") }
    }

    fn say(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        writeln!(stdin, "{line}").expect("the shell reads");
        stdin.flush().expect("the shell reads");
    }

    /// Says a line that prints one line, and reads it.
    fn ask(&mut self, line: &str) -> String {
        self.say(line);
        let mut answer = String::new();
        BufReader::with_capacity(1, self.child.stdout.as_mut().expect("a pipe"))
            .read_line(&mut answer)
            .expect("an answer");
        answer.trim().to_string()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn flow(name: &str) -> String {
    root().join("tests/dataflows").join(name).display().to_string()
}

fn demo() -> String {
    root().join("scripts/dataflows/demo.yml").display().to_string()
}

fn is_alive(pid: u32) -> bool {
    // A zombie is dead: only its parent has not looked yet.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn stock_nodes_run_are_seen_and_stop_within_one_script() {
    let world = World::new();
    let script = format!(
        "dataflow start '{}' --name stock\n\
         let nodes = node list\n\
         let stopped = (dataflow list | where status == running | stop)\n\
         {{nodes: ($nodes | get name), status: ($stopped | get status), left: (dataflow list | length)}} | to json --raw",
        flow("ticker_echo.yml")
    );
    world.write("stock.dora", &script);
    let ran = world.dora(&["stock.dora"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let result: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(result["status"], serde_json::json!(["ok"]));
    assert_eq!(result["left"], 0);
    assert!(result["nodes"].as_array().is_some_and(|nodes| nodes.len() >= 2), "{result}");
}

#[test]
fn a_detached_flow_outlives_its_command_and_is_driven_from_others() {
    let world = World::new();
    let started = world.dora(&["dataflow", "start", &demo(), "--name", "far", "--detach", "--output", "json"]);
    assert_eq!(started.code, 0, "{}", started.err);
    let rows: serde_json::Value =
        serde_json::from_str(&world.dora(&["dataflow", "list", "--output", "json"]).out).expect("JSON");
    assert_eq!(rows[0]["name"], "far");
    assert_eq!(rows[0]["runtime"], "daemon");
    assert_eq!(rows[0]["status"], "running");
    eventually("a line of the monitor", || {
        let logs = world.dora(&["dataflow", "logs", "far", "--node", "monitor", "--tail", "1", "--output", "json"]);
        logs.out.contains("message")
    });
    let inspected = world.dora(&["dataflow", "inspect", "far", "--output", "json"]);
    assert!(inspected.out.contains("camera/image"), "{}{}", inspected.out, inspected.err);
    let again = world.dora(&["dataflow", "start", &demo(), "--name", "far", "--detach"]);
    assert!(again.err.contains("DORA_E004"), "a name that is taken must be refused\n{}", again.err);
    let stopped = world.dora(&["dataflow", "stop", "far", "--output", "json"]);
    assert_eq!(stopped.code, 0, "{}", stopped.err);
    let removed = world.dora(&["dataflow", "remove", "far", "--yes"]);
    assert_eq!(removed.code, 0, "{}", removed.err);
    assert_eq!(world.dora(&["dataflow", "list", "--all", "--output", "json"]).out.trim(), "[]");
}

#[test]
fn a_shells_flow_is_seen_and_stopped_from_bash() {
    let world = World::new();
    let mut shell = Shell::start(&world);
    let name = shell.ask(&format!("dataflow start '{}' --name near | get name", demo()));
    assert_eq!(name, "near");
    let listed = world.dora(&["dataflow", "list", "--quiet"]);
    assert_eq!(listed.out, "near\n", "{}", listed.err);
    let stopped = world.dora(&["dataflow", "stop", "near"]);
    assert_eq!(stopped.code, 0, "{}", stopped.err);
    assert_eq!(shell.ask("dataflow list | length"), "0");
}

#[test]
fn killing_the_shell_leaves_no_node_behind() {
    let world = World::new();
    let mut shell = Shell::start(&world);
    let pids =
        shell.ask(&format!("dataflow start '{}' --name doomed | ignore; node list | get pid | str join ' '", demo()));
    let pids: Vec<u32> = pids.split(' ').filter_map(|pid| pid.parse().ok()).collect();
    assert!(pids.len() >= 4, "{pids:?}");
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    shell.child.kill().expect("kill -9");
    shell.child.wait().expect("it ends");
    eventually("every node to be gone", || !pids.iter().any(|pid| is_alive(*pid)));
    let rows = world.dora(&["dataflow", "list", "--all", "--output", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&rows.out).expect("JSON");
    assert_eq!(rows[0]["status"], "failed", "{rows}");
}

#[test]
fn a_node_that_dies_at_start_is_named_with_its_last_words() {
    let world = World::new();
    world.write("bad.py", "import sys\nprint('no camera at /dev/video7', file=sys.stderr)\nsys.exit(3)\n");
    world.write("bad.yml", "nodes:\n  - id: eye\n    path: bad.py\n    outputs: [image]\n");
    let ran = world.dora(&["dataflow", "start", "bad.yml"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    for words in ["DORA_E005", "eye", "exit code 3", "no camera at /dev/video7"] {
        assert!(ran.err.contains(words), "{words:?} is missing\n{}", ran.err);
    }
}

#[test]
fn every_problem_of_a_file_is_told_at_its_line() {
    let world = World::new();
    world.write("bad.yml", "nodes:\n  - id: a\n    path: dora-builtin\n    args: counter\n    outputz: [x]\n  - id: b\n    path: nowhere-to-be-found\n    inputs:\n      x: a/nothing\n      t: dora/timer/milis/5\n");
    let ran = world.dora(&["--error-format", "json", "dataflow", "start", "bad.yml"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    let errors: Vec<serde_json::Value> = ran.err.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let lines: Vec<i64> = errors.iter().filter_map(|error| error["labels"][0]["line"].as_i64()).collect();
    for line in [5, 7, 9, 10] {
        assert!(lines.contains(&line), "line {line} is missing\n{}", ran.err);
    }
    assert!(ran.err.contains("outputs") && ran.err.contains("millis"), "{}", ran.err);
}

#[test]
fn the_demo_runs_and_leaves_nothing_behind() {
    let world = World::new();
    let script = root().join("scripts/demo.dora").display().to_string();
    let ran = world.dora(&[&script]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    for words in ["camera", "monitor", "running", "relay/image"] {
        assert!(ran.out.contains(words), "{words:?} is missing\n{}", ran.out);
    }
    assert_eq!(world.dora(&["dataflow", "list", "--all", "--output", "json"]).out.trim(), "[]");
}

#[test]
fn a_node_that_fails_fails_the_flow_that_is_followed() {
    let world = World::new();
    world.write(
        "crash.yml",
        "nodes:\n  - id: weak\n    path: dora-builtin\n    args: fault --crash-after 3\n    inputs:\n      tick: dora/timer/millis/20\n",
    );
    let ran = world.dora(&["dataflow", "start", "crash.yml"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("DORA_E018") && ran.err.contains("weak"), "{}", ran.err);
}

#[test]
fn the_demo_runs_under_dora_rs_too_once_it_finds_the_built_in_nodes() {
    let world = World::new();
    let linked = world.dora(&["builtin", "link", ".", "--output", "json"]);
    assert_eq!(linked.code, 0, "{}", linked.err);
    let rows: serde_json::Value = serde_json::from_str(&linked.out).expect("JSON");
    assert_eq!((&rows[0]["resource"], &rows[0]["status"]), (&"builtin".into(), &"ok".into()));
    // dora-rs leaves a directory beside the file.
    std::fs::copy(demo(), world.path().join("demo.yml")).expect("a copy");
    let python = std::env::var("DORA_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let theirs = std::path::Path::new(&python).with_file_name("dora");
    let path = format!("{}:{}", world.path().display(), std::env::var("PATH").unwrap_or_default());
    let ran = std::process::Command::new(&theirs)
        .args(["run", "demo.yml", "--stop-after", "3s", "--log-format", "json"])
        .current_dir(world.path())
        .env("PATH", path)
        .env("HOME", world.path())
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{} of dora-rs-cli cannot be run: {error}", theirs.display()));
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{told}{}", String::from_utf8_lossy(&ran.stderr));
    for input in ["image", "motion", "number", "heartbeat"] {
        assert!(told.contains(&format!("{input}: ")), "the monitor saw no {input}\n{told}");
    }
}

/// A flow of a counter, a node written in the language, and a sink.
fn scripted(world: &World, program: &str, outputs: &str) -> crate::world::Ran {
    world.write("node.dora", program);
    let inputs: String = outputs.split(", ").map(|output| format!("{output}: program/{output}, ")).collect();
    world.write(
        "scripted.yml",
        &format!(
            "nodes:
  - {{id: numbers, path: dora-builtin, args: counter --rate 200 --count 10 --from 1, outputs: [number]}}
  - id: program
    path: dora-builtin
    args: script node.dora
    inputs: {{number: numbers/number}}
    outputs: [{outputs}]
  - {{id: sink, path: dora-builtin, args: sink --report 0s, inputs: {{{inputs}}}}}
"
        ),
    );
    world.dora(&["dataflow", "start", "scripted.yml"])
}

#[test]
fn a_node_written_in_the_language_gets_messages_and_returns_outputs() {
    let world = World::new();
    let ran = scripted(
        &world,
        "export def on-start [] { {total: 0} }
export def --env on-input [event] {
    $env.TOTAL = ($env.TOTAL? | default 0) + $event.value
    print $'got ($event.id) ($event.value) as ($event.metadata.sequence), sent this year: (($event.time | format date \"%Y\") != \"1970\")'
    if $event.value mod 2 == 0 { {even: $event.value, both: [$event.value $event.value]} }
}
export def on-stop [] { print $'in all ($env.TOTAL)'; {total: $env.TOTAL, even: null} }
",
        "even, both, total",
    );
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    for words in [
        "got number 3 as 2, sent this year: true",
        "in all 55",
        "even: 5 messages",
        "both: 5 messages",
        "total: 2 messages",
    ] {
        assert!(ran.out.contains(words), "{words:?} is missing\n{}{}", ran.out, ran.err);
    }
}

#[test]
fn a_mistake_in_a_nodes_program_is_told_at_its_place() {
    let world = World::new();
    let mistakes = [
        ("export def on-input [event] { {even: $evnt} }", "DORA_E005", "node.dora:1:38"),
        ("export def on-message [event] { null }", "DORA_E005", "does not define `on-input`"),
        ("export def on-input [event] {\n    {even: ($event.value + 'x')}\n}", "DORA_E018", "node.dora:2:"),
        ("export def on-input [event] { {evne: 1} }", "DORA_E018", "no such output"),
        ("export def on-input [event] { 7 }", "DORA_E018", "returned int"),
    ];
    for (program, code, words) in mistakes {
        let ran = scripted(&world, program, "even");
        let told = format!("{}{}", ran.out, ran.err);
        assert_eq!(ran.code, 1, "{program}\n{told}");
        assert!(told.contains(code) && told.contains(words), "{program}: {words:?} is missing\n{told}");
    }
}
