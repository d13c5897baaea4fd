//! Messages of running dataflows over the control socket: another shell's, and the daemon's.

use std::time::Duration;

use diag::codes;
use futures::StreamExt;
use runtime::control::daemon;
use runtime::model::{
    MetadataParameters, NodeRef, Parameter, Payload, Publication, StopOptions, TapQuery, Topic, TopicMessage,
    TopicQuery, WaitCondition,
};
use runtime::{Handle, Items};

use crate::world::World;

const IMAGES: &str = "
nodes:
  - {id: camera, path: dora-builtin, args: camera --rate 200 --width 1000 --height 1000, outputs: [image]}
  - {id: counter, path: dora-builtin, args: counter --rate 100, outputs: [number]}
";

fn tap(topics: &[&str]) -> TapQuery {
    let topics = topics.iter().map(|topic| Topic::parse(topic).unwrap()).collect();
    TapQuery { dataflow: "demo".into(), topics, data: true }
}

async fn next(messages: &mut Items<TopicMessage>) -> TopicMessage {
    tokio::time::timeout(Duration::from_secs(30), messages.next()).await.unwrap().unwrap().unwrap()
}

async fn follows(handle: &Handle) {
    let mut messages = handle.messages(tap(&["counter/number"])).await.unwrap();
    let first = next(&mut messages).await;
    assert!(first.is_arrow() && first.data.as_ref().unwrap().len() as u64 == first.size, "{first:?}");
    for after in 1..=5 {
        let message = next(&mut messages).await;
        assert_eq!((message.sequence, message.missed), (first.sequence + after, 0));
        assert!(message.sent <= message.time, "{message:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_messages_of_another_shells_flow_and_of_the_daemons_are_seen_to_their_end() {
    let world = World::new();
    let mut holder = world.holder("demo");
    let handle = world.fleet().handle();
    follows(&handle).await;
    let mut messages = handle.messages(tap(&["counter/number"])).await.unwrap();
    next(&mut messages).await;
    handle.stop("demo", StopOptions::default()).await.unwrap();
    while let Some(message) = messages.next().await {
        message.unwrap();
    }
    drop(holder.stdin.take());
    holder.wait().unwrap();

    let detached = world.shell(&["detach", world.file().to_str().unwrap(), "demo"]).output().unwrap();
    assert!(detached.status.success(), "{detached:?}");
    follows(&handle).await;
    daemon::stop(&world.store, false, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_goes_and_comes_back_is_seen_again() {
    let world = World::new();
    std::fs::write(world.file(), IMAGES).unwrap();
    let mut holder = world.holder("demo");
    let handle = world.fleet().handle();
    let mut messages = handle.messages(tap(&["counter/number"])).await.unwrap();
    next(&mut messages).await;
    let removed = NodeRef { dataflow: "demo".into(), node: "counter".parse().unwrap() };
    handle.remove_node(removed, StopOptions::default()).await.unwrap();
    let definition = "{id: counter, path: dora-builtin, args: counter --rate 100, outputs: [other]}";
    handle.add_node("demo", definition.into()).await.unwrap();
    let definition = definition.replace("other", "number");
    handle.replace_node("demo", definition, StopOptions::default()).await.unwrap();
    // Those that the first counter had sent come first; the second one begins anew.
    while next(&mut messages).await.sequence != 1 {}
    assert_eq!((next(&mut messages).await.sequence, next(&mut messages).await.missed), (2, 0));
    drop(holder.stdin.take());
    holder.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_reads_slowly_misses_messages_and_holds_up_nobody() {
    let world = World::new();
    std::fs::write(world.file(), IMAGES).unwrap();
    let mut holder = world.holder("demo");
    let handle = world.fleet().handle();
    let mut messages = handle.messages(tap(&["camera/image"])).await.unwrap();
    let first = next(&mut messages).await;
    assert!(first.size > 3_000_000, "{first:?}");
    // Bounds of bytes at both ends hold some 30 of these; the flow goes on whether they are read or not.
    let sent = async || handle.topics(TopicQuery { dataflow: Some("demo".into()) }).await.unwrap()[0].messages;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while sent().await < first.sequence + 45 {
        assert!(tokio::time::Instant::now() < deadline, "the flow stands still");
    }
    let (mut last, mut missed) = (first.sequence, 0);
    while missed == 0 {
        let message = next(&mut messages).await;
        missed += message.missed;
        assert_eq!(message.sequence, last + message.missed + 1, "what is missing is counted");
        last = message.sequence;
    }
    handle.stop("demo", StopOptions::default()).await.unwrap();
    drop(holder.stdin.take());
    holder.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_published_in_a_nodes_place_and_seen_by_taps_and_consumers() {
    let world = World::new();
    let holder = world.holder("demo");
    let handle = world.fleet().handle();
    let publication = |topic: &str, data: Vec<u8>| Publication {
        dataflow: "demo".into(),
        topic: Topic::parse(topic).unwrap(),
        parameters: MetadataParameters::from([("ratio".to_string(), Parameter::Float(f64::INFINITY))]),
        data: Some(Payload::copy(&data)),
    };
    let mut messages = handle.messages(tap(&["counter/number"])).await.unwrap();
    // Longer than any request that is text.
    let data = vec![7; 3 << 20];
    assert_eq!(handle.publish(publication("counter/number", data.clone())).await.unwrap(), 1);
    let published = loop {
        let message = next(&mut messages).await;
        if message.size == data.len() as u64 {
            break message;
        }
    };
    assert_eq!(published.data.as_deref(), Some(&data[..]));
    assert_eq!(published.parameters.get("ratio"), Some(&Parameter::Float(f64::INFINITY)));
    assert!(published.is_arrow());

    let error = handle.publish(publication("counter/nubmer", Vec::new())).await.unwrap_err();
    assert_eq!(error.code, codes::TOPIC_NOT_FOUND);
    assert!(error.help.as_deref().unwrap_or_default().contains("counter/number"), "{error:?}");
    let error = handle.messages(tap(&["sink/number"])).await.err().unwrap();
    assert_eq!(error.code, codes::TOPIC_NOT_FOUND);
    let error = handle.publish(publication("counter/number", vec![0; 64 << 20])).await.unwrap_err();
    assert_eq!(error.code, codes::NOT_A_MESSAGE);
    drop(holder);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_published_through_an_output_that_is_closed() {
    let world = World::new();
    let flow = "
nodes:
  - {id: counter, path: dora-builtin, args: counter --rate 100 --count 1, outputs: [number]}
  - {id: sink, path: dora-builtin, args: sink, inputs: {number: counter/number, tick: dora/timer/millis/500}}
";
    std::fs::write(world.file(), flow).unwrap();
    let handle = world.fleet().handle();
    handle.start(world.start("demo")).await.unwrap();
    let topic = || Topic::parse("counter/number").unwrap();
    let publication =
        || Publication { dataflow: "demo".into(), topic: topic(), parameters: Default::default(), data: None };
    let error = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            match handle.publish(publication()).await {
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => break error,
            }
        }
    });
    assert_eq!(error.await.unwrap().code, codes::WRONG_STATE);
    handle.stop("demo", StopOptions::default()).await.unwrap();
    handle.wait("demo", WaitCondition::Ended, None).await.unwrap();
    assert_eq!(handle.publish(publication()).await.unwrap_err().code, codes::DATAFLOW_ENDED);
    handle.shutdown(false).await.unwrap();
}
