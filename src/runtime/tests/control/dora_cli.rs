//! The real `dora` command line, as PyPI has it, against our daemon.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use runtime::control::daemon;
use runtime::model::StartOptions;

use crate::world::World;

/// How long one command may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The real CLI, pointed at a port, with a home of its own.
pub struct Cli {
    program: PathBuf,
    home: tempfile::TempDir,
    port: u16,
}

impl Cli {
    pub fn new(port: u16) -> Cli {
        let python = std::env::var("DORA_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
        let program = PathBuf::from(python).with_file_name("dora");
        assert!(
            program.is_file(),
            "there is no dora-rs CLI at {}: `pip install dora-rs-cli==1.1.0` beside the Python that DORA_TEST_PYTHON \
             names, as scripts/test does",
            program.display()
        );
        Cli { program, home: tempfile::tempdir().unwrap(), port }
    }

    /// The port that it is pointed at.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The program itself.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The directory that it takes for the user's home, and works in.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A command, not yet run.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(self.home.path()).env("HOME", self.home.path());
        command.env("DORA_COORDINATOR_PORT", self.port.to_string()).env("RUST_BACKTRACE", "0");
        command.env_remove("DORA_AUTH_TOKEN").env_remove("XDG_CONFIG_HOME").stdin(Stdio::null());
        command
    }

    /// Runs a command, which must succeed, and gives what it printed on both streams.
    pub fn run(&self, words: &str) -> String {
        let (succeeded, printed) = self.output(words);
        assert!(succeeded, "dora {words}\n{printed}");
        printed
    }

    /// Runs a command that must fail, and gives what it printed.
    pub fn fails(&self, words: &str) -> String {
        let (succeeded, printed) = self.output(words);
        assert!(!succeeded, "dora {words} did not fail\n{printed}");
        printed
    }

    /// Whether a command succeeds now.
    pub fn succeeds(&self, words: &str) -> bool {
        self.output(words).0
    }

    fn output(&self, words: &str) -> (bool, String) {
        let mut command = self.command(&words.split(' ').collect::<Vec<_>>());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        finish(child, words)
    }
}

/// Waits for a program and gives what it printed; one that hangs is killed and fails the test.
fn finish(child: Child, shown: &str) -> (bool, String) {
    let pid = child.id();
    let (told, waited) = std::sync::mpsc::channel();
    std::thread::spawn(move || told.send(child.wait_with_output()));
    let output = waited.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
        panic!("dora {shown} did not end within {PATIENCE:?}");
    });
    let output = output.unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&printed).into_owned())
}

/// Runs a command again and again until what it prints is right.
fn eventually(cli: &Cli, words: &str, right: impl Fn(&str) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let printed = cli.run(words);
        if right(&printed) {
            return;
        }
        assert!(Instant::now() < deadline, "dora {words} went on to print\n{printed}");
    }
}

/// A daemon with the flow `demo` in it, and the CLI that is pointed at it.
async fn served() -> (World, Cli) {
    let world = World::new();
    let daemon = daemon::ensure(&world.daemon()).await.unwrap();
    let cli = Cli::new(port_of(&daemon.address.unwrap()));
    world.fleet().start_detached(world.start("demo")).await.unwrap();
    (world, cli)
}

pub fn port_of(address: &str) -> u16 {
    address.trim_end_matches("/api/control").rsplit(':').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_cli_looks_at_our_flows() {
    let (world, cli) = served().await;
    let listed = cli.run("list");
    assert!(listed.contains("demo") && listed.contains("Running"), "{listed}");
    let row: serde_json::Value = serde_json::from_str(&cli.run("list --format json")).unwrap();
    assert_eq!((row["name"].as_str(), row["nodes"].as_u64()), (Some("demo"), Some(2)), "{row}");
    assert_eq!(cli.run("list --status failed -q"), "");

    let nodes = cli.run("node list -d demo");
    assert!(nodes.contains("counter") && nodes.contains("Running"), "{nodes}");
    let node: serde_json::Value = serde_json::from_str(&cli.run("node info counter -d demo -f json")).unwrap();
    assert!(node.to_string().contains("sink/number"), "{node}");
    for words in ["top --once", "inspect top --once"] {
        let top: serde_json::Value = serde_json::from_str(&cli.run(words)).unwrap();
        assert_eq!(top[0]["metrics"]["status"], "running", "{top}");
        assert!(top[0]["metrics"]["pid"].as_u64().unwrap() > 0, "{top}");
    }
    let status: serde_json::Value = serde_json::from_str(&cli.run("status -f json")).unwrap();
    assert_eq!(status["active_dataflows"], 1, "{status}");
    assert!(cli.run("doctor").contains("All checks passed"));
    assert!(cli.run("trace list").contains("No traces"));
    assert!(cli.fails("trace view 00").contains("no trace"));
    let topics = cli.run("topic list -d demo --format json");
    assert!(topics.contains("number") && topics.contains("sink"), "{topics}");

    let logs = cli.run("logs demo -n counter --tail 5");
    assert!(logs.contains("counting"), "{logs}");
    let logs = cli.run("logs demo --all-nodes --log-format json");
    assert!(logs.contains(r#""node_id":"counter""#), "{logs}");
    daemon::stop(&world.store, false, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_cli_starts_attaches_restarts_stops_and_cleans() {
    let (world, cli) = served().await;
    let flow = world.file().display().to_string();
    let started = cli.run(&format!("start {flow} --name second --detach --env COLOR=blue"));
    assert!(started.contains("dataflow started"), "{started}");
    assert!(cli.run("list --name second").contains("Running"));
    let taken = cli.fails(&format!("start {flow} --name second --detach"));
    assert!(taken.contains("DORA_E004") && taken.contains("second"), "{taken}");
    let built = cli.run(&format!("build {flow}"));
    assert!(built.contains("counter"), "{built}");

    let short = world.file().with_file_name("short.yml");
    let text = "
nodes:
  - {id: a, path: dora-builtin, args: counter --rate 200 --count 100, outputs: [n]}
  - {id: b, path: dora-builtin, args: sink --report 100ms, inputs: {n: a/n}}
";
    std::fs::write(&short, text).unwrap();
    let attached = cli.run(&format!("start {} --name short --attach", short.display()));
    assert!(attached.contains("counted") && attached.contains("messages"), "{attached}");
    std::fs::write(&short, text.replace("--rate 200", "--rate nonsense")).unwrap();
    let failed = cli.fails(&format!("start {} --name broken --attach", short.display()));
    assert!(failed.contains('a'), "{failed}");

    let restarted = cli.run("restart second");
    assert!(restarted.contains("dataflow restarted"), "{restarted}");
    let follower = cli.command(&["logs", "second", "-n", "counter", "--follow"]);
    let mut follower = { follower }.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(follower.stdout.take().unwrap()));
    assert!(lines.next().unwrap().unwrap().contains("counting"));
    cli.run("node restart counter -d second");
    // What the node says as it stops comes as it is said.
    assert!(lines.next().unwrap().unwrap().contains("counted"));
    follower.kill().unwrap();
    follower.wait().unwrap();

    cli.run("stop second --grace-duration 5s");
    assert!(cli.fails("stop second").contains("second"));
    assert!(cli.fails("stop nobody").contains("DORA_E030"));
    let cleaned = cli.run("clean");
    assert!(cleaned.contains("second") && cleaned.contains("short"), "{cleaned}");
    assert_eq!(world.fleet().handle().list(true).await.unwrap().len(), 1, "demo alone is left");
    cli.run("stop --all");
    let down = cli.run("down");
    assert!(down.contains("destroyed"), "{down}");
    crate::world::until("the daemon is gone", || daemon::find(&world.store).unwrap().is_none());
    assert!(cli.fails("list").contains("Connection refused"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_cli_changes_nodes_edges_and_parameters_while_they_run() {
    let (world, cli) = served().await;
    assert!(cli.run("param set counter rate 30 -d demo").contains("rate"));
    assert!(cli.run("param list counter -d demo").contains("rate = 30"));
    assert_eq!(cli.run("param get counter rate -d demo").trim(), "30");
    assert!(cli.run("param delete counter rate -d demo").contains("rate"));
    assert!(cli.fails("param get counter rate -d demo").contains("DORA_E021"));

    let added = world.file().with_file_name("node.yml");
    std::fs::write(&added, "{id: late, path: dora-builtin, args: sink, inputs: {number: counter/number}}").unwrap();
    cli.run(&format!("node add -d demo --from-yaml {}", added.display()));
    assert!(cli.run("topic list -d demo").contains("late/number"));
    cli.run("node disconnect counter/number late/number -d demo");
    assert!(!cli.run("topic list -d demo").contains("late/number"));
    assert!(cli.fails("node disconnect counter/number late/number -d demo").contains("DORA_E020"));
    cli.run("node connect counter/number late/number -d demo");
    assert!(cli.run("topic list -d demo").contains("late/number"));
    cli.run(&format!("node replace late -d demo --from-yaml {}", added.display()));
    cli.run("node remove late -d demo --grace 2s");
    assert!(!cli.run("node list -d demo").contains("late"));

    cli.run("node restart counter -d demo");
    assert!(cli.fails("node restart nobody -d demo").contains("nobody"));
    cli.run("node stop sink -d demo --grace 2s");
    eventually(&cli, "node list -d demo", |nodes| nodes.contains("Stopped"));

    let refused = cli.fails("down");
    assert!(refused.contains("still running"), "{refused}");
    cli.run("down --force");
    crate::world::until("the daemon is gone", || daemon::find(&world.store).unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_cli_looks_into_topics_and_publishes() {
    let (world, cli) = served().await;
    let echoed = cli.run("topic echo -d demo counter/number --count 3 --format json");
    let lines: Vec<serde_json::Value> = echoed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert_eq!(lines.len(), 3, "{echoed}");
    assert_eq!(lines[0]["name"], "counter/number", "{echoed}");
    let table = cli.run("topic echo -d demo --count 1");
    assert!(table.contains("counter/number"), "{table}");
    let rates = cli.run("topic hz -d demo counter/number --duration 2");
    assert!(rates.contains("counter/number"), "{rates}");
    let info = cli.run("topic info -d demo counter/number --duration 1");
    assert!(info.contains("sink"), "{info}");

    // Nothing feeds the listener but what is published.
    let file = world.file().with_file_name("quiet.yml");
    let text = "
nodes:
  - {id: tick, path: dora-builtin, args: sink --report 0s, inputs: {t: dora/timer/secs/1}, outputs: [said]}
  - {id: listener, path: dora-builtin, args: sink --report 100ms, inputs: {said: tick/said}}
";
    std::fs::write(&file, text).unwrap();
    cli.run(&format!("start {} --name quiet --detach", file.display()));
    assert!(cli.run("topic pub -d quiet tick/said 42 --count 4").to_lowercase().contains("publish"));
    eventually(&cli, "logs quiet -n listener", |logs| logs.contains("said: 4 messages"));
    assert!(cli.fails("topic pub -d quiet tick/nothing 42").contains("nothing"));
    assert!(cli.fails("topic echo -d quiet tick/nothing --count 1").contains("nothing"));
    daemon::stop(&world.store, false, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shells_own_runtime_is_not_ended_by_the_real_cli() {
    let world = World::new();
    let fleet = world.fleet();
    fleet.handle().start(StartOptions { name: Some("mine".into()), ..StartOptions::file(world.file()) }).await.unwrap();
    let row = world.store.runtimes().unwrap().remove(0);
    let cli = Cli::new(port_of(&row.address.unwrap()));
    assert!(cli.run("list").contains("mine"));
    assert!(cli.fails("down --force").contains("DORA_E055"));
    fleet.handle().shutdown(false).await.unwrap();
}
