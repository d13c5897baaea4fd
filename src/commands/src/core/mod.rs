//! What the language needs besides its syntax: calling, showing, errors, help, time.

use engine::Command;

pub(crate) mod collect;
pub(crate) mod complete;
pub(crate) mod date;
pub(crate) mod r#do;
pub(crate) mod echo;
pub(crate) mod env;
pub(crate) mod error;
pub(crate) mod exit;
pub(crate) mod explain;
pub(crate) mod help;
pub(crate) mod ignore;
pub(crate) mod is_terminal;
pub(crate) mod print;
pub(crate) mod random;
pub(crate) mod seq;
pub(crate) mod sleep;
pub(crate) mod table;
pub(crate) mod tee;
pub(crate) mod timeit;
pub(crate) mod version;
pub(crate) mod which;

pub use help::page as help_page;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[
    &collect::COLLECT,
    &complete::COMPLETE,
    &date::NOW,
    &date::TO_TIMEZONE,
    &date::FORMAT_DATE,
    &date::HUMANIZE,
    &date::LIST_TIMEZONE,
    &r#do::DO,
    &echo::ECHO,
    &env::LOAD_ENV,
    &env::WITH_ENV,
    &env::HIDE_ENV,
    &error::MAKE,
    &error::EXPLAIN,
    &error::LIST,
    &exit::EXIT,
    &explain::EXPLAIN,
    &help::HELP,
    &ignore::IGNORE,
    &is_terminal::IS_TERMINAL,
    &print::PRINT,
    &random::BINARY,
    &random::BOOL,
    &random::CHARS,
    &random::DICE,
    &random::FLOAT,
    &random::INT,
    &random::UUID,
    &seq::SEQ,
    &seq::SEQ_CHAR,
    &seq::SEQ_DATE,
    &sleep::SLEEP,
    &table::TABLE,
    &tee::TEE,
    &timeit::TIMEIT,
    &version::VERSION,
    &which::WHICH,
];
