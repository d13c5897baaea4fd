//! Reductions of many values to one.

use std::cmp::Ordering;
use std::collections::HashSet;

use diag::{Diagnostic, Result, codes};
use value::Value;
use value::expr::Aggregation;
use value::ops::{self, Operator};

use crate::key::key;
use crate::kind::Kind;

/// Reduces values to one. Nulls are skipped, save by `length`, `first` and `last`, which take the list as it
/// is; nothing at all gives null, or zero for the counts.
///
/// # Errors
/// `WRONG_TYPE` for values that cannot be reduced so, `OVERFLOW`.
pub fn aggregate(aggregation: Aggregation, values: &[Value]) -> Result<Value> {
    let present = || values.iter().filter(|value| !value.is_nothing());
    let count = present().count();
    match aggregation {
        Aggregation::Length => return Ok(int(values.len())),
        Aggregation::First => return Ok(values.first().cloned().unwrap_or(Value::Nothing)),
        Aggregation::Last => return Ok(values.last().cloned().unwrap_or(Value::Nothing)),
        Aggregation::CountDistinct => {
            return Ok(int(values.iter().map(key).collect::<HashSet<_>>().len()));
        }
        _ if count == 0 => return Ok(Value::Nothing),
        _ => {}
    }
    match aggregation {
        Aggregation::Min => extreme(present(), Ordering::Less),
        Aggregation::Max => extreme(present(), Ordering::Greater),
        Aggregation::Sum => sum(present()),
        Aggregation::Average => match total(present())? {
            Some((kind, total)) => of_total(aggregation, &kind, total, i64::try_from(count).unwrap_or(i64::MAX)),
            None => ops::apply(Operator::Divide, &sum(present())?, &int(count)),
        },
        Aggregation::Product => {
            let mut product = Value::Int(1);
            for value in present() {
                if value.as_float().is_none() {
                    return Err(not_numbers("product", value));
                }
                product = ops::apply(Operator::Multiply, &product, value)?;
            }
            Ok(product)
        }
        Aggregation::Median => {
            let sorted = sorted(present())?;
            let middle = sorted[count / 2];
            if count % 2 == 1 {
                return Ok(middle.clone());
            }
            aggregate(Aggregation::Average, &[sorted[count / 2 - 1].clone(), middle.clone()])
        }
        Aggregation::Quantile(q) => {
            if !(0.0..=1.0).contains(&q) {
                return Err(Diagnostic::new(
                    codes::WRONG_TYPE,
                    format!("a quantile lies between 0 and 1, {q} does not"),
                ));
            }
            let sorted = sorted(present())?;
            Ok(sorted[rank(q, count)].clone())
        }
        Aggregation::Variance { sample } => variance(present(), count, sample),
        Aggregation::Stddev { sample } => Ok(match variance(present(), count, sample)? {
            Value::Float(x) => Value::Float(x.sqrt()),
            other => other,
        }),
        Aggregation::Length | Aggregation::First | Aggregation::Last | Aggregation::CountDistinct => Ok(Value::Nothing),
    }
}

/// The kind that a reduction of values of this kind gives; `None` when it cannot be told, or it fails.
pub fn result_kind(aggregation: Aggregation, of: &Kind) -> Option<Kind> {
    use Aggregation as A;
    Some(match (aggregation, of) {
        (A::Length | A::CountDistinct, _) => Kind::Int,
        (_, Kind::Nothing) => Kind::Nothing,
        (A::First | A::Last, of) => of.clone(),
        (A::Min | A::Max | A::Quantile(_), of) if !of.is_nested() => of.clone(),
        (A::Sum, Kind::Int | Kind::Float | Kind::Duration | Kind::Filesize) => of.clone(),
        (A::Average | A::Product, Kind::Float) | (A::Average, Kind::Int) => Kind::Float,
        (A::Average, Kind::Duration | Kind::Filesize) => of.clone(),
        (A::Product, Kind::Int) => Kind::Int,
        // The median of ints is an int or a float, as their number is odd or even.
        (A::Median, Kind::Float | Kind::Duration | Kind::Filesize) => of.clone(),
        (A::Stddev { .. } | A::Variance { .. }, Kind::Int | Kind::Float | Kind::Duration | Kind::Filesize) => {
            Kind::Float
        }
        _ => return None,
    })
}

/// Whether a reduction of values of this kind may fail.
pub fn can_fail(aggregation: Aggregation, of: &Kind) -> bool {
    match aggregation {
        Aggregation::Sum | Aggregation::Product => *of != Kind::Float,
        Aggregation::Quantile(q) => !(0.0..=1.0).contains(&q),
        _ => false,
    }
}

/// The place, from 0, of a quantile among so many sorted values: the nearest rank.
pub fn rank(q: f64, count: usize) -> usize {
    let rank = (q * count as f64).ceil() as usize;
    rank.clamp(1, count.max(1)) - 1
}

/// The sum or average of whole numbers of one kind, from their exact total; null when there are none.
///
/// # Errors
/// `OVERFLOW`
pub fn of_total(aggregation: Aggregation, kind: &Kind, total: i128, count: i64) -> Result<Value> {
    match (aggregation, kind) {
        _ if count == 0 => Ok(Value::Nothing),
        (Aggregation::Average, Kind::Int) => Ok(Value::Float(total as f64 / count as f64)),
        // A unit keeps its unit, rounded toward zero.
        (Aggregation::Average, kind) => Ok(kind.whole(fit(total / i128::from(count), "average")?)),
        (_, kind) => Ok(kind.whole(fit(total, "sum")?)),
    }
}

fn int(count: usize) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The exact total of whole numbers of one kind; `None` when they are not that.
fn total<'a>(values: impl Iterator<Item = &'a Value>) -> Result<Option<(Kind, i128)>> {
    let mut total: i128 = 0;
    let mut unit: Option<Kind> = None;
    for value in values {
        let (kind, n) = match value {
            Value::Int(n) => (Kind::Int, *n),
            Value::Duration(n) => (Kind::Duration, *n),
            Value::Filesize(n) => (Kind::Filesize, *n),
            Value::Float(_) => return Ok(None),
            other => return Err(not_numbers("sum", other)),
        };
        if unit.get_or_insert_with(|| kind.clone()) != &kind {
            return Ok(None);
        }
        total += i128::from(n);
    }
    Ok(unit.map(|unit| (unit, total)))
}

/// The sum, failing only when the result does not fit, whatever the order.
fn sum<'a>(values: impl Iterator<Item = &'a Value> + Clone) -> Result<Value> {
    if let Some((kind, total)) = total(values.clone())? {
        return Ok(kind.whole(fit(total, "sum")?));
    }
    let mut values = values;
    let Some(first) = values.next() else { return Ok(Value::Nothing) };
    let mut sum = first.clone();
    for value in values {
        sum = ops::apply(Operator::Add, &sum, value)?;
    }
    if matches!(sum, Value::String(_) | Value::DateTime(_)) {
        return Err(not_numbers("sum", &sum));
    }
    Ok(sum)
}

fn fit(total: i128, what: &str) -> Result<i64> {
    i64::try_from(total)
        .map_err(|_| Diagnostic::new(codes::OVERFLOW, format!("the {what}, {total}, does not fit 64 bits")))
}

fn extreme<'a>(mut values: impl Iterator<Item = &'a Value>, wanted: Ordering) -> Result<Value> {
    let Some(mut best) = values.next() else { return Ok(Value::Nothing) };
    for value in values {
        if value.compare(best).ok_or_else(|| no_order(value, best))? == wanted {
            best = value;
        }
    }
    Ok(best.clone())
}

fn sorted<'a>(values: impl Iterator<Item = &'a Value>) -> Result<Vec<&'a Value>> {
    let mut sorted: Vec<&Value> = values.collect();
    let mut failed = None;
    sorted.sort_by(|a, b| {
        a.compare(b).unwrap_or_else(|| {
            failed.get_or_insert_with(|| no_order(a, b));
            Ordering::Equal
        })
    });
    failed.map_or(Ok(sorted), Err)
}

fn variance<'a>(values: impl Iterator<Item = &'a Value> + Clone, count: usize, sample: bool) -> Result<Value> {
    let mut numbers = Vec::with_capacity(count);
    for value in values {
        numbers.push(match value {
            Value::Duration(n) | Value::Filesize(n) => *n as f64,
            _ => value.as_float().ok_or_else(|| not_numbers("variance", value))?,
        });
    }
    let over = count - usize::from(sample);
    if over == 0 {
        return Ok(Value::Nothing);
    }
    let mean = numbers.iter().sum::<f64>() / count as f64;
    let squares: f64 = numbers.iter().map(|x| (x - mean) * (x - mean)).sum();
    Ok(Value::Float(squares / over as f64))
}

fn not_numbers(what: &str, value: &Value) -> Box<Diagnostic> {
    Diagnostic::new(codes::WRONG_TYPE, format!("a {what} is made of numbers, not of {}", value.type_of()))
}

/// The error for values of types that have no common order.
pub(crate) fn no_order(a: &Value, b: &Value) -> Box<Diagnostic> {
    Diagnostic::new(codes::WRONG_TYPE, format!("{} and {} have no common order", a.type_of(), b.type_of()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(all: &[i64]) -> Vec<Value> {
        all.iter().copied().map(Value::Int).collect()
    }

    #[test]
    fn a_sum_fails_only_when_the_result_does_not_fit() {
        assert_eq!(aggregate(Aggregation::Sum, &ints(&[i64::MAX, 1, -1])).unwrap(), Value::Int(i64::MAX));
        assert_eq!(aggregate(Aggregation::Sum, &ints(&[i64::MAX, 1])).unwrap_err().code, codes::OVERFLOW);
    }

    #[test]
    fn reductions_skip_nulls_and_give_null_for_nothing() {
        let values = [Value::Nothing, Value::Int(2), Value::Int(5), Value::Nothing];
        assert_eq!(aggregate(Aggregation::Average, &values).unwrap(), Value::Float(3.5));
        assert_eq!(aggregate(Aggregation::Length, &values).unwrap(), Value::Int(4));
        assert!(aggregate(Aggregation::Max, &[Value::Nothing]).unwrap().is_nothing());
        assert_eq!(aggregate(Aggregation::CountDistinct, &[Value::Nothing, Value::Nothing]).unwrap(), Value::Int(1));
    }

    #[test]
    fn quantiles_are_nearest_rank_and_deviations_of_the_population() {
        let values = ints(&[15, 20, 35, 40, 50]);
        for (q, rank) in [(0.0, 15), (0.05, 15), (0.3, 20), (0.4, 20), (0.5, 35), (1.0, 50)] {
            assert_eq!(aggregate(Aggregation::Quantile(q), &values).unwrap(), Value::Int(rank), "{q}");
        }
        assert_eq!(aggregate(Aggregation::Stddev { sample: false }, &ints(&[1, 2])).unwrap(), Value::Float(0.5));
        assert!(aggregate(Aggregation::Variance { sample: true }, &ints(&[1])).unwrap().is_nothing());
    }

    #[test]
    fn filesizes_average_to_filesizes() {
        let sizes = [Value::Filesize(100_000), Value::Filesize(10), Value::Filesize(104_857_600)];
        assert_eq!(aggregate(Aggregation::Average, &sizes).unwrap(), Value::Filesize(34_985_870));
    }
}
