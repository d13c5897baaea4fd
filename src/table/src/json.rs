//! JSON: values as JSON and back, the same in files, in texts, and in what commands give.

use std::cell::RefCell;
use std::fmt::Display;

use diag::{Diagnostic, Result, codes};
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use serde_json::Value as Json;
use value::{Value, interrupt};

/// A value for any serde format, as JSON would have it: what JSON has no word for becomes numbers and texts.
pub struct Written<'a> {
    value: &'a Value,
    /// Why a value could not be written: a format's own errors are texts.
    failure: &'a RefCell<Option<Box<Diagnostic>>>,
}

/// Has a value written by `write`, item by item, so that ctrl-c ends it.
///
/// # Errors
/// `NO_FORM` for closures and for what the format cannot hold; `INTERRUPTED`.
pub fn written<T, E: Display>(
    value: &Value,
    format: &str,
    write: impl FnOnce(&Written<'_>) -> std::result::Result<T, E>,
) -> Result<T> {
    let failure = RefCell::new(None);
    let result = write(&Written { value, failure: &failure });
    let told = |error: E| Diagnostic::new(codes::NO_FORM, format!("this cannot be written as {format}: {error}"));
    result.map_err(|error| failure.take().unwrap_or_else(|| told(error)))
}

impl Written<'_> {
    fn of<'b>(&'b self, value: &'b Value) -> Written<'b> {
        Written { value, failure: self.failure }
    }

    fn ok<T, E: serde::ser::Error>(&self, result: Result<T>) -> std::result::Result<T, E> {
        result.map_err(|error| {
            let told = E::custom(&error.message);
            self.failure.replace(Some(error));
            told
        })
    }

    fn list<S: Serializer>(&self, items: &[Value], serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(items.len()))?;
        for item in items {
            self.ok(interrupt::check())?;
            list.serialize_element(&self.of(item))?;
        }
        list.end()
    }
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.value {
            Value::Nothing => serializer.serialize_unit(),
            Value::Bool(b) => serializer.serialize_bool(*b),
            Value::Int(n) | Value::Duration(n) | Value::Filesize(n) => serializer.serialize_i64(*n),
            Value::Float(x) if x.is_finite() => serializer.serialize_f64(*x),
            Value::Float(_) => serializer.serialize_unit(),
            Value::DateTime(at) => serializer.serialize_str(&at.rfc3339()),
            Value::String(text) => serializer.serialize_str(text),
            Value::Binary(bytes) => serializer.collect_seq(bytes.iter()),
            Value::CellPath(_) => serializer.serialize_str(&value::text::to_text(self.value)),
            Value::List(items) => self.list(items, serializer),
            Value::Range(_) => self.list(&self.ok(self.value.items())?, serializer),
            Value::Record(record) => {
                let mut fields = serializer.serialize_map(Some(record.len()))?;
                for (name, value) in record.iter() {
                    fields.serialize_entry(name, &self.of(value))?;
                }
                fields.end()
            }
            Value::Table(table) => match table.as_record() {
                Some(record) => self.of(&self.ok(record)?).serialize(serializer),
                None => self.list(&self.ok(table.rows())?, serializer),
            },
            Value::Closure(_) => {
                let error = Diagnostic::new(codes::NO_FORM, "a closure cannot be written as JSON");
                self.ok(Err(error.help("call it first")))
            }
        }
    }
}

/// The value as JSON. Durations are nanoseconds and filesizes bytes; a float that JSON has no word for is null.
///
/// # Errors
/// `NO_FORM` for closures, and whatever reading a table meets.
pub fn to_json(value: &Value) -> Result<Json> {
    written(value, "JSON", |value| serde_json::to_value(value))
}

/// The JSON as a value. Whole numbers past 64 bits become floats.
pub fn from_json(json: Json) -> Value {
    match json {
        Json::Null => Value::Nothing,
        Json::Bool(b) => Value::Bool(b),
        Json::Number(number) => match number.as_i64() {
            Some(n) => Value::Int(n),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::string(text),
        Json::Array(items) => Value::list(items.into_iter().map(from_json).collect::<Vec<_>>()),
        Json::Object(fields) => Value::record(fields.into_iter().map(|(name, json)| (name, from_json(json))).collect()),
    }
}

/// Adds values to a text, one a line.
///
/// # Errors
/// As for [`to_json`].
pub fn lines(values: &[Value], out: &mut String) -> Result<()> {
    for value in values {
        out.push_str(&written(value, "JSON", |value| serde_json::to_string(value))?);
        out.push('\n');
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_pass_through_json_and_what_has_no_word_there_is_null() {
        let text = "{\"a\":[1,2.5,1e+300,null,true,\"x\\n\\u0001\"],\"b\":{}}";
        let value = from_json(serde_json::from_str(text).unwrap());
        assert_eq!(to_json(&value).unwrap().to_string(), text);
        assert_eq!(to_json(&Value::Float(f64::NAN)).unwrap(), Json::Null);
        assert_eq!(
            from_json(serde_json::from_str("9223372036854775808").unwrap()),
            Value::Float(9223372036854775808.0)
        );
    }
}
