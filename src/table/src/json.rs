//! JSON: values as JSON and back, the same in files, in texts, and in what commands give.

use diag::{Diagnostic, Result, codes};
use serde_json::Value as Json;
use value::Value;

/// The value as JSON. Durations are nanoseconds and filesizes bytes; a float that JSON has no word for is null.
///
/// # Errors
/// `NO_FORM` for closures, and whatever reading a table meets.
pub fn to_json(value: &Value) -> Result<Json> {
    let list = |items: &[Value]| items.iter().map(to_json).collect::<Result<_>>().map(Json::Array);
    Ok(match value {
        Value::Nothing => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Int(n) | Value::Duration(n) | Value::Filesize(n) => Json::from(*n),
        Value::Float(x) => serde_json::Number::from_f64(*x).map_or(Json::Null, Json::Number),
        Value::DateTime(at) => Json::String(at.rfc3339()),
        Value::String(text) => Json::String(text.to_string()),
        Value::Binary(bytes) => Json::Array(bytes.iter().map(|byte| Json::from(*byte)).collect()),
        Value::CellPath(_) => Json::String(value::text::to_text(value)),
        Value::List(items) => list(items)?,
        Value::Range(_) => list(&value.items()?)?,
        Value::Record(record) => {
            let fields = record.iter().map(|(name, value)| Ok((name.to_string(), to_json(value)?)));
            Json::Object(fields.collect::<Result<_>>()?)
        }
        Value::Table(table) => match table.as_record() {
            Some(record) => to_json(&record?)?,
            None => list(&table.rows()?)?,
        },
        Value::Closure(_) => {
            return Err(Diagnostic::new(codes::NO_FORM, "a closure cannot be written as JSON").help("call it first"));
        }
    })
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
        out.push_str(&to_json(value)?.to_string());
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
