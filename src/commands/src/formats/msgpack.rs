//! MessagePack, to and from.

use rmpv::Value as M;

use crate::prelude::*;
use crate::rows;

/// The extension type of moments, as the format's specification has it.
const TIMESTAMP: i8 = -1;
/// How deep values may lie in each other.
const DEEPEST: usize = 512;

pub static TO: Command = Command {
    name: "to msgpack",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Writes a value as MessagePack; durations are nanoseconds, filesizes bytes",
    io: &[("any", "binary")],
    examples: &[example("A list", "[foo 42 false] | to msgpack", "0x[93 a3 66 6f 6f 2a c2]")],
    search: &["binary", "serialize"],
    infer: Some(|_| Some(Type::Binary)),
    run: |call, input| {
        let value = rows::value(call, input)?;
        let mut bytes = Vec::new();
        // Into memory, which does not fail.
        rmpv::encode::write_value(&mut bytes, &to_msgpack(&value)?)
            .map_err(|error| Diagnostic::new(codes::NO_FORM, error.to_string()))?;
        Ok(Data::Value(Value::binary(bytes)))
    },
    ..Command::DEFAULT
};

pub static FROM: Command = Command {
    name: "from msgpack",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Reads MessagePack",
    params: &[Param::switch("objects", None, "Many values one behind the other, as a list")],
    io: &[("binary", "any"), ("nothing", "nothing")],
    examples: &[example("A list", "0x[93 a3 66 6f 6f 2a c2] | from msgpack", "[foo 42 false]")],
    search: &["binary", "deserialize"],
    run: |call, input| {
        let value = rows::value(call, input)?;
        let bytes: &[u8] = match &value {
            Value::Nothing => return Ok(Data::Value(Value::Nothing)),
            Value::Binary(bytes) => bytes,
            other => return Err(call.wrong_input(&other.type_of(), "binary")),
        };
        let mut rest = bytes;
        let objects = call.switch("objects");
        let mut read = Vec::new();
        while !rest.is_empty() {
            let at = bytes.len() - rest.len();
            let one = rmpv::decode::read_value_with_max_depth(&mut rest, DEEPEST).map_err(|error| {
                Diagnostic::new(codes::NOT_THAT_FORMAT, format!("this is not MessagePack: {error}"))
                    .label(call.head, format!("reads it; the value begins at byte {at}"))
            })?;
            read.push(rows::here(call, from_msgpack(one))?);
            if !objects {
                break;
            }
        }
        if objects {
            return Ok(Data::Value(Value::list(read)));
        }
        match (read.pop(), rest) {
            (Some(value), []) => Ok(Data::Value(value)),
            (None, _) => Err(Diagnostic::new(codes::NOT_THAT_FORMAT, "this is not MessagePack: there are no bytes")
                .label(call.head, "reads it")),
            (Some(_), more) => {
                Err(Diagnostic::new(codes::NOT_THAT_FORMAT, format!("{} bytes follow the value", more.len()))
                    .label(call.head, "reads it")
                    .help("`--objects` reads many values"))
            }
        }
    },
    ..Command::DEFAULT
};

fn to_msgpack(value: &Value) -> Result<M> {
    Ok(match value {
        Value::Nothing => M::Nil,
        Value::Bool(b) => M::Boolean(*b),
        Value::Int(n) | Value::Filesize(n) | Value::Duration(n) => M::from(*n),
        Value::Float(x) => M::F64(*x),
        Value::Binary(bytes) => M::Binary(bytes.to_vec()),
        Value::DateTime(at) => M::Ext(TIMESTAMP, timestamp(at.nanos)),
        Value::List(_) | Value::Table(_) | Value::Range(_) => {
            M::Array(value.items()?.iter().map(to_msgpack).collect::<Result<Vec<_>>>()?)
        }
        Value::Record(record) => {
            let fields = record.iter().map(|(name, value)| Ok((M::from(name), to_msgpack(value)?)));
            M::Map(fields.collect::<Result<Vec<_>>>()?)
        }
        Value::String(_) | Value::CellPath(_) | Value::Closure(_) => M::from(value::text::to_text(value)),
    })
}

/// A moment in 4, 8 or 12 bytes, whichever it fits into.
fn timestamp(nanos: i64) -> Vec<u8> {
    let (seconds, nanos) = (nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000));
    // Below 10^9, which has 30 bits.
    let nanos = u32::try_from(nanos).unwrap_or_default();
    match u64::try_from(seconds) {
        Ok(seconds) if nanos == 0 && u32::try_from(seconds).is_ok() => (seconds as u32).to_be_bytes().to_vec(),
        Ok(seconds) if seconds < 1 << 34 => (u64::from(nanos) << 34 | seconds).to_be_bytes().to_vec(),
        _ => [nanos.to_be_bytes().as_slice(), &seconds.to_be_bytes()].concat(),
    }
}

fn from_msgpack(value: M) -> Result<Value> {
    Ok(match value {
        M::Nil => Value::Nothing,
        M::Boolean(b) => Value::Bool(b),
        M::Integer(n) => match n.as_i64() {
            Some(n) => Value::Int(n),
            None => return Err(Diagnostic::new(codes::OVERFLOW, format!("{n} is larger than any int"))),
        },
        M::F32(x) => Value::Float(f64::from(x)),
        M::F64(x) => Value::Float(x),
        M::String(text) => match text.into_str() {
            Some(text) => Value::string(text),
            None => return Err(Diagnostic::new(codes::NOT_THAT_FORMAT, "a text in it is not UTF-8")),
        },
        M::Binary(bytes) => Value::binary(bytes),
        M::Array(items) => Value::list(items.into_iter().map(from_msgpack).collect::<Result<Vec<_>>>()?),
        M::Map(fields) => {
            let mut record = Record::new();
            for (name, value) in fields {
                record.insert(value::text::to_text(&from_msgpack(name)?), from_msgpack(value)?);
            }
            Value::record(record)
        }
        M::Ext(TIMESTAMP, bytes) => match moment(&bytes) {
            Some(nanos) => Value::DateTime(value::DateTime::from_nanos(nanos)),
            None => {
                return Err(Diagnostic::new(codes::NOT_THAT_FORMAT, "a moment in it lies outside of what can be told"));
            }
        },
        M::Ext(kind, bytes) => {
            let fields = [("type", Value::Int(i64::from(kind))), ("data", Value::binary(bytes))];
            Value::record(fields.into_iter().collect())
        }
    })
}

/// Nanoseconds since 1970 of the bytes of a moment.
fn moment(bytes: &[u8]) -> Option<i64> {
    let (seconds, nanos) = match bytes.len() {
        4 => (i64::from(u32::from_be_bytes(bytes.try_into().ok()?)), 0),
        8 => {
            let both = u64::from_be_bytes(bytes.try_into().ok()?);
            (i64::try_from(both & ((1 << 34) - 1)).ok()?, i64::try_from(both >> 34).ok()?)
        }
        12 => {
            let (nanos, seconds) = bytes.split_at(4);
            (i64::from_be_bytes(seconds.try_into().ok()?), i64::from(u32::from_be_bytes(nanos.try_into().ok()?)))
        }
        _ => return None,
    };
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}
