//! Ranges of numbers: `1..10`, `0..<5`, `1..3..9`, `1..`.

use diag::{Diagnostic, Result, codes};

use crate::value::Value;

/// A sequence of numbers from `start` by `step` to `end`. A range without an end counts on for ever.
#[derive(Debug, Clone, PartialEq)]
pub enum Range {
    Int { start: i64, step: i64, end: Option<i64>, inclusive: bool },
    Float { start: f64, step: f64, end: Option<f64>, inclusive: bool },
}

impl Range {
    /// Builds a range from its written parts: `second` is the value after `start` in `1..3..9`. Without it the
    /// step is one, toward `end`.
    pub fn new(start: &Value, second: Option<&Value>, end: Option<&Value>, inclusive: bool) -> Result<Range> {
        let ints = |value: &Value| matches!(value, Value::Int(_));
        if ints(start) && second.is_none_or(ints) && end.is_none_or(ints) {
            let int = |value: &Value| if let Value::Int(n) = value { *n } else { 0 };
            let (start, end) = (int(start), end.map(int));
            let step = match second {
                Some(second) => int(second).checked_sub(start).ok_or_else(too_large)?,
                None if end.is_some_and(|end| end < start) => -1,
                None => 1,
            };
            if step == 0 {
                return Err(no_step());
            }
            return Ok(Range::Int { start, step, end, inclusive });
        }
        let float = |value: &Value| {
            value.as_float().ok_or_else(|| {
                Diagnostic::new(codes::WRONG_TYPE, format!("a range is made of numbers, not of {}", value.type_of()))
            })
        };
        let (start, end) = (float(start)?, end.map(float).transpose()?);
        let step = match second {
            Some(second) => float(second)? - start,
            None if end.is_some_and(|end| end < start) => -1.0,
            None => 1.0,
        };
        if step == 0.0 || step.is_nan() {
            return Err(no_step());
        }
        Ok(Range::Float { start, step, end, inclusive })
    }

    /// The values in order. Endless when the range has no end.
    pub fn iter(&self) -> RangeIter {
        RangeIter { range: self.clone(), index: 0, done: false }
    }

    /// How many values there are; `None` when endless.
    pub fn len(&self) -> Option<u64> {
        match *self {
            Range::Int { start, step, end, inclusive } => {
                let end = i128::from(end?);
                let distance = (end - i128::from(start)) * i128::from(step.signum());
                if distance < 0 {
                    return Some(0);
                }
                let step = i128::from(step).abs();
                let whole = distance / step;
                let count = if inclusive || distance % step != 0 { whole + 1 } else { whole };
                u64::try_from(count).ok()
            }
            Range::Float { end, .. } => {
                end?;
                u64::try_from(self.iter().count()).ok()
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    pub fn is_endless(&self) -> bool {
        matches!(self, Range::Int { end: None, .. } | Range::Float { end: None, .. })
    }

    /// Whether a number is one of the values, or for floats lies between the ends on a step.
    pub fn contains(&self, value: &Value) -> bool {
        let Some(number) = value.as_float() else { return false };
        let (start, step, end, inclusive) = match *self {
            Range::Int { start, step, end, inclusive } => {
                if let Value::Int(n) = value {
                    let inside = end.is_none_or(|end| in_bounds(*n, start, end, step > 0, inclusive));
                    let beyond_start = if step > 0 { *n >= start } else { *n <= start };
                    let on_step = (i128::from(*n) - i128::from(start)) % i128::from(step) == 0;
                    return inside && beyond_start && on_step;
                }
                (start as f64, step as f64, end.map(|end| end as f64), inclusive)
            }
            Range::Float { start, step, end, inclusive } => (start, step, end, inclusive),
        };
        let beyond_start = if step > 0.0 { number >= start } else { number <= start };
        let inside = end.is_none_or(|end| match (step > 0.0, inclusive) {
            (true, true) => number <= end,
            (true, false) => number < end,
            (false, true) => number >= end,
            (false, false) => number > end,
        });
        // A step of one means "anything between", as people write `1.58 in -4.42..9`.
        let steps = (number - start) / step;
        beyond_start && inside && (step.abs() == 1.0 || (steps - steps.round()).abs() < 1e-9)
    }
}

fn in_bounds(n: i64, start: i64, end: i64, up: bool, inclusive: bool) -> bool {
    let (low, high) = if up { (start, end) } else { (end, start) };
    if !inclusive && n == end {
        return false;
    }
    (low..=high).contains(&n)
}

fn no_step() -> Box<Diagnostic> {
    Diagnostic::new(codes::BAD_RANGE, "a range whose second value equals its first never ends")
}

fn too_large() -> Box<Diagnostic> {
    Diagnostic::new(codes::OVERFLOW, "the step of this range does not fit a 64-bit int")
}

/// The values of a [`Range`].
#[derive(Debug, Clone)]
pub struct RangeIter {
    range: Range,
    index: u64,
    done: bool,
}

impl Iterator for RangeIter {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        if self.done {
            return None;
        }
        let item = match self.range {
            Range::Int { start, step, end, inclusive } => {
                let n = i128::from(start) + i128::from(step) * i128::from(self.index);
                let n = i64::try_from(n).ok().filter(|n| {
                    end.is_none_or(|end| match (step > 0, inclusive) {
                        (true, true) => *n <= end,
                        (true, false) => *n < end,
                        (false, true) => *n >= end,
                        (false, false) => *n > end,
                    })
                });
                n.map(Value::Int)
            }
            Range::Float { start, step, end, inclusive } => {
                // By multiplication, so that errors of the step do not add up.
                let n = start + step * self.index as f64;
                let inside = end.is_none_or(|end| match (step > 0.0, inclusive) {
                    (true, true) => n <= end + step.abs() * 1e-9,
                    (true, false) => n < end - step.abs() * 1e-9,
                    (false, true) => n >= end - step.abs() * 1e-9,
                    (false, false) => n > end + step.abs() * 1e-9,
                });
                (inside && n.is_finite()).then_some(Value::Float(n))
            }
        };
        self.index += 1;
        self.done = item.is_none();
        item
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(start: i64, second: Option<i64>, end: Option<i64>, inclusive: bool) -> Range {
        let second = second.map(Value::Int);
        let end = end.map(Value::Int);
        Range::new(&Value::Int(start), second.as_ref(), end.as_ref(), inclusive).unwrap()
    }

    #[test]
    fn a_range_counts_toward_its_end() {
        let down: Vec<Value> = ints(3, None, Some(1), false).iter().collect();
        assert_eq!(down, [Value::Int(3), Value::Int(2)]);
        assert_eq!(ints(1, Some(3), Some(9), true).len(), Some(5));
        assert_eq!(ints(i64::MIN, None, Some(i64::MAX), true).len(), None, "does not fit, and is not counted");
    }

    #[test]
    fn an_endless_range_stops_at_the_largest_int() {
        let mut last = ints(i64::MAX, None, None, true).iter();
        assert_eq!(last.next(), Some(Value::Int(i64::MAX)));
        assert_eq!(last.next(), None);
    }

    #[test]
    fn membership_follows_steps() {
        assert!(ints(1, Some(3), None, true).contains(&Value::Int(1_000_001)));
        assert!(!ints(0, None, Some(3), false).contains(&Value::Int(3)));
        let floats = Range::new(&Value::Int(1), Some(&Value::Float(1.5)), Some(&Value::Int(10)), true).unwrap();
        assert!(floats.contains(&Value::Float(5.5)) && !floats.contains(&Value::Float(5.25)));
    }
}
