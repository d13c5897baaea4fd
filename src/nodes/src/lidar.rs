//! A rotating laser scanner in the middle of a room in which somebody walks in a circle: one turn per message.

use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Float32Array, StructArray};
use arrow_schema::{DataType, Field, Fields};
use clap::{Arg, ArgMatches, Command};
use diag::Result;
use dora_message::metadata::{MetadataParameters, Parameter};

use crate::client::Node;
use crate::imu::noise;
use crate::log::{Level, line};
use crate::pace::{Pace, args, numbered};

const DEFAULT: Duration = Duration::from_millis(100);
/// In metres: nearer or farther than this the scanner sees nothing.
const NEAREST: f64 = 0.1;
const FARTHEST: f64 = 30.0;
/// From the scanner to the walls, in metres.
const WALLS: (f64, f64) = (6.0, 4.0);
/// The walker: how wide, how far from the scanner, and how many metres a second.
const GIRTH: f64 = 0.3;
const ORBIT: f64 = 2.5;
const SPEED: f64 = 1.2;
/// How much of the light each comes back from.
const WALL_REFLECTS: f64 = 0.6;
const WALKER_REFLECTS: f64 = 0.9;
/// How far a measured distance may be off, in metres.
const ERROR: f64 = 0.01;

pub(crate) fn declare() -> Command {
    // At most 2^20 points: 8 MiB, more than any scanner has.
    Command::new("lidar")
        .about("Sends what a rotating laser scanner would: range in metres and intensity of each point of a turn")
        .args(args("10"))
        .arg(
            Arg::new("points")
                .long("points")
                .value_name("N")
                .value_parser(clap::value_parser!(u32).range(1..=1 << 20))
                .default_value("360")
                .help("Points of a turn"),
        )
}

pub(crate) fn run(matches: &ArgMatches, mut node: Node) -> Result<()> {
    let output = node.choose_output(matches.get_one("output"))?;
    let points = matches.get_one::<u32>("points").copied().unwrap_or(1);
    let period = matches.get_one::<Duration>("rate").copied().unwrap_or(DEFAULT).as_secs_f64();
    line(Level::Info, "lidar", "scanning", &[("points", points.to_string()), ("output", output.to_string())]);
    let mut scans = 0;
    Pace::of(matches, &node, DEFAULT).drive(&mut node, |node, sent| {
        scans = sent + 1;
        let turn = scan(sent, points, period);
        node.send(&output, parameters(sent, points, period), turn)
    })?;
    line(Level::Info, "lidar", "done", &[("scans", scans.to_string())]);
    node.close()
}

/// Where the points of a turn are: the first straight ahead, the others against the clock, in radians.
fn parameters(sent: u64, points: u32, period: f64) -> MetadataParameters {
    let mut parameters = numbered(sent);
    let step = TAU / f64::from(points);
    parameters.insert("frame_id".to_string(), Parameter::String("lidar".to_string()));
    parameters.extend(
        [
            ("angle_min", 0.0),
            ("angle_max", TAU - step),
            ("angle_increment", step),
            ("time_increment", period / f64::from(points)),
            ("scan_time", period),
            ("range_min", NEAREST),
            ("range_max", FARTHEST),
        ]
        .map(|(name, value)| (name.to_string(), Parameter::Float(value))),
    );
    parameters
}

/// Measures one turn: a row of range and intensity for each point.
fn scan(sent: u64, points: u32, period: f64) -> ArrayRef {
    let (mut ranges, mut intensities) = (Vec::new(), Vec::new());
    for point in 0..points {
        let along = f64::from(point) / f64::from(points);
        // Precise for 2^53 turns. The head turns while the walker walks, as in a real scanner.
        let seconds = (sent as f64 + along) * period;
        let (distance, reflects) = look(TAU * along, seconds);
        let number = sent.wrapping_mul(u64::from(points)).wrapping_add(u64::from(point));
        ranges.push((distance + ERROR * noise(number)) as f32);
        // The light that comes back falls with the distance; a metre away all of it does.
        intensities.push((reflects / distance.max(1.0)) as f32);
    }
    let fields: Fields =
        ["range", "intensity"].iter().map(|name| Field::new(*name, DataType::Float32, false)).collect();
    let columns: Vec<ArrayRef> = vec![Arc::new(Float32Array::from(ranges)), Arc::new(Float32Array::from(intensities))];
    Arc::new(StructArray::new(fields, columns, None))
}

/// The distance to what is first met in a direction, and how much light it sends back.
fn look(angle: f64, seconds: f64) -> (f64, f64) {
    let (y, x) = angle.sin_cos();
    // A wall that the ray runs along is infinitely far, and the other pair of walls is met.
    let wall = (WALLS.0 / x.abs()).min(WALLS.1 / y.abs());
    let (walker_y, walker_x) = (SPEED / ORBIT * seconds).sin_cos();
    let (walker_x, walker_y) = (ORBIT * walker_x, ORBIT * walker_y);
    let ahead = walker_x * x + walker_y * y;
    let beside = walker_y * x - walker_x * y;
    let depth = GIRTH * GIRTH - beside * beside;
    if ahead > 0.0 && depth > 0.0 { (ahead - depth.sqrt(), WALKER_REFLECTS) } else { (wall, WALL_REFLECTS) }
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::types::Float32Type;

    use super::*;

    fn ranges(sent: u64, points: u32) -> Vec<f32> {
        let turn = scan(sent, points, 0.1);
        let rows = turn.as_struct();
        rows.column_by_name("range").unwrap().as_primitive::<Float32Type>().values().to_vec()
    }

    #[test]
    fn every_point_of_every_turn_is_within_the_room() {
        let farthest = (WALLS.0 * WALLS.0 + WALLS.1 * WALLS.1).sqrt() + ERROR;
        for points in [1, 3, 360, 4096] {
            for sent in [0, 1, 50, u64::MAX] {
                let ranges = ranges(sent, points);
                assert_eq!(ranges.len(), points as usize);
                let fits = |range: &f32| (NEAREST..=farthest).contains(&f64::from(*range));
                assert!(ranges.iter().all(fits), "turn {sent} of {points}: {ranges:?}");
            }
        }
    }

    #[test]
    fn the_walker_is_seen_and_walks() {
        let nearest = |sent| {
            let ranges = ranges(sent, 360);
            let (at, range) = ranges.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).unwrap();
            assert!((f64::from(*range) - (ORBIT - GIRTH)).abs() < 0.05, "{range}");
            at as i64
        };
        // Five seconds are 2.4 radians of the circle, and 138 degrees.
        assert!((nearest(60) - nearest(10) - 138).rem_euclid(360) < 4 || (nearest(10) + 138 - nearest(60)) < 4);
    }

    #[test]
    fn the_parameters_tell_where_each_point_is() {
        let told = parameters(5, 720, 0.1);
        let float = |name: &str| match told.get(name) {
            Some(Parameter::Float(value)) => *value,
            other => panic!("{name}: {other:?}"),
        };
        assert!((float("angle_min") + 719.0 * float("angle_increment") - float("angle_max")).abs() < 1e-9);
        assert!((float("time_increment") * 720.0 - float("scan_time")).abs() < 1e-9);
        assert_eq!(told.get("sequence"), Some(&Parameter::Integer(5)));
    }
}
