//! What is built and fetched before nodes start.

use std::path::{Path, PathBuf};
use std::process::Command;

use diag::codes;
use futures::StreamExt;
use runtime::model::{BuildMode, LogQuery, LogStream, StartOptions, Status, StopOptions, WaitCondition};

use crate::world::{PATIENCE, World, until};

/// A program that comes to its end without being a node: it waits for nothing and the dataflow fails, which tells that
/// the build before it was done.
const PROGRAM: &str = "#!/bin/sh\necho it runs >&2\n";

fn build_only(file: &Path) -> StartOptions {
    StartOptions { build_only: true, ..StartOptions::file(file) }
}

fn lines(file: &Path) -> Vec<String> {
    std::fs::read_to_string(file).unwrap_or_default().lines().map(str::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_run_in_order_in_the_nodes_directory_and_environment_and_make_its_program() {
    let world = World::new();
    let yaml = "\
env: {SHARED: from the dataflow}
nodes:
  - id: maker
    path: made.sh
    env: {OWN: from the node}
    deploy: {working_dir: workshop}
    build: |
      sh -c 'echo \"$SHARED, $OWN\"'

      sh -c 'echo complaint >&2'
      cp ../template.sh made.sh
      chmod +x made.sh
";
    let file = world.write(yaml, &[("template.sh", PROGRAM)]);
    let built = world.handle.start(build_only(&file)).await.unwrap();
    assert_eq!(built.status, Status::Finished);
    assert!(world.root.path().join("workshop/made.sh").is_file());

    let records = world.handle.logs(LogQuery::new(built.id)).await.unwrap();
    let records: Vec<_> = records.map(|record| record.unwrap()).collect().await;
    let said = |stream| {
        let of_node = records.iter().filter(|record| record.node.is_some() && record.stream == stream);
        of_node.map(|record| record.message.clone()).collect::<Vec<_>>()
    };
    assert_eq!(said(LogStream::Stdout), ["from the dataflow, from the node"]);
    assert_eq!(said(LogStream::Stderr), ["complaint"]);
    assert_eq!(said(LogStream::Runtime).len(), 4);

    let error = world.handle.start(StartOptions::file(&file)).await.unwrap_err();
    assert_eq!(error.code, codes::NODE_DIED_AT_START, "it was started: {error:?}");
    assert_eq!(error.causes[0].detail, ["it runs"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_built_is_not_built_again_unless_its_commands_change_or_its_program_is_gone() {
    let world = World::new();
    let count = world.root.path().join("count");
    let yaml = |line: &str| {
        format!(
            "nodes:\n  - id: a\n    path: made.sh\n    build: |\n      sh -c 'echo {line} >> count'\n      cp template.sh made.sh\n      chmod +x made.sh\n"
        )
    };
    let file = world.write(&yaml("one"), &[("template.sh", PROGRAM)]);
    let start = async |options: StartOptions| world.handle.start(options).await;

    start(build_only(&file)).await.unwrap();
    start(build_only(&file)).await.unwrap();
    assert_eq!(lines(&count), ["one"]);

    start(StartOptions { build: BuildMode::Always, ..build_only(&file) }).await.unwrap();
    assert_eq!(lines(&count), ["one", "one"]);

    world.write(&yaml("two"), &[]);
    start(StartOptions { build: BuildMode::Never, ..build_only(&file) }).await.unwrap();
    assert_eq!(lines(&count), ["one", "one"], "`never` skips");
    start(build_only(&file)).await.unwrap();
    assert_eq!(lines(&count), ["one", "one", "two"], "other commands are another build");

    std::fs::remove_file(world.root.path().join("made.sh")).unwrap();
    let error = start(StartOptions { build: BuildMode::Never, ..build_only(&file) }).await.unwrap_err();
    assert_eq!(error.code, codes::PROGRAM_NOT_FOUND);
    assert!(error.help.as_deref().unwrap_or_default().contains("--no-build"), "{error:?}");
    start(build_only(&file)).await.unwrap();
    assert_eq!(lines(&count).len(), 4, "what is gone is built again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_line_fails_the_dataflow_with_its_last_words_and_nothing_starts() {
    let world = World::new();
    let yaml = "\
nodes:
  - {id: other, path: never.sh}
  - id: broken
    path: never.sh
    build: |
      sh -c 'echo no compiler here >&2; exit 4'
      touch later
";
    let file = world.write(yaml, &[("never.sh", "#!/bin/sh\ntouch started\n")]);
    make_executable(&world.root.path().join("never.sh"));
    let error = world.handle.start(StartOptions::file(&file)).await.unwrap_err();
    assert_eq!(error.code, codes::NODE_BUILD_FAILED);
    assert!(error.message.contains("`broken`") && error.message.contains("exit code 4"), "{error:?}");
    assert_eq!(error.causes[0].detail, ["no compiler here"]);
    assert!(!world.root.path().join("later").exists(), "the lines after it are not run");
    assert!(!world.root.path().join("started").exists(), "no node is started");

    let failed = world.handle.list(true).await.unwrap().remove(0);
    assert_eq!((failed.status, failed.culprit.unwrap().to_string()), (Status::Failed, "broken".to_string()));
    let nodes = world.handle.inspect(failed.id).await.unwrap().nodes;
    assert_eq!(nodes.iter().map(|node| node.status).collect::<Vec<_>>(), [Status::Stopped, Status::Failed]);
    assert!(world.store.live_node_processes().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_not_there_fails_the_build_and_one_that_the_build_does_not_make_is_told() {
    let world = World::new();
    let file = world.write("nodes:\n  - {id: a, path: x.sh, build: no-such-installer --all}\n", &[]);
    let error = world.handle.start(StartOptions::file(&file)).await.unwrap_err();
    assert_eq!(error.code, codes::NODE_BUILD_FAILED);
    assert!(error.message.contains("could not be run"), "{error:?}");

    let file = world.write("nodes:\n  - {id: a, path: x.sh, build: 'true'}\n", &[]);
    let error = world.handle.start(StartOptions::file(&file)).await.unwrap_err();
    assert_eq!(error.code, codes::PROGRAM_NOT_FOUND);
    assert!(error.help.as_deref().unwrap_or_default().contains("its build was to make it"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_the_build_with_all_it_has_started_and_the_list_says_building_until_then() {
    let world = World::new();
    let yaml = "nodes:\n  - id: slow\n    path: x.sh\n    build: sh -c 'sleep 1000 & echo $! > pid; wait'\n";
    let file = world.write(yaml, &[]);
    let flow = world.handle.start(StartOptions { wait: false, ..StartOptions::file(&file) }).await.unwrap();
    let pid = world.root.path().join("pid");
    until("the build runs", || !lines(&pid).is_empty()).await;
    let info = world.handle.list(false).await.unwrap().remove(0);
    assert_eq!(info.status, Status::Building);
    assert_eq!(world.handle.inspect(flow.id).await.unwrap().nodes[0].status, Status::Building);
    assert_eq!(world.handle.pause(flow.id, false).await.unwrap_err().code, codes::WRONG_STATE);

    let stopped = world.handle.stop(flow.id, StopOptions::default()).await.unwrap();
    assert_eq!(stopped.status, Status::Stopped);
    let process = format!("/proc/{}/stat", lines(&pid)[0]);
    let runs = || std::fs::read_to_string(&process).is_ok_and(|stat| !stat.contains(") Z"));
    until("what the build started has ended", || !runs()).await;
    assert!(world.store.live_node_processes().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_nobody_waits_for_any_more_is_not_built_to_its_end() {
    let world = World::new();
    let yaml = "nodes:\n  - id: slow\n    path: x.sh\n    build: sh -c 'touch begun; sleep 1000'\n";
    let file = world.write(yaml, &[]);
    let starting = tokio::spawn({
        let handle = world.handle.clone();
        let options = StartOptions::file(&file);
        async move { handle.start(options).await }
    });
    let begun = world.root.path().join("begun");
    until("the build runs", || begun.exists()).await;
    starting.abort();
    let id = world.handle.list(true).await.unwrap().remove(0).id;
    let ended = world.handle.wait(id, WaitCondition::Ended, Some(PATIENCE)).await.unwrap();
    assert_eq!(ended.status, Status::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_joins_is_built_first_and_one_that_cannot_be_changes_nothing() {
    let world = World::new();
    let file = world.write("nodes:\n  - {id: guest, path: dynamic}\n", &[("template.sh", PROGRAM)]);
    let flow = world.handle.start(StartOptions::file(&file)).await.unwrap();
    let broken = "id: late\npath: made.sh\nbuild: sh -c 'echo no >&2; exit 2'\n";
    let error = world.handle.add_node(flow.id, broken.into()).await.unwrap_err();
    assert_eq!(error.code, codes::NODE_BUILD_FAILED);
    assert_eq!(world.handle.list(false).await.unwrap()[0].nodes, 1);
    let late = "id: late\npath: made.sh\nbuild: |\n  cp template.sh made.sh\n  chmod +x made.sh\n";
    let error = world.handle.add_node(flow.id, late.into()).await.unwrap_err();
    assert_eq!(error.code, codes::NODE_DIED_AT_START, "it was built and started: {error:?}");
    assert_eq!(error.causes[0].detail, ["it runs"]);
    world.handle.shutdown(false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_nine_of_the_shell_ends_a_build_too() {
    let world = World::new();
    let yaml = "nodes:\n  - id: slow\n    path: x.sh\n    build: sh -c 'sleep 1000 & echo $! > pid; wait'\n";
    let file = world.write(yaml, &[]);
    let mut shell = Command::new(env!("CARGO_BIN_EXE_runtime-host"))
        .arg(&file)
        .env("DORA_HOME", world.root.path().join("home"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let pid = world.root.path().join("pid");
    until("the build runs", || !lines(&pid).is_empty()).await;
    shell.kill().unwrap();
    shell.wait().unwrap();
    let process = format!("/proc/{}/stat", lines(&pid)[0]);
    let runs = || std::fs::read_to_string(&process).is_ok_and(|stat| !stat.contains(") Z"));
    until("what the build started has ended", || !runs()).await;
}

fn make_executable(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A repository with a program that prints what it is, in a first version that is tagged `v1`.
struct Repository(PathBuf);

impl Repository {
    fn new(world: &World) -> Self {
        let repository = Repository(world.root.path().join("upstream"));
        std::fs::create_dir(&repository.0).unwrap();
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository.commit("one");
        repository.git(&["tag", "v1"]);
        repository
    }

    fn git(&self, args: &[&str]) -> String {
        let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"];
        let output = Command::new("git").arg("-C").arg(&self.0).args(identity).args(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    }

    /// Commits another version; gives its hash.
    fn commit(&self, version: &str) -> String {
        let program = self.0.join("program.sh");
        std::fs::write(&program, format!("#!/bin/sh\necho version {version} >&2\n")).unwrap();
        make_executable(&program);
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "-m", version]);
        self.git(&["rev-parse", "HEAD"])
    }
}

/// What the program of the only node said, which is no node and so fails its dataflow.
async fn version(world: &World, source: &str, mode: BuildMode) -> String {
    let yaml = format!("nodes:\n  - id: a\n    path: program.sh\n    build: sh -c 'pwd >> built'\n{source}");
    let file = world.write(&yaml, &[]);
    let error = world.handle.start(StartOptions { build: mode, ..StartOptions::file(&file) }).await.unwrap_err();
    assert_eq!(error.code, codes::NODE_DIED_AT_START, "{error:?}");
    error.causes[0].detail[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_runs_from_the_branch_tag_or_revision_of_a_repository_and_a_branch_is_fetched_again() {
    let world = World::new();
    let repository = Repository::new(&world);
    let first = repository.git(&["rev-parse", "HEAD"]);
    let branch = "    git: upstream\n    branch: main\n";
    let needed = BuildMode::Needed;
    assert_eq!(version(&world, branch, needed).await, "version one");
    repository.commit("two");
    assert_eq!(version(&world, branch, BuildMode::Never).await, "version one");
    assert_eq!(version(&world, branch, needed).await, "version two");
    assert_eq!(version(&world, "    git: upstream\n    tag: v1\n", needed).await, "version one");
    assert_eq!(version(&world, "    git: upstream\n", needed).await, "version two");
    let by_address = format!("    git: file://{}\n    rev: '{}'\n", repository.0.display(), &first[..12]);
    assert_eq!(version(&world, &by_address, needed).await, "version one");

    // Each commit has been built once, in a directory of its own.
    let places: Vec<_> = std::fs::read_dir(world.store.home().cache().join("git")).unwrap().collect();
    assert_eq!(places.len(), 2, "a path and an address are two repositories: {places:?}");
    for place in places {
        for commit in std::fs::read_dir(place.unwrap().path()).unwrap() {
            let directory = commit.unwrap().path();
            let built = directory.join("built");
            if built.exists() {
                assert_eq!(lines(&built), [directory.display().to_string()]);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_or_revision_that_is_not_there_is_told_with_what_git_says() {
    let world = World::new();
    Repository::new(&world);
    for (source, said) in [
        ("    git: nowhere\n", "nowhere"),
        ("    git: upstream\n    branch: no-such\n", "has no branch `no-such`"),
        ("    git: upstream\n    rev: '0123456789'\n", "has no revision `0123456789`"),
    ] {
        let file = world.write(&format!("nodes:\n  - id: a\n    path: program.sh\n{source}"), &[]);
        let error = world.handle.start(StartOptions::file(&file)).await.unwrap_err();
        assert_eq!(error.code, codes::GIT_FAILED, "{error:?}");
        assert!(error.message.contains(said), "{error:?}");
        assert!(!error.causes[0].detail.is_empty(), "{error:?}");
    }
    let file = world.write("nodes:\n  - {id: a, path: program.sh, git: upstream}\n", &[]);
    let options = StartOptions { build: BuildMode::Never, ..StartOptions::file(&file) };
    let error = world.handle.start(options).await.unwrap_err();
    assert_eq!(error.code, codes::GIT_FAILED);
    assert!(error.message.contains("never fetched"), "{error:?}");
}

/// A web server that answers so many requests with this, then is gone. Gives its address.
fn server(answers: Vec<(&'static str, &'static str)>) -> (String, std::thread::JoinHandle<()>) {
    use std::io::{BufRead, BufReader, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        for (status, body) in answers {
            let (mut socket, _) = listener.accept().unwrap();
            let lines = BufReader::new(socket.try_clone().unwrap()).lines();
            lines.map_while(Result::ok).find(String::is_empty);
            let length = body.len();
            write!(socket, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").unwrap();
        }
    });
    (address, thread)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_from_a_web_address_is_fetched_once_and_only_if_its_sum_is_right() {
    const SUM: &str = "SUM";
    let world = World::new();
    let (address, thread) =
        server(vec![("404 Not Found", ""), ("200 OK", "#!/bin/sh\necho other\n"), ("200 OK", PROGRAM)]);
    let sum: String =
        <sha2::Sha256 as sha2::Digest>::digest(PROGRAM).iter().map(|byte| format!("{byte:02X}")).collect();
    let yaml = "nodes: [{id: a, path: 'ADDRESS/node.sh?v=1', path_sha256: SUM}]";
    let file = world.write(&yaml.replace("ADDRESS", &address).replace(SUM, &sum), &[]);
    for (words, of) in [("404", "a missing one"), ("`path_sha256` is", "another one")] {
        let error = world.handle.start(StartOptions::file(&file)).await.unwrap_err();
        assert_eq!(error.code, codes::NODE_BUILD_FAILED, "{of}");
        assert!(error.causes.iter().any(|cause| cause.title.contains(words)), "{of}: {error:?}");
    }
    let built = world.handle.start(build_only(&file)).await.unwrap();
    assert_eq!(built.status, Status::Finished);
    thread.join().unwrap();
    // Nobody is there to be asked any more.
    let error = world.handle.start(StartOptions::file(&file)).await.unwrap_err();
    assert_eq!(error.causes[0].detail, ["it runs"], "{error:?}");
    let again = StartOptions { build: BuildMode::Always, ..StartOptions::file(&file) };
    assert_eq!(world.handle.start(again).await.unwrap_err().code, codes::NODE_BUILD_FAILED);

    let wrong = world.write("nodes: [{id: a, path: 'http://x.example/a.sh', path_sha256: '12'}]", &[]);
    assert_eq!(world.handle.start(StartOptions::file(&wrong)).await.unwrap_err().code, codes::INVALID_DATAFLOW);
}
