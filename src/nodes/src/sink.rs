//! Receives, counts and measures; tells what came in, and what did not, every so often and at the end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clap::{Arg, ArgMatches, Command};
use diag::{Diagnostic, Result, codes};
use dora_message::common::DataMessage;
use dora_message::daemon_to_node::NodeEvent;
use dora_message::id::DataId;
use dora_message::metadata::{Metadata, Parameter};
use hdrhistogram::Histogram;

use crate::amount;
use crate::client::{Next, Node, age};
use crate::log::{Level, line};
use crate::pace::SEQUENCE;

/// The longest latency that is told exactly; what took longer is counted as this.
const LONGEST: Duration = Duration::from_secs(3600);

pub(crate) fn declare() -> Command {
    Command::new("sink")
        .about("Receives messages, and tells per input how many came, how many are missing, and how long they took")
        .arg(
            Arg::new("report")
                .long("report")
                .value_name("TIME")
                .value_parser(amount::duration)
                .default_value("5s")
                .help("Tell it this often; 0s tells it at the end only"),
        )
        .arg(
            Arg::new("count")
                .long("count")
                .value_name("N")
                .value_parser(clap::value_parser!(u64).range(1..))
                .help("End after N messages"),
        )
        .arg(
            Arg::new("expect")
                .long("expect")
                .value_name("N")
                .value_parser(clap::value_parser!(u64))
                .help("Fail at the end when fewer than N messages have come"),
        )
}

pub(crate) fn run(matches: &ArgMatches, mut node: Node) -> Result<()> {
    let every = matches.get_one::<Duration>("report").copied().filter(|every| !every.is_zero());
    let count = matches.get_one::<u64>("count").copied().unwrap_or(u64::MAX);
    let mut inputs: BTreeMap<DataId, Arrivals> = BTreeMap::new();
    let mut received: u64 = 0;
    let mut report = every.map(|every| (every, Instant::now() + every));
    while received < count {
        let next = match report {
            Some((_, at)) => node.next_event_before(at)?,
            None => node.next_event()?,
        };
        match next {
            Next::Ended | Next::Event(NodeEvent::Stop) => break,
            Next::Deadline => {
                tell(&inputs);
                report = every.map(|every| (every, Instant::now() + every));
            }
            Next::Event(NodeEvent::Input { id, metadata, data }) => {
                received += 1;
                if !inputs.contains_key(&id) {
                    inputs.insert(id.clone(), Arrivals::new()?);
                }
                if let Some(arrivals) = inputs.get_mut(&id) {
                    arrivals.add(data.as_deref().map_or(0, DataMessage::len), age(&metadata));
                    if let Some(number) = number(&metadata) {
                        arrivals.sequence.note(number);
                    }
                }
            }
            Next::Event(_) => {}
        }
    }
    tell(&inputs);
    line(Level::Info, "sink", "done", &[("messages", received.to_string())]);
    let name = node.id().to_string();
    node.close()?;
    match matches.get_one::<u64>("expect") {
        Some(expected) if received < *expected => Err(Diagnostic::new(
            codes::NODE_EXPECTATION,
            format!("node `{name}` received {received} messages of the {expected} it was told to expect"),
        )),
        _ => Ok(()),
    }
}

/// What came in on one input.
struct Arrivals {
    messages: u64,
    bytes: u64,
    /// In nanoseconds.
    latency: Histogram<u64>,
    sequence: Sequence,
    since: Instant,
}

/// The number a source gave a message. What numbers nothing, such as a timer, loses nothing either.
fn number(metadata: &Metadata) -> Option<u64> {
    match metadata.parameters.get(SEQUENCE) {
        Some(Parameter::Integer(number)) => u64::try_from(*number).ok(),
        _ => None,
    }
}

/// What the numbers of messages tell of those that did not come. The first one sets the beginning: what was sent
/// before a consumer was there is not missing.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sequence {
    next: Option<u64>,
    missing: u64,
    /// Messages that came after one with a higher number.
    late: u64,
}

impl Sequence {
    fn note(&mut self, number: u64) {
        let expected = self.next.unwrap_or(number);
        if number >= expected {
            self.missing = self.missing.saturating_add(number - expected);
        } else if number == 0 {
            // Its source was started again.
        } else {
            self.late += 1;
            self.missing = self.missing.saturating_sub(1);
            return;
        }
        self.next = Some(number.saturating_add(1));
    }
}

impl Arrivals {
    fn new() -> Result<Arrivals> {
        // Two digits suffice for people and keep a histogram at a few kilobytes.
        let latency = Histogram::new_with_bounds(1, LONGEST.as_nanos() as u64, 2).map_err(|error| {
            Diagnostic::new(codes::NODE_EXPECTATION, "the latencies cannot be kept").cause(error.to_string())
        })?;
        Ok(Arrivals { messages: 0, bytes: 0, latency, sequence: Sequence::default(), since: Instant::now() })
    }

    fn add(&mut self, bytes: usize, latency: Duration) {
        self.messages += 1;
        self.bytes += bytes as u64;
        self.latency.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }
}

fn tell(inputs: &BTreeMap<DataId, Arrivals>) {
    for (id, arrivals) in inputs {
        let millis = |nanos: u64| format!("{:.3}", nanos as f64 / 1e6);
        let quantile = |q| millis(arrivals.latency.value_at_quantile(q));
        let rate = arrivals.messages as f64 / arrivals.since.elapsed().as_secs_f64().max(1e-9);
        let missing = match arrivals.sequence.missing {
            0 => String::new(),
            count => format!(", {count} missing"),
        };
        line(
            Level::Info,
            "sink",
            &format!("{id}: {} messages, {:.1} per second{missing}", arrivals.messages, rate),
            &[
                ("input", id.to_string()),
                ("messages", arrivals.messages.to_string()),
                ("bytes", arrivals.bytes.to_string()),
                ("latency_p50_ms", quantile(0.5)),
                ("latency_p99_ms", quantile(0.99)),
                ("latency_max_ms", millis(arrivals.latency.max())),
                ("missing", arrivals.sequence.missing.to_string()),
                ("late", arrivals.sequence.late.to_string()),
            ],
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_beyond_all_bounds_is_counted_and_not_lost() {
        let mut arrivals = Arrivals::new().unwrap();
        arrivals.add(8, Duration::ZERO);
        arrivals.add(8, Duration::MAX);
        assert_eq!((arrivals.messages, arrivals.bytes, arrivals.latency.len()), (2, 16, 2));
        assert!(arrivals.latency.max() >= LONGEST.as_nanos() as u64);
    }

    #[test]
    fn gaps_are_missing_latecomers_fill_them_and_a_source_that_starts_again_loses_nothing() {
        let mut sequence = Sequence::default();
        let mut note = |numbers: &[u64]| {
            numbers.iter().for_each(|number| sequence.note(*number));
            (sequence.missing, sequence.late)
        };
        assert_eq!(note(&[3, 4, 5]), (0, 0), "the first sets the beginning");
        assert_eq!(note(&[9]), (3, 0));
        assert_eq!(note(&[7]), (2, 1));
        assert_eq!(note(&[10, 0, 1]), (2, 1), "it was started again");
        assert_eq!(note(&[u64::MAX, u64::MAX]), (u64::MAX, 1));
    }
}
