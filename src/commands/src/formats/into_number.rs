use crate::cells::{self, COLUMNS};
use crate::prelude::*;

pub static INT: Command = Command {
    name: "into int",
    summary: "Converts to whole numbers: texts, floats (cut off), bools, durations (ns), filesizes (bytes), moments (ns)",
    params: &[
        COLUMNS,
        Param::flag("radix", Some('r'), Takes::Type("int"), "The base of the digits in texts, 2 to 36"),
        Param::flag("endian", Some('e'), Takes::Words(&["native", "little", "big"]), "The order of bytes in binary"),
        Param::switch("signed", Some('s'), "Binary has a sign"),
    ],
    examples: &[
        example("A text", "'12' | into int", "12"),
        example("A size", "4kb | into int", "4000"),
        example("Hexadecimal digits", "'ff' | into int --radix 16", "255"),
    ],
    search: &["convert", "parse", "number"],
    infer: Some(|shape| cells::changed_type(shape, Type::Int)),
    lower: Some(|call| cells::lower_plain(call, Function::IntoInt)),
    run: into_int,
    ..super::INTO
};

pub static FLOAT: Command = Command {
    name: "into float",
    summary: "Converts to floats: texts, ints, bools",
    examples: &[example("A text", "'1.5' | into float", "1.5")],
    search: &["convert", "parse", "number"],
    infer: Some(|shape| cells::changed_type(shape, Type::Float)),
    lower: Some(|call| cells::lower_plain(call, Function::IntoFloat)),
    run: |call, input| {
        cells::change_lowered(call, input, Some((Function::IntoFloat, Vec::new())), |value| {
            table::apply_function(Function::IntoFloat, std::slice::from_ref(value))
        })
    },
    ..super::INTO
};

pub static BOOL: Command = Command {
    name: "into bool",
    summary: "Converts to bools: numbers are false when 0, texts are `true`, `false` or numbers",
    params: &[
        COLUMNS,
        Param::switch("relaxed", None, "Null is false, and texts are true unless empty, `0` or `false`"),
    ],
    examples: &[example("A text", "'true' | into bool", "true"), example("A number", "0 | into bool", "false")],
    infer: Some(|shape| cells::changed_type(shape, Type::Bool)),
    run: |call, input| {
        let relaxed = call.switch("relaxed");
        let input = if input.is_empty() { Data::Value(Value::Nothing) } else { input };
        cells::change(call, input, move |value| into_bool(value, relaxed).map(Value::Bool))
    },
    ..super::INTO
};

fn into_int(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let radix = match call.optional::<i64>("radix")? {
        None => None,
        Some(radix @ 2..=36) => u32::try_from(radix).ok(),
        Some(_) => {
            return Err(
                Diagnostic::new(codes::BAD_ARGUMENT, "a radix lies between 2 and 36").label(call.span("radix"), "here")
            );
        }
    };
    let little = match call.value("endian").and_then(Value::as_str) {
        Some("little") => true,
        Some("big") => false,
        _ => cfg!(target_endian = "little"),
    };
    let signed = call.switch("signed");
    let lowered = radix.is_none().then(|| (Function::IntoInt, Vec::new()));
    cells::change_lowered(call, input, lowered, move |value| match (value, radix) {
        (Value::String(text), Some(radix)) => {
            let digits = text.trim().replace('_', "").to_lowercase();
            let digits = ["0x", "0o", "0b"].iter().zip([16, 8, 2]).fold(digits.as_str(), |digits, (prefix, of)| {
                digits.strip_prefix(prefix).filter(|_| of == radix).unwrap_or(digits)
            });
            let number = i64::from_str_radix(digits, radix);
            number.map(Value::Int).map_err(|_| {
                Diagnostic::new(codes::BAD_CONVERSION, format!("`{text}` is not a number with the base {radix}"))
            })
        }
        (Value::Binary(bytes), _) => from_bytes(bytes, little, signed),
        _ => table::apply_function(Function::IntoInt, std::slice::from_ref(value)),
    })
}

fn from_bytes(bytes: &[u8], little: bool, signed: bool) -> Result<Value> {
    if bytes.len() > 8 {
        return Err(Diagnostic::new(codes::OVERFLOW, format!("{} bytes do not fit a 64-bit int", bytes.len())));
    }
    let mut ordered: Vec<u8> = bytes.to_vec();
    if !little {
        ordered.reverse();
    }
    let negative = signed && ordered.last().is_some_and(|last| last & 0x80 != 0);
    ordered.resize(8, if negative { 0xff } else { 0 });
    let mut eight = [0_u8; 8];
    eight.copy_from_slice(&ordered);
    Ok(Value::Int(i64::from_le_bytes(eight)))
}

fn into_bool(value: &Value, relaxed: bool) -> Result<bool> {
    Ok(match value {
        Value::Bool(b) => *b,
        Value::Int(n) => *n != 0,
        Value::Float(x) => *x != 0.0,
        Value::Nothing if relaxed => false,
        Value::String(text) => match text.trim().to_lowercase().as_str() {
            "true" => true,
            "false" => false,
            other => match other.parse::<f64>() {
                Ok(x) => x != 0.0,
                Err(_) if relaxed => !other.is_empty(),
                Err(_) => return Err(super::cannot(value, "a bool").help("`true` and `false` are")),
            },
        },
        other => return Err(super::cannot(other, "a bool")),
    })
}
