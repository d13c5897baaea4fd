//! Starts the nodes of a dataflow, watches them, and ends them.
//!
//! - [`dataflow`] – what is known of one dataflow, shared by those who ask
//! - [`task`] – the one task that changes it: barrier, stop ladder, restarts, finish
//! - [`paths`] – which way each output's messages take
//! - [`process`] – one process, from its environment to its last line

pub mod dataflow;
pub mod paths;
pub mod process;
pub mod task;
