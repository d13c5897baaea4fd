//! Stages of a columnar table as polars queries.

use std::sync::Arc;

use diag::Result;
use polars::prelude as pl;
use polars::prelude::{IntoLazy as _, LazyFrame, SortMultipleOptions, UnionArgs, UniqueKeepStrategy};
use value::table::SortKey;
use value::{Expr, Stage, TableRef, Value};

use crate::column::to_frame;
use crate::frame::{Frame, Order, count};
use crate::kind::{Columns, Kind, distinct};
use crate::lower::{Lowered, column, conjuncts, lower, unused_name};
use crate::run::caught;
use crate::{group, join};

/// The table after one more stage; `None` when the interpreter has to run it.
pub fn stage(frame: &Frame, stage: &Stage) -> Result<Option<TableRef>> {
    let made = match stage {
        Stage::Append(rows) => append(frame, rows)?,
        Stage::Join(how) => join::frames(frame, how)?,
        other => then(frame, other),
    };
    Ok(made.map(|frame| Arc::new(frame) as TableRef))
}

fn then(frame: &Frame, stage: &Stage) -> Option<Frame> {
    let query = || frame.query.clone();
    let columns = &*frame.columns;
    let same = |query: LazyFrame| Some(frame.then(query, columns.clone()));
    let passes = |query: LazyFrame| {
        let mut made = frame.then(query, columns.clone());
        made.passes |= frame.sorted;
        Some(made)
    };
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
            let order = order(frame, keys)?;
            let mut made = same(order.all(columns))?;
            made.sorted = true;
            made.order = Some(Arc::new(order));
            Some(made)
        }
        Stage::Unique => {
            if columns.is_empty() || columns.iter().any(|(_, kind)| kind.is_nested()) {
                return None;
            }
            same(query().unique_stable(None, UniqueKeepStrategy::First))
        }
        Stage::Skip(rows) => passes(query().slice(i64::try_from(*rows).unwrap_or(i64::MAX), pl::IdxSize::MAX)),
        Stage::First(rows) => top(frame, *rows, Order::first).or_else(|| match *rows <= TOP {
            true => same(query().limit(count(*rows))),
            false => passes(query().limit(count(*rows))),
        }),
        Stage::Last(rows) => top(frame, *rows, Order::last).or_else(|| passes(query().tail(count(*rows)))),
        Stage::Reverse => same(query().reverse()),
        Stage::Group { keys, aggregations } => group::group(frame, keys, aggregations),
        Stage::Append(_) | Stage::Join(_) => None,
    }
}

fn of_names(columns: &Columns) -> Vec<pl::Expr> {
    columns.iter().map(|(name, _)| column(name)).collect()
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

/// Up to so many first or last rows of an order are found without sorting all.
pub(crate) const TOP: usize = 10_000;

/// The first or last rows of a table that was just sorted; `None` when it was not, or they are many.
fn top(frame: &Frame, rows: usize, of: fn(&Order, usize, &Columns) -> LazyFrame) -> Option<Frame> {
    let order = frame.order.as_ref().filter(|_| rows <= TOP)?;
    let mut made = frame.then(of(order, rows, &frame.columns), (*frame.columns).clone());
    made.sorted = order.again;
    Some(made)
}

fn order(frame: &Frame, keys: &[SortKey]) -> Option<Order> {
    let (mut query, columns) = (frame.query.clone(), &*frame.columns);
    let mut by: Vec<(Arc<str>, bool)> = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        let Lowered { expr, kind, .. } = lower(&key.by, columns)?;
        if kind.is_nested() {
            return None;
        }
        let name = unused_name(columns, &format!("by{at}"));
        if kind == Kind::Float {
            // To polars NaN is the largest number, and would come first when the order is reversed.
            let nan = unused_name(columns, &format!("nan{at}"));
            query = query.with_column(expr.clone().is_nan().alias(&*nan));
            by.push((nan, false));
        }
        query = query.with_column(expr.alias(&*name));
        by.push((name, key.reverse));
    }
    Some(Order { query, by, again: frame.sorted })
}

impl Order {
    /// All rows in order.
    fn all(&self, columns: &Columns) -> LazyFrame {
        if self.by.is_empty() {
            return self.query.clone();
        }
        let by: Vec<pl::Expr> = self.by.iter().map(|(name, _)| column(name)).collect();
        let options = SortMultipleOptions::new()
            .with_nulls_last_multi(vec![true; by.len()])
            .with_order_descending_multi(self.by.iter().map(|(_, reverse)| *reverse))
            .with_maintain_order(true);
        self.query.clone().sort_by_exprs(by, options).select(of_names(columns))
    }

    fn first(&self, rows: usize, columns: &Columns) -> LazyFrame {
        self.top(rows, false, columns)
    }

    /// The first ones of the opposite order, turned around.
    fn last(&self, rows: usize, columns: &Columns) -> LazyFrame {
        self.top(rows, true, columns).reverse()
    }

    /// The first rows of this order or of its opposite. Rows that are equal are told apart by their number, which is
    /// what keeping their order means, and lets the engine choose before it sorts.
    fn top(&self, rows: usize, opposite: bool, columns: &Columns) -> LazyFrame {
        let mut known = columns.clone();
        known.extend(self.by.iter().map(|(name, _)| (name.clone(), Kind::Nothing)));
        let row = unused_name(&known, "row");
        let names = self.by.iter().map(|(name, _)| name).chain([&row]);
        let reversed = self.by.iter().map(|(_, reverse)| *reverse).chain([false]);
        let by: Vec<pl::Expr> = names.map(|name| column(name)).collect();
        let options = SortMultipleOptions::new()
            .with_nulls_last_multi(vec![!opposite; by.len()])
            .with_order_descending_multi(reversed.map(|reverse| reverse != opposite));
        let query = self.query.clone().with_row_index(&*row, None).sort_by_exprs(by, options);
        query.limit(count(rows)).select(of_names(columns))
    }
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
