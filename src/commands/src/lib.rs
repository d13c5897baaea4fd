//! The commands of the shell: declarations, and thin bodies that call libraries.
//!
//! One folder per noun or group, one file per command or family of verbs; each folder lists its declarations
//! in a slice, and [`all`] gathers them. A command takes arguments in, calls a library, gives a table out.
//!
//! - [`filters`]: tables and lists
//! - [`strings`], [`math`]: texts and numbers
//! - [`formats`]: conversions, and values as text in a format
//! - [`files`]: files, directories and paths
//! - [`core`]: what the language needs besides its syntax
//! - [`groups`]: what `group-by` gives
//! - [`live`]: what is known of the world while a line is typed
//! - [`rows`], [`cells`], [`set`]: ways of going over the input that many commands share

mod cells;
pub mod core;
pub mod files;
pub mod filters;
pub mod formats;
pub mod groups;
pub mod live;
pub mod math;
mod prelude;
mod rows;
mod set;
pub mod strings;

use engine::{Alias, Command, Registry};

/// All declared commands.
pub fn all() -> Vec<&'static Command> {
    [core::ALL, files::ALL, filters::ALL, formats::ALL, math::ALL, strings::ALL].concat()
}

/// Other names of commands: older ones, and those that other tools have.
pub const ALIASES: &[Alias] = &[
    Alias { name: "filter", target: "where", hint: false },
    Alias { name: "str lowercase", target: "str downcase", hint: false },
    Alias { name: "str uppercase", target: "str upcase", hint: false },
    Alias { name: "from yml", target: "from yaml", hint: false },
    Alias { name: "to yml", target: "to yaml", hint: false },
    Alias { name: "from jsonl", target: "from ndjson", hint: false },
    Alias { name: "to jsonl", target: "to ndjson", hint: false },
];

/// The registry of a session.
pub fn registry() -> Registry {
    Registry::new(&all(), ALIASES)
}

#[cfg(test)]
mod tests;
