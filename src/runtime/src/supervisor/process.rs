//! One process of a node: its environment, its output, its end.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use dora_message::daemon_to_node::{DaemonCommunication, NodeConfig, OutputRouting, RuntimeConfig};
use dora_message::id::DataId;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use store::ProcessId;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use super::dataflow::Dataflow;
use super::paths::{self, Ways};
use crate::descriptor::plan::PlannedNode;
use crate::limits;
use crate::logs::line::{Reader, Splitter};
use crate::logs::payload;
use crate::model::{LogLevel, LogStream, NodeExit};

/// How long output may go on after its process has ended, held open by a process it left behind.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(1);

/// Never inherited, and not to be set by a descriptor: what would load code into a node, what is secret, and
/// what the runtime itself says to nodes.
const DENIED: &[&str] = &[
    "LD_PRELOAD",
    "LD_AUDIT",
    "DYLD_INSERT_LIBRARIES",
    "DORA_AUTH_TOKEN",
    "DORA_ALLOW_SHELL_NODES",
    "DORA_NODE_CONFIG",
    "DORA_RUNTIME_CONFIG",
    "DORA_ZENOH_LISTEN",
    "DORA_ZENOH_LISTEN_EXTRA",
    "DORA_ZENOH_CONNECT",
    "DORA_ZENOH_MULTICAST",
    crate::guard::MARK,
    "DORA_BUILTIN",
    crate::guard::ENVIRONMENT,
];

/// Inherited, but not to be set by a descriptor.
const INHERITED_ONLY: &[&str] = &[
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "ZENOH_CONFIG",
    "DORA_ZENOH_CONFIG_OVERLAY",
    "DORA_ZENOH_OPEN_TIMEOUT_MS",
];

/// With glibc's defaults every large message is a fresh mapping, and its page faults cost more than its copy. From
/// 32 MiB on it is the other way round: a mapping takes huge pages where programs ask for them, and the heap does not.
const MALLOC: &[(&str, &str)] = &[("MALLOC_MMAP_THRESHOLD_", "33554432"), ("MALLOC_TRIM_THRESHOLD_", "8589934592")];

/// Whether a descriptor or a caller may set this variable for a node.
pub fn may_set(variable: &str) -> bool {
    !DENIED.contains(&variable)
        && !INHERITED_ONLY.contains(&variable)
        && !variable.is_empty()
        && !variable.contains(['=', '\0'])
        && !variable.contains(char::is_whitespace)
}

/// A process that runs.
pub struct Running {
    pub id: ProcessId,
    child: Child,
    output: JoinSet<()>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    pub exit: Option<NodeExit>,
}

/// Starts the process of a node in a group of its own.
pub fn spawn(flow: &Arc<Dataflow>, node: usize, restarts: u32, address: SocketAddr) -> io::Result<Running> {
    let plan = flow.plan();
    let Some(planned) = plan.nodes.get(node) else { return Err(io::ErrorKind::NotFound.into()) };
    let program = planned.program.as_ref().ok_or_else(|| io::Error::other("nothing has built its program yet"))?;
    let mut command = std::process::Command::new(&program.path);
    if let Some(name) = &program.name {
        command.arg0(name);
    }
    command.args(&program.args).args(&planned.args).current_dir(&planned.working_dir).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env_clear().envs(environment(planned)).envs(wiring(flow, node, restarts, address)?);

    let mut child = on_processors(&planned.cpu_affinity, || Command::from(command).spawn())?;
    let pid = child.id().ok_or_else(|| io::Error::other("the process ended before it could be named"))?;
    limits::restore(pid);
    // A process that has ended already has no start time any more; its end is told by `wait`.
    let id = ProcessId::of(pid).unwrap_or(ProcessId { pid, started: 0 });
    let mut output = JoinSet::new();
    if let Some(stdout) = child.stdout.take() {
        output.spawn(capture(flow.clone(), stdout, keeper(node, LogStream::Stdout)));
    }
    if let Some(stderr) = child.stderr.take() {
        output.spawn(capture(flow.clone(), stderr, keeper(node, LogStream::Stderr)));
    }
    Ok(Running { id, child, output })
}

/// Starts something that may run on these processors only; on any when none is named. A process inherits this from
/// the thread that starts it, so that none of its threads ever runs elsewhere.
fn on_processors<T>(processors: &[usize], start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    if processors.is_empty() {
        return start();
    }
    let mut wanted = CpuSet::new();
    for processor in processors {
        if *processor >= CpuSet::MAX_CPU {
            return Err(io::Error::other(format!("there is no processor {processor} to run on")));
        }
        wanted.set(*processor);
    }
    let before = sched_getaffinity(None)?;
    sched_setaffinity(None, &wanted)
        .map_err(|error| io::Error::other(format!("it cannot run on processors {processors:?}: {error}")))?;
    let started = start();
    sched_setaffinity(None, &before)?;
    started
}

/// What a node's process finds in its environment, beside what the runtime says to it: this process's own variables
/// that are none of its secrets, then those that the plan has for it.
pub fn environment(planned: &PlannedNode) -> BTreeMap<String, String> {
    let inherited =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let mut variables: BTreeMap<String, String> =
        MALLOC.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    variables.extend(inherited.filter(|(name, _)| !DENIED.contains(&name.as_str())));
    let asked = planned.env.iter().filter(|(name, _)| may_set(name));
    variables.extend(asked.map(|(name, value)| (name.clone(), value.clone())));
    variables
}

/// What a node's build commands find in their environment: the node's own, with the programs of the virtual environment
/// that its Python would come from, so that what is installed is installed there.
pub fn build_environment(planned: &PlannedNode) -> BTreeMap<String, String> {
    let mut variables = environment(planned);
    if let Some(directory) = variables.get("VIRTUAL_ENV") {
        let path = variables.get("PATH").map(String::as_str).unwrap_or_default();
        let path = format!("{directory}/bin:{path}");
        variables.insert("PATH".to_string(), path);
    }
    variables
}

/// What the runtime says to a node through its environment.
fn wiring(
    flow: &Dataflow,
    node: usize,
    restart_count: u32,
    socket_addr: SocketAddr,
) -> io::Result<Vec<(&'static str, OsString)>> {
    let plan = flow.plan();
    let Some(planned) = plan.nodes.get(node) else { return Err(io::ErrorKind::NotFound.into()) };
    let Ways { routing, variables: ways } = paths::wiring_of(flow, node)?;
    let config = config(flow, planned, restart_count, socket_addr, routing);
    let (variable, config) = if planned.operators.is_empty() {
        ("DORA_NODE_CONFIG", serde_yaml::to_string(&config))
    } else {
        let config = RuntimeConfig { node: config, operators: planned.operators.clone() };
        ("DORA_RUNTIME_CONFIG", serde_yaml::to_string(&config))
    };
    let mut variables = vec![
        (variable, config.map_err(io::Error::other)?.into()),
        (crate::guard::MARK, std::process::id().to_string().into()),
        ("PYTHONUNBUFFERED", "1".into()),
    ];
    variables.extend(ways.into_iter().map(|(variable, value)| (variable, value.into())));
    let program = planned.program.as_ref().and_then(|program| program.name.as_deref());
    if program == Some(crate::descriptor::resolve::BUILTIN) {
        variables.push(("DORA_BUILTIN", "1".into()));
    }
    Ok(variables)
}

/// What a node is told of itself and its dataflow.
pub fn config(
    flow: &Dataflow,
    planned: &PlannedNode,
    restart_count: u32,
    socket_addr: SocketAddr,
    routing: BTreeMap<DataId, OutputRouting>,
) -> NodeConfig {
    NodeConfig {
        dataflow_id: flow.id.0,
        node_id: planned.id.clone(),
        run_config: planned.run_config.clone(),
        daemon_communication: Some(DaemonCommunication::Tcp { socket_addr }),
        dataflow_descriptor: flow.plan().descriptor.clone(),
        dynamic: planned.dynamic,
        write_events_to: None,
        restart_count,
        output_routing: Some(routing),
    }
}

impl Running {
    /// Waits for the end of the process and of what it printed.
    pub async fn wait(mut self) -> Ended {
        let status = self.child.wait().await;
        let said_all = async { while self.output.join_next().await.is_some() {} };
        // The tasks end with the set when the time is over.
        let _ = tokio::time::timeout(LAST_WORDS, said_all).await;
        let exit = status
            .ok()
            .and_then(|status| status.code().map(NodeExit::Code).or_else(|| status.signal().map(NodeExit::Signal)));
        Ended { exit }
    }
}

/// Reads what a process prints, line by line, until it closes the pipe.
pub(super) async fn capture(
    flow: Arc<Dataflow>,
    mut pipe: impl AsyncRead + Unpin,
    mut keep: impl FnMut(&Dataflow, &str),
) {
    let mut chunk = vec![0; 64 * 1024];
    let mut splitter = Splitter::default();
    loop {
        match pipe.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(count) => {
                splitter.feed(chunk.get(..count).unwrap_or_default(), |line| keep(&flow, &line));
                if let Err(error) = flow.journal.flush() {
                    flow.notice(None, LogLevel::Error, format!("its logs cannot be written: {error}"));
                }
            }
        }
    }
    splitter.end(|line| keep(&flow, &line));
    let _ = flow.journal.flush();
}

/// Keeps the lines of one stream of a node.
fn keeper(node: usize, stream: LogStream) -> impl FnMut(&Dataflow, &str) {
    let mut reader = Reader::new(stream);
    move |flow, line| keep(flow, node, stream, line, &mut reader)
}

fn keep(flow: &Dataflow, node: usize, stream: LogStream, text: &str, reader: &mut Reader) {
    let plan = flow.plan();
    let Some(planned) = plan.nodes.get(node) else { return };
    if stream == LogStream::Stderr {
        flow.remember_stderr(node, text);
    }
    if let Some(output) = &planned.logs.send_stdout_as
        && let Some(message) = payload::text(text, &flow.clock)
    {
        flow.router.send_as(node, output, &message);
    }
    let line = reader.read(text);
    let kept = match planned.logs.min_level {
        None | Some(LogLevel::Stdout) => true,
        Some(min) => line.level != LogLevel::Stdout && line.level <= min,
    };
    if !kept {
        return;
    }
    let record = flow.journal.printed(&planned.id, stream, line);
    let wanted = flow.router.wants_logs(Some(&planned.id), record.level);
    if !wanted && planned.logs.send_logs_as.is_none() {
        return;
    }
    let Some(message) = payload::record(&record, &flow.clock) else { return };
    if let Some(output) = &planned.logs.send_logs_as {
        flow.router.send_as(node, output, &message);
    }
    if wanted {
        flow.router.log(Some(&planned.id), record.level, &message);
    }
}
