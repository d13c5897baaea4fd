//! The daemon, and the journal of changes.

use engine::Command;

pub(crate) mod audit;
pub(crate) mod config;
pub(crate) mod control;
pub(crate) mod status;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[
    &audit::LIST,
    &config::CONFIG,
    &config::RELOAD,
    &control::LOGS,
    &control::RESTART,
    &control::START,
    &control::STOP,
    &status::DEBUG,
    &status::STATUS,
];
