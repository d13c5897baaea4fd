//! A message on its way: its bytes once, however many inputs it goes to.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::model::UnixNanos;
use crate::node_protocol::buffers::Buffer;

/// Metadata and data of one message, encoded as both `SendMessage` and `NodeEvent::Input` hold them.
pub struct Message {
    bytes: Bytes,
    body: Range<usize>,
    /// Bytes of data.
    pub payload: usize,
    /// The sender's clock at send, as NTP's 64 bits.
    pub sent: u64,
}

enum Bytes {
    Small(Box<[u8]>),
    Large(Buffer),
}

impl Message {
    /// Copies a message that lies in a buffer needed for the next one.
    pub fn small(body: &[u8], payload: usize, sent: u64) -> Arc<Self> {
        Arc::new(Message { bytes: Bytes::Small(body.into()), body: 0..body.len(), payload, sent })
    }

    /// Takes over the buffer a message lies in.
    pub fn large(buffer: Buffer, body: Range<usize>, payload: usize, sent: u64) -> Arc<Self> {
        Arc::new(Message { bytes: Bytes::Large(buffer), body, payload, sent })
    }

    /// The encoded metadata and data.
    pub fn body(&self) -> &[u8] {
        let bytes: &[u8] = match &self.bytes {
            Bytes::Small(bytes) => bytes,
            Bytes::Large(buffer) => buffer,
        };
        bytes.get(self.body.clone()).unwrap_or_default()
    }
}

/// The present moment as a sender's clock reads it: seconds since the epoch in the upper 32 bits, fractions below.
pub fn ntp_now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let fraction = (u64::from(now.subsec_nanos()) << 32) / 1_000_000_000;
    (now.as_secs() << 32) | fraction
}

/// The time between two such moments; zero when the clocks disagree about their order.
pub fn ntp_between(earlier: u64, later: u64) -> Duration {
    let difference = u128::from(later.saturating_sub(earlier));
    Duration::from_nanos(u64::try_from((difference * 1_000_000_000) >> 32).unwrap_or(u64::MAX))
}

/// Such a moment as everything else tells it.
pub fn unix_nanos(ntp: u64) -> UnixNanos {
    let nanos = (u128::from(ntp) * 1_000_000_000) >> 32;
    UnixNanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_of_clocks_is_a_duration() {
        let second = 1 << 32;
        assert_eq!(ntp_between(5 * second, 5 * second + second / 2), Duration::from_millis(500));
        assert_eq!(ntp_between(second, 0), Duration::ZERO);
    }

    #[test]
    fn the_clock_agrees_with_the_one_nodes_stamp_with() {
        let theirs = dora_message::uhlc::HLC::default().new_timestamp().get_time().as_u64();
        assert!(ntp_between(theirs, ntp_now()) < Duration::from_secs(1));
        assert!(ntp_between(ntp_now(), theirs) < Duration::from_secs(1));
        assert!(UnixNanos::now().since(unix_nanos(theirs)) < Duration::from_secs(1));
    }
}
