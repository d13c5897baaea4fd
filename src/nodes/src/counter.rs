//! Counts: one 64-bit integer per message.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::Int64Array;
use clap::{Arg, ArgMatches, Command};
use diag::Result;

use crate::client::Node;
use crate::log::{Level, line};
use crate::pace::{Pace, args, numbered};

const DEFAULT: Duration = Duration::from_millis(100);

pub(crate) fn declare() -> Command {
    Command::new("counter").about("Sends 0, 1, 2, …, one number per message").args(args("10")).arg(
        Arg::new("from")
            .long("from")
            .value_name("N")
            .value_parser(clap::value_parser!(i64))
            .allow_negative_numbers(true)
            .default_value("0")
            .help("The first number"),
    )
}

pub(crate) fn run(matches: &ArgMatches, mut node: Node) -> Result<()> {
    let output = node.choose_output(matches.get_one("output"))?;
    let from = matches.get_one::<i64>("from").copied().unwrap_or(0);
    line(Level::Info, "counter", "counting", &[("from", from.to_string()), ("output", output.to_string())]);
    let mut last = None;
    Pace::of(matches, &node, DEFAULT).drive(&mut node, |node, sent| {
        let number = from.wrapping_add_unsigned(sent);
        last = Some(number);
        node.send(&output, numbered(sent), Arc::new(Int64Array::from(vec![number])))
    })?;
    let told = last.map_or_else(|| "nothing".to_string(), |number: i64| number.to_string());
    line(Level::Info, "counter", "counted", &[("last", told)]);
    node.close()
}
