//! The commands of the shell: declarations, and thin bodies that call libraries.
//!
//! One folder per noun or group, one file per command or family of verbs; each folder lists its declarations
//! in a slice, and [`all`] gathers them. A command takes arguments in, calls a library, gives a table out.
//!
//! - [`context`] – where commands go
//! - [`dataflow`], [`node`], [`param`], [`topic`], [`daemon`]: what the runtime carries
//! - [`builtin`] – the nodes that come with `dora`
//! - [`filters`] – tables and lists
//! - [`strings`], [`binary`], [`math`]: texts, bytes and numbers
//! - [`formats`] – conversions, and values as text in a format
//! - [`files`] – files, directories and paths
//! - [`network`] – servers
//! - [`system`] – the machine, processes and jobs
//! - [`core`] – what the language needs besides its syntax
//! - [`mod@reference`] – the pages of `docs/reference`
//! - [`groups`] – what `group-by` gives
//! - [`live`] – what is known of the world while a line is typed
//! - [`rows`], [`cells`], [`set`], [`along`]: ways of going over the input that many commands share
//! - [`progress`] – what a long wait is shown with
//! - [`prose`] – pages of text for a terminal
//! - [`changes`] – what changing commands give; [`ask`], [`model`]: the runtime's answers as values

mod along;
mod ask;
pub mod binary;
pub mod builtin;
mod cells;
mod changes;
pub mod context;
pub mod core;
pub mod daemon;
pub mod dataflow;
pub mod files;
pub mod filters;
pub mod formats;
pub mod groups;
pub mod live;
pub mod math;
mod model;
pub mod network;
pub mod node;
pub mod param;
mod prelude;
mod progress;
mod prose;
pub mod reference;
mod rows;
mod set;
pub mod strings;
pub mod system;
pub mod topic;

use engine::{Alias, Command, Registry};

/// All declared commands.
pub fn all() -> Vec<&'static Command> {
    let tables = [
        filters::ALL,
        strings::ALL,
        binary::ALL,
        math::ALL,
        formats::ALL,
        files::ALL,
        network::ALL,
        system::ALL,
        core::ALL,
    ];
    let flows = [dataflow::ALL, node::ALL, param::ALL, topic::ALL, builtin::ALL, daemon::ALL, context::ALL];
    [tables.concat(), flows.concat()].concat()
}

/// Other names of commands: older ones, and those that other tools have.
pub const ALIASES: &[Alias] = &[
    Alias { name: "ps", target: "dataflow list", hint: true },
    Alias { name: "dataflows", target: "dataflow list", hint: true },
    Alias { name: "dataflow show", target: "dataflow inspect", hint: true },
    Alias { name: "dataflow delete", target: "dataflow remove", hint: true },
    Alias { name: "dataflow rm", target: "dataflow remove", hint: true },
    Alias { name: "dataflow check", target: "dataflow validate", hint: true },
    Alias { name: "build", target: "dataflow build", hint: false },
    Alias { name: "expand", target: "dataflow expand", hint: false },
    Alias { name: "graph", target: "dataflow graph", hint: false },
    Alias { name: "validate", target: "dataflow validate", hint: false },
    Alias { name: "nodes", target: "node list", hint: true },
    Alias { name: "topics", target: "topic list", hint: true },
    Alias { name: "topic inspect", target: "topic info", hint: true },
    Alias { name: "topic publish", target: "topic pub", hint: true },
    Alias { name: "up", target: "daemon start", hint: true },
    Alias { name: "down", target: "daemon stop", hint: true },
    Alias { name: "http", target: "http get", hint: false },
    Alias { name: "filter", target: "where", hint: false },
    Alias { name: "melt", target: "unpivot", hint: true },
    Alias { name: "slice", target: "range", hint: false },
    Alias { name: "str lowercase", target: "str downcase", hint: false },
    Alias { name: "str uppercase", target: "str upcase", hint: false },
    Alias { name: "from yml", target: "from yaml", hint: false },
    Alias { name: "to yml", target: "to yaml", hint: false },
    Alias { name: "from jsonl", target: "from ndjson", hint: false },
    Alias { name: "to txt", target: "to text", hint: false },
    Alias { name: "to jsonl", target: "to ndjson", hint: false },
];

/// The registry of a session.
pub fn registry() -> Registry {
    Registry::new(&all(), ALIASES)
}

#[cfg(test)]
mod promises;
#[cfg(test)]
mod tests;
