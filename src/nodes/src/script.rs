//! A node whose program is written in the language of the shell: each message is given to it, and what it returns is sent.
//!
//! This crate knows no language. Whoever has one implements [`Language`] and hands it to [`main`](crate::main).

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use clap::{Arg, ArgMatches, Command};
use diag::{Diagnostic, Result, codes};
use dora_message::aligned_vec::AVec;
use dora_message::common::DataMessage;
use dora_message::daemon_to_node::NodeEvent;
use dora_message::id::DataId;
use dora_message::metadata::{FRAMING, FRAMING_ARROW_IPC, MetadataParameters, Parameter};

use crate::client::Node;
use crate::log::{Level, line};
use crate::pace::{consume, numbered};

pub(crate) const NAME: &str = "script";

/// A language that programs of nodes are written in.
pub trait Language {
    /// Reads and checks a program, and runs what stands outside of its functions.
    fn load(&self, file: &Path) -> Result<Box<dyn Program + '_>>;
    /// Tells of an error of a program, with the place it happened at.
    fn tell(&self, error: &Diagnostic);
}

/// A program of a node.
pub trait Program {
    /// Called once, when the dataflow runs.
    fn start(&mut self) -> Result<Vec<Sent>>;
    /// Called for each message.
    fn input(&mut self, message: Message<'_>) -> Result<Vec<Sent>>;
    /// Called once, when the dataflow ends or nothing more comes.
    fn stop(&mut self) -> Result<Vec<Sent>>;
}

/// A message that came.
pub struct Message<'a> {
    pub input: &'a str,
    /// An Arrow IPC stream; `None` when only the message's coming says something, such as a timer's.
    pub data: Option<&'a [u8]>,
    pub parameters: &'a MetadataParameters,
    /// When it was sent, in nanoseconds since the Unix epoch.
    pub sent: i64,
}

/// A message that is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub output: String,
    /// An Arrow IPC stream.
    pub data: Vec<u8>,
}

pub(crate) fn declare() -> Command {
    Command::new(NAME)
        .about("Runs a program in the shell's language: `export def on-input [event] { … }` returns its outputs")
        .arg(
            Arg::new("file")
                .value_name("FILE.dora")
                .required(true)
                .help("The program; `on-start` and `on-stop` are called if it has them"),
        )
}

/// Runs the node to its end; returns the exit code.
pub(crate) fn run(matches: &ArgMatches, language: &dyn Language) -> i32 {
    let file = matches.get_one::<String>("file").map(String::as_str).unwrap_or_default();
    match serve(file.as_ref(), language) {
        Ok(()) => 0,
        Err(error) => {
            language.tell(&error);
            1
        }
    }
}

fn serve(file: &Path, language: &dyn Language) -> Result<()> {
    // Before the node connects, so that a program with mistakes is one that dies at start.
    let mut program = language.load(file)?;
    let mut node = Node::from_env()?;
    line(Level::Info, NAME, "running", &[("file", file.display().to_string())]);
    let mut outputs = Outputs::default();
    outputs.send(&mut node, program.start()?)?;
    consume(&mut node, |node, event| {
        if let NodeEvent::Input { id, metadata, data } = event {
            let data = data.as_deref().map(|DataMessage::Vec(bytes)| &bytes[..]);
            let sent = metadata.timestamp().get_time().to_system_time();
            let sent = sent.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            let sent = i64::try_from(sent.as_nanos()).unwrap_or(i64::MAX);
            let message = Message { input: id.as_str(), data, parameters: &metadata.parameters, sent };
            outputs.send(node, program.input(message)?)?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    outputs.send(&mut node, program.stop()?)?;
    line(Level::Info, NAME, "done", &[("messages", outputs.0.values().sum::<u64>().to_string())]);
    node.close()
}

/// How many messages went on each output.
#[derive(Default)]
struct Outputs(BTreeMap<DataId, u64>);

impl Outputs {
    fn send(&mut self, node: &mut Node, messages: Vec<Sent>) -> Result<()> {
        for Sent { output, data } in messages {
            let Some(id) = node.outputs().iter().find(|id| id.as_str() == output).cloned() else {
                return Err(undeclared(node, &output));
            };
            let sent = self.0.entry(id.clone()).or_default();
            let mut parameters = numbered(*sent);
            *sent += 1;
            parameters.insert(FRAMING.to_string(), Parameter::String(FRAMING_ARROW_IPC.to_string()));
            let data = DataMessage::Vec(AVec::from_slice(128, &data));
            node.forward(&id, parameters, Some(data))?;
        }
        Ok(())
    }
}

fn undeclared(node: &Node, output: &str) -> Box<Diagnostic> {
    let known: Vec<String> = node.outputs().iter().map(ToString::to_string).collect();
    let error = Diagnostic::new(
        codes::NODE_CONNECTION,
        format!("the program of node `{}` returned `{output}`, and the node has no such output", node.id()),
    );
    if known.is_empty() {
        return error.help(format!("give it one in the dataflow file: `outputs: [{output}]`"));
    }
    error.help(format!("its outputs are {}; the fields of what is returned are named for them", known.join(", ")))
}
