//! What has become of dataflows since the last prompt, from the store, which answers at once whatever runs where.

use std::collections::HashMap;

use diag::Result;
use store::Store;
use store::events::{EventKind, EventQuery, EventRow};

use super::text::Flow;

/// The store as one prompt after another sees it.
pub(super) struct News {
    store: Store,
    /// The last event that was seen.
    seen: i64,
}

impl News {
    /// Begins with what happens from now on.
    pub fn new(store: Store) -> News {
        let mut news = News { store, seen: 0 };
        let _ = news.skip();
        news
    }

    /// Passes over what has happened.
    pub fn skip(&mut self) -> Result<()> {
        if let Some(last) = self.store.events(&EventQuery { last: Some(1), ..EventQuery::default() })?.last() {
            self.seen = last.id;
        }
        Ok(())
    }

    /// A line for each node that has failed since the last look.
    pub fn failures(&mut self) -> Result<Vec<String>> {
        let rows = self.store.events(&EventQuery { after: Some(self.seen), ..EventQuery::default() })?;
        self.seen = rows.last().map_or(self.seen, |row| row.id);
        Ok(rows.iter().filter_map(failure).collect())
    }

    /// The dataflows that run, with how many of their nodes have failed.
    pub fn flows(&self) -> Result<Vec<Flow>> {
        let flow = |row: store::dataflows::DataflowRow| {
            // A node that was restarted has several processes; the last one counts.
            let mut last = HashMap::new();
            for process in self.store.node_processes(row.id)? {
                let failed = process.signal.is_some() || process.exit_code.is_some_and(|code| code != 0);
                last.insert(process.node, process.ended.is_some() && failed);
            }
            let failed = last.values().filter(|failed| **failed).count();
            Ok(Flow { name: row.name, nodes: row.nodes.try_into().unwrap_or(usize::MAX), failed })
        };
        self.store.live_dataflows()?.into_iter().map(flow).collect()
    }
}

fn failure(row: &EventRow) -> Option<String> {
    let EventKind::Transition { to, .. } = &row.event.kind else { return None };
    let node = row.event.node.as_ref().filter(|_| to == "failed")?;
    let why = if row.event.why.is_empty() { String::new() } else { format!(": {}", row.event.why) };
    Some(format!("node `{}/{node}` has failed{why}", row.event.dataflow_name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use store::Home;
    use store::events::Event;

    #[test]
    fn each_failure_of_a_node_is_told_once() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Home::at(root.path()));
        let happens = |sequence, node: Option<&str>, to: &str| {
            let event = Event {
                time: Timestamp::now(),
                dataflow: Default::default(),
                dataflow_name: "demo".into(),
                sequence,
                node: node.map(str::to_string),
                kind: EventKind::Transition { from: "running".into(), to: to.into() },
                why: "killed by signal 9".into(),
            };
            store.record_events(&[event]).unwrap();
        };
        happens(1, Some("old"), "failed");
        let mut news = News::new(store.clone());
        happens(2, Some("imu"), "failed");
        happens(3, Some("camera"), "stopped");
        happens(4, None, "failed");
        assert_eq!(news.failures().unwrap(), ["node `demo/imu` has failed: killed by signal 9"]);
        assert!(news.failures().unwrap().is_empty());
    }
}
