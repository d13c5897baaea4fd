//! From syntax tree to result: declarations, checking, lowering, running.
//!
//! A [`Session`] takes text, parses it (`syntax`), checks and resolves it ([`check`]) into a [`program`] of
//! slots and bound calls, and runs it ([`run`]). Commands are declared as data ([`command`]) and know
//! nothing of who types them; closures over tables become queries where they can ([`lower`]).
//!
//! - [`command`] – declarations of commands
//! - [`registry`] – all declarations, found by name and verb
//! - [`check`] – names, types and columns, before anything runs
//! - [`program`] – what checking makes of a tree
//! - [`lower`] – closures as expressions of queries
//! - [`run`] – the interpreter
//! - [`external`] – programs
//! - `host` – what is known of the process
//! - [`job`] – what runs in the background
//! - [`literal`] – values read from text without running anything
//! - [`call`] – what a command sees of its call; closures
//! - [`data`] – what flows between stages
//! - [`context`] – what a session shares; the environment
//! - [`error_value`] – errors as records, and back
//! - [`session`] – text in, data out
//! - [`stdlib`] – modules written in the language itself
//! - [`thread`] – threads that run programs

pub mod call;
pub mod check;
pub mod command;
pub mod context;
pub mod data;
pub mod error_value;
pub mod external;
mod host;
pub mod job;
pub mod literal;
pub mod lower;
pub mod program;
pub mod registry;
pub mod run;
pub mod session;
pub mod stdlib;
pub mod thread;

pub use call::{Call, ClosureValue, FromValue, Runner};
pub use command::{Category, Command, Effect, Example, Known, Lowering, Param, Shape, Takes};
pub use context::{Ask, Context, Env, Explored, Live, NoLive, NoUi, Progress, Step, Ui};
pub use data::{Bytes, Data, Stream};
pub use registry::{Alias, Registry};
pub use session::Session;
