//! Values as Arrow arrays.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, DurationNanosecondArray, Float64Array, Int64Array, ListArray, NullArray,
    StringArray, StructArray, TimestampNanosecondArray, UInt8Array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Fields, TimeUnit};
use diag::{Diagnostic, Result, codes};
use value::Value;

/// The name of a list's items, as Arrow's own implementations have it.
const ITEM: &str = "item";

/// The array of a list's items, or of one value.
pub(super) fn whole(value: &Value) -> Result<ArrayRef> {
    match value {
        Value::Binary(bytes) => Ok(Arc::new(UInt8Array::from(bytes.to_vec()))),
        Value::List(_) | Value::Table(_) | Value::Range(_) => {
            let items = value.items()?;
            let items: Vec<&Value> = items.iter().collect();
            build(&type_of_all(&items)?, &items)
        }
        one => build(&type_of(one)?, &[one]),
    }
}

fn type_of(value: &Value) -> Result<DataType> {
    Ok(match value {
        Value::Nothing => DataType::Null,
        Value::Bool(_) => DataType::Boolean,
        Value::Int(_) | Value::Filesize(_) => DataType::Int64,
        Value::Float(_) => DataType::Float64,
        Value::Duration(_) => DataType::Duration(TimeUnit::Nanosecond),
        Value::DateTime(at) => DataType::Timestamp(TimeUnit::Nanosecond, Some(zone(at.offset).into())),
        Value::String(_) => DataType::Utf8,
        Value::Binary(_) => DataType::Binary,
        Value::List(_) | Value::Table(_) | Value::Range(_) => {
            let items = value.items()?;
            list_of(type_of_all(&items.iter().collect::<Vec<_>>())?)
        }
        Value::Record(record) => {
            let field = |(name, value): (&str, &Value)| Ok(Field::new(name, type_of(value)?, true));
            DataType::Struct(record.iter().map(field).collect::<Result<Fields>>()?)
        }
        Value::CellPath(_) | Value::Closure(_) => {
            return Err(Diagnostic::new(codes::NOT_A_MESSAGE, format!("a {} cannot be sent", value.kind())));
        }
    })
}

fn type_of_all(items: &[&Value]) -> Result<DataType> {
    let mut of = DataType::Null;
    for item in items {
        // Long lists are mostly of one plain type, which is compared without being made.
        let known = matches!(
            (&of, item),
            (DataType::Int64, Value::Int(_))
                | (DataType::Float64, Value::Float(_))
                | (DataType::Utf8, Value::String(_))
        );
        if !known {
            of = join(of, type_of(item)?)?;
        }
    }
    Ok(of)
}

/// The type that holds both.
fn join(a: DataType, b: DataType) -> Result<DataType> {
    use DataType::*;
    Ok(match (a, b) {
        (a, b) if a == b => a,
        (Null, of) | (of, Null) => of,
        (Int64, Float64) | (Float64, Int64) => Float64,
        (Timestamp(..), Timestamp(..)) => Timestamp(TimeUnit::Nanosecond, Some(zone(0).into())),
        (List(a), List(b)) => list_of(join(a.data_type().clone(), b.data_type().clone())?),
        (Struct(a), Struct(b)) => {
            let mut fields: Vec<Arc<Field>> = a.iter().cloned().collect();
            for field in b.iter() {
                match fields.iter_mut().find(|known| known.name() == field.name()) {
                    Some(known) => {
                        let of = join(known.data_type().clone(), field.data_type().clone())?;
                        *known = Arc::new(Field::new(known.name(), of, true));
                    }
                    None => fields.push(field.clone()),
                }
            }
            Struct(fields.into())
        }
        (a, b) => {
            let message = format!("the items of an array are of one type, and these are {a} and {b}");
            return Err(Diagnostic::new(codes::NOT_A_MESSAGE, message)
                .help("send them one by one, or as the fields of a record"));
        }
    })
}

fn list_of(of: DataType) -> DataType {
    DataType::List(Arc::new(Field::new(ITEM, of, true)))
}

/// Builds an array of values that all are of this type or null.
fn build<'a>(of: &DataType, values: &[&'a Value]) -> Result<ArrayRef> {
    Ok(match of {
        DataType::Boolean => Arc::new(values.iter().map(|value| value.as_bool()).collect::<BooleanArray>()),
        DataType::Int64 => Arc::new(values.iter().map(|value| whole_number(value)).collect::<Int64Array>()),
        DataType::Float64 => Arc::new(values.iter().map(|value| value.as_float()).collect::<Float64Array>()),
        DataType::Duration(_) => {
            Arc::new(values.iter().map(|value| whole_number(value)).collect::<DurationNanosecondArray>())
        }
        DataType::Timestamp(_, zone) => {
            let moments = values.iter().map(|value| whole_number(value)).collect::<TimestampNanosecondArray>();
            Arc::new(moments.with_timezone_opt(zone.clone()))
        }
        DataType::Utf8 => {
            let texts = || values.iter().map(|value| value.as_str());
            fits(texts().flatten().map(str::len))?;
            Arc::new(texts().collect::<StringArray>())
        }
        DataType::Binary => {
            let binary = |value: &&Value| if let Value::Binary(bytes) = value { Some(bytes.clone()) } else { None };
            let all: Vec<_> = values.iter().map(binary).collect();
            fits(all.iter().flatten().map(|bytes| bytes.len()))?;
            Arc::new(all.iter().map(|bytes| bytes.as_ref().map(|bytes| bytes.as_slice())).collect::<BinaryArray>())
        }
        DataType::List(item) => {
            let lists = values.iter().map(|value| match value {
                Value::Nothing => Ok(None),
                list => list.items().map(Some),
            });
            let lists = lists.collect::<Result<Vec<_>>>()?;
            let lengths = || lists.iter().map(|list| list.as_ref().map_or(0, |items| items.len()));
            fits(lengths())?;
            let items: Vec<&Value> = lists.iter().flatten().flat_map(|items| items.iter()).collect();
            let items = build(item.data_type(), &items)?;
            let nulls = NullBuffer::from_iter(lists.iter().map(Option::is_some));
            let offsets = OffsetBuffer::from_lengths(lengths());
            let list = ListArray::try_new(item.clone(), offsets, items, Some(nulls));
            Arc::new(list.map_err(|error| impossible(&error))?)
        }
        DataType::Struct(fields) => {
            let mut columns = Vec::with_capacity(fields.len());
            for field in fields {
                let cell = |value: &&'a Value| value.as_record().and_then(|record| record.get(field.name()));
                let cells: Vec<&Value> = values.iter().map(|value| cell(value).unwrap_or(&Value::Nothing)).collect();
                columns.push(build(field.data_type(), &cells)?);
            }
            let nulls = NullBuffer::from_iter(values.iter().map(|value| !value.is_nothing()));
            let records = StructArray::try_new_with_length(fields.clone(), columns, Some(nulls), values.len());
            Arc::new(records.map_err(|error| impossible(&error))?)
        }
        _ => Arc::new(NullArray::new(values.len())),
    })
}

fn whole_number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) | Value::Duration(n) | Value::Filesize(n) => Some(*n),
        Value::DateTime(at) => Some(at.nanos),
        _ => None,
    }
}

/// Arrow counts the bytes of all texts, and the items of all lists, in 31 bits.
fn fits(lengths: impl Iterator<Item = usize>) -> Result<()> {
    match i32::try_from(lengths.sum::<usize>()) {
        Ok(_) => Ok(()),
        Err(_) => Err(Diagnostic::new(codes::NOT_A_MESSAGE, "the value is longer than a message can be")),
    }
}

fn impossible(error: &arrow_schema::ArrowError) -> Box<Diagnostic> {
    Diagnostic::new(codes::NOT_A_MESSAGE, "the value cannot be written as Arrow").cause(error.to_string())
}

/// An offset as Arrow names a time zone.
fn zone(offset: i32) -> String {
    if offset == 0 {
        return "UTC".to_string();
    }
    let minutes = offset.abs() / 60;
    format!("{}{:02}:{:02}", if offset < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
}
