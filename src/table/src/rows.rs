//! Tables that lie in memory as records: ragged, mixed in type, or few.

use std::any::Any;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use diag::{Diagnostic, Result};
use value::cell_path::unknown_column;
use value::interrupt;
use value::table::SortKey;
use value::{Expr, Fields, Record, Resource, Stage, Table, TableRef, Type, Value};

use crate::aggregate::no_order;
use crate::eval::{eval_group, eval_row, keeps, located};
use crate::join;
use crate::key::{Key, key_of_all};

/// Records as they are. An absent field stays absent, and each value keeps its own type.
#[derive(Clone)]
pub struct RowTable {
    rows: Arc<Vec<Arc<Record>>>,
    /// What is known of the columns without looking at rows: those of a table that has none.
    fields: Fields,
}

impl RowTable {
    /// Makes a table of records.
    pub fn new(rows: Vec<Arc<Record>>, resource: Option<Resource>) -> Self {
        RowTable { rows: Arc::new(rows), fields: Fields { resource, ..Fields::default() } }
    }

    /// Makes a table without rows that still has columns.
    pub fn empty(fields: Fields) -> Self {
        RowTable { rows: Arc::default(), fields }
    }

    fn with_rows(&self, rows: Vec<Arc<Record>>) -> TableRef {
        let fields = if rows.is_empty() { self.known_fields() } else { self.fields.clone() };
        Arc::new(RowTable { rows: Arc::new(rows), fields })
    }

    /// All fields that any row has, in order of first appearance; nulls do not make a type.
    fn known_fields(&self) -> Fields {
        if self.rows.is_empty() {
            return self.fields.clone();
        }
        let mut columns: Vec<(Arc<str>, Type)> = Vec::new();
        let mut last: Option<Arc<Vec<Arc<str>>>> = None;
        let mut places: Vec<usize> = Vec::new();
        for row in self.rows.iter() {
            // Rows of one table mostly share their names, and then the places need not be searched again.
            if last.as_ref().is_none_or(|last| !Arc::ptr_eq(last, row.columns())) {
                places = row
                    .columns()
                    .iter()
                    .map(|name| {
                        columns.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
                            columns.push((name.clone(), Type::Nothing));
                            columns.len() - 1
                        })
                    })
                    .collect();
                last = Some(row.columns().clone());
            }
            for (place, value) in places.iter().zip(row.values()) {
                let slot = &mut columns[*place].1;
                match (&*slot, value) {
                    (_, Value::Nothing)
                    | (Type::Int, Value::Int(_))
                    | (Type::Float, Value::Float(_))
                    | (Type::String, Value::String(_))
                    | (Type::Bool, Value::Bool(_)) => {}
                    (Type::Nothing, value) => *slot = value.type_of(),
                    (_, value) => *slot = std::mem::replace(slot, Type::Any).union(value.type_of()),
                }
            }
        }
        Fields { columns, open: false, resource: self.fields.resource }
    }

    fn value_of(&self, row: &Arc<Record>) -> Value {
        if row.resource == self.fields.resource {
            return Value::Record(row.clone());
        }
        Value::record((**row).clone().with_resource(self.fields.resource))
    }

    fn map(&self, change: impl Fn(&Record) -> Result<Record>) -> Result<TableRef> {
        let rows = self
            .rows
            .iter()
            .map(|row| {
                interrupt::check()?;
                change(row).map(Arc::new)
            })
            .collect::<Result<_>>()?;
        Ok(self.with_rows(rows))
    }

    /// Runs a stage with the interpreter's meaning.
    fn run(&self, stage: &Stage) -> Result<TableRef> {
        let rows = &self.rows;
        let len = rows.len();
        Ok(match stage {
            Stage::Filter(condition) => {
                let mut kept = Vec::new();
                for row in rows.iter() {
                    interrupt::check()?;
                    let value = eval_row(condition, row)?;
                    if keeps(&value).map_err(|error| located(error, condition.span))? {
                        kept.push(row.clone());
                    }
                }
                self.with_rows(kept)
            }
            Stage::Select(names) => {
                if rows.is_empty() {
                    return Ok(Arc::new(RowTable::empty(self.restricted(names))));
                }
                let columns = Arc::new(names.clone());
                self.map(|row| {
                    let values = names
                        .iter()
                        .map(|name| row.get(name).cloned().ok_or_else(|| absent(name, row, rows)))
                        .collect::<Result<_>>()?;
                    Ok(Record::from_parts(columns.clone(), values))
                })?
            }
            Stage::Reject(names) => {
                if rows.is_empty() {
                    let kept: Vec<Arc<str>> = self
                        .fields
                        .columns
                        .iter()
                        .map(|(name, _)| name.clone())
                        .filter(|name| !names.contains(name))
                        .collect();
                    return Ok(Arc::new(RowTable::empty(self.restricted(&kept))));
                }
                self.map(|row| {
                    let mut row = row.clone();
                    for name in names {
                        row.remove(name);
                    }
                    Ok(row)
                })?
            }
            Stage::Rename(pairs) => {
                let renamed = |name: &Arc<str>| {
                    pairs.iter().find(|(old, _)| old == name).map_or_else(|| name.clone(), |(_, new)| new.clone())
                };
                if rows.is_empty() {
                    let mut fields = self.fields.clone();
                    fields.columns.iter_mut().for_each(|(name, _)| *name = renamed(name));
                    return Ok(Arc::new(RowTable::empty(fields)));
                }
                self.map(|row| Ok(row.columns().iter().map(renamed).zip(row.values().iter().cloned()).collect()))?
            }
            Stage::Set(columns) => {
                if rows.is_empty() {
                    let mut fields = self.fields.clone();
                    for (name, _) in columns {
                        fields.set(name, Type::Any);
                    }
                    return Ok(Arc::new(RowTable::empty(fields)));
                }
                self.map(|row| {
                    let values = columns.iter().map(|(_, expr)| eval_row(expr, row)).collect::<Result<Vec<_>>>()?;
                    let mut row = row.clone();
                    for ((name, _), value) in columns.iter().zip(values) {
                        row.insert(name.clone(), value);
                    }
                    Ok(row)
                })?
            }
            Stage::Sort(keys) => self.with_rows(sort(rows, keys)?),
            Stage::Unique => {
                let mut seen = HashSet::new();
                self.with_rows(rows.iter().filter(|row| seen.insert(row_key(row))).cloned().collect())
            }
            Stage::Skip(count) => self.with_rows(rows[(*count).min(len)..].to_vec()),
            Stage::First(count) => self.with_rows(rows[..(*count).min(len)].to_vec()),
            Stage::Last(count) => self.with_rows(rows[len - (*count).min(len)..].to_vec()),
            Stage::Reverse => self.with_rows(rows.iter().rev().cloned().collect()),
            Stage::Append(more) => {
                let mut all = rows.to_vec();
                for row in more {
                    let Value::Record(row) = row else { continue };
                    all.push(row.clone());
                }
                self.with_rows(all)
            }
            Stage::Group { keys, aggregations } => group(rows, keys, aggregations)?,
            Stage::Join(how) => join::rows(rows, &self.known_fields(), how)?,
        })
    }

    fn restricted(&self, names: &[Arc<str>]) -> Fields {
        let of = |name: &Arc<str>| self.fields.get(name).cloned().unwrap_or(Type::Any);
        Fields { columns: names.iter().map(|name| (name.clone(), of(name))).collect(), ..self.fields.clone() }
    }
}

impl Table for RowTable {
    fn schema(&self) -> Result<Fields> {
        Ok(self.known_fields())
    }

    fn len(&self) -> Result<usize> {
        Ok(self.rows.len())
    }

    fn rows(&self) -> Result<Vec<Value>> {
        Ok(self.rows.iter().map(|row| self.value_of(row)).collect())
    }

    fn slice(&self, offset: usize, limit: usize) -> Result<Vec<Value>> {
        Ok(self.rows.iter().skip(offset).take(limit).map(|row| self.value_of(row)).collect())
    }

    fn column(&self, name: &str) -> Result<Vec<Value>> {
        self.rows.iter().map(|row| row.get(name).cloned().ok_or_else(|| absent(name, row, &self.rows))).collect()
    }

    fn batches(&self) -> Box<dyn Iterator<Item = Result<Vec<Value>>> + Send> {
        const BATCH: usize = 1024;
        let table = self.clone();
        Box::new((0..self.rows.len()).step_by(BATCH).map(move |start| table.slice(start, BATCH)))
    }

    fn stage(&self, stage: &Stage) -> Result<Option<TableRef>> {
        if let Stage::Append(more) = stage {
            if !more.iter().all(|row| matches!(row, Value::Record(_))) {
                return Ok(None);
            }
        }
        self.run(stage).map(Some)
    }

    fn collect(&self) -> Result<TableRef> {
        Ok(Arc::new(self.clone()))
    }

    fn with_resource(&self, resource: Option<Resource>) -> TableRef {
        Arc::new(RowTable { rows: self.rows.clone(), fields: Fields { resource, ..self.fields.clone() } })
    }

    fn plan(&self) -> Result<String> {
        Ok(format!("{} rows in memory, as records", self.rows.len()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Which row lacks the column is worth telling when there are many.
fn absent(name: &str, row: &Record, rows: &[Arc<Record>]) -> Box<Diagnostic> {
    let error = unknown_column(name, row.names());
    let at = rows.iter().position(|one| std::ptr::eq(&**one, row));
    match at {
        Some(at) if rows.len() > 1 => error.cause(format!("row {at} of {} rows", rows.len())),
        _ => error,
    }
}

fn row_key(row: &Record) -> Key {
    let mut fields: Vec<(&str, &Value)> = row.iter().collect();
    fields.sort_by_key(|(name, _)| *name);
    let names: Vec<Value> = fields.iter().map(|(name, _)| Value::from(*name)).collect();
    key_of_all(names.iter().chain(fields.iter().map(|(_, value)| *value)))
}

fn sort(rows: &[Arc<Record>], keys: &[SortKey]) -> Result<Vec<Arc<Record>>> {
    let mut keyed = Vec::with_capacity(rows.len());
    for row in rows {
        interrupt::check()?;
        let values = keys.iter().map(|key| eval_row(&key.by, row)).collect::<Result<Vec<_>>>()?;
        keyed.push((values, row));
    }
    let mut failed = None;
    keyed.sort_by(|(a, _), (b, _)| {
        for ((a, b), key) in a.iter().zip(b).zip(keys) {
            match order(a, b, key.reverse) {
                Some(Ordering::Equal) => {}
                Some(unequal) => return unequal,
                None => {
                    failed.get_or_insert_with(|| located(no_order(a, b), key.span));
                    return Ordering::Equal;
                }
            }
        }
        Ordering::Equal
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(keyed.into_iter().map(|(_, row)| row.clone()).collect()),
    }
}

/// The order for sorting: NaN after numbers and null after everything, in both directions.
fn order(a: &Value, b: &Value, reverse: bool) -> Option<Ordering> {
    let rank = |value: &Value| match value {
        Value::Nothing => 2,
        Value::Float(x) if x.is_nan() => 1,
        _ => 0,
    };
    let (left, right) = (rank(a), rank(b));
    if left != right {
        return Some(left.cmp(&right));
    }
    let order = a.compare(b)?;
    Some(if reverse { order.reverse() } else { order })
}

fn group(rows: &[Arc<Record>], keys: &[(Arc<str>, Expr)], aggregations: &[(Arc<str>, Expr)]) -> Result<TableRef> {
    let mut groups: Vec<(Vec<Value>, Vec<Arc<Record>>)> = Vec::new();
    let mut places: HashMap<Key, usize> = HashMap::new();
    for row in rows {
        interrupt::check()?;
        let values = keys.iter().map(|(_, key)| eval_row(key, row)).collect::<Result<Vec<_>>>()?;
        let place = *places.entry(key_of_all(values.iter())).or_insert(groups.len());
        if place == groups.len() {
            groups.push((values, Vec::new()));
        }
        groups[place].1.push(row.clone());
    }
    // Without keys all rows are one group, even when there are none.
    if keys.is_empty() && groups.is_empty() {
        groups.push((Vec::new(), Vec::new()));
    }
    let mut result = Vec::with_capacity(groups.len());
    for (values, rows) in groups {
        let mut row: Record = keys.iter().map(|(name, _)| name.clone()).zip(values).collect();
        for (name, expr) in aggregations {
            row.insert(name.clone(), eval_group(expr, &rows)?);
        }
        result.push(Arc::new(row));
    }
    if result.is_empty() {
        let names = keys.iter().chain(aggregations).map(|(name, _)| (name.clone(), Type::Any)).collect();
        return Ok(Arc::new(RowTable::empty(Fields::closed(names))));
    }
    Ok(Arc::new(RowTable::new(result, None)))
}
