//! What comes before the first start of nodes: their sources and their build commands.
//!
//! Nodes are built one after the other, since installers get in each other's way. What is dropped before its end is
//! cancelled: the processes it has started are killed with all that they started.
//!
//! - [`command`] – one command, with what it prints in the log of its node
//! - [`download`] – a program from a web address
//! - [`git`] – a directory for each commit that a node is to run from

pub mod command;
pub mod download;
pub mod git;

use std::sync::Arc;

use diag::{Diagnostic, Result, codes};
use sha2::{Digest, Sha256};

use super::dataflow::Dataflow;
use super::process;
use crate::descriptor::plan::PlannedNode;
use crate::descriptor::resolve::{self, Place};
use crate::embedded::shared::Shared;
use crate::model::{BuildMode, LogLevel, Status, UnixNanos};
use command::Workshop;

/// A node that could not be built.
pub struct Failure {
    /// Its place in the plan.
    pub node: usize,
    pub why: String,
    pub error: Box<Diagnostic>,
}

/// Builds the nodes of a dataflow that is about to start, as far as that is needed.
pub async fn all(flow: &Arc<Dataflow>, shared: &Shared) -> Result<(), Failure> {
    let plan = flow.plan();
    if plan.nodes.iter().all(|planned| planned.build.is_empty()) {
        return Ok(());
    }
    tell(flow, shared.store().set_dataflow_status(flow.id.0, Status::Building.as_str()));
    tell(flow, flow.transition(Status::Building, ""));
    for (at, planned) in plan.nodes.iter().enumerate().filter(|(_, planned)| !planned.build.is_empty()) {
        tell(flow, flow.node_transition(at, Status::Building, ""));
        let began = UnixNanos::now();
        match node(flow, shared, planned.clone()).await {
            Ok((built, worked)) => {
                flow.change_plan(|plan| {
                    if let Some(old) = plan.nodes.get_mut(at) {
                        *old = built;
                    }
                });
                if worked && let Some(state) = flow.lock().nodes.get_mut(at) {
                    (state.started, state.ended) = (Some(began), Some(UnixNanos::now()));
                }
                tell(flow, flow.node_transition(at, Status::Created, if worked { "built" } else { "built before" }));
            }
            Err(error) => {
                if let Some(state) = flow.lock().nodes.get_mut(at) {
                    (state.started, state.ended) = (Some(began), Some(UnixNanos::now()));
                }
                let of_node = format!("node `{}` ", planned.id);
                let why = match error.message.strip_prefix(&of_node) {
                    Some(why) => why.to_string(),
                    None => format!("could not be built: {}", error.message),
                };
                return Err(Failure { node: at, why, error });
            }
        }
    }
    Ok(())
}

/// A store that cannot be written stops no build: it is said where it can be.
fn tell(flow: &Dataflow, result: Result<()>) {
    if let Err(error) = result {
        flow.journal.say(None, LogLevel::Error, format!("its state cannot be recorded: {error}"));
    }
}

/// Builds one node, as far as that is needed. Gives it with the directory and the program it has then, and whether
/// anything was built or fetched.
pub async fn node(flow: &Arc<Dataflow>, shared: &Shared, mut planned: PlannedNode) -> Result<(PlannedNode, bool)> {
    let (mode, store) = (flow.options.build, shared.store());
    let place = Place::of(&flow.options, &flow.working_dir, &shared.options.executable);
    let mut worked = false;
    if let Some(source) = &planned.build.git {
        let workshop = Workshop::new(flow, shared, &planned);
        let checkout = git::checkout(&workshop, source, mode).await?;
        worked = checkout.is_new;
        planned.working_dir = checkout.directory;
    }
    if let Some(source) = &planned.build.download {
        let fetched = download::fetch(&Workshop::new(flow, shared, &planned), source, mode).await?;
        worked |= fetched.is_new;
        planned.fetched = Some(fetched.file);
    }
    let key = key(&planned);
    let there = || resolve::program(&planned, &place).is_ok();
    let needed = match mode {
        BuildMode::Always => true,
        BuildMode::Never => false,
        BuildMode::Needed => !store.is_built(&key)? || !there(),
    };
    if needed && !planned.build.commands.is_empty() {
        let workshop = Workshop::new(flow, shared, &planned);
        for command in &planned.build.commands {
            workshop.say(LogLevel::Info, format!("builds it: {}", command.line));
            let environment = process::build_environment(&planned);
            let ran = workshop.run(&command.words, &planned.working_dir, &environment).await;
            ran.map_err(|failed| {
                let message = format!("node `{}` could not be built: `{}` {}", planned.id, command.line, failed.how);
                let error = Diagnostic::new(codes::NODE_BUILD_FAILED, message);
                let error = match failed.stderr.as_slice() {
                    [] => error.help("it printed nothing on its standard error"),
                    lines => {
                        let count = lines.len();
                        error.cause_with(format!("the last lines of its standard error, of {count}"), failed.stderr)
                    }
                };
                error.next(format!("dataflow logs {} --node {}", flow.id, planned.id))
            })?;
        }
        store.record_build(&key, jiff::Timestamp::now())?;
        worked = true;
    } else if !planned.build.commands.is_empty() && mode == BuildMode::Needed {
        let text = "it was built before by the same commands in the same directory".to_string();
        flow.journal.say(Some(&planned.id), LogLevel::Info, text);
    }
    planned.program = resolve::program(&planned, &place).map_err(|error| match mode {
        BuildMode::Never => error.help("it may have to be built first: leave `--no-build` out"),
        _ => error.help(format!("its build was to make it, in {}", planned.working_dir.display())),
    })?;
    Ok((planned, worked))
}

/// What makes two builds the same. The revision of a git source is in its directory's name.
fn key(planned: &PlannedNode) -> String {
    let mut hash = Sha256::new();
    hash.update(planned.working_dir.as_os_str().as_encoded_bytes());
    for command in &planned.build.commands {
        for word in &command.words {
            hash.update([0]);
            hash.update(word);
        }
        hash.update([0, 0]);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
