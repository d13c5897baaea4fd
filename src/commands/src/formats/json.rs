//! JSON, to and from.

use std::fmt::Write as _;

use crate::prelude::*;
use crate::rows;

pub static TO: Command = Command {
    name: "to json",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Writes a value as JSON; durations are nanoseconds, filesizes bytes, moments texts",
    params: &[
        Param::switch("raw", Some('r'), "On one line without blanks"),
        Param::flag("indent", Some('i'), Takes::Type("int"), "How many blanks each level gets; 2 by default"),
        Param::flag("tabs", Some('t'), Takes::Type("int"), "How many tabs each level gets"),
    ],
    io: &[("any", "string")],
    examples: &[example("A list", "[1 2] | to json --raw", "\"[1,2]\"")],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| {
        let value = rows::value(call, input)?;
        let json = to_json(&value)?;
        let text = if call.switch("raw") {
            serde_json::to_string(&json).map_err(failed)?
        } else if let Some(tabs) = rows::count(call, "tabs")? {
            pretty(&json, &"\t".repeat(tabs.min(32)))?
        } else {
            pretty(&json, &" ".repeat(rows::count(call, "indent")?.unwrap_or(2).min(32)))?
        };
        Ok(Data::Value(Value::string(text)))
    },
    ..Command::DEFAULT
};

pub static FROM: Command = Command {
    name: "from json",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Reads JSON",
    params: &[
        Param::switch("objects", Some('o'), "One JSON value per line, as a list"),
        Param::switch("strict", Some('s'), "Exactly JSON; otherwise comments and trailing commas are passed over"),
    ],
    io: &[("string", "any"), ("nothing", "nothing")],
    examples: &[example("A record", "'{ \"a\": 1 }' | from json", "{a: 1}")],
    run: |call, input| {
        if call.switch("objects") {
            return super::ndjson::read(call, input);
        }
        let text = super::text_of(call, input)?;
        if text.trim().is_empty() {
            return Ok(Data::Value(Value::Nothing));
        }
        let strict = serde_json::from_str(&text);
        let parsed = match strict {
            Err(error) if !call.switch("strict") => serde_json::from_str(&lenient(&text)).map_err(|_| error),
            other => other,
        };
        let json: serde_json::Value = parsed.map_err(|error| {
            super::unreadable(call, "JSON", &text, error.line(), error.column(), &error.to_string())
        })?;
        Ok(Data::Value(from_json(&json)))
    },
    ..Command::DEFAULT
};

fn failed(error: serde_json::Error) -> Box<Diagnostic> {
    Diagnostic::new(codes::NO_FORM, format!("this cannot be written as JSON: {error}"))
}

fn pretty(json: &serde_json::Value, indent: &str) -> Result<String> {
    use serde::Serialize;
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
    json.serialize(&mut serde_json::Serializer::with_formatter(&mut out, formatter)).map_err(failed)?;
    String::from_utf8(out).map_err(|error| Diagnostic::new(codes::INTERNAL, error.to_string()))
}

/// The value as JSON. A float that JSON has no word for is null.
pub(crate) fn to_json(value: &Value) -> Result<serde_json::Value> {
    use serde_json::Value as J;
    Ok(match value {
        Value::Nothing => J::Null,
        Value::Bool(b) => J::Bool(*b),
        Value::Int(n) | Value::Duration(n) | Value::Filesize(n) => J::from(*n),
        Value::Float(x) => serde_json::Number::from_f64(*x).map_or(J::Null, J::Number),
        Value::DateTime(at) => J::String(at.rfc3339()),
        Value::String(text) => J::String(text.to_string()),
        Value::Binary(bytes) => J::Array(bytes.iter().map(|byte| J::from(*byte)).collect()),
        Value::CellPath(_) => J::String(value::text::to_text(value)),
        Value::List(items) => J::Array(items.iter().map(to_json).collect::<Result<_>>()?),
        Value::Range(_) => J::Array(value.items()?.iter().map(to_json).collect::<Result<_>>()?),
        Value::Record(record) => J::Object(
            record.iter().map(|(name, value)| Ok((name.to_string(), to_json(value)?))).collect::<Result<_>>()?,
        ),
        Value::Table(table) => match crate::groups::record_of(table)? {
            Value::Table(table) => J::Array(table.rows()?.iter().map(to_json).collect::<Result<_>>()?),
            record => to_json(&record)?,
        },
        Value::Closure(_) => {
            return Err(Diagnostic::new(codes::NO_FORM, "a closure cannot be written as JSON").help("call it first"));
        }
    })
}

/// The JSON as a value. Whole numbers past 64 bits become floats.
pub(crate) fn from_json(json: &serde_json::Value) -> Value {
    use serde_json::Value as J;
    match json {
        J::Null => Value::Nothing,
        J::Bool(b) => Value::Bool(*b),
        J::Number(n) => match n.as_i64() {
            Some(n) => Value::Int(n),
            None => Value::Float(n.as_f64().unwrap_or(f64::NAN)),
        },
        J::String(text) => Value::string(text.as_str()),
        J::Array(items) => Value::list(items.iter().map(from_json).collect::<Vec<_>>()),
        J::Object(fields) => {
            Value::record(fields.iter().map(|(name, json)| (name.as_str(), from_json(json))).collect())
        }
    }
}

/// The text without comments and without commas before a closing bracket, positions kept.
fn lenient(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut in_string = false;
    while let Some(c) = chars.next() {
        if in_string {
            out.push(c);
            match c {
                '\\' => out.extend(chars.next()),
                '"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match c {
            '"' => {
                in_string = true;
                out.push(c);
            }
            '#' => skip_line(&mut chars, &mut out),
            '/' if chars.peek() == Some(&'/') => skip_line(&mut chars, &mut out),
            '/' if chars.peek() == Some(&'*') => {
                let mut last = ' ';
                for c in chars.by_ref() {
                    let _ = write!(out, "{}", if c == '\n' { '\n' } else { ' ' });
                    if last == '*' && c == '/' {
                        break;
                    }
                    last = c;
                }
            }
            '}' | ']' => {
                let kept = out.trim_end().len();
                if out[..kept].ends_with(',') {
                    out.replace_range(kept - 1..kept, " ");
                }
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

fn skip_line(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    while chars.next_if(|c| *c != '\n').is_some() {
        out.push(' ');
    }
}
