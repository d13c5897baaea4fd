//! Topics: the outputs of nodes.

use engine::Command;

pub(crate) mod list;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[&list::LIST];
