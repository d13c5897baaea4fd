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
    params: &[
        COLUMNS,
        Param::switch("compact", Some('c'), "Without zero bytes at the end that says least"),
        Param::flag(
            "endian",
            Some('e'),
            Takes::Words(&["native", "little", "big"]),
            "The order of the bytes of numbers",
        ),
    ],
    examples: &[
        example("A text", "'hi' | into binary", "0x[68 69]"),
        example("A small number", "10 | into binary --compact", "0x[0a]"),
    ],
    infer: Some(|shape| cells::changed_type(shape, Type::Binary)),
    run: |call, input| {
        let big = match call.optional::<String>("endian")?.as_deref() {
            Some("big") => true,
            Some("little") => false,
            _ => cfg!(target_endian = "big"),
        };
        let compact = call.switch("compact");
        cells::change(call, input, move |value| {
            let number = match value {
                Value::Binary(_) | Value::Nothing => return Ok(value.clone()),
                Value::String(text) => return Ok(Value::binary(text.as_bytes().to_vec())),
                Value::Int(n) | Value::Duration(n) | Value::Filesize(n) => n.to_le_bytes(),
                Value::Float(x) => x.to_le_bytes(),
                Value::Bool(b) => i64::from(*b).to_le_bytes(),
                other => return Err(super::cannot(other, "binary")),
            };
            let mut bytes = number.to_vec();
            if compact {
                let length = bytes.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1);
                bytes.truncate(length);
            }
            if big {
                bytes.reverse();
            }
            Ok(Value::binary(bytes))
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
            Value::List(items) => items.iter().map(member).collect::<Option<Vec<_>>>().map(CellPath),
            Value::Table(_) => value.items()?.iter().map(member).collect::<Option<Vec<_>>>().map(CellPath),
            _ => None,
        };
        match path {
            Some(path) => Ok(Data::Value(Value::cell_path(path))),
            None => Err(super::cannot(&value, "a cell path").label(call.head, "")),
        }
    },
    ..super::INTO
};

/// One step: a name, a number, or what `split cell-path` gives of a step.
fn member(item: &Value) -> Option<PathMember> {
    match item {
        Value::String(name) => Some(PathMember::name(name.as_str())),
        Value::Int(n) => u64::try_from(*n).ok().map(PathMember::index),
        Value::Record(step) => {
            let is = |name: &str| step.get(name).and_then(Value::as_bool).unwrap_or(false);
            let step = member(step.get("value")?)?;
            Some(PathMember { optional: is("optional"), any_case: is("insensitive"), ..step })
        }
        _ => None,
    }
}
