//! What nodes print and what the runtime says about them: kept on disk, asked for, followed.
//!
//! - [`mod@line`] – a printed line made a record
//! - [`journal`] – the logs of one dataflow that runs
//! - [`files`] – records on disk, written and rotated, and read forwards and backwards
//! - [`query`] – which records are wanted, and the stream of them
//! - [`payload`] – a record as a message for `dora/logs`, `send_stdout_as` and `send_logs_as`

pub mod files;
pub mod journal;
pub mod line;
pub mod payload;
pub mod query;
