//! One command before the start of a node.

use std::collections::{BTreeMap, VecDeque};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use dora_message::id::NodeId;
use rustix::process::Signal;
use store::ProcessId;
use tokio::process::Command;
use tokio::time::timeout;

use crate::descriptor::plan::PlannedNode;
use crate::embedded::shared::Shared;
use crate::guard::{MARK, kill_group};
use crate::logs::line::Line;
use crate::model::{LogLevel, LogStream, NodeExit, UnixNanos};
use crate::records;
use crate::supervisor::dataflow::{Dataflow, LAST_LINES};
use crate::supervisor::process::{LAST_WORDS, capture};

/// Runs commands for one node.
pub struct Workshop<'a> {
    pub flow: &'a Arc<Dataflow>,
    pub shared: &'a Shared,
    pub node: &'a NodeId,
}

/// A command that did not do what it was to do.
pub struct Failed {
    /// `ended with exit code 1`, `could not be run: …`.
    pub how: String,
    /// The last lines of its standard error.
    pub stderr: Vec<String>,
}

/// A process group that is killed when nobody waits for it any more.
struct Group<'a> {
    workshop: &'a Workshop<'a>,
    process: ProcessId,
    exit: Option<NodeExit>,
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        let Workshop { flow, shared, .. } = self.workshop;
        kill_group(self.process.pid, Signal::KILL);
        // A guard or a store that is gone has been told of already.
        let _ = shared.guard(|guard| guard.remove(self.process.pid));
        let (code, signal) = match self.exit {
            Some(NodeExit::Code(code)) => (Some(code), None),
            Some(NodeExit::Signal(signal)) => (None, Some(signal)),
            None => (None, None),
        };
        let _ = shared.store().end_node_process(flow.id.0, self.process, jiff::Timestamp::now(), code, signal);
    }
}

impl<'a> Workshop<'a> {
    pub fn new(flow: &'a Arc<Dataflow>, shared: &'a Shared, planned: &'a PlannedNode) -> Self {
        Workshop { flow, shared, node: &planned.id }
    }

    /// Writes a line of the runtime's own into the log of the node.
    pub fn say(&self, level: LogLevel, text: String) {
        self.flow.journal.say(Some(self.node), level, text);
    }

    /// Runs a command to its end in a process group of its own, and gives what it printed on its standard output.
    /// Everything it prints is in the log of the node, line by line as it comes.
    pub async fn run(
        &self,
        words: &[String],
        directory: &Path,
        environment: &BTreeMap<String, String>,
    ) -> Result<Vec<String>, Failed> {
        let refused = |error: std::io::Error| Failed { how: format!("could not be run: {error}"), stderr: Vec::new() };
        let [program, args @ ..] = words else { return Ok(Vec::new()) };
        std::fs::create_dir_all(directory).map_err(refused)?;
        let mut command = std::process::Command::new(program);
        command.args(args).current_dir(directory).process_group(0).env_clear().envs(environment);
        command.env(MARK, std::process::id().to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Command::from(command).spawn().map_err(refused)?;
        let pid = child.id().unwrap_or_default();
        let process = ProcessId::of(pid).unwrap_or(ProcessId { pid, started: 0 });
        let mut group = Group { workshop: self, process, exit: None };
        if let Err(error) = self.shared.guard(|guard| guard.add(pid)) {
            self.say(LogLevel::Error, format!("its build is not guarded against a crash: {error}"));
        }
        let row = records::process(self.flow.id, self.node.to_string(), process, UnixNanos::now());
        if let Err(error) = self.shared.store().record_node_process(&row) {
            self.say(LogLevel::Error, format!("its state cannot be recorded: {error}"));
        }

        let (mut printed, mut complaints) = (VecDeque::new(), VecDeque::new());
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let status = {
            let out = async {
                if let Some(pipe) = stdout {
                    let keep = |_: &Dataflow, line: &str| self.keep(LogStream::Stdout, line, &mut printed);
                    capture(self.flow.clone(), pipe, keep).await;
                }
            };
            let err = async {
                if let Some(pipe) = stderr {
                    let keep = |_: &Dataflow, line: &str| self.keep(LogStream::Stderr, line, &mut complaints);
                    capture(self.flow.clone(), pipe, keep).await;
                }
            };
            let output = async { tokio::join!(out, err) };
            tokio::pin!(output);
            tokio::select! {
                biased;
                _ = &mut output => child.wait().await,
                status = child.wait() => {
                    // What it has left running may hold its output open.
                    let _ = timeout(LAST_WORDS, &mut output).await;
                    status
                }
            }
        };
        let status = status.map_err(refused)?;
        group.exit = status.code().map(NodeExit::Code).or_else(|| status.signal().map(NodeExit::Signal));
        match group.exit {
            Some(exit) if exit.is_success() => Ok(printed.into()),
            Some(exit) => Err(Failed { how: format!("ended with {exit}"), stderr: complaints.into() }),
            None => Err(Failed { how: "ended in an unknown way".to_string(), stderr: complaints.into() }),
        }
    }

    fn keep(&self, stream: LogStream, line: &str, last: &mut VecDeque<String>) {
        self.flow.journal.printed(self.node, stream, Line::parse(line));
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(line.chars().take(500).collect());
    }
}
