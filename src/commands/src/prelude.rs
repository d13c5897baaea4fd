//! What every command's file needs to declare and run itself.

pub(crate) use std::sync::Arc;

pub(crate) use diag::{Diagnostic, Result, codes};
pub(crate) use engine::command::{
    Category, Command, Effect, Example, INTERVAL, LIVE, Lowering, Param, Shape, Takes, WATCH,
};
pub(crate) use engine::{Call, ClosureValue, Data, Stream};
pub(crate) use value::expr::{Aggregation, ExprKind, Function};
pub(crate) use value::{CellPath, Expr, Fields, PathMember, Record, Step, TableRef, Type, Value};

/// A line to try whose result is the same everywhere.
pub(crate) const fn example(about: &'static str, code: &'static str, result: &'static str) -> Example {
    Example { about, code, result: Some(result) }
}

/// A line to try whose result depends on when and where.
pub(crate) const fn try_it(about: &'static str, code: &'static str) -> Example {
    Example { about, code, result: None }
}
