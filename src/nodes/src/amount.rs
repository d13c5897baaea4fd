//! Arguments that are a count, a time or a rate.

use std::time::Duration;

/// So many messages, or so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    Messages(u64),
    Time(Duration),
}

impl Amount {
    /// Reads `10` (messages) or `2s`, `500ms` (time).
    pub fn parse(text: &str) -> Result<Amount, String> {
        match text.parse() {
            Ok(count) => Ok(Amount::Messages(count)),
            Err(_) => duration(text).map(Amount::Time).map_err(|_| {
                format!("`{text}` is neither a number of messages such as 10 nor a time such as 2s or 500ms")
            }),
        }
    }

    /// How it is said: `10 messages`, `2s`.
    pub fn told(self) -> String {
        match self {
            Amount::Messages(1) => "1 message".to_string(),
            Amount::Messages(count) => format!("{count} messages"),
            Amount::Time(time) => format!("{time:?}"),
        }
    }
}

/// Reads `2s`, `500ms`, `1m30s`.
pub fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|signed| Duration::try_from(signed).ok())
        .ok_or_else(|| format!("`{text}` is not a time such as 2s or 500ms"))
}

/// Reads a rate in messages per second and returns the time between two of them.
pub fn rate(text: &str) -> Result<Duration, String> {
    let rate: f64 = text.parse().map_err(|_| format!("`{text}` is not a number of messages per second"))?;
    if (0.001..=100_000.0).contains(&rate) {
        Ok(Duration::from_secs_f64(1.0 / rate))
    } else {
        Err(format!("a rate of {text} is not between 0.001 and 100000 messages per second"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_number_counts_messages_and_a_unit_makes_it_time() {
        assert_eq!(Amount::parse("10"), Ok(Amount::Messages(10)));
        assert_eq!(Amount::parse("500ms"), Ok(Amount::Time(Duration::from_millis(500))));
        assert!(Amount::parse("-2s").is_err());
        assert!(Amount::parse("soon").is_err());
    }

    #[test]
    fn a_rate_that_is_no_rate_is_refused() {
        assert_eq!(rate("20"), Ok(Duration::from_millis(50)));
        for wrong in ["0", "-1", "nan", "inf", "1e9", "fast"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
