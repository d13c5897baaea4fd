//! Functions of values, with the meaning of the commands they are named for.

use std::collections::HashSet;

use diag::{Diagnostic, Result, codes};
use value::Value;
use value::expr::Function;
use value::text::to_text;

use crate::key::key;
use crate::kind::Kind;

/// Applies a function to its arguments. Null gives null, save where the function is about nulls or texts.
///
/// # Errors
/// `WRONG_TYPE` when the function does not know such a value, `BAD_CONVERSION` and `OVERFLOW`.
pub fn apply(function: Function, arguments: &[Value]) -> Result<Value> {
    let (first, second) = match arguments {
        [first] => (first, None),
        [first, second] => (first, Some(second)),
        _ => return Err(wrong_count(function, arguments.len())),
    };
    match function {
        Function::Default => {
            let fallback = second.ok_or_else(|| wrong_count(function, 1))?;
            return Ok(if first.is_nothing() { fallback.clone() } else { first.clone() });
        }
        Function::IsEmpty => return first.is_empty().map(Value::Bool),
        Function::IntoString => return Ok(Value::string(to_text(first))),
        Function::Uniq => {
            let mut seen = HashSet::new();
            let items = match first {
                Value::Nothing => Vec::new(),
                Value::List(items) => items.iter().filter(|item| seen.insert(key(item))).cloned().collect(),
                _ => return Err(wrong_argument(function, first)),
            };
            return Ok(Value::list(items));
        }
        _ if first.is_nothing() || second.is_some_and(Value::is_nothing) => return Ok(Value::Nothing),
        _ => {}
    }
    let wrong = || wrong_argument(function, first);
    Ok(match function {
        Function::StrLength => {
            // Bytes, as in `str length` without a flag.
            Value::Int(i64::try_from(text(first).ok_or_else(wrong)?.len()).unwrap_or(i64::MAX))
        }
        Function::StrUpcase => Value::string(text(first).ok_or_else(wrong)?.to_uppercase()),
        Function::StrDowncase => Value::string(text(first).ok_or_else(wrong)?.to_lowercase()),
        Function::StrTrim => Value::from(text(first).ok_or_else(wrong)?.trim()),
        Function::StrContains => {
            let part = second.ok_or_else(|| wrong_count(function, 1))?;
            let part = text(part).ok_or_else(|| wrong_argument(function, part))?;
            Value::Bool(text(first).ok_or_else(wrong)?.contains(part))
        }
        Function::MathAbs => match first {
            Value::Int(n) => Value::Int(n.checked_abs().ok_or_else(|| too_large(first))?),
            Value::Duration(n) => Value::Duration(n.checked_abs().ok_or_else(|| too_large(first))?),
            Value::Filesize(n) => Value::Filesize(n.checked_abs().ok_or_else(|| too_large(first))?),
            Value::Float(x) => Value::Float(x.abs()),
            _ => return Err(wrong()),
        },
        Function::MathFloor | Function::MathCeil | Function::MathRound => match (first, second) {
            (Value::Int(n), Some(places)) => Value::Float(round_to(*n as f64, places)?),
            (Value::Float(x), Some(places)) => Value::Float(round_to(*x, places)?),
            (Value::Int(_) | Value::Duration(_) | Value::Filesize(_), None) => first.clone(),
            (Value::Float(x), None) => Value::Int(whole(match function {
                Function::MathFloor => x.floor(),
                Function::MathCeil => x.ceil(),
                _ => x.round(),
            })?),
            _ => return Err(wrong()),
        },
        Function::MathSqrt => match first.as_float() {
            Some(x) if x < 0.0 => {
                return Err(Diagnostic::new(codes::BAD_CONVERSION, format!("{first:?} has no real square root")));
            }
            Some(x) => Value::Float(x.sqrt()),
            None => return Err(wrong()),
        },
        Function::IntoInt => Value::Int(match first {
            Value::Int(n) | Value::Duration(n) | Value::Filesize(n) => *n,
            Value::Bool(b) => i64::from(*b),
            Value::DateTime(at) => at.nanos,
            Value::Float(x) => whole(x.trunc())?,
            Value::String(text) => match (parse_int(text), text.trim().replace('_', "").parse::<f64>()) {
                (Some(n), _) => n,
                // As a float is: cut off. Names such as `inf` are no digits.
                (None, Ok(x)) if text.contains(|c: char| c.is_ascii_digit()) => whole(x.trunc())?,
                _ => return Err(Diagnostic::new(codes::BAD_CONVERSION, format!("`{text}` is not an int"))),
            },
            _ => return Err(wrong()),
        }),
        Function::IntoFloat => Value::Float(match first {
            Value::Bool(b) => f64::from(u8::from(*b)),
            Value::Int(_) | Value::Float(_) => first.as_float().ok_or_else(wrong)?,
            Value::String(text) => text
                .trim()
                .replace('_', "")
                .parse()
                .map_err(|_| Diagnostic::new(codes::BAD_CONVERSION, format!("`{text}` is not a float")))?,
            _ => return Err(wrong()),
        }),
        Function::Default | Function::IsEmpty | Function::IntoString | Function::Uniq => Value::Nothing,
    })
}

/// The kind that a function gives for arguments of these kinds; `None` when it cannot be told, or it fails.
pub fn result_kind(function: Function, arguments: &[Kind]) -> Option<Kind> {
    let first = arguments.first()?;
    let second = arguments.get(1);
    if arguments.len() > 2 {
        return None;
    }
    let null = *first == Kind::Nothing || second == Some(&Kind::Nothing);
    Some(match function {
        Function::Default => first.clone().join(second?.clone())?,
        Function::IsEmpty => match first {
            Kind::Nothing | Kind::String | Kind::Binary | Kind::List(_) | Kind::Record(_) => Kind::Bool,
            _ => return None,
        },
        Function::IntoString => Kind::String,
        Function::Uniq => match first {
            Kind::List(_) => first.clone(),
            _ => return None,
        },
        _ if null => Kind::Nothing,
        Function::StrLength if *first == Kind::String => Kind::Int,
        Function::StrUpcase | Function::StrDowncase | Function::StrTrim if *first == Kind::String => Kind::String,
        Function::StrContains if *first == Kind::String && second == Some(&Kind::String) => Kind::Bool,
        Function::MathAbs if matches!(first, Kind::Int | Kind::Float | Kind::Duration | Kind::Filesize) => {
            first.clone()
        }
        Function::MathFloor | Function::MathCeil | Function::MathRound => match (first, second) {
            (Kind::Int | Kind::Float, Some(Kind::Int)) => Kind::Float,
            (Kind::Int | Kind::Duration | Kind::Filesize, None) => first.clone(),
            (Kind::Float, None) => Kind::Int,
            _ => return None,
        },
        Function::MathSqrt if matches!(first, Kind::Int | Kind::Float) => Kind::Float,
        Function::IntoInt => match first {
            Kind::Int
            | Kind::Duration
            | Kind::Filesize
            | Kind::Bool
            | Kind::DateTime(_)
            | Kind::Float
            | Kind::String => Kind::Int,
            _ => return None,
        },
        Function::IntoFloat if matches!(first, Kind::Bool | Kind::Int | Kind::Float | Kind::String) => Kind::Float,
        _ => return None,
    })
}

/// The command's name, for messages.
fn name(function: Function) -> &'static str {
    match function {
        Function::Default => "default",
        Function::StrLength => "str length",
        Function::StrUpcase => "str upcase",
        Function::StrDowncase => "str downcase",
        Function::StrTrim => "str trim",
        Function::StrContains => "str contains",
        Function::MathAbs => "math abs",
        Function::MathFloor => "math floor",
        Function::MathCeil => "math ceil",
        Function::MathRound => "math round",
        Function::MathSqrt => "math sqrt",
        Function::IntoInt => "into int",
        Function::IntoFloat => "into float",
        Function::IntoString => "into string",
        Function::IsEmpty => "is-empty",
        Function::Uniq => "uniq",
    }
}

fn text(value: &Value) -> Option<&str> {
    value.as_str()
}

fn whole(x: f64) -> Result<i64> {
    // Both bounds are exact as floats; the upper one is the first float that no longer fits.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&x) {
        return Ok(x as i64);
    }
    Err(too_large(&Value::Float(x)))
}

fn round_to(x: f64, places: &Value) -> Result<f64> {
    let Some(places) = places.as_int().and_then(|places| i32::try_from(places).ok()) else {
        return Err(Diagnostic::new(codes::WRONG_TYPE, "the precision of `math round` is an int"));
    };
    let scale = 10_f64.powi(places.abs());
    Ok(if places >= 0 { (x * scale).round() / scale } else { (x / scale).round() * scale })
}

fn parse_int(text: &str) -> Option<i64> {
    let text = text.trim().replace('_', "");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(&text)),
    };
    let (digits, radix) = match digits.get(..2) {
        Some("0x") => (&digits[2..], 16),
        Some("0o") => (&digits[2..], 8),
        Some("0b") => (&digits[2..], 2),
        _ => (digits, 10),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

fn too_large(value: &Value) -> Box<Diagnostic> {
    Diagnostic::new(codes::OVERFLOW, format!("{value:?} does not fit a 64-bit int"))
}

fn wrong_argument(function: Function, value: &Value) -> Box<Diagnostic> {
    Diagnostic::new(codes::WRONG_TYPE, format!("`{}` cannot work on {}", name(function), value.type_of()))
}

fn wrong_count(function: Function, given: usize) -> Box<Diagnostic> {
    Diagnostic::new(codes::WRONG_TYPE, format!("`{}` does not take {given} arguments", name(function)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_ints_only_when_they_are() {
        for (text, int) in [
            ("12", Some(12)),
            (" -1_000 ", Some(-1000)),
            ("0xff", Some(255)),
            ("-1.5", Some(-1)),
            ("--1", None),
            ("inf", None),
        ] {
            let result = apply(Function::IntoInt, &[text.into()]).ok();
            assert_eq!(result, int.map(Value::Int), "{text}");
        }
    }

    #[test]
    fn floats_out_of_range_do_not_become_ints() {
        for x in [f64::NAN, f64::INFINITY, 9.3e18] {
            assert_eq!(apply(Function::MathFloor, &[x.into()]).unwrap_err().code, codes::OVERFLOW);
        }
        assert_eq!(apply(Function::MathRound, &[Value::Float(2.5)]).unwrap(), Value::Int(3));
    }
}
