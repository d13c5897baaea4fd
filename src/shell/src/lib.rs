//! The face of `dora`: what its words mean, the prompt, and what is written where.
//!
//! - [`app`] – the words after `dora`: shell, script, code, one command
//! - [`argv`] – one command's words, bound as a line of the language is
//! - [`explore`] – a value on the whole screen
//! - [`keys`] – answers read key by key
//! - [`mod@layout`], [`testing`]: `dora fmt` and `dora test`; [`programs`]: the files that they and `dora check` look at
//! - [`terminal`] – standard streams, as commands see them
//! - [`progress`] – long waits, shown
//! - [`rows`] – rows of a stream, shown as they come
//! - [`live`] – a line that is shown again and again
//! - [`node`] – a node of a dataflow, written in the language
//! - [`services`] – the store and the runtimes, handed to commands
//! - [`signals`] – ctrl-c and ctrl-z
//! - [`prompt`] – the interactive shell
//! - [`mod@line`] – where the cursor is in a line that is being typed
//! - [`complete`] – what can be typed next
//! - [`usage`] – what `dora --help` says
//! - [`highlight`] – what each piece of a line is

pub mod app;
pub mod argv;
pub mod complete;
mod explore;
pub mod highlight;
mod keys;
pub mod layout;
pub mod line;
pub mod live;
pub mod node;
mod programs;
mod progress;
pub mod prompt;
pub mod rows;
pub mod services;
pub mod signals;
#[cfg(test)]
mod tables;
pub mod terminal;
pub mod testing;
pub mod usage;

pub use app::main;
