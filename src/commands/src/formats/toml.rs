//! TOML, to and from.

use toml::Value as T;

use crate::prelude::*;
use crate::rows;

pub static TO: Command = Command {
    name: "to toml",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Writes a record as TOML; durations are nanoseconds, filesizes bytes",
    details: "TOML has no null: fields without a value are left out.",
    io: &[("record", "string")],
    examples: &[example("A record", "{a: 1, b: x} | to toml", "\"a = 1\\nb = \\\"x\\\"\\n\"")],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| {
        let value = rows::value(call, input)?;
        if !matches!(value, Value::Record(_)) {
            return Err(call.wrong_input(&value.type_of(), "a record").help("a TOML file is a table of names"));
        }
        let toml = rows::here(call, to_toml(&value))?.unwrap_or_else(|| T::Table(toml::Table::new()));
        toml::to_string(&toml).map(|text| Data::Value(Value::string(text))).map_err(|error| {
            Diagnostic::new(codes::NO_FORM, format!("this cannot be written as TOML: {error}")).label(call.head, "")
        })
    },
    ..Command::DEFAULT
};

pub static FROM: Command = Command {
    name: "from toml",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Reads TOML",
    io: &[("string", "record"), ("nothing", "nothing")],
    examples: &[example("A record", "'a = [1, 2]' | from toml", "{a: [1 2]}")],
    infer: Some(|shape| matches!(shape.input, Type::String).then(|| Type::Record(Fields::open()))),
    run: |call, input| {
        let text = super::text_of(call, input)?;
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            super::unreadable(call, "TOML", &text, line, column, error.message())
        })?;
        from_toml(T::Table(table)).map(Data::Value)
    },
    ..Command::DEFAULT
};

/// The value as TOML has it; `None` for null.
fn to_toml(value: &Value) -> Result<Option<T>> {
    Ok(Some(match value {
        Value::Nothing => return Ok(None),
        Value::Bool(b) => T::Boolean(*b),
        Value::Int(n) | Value::Filesize(n) | Value::Duration(n) => T::Integer(*n),
        Value::Float(x) => T::Float(*x),
        Value::DateTime(at) => {
            let text = at.rfc3339();
            T::Datetime(text.parse().map_err(|error| {
                Diagnostic::new(codes::NO_FORM, format!("{text} cannot be written as TOML: {error}"))
            })?)
        }
        Value::Record(record) => {
            let mut table = toml::Table::new();
            for (name, value) in record.iter() {
                if let Some(value) = to_toml(value)? {
                    table.insert(name.to_string(), value);
                }
            }
            T::Table(table)
        }
        Value::List(_) | Value::Table(_) | Value::Range(_) => {
            let items = value.items()?;
            let items = items.iter().map(|item| {
                to_toml(item)?
                    .ok_or_else(|| Diagnostic::new(codes::NO_FORM, "TOML has no null, and this list holds one"))
            });
            T::Array(items.collect::<Result<Vec<_>>>()?)
        }
        Value::Binary(bytes) => T::Array(bytes.iter().map(|byte| T::Integer(i64::from(*byte))).collect()),
        Value::String(_) | Value::CellPath(_) | Value::Closure(_) => T::String(value::text::to_text(value)),
    }))
}

fn from_toml(toml: T) -> Result<Value> {
    Ok(match toml {
        T::String(text) => Value::string(text),
        T::Integer(n) => Value::Int(n),
        T::Float(x) => Value::Float(x),
        T::Boolean(b) => Value::Bool(b),
        // A day or a time alone is no moment.
        T::Datetime(at) => match value::DateTime::parse(&at.to_string()) {
            Some(moment) if at.date.is_some() => Value::DateTime(moment),
            _ => Value::string(at.to_string()),
        },
        T::Array(items) => Value::list(items.into_iter().map(from_toml).collect::<Result<Vec<_>>>()?),
        T::Table(table) => {
            let fields = table.into_iter().map(|(name, value)| Ok((name, from_toml(value)?)));
            Value::record(fields.collect::<Result<Record>>()?)
        }
    })
}
