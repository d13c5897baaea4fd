//! Failures of the runtime itself, each with its code.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use diag::{Sources, codes};
use runtime::model::{StartOptions, Status, StopOptions, WaitCondition};
use runtime::{Embedded, Options};
use store::ProcessId;
use store::dataflows::DataflowRow;
use store::runtimes::{RuntimeKind, RuntimeRow};

use crate::world::{World, dataflows, with_python};

/// A runtime of another process that lives, with a dataflow for each id.
fn other_runtime(world: &World, ids: &[&str]) {
    let names = ids.iter().map(|id| (id.parse().unwrap(), format!("flow-{}", &id[35..]))).collect::<Vec<_>>();
    world.record_runtime(ProcessId::current(), &names);
}

const FIRST: &str = "01a1fbd0-a5a3-74a6-ac3e-c19edbea1c21";
const SECOND: &str = "01a1fbd0-a5a3-74a6-ac3e-c19edbea1c22";

#[tokio::test]
async fn the_beginning_of_an_id_must_fit_one_dataflow() {
    let world = World::new();
    other_runtime(&world, &[FIRST, SECOND]);
    assert_eq!(world.handle.inspect("01a1fbd0").await.unwrap_err().code, codes::AMBIGUOUS_DATAFLOW);
    assert_eq!(world.handle.inspect("01a1fbd1").await.unwrap_err().code, codes::DATAFLOW_NOT_FOUND);
}

#[tokio::test]
async fn a_dataflow_of_another_process_is_told_as_that() {
    let world = World::new();
    other_runtime(&world, &[FIRST]);
    for name in ["flow-1", FIRST] {
        assert_eq!(world.handle.stop(name, StopOptions::default()).await.unwrap_err().code, codes::OTHER_RUNTIME);
    }
    assert!(world.handle.list(true).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_the_system_refuses_to_start_is_named_and_the_others_are_not_started() {
    let world = World::new();
    let yaml = "nodes:\n  - {id: broken, path: broken.sh}\n  - {id: later, path: broken.sh}\n";
    let file = world.write(yaml, &[("broken.sh", "#!/nowhere/interpreter\n")]);
    let script = world.root.path().join("broken.sh");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let error = world.handle.start(StartOptions::file(file)).await.unwrap_err();
    assert_eq!(error.code, codes::NODE_NOT_STARTED);
    assert!(error.message.contains("`broken`"), "{error:?}");
    let row = world.handle.list(true).await.unwrap().remove(0);
    assert_eq!(row.status, Status::Failed);
    let nodes = world.handle.inspect(row.id).await.unwrap().nodes;
    assert_eq!(nodes.iter().map(|node| node.status).collect::<Vec<_>>(), [Status::Failed, Status::Stopped]);
}

#[tokio::test]
async fn names_that_cannot_be_typed_are_refused_before_anything_starts() {
    let world = World::new();
    for name in ["", "two words", "-x", "a/b", FIRST] {
        let mut options = StartOptions::text("flow", "nodes:\n  - {id: a, path: dora-builtin}\n");
        options.name = Some(name.into());
        assert_eq!(world.handle.start(options).await.unwrap_err().code, codes::INVALID_NAME, "{name:?}");
    }
    assert!(world.store.live_dataflows().unwrap().is_empty());
}

#[tokio::test]
async fn without_a_guard_nothing_is_started() {
    let world = World::new();
    let embedded = Embedded::new(Options {
        store: world.store.clone(),
        sources: Sources::new(),
        kind: RuntimeKind::Embedded,
        journal: None,
        executable: "/nowhere/dora".into(),
    });
    let options = StartOptions::text("flow", "nodes:\n  - {id: a, path: dora-builtin}\n");
    let error = embedded.handle().start(options).await.unwrap_err();
    assert_eq!(error.code, codes::RUNTIME_FAILED);
    assert!(error.message.contains("guard"), "{error:?}");
    assert!(world.store.live_dataflows().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_has_a_limit() {
    let world = World::new();
    let flow = world.handle.start(with_python(&dataflows().join("endless.yml"))).await.unwrap();
    let limit = Some(Duration::from_millis(50));
    let error = world.handle.wait(flow.id, WaitCondition::Ended, limit).await.unwrap_err();
    assert_eq!(error.code, codes::WAITED_TOO_LONG);
    assert!(error.retryable);
    let stopped = world.handle.stop(flow.id, StopOptions { grace: None, force: true }).await.unwrap();
    assert_eq!(stopped.status, Status::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_held_by_a_runtime_that_died_is_free_again() {
    let world = World::new();
    other_runtime(&world, &[]);
    let first = world.handle.start(with_python(&dataflows().join("endless.yml"))).await.unwrap();
    // While this runtime lives on, another one dies holding a name.
    let now = jiff::Timestamp::now();
    let dead = RuntimeRow {
        id: uuid::Uuid::now_v7(),
        kind: RuntimeKind::Embedded,
        process: ProcessId { pid: std::process::id(), started: 1 },
        address: None,
        token_path: None,
        version: "0".into(),
        started: now,
    };
    world.store.register_runtime(&dead).unwrap();
    let held = world.store.dataflow(first.id.0).unwrap().unwrap();
    let held = DataflowRow { id: uuid::Uuid::now_v7(), name: "demo".into(), runtime: dead.id, ..held };
    world.store.claim_dataflow(&held).unwrap();
    let mut options = with_python(&dataflows().join("endless.yml"));
    options.name = Some("demo".into());
    assert_eq!(world.handle.start(options).await.unwrap().name, "demo");
    world.handle.shutdown(false).await.unwrap();
}
