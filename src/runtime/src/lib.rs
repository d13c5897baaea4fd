//! The embedded dataflow runtime: runs a dora-rs 1.1 dataflow, with stock nodes, inside this process.
//!
//! A library that knows no shell and no terminal: it takes and returns plain structs, and reports failures as
//! [`diag::Diagnostic`]. [`Handle`] is the only way in, whether the runtime lives in this process or behind a
//! control socket.
//!
//! - [`handle`] – the way in; [`request`]: what can be asked, and what is answered
//! - [`model`] – the structs it tells it in
//! - [`embedded`] – the runtime in this process, which holds the rest together
//! - [`config`] – what a home is set to
//! - [`descriptor`] – from YAML to a plan, or to every problem it has
//! - [`supervisor`] – processes: start, barrier, stop, restart
//! - [`node_protocol`] – what nodes speak
//! - [`router`] – from outputs to inputs, with queues, timers and counts
//! - [`logs`] – what nodes print, kept and followed
//! - [`telemetry`] – what a runtime is doing, in memory that anybody of its user can look at
//! - [`control`] – the runtime over a socket: other shells, the daemon, all runtimes of a home as one
//! - [`guard`] – kills what a killed runtime leaves behind; [`sweep`]: records it as it is
//! - [`limits`] – how many files may be open
//! - [`records`] – our structs in the store

pub mod config;
pub mod control;
pub mod descriptor;
pub mod embedded;
pub mod guard;
pub mod handle;
pub mod limits;
pub mod logs;
pub mod model;
pub mod node_protocol;
pub mod records;
pub mod request;
pub mod router;
pub mod supervisor;
pub mod sweep;
pub mod telemetry;

pub use embedded::{Embedded, Options};
pub use handle::{Backend, Handle, Items};
pub use request::{Answer, Item, Request, Subscription};
