//! What every test needs: a home of its own, a runtime, and Python.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use diag::Sources;
use futures::StreamExt;
use runtime::model::{DataflowId, LogQuery, StartOptions, WaitCondition};
use runtime::{Embedded, Handle, Options};
use store::dataflows::DataflowRow;
use store::runtimes::{RuntimeKind, RuntimeRow};
use store::{Home, ProcessId, Store};

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A home and a runtime, removed with the test.
pub struct World {
    pub root: tempfile::TempDir,
    pub handle: Handle,
    pub store: Store,
}

impl World {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Home::at(root.path().join("home")));
        let embedded = Embedded::new(Options {
            store: store.clone(),
            sources: Sources::new(),
            kind: RuntimeKind::Embedded,
            journal: None,
            executable: env!("CARGO_BIN_EXE_runtime-host").into(),
        });
        World { handle: embedded.handle(), root, store }
    }

    /// Writes a dataflow and the scripts of its nodes.
    pub fn write(&self, yaml: &str, scripts: &[(&str, &str)]) -> PathBuf {
        for (name, text) in scripts {
            std::fs::write(self.root.path().join(name), text).unwrap();
        }
        let file = self.root.path().join("flow.yml");
        std::fs::write(&file, yaml).unwrap();
        file
    }

    /// Records a runtime of another process, which may be gone, with dataflows that it runs.
    pub fn record_runtime(&self, process: ProcessId, flows: &[(uuid::Uuid, String)]) {
        let now = jiff::Timestamp::now();
        let runtime = RuntimeRow {
            id: uuid::Uuid::now_v7(),
            kind: RuntimeKind::Embedded,
            process,
            address: None,
            token_path: None,
            version: "0".into(),
            started: now,
        };
        self.store.register_runtime(&runtime).unwrap();
        for (id, name) in flows {
            let row = DataflowRow {
                id: *id,
                name: name.clone(),
                runtime: runtime.id,
                status: "running".into(),
                descriptor_path: None,
                descriptor: String::new(),
                descriptor_hash: String::new(),
                working_dir: "/".into(),
                nodes: 1,
                created: now,
                started: Some(now),
                ended: None,
                restarts: 0,
                cause: None,
                culprit: None,
                snapshot: None,
                options: None,
            };
            self.store.claim_dataflow(&row).unwrap();
        }
    }

    /// Waits until a node has printed a line; `false` when the dataflow ended without it.
    pub async fn heard(&self, id: DataflowId, line: &str) -> bool {
        let follow = LogQuery { follow: true, ..LogQuery::new(id) };
        let records = self.handle.logs(follow).await.unwrap();
        let found = records.any(async |record| record.unwrap().message == line);
        tokio::time::timeout(PATIENCE, found).await.unwrap()
    }

    /// What a node has printed so far.
    pub async fn printed_so_far(&self, id: DataflowId, node: &str) -> Vec<String> {
        let query = LogQuery { nodes: vec![node.parse().unwrap()], ..LogQuery::new(id) };
        self.handle.logs(query).await.unwrap().map(|record| record.unwrap().message).collect().await
    }

    /// All that a dataflow has printed, as `node: message`, once it has ended.
    pub async fn printed(&self, id: DataflowId) -> Vec<String> {
        self.handle.wait(id, WaitCondition::Ended, Some(PATIENCE)).await.unwrap();
        let records = self.handle.logs(LogQuery::new(id)).await.unwrap();
        let records: Vec<_> = records.map(|record| record.unwrap()).collect().await;
        let of_nodes = records.into_iter().filter(|record| record.node.is_some());
        of_nodes.map(|record| format!("{}: {}", record.node.unwrap(), record.message)).collect()
    }
}

/// How to start a dataflow whose nodes are Python with dora-rs.
pub fn with_python(file: &Path) -> StartOptions {
    let python = python();
    let environment = python.parent().and_then(Path::parent).unwrap();
    let mut options = StartOptions::file(file);
    options.env.insert("VIRTUAL_ENV".into(), environment.display().to_string());
    options
}

/// The dataflows kept for tests.
pub fn dataflows() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/dataflows")
}

/// A Python that has dora-rs; without one the tests cannot say anything.
fn python() -> &'static PathBuf {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let python = std::env::var("DORA_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
        let code = "import sys, dora, numpy, pyarrow; print(sys.executable)";
        let output = std::process::Command::new(&python).args(["-c", code]).output();
        match output {
            Ok(output) if output.status.success() => String::from_utf8(output.stdout).unwrap().trim().into(),
            other => panic!(
                "`{python}` has no dora-rs: make a virtual environment with `pip install dora-rs==1.1.0 numpy pyarrow` \
                 and set DORA_TEST_PYTHON to its python ({other:?})"
            ),
        }
    })
}

/// Waits for something that is not told of.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !holds() {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
