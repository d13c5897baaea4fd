//! Joins: of records by keys in a hash table, of columns by polars.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use diag::{Diagnostic, Result, codes};
use polars::prelude as pl;
use polars::prelude::SeriesMethods as _;
use value::table::{AsOf, Direction, Join, JoinKind};
use value::{Fields, Record, TableRef, Value, interrupt};

use crate::aggregate::no_order;
use crate::construct::in_columns;
use crate::eval::located;
use crate::frame::Frame;
use crate::key::{Key, key_of_all};
use crate::kind::{Columns, Kind, distinct};
use crate::lower::{column, unused_name};
use crate::rows::RowTable;

/// Joins records. Those of a ragged table lack nothing in the result: what is absent is null.
pub fn rows(left: &[Arc<Record>], fields: &Fields, join: &Join) -> Result<TableRef> {
    let right: Vec<Arc<Record>> = join
        .right
        .rows()?
        .into_iter()
        .filter_map(|row| if let Value::Record(row) = row { Some(row) } else { None })
        .collect();
    let partners = Partners::of(&right, join)?;
    if let JoinKind::Semi | JoinKind::Anti = join.kind {
        let mut kept = Vec::new();
        for row in left {
            interrupt::check()?;
            if partners.with(row, join)?.is_empty() == (join.kind == JoinKind::Anti) {
                kept.push(row.clone());
            }
        }
        return Ok(table(kept, fields.clone()));
    }
    let joined = Joined::new(fields, join);
    let mut matched = vec![false; right.len()];
    let mut rows = Vec::new();
    let all_left = matches!(join.kind, JoinKind::Left | JoinKind::Outer | JoinKind::AsOf(_));
    for row in left {
        interrupt::check()?;
        let with = partners.with(row, join)?;
        for at in &with {
            matched[*at] = true;
            rows.push(joined.row(Some(row), Some(&right[*at])));
        }
        if with.is_empty() && all_left {
            rows.push(joined.row(Some(row), None));
        }
    }
    if let JoinKind::Right | JoinKind::Outer = join.kind {
        let alone = right.iter().zip(&matched).filter(|(_, matched)| !**matched);
        rows.extend(alone.map(|(row, _)| joined.row(None, Some(row))));
    }
    let mut after = fields.columns.clone();
    let known = join.right.schema()?;
    let more =
        join.names.iter().map(|(name, title)| (title.clone(), known.get(name).cloned().unwrap_or(value::Type::Any)));
    after.extend(more);
    Ok(table(rows, Fields::closed(after)))
}

fn table(rows: Vec<Arc<Record>>, fields: Fields) -> TableRef {
    if rows.is_empty() {
        return Arc::new(RowTable::empty(fields));
    }
    Arc::new(RowTable::new(rows, fields.resource))
}

/// Makes the rows of a result, which all share their names.
struct Joined<'a> {
    names: Arc<Vec<Arc<str>>>,
    left: Vec<&'a Arc<str>>,
    /// For each left column the right one that it is joined with under the same name.
    shared: Vec<bool>,
    join: &'a Join,
}

impl<'a> Joined<'a> {
    fn new(fields: &'a Fields, join: &'a Join) -> Self {
        let left: Vec<&Arc<str>> = fields.columns.iter().map(|(name, _)| name).collect();
        let shared = left.iter().map(|name| is_shared(join, name)).collect();
        let titles = join.names.iter().map(|(_, title)| title);
        let names = left.iter().copied().chain(titles).cloned().collect();
        Joined { names: Arc::new(names), left, shared, join }
    }

    fn row(&self, left: Option<&Record>, right: Option<&Record>) -> Arc<Record> {
        let cell = |row: Option<&Record>, name: &str| row.and_then(|row| row.get(name)).cloned().unwrap_or_default();
        let mut cells = Vec::with_capacity(self.names.len());
        for (name, shared) in self.left.iter().zip(&self.shared) {
            cells.push(cell(if left.is_none() && *shared { right } else { left }, name));
        }
        cells.extend(self.join.names.iter().map(|(name, _)| cell(right, name)));
        Arc::new(Record::from_parts(self.names.clone(), cells))
    }
}

/// Whether the right table is joined by a column of the same name, so that the result has it once.
fn is_shared(join: &Join, name: &str) -> bool {
    join.on.iter().any(|(left, right)| **left == *name && left == right)
}

/// The right table's rows, by what they are joined by.
struct Partners<'a> {
    /// In their order, or for an asof join in the order of the column that is near.
    by_key: HashMap<Key, Vec<(usize, &'a Value)>>,
}

impl<'a> Partners<'a> {
    fn of(right: &'a [Arc<Record>], join: &Join) -> Result<Self> {
        let mut by_key: HashMap<Key, Vec<(usize, &Value)>> = HashMap::new();
        for (at, row) in right.iter().enumerate() {
            interrupt::check()?;
            let near = match &join.kind {
                JoinKind::AsOf(asof) => row.get(&asof.right).unwrap_or(&Value::Nothing),
                _ => &Value::Bool(true),
            };
            let key = key_of(row, join.on.iter().map(|(_, right)| right));
            if let (Some(key), false) = (key, is_near_nothing(near)) {
                by_key.entry(key).or_default().push((at, near));
            }
        }
        if let JoinKind::AsOf(_) = join.kind {
            let mut failed = None;
            for rows in by_key.values_mut() {
                rows.sort_by(|(_, a), (_, b)| {
                    a.compare(b).unwrap_or_else(|| {
                        failed.get_or_insert_with(|| located(no_order(a, b), join.span));
                        Ordering::Equal
                    })
                });
            }
            failed.map_or(Ok(()), Err)?;
        }
        Ok(Partners { by_key })
    }

    /// Which rows go with one of the left table.
    fn with(&self, left: &Record, join: &Join) -> Result<Vec<usize>> {
        let key = key_of(left, join.on.iter().map(|(left, _)| left));
        let Some(rows) = key.and_then(|key| self.by_key.get(&key)) else { return Ok(Vec::new()) };
        let JoinKind::AsOf(asof) = &join.kind else { return Ok(rows.iter().map(|(at, _)| *at).collect()) };
        let to = left.get(&asof.left).unwrap_or(&Value::Nothing);
        if is_near_nothing(to) {
            return Ok(Vec::new());
        }
        let nearest = nearest(rows, to, asof).map_err(|error| located(error, join.span))?;
        Ok(nearest.into_iter().collect())
    }
}

/// What has no order among others.
fn is_near_nothing(value: &Value) -> bool {
    match value {
        Value::Nothing => true,
        Value::Float(x) => x.is_nan(),
        _ => false,
    }
}

fn key_of<'a>(row: &Record, names: impl Iterator<Item = &'a Arc<str>>) -> Option<Key> {
    let cells = names.map(|name| row.get(name).filter(|cell| !cell.is_nothing())).collect::<Option<Vec<&Value>>>()?;
    Some(key_of_all(cells.into_iter()))
}

/// The row that is nearest to a value, among rows in order.
fn nearest(rows: &[(usize, &Value)], to: &Value, asof: &AsOf) -> Result<Option<usize>> {
    let order = |value: &Value| value.compare(to).ok_or_else(|| no_order(value, to));
    if let Some((_, first)) = rows.first() {
        order(first)?;
    }
    let is = |value: &Value, before: fn(Ordering) -> bool| value.compare(to).is_some_and(before);
    let before = rows[..rows.partition_point(|(_, value)| is(value, Ordering::is_le))].last();
    let mut after = rows.get(rows.partition_point(|(_, value)| is(value, Ordering::is_lt)));
    if let (Direction::Nearest, Some((_, first))) = (asof.direction, after) {
        // Of equal ones the last.
        let end = rows.partition_point(|(_, value)| value.compare(first).is_some_and(Ordering::is_le));
        after = rows[..end].last();
    }
    let tolerance = match &asof.tolerance {
        Some(tolerance) => Some(Distance::of(to, tolerance)?),
        None => None,
    };
    let within = |found: Option<&(usize, &Value)>| -> Result<Option<(usize, Distance)>> {
        let Some((at, value)) = found else { return Ok(None) };
        let apart = Distance::between(to, value)?;
        Ok(tolerance.is_none_or(|tolerance| apart.compare(tolerance).is_le()).then_some((*at, apart)))
    };
    let found = match asof.direction {
        Direction::Backward => within(before)?,
        Direction::Forward => within(after)?,
        Direction::Nearest => match (within(before)?, within(after)?) {
            (Some(a), Some(b)) => Some(if a.1.compare(b.1).is_lt() { a } else { b }),
            (before, after) => before.or(after),
        },
    };
    Ok(found.map(|(at, _)| at))
}

/// How far two values are apart: of whole numbers exactly, which may need more than 64 bits.
#[derive(Clone, Copy)]
enum Distance {
    Whole(i128),
    Real(f64),
}

impl Distance {
    fn between(a: &Value, b: &Value) -> Result<Self> {
        match (a, b) {
            (Value::DateTime(a), Value::DateTime(b)) => Ok(Distance::Whole(i128::from(a.nanos) - i128::from(b.nanos))),
            (Value::Int(a) | Value::Filesize(a), Value::Int(b) | Value::Filesize(b))
            | (Value::Duration(a), Value::Duration(b)) => Ok(Distance::Whole(i128::from(*a) - i128::from(*b))),
            _ => match (a.as_float(), b.as_float()) {
                (Some(a), Some(b)) => Ok(Distance::Real(a - b)),
                _ => Err(no_order(a, b)),
            },
        }
        .map(|apart| match apart {
            Distance::Whole(n) => Distance::Whole(n.abs()),
            Distance::Real(x) => Distance::Real(x.abs()),
        })
    }

    /// A tolerance, which is of the unit that two such values are apart in.
    fn of(like: &Value, tolerance: &Value) -> Result<Self> {
        match (like, tolerance) {
            (Value::DateTime(_) | Value::Duration(_), Value::Duration(n))
            | (Value::Filesize(_) | Value::Int(_), Value::Filesize(n) | Value::Int(n)) => {
                Ok(Distance::Whole(i128::from(*n)))
            }
            (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
                Ok(Distance::Real(tolerance.as_float().unwrap_or_default()))
            }
            _ => Err(Diagnostic::new(
                codes::WRONG_TYPE,
                format!("how far values of {} are apart is not told in {}", like.type_of(), tolerance.type_of()),
            )),
        }
    }

    fn compare(self, other: Distance) -> Ordering {
        let real = |distance: Distance| match distance {
            Distance::Whole(n) => n as f64,
            Distance::Real(x) => x,
        };
        match (self, other) {
            (Distance::Whole(a), Distance::Whole(b)) => a.cmp(&b),
            (a, b) => real(a).total_cmp(&real(b)),
        }
    }
}

/// Joins columns; `None` when polars has another opinion of what is equal or near, and records have to be joined.
pub fn frames(left: &Frame, join: &Join) -> Result<Option<Frame>> {
    let made;
    let right = match join.right.as_any().downcast_ref::<Frame>() {
        Some(frame) => frame,
        None => {
            made = in_columns(&join.right.rows()?, None)?;
            match made.as_ref().and_then(|table| table.as_any().downcast_ref::<Frame>()) {
                Some(frame) => frame,
                None => return Ok(None),
            }
        }
    };
    Ok(Sides { left, right, join }.joined())
}

struct Sides<'a> {
    left: &'a Frame,
    right: &'a Frame,
    join: &'a Join,
}

impl Sides<'_> {
    fn joined(&self) -> Option<Frame> {
        let Sides { left, right, join } = self;
        let keeps_left = matches!(join.kind, JoinKind::Semi | JoinKind::Anti);
        let mut after = (*left.columns).clone();
        if !keeps_left {
            for (name, title) in &join.names {
                after.push((title.clone(), kind_of(right, name)?));
            }
        }
        let pairs = join.on.iter().map(|(a, b)| (a, b, false));
        let near = if let JoinKind::AsOf(asof) = &join.kind { Some((&asof.left, &asof.right, true)) } else { None };
        for (a, b, ordered) in pairs.chain(near) {
            let kind = kind_of(left, a)?;
            // The same storage is not enough: a duration is no int.
            let joins = kind == kind_of(right, b)? && !kind.is_nested() && kind != Kind::Nothing;
            if !joins || ordered && !kind.is_whole() {
                return None;
            }
        }
        let lefts: Vec<&Arc<str>> = join.on.iter().map(|(left, _)| left).collect();
        let rights: Vec<&Arc<str>> = join.on.iter().map(|(_, right)| right).collect();
        let repeats = |names: &[&Arc<str>]| (1..names.len()).any(|at| names[..at].contains(&names[at]));
        if repeats(&lefts) || repeats(&rights) || !distinct(&after) || join.on.is_empty() && near.is_none() {
            return None;
        }
        let keys = self.keys(&after);
        let query = match &join.kind {
            JoinKind::AsOf(asof) => self.nearest(asof, &keys, &after)?,
            JoinKind::Right | JoinKind::Outer => {
                let first = if join.kind == JoinKind::Right { pl::JoinType::Inner } else { pl::JoinType::Left };
                let both = [self.matching(first, &keys, &after), self.alone(&after)];
                pl::concat(both, pl::UnionArgs::default()).ok()?
            }
            JoinKind::Inner => self.matching(pl::JoinType::Inner, &keys, &after),
            JoinKind::Left => self.matching(pl::JoinType::Left, &keys, &after),
            JoinKind::Semi => self.matching(pl::JoinType::Semi, &keys, &after),
            JoinKind::Anti => self.matching(pl::JoinType::Anti, &keys, &after),
        };
        let mut made = left.with(right, query, after);
        made.united |= matches!(join.kind, JoinKind::Right | JoinKind::Outer);
        // Whether a column is in order already is seen of all of it only.
        made.passes |= matches!(join.kind, JoinKind::AsOf(_));
        Some(made)
    }

    /// Names for the right table's keys that no column of the result has.
    fn keys(&self, after: &Columns) -> Vec<Arc<str>> {
        (0..self.join.on.len()).map(|at| unused_name(after, &format!("key{at}"))).collect()
    }

    /// The right table as the join needs it: its keys under other names, and what the result has of it.
    fn right_query(&self, keys: &[Arc<str>], more: Option<pl::Expr>) -> pl::LazyFrame {
        let by = self.join.on.iter().zip(keys).map(|((_, right), key)| column(right).alias(&**key));
        let named = self.join.names.iter().map(|(name, title)| column(name).alias(&**title));
        self.right.query.clone().select(by.chain(named).chain(more).collect::<Vec<_>>())
    }

    fn matching(&self, how: pl::JoinType, keys: &[Arc<str>], after: &Columns) -> pl::LazyFrame {
        let semi = matches!(how, pl::JoinType::Semi | pl::JoinType::Anti);
        let args = pl::JoinArgs {
            maintain_order: if semi { pl::MaintainOrderJoin::Left } else { pl::MaintainOrderJoin::LeftRight },
            ..pl::JoinArgs::new(how)
        };
        let left_on: Vec<pl::Expr> = self.join.on.iter().map(|(left, _)| column(left)).collect();
        let right_on: Vec<pl::Expr> = keys.iter().map(|key| column(key)).collect();
        let query = self.left.query.clone().join(self.right_query(keys, None), left_on, right_on, args);
        query.select(names(after))
    }

    /// The right table's rows that no row of the left one goes with.
    fn alone(&self, after: &Columns) -> pl::LazyFrame {
        let Sides { left, right, join } = self;
        let left_on: Vec<pl::Expr> = join.on.iter().map(|(left, _)| column(left)).collect();
        let right_on: Vec<pl::Expr> = join.on.iter().map(|(_, right)| column(right)).collect();
        let args =
            pl::JoinArgs { maintain_order: pl::MaintainOrderJoin::Left, ..pl::JoinArgs::new(pl::JoinType::Anti) };
        let of_left = after[..left.columns.len()].iter().map(|(name, kind)| {
            let cell = if is_shared(join, name) { column(name) } else { pl::lit(pl::NULL).cast(kind.storage()) };
            cell.alias(&**name)
        });
        let of_right = join.names.iter().map(|(name, title)| column(name).alias(&**title));
        right
            .query
            .clone()
            .join(left.query.clone(), right_on, left_on, args)
            .select(of_left.chain(of_right).collect::<Vec<_>>())
    }

    /// polars wants both sides in order; what came in another one gets it back.
    fn nearest(&self, asof: &AsOf, keys: &[Arc<str>], after: &Columns) -> Option<pl::LazyFrame> {
        let Sides { left, right, join } = self;
        let (row, near) = (unused_name(after, "row"), unused_name(after, "near"));
        let kind = kind_of(right, &asof.right)?;
        let tolerance = match &asof.tolerance {
            None => None,
            Some(Value::Int(n) | Value::Duration(n) | Value::Filesize(n)) => Some(pl::Scalar::from(*n)),
            Some(_) => return None,
        };
        let needed = pl::by_name(keys.iter().chain([&near]).map(|name| &**name), true, false);
        let right_query = self
            .right_query(keys, Some(physical(&asof.right, &kind).alias(&*near)))
            .drop_nulls(Some(needed))
            .sort_by_exprs([in_order_already(column(&near))], pl::SortMultipleOptions::new().with_maintain_order(true));
        let to = unused_name(after, "to");
        let left_query = left
            .query
            .clone()
            .with_column(physical(&asof.left, &kind).alias(&*to))
            .with_row_index(&*row, None)
            .sort_by_exprs(
                [in_order_already(column(&to))],
                pl::SortMultipleOptions::new().with_maintain_order(true).with_nulls_last(true),
            );
        let by = |names: Vec<pl::PlSmallStr>| (!names.is_empty()).then_some(names);
        let options = pl::AsOfOptions {
            strategy: match asof.direction {
                Direction::Backward => pl::AsofStrategy::Backward,
                Direction::Forward => pl::AsofStrategy::Forward,
                Direction::Nearest => pl::AsofStrategy::Nearest,
            },
            tolerance,
            tolerance_str: None,
            left_by: by(join.on.iter().map(|(left, _)| (&**left).into()).collect()),
            right_by: by(keys.iter().map(|key| (&**key).into()).collect()),
            allow_eq: true,
            check_sortedness: false,
        };
        let args = pl::JoinArgs::new(pl::JoinType::AsOf(Box::new(options)));
        let query = left_query
            .join(right_query, [column(&to)], [column(&near)], args)
            .sort_by_exprs([in_order_already(column(&row))], pl::SortMultipleOptions::new().with_maintain_order(true));
        Some(query.select(names(after)))
    }
}

/// A column of whole numbers, without its unit.
fn physical(name: &str, kind: &Kind) -> pl::Expr {
    if let Kind::DateTime(_) = kind { column(name).to_physical() } else { column(name) }
}

/// The same column, marked as sorted when it is, which spares the sorting that a query asks for.
fn in_order_already(keys: pl::Expr) -> pl::Expr {
    keys.map(
        |column| {
            let mut series = column.take_materialized_series();
            if series.null_count() == 0 && series.is_sorted(pl::SortOptions::default())? {
                series.set_sorted_flag(polars::series::IsSorted::Ascending);
            }
            Ok(series.into())
        },
        |_, field| Ok(field.clone()),
    )
}

fn names(columns: &Columns) -> Vec<pl::Expr> {
    columns.iter().map(|(name, _)| column(name)).collect()
}

fn kind_of(frame: &Frame, name: &str) -> Option<Kind> {
    frame.columns.iter().find(|(known, _)| **known == *name).map(|(_, kind)| kind.clone())
}
