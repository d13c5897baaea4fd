//! Operators: one meaning for the interpreter, the checker and lowered queries.
//!
//! Ints never wrap: overflow is an error. `/` on ints gives a float, `//` and `mod` floor. Units follow:
//! `filesize / duration` is bytes per second, `datetime - datetime` a duration. Null compared by `<` or used in
//! arithmetic gives null; `==` treats null as a value; `and` and `or` are three-valued.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use diag::{Diagnostic, Result, codes};
use regex::Regex;

use crate::types::Type;
use crate::value::Value;

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
    Concat,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Matches,
    NotMatches,
    In,
    NotIn,
    Has,
    NotHas,
    StartsWith,
    NotStartsWith,
    EndsWith,
    NotEndsWith,
    And,
    Or,
    Xor,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
}

use Operator::*;

impl Operator {
    /// Every operator as it is written, the first way first.
    pub const ALL: [(&'static str, Operator); 34] = [
        ("+", Add),
        ("-", Subtract),
        ("*", Multiply),
        ("/", Divide),
        ("//", FloorDivide),
        ("mod", Modulo),
        ("**", Power),
        ("++", Concat),
        ("==", Equal),
        ("!=", NotEqual),
        ("<", Less),
        ("<=", LessEqual),
        (">", Greater),
        (">=", GreaterEqual),
        ("=~", Matches),
        ("!~", NotMatches),
        ("like", Matches),
        ("not-like", NotMatches),
        ("in", In),
        ("not-in", NotIn),
        ("has", Has),
        ("not-has", NotHas),
        ("starts-with", StartsWith),
        ("not-starts-with", NotStartsWith),
        ("ends-with", EndsWith),
        ("not-ends-with", NotEndsWith),
        ("and", And),
        ("or", Or),
        ("xor", Xor),
        ("bit-and", BitAnd),
        ("bit-or", BitOr),
        ("bit-xor", BitXor),
        ("bit-shl", ShiftLeft),
        ("bit-shr", ShiftRight),
    ];

    pub fn parse(text: &str) -> Option<Operator> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, op)| *op)
    }

    pub fn text(self) -> &'static str {
        Self::ALL.iter().find(|(_, op)| *op == self).map_or("", |(name, _)| name)
    }

    /// Whether the right operand is looked at only when the left one does not decide.
    pub fn is_lazy(self) -> bool {
        matches!(self, And | Or)
    }

    pub fn is_comparison(self) -> bool {
        matches!(
            self,
            Equal
                | NotEqual
                | Less
                | LessEqual
                | Greater
                | GreaterEqual
                | Matches
                | NotMatches
                | In
                | NotIn
                | Has
                | NotHas
                | StartsWith
                | NotStartsWith
                | EndsWith
                | NotEndsWith
        )
    }

    /// Whether it makes a number of two, and null where one of them is null.
    fn is_arithmetic(self) -> bool {
        let bits = matches!(self, BitAnd | BitOr | BitXor | ShiftLeft | ShiftRight);
        bits || matches!(self, Add | Subtract | Multiply | Divide | FloorDivide | Modulo | Power)
    }

    /// The type of the result, or `None` when the operator cannot apply to these types. Types that are not
    /// wholly known are given the benefit of the doubt.
    pub fn result_type(self, left: &Type, right: &Type) -> Option<Type> {
        use Type as T;
        if let T::OneOf(all) = left {
            return all.iter().filter_map(|one| self.result_type(one, right)).reduce(Type::union);
        }
        if let T::OneOf(all) = right {
            return all.iter().filter_map(|one| self.result_type(left, one)).reduce(Type::union);
        }
        let either_any = left.is_any() || right.is_any();
        let either_null = *left == T::Nothing || *right == T::Nothing;
        let text = |of: &Type| matches!(of, T::String | T::Word(_));
        let of = match self {
            Equal | NotEqual => T::Bool,
            And | Or | Xor => match (left, right) {
                (T::Bool | T::Any | T::Nothing, T::Bool | T::Any | T::Nothing) => T::Bool,
                _ => return None,
            },
            Less | LessEqual | Greater | GreaterEqual => match (left, right) {
                _ if either_null => T::Any,
                _ if either_any => T::Bool,
                (a, b) if a.is_number() && b.is_number() => T::Bool,
                (T::Filesize, T::Int | T::Number) | (T::Int | T::Number, T::Filesize) => T::Bool,
                (a, b) if text(a) && text(b) => T::Bool,
                (T::Record(_), T::Record(_)) => T::Bool,
                (T::List(_) | T::Table(_) | T::Range, T::List(_) | T::Table(_) | T::Range) => T::Bool,
                (T::Closure | T::CellPath, _) => return None,
                (a, b) if a == b => T::Bool,
                _ => return None,
            },
            Matches | NotMatches => match (left, right) {
                (a, b) if (text(a) || a.is_any() || *a == T::Nothing) && (text(b) || b.is_any()) => T::Bool,
                _ => return None,
            },
            StartsWith | NotStartsWith | EndsWith | NotEndsWith => match (left, right) {
                (a, b) if (text(a) || a.is_any() || *a == T::Nothing) && (text(b) || b.is_any()) => T::Bool,
                _ => return None,
            },
            In | NotIn => return membership_type(left, right),
            Has | NotHas => return membership_type(right, left),
            _ if self.is_arithmetic() && either_any => T::Any,
            _ if self.is_arithmetic() && either_null => T::Nothing,
            Add => match (left, right) {
                (T::Duration, T::Duration) => T::Duration,
                (T::Filesize, T::Filesize) => T::Filesize,
                (T::DateTime, T::Duration) | (T::Duration, T::DateTime) => T::DateTime,
                (a, b) if text(a) && text(b) => T::String,
                _ => return numbers(left, right),
            },
            Subtract => match (left, right) {
                (T::Duration, T::Duration) => T::Duration,
                (T::Filesize, T::Filesize) => T::Filesize,
                (T::DateTime, T::DateTime) => T::Duration,
                (T::DateTime, T::Duration) => T::DateTime,
                _ => return numbers(left, right),
            },
            Multiply => match (left, right) {
                (T::Duration, b) if b.is_number() => T::Duration,
                (a, T::Duration) if a.is_number() => T::Duration,
                (T::Filesize, b) if b.is_number() => T::Filesize,
                (a, T::Filesize) if a.is_number() => T::Filesize,
                _ => return numbers(left, right),
            },
            Divide => match (left, right) {
                (T::Duration, T::Duration) | (T::Filesize, T::Filesize | T::Duration) => T::Float,
                (T::Duration, b) if b.is_number() => T::Duration,
                (T::Filesize, b) if b.is_number() => T::Filesize,
                (a, b) if a.is_number() && b.is_number() => T::Float,
                _ => return None,
            },
            FloorDivide => match (left, right) {
                (T::Duration, T::Duration) | (T::Filesize, T::Filesize) => T::Int,
                (T::Duration, b) if b.is_number() => T::Duration,
                (T::Filesize, b) if b.is_number() => T::Filesize,
                _ => return numbers(left, right),
            },
            Modulo => match (left, right) {
                (T::Duration, T::Duration) => T::Duration,
                (T::Filesize, T::Filesize) => T::Filesize,
                _ => return numbers(left, right),
            },
            Power => return numbers(left, right),
            BitAnd | BitOr | BitXor | ShiftLeft | ShiftRight => match (left, right) {
                (T::Int | T::Number, T::Int | T::Number) => T::Int,
                _ => return None,
            },
            Concat => match (left, right) {
                _ if either_any => T::Any,
                (T::List(a), T::List(b)) => T::List(Box::new((**a).clone().union((**b).clone()))),
                (T::List(_) | T::Table(_) | T::Range, T::List(_) | T::Table(_) | T::Range) => {
                    left.item().union(right.item()).many()
                }
                (T::Binary, T::Binary) => T::Binary,
                (a, b) if text(a) && text(b) => T::String,
                _ => return None,
            },
        };
        Some(of)
    }
}

fn numbers(left: &Type, right: &Type) -> Option<Type> {
    match (left, right) {
        (Type::Int, Type::Int) => Some(Type::Int),
        (Type::Float, b) if b.is_number() => Some(Type::Float),
        (a, Type::Float) if a.is_number() => Some(Type::Float),
        (a, b) if a.is_number() && b.is_number() => Some(Type::Number),
        _ => None,
    }
}

fn membership_type(item: &Type, whole: &Type) -> Option<Type> {
    match whole {
        Type::List(_) | Type::Table(_) | Type::Range | Type::Any => Some(Type::Bool),
        Type::Record(_) | Type::String | Type::Word(_) => {
            matches!(item, Type::String | Type::Word(_) | Type::Any).then_some(Type::Bool)
        }
        _ => None,
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Applies an operator to two values.
///
/// # Errors
/// `WRONG_OPERANDS` when it cannot apply, `OVERFLOW`, `DIVISION_BY_ZERO`, `BAD_PATTERN`.
#[inline]
pub fn apply(op: Operator, left: &Value, right: &Value) -> Result<Value> {
    if let (Value::Int(a), Value::Int(b)) = (left, right) {
        if let Some(result) = of_ints(op, *a, *b) {
            return Ok(result);
        }
        if matches!(op, Add | Subtract | Multiply) {
            return Err(overflow(op, left, right));
        }
    }
    general(op, left, right)
}

/// What programs do most, without looking at types again; `None` for other operators and where the result is too large.
#[inline]
pub fn of_ints(op: Operator, a: i64, b: i64) -> Option<Value> {
    match op {
        Add => a.checked_add(b).map(Value::Int),
        Subtract => a.checked_sub(b).map(Value::Int),
        Multiply => a.checked_mul(b).map(Value::Int),
        Less => Some(Value::Bool(a < b)),
        LessEqual => Some(Value::Bool(a <= b)),
        Greater => Some(Value::Bool(a > b)),
        GreaterEqual => Some(Value::Bool(a >= b)),
        Equal => Some(Value::Bool(a == b)),
        NotEqual => Some(Value::Bool(a != b)),
        _ => None,
    }
}

fn general(op: Operator, left: &Value, right: &Value) -> Result<Value> {
    use Value as V;
    let wrong = || wrong_operands(op, left, right);
    match op {
        Equal => return Ok(V::Bool(left == right)),
        NotEqual => return Ok(V::Bool(left != right)),
        And | Or | Xor => return logic(op, left, right).ok_or_else(wrong),
        In => return contains(right, left).map(V::Bool).ok_or_else(wrong),
        NotIn => return contains(right, left).map(|b| V::Bool(!b)).ok_or_else(wrong),
        Has => return contains(left, right).map(V::Bool).ok_or_else(wrong),
        NotHas => return contains(left, right).map(|b| V::Bool(!b)).ok_or_else(wrong),
        _ => {}
    }
    if op != Concat && (left.is_nothing() || right.is_nothing()) {
        return Ok(V::Nothing);
    }
    match op {
        Less => ordered(left, right, |order| order.is_lt()).ok_or_else(wrong),
        LessEqual => ordered(left, right, |order| order.is_le()).ok_or_else(wrong),
        Greater => ordered(left, right, |order| order.is_gt()).ok_or_else(wrong),
        GreaterEqual => ordered(left, right, |order| order.is_ge()).ok_or_else(wrong),
        Matches | NotMatches => match (left, right) {
            (V::String(text), V::String(pattern)) => {
                let found = with_regex(pattern, |regex| regex.is_match(text))?;
                Ok(V::Bool(found == (op == Matches)))
            }
            _ => Err(wrong()),
        },
        StartsWith | NotStartsWith | EndsWith | NotEndsWith => match (left, right) {
            (V::String(text), V::String(part)) => Ok(V::Bool(match op {
                StartsWith => text.starts_with(part.as_str()),
                NotStartsWith => !text.starts_with(part.as_str()),
                EndsWith => text.ends_with(part.as_str()),
                _ => !text.ends_with(part.as_str()),
            })),
            _ => Err(wrong()),
        },
        Concat => concat(left, right).unwrap_or_else(|| Err(wrong())),
        _ => arithmetic(op, left, right).unwrap_or_else(|| Err(wrong())),
    }
}

/// `None` where the types do not fit the operator.
fn arithmetic(op: Operator, left: &Value, right: &Value) -> Option<Result<Value>> {
    use Value as V;
    let ints = |make: fn(i64) -> V, result: Option<i64>| {
        Some(result.map(make).ok_or_else(|| if zero(right) { division_by_zero() } else { overflow(op, left, right) }))
    };
    match (left, right) {
        (V::Int(a), V::Int(b)) => match op {
            Divide if *b == 0 => Some(Err(division_by_zero())),
            Divide => Some(Ok(V::Float(*a as f64 / *b as f64))),
            Power => ints(V::Int, u32::try_from(*b).ok().and_then(|b| a.checked_pow(b))),
            BitAnd | BitOr | BitXor | ShiftLeft | ShiftRight => {
                Some(bits(op, *a, *b).map(V::Int).ok_or_else(|| overflow(op, left, right)))
            }
            _ => ints(V::Int, whole(op, *a, *b)),
        },
        (V::Float(_) | V::Int(_), V::Float(_) | V::Int(_)) => {
            let (a, b) = (left.as_float()?, right.as_float()?);
            Some(
                match op {
                    Add => Ok(a + b),
                    Subtract => Ok(a - b),
                    Multiply => Ok(a * b),
                    Divide | FloorDivide | Modulo if b == 0.0 => Err(division_by_zero()),
                    Divide => Ok(a / b),
                    FloorDivide => Ok((a / b).floor()),
                    Modulo => Ok(a - b * (a / b).floor()),
                    Power => Ok(a.powf(b)),
                    _ => return None,
                }
                .map(V::Float),
            )
        }
        (V::Duration(a), V::Duration(b)) => match op {
            Add | Subtract | Modulo => ints(V::Duration, whole(op, *a, *b)),
            FloorDivide => ints(V::Int, whole(op, *a, *b)),
            Divide => Some(ratio(*a, *b)),
            _ => None,
        },
        (V::Filesize(a), V::Filesize(b)) => match op {
            Add | Subtract | Modulo => ints(V::Filesize, whole(op, *a, *b)),
            FloorDivide => ints(V::Int, whole(op, *a, *b)),
            Divide => Some(ratio(*a, *b)),
            _ => None,
        },
        (V::Filesize(bytes), V::Duration(nanos)) if op == Divide => {
            if *nanos == 0 {
                return Some(Err(division_by_zero()));
            }
            Some(Ok(V::Float(*bytes as f64 / (*nanos as f64 / 1e9))))
        }
        (V::Duration(a), V::Int(_) | V::Float(_)) => scaled(op, V::Duration, *a, left, right),
        (V::Filesize(a), V::Int(_) | V::Float(_)) => scaled(op, V::Filesize, *a, left, right),
        (V::Int(_) | V::Float(_), V::Duration(b)) if op == Multiply => scaled(op, V::Duration, *b, right, left),
        (V::Int(_) | V::Float(_), V::Filesize(b)) if op == Multiply => scaled(op, V::Filesize, *b, right, left),
        (V::DateTime(a), V::DateTime(b)) if op == Subtract => ints(V::Duration, a.nanos.checked_sub(b.nanos)),
        (V::DateTime(at), V::Duration(by)) | (V::Duration(by), V::DateTime(at)) if op == Add => {
            let moved = at.nanos.checked_add(*by).map(|nanos| V::DateTime(crate::DateTime { nanos, ..*at }));
            Some(moved.ok_or_else(|| overflow(op, left, right)))
        }
        (V::DateTime(at), V::Duration(by)) if op == Subtract => {
            let moved = at.nanos.checked_sub(*by).map(|nanos| V::DateTime(crate::DateTime { nanos, ..*at }));
            Some(moved.ok_or_else(|| overflow(op, left, right)))
        }
        (V::String(a), V::String(b)) if op == Add => Some(Ok(V::string(format!("{a}{b}")))),
        _ => None,
    }
}

/// Operators on the bits of ints. Shifts go by 0 to 63 places; what leaves at the left is gone, and from the left
/// comes the sign.
fn bits(op: Operator, a: i64, b: i64) -> Option<i64> {
    let places = || u32::try_from(b).ok();
    match op {
        BitAnd => Some(a & b),
        BitOr => Some(a | b),
        BitXor => Some(a ^ b),
        ShiftLeft => a.checked_shl(places()?),
        ShiftRight => a.checked_shr(places()?),
        _ => None,
    }
}

fn zero(value: &Value) -> bool {
    matches!(value, Value::Int(0) | Value::Duration(0) | Value::Filesize(0))
}

/// Whole-number arithmetic; `//` and `mod` floor, so that `-7 mod 3` is 2.
pub fn whole(op: Operator, a: i64, b: i64) -> Option<i64> {
    match op {
        Add => a.checked_add(b),
        Subtract => a.checked_sub(b),
        Multiply => a.checked_mul(b),
        FloorDivide => {
            let quotient = a.checked_div(b)?;
            Some(if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient })
        }
        Modulo => {
            // i64::MIN mod -1 overflows in hardware and is zero in arithmetic.
            let rest = if b == -1 { 0 } else { a.checked_rem(b)? };
            Some(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
        }
        _ => None,
    }
}

fn ratio(a: i64, b: i64) -> Result<Value> {
    if b == 0 { Err(division_by_zero()) } else { Ok(Value::Float(a as f64 / b as f64)) }
}

/// A unit times or divided by a number keeps its unit, rounded toward zero.
fn scaled(op: Operator, make: fn(i64) -> Value, unit: i64, left: &Value, number: &Value) -> Option<Result<Value>> {
    if !matches!(op, Multiply | Divide | FloorDivide) {
        return None;
    }
    if let Value::Int(n) = number {
        let result = match op {
            Multiply => unit.checked_mul(*n),
            _ if *n == 0 => return Some(Err(division_by_zero())),
            Divide => unit.checked_div(*n),
            _ => whole(FloorDivide, unit, *n),
        };
        return Some(result.map(make).ok_or_else(|| overflow(op, left, number)));
    }
    let x = number.as_float()?;
    if op != Multiply && x == 0.0 {
        return Some(Err(division_by_zero()));
    }
    let result = match op {
        Multiply => unit as f64 * x,
        Divide => unit as f64 / x,
        _ => (unit as f64 / x).floor(),
    };
    Some(if result.is_finite() && result.abs() < 9.2e18 {
        Ok(make(result as i64))
    } else {
        Err(overflow(op, left, number))
    })
}

fn ordered(left: &Value, right: &Value, holds: fn(Ordering) -> bool) -> Option<Value> {
    if let (Some(a), Some(b)) = (left.as_float(), right.as_float()) {
        if a.is_nan() || b.is_nan() {
            return Some(Value::Bool(false));
        }
    }
    if matches!(left, Value::Closure(_) | Value::CellPath(_)) {
        return None;
    }
    left.compare(right).map(|order| Value::Bool(holds(order)))
}

/// Three-valued logic: null is unknown.
fn logic(op: Operator, left: &Value, right: &Value) -> Option<Value> {
    let truth = |value: &Value| match value {
        Value::Bool(b) => Some(Some(*b)),
        Value::Nothing => Some(None),
        _ => None,
    };
    let (a, b) = (truth(left)?, truth(right)?);
    let result = match op {
        And if a == Some(false) || b == Some(false) => Some(false),
        And => a.zip(b).map(|(a, b)| a && b),
        Or if a == Some(true) || b == Some(true) => Some(true),
        Or => a.zip(b).map(|(a, b)| a || b),
        _ => a.zip(b).map(|(a, b)| a != b),
    };
    Some(result.map_or(Value::Nothing, Value::Bool))
}

fn contains(whole: &Value, item: &Value) -> Option<bool> {
    Some(match (whole, item) {
        (Value::List(items), item) => items.iter().any(|one| one == item),
        (Value::Table(_), item) => whole.items().ok()?.iter().any(|one| one == item),
        (Value::Range(range), item) => range.contains(item),
        (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
        (Value::Record(record), Value::String(name)) => record.contains(name),
        _ => return None,
    })
}

fn concat(left: &Value, right: &Value) -> Option<Result<Value>> {
    Some(Ok(match (left, right) {
        (Value::String(a), Value::String(b)) => Value::string(format!("{a}{b}")),
        (Value::Binary(a), Value::Binary(b)) => Value::binary([a.as_slice(), b.as_slice()].concat()),
        (Value::List(_) | Value::Table(_) | Value::Range(_), Value::List(_) | Value::Table(_) | Value::Range(_)) => {
            let (a, b) = match (left.items(), right.items()) {
                (Ok(a), Ok(b)) => (a, b),
                (Err(error), _) | (_, Err(error)) => return Some(Err(error)),
            };
            let mut all = Arc::unwrap_or_clone(a);
            all.extend(b.iter().cloned());
            Value::list(all)
        }
        _ => return None,
    }))
}

/// `not`: three-valued. `None` when the operand is neither a bool nor null.
pub fn not(value: &Value) -> Result<Value> {
    match value {
        Value::Bool(b) => Ok(Value::Bool(!b)),
        Value::Nothing => Ok(Value::Nothing),
        other => Err(Diagnostic::new(codes::WRONG_OPERANDS, format!("`not` needs a bool, not {}", other.type_of()))),
    }
}

/// Unary minus.
pub fn negate(value: &Value) -> Result<Value> {
    let whole = |make: fn(i64) -> Value, n: i64| {
        n.checked_neg()
            .map(make)
            .ok_or_else(|| Diagnostic::new(codes::OVERFLOW, format!("-({n}) does not fit 64 bits")))
    };
    match value {
        Value::Int(n) => whole(Value::Int, *n),
        Value::Duration(n) => whole(Value::Duration, *n),
        Value::Filesize(n) => whole(Value::Filesize, *n),
        Value::Float(x) => Ok(Value::Float(-x)),
        Value::Nothing => Ok(Value::Nothing),
        other => Err(Diagnostic::new(codes::WRONG_OPERANDS, format!("`-` needs a number, not {}", other.type_of()))),
    }
}

thread_local! {
    static PATTERNS: RefCell<HashMap<String, Regex>> = RefCell::new(HashMap::new());
}

/// Compiles a pattern once per thread and uses it.
pub fn with_regex<T>(pattern: &str, use_it: impl FnOnce(&Regex) -> T) -> Result<T> {
    PATTERNS.with(|known| {
        let mut known = known.borrow_mut();
        if !known.contains_key(pattern) {
            // Programs that make patterns in a loop must not fill memory with them.
            if known.len() > 256 {
                known.clear();
            }
            known.insert(pattern.to_string(), compile_regex(pattern)?);
        }
        Ok(use_it(&known[pattern]))
    })
}

/// Compiles a regular expression, or says what is wrong with it.
pub fn compile_regex(pattern: &str) -> Result<Regex> {
    Regex::new(pattern).map_err(|error| {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
        Diagnostic::new(codes::BAD_PATTERN, format!("`{pattern}` is not a regular expression: {reason}"))
    })
}

fn overflow(op: Operator, left: &Value, right: &Value) -> Box<Diagnostic> {
    let error = Diagnostic::new(codes::OVERFLOW, format!("{left:?} {op} {right:?} does not fit 64 bits"));
    match (op, left) {
        (Power, Value::Int(n)) => error.help(format!("a float has room for it: {n}.0 ** {right:?}")),
        (ShiftLeft | ShiftRight, _) => error.help("an int has 64 bits, and is shifted by 0 to 63 places"),
        (Add | Subtract | Multiply, Value::Int(n)) => {
            error.help(format!("a float has room for it: {n}.0 {op} {right:?}"))
        }
        _ => error,
    }
}

fn division_by_zero() -> Box<Diagnostic> {
    Diagnostic::new(codes::DIVISION_BY_ZERO, "division by zero")
}

/// The error for an operator between types it cannot join, with the way to say it where one is likely.
pub fn wrong_operands(op: Operator, left: &Value, right: &Value) -> Box<Diagnostic> {
    wrong_operand_types(op, &left.type_of(), &right.type_of())
}

/// The same, when only the types are known.
pub fn wrong_operand_types(op: Operator, left: &Type, right: &Type) -> Box<Diagnostic> {
    let verb = if op.is_comparison() { "compare" } else { "join" };
    let error =
        Diagnostic::new(codes::WRONG_OPERANDS, format!("`{op}` cannot {verb} {} and {}", short(left), short(right)));
    match (op, left, right) {
        (Add, Type::String, _) => error.help("convert it, `($x | into string)`, or write it into the text: $\"…($x)\""),
        (Add, _, Type::String) if left.is_number() => {
            error.help("convert the text, `($x | into int)`, or the number, `($x | into string)`")
        }
        (Add, Type::List(_) | Type::Table(_), _) => {
            error.help("lists are joined with `++`, and `append` adds one item")
        }
        (Less | LessEqual | Greater | GreaterEqual, other, Type::String)
        | (Less | LessEqual | Greater | GreaterEqual, Type::String, other) => match into(other) {
            Some(command) => error.help(format!("convert the text, `($x | {command})`")),
            None => error,
        },
        (In | NotIn | Has | NotHas, ..) => error.help("membership is asked of a list, range, record or string"),
        _ => error,
    }
}

/// The command that makes a value of a type from a text.
fn into(wanted: &Type) -> Option<&'static str> {
    Some(match wanted {
        Type::Filesize => "into filesize",
        Type::Duration => "into duration",
        Type::DateTime => "into datetime",
        Type::Float => "into float",
        wanted if wanted.is_number() => "into int",
        _ => return None,
    })
}

fn short(of: &Type) -> String {
    match of {
        Type::Record(_) => "record".into(),
        Type::Table(_) => "table".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn int(n: i64) -> Value {
        Value::Int(n)
    }

    #[test]
    fn ints_never_wrap() {
        for (op, a, b) in [(Add, i64::MAX, 1), (Multiply, i64::MAX, 2), (Power, 10, 30), (FloorDivide, i64::MIN, -1)] {
            assert_eq!(apply(op, &int(a), &int(b)).unwrap_err().code, codes::OVERFLOW, "{a} {op} {b}");
        }
        assert_eq!(apply(Modulo, &int(i64::MIN), &int(-1)).unwrap(), int(0));
    }

    #[test]
    fn division_by_zero_is_an_error_for_every_kind_of_number() {
        for value in [int(0), Value::Float(0.0)] {
            for op in [Divide, FloorDivide, Modulo] {
                assert_eq!(apply(op, &int(1), &value).unwrap_err().code, codes::DIVISION_BY_ZERO);
            }
        }
        assert!(apply(Divide, &Value::Duration(5), &int(0)).is_err());
    }

    #[test]
    fn units_follow() {
        let rate = apply(Divide, &Value::Filesize(3_000), &Value::Duration(1_500_000_000)).unwrap();
        assert_eq!(rate, Value::Float(2_000.0));
        assert_eq!(apply(Multiply, &int(2), &Value::Duration(5)).unwrap(), Value::Duration(10));
        assert!(apply(Add, &Value::Filesize(1), &int(1)).is_err());
        assert_eq!(
            apply(FloorDivide, &Value::Filesize(1_000_000), &Value::Float(3.0)).unwrap(),
            Value::Filesize(333_333)
        );
    }

    #[test]
    fn null_is_unknown_in_logic_and_order_and_a_value_in_equality() {
        let null = Value::Nothing;
        assert!(apply(Less, &int(1), &null).unwrap().is_nothing());
        assert_eq!(apply(And, &null, &Value::Bool(false)).unwrap(), Value::Bool(false));
        assert!(apply(Or, &null, &Value::Bool(false)).unwrap().is_nothing());
        assert_eq!(apply(Equal, &null, &null).unwrap(), Value::Bool(true));
    }

    #[test]
    fn bits_are_those_of_ints() {
        for (op, a, b, wanted) in [
            (BitAnd, 12, 10, 8),
            (BitOr, 12, 10, 14),
            (BitXor, 12, 10, 6),
            (ShiftLeft, 1, 10, 1024),
            (ShiftRight, -8, 1, -4),
        ] {
            assert_eq!(apply(op, &int(a), &int(b)).unwrap(), int(wanted), "{a} {op} {b}");
        }
        for places in [64, -1] {
            assert_eq!(apply(ShiftLeft, &int(1), &int(places)).unwrap_err().code, codes::OVERFLOW);
        }
        assert_eq!(apply(BitAnd, &int(1), &Value::Float(1.0)).unwrap_err().code, codes::WRONG_OPERANDS);
    }

    #[test]
    fn text_and_numbers_do_not_add() {
        let error = apply(Add, &int(1), &"a".into()).unwrap_err();
        assert_eq!(error.message, "`+` cannot join int and string");
        assert!(error.help.is_some());
    }

    fn scalar() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Nothing),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_map(Value::Float),
            any::<i64>().prop_map(Value::Duration),
            any::<i64>().prop_map(Value::Filesize),
            "[a-c]{0,2}".prop_map(Value::string),
        ]
    }

    proptest! {
        /// The checker and the interpreter agree: what the types refuse fails, and what they promise comes.
        #[test]
        fn types_foretell_values(op in prop::sample::select(Operator::ALL.map(|(_, op)| op).to_vec()), a in scalar(), b in scalar()) {
            let foretold = op.result_type(&a.type_of(), &b.type_of());
            match (foretold, apply(op, &a, &b)) {
                (None, Ok(value)) => prop_assert!(value.is_nothing() && (a.is_nothing() || b.is_nothing()), "{a:?} {op} {b:?} gave {value:?}"),
                (Some(of), Ok(value)) => prop_assert!(value.is_nothing() || of.accepts(&value.type_of()), "{of} foretold, {value:?} came"),
                (Some(_), Err(error)) => prop_assert!(error.code != codes::WRONG_OPERANDS, "{a:?} {op} {b:?}: {error}"),
                (None, Err(_)) => {}
            }
        }

        #[test]
        fn floored_division_and_modulo_belong_together(a in any::<i64>(), b in any::<i64>()) {
            prop_assume!(b != 0);
            if let (Some(q), Some(r)) = (whole(FloorDivide, a, b), whole(Modulo, a, b)) {
                prop_assert_eq!(i128::from(q) * i128::from(b) + i128::from(r), i128::from(a));
                prop_assert!(r == 0 || (r < 0) == (b < 0));
            }
        }
    }
}
