//! Each built-in node in a process of its own, against a daemon that says what the test wants.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fake_daemon;

use std::process::{Child, Output};
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt8Type};
use dora_message::daemon_to_node::NodeEvent;
use dora_message::metadata::Parameter;
use fake_daemon::{Daemon, Said};

/// What a child does: it is the node. Among the tests of the parent it does nothing.
#[test]
fn one_node() {
    let Some(args) = std::env::var_os("NODES_TEST_ARGS") else { return };
    let args = args.to_str().unwrap().split(' ').map(Into::into).collect();
    std::process::exit(nodes::main(args, None));
}

fn end(child: Child) -> Output {
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn counter_counts_by_its_own_clock_until_it_is_stopped() {
    let daemon = Daemon::new(&[], &["number"]);
    let child = daemon.start(&["counter", "--rate", "200", "--from", "-1"]);
    for expected in -1..4 {
        let (output, metadata, data) = daemon.message();
        assert_eq!(output.as_str(), "number");
        assert_eq!(metadata.parameters.get("_framing"), Some(&Parameter::String("arrow-ipc".into())));
        let array = nodes::payload::decode(&data).unwrap();
        assert_eq!(array.as_primitive::<Int64Type>().values(), &[expected]);
    }
    daemon.give(vec![NodeEvent::Stop]);
    assert_eq!(daemon.hear_goodbye().len(), 1);
    let output = end(child);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).contains(r#""message":"counted""#), "{output:?}");
}

#[test]
fn a_source_with_inputs_sends_once_for_each_message_and_ends_with_them() {
    let mut daemon = Daemon::new(&["tick"], &["image"]);
    let child = daemon.start(&["camera", "--width", "8", "--height", "4"]);
    daemon.give(vec![daemon.input("tick", 0), daemon.input("tick", 1)]);
    for frame in 0..2 {
        let (_, metadata, data) = daemon.message();
        assert_eq!(metadata.parameters.get("encoding"), Some(&Parameter::String("rgb8".into())));
        assert_eq!(metadata.parameters.get("width"), Some(&Parameter::Integer(8)));
        assert_eq!(metadata.parameters.get("sequence"), Some(&Parameter::Integer(frame)));
        assert_eq!(nodes::payload::decode(&data).unwrap().as_primitive::<UInt8Type>().len(), 8 * 4 * 3);
    }
    daemon.give(vec![NodeEvent::InputClosed { id: "tick".parse().unwrap() }, NodeEvent::AllInputsClosed]);
    daemon.events = None;
    daemon.hear_goodbye();
    assert_eq!(end(child).status.code(), Some(0));
}

#[test]
fn a_counted_source_ends_by_itself() {
    let daemon = Daemon::new(&[], &["imu"]);
    let child = daemon.start(&["imu", "--count", "3", "--rate", "1000"]);
    let names: Vec<String> = {
        let array = nodes::payload::decode(&daemon.message().2).unwrap();
        array.as_struct().column_names().into_iter().map(str::to_string).collect()
    };
    assert_eq!(names, ["ax", "ay", "az", "gx", "gy", "gz"]);
    daemon.message();
    daemon.message();
    daemon.hear_goodbye();
    assert_eq!(end(child).status.code(), Some(0));
}

#[test]
fn lidar_sends_a_turn_of_points_and_says_where_they_are() {
    let daemon = Daemon::new(&[], &["scan"]);
    let child = daemon.start(&["lidar", "--points", "90", "--count", "1"]);
    let (_, metadata, data) = daemon.message();
    let array = nodes::payload::decode(&data).unwrap();
    assert_eq!(array.as_struct().column_names(), ["range", "intensity"]);
    assert_eq!(arrow_array::Array::len(&array), 90);
    let Some(Parameter::Float(step)) = metadata.parameters.get("angle_increment") else { panic!("{metadata:?}") };
    assert!((step.to_degrees() - 4.0).abs() < 1e-9, "{step}");
    daemon.hear_goodbye();
    assert_eq!(end(child).status.code(), Some(0));
}

#[test]
fn echo_sends_on_what_it_gets_bit_for_bit() {
    let mut daemon = Daemon::new(&["a", "b"], &["b", "rest"]);
    let child = daemon.start(&["echo", "--output", "rest"]);
    let input = daemon.input("a", 42);
    let NodeEvent::Input { data: Some(given), metadata: sent, .. } = &input else { panic!() };
    let (given, sent) = (given.clone(), sent.clone());
    daemon.give(vec![input]);
    let (output, metadata, data) = daemon.message();
    assert_eq!(output.as_str(), "rest");
    assert_eq!(metadata.parameters, sent.parameters);
    let (dora_message::common::DataMessage::Vec(data), dora_message::common::DataMessage::Vec(given)) = (data, &*given);
    assert_eq!(&data[..], &given[..]);
    assert!(metadata.timestamp() > sent.timestamp(), "an echo is sent after what it echoes");
    daemon.events = None;
    daemon.hear_goodbye();
    assert_eq!(end(child).status.code(), Some(0));
}

#[test]
fn echo_finds_the_output_of_the_inputs_name() {
    let daemon = Daemon::new(&["a", "b"], &["a", "b"]);
    let child = daemon.start(&["echo"]);
    daemon.give(vec![daemon.input("b", 1), daemon.input("a", 2)]);
    assert_eq!(daemon.message().0.as_str(), "b");
    assert_eq!(daemon.message().0.as_str(), "a");
    daemon.give(vec![NodeEvent::Stop]);
    assert_eq!(end(child).status.code(), Some(0));
}

#[test]
fn sink_tells_what_came_and_ends_at_its_count() {
    let daemon = Daemon::new(&["a", "b"], &[]);
    let child = daemon.start(&["sink", "--count", "3", "--report", "0s"]);
    daemon.give(vec![daemon.input("a", 1), daemon.input("b", 2), daemon.input("a", 3)]);
    daemon.hear_goodbye();
    let output = end(child);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("a: 2 messages"), "{output:?}");
    assert!(stdout(&output).contains("latency_p99_ms"), "{output:?}");
}

#[test]
fn sink_tells_what_is_missing_by_the_numbers_of_the_source() {
    let daemon = Daemon::new(&["a"], &[]);
    let child = daemon.start(&["sink", "--count", "3", "--report", "0s"]);
    let numbered = |number| {
        let mut event = daemon.input("a", number);
        if let NodeEvent::Input { metadata, .. } = &mut event {
            let parameters = &mut std::sync::Arc::get_mut(metadata).unwrap().parameters;
            parameters.insert("sequence".into(), Parameter::Integer(number));
        }
        event
    };
    daemon.give(vec![numbered(0), numbered(1), numbered(5)]);
    daemon.hear_goodbye();
    let output = end(child);
    assert!(stdout(&output).contains("3 messages") && stdout(&output).contains(", 3 missing"), "{output:?}");
    assert!(stdout(&output).contains(r#""missing":"3""#), "{output:?}");
}

#[test]
fn sink_fails_when_less_came_than_it_was_told_to_expect() {
    let mut daemon = Daemon::new(&["a"], &[]);
    let child = daemon.start(&["sink", "--expect", "3"]);
    daemon.give(vec![daemon.input("a", 1)]);
    daemon.events = None;
    daemon.hear_goodbye();
    let output = end(child);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("DORA_E042: node `it` received 1 messages of the 3"),
        "{output:?}"
    );
}

#[test]
fn fault_crashes_after_so_many_messages_with_last_words_and_no_goodbye() {
    let daemon = Daemon::new(&["a"], &[]);
    let child = daemon.start(&["fault", "--crash-after", "2", "--exit-code", "7"]);
    daemon.give(vec![daemon.input("a", 1), daemon.input("a", 2), daemon.input("a", 3)]);
    let output = end(child);
    assert_eq!(output.status.code(), Some(7));
    assert!(String::from_utf8_lossy(&output.stderr).contains("crashing on purpose after 2 messages"), "{output:?}");
}

#[test]
fn fault_can_die_before_it_connects() {
    let daemon = Daemon::new(&[], &[]);
    let output = end(daemon.start(&["fault", "--crash-at-start"]));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn fault_hangs_through_a_stop() {
    let daemon = Daemon::new(&[], &[]);
    let mut child = daemon.start(&["fault", "--hang-after", "0"]);
    while !matches!(daemon.hear(), Said::Subscribed) {}
    daemon.give(vec![NodeEvent::Stop]);
    // Its thread for events takes the stop; the node itself must still be there well after that.
    let until = Instant::now() + Duration::from_millis(300);
    while Instant::now() < until {
        assert_eq!(child.try_wait().unwrap(), None, "a hanging node ended");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_node_refused_at_the_barrier_says_why() {
    let daemon = Daemon::with_barrier(&[], &["n"], Err("node `camera` exited with code 3".to_string()));
    let output = end(daemon.start(&["counter"]));
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("DORA_E041") && told.contains("node `camera` exited with code 3"), "{told}");
}

#[test]
fn a_source_without_an_output_says_what_to_write() {
    let daemon = Daemon::new(&[], &[]);
    let output = end(daemon.start(&["camera"]));
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("outputs:"), "{output:?}");
}

#[test]
fn a_node_started_by_hand_says_how_to_start_it() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "one_node", "--nocapture"])
        .env("NODES_TEST_ARGS", "counter")
        .env_remove("DORA_NODE_CONFIG")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("DORA_E040") && told.contains("path: dora-builtin"), "{told}");
}
