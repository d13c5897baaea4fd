//! What the language needs besides its syntax: calling, showing, errors, help, time.

use engine::Command;

pub(crate) mod complete;
pub(crate) mod date;
pub(crate) mod r#do;
pub(crate) mod echo;
pub(crate) mod env;
pub(crate) mod error;
pub(crate) mod exit;
pub(crate) mod explain;
pub(crate) mod help;
pub(crate) mod seq;
pub(crate) mod timeit;
pub(crate) mod version;

pub use help::page as help_page;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[
    &complete::COMPLETE,
    &date::NOW,
    &date::TO_TIMEZONE,
    &date::FORMAT_DATE,
    &r#do::DO,
    &r#do::IGNORE,
    &r#do::COLLECT,
    &r#do::TEE,
    &echo::ECHO,
    &echo::PRINT,
    &env::LOAD_ENV,
    &env::WITH_ENV,
    &env::HIDE_ENV,
    &error::MAKE,
    &error::EXPLAIN,
    &error::LIST,
    &exit::EXIT,
    &explain::EXPLAIN,
    &help::HELP,
    &seq::SEQ,
    &seq::RANDOM_INT,
    &seq::RANDOM_UUID,
    &seq::RANDOM_FLOAT,
    &timeit::TIMEIT,
    &timeit::SLEEP,
    &version::VERSION,
    &version::WHICH,
];
