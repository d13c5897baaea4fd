//! Expressions into polars' own, where their results are exactly the interpreter's.
//!
//! What polars means the same by, and can push down into a scan, becomes its own expression; all else that has
//! one known type becomes a [`Kernel`]; what has none is left to the interpreter.

use std::sync::Arc;

use polars::prelude as pl;
use polars::prelude::NamedFrom as _;
use value::cell_path::{PathMember, Step};
use value::expr::{ExprKind, Function};
use value::ops::Operator;
use value::{Expr, Type, Value};

use crate::function;
use crate::kernel::Kernel;
use crate::kind::{Columns, Kind};
use crate::run::carried;

/// A column by its exact name: polars' `col` takes some names for patterns.
pub fn column(name: &str) -> pl::Expr {
    pl::Expr::Column(name.into())
}

/// An expression of one row, lowered.
pub struct Lowered {
    pub expr: pl::Expr,
    pub kind: Kind,
    /// Whether polars may evaluate it for rows that an earlier stage has left out.
    pub native: bool,
}

/// Lowers an expression of one row; `None` when its type cannot be told or columns cannot hold it.
pub fn lower(expr: &Expr, columns: &Columns) -> Option<Lowered> {
    let kind = kind_of(expr, columns)?;
    if let Some(expr) = native(expr, columns) {
        return Some(Lowered { expr, kind, native: true });
    }
    let read = expr.columns();
    let mut inputs: Columns = columns.iter().filter(|(name, _)| read.contains(name)).cloned().collect();
    if inputs.is_empty() {
        // A constant still needs to know how many rows there are.
        inputs.push(columns.first()?.clone());
    }
    let arguments: Vec<pl::Expr> = inputs.iter().map(|(name, _)| column(name)).collect();
    let kernel = Kernel { expr: expr.clone(), inputs, output: kind.clone() };
    Some(Lowered { expr: call(arguments, kind.storage(), move |columns| kernel.run(columns)), kind, native: false })
}

/// A function of ours as a polars expression of whole columns.
pub fn call(
    arguments: Vec<pl::Expr>,
    output: pl::DataType,
    run: impl Fn(&[pl::Column]) -> diag::Result<pl::Column> + Send + Sync + 'static,
) -> pl::Expr {
    let named = output.clone();
    pl::map_multiple(
        move |columns: &mut [pl::Column]| {
            let name = columns.first().map_or(pl::PlSmallStr::EMPTY, |column| column.name().clone());
            let result = run(columns).map_err(carried)?;
            Ok(result.cast(&output)?.with_name(name))
        },
        arguments,
        move |_: &pl::Schema, fields: &[pl::Field]| {
            let name = fields.first().map_or(pl::PlSmallStr::EMPTY, |field| field.name().clone());
            Ok(pl::Field::new(name, named.clone()))
        },
    )
}

/// Columns for those who know no units of ours: durations as the engine's own, filesizes as numbers.
pub fn without_units(columns: &Columns) -> Vec<pl::Expr> {
    let spoken = columns.iter().map(|(name, kind)| match kind {
        Kind::Duration => column(name).cast(pl::DataType::Duration(pl::TimeUnit::Nanoseconds)),
        _ => column(name),
    });
    spoken.collect()
}

/// The parts that a condition joins with `and`.
pub fn conjuncts(condition: &Expr) -> Vec<&Expr> {
    match &condition.kind {
        ExprKind::Binary(Operator::And, left, right) => {
            let mut all = conjuncts(left);
            all.extend(conjuncts(right));
            all
        }
        _ => vec![condition],
    }
}

/// The kind that an expression gives for every row, nulls aside.
pub fn kind_of(expr: &Expr, columns: &Columns) -> Option<Kind> {
    match &expr.kind {
        ExprKind::Column(name) => columns.iter().find(|(known, _)| known == name).map(|(_, kind)| kind.clone()),
        ExprKind::Literal(value) => Kind::of(value),
        ExprKind::Path(inner, path) => path_kind(kind_of(inner, columns)?, path),
        ExprKind::Not(inner) => match kind_of(inner, columns)? {
            kind @ (Kind::Bool | Kind::Nothing) => Some(kind),
            _ => None,
        },
        ExprKind::Negate(inner) => match kind_of(inner, columns)? {
            kind @ (Kind::Int | Kind::Float | Kind::Duration | Kind::Filesize | Kind::Nothing) => Some(kind),
            _ => None,
        },
        ExprKind::Binary(op, left, right) => binary_kind(*op, left, right, columns),
        ExprKind::If { condition, then, otherwise } => {
            if kind_of(condition, columns)? != Kind::Bool {
                return None;
            }
            let otherwise = match otherwise {
                Some(otherwise) => kind_of(otherwise, columns)?,
                None => Kind::Nothing,
            };
            kind_of(then, columns)?.join(otherwise)
        }
        ExprKind::Call(called, arguments) => {
            let kinds = arguments.iter().map(|argument| kind_of(argument, columns)).collect::<Option<Vec<_>>>()?;
            function::result_kind(*called, &kinds)
        }
        ExprKind::Length | ExprKind::Aggregate(..) => None,
    }
}

fn binary_kind(op: Operator, left: &Expr, right: &Expr, columns: &Columns) -> Option<Kind> {
    // A literal need not fit a column: ranges and mixed lists stand on the right of `in`.
    let of = |expr: &Expr| match &expr.kind {
        ExprKind::Literal(value) => Some((Kind::of(value), value.type_of())),
        _ => kind_of(expr, columns).map(|kind| (Some(kind.clone()), kind.to_type())),
    };
    let ((left, left_type), (right, right_type)) = (of(left)?, of(right)?);
    let foretold = op.result_type(&left_type, &right_type)?;
    let null = left == Some(Kind::Nothing) || right == Some(Kind::Nothing);
    match (op, &left, &right) {
        (Operator::Concat, Some(a @ Kind::List(_)), Some(b @ Kind::List(_))) => a.clone().join(b.clone()),
        (Operator::Add | Operator::Subtract, Some(Kind::DateTime(offset)), Some(Kind::Duration))
        | (Operator::Add, Some(Kind::Duration), Some(Kind::DateTime(offset))) => Some(Kind::DateTime(*offset)),
        (op, ..) if op.is_comparison() && foretold == Type::Any && null => Some(Kind::Nothing),
        _ => match foretold {
            // Not known after all; a number is an int or a float, and only the row can say which.
            Type::Any | Type::Number | Type::OneOf(_) => None,
            of => Kind::of_type(&of),
        },
    }
}

fn path_kind(mut kind: Kind, path: &[PathMember]) -> Option<Kind> {
    for member in path {
        kind = match (kind, &member.step) {
            (Kind::Record(fields), Step::Name(name)) => field_kind(&fields, name, member)?,
            (Kind::List(of), Step::Index(_)) => *of,
            (Kind::List(of), Step::Name(name)) => match *of {
                Kind::Record(fields) => Kind::List(Box::new(field_kind(&fields, name, member)?)),
                _ => return None,
            },
            _ => return None,
        };
    }
    Some(kind)
}

fn field_kind(fields: &Columns, name: &str, member: &PathMember) -> Option<Kind> {
    let exact = fields.iter().find(|(known, _)| &**known == name);
    let any_case = || fields.iter().find(|(known, _)| member.any_case && known.to_lowercase() == name.to_lowercase());
    match exact.or_else(any_case) {
        Some((_, kind)) => Some(kind.clone()),
        // Absent everywhere: null when that is allowed, else an error for the interpreter to tell.
        None => member.optional.then_some(Kind::Nothing),
    }
}

/// The same as polars' own expression. Nothing in it can fail, so that polars may move it as it likes.
fn native(expr: &Expr, columns: &Columns) -> Option<pl::Expr> {
    match &expr.kind {
        ExprKind::Column(name) => Some(column(name)),
        ExprKind::Literal(value) => literal(value),
        ExprKind::Not(inner) if kind_of(inner, columns)? == Kind::Bool => Some(native(inner, columns)?.not()),
        ExprKind::Binary(op @ (Operator::And | Operator::Or), left, right) => {
            if kind_of(left, columns)? != Kind::Bool || kind_of(right, columns)? != Kind::Bool {
                return None;
            }
            let (left, right) = (native(left, columns)?, native(right, columns)?);
            Some(if *op == Operator::And { left.and(right) } else { left.or(right) })
        }
        ExprKind::Binary(op, left, right) => comparison(*op, left, right, columns),
        ExprKind::Call(Function::Default, arguments) => match arguments.as_slice() {
            [Expr { kind: ExprKind::Column(name), .. }, Expr { kind: ExprKind::Literal(value), .. }]
                if !value.is_nothing() =>
            {
                Some(column(name).fill_null(literal(value)?))
            }
            _ => None,
        },
        _ => None,
    }
}

/// A comparison of a column with a literal or another column, where polars orders as we do.
fn comparison(op: Operator, left: &Expr, right: &Expr, columns: &Columns) -> Option<pl::Expr> {
    let ExprKind::Column(name) = &left.kind else { return None };
    let of = kind_of(left, columns)?;
    if let (Operator::In | Operator::NotIn, ExprKind::Literal(Value::List(items))) = (op, &right.kind) {
        return membership(op, name, &of, items);
    }
    let other = match &right.kind {
        ExprKind::Literal(Value::Nothing) => {
            return match op {
                Operator::Equal => Some(column(name).is_null()),
                Operator::NotEqual => Some(column(name).is_not_null()),
                _ => None,
            };
        }
        // Where one side may be NaN, polars has another opinion than IEEE 754.
        ExprKind::Literal(Value::Float(x)) if x.is_nan() => return None,
        ExprKind::Literal(value) => literal(value)?,
        ExprKind::Column(_) if of != Kind::Float => native(right, columns)?,
        _ => return None,
    };
    let alike = match (&of, &kind_of(right, columns)?) {
        (Kind::DateTime(_), Kind::DateTime(_)) => true,
        (Kind::Int | Kind::Filesize, Kind::Int | Kind::Filesize) => true,
        (a, b) => a == b && matches!(a, Kind::Bool | Kind::Float | Kind::String | Kind::Duration),
    };
    if !alike {
        return None;
    }
    let this = column(name);
    let ordered = match op {
        Operator::Equal => return Some(this.eq_missing(other)),
        Operator::NotEqual => return Some(this.neq_missing(other)),
        Operator::Less => this.lt(other),
        Operator::LessEqual => this.lt_eq(other),
        Operator::Greater => this.gt(other),
        Operator::GreaterEqual => this.gt_eq(other),
        _ => return None,
    };
    // polars orders NaN above all numbers; to us it is neither above nor below.
    Some(if of == Kind::Float { ordered.and(column(name).is_not_nan()) } else { ordered })
}

fn membership(op: Operator, name: &str, of: &Kind, items: &[Value]) -> Option<pl::Expr> {
    let plain = matches!(of, Kind::Int | Kind::String | Kind::Duration | Kind::Filesize);
    if !plain || items.is_empty() || items.iter().any(|item| Kind::of(item).as_ref() != Some(of)) {
        return None;
    }
    let items = crate::column::to_column("", of, items).ok()?.take_materialized_series();
    let set = pl::lit(pl::Series::new(pl::PlSmallStr::EMPTY, [items]));
    let found = column(name).is_in(set, true);
    Some(if op == Operator::In { found } else { found.not() })
}

/// A literal of polars, typed as the kind is stored.
fn literal(value: &Value) -> Option<pl::Expr> {
    Some(match value {
        Value::Bool(b) => pl::lit(*b),
        // Typed: a bare number takes the smallest type that holds it.
        Value::Int(n) | Value::Duration(n) | Value::Filesize(n) => pl::lit(pl::Scalar::from(*n)),
        Value::Float(x) => pl::lit(pl::Scalar::from(*x)),
        Value::String(text) => pl::lit(text.as_str()),
        Value::DateTime(at) => {
            let storage = Kind::DateTime(0).storage();
            let nanos = { at.nanos };
            let utc = Some(Arc::new(pl::TimeZone::UTC));
            pl::lit(pl::Scalar::new(storage, pl::AnyValue::DatetimeOwned(nanos, pl::TimeUnit::Nanoseconds, utc)))
        }
        _ => return None,
    })
}

/// A name that no column has, for what a stage needs on its way.
pub fn unused_name(columns: &Columns, hint: &str) -> Arc<str> {
    let mut name = format!("__{hint}");
    while columns.iter().any(|(known, _)| **known == name) {
        name.push('_');
    }
    name.into()
}
