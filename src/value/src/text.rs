//! Values as people read them: in `$"…"`, `into string`, `str join`, and cells.

use crate::units::{format_duration, format_filesize};
use crate::value::Value;

/// The text of a value. Lists, records and tables are written as programs write them.
pub fn to_text(value: &Value) -> String {
    match value {
        Value::Nothing => String::new(),
        Value::Bool(b) => b.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Float(x) => float(*x),
        Value::Duration(nanos) => format_duration(*nanos),
        Value::Filesize(bytes) => format_filesize(*bytes),
        Value::DateTime(at) => at.rfc3339(),
        Value::String(text) => text.to_string(),
        Value::CellPath(path) => format!("$.{path}"),
        Value::Closure(closure) => closure.0.text(),
        Value::Binary(_) | Value::Range(_) | Value::List(_) | Value::Record(_) | Value::Table(_) => {
            crate::literal::to_literal(value)
        }
    }
}

/// A float with the fewest digits that read back as it, and always recognisable as a float.
pub fn float(x: f64) -> String {
    if x.is_infinite() {
        return if x > 0.0 { "inf" } else { "-inf" }.into();
    }
    if x != 0.0 && (x.abs() >= 1e21 || x.abs() < 1e-7) || x.is_nan() {
        return format!("{x:?}");
    }
    let text = x.to_string();
    if text.contains('.') { text } else { text + ".0" }
}
