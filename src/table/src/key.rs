//! What makes values the same when they are grouped, counted or made unique.

use value::Value;

/// Equal values have equal keys. Unlike `==`, NaN is itself here, and null groups with null.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key(Vec<u8>);

/// The key of one value.
pub fn key(value: &Value) -> Key {
    let mut bytes = Vec::new();
    write(value, &mut bytes);
    Key(bytes)
}

/// The key of several values together.
pub fn key_of_all<'a>(values: impl Iterator<Item = &'a Value>) -> Key {
    let mut bytes = Vec::new();
    for value in values {
        write(value, &mut bytes);
    }
    Key(bytes)
}

fn write(value: &Value, out: &mut Vec<u8>) {
    let mut tagged = |tag: u8, bytes: &[u8]| {
        out.push(tag);
        out.extend_from_slice(bytes);
    };
    match value {
        Value::Nothing => tagged(0, &[]),
        Value::Bool(b) => tagged(1, &[u8::from(*b)]),
        // Filesizes equal ints of as many bytes, and floats equal ints of the same number.
        Value::Int(n) | Value::Filesize(n) => tagged(2, &n.to_be_bytes()),
        Value::Float(x) => {
            if x.fract() == 0.0 && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(x) {
                return tagged(2, &(*x as i64).to_be_bytes());
            }
            let bits = if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() };
            tagged(3, &bits.to_be_bytes());
        }
        Value::Duration(n) => tagged(4, &n.to_be_bytes()),
        Value::DateTime(at) => tagged(5, &{ at.nanos }.to_be_bytes()),
        Value::String(text) => {
            tagged(6, &text.len().to_be_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        Value::Binary(bytes) => {
            tagged(7, &bytes.len().to_be_bytes());
            out.extend_from_slice(bytes);
        }
        Value::List(_) | Value::Table(_) | Value::Range(_) => match value.items() {
            Ok(items) => {
                tagged(8, &items.len().to_be_bytes());
                items.iter().for_each(|item| write(item, out));
            }
            // Endless, or a file that is gone: such a value is only itself.
            Err(_) => tagged(9, value::literal::to_literal(value).as_bytes()),
        },
        Value::Record(record) => {
            tagged(10, &record.len().to_be_bytes());
            let mut fields: Vec<(&str, &Value)> = record.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            for (name, value) in fields {
                out.extend_from_slice(&name.len().to_be_bytes());
                out.extend_from_slice(name.as_bytes());
                write(value, out);
            }
        }
        Value::CellPath(path) => tagged(11, path.to_string().as_bytes()),
        Value::Closure(closure) => tagged(12, &(std::sync::Arc::as_ptr(closure) as usize).to_be_bytes()),
    }
}
