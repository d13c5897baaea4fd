//! Figures of what runs, read from the runtimes' telemetry pages by the real binary.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::Command;

use crate::world::{World, eventually};

const FLOW: &str = "
nodes:
  - {id: counter, path: dora-builtin, args: counter --rate 50, outputs: [number]}
  - {id: sink, path: dora-builtin, args: sink --report 0s, inputs: {number: counter/number}}
";

const FORKING: &str = "
nodes:
  - {id: counter, path: dora-builtin, args: counter --rate 1, outputs: [number]}
  - {id: pool, path: shell, args: 'sleep 1000 & sleep 1000 & wait'}
";

/// A world whose daemon runs the flow, with figures of it.
fn running() -> World {
    let world = World::new();
    world.write("flow.yml", FLOW);
    world.eval("dataflow start flow.yml --detach");
    eventually("figures of the sink", || {
        world.eval("node stats sink | where received > 50 and cpu != null and latency_p50 != null | length") == "1"
    });
    world
}

fn daemon(world: &World) -> String {
    world.eval("daemon status | get pid")
}

fn signal(pid: &str, name: &str) {
    assert!(Command::new("kill").args([name, pid]).status().unwrap().success());
}

/// The pages of a process.
fn pages(pid: &str) -> Vec<PathBuf> {
    let names = fs::read_dir("/dev/shm").unwrap().flatten().map(|entry| entry.path());
    let is_of = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("dora-telemetry-") && name.split('-').nth(3) == Some(pid)
    };
    names.filter(is_of).collect()
}

#[test]
fn another_process_sees_the_figures_of_nodes_and_of_their_dataflow() {
    let world = running();
    assert_eq!(world.eval("node stats | get name | sort | to nuon"), "[counter, sink]");
    assert_eq!(world.eval("node stats flow/sink counter | get name | sort | to nuon"), "[counter, sink]");
    assert_eq!(world.eval("node list | where name == sink | node stats | get name | to nuon"), "[sink]");
    let sound = "node stats sink | all {|n| $n.status == running and $n.processes == 1 and $n.memory > 0b and \
        $n.latency_p99 >= $n.latency_p50 and $n.queued >= 0 and $n.dropped == 0 and $n.age < 10sec}";
    assert_eq!(world.eval(sound), "true");
    assert_eq!(world.eval("dataflow stats flow | first | [$in.nodes $in.processes] | to nuon"), "[2, 2]");
    let window = world.eval(
        "node stats counter --duration 2sec | first | \
         $in.sent_rate > 40 and $in.sent_rate < 60 and $in.cpu_max >= $in.cpu",
    );
    assert_eq!(window, "true");
    let json = world.dora(&["node", "stats", "sink", "--output", "json"]);
    assert!(json.code == 0 && json.out.contains("\"latency_p99\""), "{}{}", json.out, json.err);
}

#[test]
fn what_is_not_there_is_told_by_its_name() {
    let world = running();
    for (args, told) in [
        (["node", "stats", "snik"].as_slice(), "sink"),
        (&["node", "stats", "sink", "--dataflow", "flaw"], "flow"),
        (&["dataflow", "stats", "flaw"], "flow"),
    ] {
        let ran = world.dora(args);
        assert_eq!(ran.code, 10, "{args:?}\n{}", ran.err);
        assert!(ran.err.contains(&format!("did you mean `{told}`")), "{args:?}\n{}", ran.err);
    }
}

#[test]
fn a_stopped_runtime_is_still_seen_and_its_figures_grow_old() {
    let world = running();
    let pid = daemon(&world);
    signal(&pid, "-STOP");
    let mut told = String::new();
    eventually("figures that are told to be old", || {
        let seen = world.dora(&["-c", "node stats sink | where age > 3sec | length"]);
        told = seen.err;
        seen.code == 0 && seen.out.trim() == "1"
    });
    let window = world.eval("node stats counter --duration 500ms | get sent_rate | to nuon");
    signal(&pid, "-CONT");
    assert!(told.contains("`daemon` has told nothing new for"), "{told}");
    assert_eq!(window, "[null]", "nothing is known of that time");
    eventually("fresh figures", || world.eval("node stats sink | where age < 2sec | length") == "1");
}

#[test]
fn a_killed_runtime_leaves_no_page_after_the_next_look() {
    let world = running();
    let pid = daemon(&world);
    assert_eq!(pages(&pid).len(), 1);
    signal(&pid, "-KILL");
    eventually("no figures", || world.eval("node stats | length") == "0");
    assert_eq!(pages(&pid), Vec::<PathBuf>::new());
    // So does one that is told to end.
    world.eval("dataflow start flow.yml --detach --name again");
    let pid = daemon(&world);
    assert_eq!(pages(&pid).len(), 1);
    world.eval("daemon stop");
    eventually("its page to be gone", || pages(&pid).is_empty());
}

#[test]
fn a_page_that_is_none_is_refused_and_told() {
    let world = running();
    let page = pages(&daemon(&world)).pop().unwrap();
    fs::File::options().write(true).open(&page).unwrap().write_all_at(b"nonsense", 0).unwrap();
    let seen = world.dora(&["-c", "node stats | length"]);
    assert_eq!((seen.code, seen.out.trim()), (0, "0"), "{}", seen.err);
    assert!(seen.err.contains("the figures of `daemon` are left out"), "{}", seen.err);
    fs::remove_file(page).unwrap();
    let missing = world.dora(&["-c", "node stats | length"]);
    assert!(missing.err.contains("it has no telemetry page"), "{}", missing.err);
}

#[test]
fn a_node_is_counted_with_the_processes_it_has_started() {
    let world = World::new();
    world.write("forking.yml", FORKING);
    world.eval("dataflow start forking.yml --detach --allow-shell-nodes --no-wait");
    eventually("three processes", || {
        let seen = world.eval("node stats pool | where processes != null and processes >= 3 | length");
        seen == "1"
    });
    world.eval("dataflow stop forking --force");
}
