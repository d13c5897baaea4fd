//! The bytes of the protocol that are worth handling by hand.
//!
//! Almost every byte a node sends is a `SendMessage`, and almost every byte it gets a `NodeEvent::Input`. In
//! postcard both hold the message's metadata and data one after the other in the same encoding, so the router
//! need not decode and encode them: it walks a request once, to find these bytes and to be sure they are well
//! formed, and copies them into the events as they came. A request that does not hold what it should costs
//! its sender the connection, before it can cost a consumer its own.

use std::io;
use std::ops::Range;

use dora_message::MAX_MESSAGE_BYTES;
use dora_message::common::Timestamped;
use dora_message::node_to_daemon::DaemonRequest;
use dora_message::uhlc::{self, HLC};

/// Variant numbers are the protocol: dora appends to its enums and never reorders them.
const SEND_MESSAGE: u8 = 2;
const NEXT_EVENTS: u8 = 1;
const INPUT: u8 = 2;

/// Decodes a request whole, and sets `clock` by its sender's.
pub fn decode_request(bytes: &[u8], clock: &HLC) -> io::Result<DaemonRequest> {
    let request: Timestamped<DaemonRequest> = dora_message::decode(bytes)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{error:#}")))?;
    // A clock that runs far ahead is not followed; nodes of this machine read the same one.
    let _ = clock.update_with_timestamp(&request.timestamp);
    Ok(request.inner)
}

/// What is wrong with bytes that a peer sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// A `SendMessage` request, walked and not decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendMessage<'a> {
    pub output: &'a str,
    /// Where metadata and data lie in the request.
    pub body: Range<usize>,
    /// The sender's clock at send: seconds since the epoch in the upper 32 bits, fractions of a second below.
    pub sent: u64,
    /// Bytes of data.
    pub payload: usize,
}

impl<'a> SendMessage<'a> {
    /// Walks a request; `None` when it is of another kind.
    pub fn walk(request: &'a [u8]) -> Result<Option<Self>, Malformed> {
        if request.first() != Some(&SEND_MESSAGE) {
            return Ok(None);
        }
        let mut cursor = Cursor { bytes: request, at: 1 };
        let output = cursor.string()?;
        let start = cursor.at;
        cursor.varint(3, 0b11)?;
        let sent = cursor.timestamp()?;
        for _ in 0..cursor.length()? {
            cursor.string()?;
            cursor.parameter()?;
        }
        let payload = match cursor.byte()? {
            0 => 0,
            1 => {
                if cursor.byte()? != 0 {
                    return Err(Malformed("unknown kind of data"));
                }
                let length = cursor.length()?;
                cursor.skip(length)?;
                length
            }
            _ => return Err(Malformed("bad option tag")),
        };
        let body = start..cursor.at;
        cursor.timestamp()?;
        if cursor.at != request.len() {
            return Err(Malformed("trailing bytes"));
        }
        Ok(Some(SendMessage { output, body, sent, payload }))
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn byte(&mut self) -> Result<u8, Malformed> {
        let byte = *self.bytes.get(self.at).ok_or(Malformed("cut short"))?;
        self.at += 1;
        Ok(byte)
    }

    fn skip(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let skipped = rest.get(..length).ok_or(Malformed("cut short"))?;
        self.at += length;
        Ok(skipped)
    }

    /// A varint of at most `longest` bytes, the last of which holds at most `last`.
    fn varint(&mut self, longest: u32, last: u8) -> Result<u64, Malformed> {
        let mut value = 0;
        for place in 0..longest {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return if place + 1 == longest && byte > last {
                    Err(Malformed("number too large"))
                } else {
                    Ok(value)
                };
            }
        }
        Err(Malformed("number too large"))
    }

    fn u64(&mut self) -> Result<u64, Malformed> {
        self.varint(10, 1)
    }

    fn length(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.u64()?).map_err(|_| Malformed("number too large"))
    }

    fn string(&mut self) -> Result<&'a str, Malformed> {
        let length = self.length()?;
        std::str::from_utf8(self.skip(length)?).map_err(|_| Malformed("text that is not UTF-8"))
    }

    fn timestamp(&mut self) -> Result<u64, Malformed> {
        let time = self.u64()?;
        self.skip(uhlc::ID::MAX_SIZE)?;
        Ok(time)
    }

    fn parameter(&mut self) -> Result<(), Malformed> {
        match self.varint(5, 0b1111)? {
            0 => match self.byte()? {
                0 | 1 => {}
                _ => return Err(Malformed("bad boolean")),
            },
            1 => drop(self.u64()?),
            2 => drop(self.string()?),
            3 => {
                for _ in 0..self.length()? {
                    self.u64()?;
                }
            }
            4 => drop(self.skip(8)?),
            5 => {
                let length = self.length()?.checked_mul(8).ok_or(Malformed("number too large"))?;
                self.skip(length)?;
            }
            6 => {
                for _ in 0..self.length()? {
                    self.string()?;
                }
            }
            7 => {
                let text = self.string()?;
                text.parse::<chrono::DateTime<chrono::Utc>>().map_err(|_| Malformed("bad time"))?;
            }
            _ => return Err(Malformed("unknown kind of parameter")),
        }
        Ok(())
    }
}

/// Writes a number as postcard does.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Writes the beginning of a frame that answers `NextEvent` with `count` events; [`finish_frame`] ends it.
pub fn begin_next_events(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&[0; 8]);
    out.push(NEXT_EVENTS);
    put_varint(out, count as u64);
}

/// Writes an input event up to where the message's own bytes follow.
pub fn begin_input(out: &mut Vec<u8>, input: &str) {
    out.push(INPUT);
    put_varint(out, input.len() as u64);
    out.extend_from_slice(input.as_bytes());
}

/// Writes a clock reading, which ends every event.
pub fn put_timestamp(out: &mut Vec<u8>, timestamp: &uhlc::Timestamp) {
    put_varint(out, timestamp.get_time().as_u64());
    out.extend_from_slice(&timestamp.get_id().to_le_bytes());
}

/// Writes the length into the frame that begins `out`; `elsewhere` counts the bytes that are sent from
/// other buffers.
pub fn finish_frame(out: &mut [u8], elsewhere: usize) {
    let length = (out.len() + elsewhere).saturating_sub(8) as u64;
    if let Some(prefix) = out.first_chunk_mut::<8>() {
        *prefix = length.to_le_bytes();
    }
}

/// How many bytes one event adds to a frame beside the message's own, at most.
pub fn input_overhead(input: &str) -> usize {
    // Variant, length of the id, the id, and a timestamp.
    1 + 10 + input.len() + 10 + uhlc::ID::MAX_SIZE
}

/// How many bytes of events one frame can hold.
pub const EVENTS_BUDGET: usize = MAX_MESSAGE_BYTES - 16;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use dora_message::aligned_vec::AVec;
    use dora_message::common::{DataMessage, Timestamped};
    use dora_message::daemon_to_node::{DaemonReply, NodeEvent};
    use dora_message::metadata::{Metadata, Parameter};
    use dora_message::node_to_daemon::DaemonRequest;
    use proptest::prelude::*;

    use super::*;

    fn parameter() -> impl Strategy<Value = Parameter> {
        prop_oneof![
            any::<bool>().prop_map(Parameter::Bool),
            any::<i64>().prop_map(Parameter::Integer),
            ".{0,20}".prop_map(Parameter::String),
            prop::collection::vec(any::<i64>(), 0..5).prop_map(Parameter::ListInt),
            (-1e9..1e9f64).prop_map(Parameter::Float),
            prop::collection::vec(-1e9..1e9f64, 0..5).prop_map(Parameter::ListFloat),
            prop::collection::vec(".{0,9}", 0..5).prop_map(Parameter::ListString),
            (0..4_000_000_000i64).prop_map(|seconds| {
                Parameter::Timestamp(chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default())
            }),
        ]
    }

    fn request() -> impl Strategy<Value = (Metadata, Option<Vec<u8>>)> {
        (
            prop::collection::btree_map("[a-z_]{1,12}", parameter(), 0..6),
            prop::option::of(prop::collection::vec(any::<u8>(), 0..600)),
        )
            .prop_map(|(parameters, data): (BTreeMap<String, Parameter>, _)| {
                (Metadata::from_parameters(uhlc::HLC::default().new_timestamp(), parameters), data)
            })
    }

    fn encode(metadata: &Metadata, data: &Option<Vec<u8>>) -> Vec<u8> {
        let request = Timestamped {
            inner: DaemonRequest::SendMessage {
                output_id: "op/image".into(),
                metadata: metadata.clone(),
                data: data.as_ref().map(|data| DataMessage::Vec(AVec::from_slice(128, data))),
            },
            timestamp: uhlc::HLC::default().new_timestamp(),
        };
        dora_message::encode(&request).unwrap()
    }

    proptest! {
        #[test]
        fn a_forwarded_message_is_the_one_that_was_sent((metadata, data) in request()) {
            let bytes = encode(&metadata, &data);
            let walked = SendMessage::walk(&bytes).unwrap().unwrap();
            prop_assert_eq!(walked.output, "op/image");
            prop_assert_eq!(walked.sent, metadata.timestamp().get_time().as_u64());
            prop_assert_eq!(walked.payload, data.as_ref().map_or(0, Vec::len));

            let mut frame = Vec::new();
            begin_next_events(&mut frame, 1);
            begin_input(&mut frame, "image");
            frame.extend_from_slice(&bytes[walked.body]);
            let now = uhlc::HLC::default().new_timestamp();
            put_timestamp(&mut frame, &now);
            finish_frame(&mut frame, 0);

            prop_assert_eq!(u64::from_le_bytes(frame[..8].try_into().unwrap()), frame.len() as u64 - 8);
            let reply: DaemonReply = dora_message::decode(&frame[8..]).unwrap();
            let DaemonReply::NextEvents(mut events) = reply else { panic!("not events") };
            let event = events.pop().unwrap();
            prop_assert_eq!(event.timestamp, now);
            let NodeEvent::Input { id, metadata: got, data: payload } = event.inner else { panic!("not an input") };
            prop_assert_eq!(AsRef::<str>::as_ref(&id), "image");
            prop_assert_eq!(Arc::unwrap_or_clone(got), metadata);
            let payload = payload.map(|data| match &*data { DataMessage::Vec(bytes) => bytes.to_vec() });
            prop_assert_eq!(payload, data);
        }

        #[test]
        fn no_bytes_at_all_upset_the_decoders(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0..15_u8) {
            let requests = [bytes.clone(), [&[kind], &bytes[..]].concat()];
            for request in requests {
                let walked = SendMessage::walk(&request).map(|sent| sent.is_some());
                let decoded = dora_message::decode::<Timestamped<DaemonRequest>>(&request).is_ok();
                prop_assert!(walked != Ok(true) || decoded);
            }
        }

        #[test]
        fn what_the_walk_accepts_a_node_can_decode(
            (metadata, data) in request(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()
        ) {
            let mut bytes = encode(&metadata, &data);
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            if let Ok(Some(_)) = SendMessage::walk(&bytes) {
                let decoded = dora_message::decode::<Timestamped<DaemonRequest>>(&bytes);
                // The output's id is looked up among the declared ones, so that only its form can differ here.
                if let Err(error) = decoded {
                    prop_assert!(error.to_string().contains("Serde"), "{error:?}");
                }
            }
        }
    }

    #[test]
    fn other_requests_are_left_to_the_decoder() {
        let request = Timestamped { inner: DaemonRequest::NextEvent, timestamp: uhlc::HLC::default().new_timestamp() };
        assert_eq!(SendMessage::walk(&dora_message::encode(&request).unwrap()), Ok(None));
    }

    #[test]
    fn a_length_beyond_the_frame_is_refused() {
        assert_eq!(SendMessage::walk(&[SEND_MESSAGE, 0xff, 0xff, 0x03, b'a']), Err(Malformed("cut short")));
    }
}
