//! The nodes that come with `dora`.

use engine::Command;

pub(crate) mod inspect;
pub(crate) mod link;
pub(crate) mod list;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[&inspect::INSPECT, &link::LINK, &list::LIST];
