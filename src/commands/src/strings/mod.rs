//! Texts.

use engine::Command;

pub(crate) mod ansi;
pub(crate) mod case;
pub(crate) mod char;
pub(crate) mod contains;
pub(crate) mod detect_columns;
pub(crate) mod distance;
pub(crate) mod fill;
pub(crate) mod format;
pub(crate) mod join;
pub(crate) mod length;
pub(crate) mod parse;
pub(crate) mod replace;
pub(crate) mod split;
pub(crate) mod stats;
pub(crate) mod substring;
pub(crate) mod trim;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[
    &ansi::ANSI,
    &ansi::LINK,
    &ansi::STRIP,
    &case::UPCASE,
    &case::DOWNCASE,
    &case::CAPITALIZE,
    &case::REVERSE,
    &case::ESCAPE_REGEX,
    &case::CAMEL,
    &case::KEBAB,
    &case::PASCAL,
    &case::SCREAMING_SNAKE,
    &case::SNAKE,
    &case::TITLE,
    &char::CHAR,
    &contains::CONTAINS,
    &contains::STARTS_WITH,
    &contains::ENDS_WITH,
    &detect_columns::DETECT_COLUMNS,
    &distance::DISTANCE,
    &fill::FILL,
    &format::DURATION,
    &format::FILESIZE,
    &format::NUMBER,
    &format::PATTERN,
    &join::JOIN,
    &length::LENGTH,
    &parse::PARSE,
    &replace::REPLACE,
    &split::ROW,
    &split::COLUMN,
    &split::CHARS,
    &split::WORDS,
    &split::CELL_PATH,
    &stats::STATS,
    &substring::SUBSTRING,
    &substring::INDEX_OF,
    &trim::TRIM,
];

use crate::cells;
use crate::prelude::*;

/// What functions of texts declare alike.
const TEXT: Command = Command {
    category: Category::Strings,
    effect: Effect::Computes,
    params: &[cells::COLUMNS],
    io: &[
        ("string", "string"),
        ("list<string>", "list<string>"),
        ("list<list<any>>", "list<any>"),
        ("table", "table"),
        ("record", "record"),
    ],
    infer: Some(|shape| cells::changed_type(shape, Type::String)),
    refuse: Some(cells::needs_columns),
    ..Command::DEFAULT
};

/// What measures of texts give.
const TO_INT: &[(&str, &str)] = &[
    ("string", "int"),
    ("list<string>", "list<int>"),
    ("list<list<any>>", "list<any>"),
    ("table", "table"),
    ("record", "record"),
];

/// What tests of texts give.
const TO_BOOL: &[(&str, &str)] = &[
    ("string", "bool"),
    ("list<string>", "list<bool>"),
    ("list<list<any>>", "list<any>"),
    ("table", "table"),
    ("record", "record"),
];
