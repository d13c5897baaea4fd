//! Distributions of latencies that can be added and subtracted.
//!
//! The router counts in [`Buckets`]: fixed log-linear ones, thirty-two to each power of two, so that a value is known to
//! 3 % at worst. They are small (an HDR histogram of the same range has twenty kilobytes), and copying them holds up
//! nobody. What is told of them are [`Latencies`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::Latency;

/// Values below this power of two, about a microsecond, share the first bucket.
const FIRST: u32 = 10;
/// Values from this power of two on, about two minutes, share the last one.
const LAST: u32 = 37;
/// Each power of two has two to the power of so many buckets.
const FINE: u32 = 5;
const BUCKETS: usize = 1 + ((LAST - FIRST) << FINE) as usize;

/// How often latencies came, by their size.
#[derive(Debug, Clone)]
pub struct Buckets(Box<[u64; BUCKETS]>);

impl Default for Buckets {
    fn default() -> Self {
        Buckets(Box::new([0; BUCKETS]))
    }
}

impl Buckets {
    /// Counts a latency.
    pub fn record(&mut self, nanos: u64) {
        if let Some(count) = self.0.get_mut(bucket(nanos)) {
            *count += 1;
        }
    }
}

fn bucket(nanos: u64) -> usize {
    match nanos.checked_ilog2().unwrap_or(0) {
        0..FIRST => 0,
        power @ FIRST..LAST => {
            let within = (nanos >> (power - FINE)) & ((1 << FINE) - 1);
            1 + (((power - FIRST) << FINE) as usize) + within as usize
        }
        LAST.. => BUCKETS - 1,
    }
}

/// The highest value of a bucket.
fn highest(bucket: usize) -> u64 {
    let Some(bucket) = bucket.checked_sub(1) else { return (1 << FIRST) - 1 };
    let step = (bucket >> FINE) as u32 + FIRST - FINE;
    let within = (bucket & ((1 << FINE) - 1)) as u64;
    (((1 << FINE) + within + 1) << step) - 1
}

/// How often latencies came: the highest value of each bucket in nanoseconds, ascending, and a count above 0.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Latencies(Vec<(u64, u64)>);

impl Latencies {
    /// What was counted so far.
    pub fn of(buckets: &Buckets) -> Self {
        let counted = buckets.0.iter().enumerate().filter(|(_, count)| **count > 0);
        Latencies(counted.map(|(at, count)| (highest(at), *count)).collect())
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
    use hdrhistogram::Histogram;
    use proptest::prelude::*;

    use super::*;

    fn buckets(values: &[u64]) -> Buckets {
        let mut buckets = Buckets::default();
        values.iter().for_each(|value| buckets.record(*value));
        buckets
    }

    fn of(values: &[u64]) -> Latencies {
        Latencies::of(&buckets(values))
    }

    fn values() -> impl Strategy<Value = Vec<u64>> {
        prop::collection::vec(prop_oneof![1_000..1_000_000_u64, 1_000..100_000_000_000_u64], 0..60)
    }

    proptest! {
        #[test]
        fn quantiles_are_those_of_an_hdr_histogram(values in values(), share in 0.001..=1.0_f64) {
            let mut peer = Histogram::<u64>::new_with_bounds(1, 200_000_000_000, 4).unwrap();
            values.iter().for_each(|value| peer.record(*value).unwrap());
            let ours = of(&values);
            prop_assert_eq!(ours.count(), values.len() as u64);
            match ours.quantile(share) {
                None => prop_assert!(values.is_empty()),
                Some(ours) => {
                    let (ours, theirs) = (ours.as_nanos() as f64, peer.value_at_quantile(share) as f64);
                    // The first bucket ends a little above a microsecond.
                    prop_assert!(ours >= theirs * 0.999 && ours <= (theirs * 1.0313).max(1024.0), "{} {}", ours, theirs);
                }
            }
        }

        #[test]
        fn what_was_added_and_what_was_before_are_the_whole(before in values(), after in values()) {
            let all: Vec<u64> = before.iter().chain(&after).copied().collect();
            let (early, late) = (of(&before), of(&all));
            prop_assert_eq!(&late.since(&early), &of(&after));
            prop_assert_eq!(&early.and(&of(&after)), &late);
        }
    }

    #[test]
    fn every_bucket_ends_where_the_next_begins() {
        for at in 0..BUCKETS - 1 {
            assert_eq!((bucket(highest(at)), bucket(highest(at) + 1)), (at, at + 1));
        }
        assert_eq!((bucket(0), bucket(u64::MAX)), (0, BUCKETS - 1));
    }

    #[test]
    fn an_earlier_state_of_something_else_is_not_subtracted() {
        let (one, other) = (of(&[5_000]), of(&[9_000, 9_000]));
        assert_eq!(one.since(&other), one);
        assert_eq!(Latencies::default().figures(), None);
    }
}
