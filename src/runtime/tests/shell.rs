//! What a node's process finds: its environment, its processors, and command lines where they are allowed.

use diag::codes;
use runtime::model::{StartOptions, Status};

use crate::world::{World, with_python};

fn allowed(file: &std::path::Path) -> StartOptions {
    StartOptions { allow_shell_nodes: true, ..StartOptions::file(file) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_line_runs_where_it_is_allowed_and_holds_nobody_up_when_it_is_done() {
    let world = World::new();
    let yaml = "\
nodes:
  - id: line
    path: shell
    args: echo \"$WORD $((1 + 2))\" && echo done; exit 0
    env: {WORD: sum}
  - id: node
    path: node.py
    inputs: {tick: dora/timer/millis/10}
";
    let node = "from dora import Node\nnext(iter(Node()))\nprint('ticked')\n";
    let file = world.write(yaml, &[("node.py", node)]);
    let error = world.handle.start(with_python(&file)).await.unwrap_err();
    assert_eq!(error.code, codes::SHELL_NODE_NOT_ALLOWED);
    assert!(error.help.as_deref().unwrap_or_default().contains("--allow-shell-nodes"), "{error:?}");

    let options = StartOptions { allow_shell_nodes: true, ..with_python(&file) };
    let flow = world.handle.start(options).await.unwrap();
    let mut printed = world.printed(flow.id).await;
    printed.sort();
    assert_eq!(printed, ["line: done", "line: sum 3", "node: ticked"]);
    assert_eq!(world.handle.inspect(flow.id).await.unwrap().info.status, Status::Finished);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_line_that_fails_before_all_are_ready_fails_its_dataflow() {
    let world = World::new();
    let file = world.write("nodes:\n  - {id: line, path: shell, args: 'echo no >&2; exit 3'}\n", &[]);
    let error = world.handle.start(allowed(&file)).await.unwrap_err();
    assert_eq!(error.code, codes::NODE_DIED_AT_START);
    assert_eq!(error.causes[0].detail, ["no"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_come_from_this_process_then_the_dataflow_then_the_caller_then_the_node() {
    let world = World::new();
    let yaml = "\
env: {A: flow, B: flow, C: flow, NUMBER: 7}
nodes:
  - id: line
    path: shell
    args: echo \"$A $B $C $NUMBER $HAS_PATH $OTHER $COST $SURE\"; test -n \"$PATH\" && echo inherited
    env: {C: node, HAS_PATH: 'x${PATH:-}x', OTHER: '${SURELY_UNSET:-default}', COST: '5$$', SURE: true}
";
    let file = world.write(yaml, &[]);
    let mut options = allowed(&file);
    options.env.extend([("B", "caller"), ("C", "caller")].map(|(name, value)| (name.to_string(), value.to_string())));
    let flow = world.handle.start(options).await.unwrap();
    let path = std::env::var("PATH").unwrap();
    let printed = world.printed(flow.id).await;
    assert_eq!(printed, [format!("line: flow caller node 7 x{path}x default 5$ true"), "line: inherited".to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_runs_on_the_processors_it_names_and_no_other_is_bound() {
    let world = World::new();
    let processors = rustix::thread::sched_getaffinity(None).unwrap();
    let first = (0..rustix::thread::CpuSet::MAX_CPU).find(|&processor| processors.is_set(processor)).unwrap();
    let yaml = format!(
        "nodes:\n  - {{id: bound, path: shell, args: grep Cpus_allowed_list /proc/self/status, cpu_affinity: [{first}]}}\n  \
         - {{id: free, path: shell, args: grep Cpus_allowed_list /proc/self/status}}\n"
    );
    let file = world.write(&yaml, &[]);
    let flow = world.handle.start(allowed(&file)).await.unwrap();
    let printed = world.printed(flow.id).await;
    assert!(printed.contains(&format!("bound: Cpus_allowed_list:\t{first}")), "{printed:?}");
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    let own = own.lines().find(|line| line.starts_with("Cpus_allowed_list")).unwrap();
    assert!(printed.contains(&format!("free: {own}")), "{printed:?}");

    let file = world.write("nodes:\n  - {id: bound, path: shell, args: 'true', cpu_affinity: [100000]}\n", &[]);
    let error = world.handle.start(allowed(&file)).await.unwrap_err();
    assert_eq!(error.code, codes::NODE_NOT_STARTED);
    assert!(error.causes[0].title.contains("no processor 100000"), "{error:?}");
}
