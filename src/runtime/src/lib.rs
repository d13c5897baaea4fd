//! The embedded dataflow runtime: runs a dora-rs 1.1 dataflow, with stock nodes, inside this process.
//!
//! A library that knows no shell and no terminal: it takes and returns plain structs, and reports failures as
//! [`diag::Diagnostic`]. [`Handle`] is the only way in, whether the runtime lives in this process or behind a
//! control socket.
//!
//! - [`handle`]: what a runtime does
//! - [`model`]: the structs it tells it in

pub mod handle;
pub mod model;

pub use handle::{Backend, Handle};
