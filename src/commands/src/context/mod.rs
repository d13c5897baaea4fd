//! Contexts: whether commands go to the dataflows of this home, or to a coordinator of dora-rs.

use engine::Command;

pub(crate) mod change;
pub(crate) mod look;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[&change::ADD, &look::LIST, &change::REMOVE, &look::SHOW, &change::USE];
