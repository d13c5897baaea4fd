//! Groups and their reductions as polars queries.
//!
//! In three steps: what is grouped by and reduced becomes columns; polars reduces each group's values to a few parts;
//! one more expression makes of the parts of a group what was asked. The parts are polars' own reductions wherever
//! they exist, so that groups of any size need no more memory than their results; the exceptions gather each
//! group's values into a list.

use std::cmp::Ordering;
use std::sync::Arc;

use polars::prelude as pl;
use value::expr::{Aggregation, ExprKind, Function};
use value::value::compare_floats;
use value::{Expr, Value};

use crate::aggregate::{self, aggregate};
use crate::column::{to_column, to_values};
use crate::eval::located;
use crate::frame::Frame;
use crate::kind::{Columns, Kind, distinct};
use crate::lower::{Lowered, call, column, lower};
use crate::run::caught;

/// One row per different combination of keys, in order of first appearance; `None` when the interpreter has to
/// do it.
pub fn group(frame: &Frame, keys: &[(Arc<str>, Expr)], aggregations: &[(Arc<str>, Expr)]) -> Option<Frame> {
    let columns = &*frame.columns;
    let mut before: Vec<pl::Expr> = Vec::new();
    let mut after: Columns = Vec::new();
    for (at, (name, key)) in keys.iter().enumerate() {
        let Lowered { expr, kind, .. } = lower(key, columns)?;
        if kind.is_nested() {
            return None;
        }
        before.push(expr.alias(format!("key{at}")));
        after.push((name.clone(), kind));
    }
    // Keeps a row for each row where only rows are counted. A column that is read anyway costs nothing, and one of
    // plain numbers little.
    let read = keys.iter().chain(aggregations).find_map(|(_, expr)| expr.columns().into_iter().next());
    let plain = || columns.iter().find(|(_, kind)| matches!(kind, Kind::Int | Kind::Bool)).or(columns.first());
    let counted = read.or_else(|| plain().map(|(name, _)| name.clone()))?;
    before.push(column(&counted).is_null().alias("row"));

    let inputs = vec![("rows".into(), Kind::Int)];
    let mut reduced = Reductions { columns, before, parts: Vec::new(), made: Vec::new(), inputs };
    let mut results: Vec<(Arc<str>, Expr)> = Vec::new();
    for (name, expr) in aggregations {
        results.push((name.clone(), reduced.rewrite(expr, false)?));
    }
    let Reductions { before, mut parts, made, inputs, .. } = reduced;

    parts.push(column("row").len().cast(pl::DataType::Int64).alias("rows"));
    let query = frame.query.clone().select(before);
    let query = if keys.is_empty() {
        query.select(parts)
    } else {
        let by: Vec<pl::Expr> = (0..keys.len()).map(|at| column(&format!("key{at}"))).collect();
        query.group_by_stable(by).agg(parts)
    };
    let query = query.with_columns(made);

    let mut exprs: Vec<pl::Expr> =
        keys.iter().enumerate().map(|(at, (name, _))| column(&format!("key{at}")).alias(&**name)).collect();
    for (name, expr) in results {
        let Lowered { expr, kind, .. } = lower(&expr, &inputs)?;
        exprs.push(expr.alias(&*name));
        after.push((name, kind));
    }
    // A row without columns cannot be held.
    if after.is_empty() || !distinct(&after) {
        return None;
    }
    let mut made = frame.then(query.select(exprs), after);
    made.resource = None;
    Some(made)
}

/// The reductions found in aggregations.
struct Reductions<'a> {
    columns: &'a Columns,
    /// What is computed for each row, before grouping.
    before: Vec<pl::Expr>,
    /// What polars reduces a group to.
    parts: Vec<pl::Expr>,
    /// What is made of the parts, each under the name of its reduction.
    made: Vec<pl::Expr>,
    /// What is known of a group after reducing: the columns of the last step.
    inputs: Columns,
}

impl Reductions<'_> {
    /// The expression with a column in the place of each reduction; `None` where one cannot be lowered, or could
    /// fail for a group that its guard would have kept from it.
    fn rewrite(&mut self, expr: &Expr, guarded: bool) -> Option<Expr> {
        let mut go = |inner: &Expr, guarded: bool| self.rewrite(inner, guarded).map(Box::new);
        let kind = match &expr.kind {
            ExprKind::Aggregate(aggregation, inner) => return self.reduction(*aggregation, inner, expr, guarded),
            ExprKind::Length => ExprKind::Column("rows".into()),
            // A group's column as a list.
            ExprKind::Column(_) => return None,
            ExprKind::Literal(value) => ExprKind::Literal(value.clone()),
            ExprKind::Path(inner, path) => ExprKind::Path(go(inner, guarded)?, path.clone()),
            ExprKind::Not(inner) => ExprKind::Not(go(inner, guarded)?),
            ExprKind::Negate(inner) => ExprKind::Negate(go(inner, guarded)?),
            ExprKind::Binary(op, left, right) => {
                ExprKind::Binary(*op, go(left, guarded)?, go(right, guarded || op.is_lazy())?)
            }
            ExprKind::If { condition, then, otherwise } => ExprKind::If {
                condition: go(condition, guarded)?,
                then: go(then, true)?,
                otherwise: match otherwise {
                    Some(otherwise) => Some(go(otherwise, true)?),
                    None => None,
                },
            },
            ExprKind::Call(called, arguments) => {
                let lazy = *called == Function::Default;
                let arguments = arguments
                    .iter()
                    .enumerate()
                    .map(|(at, argument)| self.rewrite(argument, guarded || lazy && at > 0))
                    .collect::<Option<Vec<_>>>()?;
                ExprKind::Call(*called, arguments)
            }
        };
        Some(Expr::new(kind, expr.span))
    }

    fn reduction(&mut self, aggregation: Aggregation, inner: &Expr, whole: &Expr, guarded: bool) -> Option<Expr> {
        let Lowered { expr, kind, native } = lower(inner, self.columns)?;
        if guarded && (!native || aggregate::can_fail(aggregation, &kind)) {
            return None;
        }
        let output = aggregate::result_kind(aggregation, &kind)?;
        let at = self.inputs.len();
        let result: Arc<str> = format!("reduced{at}").into();
        self.before.push(expr.alias(format!("value{at}")));
        let reduction = Reduction { aggregation, of: kind, output: output.clone(), at, span: whole.span };
        match reduction.own() {
            Some(own) => self.parts.push(own.alias(&*result)),
            None => {
                let (parts, made) = reduction.of_parts();
                self.parts.extend(parts);
                self.made.push(made.alias(&*result));
            }
        }
        self.inputs.push((result.clone(), output));
        Some(Expr::new(ExprKind::Column(result), whole.span))
    }
}

/// One reduction of one column.
struct Reduction {
    aggregation: Aggregation,
    of: Kind,
    output: Kind,
    /// Its number, which tells its columns from others'.
    at: usize,
    span: diag::Span,
}

impl Reduction {
    fn values(&self) -> pl::Expr {
        column(&format!("value{}", self.at))
    }

    fn part(&self, name: &str) -> String {
        format!("{name}{}", self.at)
    }

    /// Where polars' own reduction means the same.
    fn own(&self) -> Option<pl::Expr> {
        use Aggregation as A;
        let values = self.values();
        let number =
            |values: pl::Expr| if self.of == Kind::Float { values } else { values.cast(pl::DataType::Float64) };
        Some(match self.aggregation {
            A::Length => values.len().cast(pl::DataType::Int64),
            A::First => values.first(),
            A::Last => values.last(),
            A::Min => values.min(),
            // To us NaN is the largest number; polars leaves it out.
            A::Max if self.of == Kind::Float => pl::when(values.clone().is_nan().max())
                .then(pl::lit(pl::Scalar::from(f64::NAN)))
                .otherwise(values.max()),
            A::Max => values.max(),
            A::Average if self.of == Kind::Float => values.mean(),
            A::Stddev { sample } if self.of != Kind::Nothing => number(values).std(u8::from(sample)),
            A::Variance { sample } if self.of != Kind::Nothing => number(values).var(u8::from(sample)),
            A::CountDistinct if !self.of.is_nested() => values.n_unique().cast(pl::DataType::Int64),
            _ => return None,
        })
    }

    /// The parts that polars reduces to, and what is made of them.
    fn of_parts(&self) -> (Vec<pl::Expr>, pl::Expr) {
        use Aggregation as A;
        match self.aggregation {
            A::Sum | A::Average if self.of.is_whole() => self.exact_total(),
            A::Sum if self.of == Kind::Float => {
                let (sum, count) = (self.part("sum"), self.part("count"));
                let made = pl::when(column(&count).gt(pl::lit(0))).then(column(&sum)).otherwise(pl::lit(pl::NULL));
                (vec![self.values().sum().alias(&*sum), self.values().count().alias(&*count)], made)
            }
            A::Quantile(q) if (0.0..=1.0).contains(&q) && (self.of.is_whole() || self.of == Kind::Float) => {
                self.of_list(false, move |lists, of, _| Ok(Ok(quantiles(lists, of, q)?)))
            }
            A::Median if self.of == Kind::Float => self.of_list(false, |lists, _, _| Ok(Ok(medians(lists)?))),
            aggregation => self.of_list(true, move |lists, of, made| reduce_lists(lists, of, aggregation, made)),
        }
    }

    /// The sum or average of whole numbers, exact however large they become on the way: polars' sum is right but for
    /// a multiple of 2⁶⁴, which the sum as floats tells. (It does while that is wrong by less than 2⁶³: for groups of
    /// up to 67 million of the largest numbers, and of more when they are smaller.)
    fn exact_total(&self) -> (Vec<pl::Expr>, pl::Expr) {
        let names = ["sum", "near", "count"].map(|name| self.part(name));
        let parts = vec![
            self.values().sum().alias(&*names[0]),
            self.values().cast(pl::DataType::Float64).sum().alias(&*names[1]),
            self.values().count().cast(pl::DataType::Int64).alias(&*names[2]),
        ];
        let (aggregation, of, output, span) = (self.aggregation, self.of.clone(), self.output.clone(), self.span);
        let make = move |parts: &[pl::Column]| {
            let [sums, near, counts] = parts else { return Ok(pl::Column::default()) };
            let read = || {
                let (sums, near, counts) = (sums.i64()?, near.f64()?, counts.i64()?);
                let groups = sums.iter().zip(near.iter()).zip(counts.iter());
                let groups = groups.map(|((sum, near), count)| {
                    (sum.unwrap_or_default(), near.unwrap_or_default(), count.unwrap_or_default())
                });
                Ok(groups.collect::<Vec<_>>())
            };
            let values = caught(read)?
                .into_iter()
                .map(|(sum, near, count)| {
                    aggregate::of_total(aggregation, &of, unwrapped(sum, near), count)
                        .map_err(|error| located(error, span))
                })
                .collect::<diag::Result<Vec<_>>>()?;
            caught(|| to_column("", &output, &values))
        };
        let inputs = names.iter().map(|name| column(name)).collect();
        (parts, call(inputs, self.output.storage(), make))
    }

    /// A list of all the group's values, in their order where it matters, reduced by ours.
    fn of_list(
        &self,
        in_order: bool,
        reduce: impl Fn(&pl::Column, &Kind, &Kind) -> pl::PolarsResult<diag::Result<pl::Column>> + Send + Sync + 'static,
    ) -> (Vec<pl::Expr>, pl::Expr) {
        let list = self.part("list");
        let (of, output, span) = (self.of.clone(), self.output.clone(), self.span);
        let made = call(vec![column(&list)], self.output.storage(), move |columns| {
            let Some(lists) = columns.first() else { return Ok(pl::Column::default()) };
            caught(|| reduce(lists, &of, &output))?.map_err(|error| located(error, span))
        });
        (vec![self.values().implode(in_order).alias(&*list)], made)
    }
}

/// The true total, given its lower 64 bits and what it nearly is.
fn unwrapped(wrapped: i64, near: f64) -> i128 {
    let apart = near as i128 - i128::from(wrapped);
    // Rounded to the nearest multiple.
    let wraps = (apart + (1_i128 << 63)) >> 64;
    i128::from(wrapped) + (wraps << 64)
}

/// One value for each list, by the interpreter's reduction. The inner result is the reduction's own failure.
fn reduce_lists(
    lists: &pl::Column,
    of: &Kind,
    aggregation: Aggregation,
    output: &Kind,
) -> pl::PolarsResult<diag::Result<pl::Column>> {
    let mut results = Vec::with_capacity(lists.len());
    for list in lists.list()?.series_iter() {
        let values = match list {
            Some(list) => to_values(&pl::Column::from(list), of)?,
            None => Vec::new(),
        };
        match aggregate(aggregation, &values) {
            Ok(value) => results.push(value),
            Err(error) => return Ok(Err(error)),
        }
    }
    to_column("", output, &results).map(Ok)
}

/// The nearest rank's value in each list of numbers.
fn quantiles(lists: &pl::Column, of: &Kind, q: f64) -> pl::PolarsResult<pl::Column> {
    if *of == Kind::Float {
        return floats(lists, |numbers| at_rank(numbers, aggregate::rank(q, numbers.len()), in_order));
    }
    let mut numbers: Vec<i64> = Vec::new();
    let mut results: Vec<Value> = Vec::with_capacity(lists.len());
    for list in lists.list()?.series_iter() {
        numbers.clear();
        if let Some(list) = list {
            numbers.extend(list.to_physical_repr().i64()?.iter().flatten());
        }
        let rank = aggregate::rank(q, numbers.len());
        results.push(at_rank(&mut numbers, rank, i64::cmp).map_or(Value::Nothing, |n| of.whole(n)));
    }
    to_column("", of, &results)
}

/// The median of each list of floats.
fn medians(lists: &pl::Column) -> pl::PolarsResult<pl::Column> {
    floats(lists, |numbers| {
        let middle = numbers.len() / 2;
        let upper = at_rank(numbers, middle, in_order)?;
        if numbers.len() % 2 == 1 {
            return Some(upper);
        }
        // All below the upper one stand before it now.
        let lower = numbers[..middle].iter().copied().max_by(in_order)?;
        Some((lower + upper) / 2.0)
    })
}

fn floats(lists: &pl::Column, reduce: impl Fn(&mut [f64]) -> Option<f64>) -> pl::PolarsResult<pl::Column> {
    let mut numbers: Vec<f64> = Vec::new();
    let mut results: Vec<Value> = Vec::with_capacity(lists.len());
    for list in lists.list()?.series_iter() {
        numbers.clear();
        if let Some(list) = list {
            numbers.extend(list.f64()?.iter().flatten());
        }
        results.push(reduce(&mut numbers).map_or(Value::Nothing, Value::Float));
    }
    to_column("", &Kind::Float, &results)
}

/// The number at a place of the order, with the smaller ones before it and the larger ones after.
fn at_rank<T: Copy>(numbers: &mut [T], rank: usize, order: impl FnMut(&T, &T) -> Ordering) -> Option<T> {
    (rank < numbers.len()).then(|| *numbers.select_nth_unstable_by(rank, order).1)
}

/// As values are ordered.
fn in_order(a: &f64, b: &f64) -> Ordering {
    compare_floats(*a, *b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_that_wrapped_is_found_again() {
        for total in [0, 1, -1, i128::from(i64::MAX) + 1, i128::from(i64::MIN) * 3 - 7, i128::from(i64::MAX) * 1000] {
            assert_eq!(unwrapped(total as i64, total as f64), total);
        }
    }
}
