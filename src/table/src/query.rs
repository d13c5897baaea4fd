//! Stages of a columnar table as polars queries.

use std::sync::Arc;

use diag::Result;
use polars::prelude as pl;
use polars::prelude::{IntoLazy as _, LazyFrame, SortMultipleOptions, UnionArgs, UniqueKeepStrategy};
use value::table::SortKey;
use value::{Expr, Stage, TableRef, Value};

use crate::column::to_frame;
use crate::frame::{Frame, count};
use crate::kind::{Columns, Kind};
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
        Stage::Group { keys, aggregations } => group::group(frame, keys, aggregations),
        Stage::Append(_) | Stage::Join(_) => None,
    }
}

fn of_names(columns: &Columns) -> Vec<pl::Expr> {
    columns.iter().map(|(name, _)| column(name)).collect()
}

pub(crate) fn distinct(columns: &Columns) -> bool {
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
