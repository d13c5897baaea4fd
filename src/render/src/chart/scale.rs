//! Values as places on an axis, and what the axis says at them.

use value::{DateTime, Value};

/// What the numbers of an axis are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unit {
    Number,
    /// Nanoseconds.
    Duration,
    /// Bytes.
    Filesize,
    /// Nanoseconds since 1970, told in an offset in seconds.
    DateTime(i32),
}

const SECOND: f64 = 1e9;
const DAY: f64 = 86_400.0 * SECOND;

impl Unit {
    /// The unit of the first value that has one.
    pub fn of(values: &[Value]) -> Unit {
        let unit = |value: &Value| match value {
            Value::Int(_) | Value::Float(_) => Some(Unit::Number),
            Value::Duration(_) => Some(Unit::Duration),
            Value::Filesize(_) => Some(Unit::Filesize),
            Value::DateTime(at) => Some(Unit::DateTime(at.offset)),
            _ => None,
        };
        values.iter().find_map(unit).unwrap_or(Unit::Number)
    }

    /// The text of a place, on an axis whose marks are so far apart.
    pub fn label(self, x: f64, step: f64) -> String {
        let whole = x.round().clamp(i64::MIN as f64, i64::MAX as f64) as i64;
        match self {
            Unit::Number => number_label(x, step),
            // No finer than the marks can tell apart.
            Unit::Duration => {
                let grain = 10_f64.powf((step.max(1.0) / 10.0).log10().floor()).max(1.0);
                let rounded = ((x / grain).round() * grain) as i64;
                if rounded == 0 { "0".into() } else { value::units::format_duration(rounded) }
            }
            Unit::Filesize => value::units::format_filesize(whole),
            Unit::DateTime(offset) => {
                let text = DateTime { nanos: whole, offset }.rfc3339();
                let (day, time) = (text.get(..10).unwrap_or_default(), text.get(11..19).unwrap_or_default());
                if step >= DAY { day.into() } else { time.into() }
            }
        }
    }

    /// Places for about so many marks, evenly apart at numbers that people count in, within a range.
    pub fn marks(self, low: f64, high: f64, about: usize) -> (Vec<f64>, f64) {
        let wanted = (high - low) / about.max(1) as f64;
        if wanted <= 0.0 || !wanted.is_finite() {
            return (vec![low], 1.0);
        }
        let step = match self {
            Unit::Duration | Unit::DateTime(_) if wanted > SECOND => clock_step(wanted),
            _ => decimal_step(wanted),
        };
        // Days begin where the clock says, not in UTC.
        let shift = if let Unit::DateTime(offset) = self { f64::from(offset) * SECOND } else { 0.0 };
        let first = ((low + shift) / step).ceil() as i64;
        let last = ((high + shift) / step).floor() as i64;
        ((first..=last).map(|n| n as f64 * step - shift).collect(), step)
    }
}

fn number_label(x: f64, step: f64) -> String {
    if x != 0.0 && (x.abs() >= 1e7 || x.abs() < 1e-4) {
        return format!("{x:.1e}");
    }
    let decimals = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{x:.decimals$}")
}

/// The next of 1, 2, 5, 10, 20 …
fn decimal_step(wanted: f64) -> f64 {
    let power = 10_f64.powf(wanted.log10().floor());
    let digit = wanted / power;
    power
        * if digit <= 1.0 {
            1.0
        } else if digit <= 2.0 {
            2.0
        } else if digit <= 5.0 {
            5.0
        } else {
            10.0
        }
}

/// The next step of a clock or calendar.
fn clock_step(wanted: f64) -> f64 {
    let seconds = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];
    let step = seconds.into_iter().map(|s| f64::from(s) * SECOND).find(|step| *step >= wanted);
    step.unwrap_or_else(|| decimal_step(wanted / DAY) * DAY)
}

/// The number that a value is on an axis.
pub fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Duration(n) | Value::Filesize(n) => *n as f64,
        Value::DateTime(at) => at.nanos as f64,
        Value::Bool(b) => f64::from(u8::from(*b)),
        value => value.as_float()?,
    };
    number.is_finite().then_some(number)
}

/// The least and the largest number; one number alone gets some room.
pub fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    if low > high {
        return None;
    }
    if low == high {
        let room = if low == 0.0 { 1.0 } else { low.abs() / 2.0 };
        return Some((low - room, high + room));
    }
    Some((low, high))
}

/// Where a number lies between two, from 0 to 1.
pub fn share(x: f64, (low, high): (f64, f64)) -> f64 {
    if high > low { ((x - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_numbers_that_people_count_in() {
        assert_eq!(Unit::Number.marks(0.0, 97.0, 5), (vec![0.0, 20.0, 40.0, 60.0, 80.0], 20.0));
        let (marks, step) = Unit::Duration.marks(0.0, 150.0 * SECOND, 4);
        assert_eq!((marks.len(), step), (3, 60.0 * SECOND));
        let (marks, _) = Unit::DateTime(3600).marks(0.0, 3.0 * DAY, 3);
        assert_eq!(marks.first(), Some(&(23.0 * 3600.0 * SECOND)), "midnight, an hour east");
    }

    #[test]
    fn labels_are_no_finer_than_the_marks() {
        assert_eq!(Unit::Number.label(0.30000000000000004, 0.1), "0.3");
        assert_eq!(Unit::Duration.label(1_500_000_123.0, 5e8), "1sec 500ms");
        assert_eq!(Unit::DateTime(0).label(3_661.0 * SECOND, 60.0 * SECOND), "01:01:01");
        assert_eq!(Unit::Filesize.label(2e6, 1e6), "2.0 MB");
    }
}
