//! Stages of a columnar table as polars queries.

use std::sync::Arc;

use diag::Result;
use polars::prelude as pl;
use polars::prelude::{IntoLazy as _, LazyFrame, SortMultipleOptions, UnionArgs, UniqueKeepStrategy};
use value::expr::{Aggregation, ExprKind};
use value::table::SortKey;
use value::{Expr, Stage, TableRef, Value};

use crate::aggregate::{self, aggregate};
use crate::column::{to_column, to_frame, to_values};
use crate::eval::located;
use crate::frame::{Frame, count};
use crate::kind::{Columns, Kind};
use crate::lower::{Lowered, call, column, conjuncts, lower, unused_name};
use crate::run::caught;

/// The table after one more stage; `None` when the interpreter has to run it.
pub fn stage(frame: &Frame, stage: &Stage) -> Result<Option<TableRef>> {
    let made = match stage {
        Stage::Append(rows) => append(frame, rows)?,
        other => then(frame, other),
    };
    Ok(made.map(|frame| Arc::new(frame) as TableRef))
}

fn then(frame: &Frame, stage: &Stage) -> Option<Frame> {
    let query = || frame.query.clone();
    let columns = &*frame.columns;
    let same = |query: LazyFrame| Some(frame.then(query, columns.clone()));
    match stage {
        Stage::Filter(condition) => same(filter(query(), columns, condition)?),
        Stage::Select(names) => {
            let chosen = names
                .iter()
                .map(|name| columns.iter().find(|(known, _)| known == name).cloned())
                .collect::<Option<Columns>>()?;
            (distinct(&chosen) && !chosen.is_empty()).then(|| frame.then(query().select(of_names(&chosen)), chosen))
        }
        Stage::Reject(names) => {
            let kept: Columns = columns.iter().filter(|(name, _)| !names.contains(name)).cloned().collect();
            // Rows without columns cannot be counted here.
            (!kept.is_empty()).then(|| frame.then(query().select(of_names(&kept)), kept))
        }
        Stage::Rename(pairs) => {
            let renamed = |name: &Arc<str>| {
                pairs.iter().find(|(old, _)| old == name).map_or_else(|| name.clone(), |(_, new)| new.clone())
            };
            let new: Columns = columns.iter().map(|(name, kind)| (renamed(name), kind.clone())).collect();
            let exprs: Vec<pl::Expr> =
                columns.iter().zip(&new).map(|((old, _), (new, _))| column(old).alias(&**new)).collect();
            distinct(&new).then(|| frame.then(query().select(exprs), new))
        }
        Stage::Set(set) => {
            let mut after = columns.clone();
            let mut exprs = Vec::with_capacity(set.len());
            for (name, expr) in set {
                let Lowered { expr, kind, .. } = lower(expr, columns)?;
                exprs.push(expr.alias(&**name));
                match after.iter_mut().find(|(known, _)| known == name) {
                    Some((_, known)) => *known = kind,
                    None => after.push((name.clone(), kind)),
                }
            }
            let names: Vec<&Arc<str>> = set.iter().map(|(name, _)| name).collect();
            let twice = names.iter().enumerate().any(|(at, name)| names[..at].contains(name));
            (!twice).then(|| frame.then(query().with_columns(exprs), after))
        }
        Stage::Sort(keys) => {
            let mut made = same(sort(query(), columns, keys)?)?;
            made.sorted = true;
            Some(made)
        }
        Stage::Unique => {
            if columns.is_empty() || columns.iter().any(|(_, kind)| kind.is_nested()) {
                return None;
            }
            same(query().unique_stable(None, UniqueKeepStrategy::First))
        }
        Stage::Skip(rows) => same(query().slice(i64::try_from(*rows).unwrap_or(i64::MAX), pl::IdxSize::MAX)),
        Stage::First(rows) => same(query().limit(count(*rows))),
        Stage::Last(rows) => same(query().tail(count(*rows))),
        Stage::Reverse => same(query().reverse()),
        Stage::Group { keys, aggregations } => group(frame, keys, aggregations),
        Stage::Append(_) => None,
    }
}

fn of_names(columns: &Columns) -> Vec<pl::Expr> {
    columns.iter().map(|(name, _)| column(name)).collect()
}

fn distinct(columns: &Columns) -> bool {
    columns.iter().enumerate().all(|(at, (name, _))| columns[..at].iter().all(|(other, _)| other != name))
}

/// What `and` joins is asked one after the other: first what polars can push into a scan, then kernels, each seeing
/// only the rows that the ones before it kept.
fn filter(mut query: LazyFrame, columns: &Columns, condition: &Expr) -> Option<LazyFrame> {
    let mut kernels = Vec::new();
    for part in conjuncts(condition) {
        let Lowered { expr, kind, native } = lower(part, columns)?;
        match kind {
            Kind::Bool if native => query = query.filter(expr),
            Kind::Bool | Kind::Nothing => kernels.push(expr.cast(pl::DataType::Boolean)),
            _ => return None,
        }
    }
    let keep = unused_name(columns, "keep");
    for kernel in kernels {
        // As a column of its own: polars would join neighbouring conditions into one and ask it of all rows.
        query = query.with_column(kernel.alias(&*keep)).filter(column(&keep)).select(of_names(columns));
    }
    Some(query)
}

fn sort(mut query: LazyFrame, columns: &Columns, keys: &[SortKey]) -> Option<LazyFrame> {
    let mut by = Vec::new();
    let mut reverse = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        let Lowered { expr, kind, .. } = lower(&key.by, columns)?;
        if kind.is_nested() {
            return None;
        }
        let name = unused_name(columns, &format!("by{at}"));
        query = query.with_column(expr.alias(&*name));
        if kind == Kind::Float {
            // To polars NaN is the largest number, and would come first when the order is reversed.
            by.push(column(&name).is_nan());
            reverse.push(false);
        }
        by.push(column(&name));
        reverse.push(key.reverse);
    }
    if by.is_empty() {
        return Some(query);
    }
    let options = SortMultipleOptions::new()
        .with_nulls_last_multi(vec![true; by.len()])
        .with_order_descending_multi(reverse)
        .with_maintain_order(true);
    Some(query.sort_by_exprs(by, options).select(of_names(columns)))
}

fn append(frame: &Frame, rows: &[Value]) -> Result<Option<Frame>> {
    let mut columns = (*frame.columns).clone();
    for row in rows {
        let Value::Record(row) = row else { return Ok(None) };
        if row.len() != columns.len() {
            return Ok(None);
        }
        for (name, known) in &mut columns {
            let joined = row.get(name).and_then(Kind::of).and_then(|kind| known.clone().join(kind));
            let Some(joined) = joined else { return Ok(None) };
            *known = joined;
        }
    }
    // Only a column of nothing but nulls takes another storage without being changed.
    let widened =
        columns.iter().zip(frame.columns.iter()).any(|((_, new), (_, old))| new != old && *old != Kind::Nothing);
    if widened || columns.is_empty() {
        return Ok(None);
    }
    let casts: Vec<pl::Expr> = columns.iter().map(|(name, kind)| column(name).cast(kind.storage())).collect();
    let more = caught(|| to_frame(rows, &columns))?.lazy();
    let both = pl::concat([frame.query.clone().select(casts), more], UnionArgs::default());
    Ok(both.ok().map(|query| {
        let mut made = frame.then(query, columns);
        made.united = true;
        made
    }))
}

/// Groups, in three steps: what is grouped by and reduced becomes columns; polars gathers each group's values; a
/// kernel reduces them, and one more makes of several reductions what was asked.
fn group(frame: &Frame, keys: &[(Arc<str>, Expr)], aggregations: &[(Arc<str>, Expr)]) -> Option<Frame> {
    let columns = &*frame.columns;
    let first = columns.first()?;
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
    // Keeps a row for each row where only rows are counted.
    before.push(column(&first.0).is_null().alias("row"));

    let mut reduced = Reductions { columns, before, gathered: Vec::new(), inputs: vec![("rows".into(), Kind::Int)] };
    let mut results: Vec<(Arc<str>, Expr)> = Vec::new();
    for (name, expr) in aggregations {
        results.push((name.clone(), reduced.rewrite(expr, false)?));
    }
    let Reductions { before, gathered, inputs, .. } = reduced;

    let mut of_group: Vec<pl::Expr> = gathered.iter().map(|gathered| gathered.gather.clone()).collect();
    of_group.push(pl::len().cast(pl::DataType::Int64).alias("rows"));
    let query = frame.query.clone().select(before);
    let query = if keys.is_empty() {
        let whole = gathered.iter().map(|gathered| gathered.gather_all.clone());
        let rows = column("row").len().cast(pl::DataType::Int64).alias("rows");
        query.select(whole.chain([rows]).collect::<Vec<_>>())
    } else {
        let by: Vec<pl::Expr> = (0..keys.len()).map(|at| column(&format!("key{at}"))).collect();
        query.group_by_stable(by).agg(of_group)
    };
    let query = query.with_columns(gathered.into_iter().filter_map(|gathered| gathered.reduce).collect::<Vec<_>>());

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
    gathered: Vec<Gathered>,
    /// What is known of a group after reducing: the columns of the last step.
    inputs: Columns,
}

struct Gathered {
    /// Within a group.
    gather: pl::Expr,
    /// Of all rows, where there are no keys.
    gather_all: pl::Expr,
    /// From the gathered list to one value, unless polars has done it.
    reduce: Option<pl::Expr>,
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
                let lazy = *called == value::expr::Function::Default;
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
        let at = self.gathered.len();
        let (value, result): (String, Arc<str>) = (format!("value{at}"), format!("reduced{at}").into());
        self.before.push(expr.alias(value.as_str()));
        let values = || column(&value);
        let own = match aggregation {
            Aggregation::Length => Some(values().len().cast(pl::DataType::Int64)),
            Aggregation::First => Some(values().first()),
            Aggregation::Last => Some(values().last()),
            // polars leaves NaN out of its own extremes.
            Aggregation::Min if kind != Kind::Float => Some(values().min()),
            Aggregation::Max if kind != Kind::Float => Some(values().max()),
            _ => None,
        };
        let gathered = match own {
            Some(own) => {
                let own = own.alias(&*result);
                Gathered { gather: own.clone(), gather_all: own, reduce: None }
            }
            None => {
                let span = whole.span;
                let (input, made) = (kind.clone(), output.clone());
                let reduce = move |columns: &[pl::Column]| {
                    let Some(lists) = columns.first() else { return Ok(pl::Column::default()) };
                    let values =
                        caught(|| reduce_lists(lists, &input, aggregation))?.map_err(|error| located(error, span))?;
                    caught(|| to_column("", &made, &values))
                };
                Gathered {
                    gather: values().alias(value.as_str()),
                    gather_all: values().implode(true).alias(value.as_str()),
                    reduce: Some(call(vec![values()], output.storage(), reduce).alias(&*result)),
                }
            }
        };
        self.gathered.push(gathered);
        self.inputs.push((result.clone(), output));
        Some(Expr::new(ExprKind::Column(result), whole.span))
    }
}

/// One value for each list. The inner result is the reduction's own failure.
fn reduce_lists(lists: &pl::Column, of: &Kind, aggregation: Aggregation) -> pl::PolarsResult<Result<Vec<Value>>> {
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
    Ok(Ok(results))
}
