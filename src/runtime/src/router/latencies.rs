//! Distributions of latencies that can be added and subtracted.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::model::Latency;

/// How often latencies came, in classes of a hundredth of their size: the highest value of each class in nanoseconds,
/// ascending, and a count above 0.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Latencies(Vec<(u64, u64)>);

impl Latencies {
    /// What a histogram has recorded so far.
    pub fn of(histogram: &Histogram<u64>) -> Self {
        Latencies(histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect())
    }

    /// What was added since an earlier state; all of it when the earlier one was of something else.
    pub fn since(&self, earlier: &Latencies) -> Latencies {
        let mut before = earlier.0.iter().copied().peekable();
        let mut added = Vec::with_capacity(self.0.len());
        for &(value, count) in &self.0 {
            let known = before.next_if(|(known, _)| *known <= value).filter(|(known, _)| *known == value);
            match count.checked_sub(known.map_or(0, |(_, count)| count)) {
                Some(0) => {}
                Some(more) => added.push((value, more)),
                None => return self.clone(),
            }
        }
        if before.next().is_some() { self.clone() } else { Latencies(added) }
    }

    /// Both together.
    pub fn and(&self, other: &Latencies) -> Latencies {
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut both = Vec::with_capacity(self.0.len().max(other.0.len()));
        loop {
            let next = match (left.peek(), right.peek()) {
                (Some(a), Some(b)) => a.0.min(b.0),
                (Some(one), None) | (None, Some(one)) => one.0,
                (None, None) => return Latencies(both),
            };
            let take = |from: &mut std::iter::Peekable<std::slice::Iter<'_, (u64, u64)>>| {
                from.next_if(|(value, _)| *value == next).map_or(0, |(_, count)| *count)
            };
            let count = take(&mut left) + take(&mut right);
            both.push((next, count));
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// The value that this share of them does not exceed; `None` of none.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let wanted = ((self.count() as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        let found = self.0.iter().find(|(_, count)| {
            seen += count;
            seen >= wanted
        });
        found.map(|(value, _)| Duration::from_nanos(*value))
    }

    /// In a few figures; `None` of none.
    pub fn figures(&self) -> Option<Latency> {
        let count = self.count();
        let sum: u128 = self.0.iter().map(|(value, count)| u128::from(*value) * u128::from(*count)).sum();
        let mean = sum.checked_div(u128::from(count))?;
        Some(Latency {
            mean: Duration::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX)),
            p50: self.quantile(0.5)?,
            p99: self.quantile(0.99)?,
            max: Duration::from_nanos(self.0.last()?.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histogram(values: &[u64]) -> Histogram<u64> {
        let mut histogram = Histogram::new_with_bounds(1_000, 100_000_000_000, 2).unwrap();
        values.iter().for_each(|value| histogram.saturating_record(*value));
        histogram
    }

    fn values() -> impl Strategy<Value = Vec<u64>> {
        prop::collection::vec(prop_oneof![1_000..1_000_000_u64, 1_000..100_000_000_000_u64], 0..60)
    }

    proptest! {
        #[test]
        fn quantiles_are_those_of_the_histogram(values in values(), share in 0.0..=1.0_f64) {
            let histogram = histogram(&values);
            let ours = Latencies::of(&histogram);
            prop_assert_eq!(ours.count(), values.len() as u64);
            let theirs = (!values.is_empty()).then(|| Duration::from_nanos(histogram.value_at_quantile(share)));
            prop_assert_eq!(ours.quantile(share), theirs);
        }

        #[test]
        fn what_was_added_and_what_was_before_are_the_whole(before in values(), after in values()) {
            let all: Vec<u64> = before.iter().chain(&after).copied().collect();
            let (early, late) = (Latencies::of(&histogram(&before)), Latencies::of(&histogram(&all)));
            prop_assert_eq!(&late.since(&early), &Latencies::of(&histogram(&after)));
            prop_assert_eq!(&early.and(&Latencies::of(&histogram(&after))), &late);
        }
    }

    #[test]
    fn an_earlier_state_of_something_else_is_not_subtracted() {
        let (one, other) = (Latencies::of(&histogram(&[5_000])), Latencies::of(&histogram(&[9_000, 9_000])));
        assert_eq!(one.since(&other), one);
        assert_eq!(Latencies::default().figures(), None);
    }
}
