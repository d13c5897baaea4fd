//! A camera that looks at a test pattern: colour bars, and a white square that bounces off the edges.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::UInt8Array;
use clap::{Arg, ArgMatches, Command};
use diag::Result;
use dora_message::metadata::Parameter;

use crate::client::Node;
use crate::log::{Level, line};
use crate::pace::{Pace, args, numbered};

const DEFAULT: Duration = Duration::from_nanos(33_333_333);
/// The classic bars, left to right.
const BARS: [[u8; 3]; 8] =
    [[191, 191, 191], [191, 191, 0], [0, 191, 191], [0, 191, 0], [191, 0, 191], [191, 0, 0], [0, 0, 191], [16, 16, 16]];

/// How the bytes of a picture are to be read, by the words that dora-rs's image nodes use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Rgb8,
    Bgr8,
    Mono8,
}

impl Encoding {
    const ALL: [Encoding; 3] = [Encoding::Rgb8, Encoding::Bgr8, Encoding::Mono8];

    fn name(self) -> &'static str {
        match self {
            Encoding::Rgb8 => "rgb8",
            Encoding::Bgr8 => "bgr8",
            Encoding::Mono8 => "mono8",
        }
    }

    /// Bytes of a pixel.
    fn depth(self) -> usize {
        if self == Encoding::Mono8 { 1 } else { 3 }
    }

    fn push(self, bytes: &mut Vec<u8>, [red, green, blue]: [u8; 3]) {
        match self {
            Encoding::Rgb8 => bytes.extend([red, green, blue]),
            Encoding::Bgr8 => bytes.extend([blue, green, red]),
            Encoding::Mono8 => {
                // Brightness as television weighs it (BT.601), in thousandths.
                let weighed = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
                bytes.push((weighed / 1000) as u8);
            }
        }
    }
}

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
        .about("Sends pictures of a moving test pattern: bytes, with width, height and encoding beside them")
        .args(args("30"))
        .arg(pixels("width", "160").help("Pixels of a row"))
        .arg(pixels("height", "120").help("Rows of a picture"))
        .arg(
            Arg::new("encoding")
                .long("encoding")
                .value_name("NAME")
                .value_parser(Encoding::ALL.map(Encoding::name))
                .default_value("rgb8")
                .help("Three bytes a pixel in one order or the other, or one of brightness"),
        )
}

pub(crate) fn run(matches: &ArgMatches, mut node: Node) -> Result<()> {
    let output = node.choose_output(matches.get_one("output"))?;
    let size = |name| matches.get_one::<u32>(name).copied().unwrap_or(1);
    let (width, height) = (size("width"), size("height"));
    let named = matches.get_one::<String>("encoding").map(String::as_str);
    let encoding = Encoding::ALL.into_iter().find(|one| Some(one.name()) == named).unwrap_or(Encoding::Rgb8);
    line(
        Level::Info,
        "camera",
        "recording",
        &[
            ("width", width.to_string()),
            ("height", height.to_string()),
            ("encoding", encoding.name().to_string()),
            ("output", output.to_string()),
        ],
    );
    let mut frames = 0;
    Pace::of(matches, &node, DEFAULT).drive(&mut node, |node, sent| {
        frames = sent + 1;
        let mut parameters = numbered(sent);
        parameters.extend([
            // What dora-rs's viewers choose their way to show it by.
            ("primitive".to_string(), Parameter::String("image".to_string())),
            ("encoding".to_string(), Parameter::String(encoding.name().to_string())),
            ("width".to_string(), Parameter::Integer(width.into())),
            ("height".to_string(), Parameter::Integer(height.into())),
        ]);
        node.send(&output, parameters, Arc::new(UInt8Array::from(picture(sent, width, height, encoding))))
    })?;
    line(Level::Info, "camera", "done", &[("frames", frames.to_string())]);
    node.close()
}

/// Draws frame `n`: bars that crawl to the left, and the square on its way.
fn picture(n: u64, width: u32, height: u32, encoding: Encoding) -> Vec<u8> {
    let side = (width.min(height) / 5).max(1);
    let left = bounce(n * 2, width - side);
    let top = bounce(n, height - side);
    let crawl = (n % u64::from(width)) as u32;
    let mut bytes = Vec::with_capacity(width as usize * height as usize * encoding.depth());
    for y in 0..height {
        let in_rows = (top..top + side).contains(&y);
        for x in 0..width {
            if in_rows && (left..left + side).contains(&x) {
                encoding.push(&mut bytes, [255; 3]);
            } else {
                let bar = ((x + crawl) % width) * 8 / width;
                encoding.push(&mut bytes, BARS[bar as usize % BARS.len()]);
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
                for encoding in Encoding::ALL {
                    let picture = picture(n, width, height, encoding);
                    let bytes = (width * height) as usize * encoding.depth();
                    assert_eq!(picture.len(), bytes, "{width}x{height} {encoding:?} frame {n}");
                }
            }
        }
    }

    #[test]
    fn the_square_is_in_the_picture_and_moves() {
        let white = |n| picture(n, 160, 120, Encoding::Rgb8).chunks(3).filter(|pixel| *pixel == [255; 3]).count();
        assert_eq!(white(0), 24 * 24);
        assert_eq!(white(77), 24 * 24);
        assert_ne!(picture(0, 160, 120, Encoding::Rgb8), picture(1, 160, 120, Encoding::Rgb8));
    }

    #[test]
    fn an_encoding_orders_the_bytes_of_a_pixel_and_changes_nothing_else() {
        let [rgb, bgr, mono] = Encoding::ALL.map(|encoding| picture(7, 16, 10, encoding));
        let swapped: Vec<u8> = bgr.chunks(3).flat_map(|pixel| pixel.iter().rev().copied()).collect();
        assert_eq!(rgb, swapped);
        assert_eq!(mono.iter().filter(|&&brightness| brightness == 255).count(), 4, "the square is white");
    }
}
