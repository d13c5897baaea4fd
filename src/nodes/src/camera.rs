//! A camera that looks at a test pattern: colour bars, and a white square that bounces off the edges.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::UInt8Array;
use clap::{Arg, ArgMatches, Command};
use diag::Result;
use dora_message::metadata::{MetadataParameters, Parameter};

use crate::client::Node;
use crate::log::{Level, line};
use crate::pace::{Pace, args};

const DEFAULT: Duration = Duration::from_nanos(33_333_333);
/// The classic bars, left to right.
const BARS: [[u8; 3]; 8] =
    [[191, 191, 191], [191, 191, 0], [0, 191, 191], [0, 191, 0], [191, 0, 191], [191, 0, 0], [0, 0, 191], [16, 16, 16]];

pub(crate) fn declare() -> Command {
    // At most 4096 each way: 48 MiB, under the 64 MiB a message may have.
    let pixels = |name: &'static str, default: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("PIXELS")
            .value_parser(clap::value_parser!(u32).range(1..=4096))
            .default_value(default)
    };
    Command::new("camera")
        .about("Sends pictures of a moving test pattern: bytes of rgb8, with width, height and encoding beside them")
        .args(args("30"))
        .arg(pixels("width", "160").help("Pixels of a row"))
        .arg(pixels("height", "120").help("Rows of a picture"))
}

pub(crate) fn run(matches: &ArgMatches, mut node: Node) -> Result<()> {
    let output = node.choose_output(matches.get_one("output"))?;
    let size = |name| matches.get_one::<u32>(name).copied().unwrap_or(1);
    let (width, height) = (size("width"), size("height"));
    line(
        Level::Info,
        "camera",
        "recording",
        &[("width", width.to_string()), ("height", height.to_string()), ("output", output.to_string())],
    );
    let mut frames = 0;
    Pace::of(matches, &node, DEFAULT).drive(&mut node, |node, sent| {
        frames = sent + 1;
        let parameters = MetadataParameters::from([
            ("encoding".to_string(), Parameter::String("rgb8".to_string())),
            ("width".to_string(), Parameter::Integer(width.into())),
            ("height".to_string(), Parameter::Integer(height.into())),
            ("frame".to_string(), Parameter::Integer(i64::try_from(sent).unwrap_or(i64::MAX))),
        ]);
        node.send(&output, parameters, Arc::new(UInt8Array::from(picture(sent, width, height))))
    })?;
    line(Level::Info, "camera", "done", &[("frames", frames.to_string())]);
    node.close()
}

/// Draws frame `n`: bars that crawl to the left, and the square on its way.
fn picture(n: u64, width: u32, height: u32) -> Vec<u8> {
    let side = (width.min(height) / 5).max(1);
    let left = bounce(n * 2, width - side);
    let top = bounce(n, height - side);
    let crawl = (n % u64::from(width)) as u32;
    let mut bytes = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height {
        let in_rows = (top..top + side).contains(&y);
        for x in 0..width {
            if in_rows && (left..left + side).contains(&x) {
                bytes.extend([255; 3]);
            } else {
                let bar = ((x + crawl) % width) * 8 / width;
                bytes.extend(BARS[bar as usize % BARS.len()]);
            }
        }
    }
    bytes
}

/// A place between 0 and `room` that goes there and back, one step at a time.
fn bounce(step: u64, room: u32) -> u32 {
    let room = u64::from(room).max(1);
    let along = step % (2 * room);
    along.min(2 * room - along) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_gives_a_whole_picture_for_every_frame() {
        for (width, height) in [(1, 1), (1, 7), (160, 120), (3, 200)] {
            for n in [0, 1, 59, 1000, u64::from(u32::MAX)] {
                let picture = picture(n, width, height);
                assert_eq!(picture.len(), (width * height * 3) as usize, "{width}x{height} frame {n}");
            }
        }
    }

    #[test]
    fn the_square_is_in_the_picture_and_moves() {
        let white = |n| picture(n, 160, 120).chunks(3).filter(|pixel| *pixel == [255; 3]).count();
        assert_eq!(white(0), 24 * 24);
        assert_eq!(white(77), 24 * 24);
        assert_ne!(picture(0, 160, 120), picture(1, 160, 120));
    }
}
