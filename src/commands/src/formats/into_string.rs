use crate::cells::{self, COLUMNS};
use crate::prelude::*;

pub static STRING: Command = Command {
    name: "into string",
    summary: "Converts to texts, as people read them",
    params: &[COLUMNS, Param::flag("decimals", Some('d'), Takes::Type("int"), "How many decimals numbers get")],
    examples: &[
        example("A number", "10 | into string", "\"10\""),
        example("With decimals", "1.7 | into string --decimals 2", "\"1.70\""),
    ],
    search: &["text", "format", "str"],
    infer: Some(|shape| cells::changed_type(shape, Type::String)),
    lower: Some(|call| cells::lower_plain(call, Function::IntoString)),
    run: |call, input| {
        let decimals = crate::rows::count(call, "decimals")?;
        let lowered = decimals.is_none().then(|| (Function::IntoString, Vec::new()));
        cells::change_lowered(call, input, lowered, move |value| {
            Ok(match (value, decimals) {
                (Value::Binary(bytes), _) => match String::from_utf8(bytes.to_vec()) {
                    Ok(text) => Value::string(text),
                    Err(_) => return Err(super::cannot(value, "a string").help("the bytes are not UTF-8")),
                },
                (Value::Record(_), _) => {
                    return Err(super::cannot(value, "a string").help("`to nuon` writes records as text"));
                }
                (Value::Int(_) | Value::Float(_), Some(decimals)) => {
                    Value::string(format!("{:.*}", decimals.min(300), value.as_float().unwrap_or(0.0)))
                }
                (other, _) => Value::string(value::text::to_text(other)),
            })
        })
    },
    ..super::INTO
};

pub static BINARY: Command = Command {
    name: "into binary",
    summary: "Converts to bytes: texts as UTF-8, numbers as eight bytes, least first",
    examples: &[example("A text", "'hi' | into binary", "0x[68 69]")],
    infer: Some(|shape| cells::changed_type(shape, Type::Binary)),
    run: |call, input| {
        cells::change(call, input, |value| {
            Ok(match value {
                Value::Binary(_) | Value::Nothing => value.clone(),
                Value::String(text) => Value::binary(text.as_bytes().to_vec()),
                Value::Int(n) | Value::Duration(n) | Value::Filesize(n) => Value::binary(n.to_le_bytes().to_vec()),
                Value::Float(x) => Value::binary(x.to_le_bytes().to_vec()),
                Value::Bool(b) => Value::binary(vec![u8::from(*b)]),
                other => return Err(super::cannot(other, "binary")),
            })
        })
    },
    ..super::INTO
};

pub static CELL_PATH: Command = Command {
    name: "into cell-path",
    summary: "Converts to a path into values: a text such as `a.0.b`, an int, or a list of names and numbers",
    examples: &[example("A text", "'a.0' | into cell-path", "$.a.0")],
    infer: Some(|_| Some(Type::CellPath)),
    run: |call, input| {
        let value = call.collect(input)?;
        let path = match &value {
            Value::CellPath(_) => return Ok(Data::Value(value)),
            Value::String(text) => CellPath::parse(text),
            Value::Int(n) => u64::try_from(*n).ok().map(|n| CellPath(vec![PathMember::index(n)])),
            Value::List(items) => {
                let members = items.iter().map(|item| match item {
                    Value::String(name) => Some(PathMember::name(name.as_str())),
                    Value::Int(n) => u64::try_from(*n).ok().map(PathMember::index),
                    _ => None,
                });
                members.collect::<Option<Vec<_>>>().map(CellPath)
            }
            _ => None,
        };
        match path {
            Some(path) => Ok(Data::Value(Value::cell_path(path))),
            None => Err(super::cannot(&value, "a cell path").label(call.head, "")),
        }
    },
    ..super::INTO
};
