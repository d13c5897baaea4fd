//! Messages of unmodified dora-rs nodes, seen by a tap and sent in a node's place.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt8Type};
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Schema};
use futures::StreamExt;
use runtime::model::{
    MetadataParameters, Parameter, Payload, Publication, StopOptions, TapQuery, Topic, TopicMessage, WaitCondition,
};

use crate::world::{PATIENCE, World, with_python};

const SENDER: &str = r#"
import pyarrow as pa
import numpy as np
from dora import Node

node = Node()
sent = 0
for event in node:
    if event["type"] == "INPUT" and event["id"] == "tick":
        node.send_output("point", pa.array([{"x": 1.5, "label": "a"}, {"x": 2.5, "label": None}]), {"sequence": sent})
        node.send_output("word", pa.array(["hello"]))
        node.send_output("image", pa.array(np.arange(12, dtype=np.uint8)), {"shape": [2, 2, 3], "encoding": "rgb8"})
        sent += 1
    elif event["type"] == "STOP":
        break
"#;

const LISTENER: &str = r#"
from dora import Node

node = Node()
for event in node:
    if event["type"] == "INPUT" and event["value"].to_pylist() == ["by hand"]:
        print("heard", event["value"].type, event["metadata"]["weight"], flush=True)
        break
    elif event["type"] == "STOP":
        break
"#;

const FLOW: &str = "
nodes:
  - {id: sender, path: sender.py, inputs: {tick: dora/timer/millis/20}, outputs: [point, word, image, silent]}
  - {id: listener, path: listener.py, inputs: {word: sender/silent}}
";

fn array(message: &TopicMessage) -> ArrayRef {
    let data = message.data.as_ref().unwrap();
    let mut reader = StreamReader::try_new(&data[..], None).unwrap();
    reader.next().unwrap().unwrap().column(0).clone()
}

fn text(text: &str) -> Payload {
    let schema = Arc::new(Schema::new(vec![Field::new("data", DataType::Utf8, true)]));
    let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(StringArray::from(vec![text]))]).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
    writer.write(&batch).unwrap();
    Payload::copy(&writer.into_inner().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn arrays_are_seen_as_they_were_sent_and_a_published_one_is_heard() {
    let world = World::new();
    let file = world.write(FLOW, &[("sender.py", SENDER), ("listener.py", LISTENER)]);
    let flow = world.handle.start(with_python(&file)).await.unwrap();
    let topics = ["point", "word", "image"].map(|output| Topic::parse(&format!("sender/{output}")).unwrap());
    let query = TapQuery { dataflow: flow.id.into(), topics: topics.to_vec(), data: true };
    let mut messages = world.handle.messages(query.clone()).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 9 {
        seen.push(messages.next().await.unwrap().unwrap());
    }
    let of = |topic: &Topic| seen.iter().filter(|message| message.topic == *topic).collect::<Vec<_>>();
    for topic in &topics {
        let sequences: Vec<u64> = of(topic).iter().map(|message| message.sequence).collect();
        assert!(sequences.windows(2).all(|two| two[1] == two[0] + 1), "{topic}: {sequences:?}");
    }
    let point = array(of(&topics[0])[0]);
    assert_eq!(point.as_struct().column_by_name("x").unwrap().as_primitive::<Float64Type>().values(), &[1.5, 2.5]);
    assert!(of(&topics[0])[0].own_parameters().contains_key("sequence"));
    assert_eq!(array(of(&topics[1])[0]).as_string::<i32>().value(0), "hello");
    let image = of(&topics[2])[0];
    assert_eq!(array(image).as_primitive::<UInt8Type>().len(), 12);
    assert_eq!(image.parameters.get("shape"), Some(&Parameter::ListInt(vec![2, 2, 3])));

    let mut headers = world.handle.messages(TapQuery { data: false, ..query }).await.unwrap();
    let header = headers.next().await.unwrap().unwrap();
    assert!(header.data.is_none() && header.size > 0);
    drop(headers);

    let publication = Publication {
        dataflow: flow.id.into(),
        topic: Topic::parse("sender/silent").unwrap(),
        parameters: MetadataParameters::from([("weight".to_string(), Parameter::Integer(7))]),
        data: Some(text("by hand")),
    };
    assert_eq!(world.handle.publish(publication).await.unwrap(), 1);
    // The listener ends when it has heard it.
    let heard = world.heard(flow.id, "heard string 7").await;
    assert!(heard, "the listener did not hear it");
    world.handle.stop(flow.id, StopOptions::default()).await.unwrap();
    world.handle.wait(flow.id, WaitCondition::Ended, Some(PATIENCE)).await.unwrap();
    // The tap ends with the dataflow, after what it had seen.
    while let Some(message) = messages.next().await {
        message.unwrap();
    }
}
