//! Built-in nodes: real processes that any dora-rs dataflow can use as `path: dora-builtin`, `args: camera`.
//!
//! [`main`] reads the name and arguments of one node, connects to the runtime that started it and runs it to
//! its end. The nodes stand on a small client of our own ([`client`]), written for `dora-message` alone, so
//! that the same YAML runs on a real dora-rs too.
//!
//! - [`client`] – a node's side of the protocol
//! - [`payload`] – Arrow arrays as messages
//! - [`pace`] – when a source sends
//! - [`log`] – structured lines on stdout
//! - [`amount`] – arguments such as `10` and `2s`
//! - [`camera`], [`counter`], [`imu`], [`lidar`]: sources
//! - [`echo`], [`sink`]: consumers
//! - [`script`] – a node whose program is written in the language
//! - [`fault`] – a node that misbehaves on purpose

pub mod amount;
pub mod camera;
pub mod client;
pub mod counter;
pub mod echo;
pub mod fault;
pub mod imu;
pub mod lidar;
pub mod log;
pub mod pace;
pub mod payload;
pub mod script;
pub mod sink;
mod wire;

use std::ffi::OsString;
use std::io::Write;

use clap::{ArgMatches, Command};
use diag::{Diagnostic, Result};

pub use client::Node;
pub use dora_message::metadata::Parameter;

/// The name a descriptor gives as `path:` and a process as its first argument.
pub const PROGRAM: &str = "dora-builtin";

/// One built-in node.
struct BuiltIn {
    /// Adds its description and arguments to the command that bears its name.
    declare: fn() -> Command,
    /// Runs it until its dataflow stops it or its work is done.
    run: fn(&ArgMatches, Node) -> Result<()>,
    /// Runs before the node connects; only `fault` has something to do then.
    before: fn(&ArgMatches),
}

const ALL: &[BuiltIn] = &[
    BuiltIn { declare: camera::declare, run: camera::run, before: nothing },
    BuiltIn { declare: counter::declare, run: counter::run, before: nothing },
    BuiltIn { declare: echo::declare, run: echo::run, before: nothing },
    BuiltIn { declare: fault::declare, run: fault::run, before: fault::before },
    BuiltIn { declare: imu::declare, run: imu::run, before: nothing },
    BuiltIn { declare: lidar::declare, run: lidar::run, before: nothing },
    BuiltIn { declare: sink::declare, run: sink::run, before: nothing },
];

fn nothing(_: &ArgMatches) {}

/// A built-in node, told to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    pub name: String,
    pub summary: String,
    pub arguments: Vec<Argument>,
}

/// An argument of a built-in node, told to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// As it is typed, `--rate`; what is told by its place alone has a name such as `FILE`.
    pub name: String,
    /// What follows it, `HZ`.
    pub takes: Option<String>,
    pub default: Option<String>,
    pub summary: String,
}

impl Argument {
    /// How it is typed: `[--rate HZ]`, `FILE`.
    pub fn usage(&self) -> String {
        match &self.takes {
            Some(takes) => format!("[{} {takes}]", self.name),
            None if self.name.starts_with('-') => format!("[{}]", self.name),
            None => self.name.clone(),
        }
    }
}

/// All built-in nodes.
pub fn described() -> Vec<Described> {
    let text = |text: Option<&clap::builder::StyledStr>| text.map(ToString::to_string).unwrap_or_default();
    let argument = |arg: &clap::Arg| {
        let names = arg.get_value_names().unwrap_or_default().join(" ");
        let takes = arg.get_action().takes_values().then(|| names.clone());
        let default: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        let (name, takes) = match arg.get_long() {
            Some(long) => (format!("--{long}"), takes),
            None => (names, None),
        };
        let default = (!default.is_empty()).then(|| default.join(" "));
        Argument { name, takes, default, summary: text(arg.get_help()) }
    };
    let described = |command: Command| Described {
        name: command.get_name().to_string(),
        summary: text(command.get_about()),
        arguments: command.get_arguments().map(argument).collect(),
    };
    declarations().map(described).collect()
}

fn declarations() -> impl Iterator<Item = Command> {
    ALL.iter().map(|one| (one.declare)()).chain([script::declare()])
}

/// Runs the built-in node that `args` name, the program's own name left out: `["camera", "--rate", "30"]`. Without a
/// language there is no node `script`.
///
/// Returns the exit code: 0 when the node came to its end, 1 when it failed, 2 when its arguments are wrong.
/// What went wrong is told on stderr.
pub fn main(args: Vec<OsString>, language: Option<&dyn script::Language>) -> i32 {
    let matches = match command().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => {
            // Nothing is left to be told when stderr itself is closed.
            let _ = error.print();
            return error.exit_code();
        }
    };
    let Some((name, arguments)) = matches.subcommand() else { return 2 };
    if let (script::NAME, Some(language)) = (name, language) {
        return script::run(arguments, language);
    }
    let Some(builtin) = ALL.iter().find(|one| (one.declare)().get_name() == name) else { return 2 };
    (builtin.before)(arguments);
    match Node::from_env().and_then(|node| (builtin.run)(arguments, node)) {
        Ok(()) => 0,
        Err(error) => {
            tell(name, &error);
            1
        }
    }
}

fn command() -> Command {
    Command::new(PROGRAM)
        .about("Runs one of the nodes that come with dora, inside a dataflow")
        .no_binary_name(true)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(declarations())
}

fn tell(name: &str, error: &Diagnostic) {
    let mut text = format!("{name}: {}: {error}\n", error.code.id());
    for cause in &error.causes {
        text.push_str(&format!("  because {}\n", cause.title));
    }
    if let Some(help) = &error.help {
        text.push_str(&format!("  help: {help}\n"));
    }
    let _ = std::io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declarations_are_sound() {
        command().debug_assert();
    }

    #[test]
    fn a_wrong_argument_is_exit_code_2_and_help_is_0() {
        let run = |args: &[&str]| main(args.iter().map(OsString::from).collect(), None);
        assert_eq!(run(&["camera", "--widht", "3"]), 2);
        assert_eq!(run(&["no-such-node"]), 2);
        assert_eq!(run(&["camera", "--help"]), 0);
    }

    #[test]
    fn every_node_and_argument_is_described() {
        let all = described();
        assert_eq!(all.len(), ALL.len() + 1);
        for node in &all {
            assert!(!node.summary.is_empty(), "{node:?}");
            let told = |argument: &Argument| argument.name.len() > 2 && !argument.summary.is_empty();
            assert!(node.arguments.iter().all(told), "{node:?}");
        }
        let camera = all.iter().find(|node| node.name == "camera").unwrap();
        let width = camera.arguments.iter().find(|argument| argument.name == "--width").unwrap();
        assert_eq!((width.usage().as_str(), width.default.as_deref()), ("[--width PIXELS]", Some("160")));
    }
}
