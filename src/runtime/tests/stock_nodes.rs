//! Dataflows of unmodified dora-rs nodes from PyPI.

use diag::codes;
use futures::StreamExt;
use runtime::model::{
    EventKind, EventQuery, LogLevel, LogQuery, NodeExit, NodeQuery, Status, StopOptions, TopicQuery, WaitCondition,
};
use std::time::Duration;

use crate::world::{PATIENCE, World, dataflows, until, with_python};

#[tokio::test(flavor = "multi_thread")]
async fn arrays_and_metadata_arrive_as_they_were_sent_and_the_flow_ends_by_itself() {
    let world = World::new();
    let flow = world.handle.start(with_python(&dataflows().join("ticker_echo.yml"))).await.unwrap();
    assert_eq!(flow.name, "ticker_echo");
    let printed = world.printed(flow.id).await;
    let ended = world.handle.wait(flow.id, WaitCondition::Ended, Some(PATIENCE)).await.unwrap();
    assert_eq!(ended.status, Status::Finished, "{printed:?}");
    assert!(printed.contains(&"check: check is content".to_string()), "{printed:?}");

    let details = world.handle.inspect(flow.id).await.unwrap();
    let edge = details.edges.iter().find(|edge| edge.input.to_string() == "echoed").unwrap();
    assert_eq!((edge.messages, edge.delivered, edge.dropped), (20, 20, 0));
    assert!(edge.closed);
    assert!(edge.latency.unwrap().p50 < Duration::from_secs(1));
    assert!(details.nodes.iter().all(|node| node.exit == Some(NodeExit::Code(0))));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_python_logs_has_its_level_in_the_query() {
    let world = World::new();
    let flow = world.handle.start(with_python(&dataflows().join("ticker_echo.yml"))).await.unwrap();
    world.handle.wait(flow.id, WaitCondition::Ended, Some(PATIENCE)).await.unwrap();
    let query = LogQuery { levels: vec![LogLevel::Warn], ..LogQuery::new(flow.id) };
    let records: Vec<_> = world.handle.logs(query).await.unwrap().map(|record| record.unwrap()).collect().await;
    let warned = records.iter().find(|record| record.message == "ticker is done").expect("the warning is a record");
    assert_eq!(warned.node.as_ref().unwrap().to_string(), "ticker");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_arrives_whole_and_in_order() {
    let world = World::new();
    let flow = world.handle.start(with_python(&dataflows().join("burst.yml"))).await.unwrap();
    let printed = world.printed(flow.id).await;
    assert!(printed.contains(&"receiver: got 5000 of 5000 in order".to_string()), "{printed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_without_an_end_stops_when_asked_and_its_nodes_exit_with_zero() {
    let world = World::new();
    let flow = world.handle.start(with_python(&dataflows().join("endless.yml"))).await.unwrap();
    assert_eq!(flow.status, Status::Running);
    let topics = world.handle.topics(TopicQuery::default()).await.unwrap();
    assert_eq!(topics.len(), 1);
    let counted = || async { world.handle.topics(TopicQuery::default()).await.unwrap()[0].messages };
    while counted().await < 5 {
        tokio::task::yield_now().await;
    }
    let stopped = world.handle.stop(flow.id, StopOptions::default()).await.unwrap();
    assert_eq!(stopped.status, Status::Stopped);
    let nodes = world.handle.nodes(NodeQuery { dataflow: Some(flow.id.into()), all: true }).await.unwrap();
    for node in nodes {
        assert_eq!((node.status, node.exit), (Status::Stopped, Some(NodeExit::Code(0))), "{}", node.node);
    }
    let error = world.handle.stop(flow.id, StopOptions::default()).await.unwrap_err();
    assert_eq!(error.code, codes::DATAFLOW_ENDED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_ignores_stop_is_killed_after_its_grace() {
    let world = World::new();
    let script = "import signal, time\nfrom dora import Node\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nnode = Node()\nprint('deaf')\nwhile True: time.sleep(1)\n";
    let file = world.write("nodes:\n  - id: deaf\n    path: deaf.py\n", &[("deaf.py", script)]);
    let flow = world.handle.start(with_python(&file)).await.unwrap();
    let grace = Some(Duration::from_millis(200));
    let stopped = world.handle.stop(flow.id, StopOptions { grace, force: false }).await.unwrap();
    assert_eq!(stopped.status, Status::Stopped);
    let node = &world.handle.inspect(flow.id).await.unwrap().nodes[0];
    assert_eq!(node.exit, Some(NodeExit::Signal(9)));
    assert_eq!(node.cause.as_deref(), Some("killed with SIGKILL"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_at_start_is_named_with_its_last_words_and_the_others_end() {
    let world = World::new();
    let yaml = "nodes:\n  - id: good\n    path: good.py\n    inputs: {tick: dora/timer/millis/10}\n  - id: bad\n    path: bad.py\n";
    let good = "from dora import Node\nfor event in Node(): pass\n";
    let bad = "import sys\nprint('no camera on /dev/video7', file=sys.stderr)\nsys.exit(3)\n";
    let file = world.write(yaml, &[("good.py", good), ("bad.py", bad)]);
    let error = world.handle.start(with_python(&file)).await.unwrap_err();
    assert_eq!(error.code, codes::NODE_DIED_AT_START);
    assert!(error.message.contains("`bad`") && error.message.contains("exit code 3"), "{error:?}");
    assert_eq!(error.causes[0].detail, ["no camera on /dev/video7"]);

    let failed = world.handle.list(true).await.unwrap().remove(0);
    assert_eq!((failed.status, failed.culprit.unwrap().to_string()), (Status::Failed, "bad".to_string()));
    assert!(world.store.live_node_processes().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_fails_later_fails_the_flow_when_the_others_have_ended() {
    let world = World::new();
    let yaml = "nodes:\n  - id: source\n    path: source.py\n    inputs: {tick: dora/timer/millis/10}\n    outputs: [out]\n  - id: sink\n    path: sink.py\n    inputs: {in: source/out}\n";
    let source = "from dora import Node\nnode = Node()\nnext(iter(node))\nraise SystemExit(7)\n";
    let sink = "from dora import Node\nfor event in Node():\n    print(event['type'])\n";
    let file = world.write(yaml, &[("source.py", source), ("sink.py", sink)]);
    let flow = world.handle.start(with_python(&file)).await.unwrap();
    let printed = world.printed(flow.id).await;
    let ended = world.handle.inspect(flow.id).await.unwrap();
    assert_eq!(ended.info.status, Status::Failed);
    assert_eq!(ended.info.cause.as_deref(), Some("node `source` ended with exit code 7"));
    assert!(printed.contains(&"sink: INPUT_CLOSED".to_string()), "{printed:?}");
    assert_eq!(ended.nodes.iter().find(|node| node.node.to_string() == "sink").unwrap().status, Status::Finished);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_a_restart_policy_comes_back_and_its_consumer_never_notices_a_close() {
    let world = World::new();
    let yaml = "nodes:\n  - id: source\n    path: source.py\n    restart_policy: on-failure\n    restart_delay: 0.05\n    max_restarts: 5\n    inputs: {tick: dora/timer/millis/10}\n    outputs: [out]\n  - id: sink\n    path: sink.py\n    inputs: {in: source/out}\n";
    let source = "import os, pathlib, pyarrow as pa\nfrom dora import Node\nnode = Node()\nmark = pathlib.Path('runs')\nruns = int(mark.read_text()) if mark.exists() else 0\nmark.write_text(str(runs + 1))\nfor event in node:\n    if event['type'] == 'INPUT':\n        node.send_output('out', pa.array([runs]))\n        break\nif runs < 2: os._exit(1)\n";
    let sink = "from dora import Node\nfor event in Node():\n    if event['type'] == 'INPUT': print('got', event['value'][0].as_py())\n    elif event['type'] == 'INPUT_CLOSED': print('closed')\n";
    let file = world.write(yaml, &[("source.py", source), ("sink.py", sink)]);
    let flow = world.handle.start(with_python(&file)).await.unwrap();
    let printed = world.printed(flow.id).await;
    let of_sink: Vec<&String> = printed.iter().filter(|line| line.starts_with("sink: ")).collect();
    assert_eq!(of_sink, ["sink: got 0", "sink: got 1", "sink: got 2", "sink: closed"], "{printed:?}");
    let ended = world.handle.inspect(flow.id).await.unwrap();
    assert_eq!((ended.info.status, ended.info.restarts), (Status::Finished, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn printed_lines_reach_inputs_that_ask_for_them() {
    let world = World::new();
    let yaml = "nodes:\n  - id: talker\n    path: talker.py\n    inputs: {tick: dora/timer/millis/20}\n    outputs: [lines]\n    send_stdout_as: lines\n  - id: reader\n    path: reader.py\n    inputs:\n      lines: talker/lines\n      logs: dora/logs/stdout/talker\n";
    let talker = "from dora import Node\nfor event in Node():\n    print('hello from talker')\n    if event['type'] == 'STOP': break\n";
    let reader = "from dora import Node\nseen = set()\nfor event in Node():\n    if event['type'] == 'INPUT' and 'hello from talker' in event['value'][0].as_py(): seen.add(event['id'])\n    if seen == {'lines', 'logs'}:\n        print('both')\n        break\n";
    let file = world.write(yaml, &[("talker.py", talker), ("reader.py", reader)]);
    let flow = world.handle.start(with_python(&file)).await.unwrap();
    let mut records = world.handle.logs(LogQuery { follow: true, ..LogQuery::new(flow.id) }).await.unwrap();
    let both = async {
        while let Some(record) = records.next().await {
            if record.unwrap().message == "both" {
                return true;
            }
        }
        false
    };
    assert!(tokio::time::timeout(PATIENCE, both).await.unwrap());
    world.handle.stop(flow.id, StopOptions::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_operator_runs() {
    let world = World::new();
    let yaml = "nodes:\n  - id: host\n    operator:\n      python: op.py\n      inputs: {tick: dora/timer/millis/10}\n      outputs: [out]\n  - id: sink\n    path: sink.py\n    inputs: {in: host/op/out}\n";
    let operator = "import pyarrow as pa\nfrom dora import DoraStatus\nclass Operator:\n    def on_event(self, event, send_output):\n        if event['type'] == 'INPUT':\n            send_output('out', pa.array([42]), event['metadata'])\n            return DoraStatus.STOP\n        return DoraStatus.CONTINUE\n";
    let sink = "from dora import Node\nfor event in Node():\n    if event['type'] == 'INPUT': print('got', event['value'][0].as_py())\n";
    let file = world.write(yaml, &[("op.py", operator), ("sink.py", sink)]);
    let flow = world.handle.start(with_python(&file)).await.unwrap();
    let printed = world.printed(flow.id).await;
    assert!(printed.contains(&"sink: got 42".to_string()), "{printed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn transitions_are_events_in_order_and_stay_readable_after_the_end() {
    let world = World::new();
    let flow = world.handle.start(with_python(&dataflows().join("endless.yml"))).await.unwrap();
    let query = EventQuery { dataflow: Some(flow.id.into()), history: true, follow: true };
    let following = world.handle.events(query.clone()).await.unwrap();
    world.handle.stop(flow.id, StopOptions::default()).await.unwrap();
    let followed: Vec<_> = following.map(|event| event.unwrap()).collect().await;
    let stored: Vec<_> = world
        .handle
        .events(EventQuery { follow: false, ..query })
        .await
        .unwrap()
        .map(|event| event.unwrap())
        .collect()
        .await;
    assert_eq!(followed, stored);
    let numbers: Vec<u64> = stored.iter().map(|event| event.sequence).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let path: Vec<_> = stored
        .iter()
        .filter(|event| event.node.is_none())
        .filter_map(|event| match event.kind {
            EventKind::Transition { to, .. } => Some(to),
            _ => None,
        })
        .collect();
    assert_eq!(path, [Status::Starting, Status::Running, Status::Stopping, Status::Stopped]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_taken_while_its_flow_lives_and_a_running_flow_is_not_removed() {
    let world = World::new();
    let mut options = with_python(&dataflows().join("endless.yml"));
    options.name = Some("demo".into());
    world.handle.start(options.clone()).await.unwrap();
    assert_eq!(world.handle.start(options).await.unwrap_err().code, codes::NAME_TAKEN);
    assert_eq!(world.handle.remove("demo", false).await.unwrap_err().code, codes::DATAFLOW_RUNS);
    assert_eq!(world.handle.inspect("dmeo").await.unwrap_err().help.as_deref(), Some("did you mean `demo`?"));
    let removed = world.handle.remove("demo", true).await.unwrap();
    assert_eq!(world.handle.inspect("demo").await.unwrap_err().code, codes::DATAFLOW_NOT_FOUND);
    assert!(!world.store.home().logs().join(removed.id.to_string()).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_stops_everything() {
    let world = World::new();
    let flow = world.handle.start(with_python(&dataflows().join("endless.yml"))).await.unwrap();
    let pids: Vec<u32> =
        world.handle.nodes(NodeQuery::default()).await.unwrap().iter().filter_map(|node| node.pid).collect();
    assert_eq!(pids.len(), 2);
    world.handle.shutdown(false).await.unwrap();
    until("the nodes are gone", || pids.iter().all(|&pid| store::ProcessId::of(pid).is_none())).await;
    let row = world.store.dataflow(flow.id.0).unwrap().unwrap();
    assert_eq!(row.status, "stopped");
    assert!(world.store.runtimes().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn use_of_processor_and_memory_and_rates_are_measured_while_a_flow_runs() {
    let world = World::new();
    let flow = world.handle.start(with_python(&dataflows().join("endless.yml"))).await.unwrap();
    let query = NodeQuery { dataflow: Some(flow.id.into()), all: false };
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let nodes = world.handle.nodes(query.clone()).await.unwrap();
        if nodes.iter().all(|node| node.cpu.is_some() && node.memory.is_some_and(|bytes| bytes > 1 << 20))
            && nodes[0].sent_rate > 1.0
        {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{nodes:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.handle.stop(flow.id, StopOptions::default()).await.unwrap();
}
