//! The machine: what it is, what runs on it, and what this session runs in the background.

use engine::Command;

pub(crate) mod job;
pub(crate) mod processes;
pub(crate) mod sys;
pub(crate) mod term;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[
    &job::KILL,
    &job::LIST,
    &job::SPAWN,
    &job::UNFREEZE,
    &processes::PROCESSES,
    &sys::CPU,
    &sys::DISKS,
    &sys::HOST,
    &sys::MEM,
    &sys::NET,
    &sys::TEMP,
    &sys::USERS,
    &term::INPUT,
    &term::SIZE,
];
