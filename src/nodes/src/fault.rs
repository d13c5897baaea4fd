//! Misbehaves on purpose, so that a dataflow, or a runtime, can be seen to cope.

use std::io::Write;
use std::process::exit;
use std::time::{Duration, Instant};

use clap::{Arg, ArgAction, ArgMatches, Command};
use diag::Result;
use dora_message::common::DataMessage;
use dora_message::daemon_to_node::NodeEvent;
use dora_message::id::DataId;
use dora_message::metadata::Metadata;

use crate::amount::{self, Amount};
use crate::client::{Next, Node};
use crate::log::{Level, line};

pub(crate) fn declare() -> Command {
    let amount = |name: &'static str| Arg::new(name).long(name).value_name("N|TIME").value_parser(Amount::parse);
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    Command::new("fault")
        .about("Sends on what it receives, and crashes, hangs, leaks or dawdles as it is told")
        .arg(amount("crash-after").help("Exit without goodbye after N messages (10) or a time (2s)"))
        .arg(flag("crash-at-start").help("Exit before it has connected"))
        .arg(
            Arg::new("exit-code")
                .long("exit-code")
                .value_name("CODE")
                .value_parser(clap::value_parser!(u8))
                .default_value("1")
                .help("The exit code of a crash"),
        )
        .arg(amount("hang-after").help("Do nothing more, not even stop, after N messages or a time"))
        .arg(flag("ignore-stop").help("Go on when asked to stop"))
        .arg(
            Arg::new("slow")
                .long("slow")
                .value_name("TIME")
                .value_parser(amount::duration)
                .help("Take this long over each message"),
        )
        .arg(
            Arg::new("leak")
                .long("leak")
                .value_name("BYTES")
                .value_parser(clap::value_parser!(u32))
                .help("Keep this much more memory with each message"),
        )
}

/// Crashes at the start if that is asked, before the runtime hears of the node.
pub(crate) fn before(matches: &ArgMatches) {
    if matches.get_flag("crash-at-start") {
        crash(matches, "at the start");
    }
}

pub(crate) fn run(matches: &ArgMatches, mut node: Node) -> Result<()> {
    let started = Instant::now();
    let asked = |name: &str| matches.get_one::<Amount>(name).copied();
    let (crash_after, hang_after) = (asked("crash-after"), asked("hang-after"));
    let deadline = [crash_after, hang_after]
        .into_iter()
        .filter_map(|amount| match amount? {
            // A time beyond the clock's end never comes.
            Amount::Time(time) => started.checked_add(time),
            Amount::Messages(_) => None,
        })
        .min();
    let mut leaked: Vec<Vec<u8>> = Vec::new();
    let mut messages = 0;
    line(Level::Info, "fault", "well, so far", &[("restarts", node.restarts().to_string())]);
    loop {
        let due = |amount: Option<Amount>| match amount {
            Some(Amount::Messages(count)) => messages >= count,
            Some(Amount::Time(time)) => started.elapsed() >= time,
            None => false,
        };
        if due(crash_after) {
            crash(matches, &format!("after {}", crash_after.map_or_else(String::new, Amount::told)));
        }
        if due(hang_after) {
            line(Level::Warn, "fault", "hanging on purpose", &[("messages", messages.to_string())]);
            loop {
                std::thread::park();
            }
        }
        let next = match deadline {
            Some(at) => node.next_event_before(at)?,
            None => node.next_event()?,
        };
        match next {
            Next::Event(NodeEvent::Stop) if matches.get_flag("ignore-stop") => {
                line(Level::Warn, "fault", "ignoring the stop on purpose", &[]);
            }
            Next::Ended | Next::Event(NodeEvent::Stop) => break,
            Next::Event(NodeEvent::Input { id, metadata, data }) => {
                messages += 1;
                if let Some(slow) = matches.get_one::<Duration>("slow") {
                    std::thread::sleep(*slow);
                }
                if let Some(bytes) = matches.get_one::<u32>("leak") {
                    // Filled, because memory that is never touched is never taken.
                    leaked.push(vec![1; *bytes as usize]);
                }
                send_on(&mut node, &id, &metadata, data.as_deref())?;
            }
            Next::Event(_) | Next::Deadline => {}
        }
    }
    line(Level::Info, "fault", "done", &[("messages", messages.to_string())]);
    node.close()
}

fn send_on(node: &mut Node, input: &DataId, metadata: &Metadata, data: Option<&DataMessage>) -> Result<()> {
    let only = node.outputs().first().filter(|_| node.outputs().len() == 1);
    match node.outputs().get(input).or(only).cloned() {
        Some(output) => node.forward(&output, metadata.parameters.clone(), data.cloned()),
        None => Ok(()),
    }
}

fn crash(matches: &ArgMatches, when: &str) -> ! {
    let code = matches.get_one::<u8>("exit-code").copied().unwrap_or(1);
    let _ = writeln!(std::io::stderr(), "fault: crashing on purpose {when}, exit code {code}");
    exit(code.into())
}
