//! The logs of one dataflow that runs.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dora_message::id::NodeId;
use tokio::sync::broadcast;

use super::files::{self, Rotation, Stored, Writer};
use super::line::Line;
use crate::descriptor::plan::LogRules;
use crate::model::{DataflowId, LogLevel, LogRecord, LogStream, UnixNanos};

/// How many records a follower may be behind before it reads them from disk again.
const BEHIND: usize = 4096;

/// Writes records and tells those who follow. Records have numbers, so that a follower can go over from what
/// is on disk to what comes without missing or repeating one.
pub struct Journal {
    pub dataflow: DataflowId,
    pub dataflow_name: String,
    pub directory: PathBuf,
    /// Of logs whose node has no rules of its own.
    rotation: Rotation,
    state: Mutex<State>,
}

struct State {
    next: u64,
    writers: HashMap<Option<NodeId>, Writer>,
    live: Option<broadcast::Sender<(u64, Arc<LogRecord>)>>,
    /// The first write that failed, until somebody asked.
    failure: Option<io::Error>,
}

/// A view of the live records: those numbered from `next` on come through `receiver`, all others are on disk.
pub struct Live {
    pub next: u64,
    pub receiver: Option<broadcast::Receiver<(u64, Arc<LogRecord>)>>,
}

impl Journal {
    /// Begins the logs of a dataflow in a directory that exists, or goes on with those that are there.
    pub fn open(dataflow: DataflowId, dataflow_name: String, directory: &Path, rotation: Rotation) -> io::Result<Self> {
        let next = files::last_number(directory)?.map_or(0, |last| last + 1);
        let writers = HashMap::from([(None, Writer::open(directory, None, rotation)?)]);
        let live = Some(broadcast::channel(BEHIND).0);
        let state = Mutex::new(State { next, writers, live, failure: None });
        Ok(Journal { dataflow, dataflow_name, directory: directory.to_path_buf(), rotation, state })
    }

    /// Begins the logs of a node, rotated as its rules say. Those of a node that has some go on.
    pub fn add(&self, node: &NodeId, rules: &LogRules) -> io::Result<()> {
        if self.lock().writers.contains_key(&Some(node.clone())) {
            return Ok(());
        }
        let rotation = Rotation {
            size: rules.max_size.unwrap_or(self.rotation.size),
            files: rules.max_rotated.unwrap_or(self.rotation.files),
        };
        let writer = Writer::open(&self.directory, Some(node.as_ref()), rotation)?;
        self.lock().writers.insert(Some(node.clone()), writer);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what a node printed; returns the record.
    pub fn printed(&self, node: &NodeId, stream: LogStream, line: Line) -> Arc<LogRecord> {
        self.append(LogRecord {
            time: line.time.unwrap_or_else(UnixNanos::now),
            dataflow: self.dataflow,
            dataflow_name: self.dataflow_name.clone(),
            node: Some(node.clone()),
            level: line.level,
            stream,
            target: line.target,
            message: line.message,
            fields: line.fields,
        })
    }

    /// Writes what the runtime has to say about the dataflow, or about a node of it.
    pub fn say(&self, node: Option<&NodeId>, level: LogLevel, message: String) -> Arc<LogRecord> {
        self.append(LogRecord {
            time: UnixNanos::now(),
            dataflow: self.dataflow,
            dataflow_name: self.dataflow_name.clone(),
            node: node.cloned(),
            level,
            stream: LogStream::Runtime,
            target: Some("dora".into()),
            message,
            fields: Default::default(),
        })
    }

    fn append(&self, record: LogRecord) -> Arc<LogRecord> {
        let record = Arc::new(record);
        let mut state = self.lock();
        let state = &mut *state;
        let seq = state.next;
        state.next += 1;
        let stored = Stored {
            seq,
            time: record.time,
            level: record.level,
            stream: record.stream,
            target: record.target.clone(),
            message: record.message.clone(),
            fields: record.fields.clone(),
        };
        if let Some(writer) = state.writers.get_mut(&record.node)
            && let Err(error) = writer.append(&stored)
        {
            state.failure.get_or_insert(error);
        }
        if let Some(live) = &state.live {
            // Nobody listening is no failure.
            let _ = live.send((seq, record.clone()));
        }
        record
    }

    /// Brings what was written to disk; returns the first failure since the last call.
    pub fn flush(&self) -> io::Result<()> {
        let mut state = self.lock();
        let flushed = state.writers.values_mut().try_for_each(Writer::flush);
        state.failure.take().map_or(flushed, Err)
    }

    /// Begins to follow.
    pub fn follow(&self) -> Live {
        let mut state = self.lock();
        if let Some(error) = state.writers.values_mut().find_map(|writer| writer.flush().err()) {
            state.failure.get_or_insert(error);
        }
        Live { next: state.next, receiver: state.live.as_ref().map(broadcast::Sender::subscribe) }
    }

    /// Ends the logs: everything is on disk, and followers come to their end.
    pub fn close(&self) -> io::Result<()> {
        self.lock().live = None;
        self.flush()
    }
}
