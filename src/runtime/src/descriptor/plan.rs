//! A checked dataflow: what will be started, and who is fed by whom.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use dora_message::config::{InputMapping, NodeRunConfig};
use dora_message::descriptor::{OperatorDefinition, RestartPolicy};
use dora_message::id::{DataId, NodeId};

use crate::model::{LogLevel, QueuePolicy};

/// Everything the runtime needs to know of a descriptor.
#[derive(Debug, Clone)]
pub struct Plan {
    /// In the descriptor's order.
    pub nodes: Vec<PlannedNode>,
    /// Whether timer inputs count as a clock rather than as work.
    pub exit_when_nodes_finish: bool,
    /// The descriptor as nodes get it.
    pub descriptor: serde_yaml::Value,
    /// What the descriptor asks for and this runtime does not do, in a sentence each.
    pub notices: Vec<String>,
}

/// One node, ready to be started.
#[derive(Debug, Clone)]
pub struct PlannedNode {
    pub id: NodeId,
    /// The `path` of the descriptor, or what stands for it.
    pub source: String,
    /// `None` for a dynamic node, and as long as a build has still to make it.
    pub program: Option<Program>,
    /// The file that `source` is once it has been fetched.
    pub fetched: Option<PathBuf>,
    /// What its program is given behind its own name.
    pub args: Vec<OsString>,
    /// Whether it is started by somebody else, and joins and leaves as it likes.
    pub dynamic: bool,
    pub build: Build,
    /// From the descriptor, expanded, and from the caller: what the runtime adds is not in it.
    pub env: BTreeMap<String, String>,
    pub working_dir: PathBuf,
    pub run_config: NodeRunConfig,
    /// The Python operators that share the process.
    pub operators: Vec<OperatorDefinition>,
    pub inputs: Vec<PlannedInput>,
    pub restart: RestartRules,
    pub health: HealthRules,
    /// The processors it may run on; any when empty.
    pub cpu_affinity: Vec<usize>,
    pub logs: LogRules,
}

/// What comes before the first start of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Build {
    /// Where its directory comes from, when that is no directory of this machine.
    pub git: Option<GitSource>,
    /// Where its program comes from, when that is a web address.
    pub download: Option<Download>,
    /// Each is run by itself, in order.
    pub commands: Vec<BuildCommand>,
}

impl Build {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.git.is_none() && self.download.is_none() && self.commands.is_empty()
    }
}

/// A program at a web address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    pub url: String,
    /// What its SHA-256 must be, in lower hexadecimal.
    pub sha256: Option<String>,
}

/// One line of `build`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildCommand {
    /// As it is written.
    pub line: String,
    /// The program and its arguments.
    pub words: Vec<String>,
}

/// A repository and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitSource {
    /// An address, or the whole path of a repository on this machine.
    pub url: String,
    pub revision: Revision,
}

/// A commit, by one of the names it can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revision {
    /// What the repository itself has checked out.
    Head,
    Branch(String),
    Tag(String),
    Commit(String),
}

/// A process to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    pub path: PathBuf,
    /// What the process sees as its own name, if not its path.
    pub name: Option<String>,
    pub args: Vec<OsString>,
}

/// One input of a node.
#[derive(Debug, Clone)]
pub struct PlannedInput {
    pub id: DataId,
    pub mapping: InputMapping,
    /// As configured.
    pub queue_size: usize,
    pub policy: QueuePolicy,
    /// After so long without a message the node is told that the input is broken.
    pub timeout: Option<Duration>,
}

/// When a node is started again.
#[derive(Debug, Clone, Copy)]
pub struct RestartRules {
    pub policy: RestartPolicy,
    /// At most so many within the window; 0 for no limit.
    pub max: u32,
    /// Doubled with every restart in the window.
    pub delay: Duration,
    pub max_delay: Option<Duration>,
    pub window: Option<Duration>,
}

impl RestartRules {
    /// How long to wait before the `nth` restart of a window, counted from 1.
    pub fn backoff(&self, nth: u32) -> Duration {
        let doubled = self.delay.saturating_mul(1 << nth.saturating_sub(1).min(16));
        self.max_delay.map_or(doubled, |max| doubled.min(max))
    }
}

/// How long a node may keep the runtime waiting before it is killed, and what that counts as decided by its
/// [`RestartRules`].
#[derive(Debug, Clone, Copy)]
pub struct HealthRules {
    /// From its start until it is ready for events; `None` for as long as it takes.
    pub startup: Option<Duration>,
    /// Without a sign of life once it is ready: neither a request nor a wait for events.
    pub silence: Option<Duration>,
    /// From the closing of its last input until its end, when all others have ended.
    pub finish: Duration,
}

/// As upstream, unless the environment names another number of seconds.
const FINISH_GRACE: Duration = Duration::from_secs(120);

impl HealthRules {
    /// What a node that says nothing of its own gets: `DORA_FINISH_DRAIN_GRACE_SECS`, else 120 seconds.
    pub fn default_finish() -> Duration {
        let given = std::env::var("DORA_FINISH_DRAIN_GRACE_SECS").ok().and_then(|text| text.parse().ok());
        given.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(FINISH_GRACE)
    }
}

/// What happens to what a node prints.
#[derive(Debug, Clone, Default)]
pub struct LogRules {
    /// The output that carries every line as it was printed.
    pub send_stdout_as: Option<DataId>,
    /// The output that carries every log record as JSON.
    pub send_logs_as: Option<DataId>,
    /// Records below are not kept.
    pub min_level: Option<LogLevel>,
    /// From this size on a log file is set aside and a new one begun.
    pub max_size: Option<u64>,
    pub max_rotated: Option<u32>,
}
