//! Expressions over one record, and over the records of a group: the meaning that queries must keep.

use std::sync::Arc;

use diag::{Diagnostic, Result, Span, codes};
use value::cell_path::unknown_column;
use value::expr::{ExprKind, Function};
use value::ops::{self, Operator};
use value::{Expr, Record, Value};

use crate::aggregate::aggregate;
use crate::function;

/// Evaluates an expression for one row. Errors carry the span of the part that failed.
pub fn eval_row(expr: &Expr, row: &Record) -> Result<Value> {
    let here = |error: Box<Diagnostic>| located(error, expr.span);
    match &expr.kind {
        ExprKind::Column(name) => row.get(name).cloned().ok_or_else(|| here(unknown_column(name, row.names()))),
        ExprKind::Literal(value) => Ok(value.clone()),
        ExprKind::Path(inner, path) => eval_row(inner, row)?.follow(path).map_err(here),
        ExprKind::Not(inner) => ops::not(&eval_row(inner, row)?).map_err(here),
        ExprKind::Negate(inner) => ops::negate(&eval_row(inner, row)?).map_err(here),
        ExprKind::Binary(op, left, right) => {
            let left = eval_row(left, row)?;
            if decides(*op, &left) {
                return Ok(left);
            }
            ops::apply(*op, &left, &eval_row(right, row)?).map_err(here)
        }
        ExprKind::If { condition, then, otherwise } => {
            if keeps(&eval_row(condition, row)?).map_err(|error| located(error, condition.span))? {
                return eval_row(then, row);
            }
            otherwise.as_ref().map_or(Ok(Value::Nothing), |otherwise| eval_row(otherwise, row))
        }
        ExprKind::Call(Function::Default, arguments) if arguments.len() == 2 => {
            let value = eval_row(&arguments[0], row)?;
            if value.is_nothing() { eval_row(&arguments[1], row) } else { Ok(value) }
        }
        ExprKind::Call(called, arguments) => {
            let arguments = arguments.iter().map(|argument| eval_row(argument, row)).collect::<Result<Vec<_>>>()?;
            function::apply(*called, &arguments).map_err(here)
        }
        ExprKind::Length | ExprKind::Aggregate(..) => Err(here(needs_rows())),
    }
}

/// Evaluates an expression once for the rows of a group.
pub fn eval_group(expr: &Expr, rows: &[Arc<Record>]) -> Result<Value> {
    let here = |error: Box<Diagnostic>| located(error, expr.span);
    match &expr.kind {
        ExprKind::Length => Ok(Value::Int(i64::try_from(rows.len()).unwrap_or(i64::MAX))),
        ExprKind::Aggregate(aggregation, inner) => {
            let values = rows.iter().map(|row| eval_row(inner, row)).collect::<Result<Vec<_>>>()?;
            aggregate(*aggregation, &values).map_err(here)
        }
        ExprKind::Column(name) => rows
            .iter()
            .map(|row| row.get(name).cloned().ok_or_else(|| here(unknown_column(name, row.names()))))
            .collect::<Result<Vec<_>>>()
            .map(Value::list),
        ExprKind::Literal(value) => Ok(value.clone()),
        ExprKind::Path(inner, path) => eval_group(inner, rows)?.follow(path).map_err(here),
        ExprKind::Not(inner) => ops::not(&eval_group(inner, rows)?).map_err(here),
        ExprKind::Negate(inner) => ops::negate(&eval_group(inner, rows)?).map_err(here),
        ExprKind::Binary(op, left, right) => {
            let left = eval_group(left, rows)?;
            if decides(*op, &left) {
                return Ok(left);
            }
            ops::apply(*op, &left, &eval_group(right, rows)?).map_err(here)
        }
        ExprKind::If { condition, then, otherwise } => {
            if keeps(&eval_group(condition, rows)?).map_err(|error| located(error, condition.span))? {
                return eval_group(then, rows);
            }
            otherwise.as_ref().map_or(Ok(Value::Nothing), |otherwise| eval_group(otherwise, rows))
        }
        ExprKind::Call(Function::Default, arguments) if arguments.len() == 2 => {
            let value = eval_group(&arguments[0], rows)?;
            if value.is_nothing() { eval_group(&arguments[1], rows) } else { Ok(value) }
        }
        ExprKind::Call(called, arguments) => {
            let arguments = arguments.iter().map(|argument| eval_group(argument, rows)).collect::<Result<Vec<_>>>()?;
            function::apply(*called, &arguments).map_err(here)
        }
    }
}

/// Whether a row stays, or a branch is taken: true does, false and null do not.
///
/// # Errors
/// `WRONG_TYPE` when the condition is neither.
pub fn keeps(condition: &Value) -> Result<bool> {
    match condition {
        Value::Bool(b) => Ok(*b),
        Value::Nothing => Ok(false),
        other => Err(not_a_condition(other)),
    }
}

/// Whether the left operand alone gives the result, so that the right one is not looked at.
fn decides(op: Operator, left: &Value) -> bool {
    matches!((op, left), (Operator::And, Value::Bool(false)) | (Operator::Or, Value::Bool(true)))
}

pub(crate) fn located(error: Box<Diagnostic>, span: Span) -> Box<Diagnostic> {
    error.or_label(span, "")
}

fn not_a_condition(value: &Value) -> Box<Diagnostic> {
    Diagnostic::new(codes::WRONG_TYPE, format!("a condition is true or false, this is {}", value.type_of()))
}

fn needs_rows() -> Box<Diagnostic> {
    Diagnostic::new(codes::WRONG_TYPE, "this needs all rows of a group, and here is one row")
        .help("use it inside `aggregate`")
}
