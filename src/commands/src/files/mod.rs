//! Files, directories and paths.

use engine::Command;

pub(crate) mod cd;
pub(crate) mod change;
pub(crate) mod du;
pub(crate) mod glob;
pub(crate) mod ls;
pub(crate) mod open;
pub(crate) mod path;
pub(crate) mod pwd;
pub(crate) mod save;
pub(crate) mod tabular;
pub(crate) mod watch;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[
    &cd::CD,
    &change::MKDIR,
    &change::TOUCH,
    &change::MV,
    &change::CP,
    &change::RM,
    &glob::GLOB,
    &ls::LS,
    &open::OPEN,
    &path::BASENAME,
    &path::DIRNAME,
    &path::JOIN,
    &path::PARSE,
    &path::SPLIT,
    &path::EXISTS,
    &path::TYPE,
    &path::EXPAND,
    &path::RELATIVE_TO,
    &pwd::PWD,
    &save::SAVE,
    &du::DU,
    &watch::WATCH,
];

use value::DateTime;

/// A moment in this machine's timezone.
pub(crate) fn local(nanos: i64) -> DateTime {
    let utc = DateTime { nanos, offset: 0 };
    let offset = jiff::tz::TimeZone::system().to_offset(utc.zoned().timestamp()).seconds();
    DateTime { nanos, offset }
}
