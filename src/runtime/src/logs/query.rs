//! Which records are wanted, and the stream of them.

use std::collections::BinaryHeap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diag::{Diagnostic, Result, codes};
use dora_message::id::NodeId;
use futures::stream::{self, BoxStream, StreamExt};
use regex::Regex;
use tokio::sync::broadcast::error::RecvError;

use super::files::{self, Backwards, Stored};
use super::journal::{Journal, Live};
use crate::model::{DataflowId, LogLevel, LogQuery, LogRecord, UnixNanos};

/// A dataflow's logs, whether it still writes them or not.
pub struct Logs {
    pub dataflow: DataflowId,
    pub dataflow_name: String,
    pub directory: PathBuf,
    /// Given while it runs.
    pub journal: Option<Arc<Journal>>,
}

/// A query made ready to be asked many times.
#[derive(Clone)]
pub struct Filter {
    nodes: Vec<NodeId>,
    since: Option<UnixNanos>,
    until: Option<UnixNanos>,
    levels: Vec<LogLevel>,
    grep: Option<Regex>,
}

impl Filter {
    pub fn new(query: &LogQuery) -> Result<Self> {
        let grep = query.grep.as_deref().map(Regex::new).transpose().map_err(|error| {
            Diagnostic::new(codes::INVALID_LOG_QUERY, "the pattern to look for is not a regular expression")
                .cause(error.to_string())
                .help("escape characters such as ( [ . * with a backslash to mean them literally")
        })?;
        Ok(Filter {
            nodes: query.nodes.clone(),
            since: query.since,
            until: query.until,
            levels: query.levels.clone(),
            grep,
        })
    }

    /// Whether nothing but the node decides whether a record is wanted.
    pub fn takes_all(&self) -> bool {
        self.since.is_none() && self.until.is_none() && self.levels.is_empty() && self.grep.is_none()
    }

    fn wants_node(&self, node: Option<&str>) -> bool {
        self.nodes.is_empty() || self.nodes.iter().any(|wanted| Some(wanted.as_ref()) == node)
    }

    fn fits(&self, time: UnixNanos, level: LogLevel, message: &str) -> bool {
        self.since.is_none_or(|since| time >= since)
            && self.until.is_none_or(|until| time < until)
            && (self.levels.is_empty() || self.levels.contains(&level))
            && self.grep.as_ref().is_none_or(|grep| grep.is_match(message))
    }

    /// Whether a record is wanted.
    pub fn fits_record(&self, record: &LogRecord) -> bool {
        self.wants_node(record.node.as_ref().map(AsRef::as_ref))
            && self.fits(record.time, record.level, &record.message)
    }
}

/// What a follower keeps between records.
struct Follower {
    logs: Logs,
    filter: Filter,
    live: Live,
    /// Read from disk and not given out yet, the next one last.
    ready: Vec<LogRecord>,
}

/// Answers a query: what is on disk in order of time, then, when asked to follow, what comes.
pub async fn answer(logs: Logs, query: LogQuery) -> Result<BoxStream<'static, Result<LogRecord>>> {
    let filter = Filter::new(&query)?;
    let live = match &logs.journal {
        Some(journal) => journal.follow(),
        None => Live { next: u64::MAX, receiver: None },
    };
    let (logs, mut ready) = on_disk(logs, filter.clone(), 0..live.next, query.tail).await?;
    ready.reverse();
    let live = if query.follow { live } else { Live { receiver: None, ..live } };
    let follower = Follower { logs, filter, live, ready };
    Ok(stream::try_unfold(follower, |mut follower| async move {
        let record = follower.next().await?;
        Ok(record.map(|record| (record, follower)))
    })
    .boxed())
}

impl Follower {
    async fn next(&mut self) -> Result<Option<LogRecord>> {
        loop {
            if let Some(record) = self.ready.pop() {
                return Ok(Some(record));
            }
            let Some(receiver) = &mut self.live.receiver else { return Ok(None) };
            match receiver.recv().await {
                Ok((seq, record)) if seq >= self.live.next => {
                    self.live.next = seq + 1;
                    if self.filter.fits_record(&record) {
                        return Ok(Some(Arc::unwrap_or_clone(record)));
                    }
                }
                Ok(_) => {}
                Err(RecvError::Closed) => return Ok(None),
                Err(RecvError::Lagged(_)) => self.catch_up().await?,
            }
        }
    }

    /// Reads from disk what came faster than it was taken.
    async fn catch_up(&mut self) -> Result<()> {
        let Some(journal) = &self.logs.journal else { return Ok(()) };
        let live = journal.follow();
        let missed = self.live.next..live.next;
        let logs = Logs {
            dataflow: self.logs.dataflow,
            dataflow_name: self.logs.dataflow_name.clone(),
            directory: self.logs.directory.clone(),
            journal: None,
        };
        self.live = live;
        self.ready = on_disk(logs, self.filter.clone(), missed, None).await?.1;
        self.ready.reverse();
        Ok(())
    }
}

async fn on_disk(
    logs: Logs,
    filter: Filter,
    numbers: std::ops::Range<u64>,
    tail: Option<usize>,
) -> Result<(Logs, Vec<LogRecord>)> {
    let read = tokio::task::spawn_blocking(move || {
        let records = read(&logs, &filter, numbers, tail);
        (logs, records)
    });
    let (logs, records) = read.await.map_err(|error| unreadable(Path::new("logs"), &io::Error::other(error)))?;
    match records {
        Ok(records) => Ok((logs, records)),
        Err(error) => Err(unreadable(&logs.directory, &error)),
    }
}

fn unreadable(directory: &Path, error: &io::Error) -> Box<Diagnostic> {
    Diagnostic::new(codes::RUNTIME_FAILED, format!("the logs in {} cannot be read", directory.display()))
        .cause(error.to_string())
}

/// Records that fit, in order; with `tail`, the last so many of them.
fn read(
    logs: &Logs,
    filter: &Filter,
    numbers: std::ops::Range<u64>,
    tail: Option<usize>,
) -> io::Result<Vec<LogRecord>> {
    // The kept ones with the first on top, so that it can give way to a later one.
    let mut kept = BinaryHeap::new();
    let limit = tail.unwrap_or(usize::MAX);
    if limit == 0 {
        return Ok(Vec::new());
    }
    for (node, files) in files::list(&logs.directory)? {
        if !filter.wants_node(node.as_deref()) {
            continue;
        }
        let node: Option<NodeId> = node.and_then(|node| node.parse().ok());
        let mut from_this = 0;
        'files: for file in files {
            for line in Backwards::open(&file)? {
                // A line that a crash cut short is no record.
                let Ok(stored) = serde_json::from_slice::<Stored>(&line?) else { continue };
                if stored.seq < numbers.start || from_this >= limit {
                    break 'files;
                }
                if stored.seq >= numbers.end || !filter.fits(stored.time, stored.level, &stored.message) {
                    continue;
                }
                from_this += 1;
                let (time, seq) = (stored.time, stored.seq);
                kept.push(std::cmp::Reverse(Ordered((time, seq), record(logs, node.clone(), stored))));
                if kept.len() > limit {
                    kept.pop();
                }
            }
        }
    }
    // Reversed twice: ascending order of `Reverse` is descending in time.
    let mut records: Vec<LogRecord> = kept.into_sorted_vec().into_iter().map(|entry| entry.0.1).collect();
    records.reverse();
    Ok(records)
}

fn record(logs: &Logs, node: Option<NodeId>, stored: Stored) -> LogRecord {
    LogRecord {
        time: stored.time,
        dataflow: logs.dataflow,
        dataflow_name: logs.dataflow_name.clone(),
        node,
        level: stored.level,
        stream: stored.stream,
        target: stored.target,
        message: stored.message,
        fields: stored.fields,
    }
}

/// A record, compared by time and number.
struct Ordered((UnixNanos, u64), LogRecord);

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::plan::LogRules;
    use crate::logs::line::Line;
    use crate::model::LogStream;

    fn world() -> (tempfile::TempDir, Arc<Journal>) {
        let directory = tempfile::tempdir().unwrap();
        let journal =
            Journal::open(DataflowId::generate(), "demo".into(), directory.path(), Default::default()).unwrap();
        for node in ["a", "b"] {
            journal.add(&node.parse().unwrap(), &LogRules::default()).unwrap();
        }
        (directory, Arc::new(journal))
    }

    fn logs(journal: &Arc<Journal>) -> Logs {
        Logs {
            dataflow: journal.dataflow,
            dataflow_name: journal.dataflow_name.clone(),
            directory: journal.directory.clone(),
            journal: Some(journal.clone()),
        }
    }

    fn print(journal: &Journal, node: &str, text: &str) {
        journal.printed(&node.parse().unwrap(), LogStream::Stdout, Line::parse(text));
    }

    async fn ask(journal: &Arc<Journal>, change: impl FnOnce(&mut LogQuery)) -> Vec<String> {
        let mut query = LogQuery::new("demo");
        change(&mut query);
        let records = answer(logs(journal), query).await.unwrap();
        records.map(|record| record.unwrap().message).collect().await
    }

    #[tokio::test]
    async fn the_tail_is_of_all_nodes_together_and_in_order() {
        let (_directory, journal) = world();
        for (node, text) in [("a", "1"), ("b", "2"), ("b", "3"), ("a", "WARN 4"), ("b", "5")] {
            print(&journal, node, text);
        }
        assert_eq!(ask(&journal, |query| query.tail = Some(3)).await, ["3", "WARN 4", "5"]);
        assert_eq!(ask(&journal, |query| query.nodes = vec!["a".parse().unwrap()]).await, ["1", "WARN 4"]);
        assert_eq!(ask(&journal, |query| query.levels = vec![LogLevel::Warn]).await, ["WARN 4"]);
        assert_eq!(ask(&journal, |query| query.grep = Some("[35]".into())).await, ["3", "5"]);
    }

    #[tokio::test]
    async fn a_follower_misses_and_repeats_nothing_even_when_it_falls_far_behind() {
        let (_directory, journal) = world();
        let number = |at: usize| format!("{at}");
        (0..10).for_each(|at| print(&journal, "a", &number(at)));
        let query = LogQuery { follow: true, ..LogQuery::new("demo") };
        let records = answer(logs(&journal), query).await.unwrap();
        (10..10_000).for_each(|at| print(&journal, "b", &number(at)));
        journal.close().unwrap();
        let got: Vec<String> = records.map(|record| record.unwrap().message).collect().await;
        assert!(got == (0..10_000).map(number).collect::<Vec<_>>(), "got {} records", got.len());
    }

    #[tokio::test]
    async fn a_bad_pattern_is_told() {
        let (_directory, journal) = world();
        let query = LogQuery { grep: Some("(".into()), ..LogQuery::new("demo") };
        let error = answer(logs(&journal), query).await.err().unwrap();
        assert_eq!(error.code, codes::INVALID_LOG_QUERY);
    }
}
