//! Contexts: commands that go to a real dora-rs coordinator, from the whole binary.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::world::{Ran, World, eventually, ran};

/// A real coordinator with one daemon; both end with it.
struct Cluster {
    port: u16,
    home: PathBuf,
    processes: Vec<Child>,
}

fn cli() -> PathBuf {
    let python = std::env::var("DORA_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let program = PathBuf::from(python).with_file_name("dora");
    assert!(program.is_file(), "there is no dora-rs CLI at {}; scripts/test installs it", program.display());
    program
}

impl Cluster {
    fn new(world: &World) -> Cluster {
        let free = || TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap().port();
        let (port, listen) = (free(), free());
        let home = world.path().join("cluster");
        std::fs::create_dir_all(&home).unwrap();
        let mut cluster = Cluster { port, home, processes: Vec::new() };
        let port = port.to_string();
        cluster.spawn(&["coordinator", "--store", "memory", "--port", &port]);
        eventually("a coordinator", || TcpStream::connect(("127.0.0.1", cluster.port)).is_ok());
        let listen = listen.to_string();
        cluster.spawn(&["daemon", "--zenoh-no-multicast", "--coordinator-port", &port, "--local-listen-port", &listen]);
        eventually("its daemon", || cluster.real(&["status"]).code == 0);
        cluster
    }

    fn command(&self, args: &[&str]) -> Command {
        let program = cli();
        let bin = program.parent().unwrap_or(Path::new("/")).to_path_buf();
        let mut command = Command::new(program);
        command.args(args).current_dir(&self.home).env("HOME", &self.home).stdin(Stdio::null());
        command.env("DORA_COORDINATOR_PORT", self.port.to_string());
        command.env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default()));
        command
    }

    fn spawn(&mut self, args: &[&str]) {
        let child = self.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.processes.push(child.unwrap());
    }

    fn real(&self, args: &[&str]) -> Ran {
        ran(self.command(args).output().unwrap())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.real(&["down", "--force"]);
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The flow that runs until it is stopped, with its nodes beside it.
fn flow(world: &World) -> PathBuf {
    for name in ["endless_source.py", "endless_sink.py"] {
        let text = std::fs::read_to_string(crate::world::root().join("tests/dataflows").join(name)).unwrap();
        world.write(name, &text);
    }
    world.write("endless.yml", include_str!("dataflows/endless.yml"))
}

#[test]
fn one_coordinator_is_added_chosen_driven_and_forgotten() {
    let world = World::new();
    let cluster = Cluster::new(&world);
    flow(&world);
    world.eval(&format!("context add lab 127.0.0.1:{}", cluster.port));
    assert_eq!(world.eval("context list | get name | to json -r"), r#"["local","lab"]"#);
    assert_eq!(world.eval("context list | where current | get name.0"), "local");
    world.eval("context use lab");
    assert_eq!(
        world.eval("context show | select name reachable chosen_by | to json -r"),
        r#"{"name":"lab","reachable":true,"chosen_by":"session"}"#
    );

    // It outlives the command that starts it, which therefore does not follow it.
    let started = world.dora(&["dataflow", "start", "endless.yml", "--output", "json"]);
    assert!(started.code == 0 && started.out.contains(r#""runtime": "lab""#), "{}{}", started.out, started.err);
    assert_eq!(
        world.eval("dataflow list | select name status runtime | to json -r"),
        r#"[{"name":"endless","status":"running","runtime":"lab"}]"#
    );
    assert_eq!(world.eval("DORA_CONTEXT=local dataflow list | length"), "0");
    assert_eq!(world.dora(&["dataflow", "list", "--context", "local", "--output", "json"]).out.trim(), "[]");
    assert!(cluster.real(&["list"]).out.contains("endless"));
    assert_eq!(world.eval("topic list | get topic.0"), "source/number");
    assert_eq!(world.eval("node list endless | get name | sort | to json -r"), r#"["sink","source"]"#);
    // A coordinator takes parameters only once it has heard of the node.
    eventually("the source to be known to its coordinator", || {
        world.dora(&["param", "set", "endless/source", "rate", "30"]).code == 0
    });
    assert_eq!(world.eval("param get endless/source rate"), "30");
    world.eval("node restart endless/source");
    eventually("the last words of the source's first process", || {
        world.eval("node logs endless/source | where message =~ 'stopped after' | length") == "1"
    });

    let refused = world.dora(&["dataflow", "pause", "endless"]);
    assert!(refused.code == 1 && refused.err.contains("DORA_E055") && refused.err.contains("lab"), "{}", refused.err);
    let here =
        [["daemon", "start"], ["daemon", "stop"], ["daemon", "status"], ["node", "stats"], ["dataflow", "stats"]];
    for words in here {
        let refused = world.dora(&words);
        assert!(refused.code == 1 && refused.err.contains("DORA_E055"), "{}", refused.err);
    }

    world.eval("dataflow stop endless");
    assert_eq!(world.eval("dataflow list | length"), "0");
    assert_eq!(world.eval("dataflow list --all | get status.0"), "finished");
    let audited = world.eval("audit list | where command == 'dataflow stop endless' | get context.0");
    assert_eq!(audited, "lab");

    world.eval("context remove lab --yes");
    assert_eq!(world.eval("context list | where current | get name.0"), "local");
    world.eval("audit list | where command =~ 'context remove' | get undo.0");
}

#[test]
fn a_context_that_is_not_there_or_does_not_answer_is_told_with_what_to_do() {
    let world = World::new();
    let code = |ran: &Ran| ran.err.split('[').nth(1).map(|rest| rest.chars().take(9).collect::<String>());
    for words in [&["context", "use", "lba"][..], &["dataflow", "list", "--context", "lba"][..]] {
        let told = world.dora(words);
        assert!(told.code == 10 && told.err.contains("DORA_E060"), "{:?} {}", code(&told), told.err);
    }
    for (name, address, wanted) in
        [("lab", "robot:port", "DORA_E062"), ("local", "robot", "DORA_E061"), ("a b", "robot", "DORA_E061")]
    {
        let told = world.dora(&["context", "add", name, address]);
        assert!(told.code == 2 && told.err.contains(wanted), "{}", told.err);
    }
    let token = world.write("token", "secret-of-mine");
    let told = world.dora(&["context", "add", "lab", "127.0.0.1:1", "--token-file", token.to_str().unwrap()]);
    assert!(told.code == 12 && told.err.contains("DORA_E051") && !told.err.contains("secret"), "{}", told.err);
    let chmod = Command::new("chmod").arg("600").arg(&token).status().unwrap();
    assert!(chmod.success());
    world.eval(&format!("context add lab 127.0.0.1:1 --token-file {}", token.display()));
    let twice = world.dora(&["context", "add", "lab", "127.0.0.1:2"]);
    assert!(twice.code == 2 && twice.err.contains("DORA_E061"), "{}", twice.err);
    world.eval("context use lab --dry-run");
    assert_eq!(world.eval("context list | where current | get name.0"), "local");
    world.eval("context list | where name == lab | context use");

    let told = world.dora(&["dataflow", "list"]);
    assert!(told.code == 1 && told.err.contains("DORA_E063") && !told.err.contains("secret"), "{}", told.err);
    assert!(told.err.contains("context use local"), "{}", told.err);
    assert_eq!(world.eval("context show | get reachable"), "false");
    assert_eq!(world.eval("context list | where current | get name.0"), "lab");
    let asked = world.dora(&["context", "remove", "lab"]);
    assert!(asked.code != 0 && asked.err.contains("--yes"), "{}", asked.err);
    let kept = world.dora(&["context", "remove", "local", "--yes"]);
    assert!(kept.code == 2 && kept.err.contains("DORA_E061"), "{}", kept.err);
}

#[test]
fn a_session_keeps_its_context_whatever_another_one_chooses() {
    let world = World::new();
    world.eval("context add lab 127.0.0.1:1");
    // The second statement runs after another process has chosen.
    let code = "let here = (context show); let other = (^$env.DORA -c 'context use lab'); context show | get name";
    let mut command = world.command(&["-c", code]);
    let ran = ran(command.env("DORA", env!("CARGO_BIN_EXE_dora")).output().unwrap());
    assert_eq!(ran.out.lines().last(), Some("local"), "{}{}", ran.out, ran.err);
    assert_eq!(world.eval("context show | get name"), "lab");
}
