//! table
mod aggregate;
mod column;
mod construct;
mod eval;
mod frame;
mod function;
mod interrupt;
mod kernel;
mod key;
mod kind;
mod lower;
mod query;
mod rows;
mod run;

pub use construct::{as_rows, empty, from_columns, from_rows, in_columns, of_value};
pub use interrupt::with_interrupt;
