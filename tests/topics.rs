//! Topics of running dataflows, watched, measured and sent through by the real binary.

use crate::world::{World, eventually, root};

const SENDER: &str = r#"
import numpy as np
import pyarrow as pa
from dora import Node

node = Node()
for event in node:
    if event["type"] == "INPUT":
        node.send_output("point", pa.array([{"x": 1.5, "tags": ["a", "b"]}, {"x": -1.0, "tags": None}]), {"frame": 7})
        node.send_output("word", pa.array(["hello"]))
        node.send_output("image", pa.array(np.zeros(1_000_000, dtype=np.uint8)), {"width": 1000, "height": 1000})
    elif event["type"] == "STOP":
        break
"#;

const LISTENER: &str = r#"
from dora import Node

node = Node()
for event in node:
    if event["type"] == "INPUT":
        print("heard", event["value"].type, event["value"].to_pylist(), event["metadata"].get("width"), flush=True)
    elif event["type"] == "STOP":
        break
"#;

const FLOW: &str = "
nodes:
  - {id: sender, path: sender.py, inputs: {tick: dora/timer/millis/33}, outputs: [point, word, image, silent]}
  - {id: listener, path: listener.py, inputs: {it: sender/silent}}
";

/// A world with stock nodes in the daemon.
fn stock() -> World {
    let world = World::new();
    world.write("sender.py", SENDER);
    world.write("listener.py", LISTENER);
    world.write("stock.yml", FLOW);
    let started = world.dora(&["dataflow", "start", "stock.yml", "--detach"]);
    assert_eq!(started.code, 0, "{}", started.err);
    world
}

fn stop(world: &World) {
    let stopped = world.dora(&["dataflow", "stop", "stock"]);
    assert_eq!(stopped.code, 0, "{}", stopped.err);
}

#[test]
fn messages_of_stock_nodes_are_typed_rows() {
    let world = stock();
    let seen = world.eval("topic echo sender/point | first 3 | where ($it.value | any {|p| $p.x > 1}) | length");
    assert_eq!(seen, "3");
    let row =
        world.eval("topic echo sender/point --count 1 | first | select topic value metadata type missed | to nuon");
    assert_eq!(
        row,
        "{topic: sender/point, value: [[x, tags]; [1.5, [a, b]], [-1.0, null]], metadata: {frame: 7}, \
         type: \"Struct<x: Float64, tags: List<Utf8>>\", missed: 0}"
    );
    assert_eq!(world.eval("topic echo stock/sender/word | first | get value"), "hello");
    assert_eq!(world.eval("topic echo sender/image | first | get value | length"), "1000000");
    // Thirty pictures of a megabyte each second are no burden.
    let missed = world.eval("topic echo sender/image --count 30 | get missed | math sum");
    assert_eq!(missed, "0");
    let moment = world.eval("topic echo sender/word --count 1 | first | $in.time <= (date now)");
    assert_eq!(moment, "true");
    stop(&world);
}

#[test]
fn rates_and_all_about_a_topic_are_told() {
    let world = stock();
    let rate =
        world.eval("topic list | where output == image | hz --window 10 | first | $in.rate > 1 and $in.jitter >= 0sec");
    assert_eq!(rate, "true");
    let rows = world.eval("topic hz sender/word sender/point stock/sender/word | first 2 | get topic | to nuon");
    assert_eq!(rows, "[sender/word, sender/point]");
    let info =
        world.eval("topic info sender/image --wait-timeout 1min | select schema shape metadata node_loss | to nuon");
    assert_eq!(info, "{schema: UInt8, shape: [1000000], metadata: [height, width], node_loss: impossible}");
    let quiet = world.eval("topic info sender/silent --wait-timeout 100ms | select schema node_loss | to nuon");
    assert_eq!(quiet, "{schema: null, node_loss: possible}");
    let edges = world.eval("topic info sender/silent --wait-timeout 0sec | get subscribers | get node | to nuon");
    assert_eq!(edges, "[listener]");
    stop(&world);
}

#[test]
fn values_are_sent_in_a_nodes_place_and_heard() {
    let world = stock();
    let heard = |line: &str| {
        eventually(line, || world.dora(&["node", "logs", "stock/listener", "--output", "json"]).out.contains(line));
    };
    assert_eq!(world.eval("topic pub sender/silent 7 | select messages inputs | to nuon"), "{messages: 1, inputs: 1}");
    heard("heard int64 [7] None");
    let audit = world.eval("audit list | where command =~ 'topic pub' | select command result | to nuon");
    assert_eq!(audit, "[[command, result]; [\"topic pub stock/sender/silent\", ok]]");
    world.eval("topic pub sender/silent [1.5 2] --metadata {width: 640}");
    heard("heard double [1.5, 2.0] 640");
    let sent =
        world.eval("[{x: 1, name: a} {x: 2, name: b}] | topic pub stock/sender/silent --rate 100 | get messages");
    assert_eq!(sent, "2");
    heard("heard struct<x: int64, name: string> [{'x': 2, 'name': 'b'}] None");
    world.eval("topic pub sender/silent 0x[0102ff]");
    heard("heard uint8 [1, 2, 255] None");
    let bash = world.dora(&["topic", "pub", "sender/silent", r#"[{"a": "z"}]"#, "--metadata", r#"{"width": 9}"#]);
    assert_eq!(bash.code, 0, "{}", bash.err);
    heard("heard struct<a: string> [{'a': 'z'}] 9");
    // What is sent is seen by who watches the topic, as if its node had sent it.
    let echoed = world.eval(
        "let sent = (topic pub sender/silent again --count 3); topic list | where output == silent | get messages | first",
    );
    assert_eq!(echoed, "9");
    stop(&world);
}

#[test]
fn mistakes_are_told_with_what_to_type_next() {
    let world = World::new();
    let nothing = world.dora(&["topic", "echo", "camera/image"]);
    assert_eq!(nothing.code, 10, "{}", nothing.err);
    assert!(nothing.err.contains("DORA_E035") && nothing.err.contains("dataflow start"), "{}", nothing.err);
    let demo = root().join("scripts/dataflows/demo.yml").display().to_string();
    for name in ["one", "two"] {
        let started = world.dora(&["dataflow", "start", &demo, "--name", name, "--detach"]);
        assert_eq!(started.code, 0, "{}", started.err);
    }
    let cases: [(&[&str], &str, &str); 7] = [
        (&["topic", "echo", "one/camera/imge"], "DORA_E035", "one/camera/image"),
        (&["topic", "echo", "camera/image"], "DORA_E014", "two/camera/image"),
        (&["topic", "hz"], "DORA_E609", "topic list"),
        (&["topic", "pub", "one/nobody/x", "1"], "DORA_E035", "topic list"),
        (&["topic", "hz", "camera/zzzzzz"], "DORA_E035", "`camera` has `camera/image`"),
        (&["topic", "pub", "one/camera/image", r#"[1, "a"]"#], "DORA_E036", "one type"),
        (&["topic", "pub", "one/camera/image", "1", "--metadata", r#"{"a": {"b": 1}}"#], "DORA_E036", "metadata"),
    ];
    for (words, code, told) in cases {
        let ran = world.dora(words);
        assert!(ran.err.contains(code) && ran.err.contains(told), "{words:?}\n{}", ran.err);
    }
    let ended = world.dora(&["dataflow", "stop", "one", "two"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let gone = world.dora(&["topic", "echo", "camera/image", "--dataflow", "one"]);
    assert!(gone.err.contains("DORA_E007"), "{}", gone.err);
}

#[test]
fn a_topic_that_is_watched_ends_with_its_dataflow() {
    let world = World::new();
    let flow = "
nodes:
  - {id: counter, path: dora-builtin, args: counter --rate 100 --count 50, outputs: [number]}
";
    world.write("short.yml", flow);
    let watched = world.eval(
        "dataflow start short.yml | ignore\n\
         let seen = (topic echo counter/number --count 1000)\n\
         {last: ($seen | last | get value), missed: ($seen | get missed | math sum)} | to nuon",
    );
    assert_eq!(watched, "{last: 49, missed: 0}");
}
