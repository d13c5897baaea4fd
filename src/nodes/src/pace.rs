//! When a source sends: on each message of its inputs if it has any, else by its own clock.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use clap::{Arg, ArgMatches};
use diag::Result;
use dora_message::daemon_to_node::NodeEvent;
use dora_message::metadata::{MetadataParameters, Parameter};

use crate::amount;
use crate::client::{Next, Node};

/// The arguments every source has.
pub fn args(rate: &'static str) -> [Arg; 3] {
    [
        Arg::new("rate")
            .long("rate")
            .value_name("HZ")
            .value_parser(amount::rate)
            .help(format!("Messages per second [default: {rate}; one per input message when it has inputs]")),
        Arg::new("count")
            .long("count")
            .value_name("N")
            .value_parser(clap::value_parser!(u64))
            .help("End after N messages"),
        Arg::new("output")
            .long("output")
            .value_name("NAME")
            .help("The output to send on [default: the only one the dataflow gives it]"),
    ]
}

/// The parameter in which a source numbers its messages from 0, so that a consumer can tell what it missed.
pub const SEQUENCE: &str = "sequence";

/// The parameters of a source's message: its number.
pub fn numbered(sent: u64) -> MetadataParameters {
    let number = Parameter::Integer(i64::try_from(sent).unwrap_or(i64::MAX));
    MetadataParameters::from([(SEQUENCE.to_string(), number)])
}

/// How a source is paced.
pub struct Pace {
    /// Between two messages; `None` follows the inputs.
    every: Option<Duration>,
    count: u64,
}

impl Pace {
    /// Reads the arguments; `default` is the time between two messages of a source without inputs.
    pub fn of(matches: &ArgMatches, node: &Node, default: Duration) -> Pace {
        let asked = matches.get_one::<Duration>("rate").copied();
        let follows = asked.is_none() && node.inputs().next().is_some();
        Pace {
            every: if follows { None } else { Some(asked.unwrap_or(default)) },
            count: matches.get_one("count").copied().unwrap_or(u64::MAX),
        }
    }

    /// Calls `send` with 0, 1, 2, … at this pace until the count is reached or the dataflow ends it.
    pub fn drive(&self, node: &mut Node, mut send: impl FnMut(&mut Node, u64) -> Result<()>) -> Result<()> {
        let mut ticks = self.every.map(|every| Ticks { every, next: Instant::now() });
        let mut sent = 0;
        while sent < self.count {
            let next = match &ticks {
                Some(ticks) => node.next_event_before(ticks.next)?,
                None => node.next_event()?,
            };
            let due = match next {
                Next::Ended | Next::Event(NodeEvent::Stop) => return Ok(()),
                Next::Deadline => {
                    if let Some(ticks) = &mut ticks {
                        ticks.advance(Instant::now());
                    }
                    true
                }
                Next::Event(NodeEvent::Input { .. }) => ticks.is_none(),
                Next::Event(_) => false,
            };
            if due {
                send(node, sent)?;
                sent += 1;
            }
        }
        Ok(())
    }
}

/// Deadlines at a fixed distance; those that were missed are skipped, and the rest keep their places.
struct Ticks {
    every: Duration,
    next: Instant,
}

impl Ticks {
    fn advance(&mut self, now: Instant) {
        self.next += self.every;
        if self.next <= now {
            let behind = now.duration_since(self.next).as_nanos() / self.every.as_nanos().max(1);
            let skipped = u32::try_from(behind + 1).unwrap_or(u32::MAX);
            self.next += self.every.saturating_mul(skipped);
        }
    }
}

/// Reads events until one of them, or the end of the stream, ends the node; `each` is given the others.
pub fn consume(node: &mut Node, mut each: impl FnMut(&mut Node, NodeEvent) -> Result<ControlFlow<()>>) -> Result<()> {
    loop {
        match node.next_event()? {
            Next::Ended | Next::Event(NodeEvent::Stop) => return Ok(()),
            Next::Deadline => {}
            Next::Event(event) => {
                if each(node, event)?.is_break() {
                    return Ok(());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missed_ticks_are_skipped_and_the_others_keep_their_places() {
        let start = Instant::now();
        let every = Duration::from_millis(10);
        let mut ticks = Ticks { every, next: start };
        ticks.advance(start + Duration::from_millis(1));
        assert_eq!(ticks.next, start + every);
        ticks.advance(start + Duration::from_millis(47));
        assert_eq!(ticks.next, start + Duration::from_millis(50));
    }
}
