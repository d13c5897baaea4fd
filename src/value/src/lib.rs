//! What programs compute with: scalars with units, lists, records, tables, and their types.
//!
//! A [`Value`] is sixteen bytes and cheap to clone; everything large is shared and copied on write. Tables
//! are known here only as the trait [`Table`] and the [`Stage`]s that can be asked of one; crate `table`
//! holds the storages. Operators have one meaning, defined in [`ops`], which the interpreter calls and
//! which lowered queries must agree with. No polars, no terminal, no commands.
//!
//! - [`value`] – the value, records, equality and order
//! - [`types`] – types, their text, and what accepts what
//! - [`units`] – durations, filesizes and datetimes, to and from text
//! - [`range`] – ranges of numbers
//! - [`cell_path`] – `a.0.b?`, read and written
//! - [`ops`] – operators on values and on types
//! - [`text`] – values as people read them
//! - [`literal`] – values as programs write them
//! - [`expr`] – expressions over a row, as queries understand them
//! - [`table`] – the trait Table and its stages
//! - [`interrupt`] – the flag that ctrl-c raises

pub mod cell_path;
pub mod expr;
pub mod interrupt;
pub mod literal;
pub mod ops;
pub mod range;
pub mod table;
pub mod text;
pub mod types;
pub mod units;
pub mod value;

pub use cell_path::{CellPath, PathMember, Step};
pub use expr::Expr;
pub use interrupt::Interrupt;
pub use range::Range;
pub use table::{Stage, Table, TableRef};
pub use types::{Fields, Type};
pub use units::DateTime;
pub use value::{Callable, Closure, Record, Resource, Value};
