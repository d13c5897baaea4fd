//! What the tests stand on: a home of their own, and processes that play shells.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use diag::Sources;
use runtime::Options;
use runtime::control::{Fleet, daemon};
use runtime::model::StartOptions;
use store::runtimes::RuntimeKind;
use store::{Home, ProcessId, Store};

/// Two nodes that run until they are stopped.
pub const FLOW: &str = "
nodes:
  - id: counter
    path: dora-builtin
    args: counter --rate 50
    outputs: [number]
  - id: sink
    path: dora-builtin
    args: sink --report 0s
    inputs:
      number: counter/number
";

/// The program that can be shell, daemon, guard and node.
pub fn executable() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples/shell")
}

/// A home with a dataflow file in it. Whatever still runs in it when it is dropped is killed.
pub struct World {
    root: tempfile::TempDir,
    pub store: Store,
}

impl World {
    pub fn new() -> World {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("flow.yml"), FLOW).unwrap();
        let store = Store::open(Home::at(root.path().join("home")));
        World { root, store }
    }

    pub fn file(&self) -> PathBuf {
        self.root.path().join("flow.yml")
    }

    pub fn options(&self) -> Options {
        Options {
            store: self.store.clone(),
            sources: Sources::new(),
            kind: RuntimeKind::Embedded,
            journal: None,
            executable: executable(),
        }
    }

    pub fn fleet(&self) -> Fleet {
        Fleet::new(self.options())
    }

    pub fn start(&self, name: &str) -> StartOptions {
        StartOptions { name: Some(name.to_string()), ..StartOptions::file(self.file()) }
    }

    /// How the daemon of this home is started: on a free port.
    pub fn daemon(&self) -> daemon::Options {
        daemon::Options {
            store: self.store.clone(),
            sources: Sources::new(),
            executable: executable(),
            port: 0,
            interface: [127, 0, 0, 1].into(),
            config: None,
            log_level: None,
        }
    }

    /// Another process of this home.
    pub fn shell(&self, args: &[&str]) -> Command {
        let mut command = Command::new(executable());
        command.args(args).env("DORA_HOME", self.store.home().root().unwrap()).env(daemon::PORT_VARIABLE, "0");
        command
    }

    /// A process that has started the flow under this name and holds it until its input closes.
    pub fn holder(&self, name: &str) -> Child {
        let file = self.file();
        let mut child = self
            .shell(&["hold", file.to_str().unwrap(), name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("running shell-"), "the holder said {line:?}");
        child
    }

    /// Processes of nodes that live, as far as the records know.
    pub fn node_processes(&self) -> Vec<ProcessId> {
        self.store.live_node_processes().unwrap().into_iter().map(|row| row.process).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for row in self.store.runtimes().unwrap_or_default() {
            if row.process.pid != std::process::id() && row.process.is_alive() {
                let _ = Command::new("kill").args(["-9", &row.process.pid.to_string()]).status();
            }
        }
    }
}

/// Waits until something is so; what it waits for tells of itself by no event.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !so() {
        assert!(Instant::now() < deadline, "not so in time: {what}");
        std::thread::yield_now();
    }
}
