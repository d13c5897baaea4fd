//! An inertial measurement unit on a slowly swaying vehicle: one record of acceleration and rotation per message.

use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Float64Array, StructArray};
use arrow_schema::{DataType, Field, Fields};
use clap::{ArgMatches, Command};
use diag::Result;
use dora_message::metadata::Parameter;

use crate::client::Node;
use crate::log::{Level, line};
use crate::pace::{Pace, args, numbered};

const DEFAULT: Duration = Duration::from_millis(10);
const GRAVITY: f64 = 9.80665;

pub(crate) fn declare() -> Command {
    Command::new("imu")
        .about("Sends what an inertial sensor would: acceleration in m/s² (ax ay az), rotation in rad/s (gx gy gz)")
        .args(args("100"))
}

pub(crate) fn run(matches: &ArgMatches, mut node: Node) -> Result<()> {
    let output = node.choose_output(matches.get_one("output"))?;
    line(Level::Info, "imu", "measuring", &[("output", output.to_string())]);
    let mut measured = 0;
    let period = matches.get_one::<Duration>("rate").copied().unwrap_or(DEFAULT).as_secs_f64();
    Pace::of(matches, &node, DEFAULT).drive(&mut node, |node, sent| {
        measured = sent + 1;
        // Precise for 2^53 messages, which at the highest rate is three thousand years.
        let seconds = sent as f64 * period;
        let mut parameters = numbered(sent);
        parameters.insert("frame_id".to_string(), Parameter::String("imu".to_string()));
        node.send(&output, parameters, record(&sample(seconds, sent)))
    })?;
    line(Level::Info, "imu", "done", &[("messages", measured.to_string())]);
    node.close()
}

/// Roll swings with a period of 4 s, pitch of 7 s; gravity follows them, and a small noise lies on all axes.
fn sample(seconds: f64, n: u64) -> [f64; 6] {
    let (roll_speed, pitch_speed) = (TAU / 4.0, TAU / 7.0);
    let roll = 0.10 * (roll_speed * seconds).sin();
    let pitch = 0.06 * (pitch_speed * seconds).sin();
    let noise = |axis: u64| noise(n.wrapping_mul(6).wrapping_add(axis));
    [
        -GRAVITY * pitch.sin() + 0.02 * noise(0),
        GRAVITY * roll.sin() * pitch.cos() + 0.02 * noise(1),
        GRAVITY * roll.cos() * pitch.cos() + 0.02 * noise(2),
        0.10 * roll_speed * (roll_speed * seconds).cos() + 0.002 * noise(3),
        0.06 * pitch_speed * (pitch_speed * seconds).cos() + 0.002 * noise(4),
        0.002 * noise(5),
    ]
}

/// A number in [-1, 1) that looks random and is the same in every run (SplitMix64's mixer).
pub(crate) fn noise(n: u64) -> f64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

fn record(values: &[f64; 6]) -> ArrayRef {
    let names = ["ax", "ay", "az", "gx", "gy", "gz"];
    let fields: Fields = names.iter().map(|name| Field::new(*name, DataType::Float64, false)).collect();
    let columns: Vec<ArrayRef> =
        values.iter().map(|value| Arc::new(Float64Array::from(vec![*value])) as ArrayRef).collect();
    Arc::new(StructArray::new(fields, columns, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_acceleration_is_that_of_gravity_all_the_time() {
        for n in 0..1000_u32 {
            let [ax, ay, az, ..] = sample(f64::from(n) * 0.01, u64::from(n));
            let norm = (ax * ax + ay * ay + az * az).sqrt();
            assert!((norm - GRAVITY).abs() < 0.05, "{norm} at message {n}");
        }
    }

    #[test]
    fn noise_stays_in_its_bounds_and_has_no_drift() {
        let values: Vec<f64> = (0..10_000).map(noise).collect();
        assert!(values.iter().all(|value| (-1.0..1.0).contains(value)));
        assert!(values.iter().sum::<f64>().abs() / 10_000.0 < 0.02);
    }
}
