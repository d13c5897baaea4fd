//! The daemon, and the journal of changes.

use engine::Command;

pub(crate) mod audit;
pub(crate) mod control;

/// The commands declared in this folder.
pub static ALL: &[&Command] =
    &[&audit::LIST, &control::LOGS, &control::RESTART, &control::START, &control::STATUS, &control::STOP];
