//! Tables made of values in memory.

use std::sync::Arc;

use diag::{Diagnostic, Result, codes};
use polars::prelude::DataFrame;
use value::{Fields, Record, Resource, TableRef, Value};

use crate::column::{to_column, to_frame};
use crate::frame::Frame;
use crate::kind::{Columns, Kind};
use crate::rows::RowTable;
use crate::run::caught;

/// With fewer rows than this, records are faster than columns, and polars need not even start.
const COLUMNS_PAY: usize = 256;

/// Makes a table of records: in columns when there are many with equal fields and types, else as they are.
///
/// # Errors
/// `WRONG_TYPE` when an item is no record.
pub fn from_rows(rows: Vec<Value>, resource: Option<Resource>) -> Result<TableRef> {
    if rows.len() >= COLUMNS_PAY {
        if let Some(table) = in_columns(&rows, resource)? {
            return Ok(table);
        }
    }
    as_rows(rows, resource)
}

/// Makes a table of records in columns, or `None` when their fields or types differ.
pub fn in_columns(rows: &[Value], resource: Option<Resource>) -> Result<Option<TableRef>> {
    let Some(columns) = common_columns(rows) else { return Ok(None) };
    let frame = caught(|| to_frame(rows, &columns))?;
    Ok(Some(Arc::new(Frame::held(frame, columns, resource))))
}

/// Whether a table lies in columns.
pub fn is_columnar(table: &TableRef) -> bool {
    table.as_any().is::<Frame>()
}

/// The same table in columns where its rows are alike, else as it is.
///
/// # Errors
/// Whatever reading its rows meets.
pub fn try_columns(table: &TableRef) -> Result<TableRef> {
    if is_columnar(table) {
        return Ok(table.clone());
    }
    Ok(in_columns(&table.rows()?, table.schema()?.resource)?.unwrap_or_else(|| table.clone()))
}

/// Makes a table of records as they are.
///
/// # Errors
/// `WRONG_TYPE` when an item is no record.
pub fn as_rows(rows: Vec<Value>, resource: Option<Resource>) -> Result<TableRef> {
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        match row {
            Value::Record(record) => records.push(record),
            other => {
                let message = format!("a table is made of records, and there is {} among them", other.type_of());
                return Err(Diagnostic::new(codes::WRONG_TYPE, message));
            }
        }
    }
    Ok(Arc::new(RowTable::new(records, resource)))
}

/// Makes a table of columns of equal length, in the order of the schema.
///
/// # Errors
/// `WRONG_TYPE` when a column's values are not of its type, are too many or too few.
pub fn from_columns(schema: &Fields, columns: Vec<Vec<Value>>) -> Result<TableRef> {
    let len = columns.first().map_or(0, Vec::len);
    if columns.len() != schema.columns.len() || columns.iter().any(|column| column.len() != len) {
        return Err(Diagnostic::new(
            codes::WRONG_TYPE,
            "the columns of a table are as many as its schema's and equally long",
        ));
    }
    let mut kinds: Columns = Vec::with_capacity(columns.len());
    for ((name, declared), values) in schema.columns.iter().zip(&columns) {
        let Some(kind) = common_kind(values) else { return rows_of_columns(schema, columns) };
        if kind != Kind::Nothing && !declared.accepts(&kind.to_type()) {
            let message = format!("column `{name}` is declared {declared} and holds {}", kind.to_type());
            return Err(Diagnostic::new(codes::WRONG_TYPE, message));
        }
        let kind = if kind == Kind::Nothing { Kind::of_type(declared).unwrap_or(kind) } else { kind };
        kinds.push((name.clone(), kind));
    }
    if len < COLUMNS_PAY || kinds.is_empty() {
        return rows_of_columns(schema, columns);
    }
    let frame = caught(|| {
        let made = kinds.iter().zip(&columns).map(|((name, kind), values)| to_column(name, kind, values));
        DataFrame::new(len, made.collect::<Result<_, _>>()?)
    })?;
    Ok(Arc::new(Frame::held(frame, kinds, schema.resource)))
}

fn rows_of_columns(schema: &Fields, columns: Vec<Vec<Value>>) -> Result<TableRef> {
    let len = columns.first().map_or(0, Vec::len);
    if len == 0 {
        return Ok(empty(schema.clone()));
    }
    let names = Arc::new(schema.columns.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
    let mut parts: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
    let rows = (0..len)
        .map(|_| {
            let row = parts.iter_mut().map(|part| part.next().unwrap_or(Value::Nothing)).collect();
            Arc::new(Record::from_parts(names.clone(), row).with_resource(schema.resource))
        })
        .collect();
    Ok(Arc::new(RowTable::new(rows, schema.resource)))
}

/// Makes a table without rows that still has columns.
pub fn empty(fields: Fields) -> TableRef {
    Arc::new(RowTable::empty(fields))
}

/// The table that a value is: one behind the trait, or a list of nothing but records.
pub fn of_value(value: &Value) -> Option<TableRef> {
    match value {
        Value::Table(table) => Some((**table).clone()),
        Value::List(items) if value.is_table() => {
            let resource = items.first().and_then(Value::as_record).and_then(|record| record.resource);
            let shared = items.iter().all(|item| item.as_record().is_some_and(|record| record.resource == resource));
            let resource = resource.filter(|_| shared);
            let columns = if items.len() >= COLUMNS_PAY { in_columns(items, resource).ok()? } else { None };
            columns.or_else(|| as_rows(items.to_vec(), resource).ok())
        }
        _ => None,
    }
}

fn common_kind(values: &[Value]) -> Option<Kind> {
    values.iter().try_fold(Kind::Nothing, |kind, value| kind.join(Kind::of(value)?))
}

/// The columns of rows that all have the same fields in the same order, and one kind in each; `None` otherwise.
fn common_columns(rows: &[Value]) -> Option<Columns> {
    let Value::Record(first) = rows.first()? else { return None };
    if first.is_empty() {
        return None;
    }
    let names = first.columns();
    let mut kinds = vec![Kind::Nothing; names.len()];
    for row in rows {
        let Value::Record(row) = row else { return None };
        if !Arc::ptr_eq(row.columns(), names) && row.columns() != names {
            return None;
        }
        for (kind, value) in kinds.iter_mut().zip(row.values()) {
            match (&*kind, value) {
                (_, Value::Nothing)
                | (Kind::Int, Value::Int(_))
                | (Kind::Float, Value::Float(_))
                | (Kind::String, Value::String(_))
                | (Kind::Bool, Value::Bool(_)) => {}
                _ => *kind = std::mem::replace(kind, Kind::Nothing).join(Kind::of(value)?)?,
            }
        }
    }
    Some(names.iter().cloned().zip(kinds).collect())
}

/// The table with these values as a column: in the place of one of that name, else after the others. As many values
/// as the table has rows.
///
/// # Errors
/// Whatever reading the table meets.
pub fn with_column(table: &TableRef, name: &str, values: Vec<Value>) -> Result<TableRef> {
    let resource = table.schema()?.resource;
    if let (Some(frame), Some(kind)) = (table.as_any().downcast_ref::<Frame>(), common_kind(&values)) {
        let mut columns = (*frame.columns).clone();
        match columns.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, known)) => *known = kind.clone(),
            None => columns.push((name.into(), kind.clone())),
        }
        let mut held = frame.frame()?;
        caught(|| held.with_column(to_column(name, &kind, &values)?).map(|_| ()))?;
        return Ok(Arc::new(Frame::held(held, columns, resource)));
    }
    let rows = table.rows()?.into_iter().zip(values).map(|(row, value)| match row {
        Value::Record(mut row) => {
            Arc::make_mut(&mut row).insert(name, value);
            Value::Record(row)
        }
        other => other,
    });
    as_rows(rows.collect(), resource)
}

/// These rows of a table, by number and in the order of the numbers, which are all below its length.
///
/// # Errors
/// Whatever reading the table meets.
pub fn pick(table: &TableRef, numbers: &[usize]) -> Result<TableRef> {
    let fields = table.schema()?;
    if let Some(frame) = table.as_any().downcast_ref::<Frame>() {
        let numbers: Vec<polars::prelude::IdxSize> =
            numbers.iter().map(|number| crate::frame::count(*number)).collect();
        let held = frame.frame()?;
        let picked = caught(|| held.take(&polars::prelude::IdxCa::from_vec("".into(), numbers)))?;
        return Ok(Arc::new(Frame::held(picked, (*frame.columns).clone(), fields.resource)));
    }
    let rows = table.rows()?;
    let picked: Vec<Value> = numbers.iter().filter_map(|number| rows.get(*number).cloned()).collect();
    if picked.is_empty() {
        return Ok(empty(fields));
    }
    as_rows(picked, fields.resource)
}
