//! Messages per second, over the last few seconds.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How far back a rate looks.
const WINDOW: Duration = Duration::from_secs(5);

/// Totals as they were at some moments.
#[derive(Debug, Default)]
pub struct Meter(VecDeque<(Instant, u64)>);

impl Meter {
    /// Notes a total.
    pub fn sample(&mut self, at: Instant, total: u64) {
        // The oldest sample kept lies just outside the window, so that a rate always spans all of it.
        while self.0.get(1).is_some_and(|(next, _)| at.duration_since(*next) >= WINDOW) {
            self.0.pop_front();
        }
        self.0.push_back((at, total));
    }

    /// The growth per second from the oldest sample until now; 0 when there is none.
    pub fn rate(&self, now: Instant, total: u64) -> f64 {
        let Some((since, before)) = self.0.front() else { return 0.0 };
        let seconds = now.duration_since(*since).as_secs_f64();
        if seconds <= 0.0 { 0.0 } else { total.saturating_sub(*before) as f64 / seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_source_has_its_rate_and_a_silent_one_falls_to_zero() {
        let start = Instant::now();
        let mut meter = Meter::default();
        for second in 0..20 {
            meter.sample(start + Duration::from_secs(second), second * 30);
        }
        let now = start + Duration::from_secs(20);
        assert!((meter.rate(now, 600) - 30.0).abs() < 0.01);
        for second in 20..30 {
            meter.sample(start + Duration::from_secs(second), 600);
        }
        assert_eq!(meter.rate(start + Duration::from_secs(30), 600), 0.0);
    }
}
