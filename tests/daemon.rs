//! The daemon's own verbs, and the configuration of a home.

use std::process::Command;

use crate::world::{World, eventually};

const FLOW: &str = "
nodes:
  - {id: counter, path: dora-builtin, args: counter --rate 50, outputs: [number]}
  - {id: sink, path: dora-builtin, args: sink --report 0s, inputs: {number: counter/number}}
";

fn configured(text: &str) -> World {
    let world = World::new();
    configure(&world, text);
    world
}

fn configure(world: &World, text: &str) {
    let directory = world.path().join("home/config");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("config.yml"), text).unwrap();
}

#[test]
fn a_configuration_with_mistakes_starts_nothing_and_all_are_told() {
    let world = configured("runtme: daemon\ndaemon: {log_level: loud}\n");
    world.write("flow.yml", FLOW);
    for line in [&["daemon", "config", "--validate"][..], &["daemon", "start"], &["dataflow", "start", "flow.yml"]] {
        let ran = world.dora(line);
        assert_eq!(ran.code, 2, "{line:?}\n{}", ran.err);
        for words in ["DORA_E037", "config.yml:1:1", "did you mean `runtime`", "config.yml:2:21"] {
            assert!(ran.err.contains(words), "{line:?}: {words:?} is missing\n{}", ran.err);
        }
    }
    assert_eq!(world.eval("daemon status | get running"), "false");
}

#[test]
fn a_home_that_is_set_to_the_daemon_starts_dataflows_there() {
    let world = configured("runtime: daemon\n");
    world.write("flow.yml", FLOW);
    world.eval("dataflow start flow.yml");
    assert_eq!(world.eval("dataflow list | get runtime | first"), "daemon");
}

#[test]
fn settings_come_from_flags_then_variables_then_the_file() {
    let world = configured("grace_period: 2\ndaemon: {log_level: warn}\n");
    assert_eq!(
        world.eval("daemon config | where value != $it.default | get key | to nuon"),
        "[grace_period, daemon.log_level]"
    );
    assert_eq!(world.eval("daemon config | where key == grace_period | get value | first"), "2sec");
    world.write("other.yml", "grace_period: 3\ndaemon: {log_level: error}\n");
    world.eval("daemon start --config other.yml --log-level debug");
    assert_eq!(world.eval("daemon debug | get config.grace_period"), "3");
    assert_eq!(world.eval("daemon debug | get config | get 'daemon.log_level'"), "debug");
    let wrong = world.dora(&["daemon", "start", "--config", "nothing.yml"]);
    assert!(wrong.err.contains("DORA_E037"), "{}", wrong.err);
}

#[test]
fn a_daemon_reads_its_configuration_again_and_one_that_is_wrong_changes_nothing() {
    let world = World::new();
    world.eval("daemon start");
    configure(&world, "grace_period: 4\n");
    assert_eq!(world.eval("daemon debug | get config.grace_period"), "10");
    assert_eq!(world.eval("daemon reload-config | get status | first"), "ok");
    assert_eq!(world.eval("daemon debug | get config.grace_period"), "4");
    configure(&world, "grace_period: soon\n");
    let refused = world.dora(&["daemon", "reload-config"]);
    assert!(refused.code == 2 && refused.err.contains("DORA_E037"), "{}", refused.err);
    assert_eq!(world.eval("daemon debug | get config.grace_period"), "4");
}

#[test]
fn what_less_grave_messages_say_is_not_in_the_log() {
    let world = configured("daemon: {log_level: error}\n");
    world.eval("daemon start");
    assert_eq!(world.eval("daemon logs | length"), "0");
    configure(&world, "daemon: {log_level: info}\n");
    world.eval("daemon reload-config");
    world.write("flow.yml", FLOW);
    world.eval("dataflow start flow.yml --detach");
    eventually("the start in the log", || world.eval("daemon logs --grep running | length") != "0");
}

#[test]
fn a_restart_that_waits_returns_when_the_dataflows_run_again() {
    let world = World::new();
    world.write("flow.yml", FLOW);
    world.eval("dataflow start flow.yml --detach");
    let before = world.eval("daemon status | get pid");
    world.eval("daemon restart --preserve-state --wait-healthy");
    assert_eq!(world.eval("dataflow list | get status | first"), "running");
    assert_ne!(world.eval("daemon status | get pid"), before);
    let state = "daemon debug --dump-state | get dataflows | first | get node_table | get name | to nuon";
    assert_eq!(world.eval(state), "[counter, sink]");
    assert_eq!(world.eval("(daemon debug --memory-profile | get memory.private) > 0b"), "true");
}

#[test]
fn a_daemon_that_hangs_or_is_not_there_is_unhealthy() {
    let world = World::new();
    let health = || world.dora(&["daemon", "status", "--health-check", "--detailed", "--output", "json"]);
    let none = health();
    assert!(none.code == 4 && none.err.contains("DORA_E038"), "{}", none.err);
    world.eval("daemon start");
    let well = health();
    assert!(well.code == 0 && well.out.contains("\"healthy\": true"), "{}{}", well.out, well.err);
    let pid = world.eval("daemon status | get pid");
    let signal = |name: &str| assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    signal("-STOP");
    let hangs = health();
    signal("-CONT");
    assert!(hangs.code == 4 && hangs.err.contains("answer"), "{}", hangs.err);
}
