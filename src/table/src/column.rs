//! Values into polars columns and back.

use std::sync::Arc;

use polars::prelude::*;
use value::{Record, Value, interrupt};

use crate::kind::Kind;
use crate::run::carried;

/// Builds a column of values that all are of this kind or null.
pub fn to_column(name: &str, kind: &Kind, values: &[Value]) -> PolarsResult<Column> {
    Ok(series(name.into(), kind, values)?.into_column())
}

fn series(name: PlSmallStr, kind: &Kind, values: &[Value]) -> PolarsResult<Series> {
    let series = match kind {
        Kind::Nothing => Series::full_null(name, values.len(), &DataType::Null),
        Kind::Bool => values.iter().map(Value::as_bool).collect::<BooleanChunked>().with_name(name).into_series(),
        Kind::Int | Kind::Duration | Kind::Filesize | Kind::DateTime(_) => {
            let whole = values.iter().map(whole).collect::<Int64Chunked>().with_name(name).into_series();
            if let Kind::DateTime(_) = kind { whole.cast(&kind.storage())? } else { whole }
        }
        Kind::Float => values
            .iter()
            .map(|value| if let Value::Float(x) = value { Some(*x) } else { None })
            .collect::<Float64Chunked>()
            .with_name(name)
            .into_series(),
        Kind::String => values.iter().map(Value::as_str).collect::<StringChunked>().with_name(name).into_series(),
        Kind::Binary => values
            .iter()
            .map(|value| if let Value::Binary(bytes) = value { Some(bytes.as_slice()) } else { None })
            .collect::<BinaryChunked>()
            .with_name(name)
            .into_series(),
        Kind::List(_) | Kind::Record(_) => {
            let cells = values.iter().map(|value| any_value(kind, value)).collect::<PolarsResult<Vec<_>>>()?;
            Series::from_any_values_and_dtype(name, &cells, &kind.storage(), true)?
        }
    };
    Ok(series)
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) | Value::Duration(n) | Value::Filesize(n) => Some(*n),
        Value::DateTime(at) => Some(at.nanos),
        _ => None,
    }
}

fn any_value(kind: &Kind, value: &Value) -> PolarsResult<AnyValue<'static>> {
    Ok(match (kind, value) {
        (Kind::Bool, Value::Bool(b)) => AnyValue::Boolean(*b),
        (Kind::DateTime(_), Value::DateTime(at)) => {
            AnyValue::DatetimeOwned(at.nanos, TimeUnit::Nanoseconds, Some(Arc::new(TimeZone::UTC)))
        }
        (Kind::Float, Value::Float(x)) => AnyValue::Float64(*x),
        (Kind::String, Value::String(text)) => AnyValue::StringOwned(text.as_str().into()),
        (Kind::Binary, Value::Binary(bytes)) => AnyValue::BinaryOwned(bytes.to_vec()),
        (Kind::List(of), Value::List(items)) => AnyValue::List(series(PlSmallStr::EMPTY, of, items)?),
        (Kind::Record(fields), Value::Record(record)) => {
            let mut cells = Vec::with_capacity(fields.len());
            let mut types = Vec::with_capacity(fields.len());
            for (name, kind) in fields {
                cells.push(any_value(kind, record.get(name).unwrap_or(&Value::Nothing))?);
                types.push(Field::new((&**name).into(), kind.storage()));
            }
            AnyValue::StructOwned(Box::new((cells, types)))
        }
        (kind, value) if kind.is_whole() => whole(value).map_or(AnyValue::Null, AnyValue::Int64),
        _ => AnyValue::Null,
    })
}

/// Reads a column's values. The column's storage is the kind's.
pub fn to_values(column: &Column, kind: &Kind) -> PolarsResult<Vec<Value>> {
    series_values(column.as_materialized_series(), kind)
}

fn series_values(series: &Series, kind: &Kind) -> PolarsResult<Vec<Value>> {
    fn each<T>(cells: impl Iterator<Item = Option<T>>, make: impl Fn(T) -> Value) -> Vec<Value> {
        cells.map(|cell| cell.map_or(Value::Nothing, &make)).collect()
    }
    Ok(match kind {
        Kind::Nothing => vec![Value::Nothing; series.len()],
        Kind::Bool => each(series.bool()?.iter(), Value::Bool),
        Kind::Int => each(series.i64()?.iter(), Value::Int),
        Kind::Duration => each(series.i64()?.iter(), Value::Duration),
        Kind::Filesize => each(series.i64()?.iter(), Value::Filesize),
        Kind::DateTime(_) => each(series.to_physical_repr().i64()?.iter(), |nanos| kind.whole(nanos)),
        Kind::Float => each(series.f64()?.iter(), Value::Float),
        Kind::String => each(series.str()?.iter(), Value::from),
        Kind::Binary => each(series.binary()?.iter(), |bytes| Value::binary(bytes.to_vec())),
        Kind::List(of) => {
            let mut cells = Vec::with_capacity(series.len());
            for items in series.list()?.series_iter() {
                cells.push(match items {
                    Some(items) => Value::list(series_values(&items, of)?),
                    None => Value::Nothing,
                });
            }
            cells
        }
        Kind::Record(fields) => {
            let names: Arc<Vec<Arc<str>>> = Arc::new(fields.iter().map(|(name, _)| name.clone()).collect());
            let parts = series.struct_()?.fields_as_series();
            let mut parts = parts
                .iter()
                .zip(fields)
                .map(|(part, (_, kind))| Ok(series_values(part, kind)?.into_iter()))
                .collect::<PolarsResult<Vec<_>>>()?;
            let absent = series.is_null();
            absent
                .iter()
                .map(|absent| {
                    let row: Vec<Value> = parts.iter_mut().map(|part| part.next().unwrap_or(Value::Nothing)).collect();
                    if absent == Some(true) {
                        return Value::Nothing;
                    }
                    Value::record(Record::from_parts(names.clone(), row))
                })
                .collect()
        }
    })
}

/// Reads a frame's rows. Its columns are these, in this order.
pub fn to_rows(
    frame: &DataFrame,
    columns: &[(Arc<str>, Kind)],
    resource: Option<value::Resource>,
) -> PolarsResult<Vec<Value>> {
    let names: Arc<Vec<Arc<str>>> = Arc::new(columns.iter().map(|(name, _)| name.clone()).collect());
    let mut parts = Vec::with_capacity(columns.len());
    for (column, (_, kind)) in frame.columns().iter().zip(columns) {
        parts.push(to_values(column, kind)?.into_iter());
    }
    (0..frame.height())
        .map(|_| {
            interrupt::check().map_err(carried)?;
            let row = parts.iter_mut().map(|part| part.next().unwrap_or(Value::Nothing)).collect();
            Ok(Value::record(Record::from_parts(names.clone(), row).with_resource(resource)))
        })
        .collect()
}

/// Builds a frame of rows that all have these columns, in any order.
pub fn to_frame(rows: &[Value], columns: &[(Arc<str>, Kind)]) -> PolarsResult<DataFrame> {
    let mut parts = Vec::with_capacity(columns.len());
    for (at, (name, kind)) in columns.iter().enumerate() {
        let cells: Vec<Value> = rows
            .iter()
            .map(|row| {
                interrupt::check().map_err(carried)?;
                let Value::Record(record) = row else { return Ok(Value::Nothing) };
                Ok(match record.columns().get(at) {
                    Some(here) if here == name => record.values()[at].clone(),
                    _ => record.get(name).cloned().unwrap_or(Value::Nothing),
                })
            })
            .collect::<PolarsResult<_>>()?;
        parts.push(to_column(name, kind, &cells)?);
    }
    DataFrame::new(rows.len(), parts)
}
