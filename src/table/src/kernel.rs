//! Expressions over whole columns, with the interpreter's results and errors.
//!
//! polars' own arithmetic wraps and nulls where ours fails, so that what can fail runs here, as a function that
//! polars calls with columns. Operands of one plain type take a typed loop; all else goes value by value through
//! `value::ops`, and so does each row that fails, which makes its error the interpreter's. Under `and`, `or`, `if`
//! and `default` the guarded part is given only the rows that its guard admits.

use std::sync::Arc;

use diag::{Diagnostic, Result};
use polars::prelude::*;
use value::Value;
use value::expr::{ExprKind, Function};
use value::literal::to_literal;
use value::ops::{self, Operator};

use crate::column::{to_column, to_values};
use crate::eval::{keeps, located};
use crate::function;
use crate::kind::Kind;

/// An expression compiled against named columns of known kinds.
#[derive(Debug)]
pub struct Kernel {
    pub expr: value::Expr,
    /// The columns it is given, in this order; only the first when it reads none.
    pub inputs: Vec<(Arc<str>, Kind)>,
    pub output: Kind,
}

impl Kernel {
    /// Runs over columns of equal length.
    pub fn run(&self, columns: &[Column]) -> Result<Column> {
        let len = columns.iter().map(Column::len).max().unwrap_or(0);
        let mut batch = Batch { len, columns: Vec::with_capacity(columns.len()) };
        for (column, (name, kind)) in columns.iter().zip(&self.inputs) {
            batch.columns.push((name.clone(), Vector::of(column, kind)?));
        }
        batch.eval(&self.expr)?.into_column(&self.output, len)
    }
}

/// Some rows of the columns.
struct Batch {
    len: usize,
    columns: Vec<(Arc<str>, Vector)>,
}

/// One value for each row of a batch.
#[derive(Clone)]
enum Vector {
    /// The same value for all rows.
    One(Value),
    Whole(Kind, Int64Chunked),
    Float(Float64Chunked),
    Bool(BooleanChunked),
    Text(StringChunked),
    Any(Arc<Vec<Value>>),
}

impl Vector {
    fn of(column: &Column, kind: &Kind) -> Result<Vector> {
        let read = || -> PolarsResult<Vector> {
            // One chunk, so that reading one cell takes no search.
            let series = column.as_materialized_series().rechunk();
            Ok(match kind {
                kind if kind.is_whole() => Vector::Whole(kind.clone(), series.to_physical_repr().i64()?.clone()),
                Kind::Float => Vector::Float(series.f64()?.clone()),
                Kind::Bool => Vector::Bool(series.bool()?.clone()),
                Kind::String => Vector::Text(series.str()?.clone()),
                _ => Vector::Any(Arc::new(to_values(column, kind)?)),
            })
        };
        read().map_err(crate::run::translate)
    }

    fn into_column(self, kind: &Kind, len: usize) -> Result<Column> {
        let made = match (self, kind) {
            (Vector::Whole(_, whole), Kind::DateTime(_)) => whole.into_series().cast(&kind.storage()).map(Into::into),
            (Vector::Whole(_, whole), kind) if kind.is_whole() => Ok(whole.into_series().into_column()),
            (Vector::Float(floats), Kind::Float) => Ok(floats.into_series().into_column()),
            (Vector::Bool(bools), Kind::Bool) => Ok(bools.into_series().into_column()),
            (Vector::Text(texts), Kind::String) => Ok(texts.into_series().into_column()),
            (Vector::Any(values), kind) => to_column("", kind, &values),
            (other, kind) => to_column("", kind, &(0..len).map(|at| other.get(at)).collect::<Vec<_>>()),
        };
        made.map_err(crate::run::translate)
    }

    fn get(&self, at: usize) -> Value {
        fn or_null<T>(cell: Option<T>, make: impl FnOnce(T) -> Value) -> Value {
            cell.map_or(Value::Nothing, make)
        }
        match self {
            Vector::One(value) => value.clone(),
            Vector::Whole(kind, whole) => or_null(whole.get(at), |n| kind.whole(n)),
            Vector::Float(floats) => or_null(floats.get(at), Value::Float),
            Vector::Bool(bools) => or_null(bools.get(at), Value::Bool),
            Vector::Text(texts) => or_null(texts.get(at), Value::from),
            Vector::Any(values) => values.get(at).cloned().unwrap_or(Value::Nothing),
        }
    }

    fn filter(&self, mask: &BooleanChunked) -> PolarsResult<Vector> {
        Ok(match self {
            Vector::One(value) => Vector::One(value.clone()),
            Vector::Whole(kind, whole) => Vector::Whole(kind.clone(), whole.filter(mask)?),
            Vector::Float(floats) => Vector::Float(floats.filter(mask)?),
            Vector::Bool(bools) => Vector::Bool(bools.filter(mask)?),
            Vector::Text(texts) => Vector::Text(texts.filter(mask)?),
            Vector::Any(values) => Vector::Any(Arc::new(
                values
                    .iter()
                    .zip(mask.iter())
                    .filter(|(_, kept)| *kept == Some(true))
                    .map(|(value, _)| value.clone())
                    .collect(),
            )),
        })
    }
}

impl Batch {
    fn eval(&self, expr: &value::Expr) -> Result<Vector> {
        match &expr.kind {
            ExprKind::Column(name) => Ok(match self.columns.iter().find(|(known, _)| known == name) {
                Some((_, vector)) => vector.clone(),
                None => Vector::One(Value::Nothing),
            }),
            ExprKind::Literal(value) => Ok(Vector::One(value.clone())),
            ExprKind::Path(inner, path) => {
                let inner = self.eval(inner)?;
                self.each(expr, |at| inner.get(at).follow(path))
            }
            ExprKind::Not(inner) => match self.eval(inner)? {
                Vector::Bool(bools) => Ok(Vector::Bool(!&bools)),
                inner => self.each(expr, |at| ops::not(&inner.get(at))),
            },
            ExprKind::Negate(inner) => {
                let inner = self.eval(inner)?;
                self.each(expr, |at| ops::negate(&inner.get(at)))
            }
            ExprKind::Binary(op @ (Operator::And | Operator::Or), left, right) => self.logic(expr, *op, left, right),
            ExprKind::Binary(op, left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                match self.typed(expr, *op, &left, &right) {
                    Some(result) => result,
                    None => self.each(expr, |at| ops::apply(*op, &left.get(at), &right.get(at))),
                }
            }
            ExprKind::If { condition, then, otherwise } => {
                let holds = self.eval(condition)?;
                let mut taken = Vec::with_capacity(self.len);
                for at in 0..self.len {
                    let holds = keeps(&holds.get(at));
                    taken.push(holds.map_err(|error| self.failed(condition, at, error))?);
                }
                let taken: BooleanChunked = taken.into_iter().map(Some).collect();
                let yes = self.restricted(&taken)?.eval_unless_empty(then)?;
                let no = match otherwise {
                    Some(otherwise) => self.restricted(&!&taken)?.eval_unless_empty(otherwise)?,
                    None => Vector::One(Value::Nothing),
                };
                Ok(self.merged(&taken, &yes, &no))
            }
            ExprKind::Call(Function::Default, arguments) if arguments.len() == 2 => {
                let value = self.eval(&arguments[0])?;
                let present: BooleanChunked = (0..self.len).map(|at| Some(!value.get(at).is_nothing())).collect();
                let fallback = self.restricted(&!&present)?.eval_unless_empty(&arguments[1])?;
                let value = value.filter(&present).map_err(crate::run::translate)?;
                Ok(self.merged(&present, &value, &fallback))
            }
            ExprKind::Call(called, arguments) => {
                let arguments = arguments.iter().map(|argument| self.eval(argument)).collect::<Result<Vec<_>>>()?;
                self.each(expr, |at| {
                    let values: Vec<Value> = arguments.iter().map(|argument| argument.get(at)).collect();
                    function::apply(*called, &values)
                })
            }
            // Lowering puts columns in the place of these before a kernel is made.
            ExprKind::Length | ExprKind::Aggregate(..) => Ok(Vector::One(Value::Nothing)),
        }
    }

    /// Under a guard that admits no row nothing is evaluated, not even what has the same value for all rows.
    fn eval_unless_empty(&self, expr: &value::Expr) -> Result<Vector> {
        if self.len == 0 { Ok(Vector::Any(Arc::default())) } else { self.eval(expr) }
    }

    fn each(&self, expr: &value::Expr, of: impl Fn(usize) -> Result<Value>) -> Result<Vector> {
        let mut values = Vec::with_capacity(self.len);
        for at in 0..self.len {
            values.push(of(at).map_err(|error| self.failed(expr, at, error))?);
        }
        Ok(Vector::Any(Arc::new(values)))
    }

    /// `and` and `or`: the right side sees only the rows that the left one does not decide.
    fn logic(&self, expr: &value::Expr, op: Operator, left: &value::Expr, right: &value::Expr) -> Result<Vector> {
        let left = self.eval(left)?;
        let decided = Some(op == Operator::Or);
        let open: BooleanChunked = (0..self.len).map(|at| Some(left.get(at).as_bool() != decided)).collect();
        let right = self.restricted(&open)?.eval_unless_empty(right)?;
        let mut result = Vec::with_capacity(self.len);
        let mut next = 0;
        for (at, open) in open.iter().enumerate() {
            let left = left.get(at);
            if open != Some(true) {
                result.push(left.as_bool());
                continue;
            }
            let joined = ops::apply(op, &left, &right.get(next));
            result.push(joined.map_err(|error| self.failed(expr, at, error))?.as_bool());
            next += 1;
        }
        Ok(Vector::Bool(result.into_iter().collect()))
    }

    /// The rows for which the mask is true.
    fn restricted(&self, mask: &BooleanChunked) -> Result<Batch> {
        let len = mask.sum().unwrap_or(0) as usize;
        let columns = self
            .columns
            .iter()
            .map(|(name, vector)| Ok((name.clone(), vector.filter(mask)?)))
            .collect::<PolarsResult<_>>()
            .map_err(crate::run::translate)?;
        Ok(Batch { len, columns })
    }

    /// Takes the next of `yes` where the mask is true, else the next of `no`.
    fn merged(&self, mask: &BooleanChunked, yes: &Vector, no: &Vector) -> Vector {
        let (mut from_yes, mut from_no) = (0, 0);
        let mut values = Vec::with_capacity(self.len);
        for taken in mask.iter() {
            let (vector, at) = if taken == Some(true) { (yes, &mut from_yes) } else { (no, &mut from_no) };
            values.push(vector.get(*at));
            *at += 1;
        }
        Vector::Any(Arc::new(values))
    }

    /// Tells of the row that failed by what it holds: its number means nothing after a filter or a sort.
    fn failed(&self, expr: &value::Expr, at: usize, error: Box<Diagnostic>) -> Box<Diagnostic> {
        const SHOWN: usize = 4;
        let cells: Vec<String> = expr
            .columns()
            .iter()
            .take(SHOWN)
            .filter_map(|name| {
                let (_, vector) = self.columns.iter().find(|(known, _)| known == name)?;
                let text = to_literal(&vector.get(at));
                let short: String = text.chars().take(40).collect();
                let dots = if short.len() < text.len() { "…" } else { "" };
                Some(format!("{name} = {short}{dots}"))
            })
            .collect();
        let error = located(error, expr.span);
        if cells.is_empty() { error } else { error.cause(format!("in the row with {}", cells.join(", "))) }
    }

    /// The typed loops; `None` for operands that have none.
    fn typed(&self, expr: &value::Expr, op: Operator, left: &Vector, right: &Vector) -> Option<Result<Vector>> {
        use Operator::*;
        if let Some(result) = self.text(op, left, right) {
            return Some(result);
        }
        if let (Some(a), Some(b)) = (Wholes::of(left), Wholes::of(right)) {
            let comparable = a.kind == b.kind
                || matches!((a.kind, b.kind), (Kind::Int, Kind::Filesize) | (Kind::Filesize, Kind::Int))
                || matches!((a.kind, b.kind), (Kind::DateTime(_), Kind::DateTime(_)));
            if comparable && matches!(op, Equal | NotEqual) {
                return Some(Ok(self.bools(|at| Some((a.get(at) == b.get(at)) == (op == Equal)))));
            }
            if let (true, Some(holds)) = (comparable, ordering(op)) {
                return Some(Ok(self.bools(|at| Some(holds(a.get(at)?.cmp(&b.get(at)?))))));
            }
            let kept = matches!(
                (op, a.kind, b.kind),
                (Add | Subtract | Multiply | FloorDivide | Modulo, Kind::Int, Kind::Int)
                    | (Add | Subtract | Modulo, Kind::Duration, Kind::Duration)
                    | (Add | Subtract | Modulo, Kind::Filesize, Kind::Filesize)
            );
            if kept {
                return Some(self.wholes(expr, op, a.kind.clone(), &a, &b, left, right));
            }
        }
        let (a, b) = (Floats::of(left)?, Floats::of(right)?);
        if a.is_whole() && b.is_whole() {
            // Ints divide to floats; their other operators were looked at above or have no loop.
            return (op == Divide).then(|| self.floats(expr, op, &a, &b, left, right));
        }
        match op {
            Add | Subtract | Multiply | Divide => Some(self.floats(expr, op, &a, &b, left, right)),
            // An int compares with a float exactly, without becoming one.
            _ if a.is_whole() || b.is_whole() => None,
            Equal => Some(Ok(self.bools(|at| Some(a.get(at) == b.get(at))))),
            NotEqual => Some(Ok(self.bools(|at| Some(a.get(at) != b.get(at))))),
            _ => {
                let holds = ordering(op)?;
                Some(Ok(self.bools(|at| Some(a.get(at)?.partial_cmp(&b.get(at)?).is_some_and(holds)))))
            }
        }
    }

    fn bools(&self, of: impl Fn(usize) -> Option<bool>) -> Vector {
        Vector::Bool((0..self.len).map(of).collect())
    }

    #[expect(clippy::too_many_arguments, reason = "the operands in both forms: fast, and as values for an error")]
    fn wholes(
        &self,
        expr: &value::Expr,
        op: Operator,
        kind: Kind,
        a: &Wholes<'_>,
        b: &Wholes<'_>,
        left: &Vector,
        right: &Vector,
    ) -> Result<Vector> {
        let mut result = Vec::with_capacity(self.len);
        for at in 0..self.len {
            result.push(match (a.get(at), b.get(at)) {
                (Some(x), Some(y)) => match ops::whole(op, x, y) {
                    Some(n) => Some(n),
                    None => return Err(self.failure(expr, op, at, left, right)),
                },
                _ => None,
            });
        }
        Ok(Vector::Whole(kind, result.into_iter().collect()))
    }

    fn floats(
        &self,
        expr: &value::Expr,
        op: Operator,
        a: &Floats<'_>,
        b: &Floats<'_>,
        left: &Vector,
        right: &Vector,
    ) -> Result<Vector> {
        let mut result = Vec::with_capacity(self.len);
        for at in 0..self.len {
            result.push(match (a.get(at), b.get(at)) {
                (Some(_), Some(y)) if op == Operator::Divide && y == 0.0 => {
                    return Err(self.failure(expr, op, at, left, right));
                }
                (Some(x), Some(y)) => Some(match op {
                    Operator::Add => x + y,
                    Operator::Subtract => x - y,
                    Operator::Multiply => x * y,
                    _ => x / y,
                }),
                _ => None,
            });
        }
        Ok(Vector::Float(result.into_iter().collect()))
    }

    /// The error of a row that a typed loop could not do.
    fn failure(&self, expr: &value::Expr, op: Operator, at: usize, left: &Vector, right: &Vector) -> Box<Diagnostic> {
        let (a, b) = (left.get(at), right.get(at));
        let error = ops::apply(op, &a, &b).err().unwrap_or_else(|| ops::wrong_operands(op, &a, &b));
        self.failed(expr, at, error)
    }

    /// Loops over texts, most often against one text.
    fn text(&self, op: Operator, left: &Vector, right: &Vector) -> Option<Result<Vector>> {
        use Operator::*;
        let Vector::Text(texts) = left else { return None };
        let each = |of: &dyn Fn(&str) -> bool| {
            Ok(Vector::Bool(texts.iter().map(|text| text.map(of)).collect::<BooleanChunked>()))
        };
        match (op, right) {
            (Equal | NotEqual, Vector::Text(others)) => {
                Some(Ok(self.bools(|at| Some((texts.get(at) == others.get(at)) == (op == Equal)))))
            }
            (Equal | NotEqual, Vector::One(Value::String(other))) => {
                Some(Ok(self.bools(|at| Some((texts.get(at) == Some(other.as_str())) == (op == Equal)))))
            }
            (Matches | NotMatches, Vector::One(Value::String(pattern))) => {
                let regex = match ops::compile_regex(pattern) {
                    Ok(regex) => regex,
                    // Raised only if there is a row to match, as the interpreter does.
                    Err(_) => return None,
                };
                Some(each(&|text| regex.is_match(text) == (op == Matches)))
            }
            (StartsWith | NotStartsWith, Vector::One(Value::String(part))) => {
                Some(each(&|text| text.starts_with(part.as_str()) == (op == StartsWith)))
            }
            (EndsWith | NotEndsWith, Vector::One(Value::String(part))) => {
                Some(each(&|text| text.ends_with(part.as_str()) == (op == EndsWith)))
            }
            _ => None,
        }
    }
}

fn ordering(op: Operator) -> Option<fn(std::cmp::Ordering) -> bool> {
    Some(match op {
        Operator::Less => std::cmp::Ordering::is_lt,
        Operator::LessEqual => std::cmp::Ordering::is_le,
        Operator::Greater => std::cmp::Ordering::is_gt,
        Operator::GreaterEqual => std::cmp::Ordering::is_ge,
        _ => return None,
    })
}

/// Whole numbers of a vector or of one value.
struct Wholes<'a> {
    kind: &'a Kind,
    cells: Cells<'a, Int64Type>,
}

enum Cells<'a, T: PolarsNumericType> {
    Many(&'a ChunkedArray<T>),
    One(T::Native),
}

impl<T: PolarsNumericType> Cells<'_, T> {
    fn get(&self, at: usize) -> Option<T::Native> {
        match self {
            Cells::Many(all) => all.get(at),
            Cells::One(one) => Some(*one),
        }
    }
}

impl<'a> Wholes<'a> {
    fn of(vector: &'a Vector) -> Option<Self> {
        Some(match vector {
            Vector::Whole(kind, all) => Wholes { kind, cells: Cells::Many(all) },
            Vector::One(Value::Int(n)) => Wholes { kind: &Kind::Int, cells: Cells::One(*n) },
            Vector::One(Value::Duration(n)) => Wholes { kind: &Kind::Duration, cells: Cells::One(*n) },
            Vector::One(Value::Filesize(n)) => Wholes { kind: &Kind::Filesize, cells: Cells::One(*n) },
            Vector::One(Value::DateTime(at)) => Wholes { kind: &Kind::DateTime(0), cells: Cells::One(at.nanos) },
            _ => return None,
        })
    }

    fn get(&self, at: usize) -> Option<i64> {
        self.cells.get(at)
    }
}

/// Ints and floats of a vector or of one value, as floats.
enum Floats<'a> {
    Float(Cells<'a, Float64Type>),
    Int(Cells<'a, Int64Type>),
}

impl<'a> Floats<'a> {
    fn of(vector: &'a Vector) -> Option<Self> {
        Some(match vector {
            Vector::Float(all) => Floats::Float(Cells::Many(all)),
            Vector::One(Value::Float(x)) => Floats::Float(Cells::One(*x)),
            Vector::Whole(Kind::Int, all) => Floats::Int(Cells::Many(all)),
            Vector::One(Value::Int(n)) => Floats::Int(Cells::One(*n)),
            _ => return None,
        })
    }

    fn get(&self, at: usize) -> Option<f64> {
        match self {
            Floats::Float(cells) => cells.get(at),
            Floats::Int(cells) => cells.get(at).map(|n| n as f64),
        }
    }

    fn is_whole(&self) -> bool {
        matches!(self, Floats::Int(_))
    }
}
