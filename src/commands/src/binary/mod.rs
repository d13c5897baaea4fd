//! Bytes, and the texts that stand for them.

use engine::Command;

use crate::cells;
use crate::prelude::*;

pub(crate) mod bytes;
pub(crate) mod encode;
pub(crate) mod hash;
pub(crate) mod url;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[
    &bytes::ADD,
    &bytes::AT,
    &bytes::BUILD,
    &bytes::COLLECT,
    &bytes::ENDS_WITH,
    &bytes::INDEX_OF,
    &bytes::LENGTH,
    &bytes::REMOVE,
    &bytes::REPLACE,
    &bytes::REVERSE,
    &bytes::SPLIT,
    &bytes::STARTS_WITH,
    &encode::ENCODE,
    &encode::DECODE,
    &encode::TO_BASE64,
    &encode::OF_BASE64,
    &encode::TO_BASE32,
    &encode::OF_BASE32,
    &encode::TO_BASE32HEX,
    &encode::OF_BASE32HEX,
    &encode::TO_HEX,
    &encode::OF_HEX,
    &hash::MD5,
    &hash::SHA256,
    &url::BUILD_QUERY,
    &url::DECODE,
    &url::ENCODE,
    &url::FROM_URL,
    &url::JOIN,
    &url::PARSE,
    &url::SPLIT_QUERY,
];

/// What functions of bytes declare alike.
const BYTES: Command = Command {
    category: Category::Binary,
    effect: Effect::Computes,
    params: &[cells::COLUMNS],
    io: &[("binary", "binary"), ("list<any>", "list<any>"), ("table", "table"), ("record", "record")],
    infer: Some(|shape| cells::changed_type(shape, Type::Binary)),
    ..Command::DEFAULT
};

/// What tests of bytes give.
const TO_BOOL: &[(&str, &str)] =
    &[("binary", "bool"), ("list<any>", "list<bool>"), ("table", "table"), ("record", "record")];

/// What counts of bytes give.
const TO_INT: &[(&str, &str)] =
    &[("binary", "int"), ("list<any>", "list<int>"), ("table", "table"), ("record", "record")];

/// The bytes of a cell: of binary as they are, of a text those of its UTF-8.
fn bytes_of<'a>(command: &str, value: &'a Value) -> Result<&'a [u8]> {
    match value {
        Value::Binary(bytes) => Ok(bytes),
        Value::String(text) => Ok(text.as_bytes()),
        other => {
            Err(Diagnostic::new(codes::WRONG_INPUT, format!("`{command}` works on binary, not on {}", other.type_of())))
        }
    }
}

/// Changes cells of binary; null stays null.
fn change(call: &Call<'_>, input: Data, change: impl Fn(&[u8]) -> Result<Value> + Send + 'static) -> Result<Data> {
    let name = call.command.name;
    cells::change(call, collected(call, input)?, move |value| match value {
        Value::Nothing => Ok(Value::Nothing),
        Value::Binary(bytes) => change(bytes),
        other => {
            Err(Diagnostic::new(codes::WRONG_INPUT, format!("`{name}` works on binary, not on {}", other.type_of()))
                .help("`encode utf-8` makes binary of a text"))
        }
    })
}

/// What a program wrote, as one value; anything else as it is.
fn collected(call: &Call<'_>, input: Data) -> Result<Data> {
    match input {
        Data::Bytes(_) => call.collect(input).map(Data::Value),
        other => Ok(other),
    }
}
