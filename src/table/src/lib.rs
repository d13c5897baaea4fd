//! Tables: both storages behind the trait `value::Table`, files as tables, and expressions as polars queries.
//!
//! A table lies in memory as records ([`RowTable`]: few, ragged or mixed) or in columns ([`Frame`]: a polars query
//! over memory or over files that nobody has read yet). Which one never shows in a result: a stage that polars
//! cannot run with exactly the interpreter's values and errors is refused (`stage` gives `None`) or runs as a
//! kernel of ours inside the query. polars is named nowhere else in the house, and nothing of it starts before
//! the first `Frame` is made.
//!
//! - [`construct`] – tables of values
//! - [`rows`], [`frame`]: the two storages
//! - [`kind`], [`column`]: logical types beside polars' own, values into columns and back
//! - [`eval`], [`function`], [`aggregate`], [`key`]: what expressions, functions, reductions and sameness mean
//! - [`join`] – rows of two tables beside each other, in both storages
//! - [`query`], [`group`], [`lower`], [`kernel`]: stages, groups and expressions as polars queries
//! - [`run`]: running them, their failures, ctrl-c
//! - [`sql`] – queries in SQL
//! - [`payload`] – messages of dataflows, which are Arrow, as values
//! - [`json`] – values as JSON and back
//! - [`source`], [`sink`], [`text`]: csv, ndjson, json, parquet and Arrow, as files and as text
//! - [`sqlite`], [`workbook`]: tables of SQLite databases and of spreadsheet programs

mod aggregate;
#[cfg(test)]
mod agreement;
mod column;
mod construct;
mod eval;
mod frame;
mod function;
mod group;
mod join;
pub mod json;
mod kernel;
mod key;
mod kind;
mod lower;
pub mod payload;
mod query;
mod rows;
mod run;
pub mod sink;
pub mod source;
pub mod sql;
pub mod sqlite;
pub mod text;
pub mod workbook;

pub use aggregate::aggregate;
pub use construct::{
    as_rows, empty, from_columns, from_rows, in_columns, is_columnar, of_value, pick, try_columns, with_column,
};
pub use eval::{eval_group, eval_row, keeps};
pub use frame::Frame;
pub use function::apply as apply_function;
pub use key::{Key, key, key_of_all};
pub use rows::RowTable;
