//! Arrow arrays as values.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrowPrimitiveType, RunArray, UnionArray};
use arrow_schema::{DataType, Field, Fields, IntervalUnit, TimeUnit};
use diag::Result;
use value::{DateTime, Record, Value};

use super::{is_byte, unreadable};

/// How many items one message may have, at all depths: an array of nulls takes no bytes, and would else take all
/// memory there is. Bytes do not count.
const MOST_ITEMS: usize = 32 << 20;
const DAY: i64 = 86_400 * 1_000_000_000;

/// The items of an array: binary for bytes, else a list.
pub(super) fn whole(field: &Field, array: &dyn Array) -> Result<Value> {
    let mut reader = Reader { left: MOST_ITEMS };
    if is_byte(array.data_type()) && array.null_count() == 0 && array.len() != 1 {
        return Ok(bytes(array));
    }
    reader.values(field, array).map(Value::list)
}

/// How many items each item has, where the type says so.
pub(super) fn inner_shape(field: &Field) -> Vec<usize> {
    if let Some(shape) = tensor_shape(field) {
        return shape;
    }
    match field.data_type() {
        DataType::FixedSizeList(of, length) => {
            let mut shape = vec![usize::try_from(*length).unwrap_or(0)];
            shape.extend(inner_shape(of));
            shape
        }
        _ => Vec::new(),
    }
}

/// A type as people write it: `Struct<x: Float64>`, `List<Int64>`.
pub(super) fn type_text(of: &DataType) -> String {
    let field = |field: &Field| format!("{}: {}", field.name(), type_text(field.data_type()));
    match of {
        DataType::Struct(fields) => {
            format!("Struct<{}>", fields.iter().map(|it| field(it)).collect::<Vec<_>>().join(", "))
        }
        DataType::List(of) | DataType::ListView(of) => format!("List<{}>", type_text(of.data_type())),
        DataType::LargeList(of) | DataType::LargeListView(of) => format!("LargeList<{}>", type_text(of.data_type())),
        DataType::FixedSizeList(of, length) => format!("FixedSizeList<{}, {length}>", type_text(of.data_type())),
        DataType::Dictionary(_, of) => format!("Dictionary<{}>", type_text(of)),
        DataType::RunEndEncoded(_, of) => format!("RunEndEncoded<{}>", type_text(of.data_type())),
        DataType::Union(fields, _) => {
            format!("Union<{}>", fields.iter().map(|(_, it)| field(it)).collect::<Vec<_>>().join(", "))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => {
                format!("Map<{}, {}>", type_text(fields[0].data_type()), type_text(fields[1].data_type()))
            }
            _ => "Map".to_string(),
        },
        plain => plain.to_string(),
    }
}

/// The shape that Arrow's extension type for tensors gives each item.
fn tensor_shape(field: &Field) -> Option<Vec<usize>> {
    let metadata = field.metadata();
    if metadata.get("ARROW:extension:name")? != "arrow.fixed_shape_tensor" {
        return None;
    }
    let DataType::FixedSizeList(_, length) = field.data_type() else { return None };
    let about: serde_json::Value = serde_json::from_str(metadata.get("ARROW:extension:metadata")?).ok()?;
    let sizes = about.get("shape")?.as_array()?;
    let sizes: Vec<usize> = sizes.iter().map(|size| usize::try_from(size.as_u64()?).ok()).collect::<Option<_>>()?;
    let all = sizes.iter().try_fold(1_usize, |all, size| all.checked_mul(*size))?;
    (!sizes.is_empty() && !sizes.contains(&0) && i32::try_from(all) == Ok(*length)).then_some(sizes)
}

/// The bytes of an array of them.
fn bytes(array: &dyn Array) -> Value {
    Value::binary(array.as_primitive::<UInt8Type>().values().to_vec())
}

struct Reader {
    /// How many items may still come.
    left: usize,
}

impl Reader {
    fn values(&mut self, field: &Field, array: &dyn Array) -> Result<Vec<Value>> {
        self.left = self
            .left
            .checked_sub(array.len())
            .ok_or_else(|| unreadable(format!("it has more than {} items", MOST_ITEMS >> 20 << 20)))?;
        Ok(match array.data_type() {
            DataType::Null => vec![Value::Nothing; array.len()],
            DataType::Boolean => {
                let array = array.as_boolean();
                array.iter().map(|item| item.map_or(Value::Nothing, Value::Bool)).collect()
            }
            DataType::Int8 => primitive::<Int8Type>(array, |n| Value::Int(n.into())),
            DataType::Int16 => primitive::<Int16Type>(array, |n| Value::Int(n.into())),
            DataType::Int32 => primitive::<Int32Type>(array, |n| Value::Int(n.into())),
            DataType::Int64 => primitive::<Int64Type>(array, Value::Int),
            DataType::UInt8 => primitive::<UInt8Type>(array, |n| Value::Int(n.into())),
            DataType::UInt16 => primitive::<UInt16Type>(array, |n| Value::Int(n.into())),
            DataType::UInt32 => primitive::<UInt32Type>(array, |n| Value::Int(n.into())),
            // What no int holds is as near as a float comes.
            DataType::UInt64 => {
                primitive::<UInt64Type>(array, |n| i64::try_from(n).map_or(Value::Float(n as f64), Value::Int))
            }
            DataType::Float16 => primitive::<Float16Type>(array, |x| Value::Float(x.to_f64())),
            DataType::Float32 => primitive::<Float32Type>(array, |x| Value::Float(x.into())),
            DataType::Float64 => primitive::<Float64Type>(array, Value::Float),
            DataType::Decimal32(..) => {
                decimal(array, array.as_primitive::<Decimal32Type>(), |a, at| a.value_as_string(at))
            }
            DataType::Decimal64(..) => {
                decimal(array, array.as_primitive::<Decimal64Type>(), |a, at| a.value_as_string(at))
            }
            DataType::Decimal128(..) => {
                decimal(array, array.as_primitive::<Decimal128Type>(), |a, at| a.value_as_string(at))
            }
            DataType::Decimal256(..) => {
                decimal(array, array.as_primitive::<Decimal256Type>(), |a, at| a.value_as_string(at))
            }
            DataType::Date32 => primitive::<Date32Type>(array, |days| moment(i64::from(days).checked_mul(DAY), 0)),
            DataType::Date64 => primitive::<Date64Type>(array, |millis| moment(millis.checked_mul(1_000_000), 0)),
            DataType::Time32(TimeUnit::Second) => {
                primitive::<Time32SecondType>(array, |n| span(n.into(), TimeUnit::Second))
            }
            DataType::Time32(_) => primitive::<Time32MillisecondType>(array, |n| span(n.into(), TimeUnit::Millisecond)),
            DataType::Time64(TimeUnit::Microsecond) => {
                primitive::<Time64MicrosecondType>(array, |n| span(n, TimeUnit::Microsecond))
            }
            DataType::Time64(_) => primitive::<Time64NanosecondType>(array, |n| span(n, TimeUnit::Nanosecond)),
            DataType::Timestamp(unit, zone) => {
                let (unit, offset) = (*unit, zone.as_deref().map_or(0, offset));
                let at = move |n: i64| moment(n.checked_mul(nanos(unit)), offset);
                match unit {
                    TimeUnit::Second => primitive::<TimestampSecondType>(array, at),
                    TimeUnit::Millisecond => primitive::<TimestampMillisecondType>(array, at),
                    TimeUnit::Microsecond => primitive::<TimestampMicrosecondType>(array, at),
                    TimeUnit::Nanosecond => primitive::<TimestampNanosecondType>(array, at),
                }
            }
            DataType::Duration(unit) => {
                let unit = *unit;
                match unit {
                    TimeUnit::Second => primitive::<DurationSecondType>(array, |n| span(n, unit)),
                    TimeUnit::Millisecond => primitive::<DurationMillisecondType>(array, |n| span(n, unit)),
                    TimeUnit::Microsecond => primitive::<DurationMicrosecondType>(array, |n| span(n, unit)),
                    TimeUnit::Nanosecond => primitive::<DurationNanosecondType>(array, |n| span(n, unit)),
                }
            }
            DataType::Interval(unit) => match unit {
                IntervalUnit::YearMonth => primitive::<IntervalYearMonthType>(array, |months| calendar(months, 0, 0)),
                IntervalUnit::DayTime => primitive::<IntervalDayTimeType>(array, |it| {
                    calendar(0, it.days, i64::from(it.milliseconds) * 1_000_000)
                }),
                IntervalUnit::MonthDayNano => {
                    primitive::<IntervalMonthDayNanoType>(array, |it| calendar(it.months, it.days, it.nanoseconds))
                }
            },
            DataType::Utf8 => texts(array.as_string::<i32>().iter()),
            DataType::LargeUtf8 => texts(array.as_string::<i64>().iter()),
            DataType::Utf8View => texts(array.as_string_view().iter()),
            DataType::Binary => binaries(array.as_binary::<i32>().iter()),
            DataType::LargeBinary => binaries(array.as_binary::<i64>().iter()),
            DataType::BinaryView => binaries(array.as_binary_view().iter()),
            DataType::FixedSizeBinary(_) => binaries(array.as_fixed_size_binary().iter()),
            DataType::List(of) => {
                let list = array.as_list::<i32>();
                let ends: Vec<usize> = list.value_offsets().iter().map(|end| *end as usize).collect();
                self.lists(of, array, list.values(), &ends)?
            }
            DataType::LargeList(of) => {
                let list = array.as_list::<i64>();
                let ends: Vec<usize> = list.value_offsets().iter().map(|end| *end as usize).collect();
                self.lists(of, array, list.values(), &ends)?
            }
            DataType::FixedSizeList(of, length) => {
                let list = array.as_fixed_size_list();
                let (first, length) = (list.value_offset(0) as usize, usize::try_from(*length).unwrap_or(0));
                let ends: Vec<usize> = (0..=array.len()).map(|at| first + at * length).collect();
                let lists = self.lists(of, array, list.values(), &ends)?;
                match tensor_shape(field) {
                    Some(shape) => lists.into_iter().map(|list| shaped(list, &shape)).collect(),
                    None => lists,
                }
            }
            DataType::ListView(of) => {
                let list = array.as_list_view::<i32>();
                (0..array.len()).map(|at| self.item(of, list.is_null(at), || list.value(at))).collect::<Result<_>>()?
            }
            DataType::LargeListView(of) => {
                let list = array.as_list_view::<i64>();
                (0..array.len()).map(|at| self.item(of, list.is_null(at), || list.value(at))).collect::<Result<_>>()?
            }
            DataType::Struct(fields) => self.records(fields, array, array.as_struct().columns())?,
            DataType::Map(..) => self.maps(array)?,
            DataType::Dictionary(_, of) => {
                let dictionary = array.as_any_dictionary();
                let words = self.values(&Field::new("", (**of).clone(), true), dictionary.values())?;
                let keys = if words.is_empty() { vec![0; array.len()] } else { dictionary.normalized_keys() };
                let word = |(at, key): (usize, usize)| {
                    let null = dictionary.keys().is_null(at);
                    words.get(key).filter(|_| !null).cloned().unwrap_or(Value::Nothing)
                };
                keys.into_iter().enumerate().map(word).collect()
            }
            DataType::RunEndEncoded(ends, of) => match ends.data_type() {
                DataType::Int16 => self.runs::<Int16Type>(of, array)?,
                DataType::Int32 => self.runs::<Int32Type>(of, array)?,
                _ => self.runs::<Int64Type>(of, array)?,
            },
            DataType::Union(..) => self.unions(array.as_union())?,
        })
    }

    /// Cuts the items of all lists, one after the other, where each list ends.
    fn lists(&mut self, of: &Field, lists: &dyn Array, items: &dyn Array, ends: &[usize]) -> Result<Vec<Value>> {
        let (first, last) = (ends.first().copied().unwrap_or(0), ends.last().copied().unwrap_or(0));
        let items = items.slice(first, last.saturating_sub(first));
        let cut = |at: usize| (ends[at] - first, ends[at + 1] - first);
        if is_byte(items.data_type()) && items.null_count() == 0 {
            let bytes = items.as_primitive::<UInt8Type>().values();
            let binary = |at: usize| {
                let (start, end) = cut(at);
                if lists.is_null(at) { Value::Nothing } else { Value::binary(&bytes[start..end]) }
            };
            return Ok((0..lists.len()).map(binary).collect());
        }
        let items = self.values(of, &items)?;
        let list = |at: usize| {
            let (start, end) = cut(at);
            if lists.is_null(at) { Value::Nothing } else { Value::list(&items[start..end]) }
        };
        Ok((0..lists.len()).map(list).collect())
    }

    fn item(&mut self, of: &Field, null: bool, list: impl FnOnce() -> arrow_array::ArrayRef) -> Result<Value> {
        if null {
            return Ok(Value::Nothing);
        }
        let list = list();
        if is_byte(list.data_type()) && list.null_count() == 0 {
            return Ok(bytes(&list));
        }
        self.values(of, &list).map(Value::list)
    }

    fn records(&mut self, fields: &Fields, array: &dyn Array, columns: &[arrow_array::ArrayRef]) -> Result<Vec<Value>> {
        let names: Arc<Vec<Arc<str>>> = Arc::new(fields.iter().map(|field| field.name().as_str().into()).collect());
        let unique = names.iter().collect::<HashSet<_>>().len() == names.len();
        let mut cells = Vec::with_capacity(columns.len());
        for (field, column) in fields.iter().zip(columns) {
            cells.push(self.values(field, column)?.into_iter());
        }
        let mut record = |at: usize| {
            let values: Vec<Value> = cells.iter_mut().map(|column| column.next().unwrap_or(Value::Nothing)).collect();
            if array.is_null(at) {
                return Value::Nothing;
            }
            Value::record(match unique {
                true => Record::from_parts(names.clone(), values),
                // Of fields with one name the last counts.
                false => names.iter().cloned().zip(values).collect(),
            })
        };
        Ok((0..array.len()).map(&mut record).collect())
    }

    /// A map with texts as keys is a record, any other a list of records.
    fn maps(&mut self, array: &dyn Array) -> Result<Vec<Value>> {
        let maps = array.as_map();
        let DataType::Struct(fields) = maps.entries().data_type() else { return Ok(Vec::new()) };
        let [key, value] = &fields[..] else { return Ok(Vec::new()) };
        let keys = self.values(key, maps.keys())?;
        let values = self.values(value, maps.values())?;
        let ends = maps.value_offsets();
        let map = |at: usize| {
            if array.is_null(at) {
                return Value::Nothing;
            }
            let entries = ends[at] as usize..ends[at + 1] as usize;
            let (keys, values) = (&keys[entries.clone()], &values[entries]);
            let named = keys.iter().zip(values).map(|(key, value)| Some((key.as_str()?, value.clone())));
            match named.collect::<Option<Record>>() {
                Some(record) => Value::record(record),
                None => {
                    let entry = |(key, value): (&Value, &Value)| {
                        Value::record([("key", key.clone()), ("value", value.clone())].into_iter().collect())
                    };
                    Value::list(keys.iter().zip(values).map(entry).collect::<Vec<_>>())
                }
            }
        };
        Ok((0..array.len()).map(map).collect())
    }

    fn runs<R: RunEndIndexType>(&mut self, of: &Field, array: &dyn Array) -> Result<Vec<Value>> {
        let Some(runs) = array.as_any().downcast_ref::<RunArray<R>>() else { return Ok(Vec::new()) };
        let values = self.values(of, runs.values())?;
        let at = |at: usize| values.get(runs.get_physical_index(at)).cloned().unwrap_or(Value::Nothing);
        Ok((0..array.len()).map(at).collect())
    }

    fn unions(&mut self, array: &UnionArray) -> Result<Vec<Value>> {
        let DataType::Union(fields, _) = array.data_type() else { return Ok(Vec::new()) };
        let mut members = Vec::new();
        for (id, field) in fields.iter() {
            members.push((id, self.values(field, array.child(id))?));
        }
        let of = |at: usize| {
            let id = array.type_id(at);
            let member = members.iter().find(|(known, _)| *known == id);
            member.and_then(|(_, values)| values.get(array.value_offset(at))).cloned().unwrap_or(Value::Nothing)
        };
        Ok((0..array.len()).map(of).collect())
    }
}

fn primitive<T: ArrowPrimitiveType>(array: &dyn Array, make: impl Fn(T::Native) -> Value) -> Vec<Value> {
    let array = array.as_primitive::<T>();
    if array.null_count() == 0 {
        return array.values().iter().map(|item| make(*item)).collect();
    }
    array.iter().map(|item| item.map_or(Value::Nothing, &make)).collect()
}

/// Decimals as the nearest floats.
fn decimal<A>(array: &dyn Array, numbers: &A, text: impl Fn(&A, usize) -> String) -> Vec<Value> {
    let number = |at: usize| match array.is_null(at) {
        true => Value::Nothing,
        false => text(numbers, at).parse().map_or(Value::Nothing, Value::Float),
    };
    (0..array.len()).map(number).collect()
}

fn texts<'a>(items: impl Iterator<Item = Option<&'a str>>) -> Vec<Value> {
    items.map(|item| item.map_or(Value::Nothing, Value::string)).collect()
}

fn binaries<'a>(items: impl Iterator<Item = Option<&'a [u8]>>) -> Vec<Value> {
    items.map(|item| item.map_or(Value::Nothing, Value::binary)).collect()
}

/// A moment; null when it lies outside of the years that nanoseconds reach, 1677 to 2262.
fn moment(nanos: Option<i64>, offset: i32) -> Value {
    nanos.map_or(Value::Nothing, |nanos| Value::DateTime(DateTime { nanos, offset }))
}

/// A span of time; null when it is longer than 292 years.
fn span(n: i64, unit: TimeUnit) -> Value {
    n.checked_mul(nanos(unit)).map_or(Value::Nothing, Value::Duration)
}

fn calendar(months: i32, days: i32, nanos: i64) -> Value {
    let parts =
        [("months", Value::Int(months.into())), ("days", Value::Int(days.into())), ("time", Value::Duration(nanos))];
    Value::record(parts.into_iter().collect())
}

fn nanos(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

/// The offset that a time zone writes, such as `+02:00`, in seconds. Zones with names are shown in UTC.
fn offset(zone: &str) -> i32 {
    let read = || {
        let (sign, rest) =
            zone.strip_prefix('+').map(|rest| (1, rest)).or_else(|| Some((-1, zone.strip_prefix('-')?)))?;
        let (hours, minutes) = rest.split_once(':').or_else(|| rest.split_at_checked(2))?;
        let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
        (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
    };
    read().unwrap_or(0)
}

/// A flat list as lists in lists, the last size being that of the innermost.
fn shaped(flat: Value, shape: &[usize]) -> Value {
    let [outer, inner @ ..] = shape else { return flat };
    let size: usize = inner.iter().product();
    if inner.is_empty() || size == 0 {
        return flat;
    }
    let parts: Vec<Value> = match &flat {
        Value::List(items) => items.chunks(size).take(*outer).map(Value::list).collect(),
        Value::Binary(bytes) => bytes.chunks(size).take(*outer).map(Value::binary).collect(),
        _ => return flat,
    };
    Value::list(parts.into_iter().map(|part| shaped(part, inner)).collect::<Vec<_>>())
}
