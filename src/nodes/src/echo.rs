//! Sends on what it receives: the payload as it came, with its parameters.

use std::ops::ControlFlow;

use clap::{Arg, ArgMatches, Command};
use diag::Result;
use dora_message::daemon_to_node::NodeEvent;
use dora_message::id::DataId;

use crate::client::Node;
use crate::log::{Level, line};
use crate::pace::consume;

pub(crate) fn declare() -> Command {
    Command::new("echo")
        .about("Sends on every message it receives: on the output that has the input's name, else on its only one")
        .arg(Arg::new("output").long("output").value_name("NAME").help("The output for every input"))
}

pub(crate) fn run(matches: &ArgMatches, mut node: Node) -> Result<()> {
    let named: Option<&String> = matches.get_one("output");
    let fallback = match (named, node.outputs().first()) {
        (None, Some(only)) if node.outputs().len() == 1 => Some(only.clone()),
        // Every input may have an output of its own name; one that has none is told below.
        (None, _) => None,
        (Some(_), _) => Some(node.choose_output(named)?),
    };
    let target = |node: &Node, input: &DataId| match named {
        Some(_) => fallback.clone(),
        None => node.outputs().get(input).cloned().or_else(|| fallback.clone()),
    };
    let without: Vec<String> =
        node.inputs().filter(|(id, _)| target(&node, id).is_none()).map(|(id, _)| id.to_string()).collect();
    if !without.is_empty() {
        let fields = [("inputs", without.join(", "))];
        line(Level::Warn, "echo", "some inputs have no output to go to and are only read", &fields);
    }
    line(Level::Info, "echo", "echoing", &[]);
    let mut messages: u64 = 0;
    consume(&mut node, |node, event| {
        if let NodeEvent::Input { id, metadata, data } = event
            && let Some(output) = target(node, &id)
        {
            messages += 1;
            let data = data.map(|shared| std::sync::Arc::try_unwrap(shared).unwrap_or_else(|held| (*held).clone()));
            node.forward(&output, metadata.parameters.clone(), data)?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    line(Level::Info, "echo", "done", &[("messages", messages.to_string())]);
    node.close()
}
