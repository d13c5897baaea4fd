use value::units::{parse_duration, parse_filesize};

use crate::cells::{self, COLUMNS};
use crate::prelude::*;

pub static DURATION: Command = Command {
    name: "into duration",
    summary: "Converts to durations: texts such as `1hr 30min`, whole numbers in a unit, records of units",
    params: &[
        COLUMNS,
        Param::flag(
            "unit",
            Some('u'),
            Takes::Words(&["ns", "us", "ms", "sec", "min", "hr", "day", "wk"]),
            "What whole numbers count; ns by default",
        ),
    ],
    examples: &[
        example("A text", "'7min' | into duration", "7min"),
        example("Seconds", "90 | into duration --unit sec", "90sec"),
    ],
    infer: Some(|shape| match shape.input {
        Type::Record(_) if shape.argument("columns").is_none() => Some(Type::Duration),
        _ => cells::changed_type(shape, Type::Duration),
    }),
    run: |call, input| {
        let unit = call.optional::<String>("unit")?.unwrap_or_else(|| "ns".into());
        if let Some(Value::Record(record)) = single_record(call, &input) {
            return from_record(&record).map(|nanos| Data::Value(Value::Duration(nanos)));
        }
        cells::change(call, input, move |value| into_duration(value, &unit))
    },
    ..super::INTO
};

pub static FILESIZE: Command = Command {
    name: "into filesize",
    summary: "Converts to filesizes: texts such as `10mb`, numbers of bytes",
    examples: &[example("A text", "'2kb' | into filesize", "2kb"), example("Bytes", "5 | into filesize", "5b")],
    infer: Some(|shape| cells::changed_type(shape, Type::Filesize)),
    run: |call, input| cells::change(call, input, into_filesize),
    ..super::INTO
};

fn into_duration(value: &Value, unit: &str) -> Result<Value> {
    let one = parse_duration(&format!("1{unit}")).unwrap_or(1);
    let too_large = || Diagnostic::new(codes::OVERFLOW, format!("{value:?} {unit} is too long a duration"));
    Ok(Value::Duration(match value {
        Value::Nothing => return Ok(Value::Nothing),
        Value::Duration(nanos) => *nanos,
        Value::Int(n) => n.checked_mul(one).ok_or_else(too_large)?,
        Value::Float(x) => {
            let nanos = x * one as f64;
            if !nanos.is_finite() || nanos.abs() >= 9.2e18 {
                return Err(too_large());
            }
            nanos as i64
        }
        Value::String(text) => match parse_duration(text).or_else(|| clock(text)) {
            Some(nanos) => nanos,
            None => match text.trim().parse::<i64>() {
                Ok(n) => n.checked_mul(one).ok_or_else(too_large)?,
                Err(_) => {
                    return Err(super::cannot(value, "a duration")
                        .help("durations are written as `500ms`, `1hr 30min` or `1:30:00`"));
                }
            },
        },
        other => return Err(super::cannot(other, "a duration")),
    }))
}

/// `3:34:00` and `2:45:31.2`: hours, minutes and seconds.
fn clock(text: &str) -> Option<i64> {
    let mut parts = text.trim().split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || minutes.len() != 2 || !seconds.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let sum = ["hr", "min", "sec"]
        .iter()
        .zip([hours, minutes, seconds])
        .try_fold(0_i64, |sum, (unit, part)| sum.checked_add(parse_duration(&format!("{part}{unit}"))?))?;
    Some(sum)
}

fn into_filesize(value: &Value) -> Result<Value> {
    Ok(Value::Filesize(match value {
        Value::Nothing => return Ok(Value::Nothing),
        Value::Filesize(bytes) | Value::Int(bytes) => *bytes,
        Value::Float(x) if x.is_finite() && x.abs() < 9.2e18 => *x as i64,
        Value::String(text) => {
            let text = text.trim();
            match parse_filesize(text).or_else(|| text.parse().ok()) {
                Some(bytes) => bytes,
                None => {
                    return Err(super::cannot(value, "a filesize").help("filesizes are written as `10mb` or `4kib`"));
                }
            }
        }
        other => return Err(super::cannot(other, "a filesize")),
    }))
}

/// The input when it is one record to convert as a whole.
pub(super) fn single_record(call: &Call<'_>, input: &Data) -> Option<Value> {
    let whole = call.rest::<Value>("columns").is_ok_and(|columns| columns.is_empty());
    match input {
        Data::Value(value @ Value::Record(_)) if whole => Some(value.clone()),
        _ => None,
    }
}

fn from_record(record: &Record) -> Result<i64> {
    const UNITS: [(&str, &str); 8] = [
        ("week", "wk"),
        ("day", "day"),
        ("hour", "hr"),
        ("minute", "min"),
        ("second", "sec"),
        ("millisecond", "ms"),
        ("microsecond", "us"),
        ("nanosecond", "ns"),
    ];
    let mut total = 0_i64;
    let mut sign = 1;
    for (name, value) in record.iter() {
        if name == "sign" {
            sign = match value.as_str() {
                Some("+") => 1,
                Some("-") => -1,
                _ => return Err(super::cannot(value, "a sign").help("`+` or `-`")),
            };
            continue;
        }
        let Some((_, unit)) = UNITS.iter().find(|(known, _)| *known == name) else {
            return Err(value::cell_path::unknown_column(name, UNITS.iter().map(|(known, _)| *known)));
        };
        let Value::Int(count) = value else {
            return Err(Diagnostic::new(
                codes::WRONG_INPUT,
                format!("`{name}` must be an int, not {}", value.type_of()),
            ));
        };
        let part = parse_duration(&format!("{count}{unit}"));
        total = part
            .and_then(|part| total.checked_add(part))
            .ok_or_else(|| Diagnostic::new(codes::OVERFLOW, "the duration is too long"))?;
    }
    Ok(sign * total)
}

/// Whether anything flows in at all.
pub(super) fn require_input(call: &Call<'_>, input: &Data) -> Result<()> {
    if input.is_empty() {
        return Err(call.wrong_input(&Type::Nothing, "a value").help("nothing flows into it"));
    }
    Ok(())
}
