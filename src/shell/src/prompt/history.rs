//! Lines typed before, kept in the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use diag::Diagnostic;
use jiff::Timestamp;
use reedline::{
    CommandLineSearch, History, HistoryItem, HistoryItemId, HistorySessionId, ReedlineError, Result, SearchDirection,
    SearchQuery,
};
use store::Store;
use store::history::{HistoryLine, HistoryQuery, HistoryRow, LineMatch};

/// The history of this session and of all earlier ones. Going back shows this session's lines first, then those
/// typed anywhere before it began; what other shells type meanwhile stays theirs.
pub struct StoredHistory {
    store: Store,
    session: i64,
    began: Timestamp,
    last: Arc<AtomicI64>,
}

impl StoredHistory {
    /// A new session's view of the store.
    pub fn new(store: Store) -> StoredHistory {
        let began = Timestamp::now();
        // Sessions of one machine begin at different nanoseconds.
        let session = i64::try_from(began.as_nanosecond()).unwrap_or(i64::MAX);
        StoredHistory { store, session, began, last: Arc::default() }
    }

    /// The way to the line that is saved last.
    pub fn last_line(&self) -> LastLine {
        LastLine { store: self.store.clone(), id: self.last.clone() }
    }

    pub fn session_id(&self) -> HistorySessionId {
        HistorySessionId::new(self.session)
    }

    fn query(&self, query: &SearchQuery) -> Result<HistoryQuery> {
        let filter = &query.filter;
        let backward = matches!(query.direction, SearchDirection::Backward);
        let (start, end) = (query.start_id.map(|id| id.0), query.end_id.map(|id| id.0));
        let (after_id, before_id) = if backward { (end, start) } else { (start, end) };
        let (from, to) = (query.start_time.and_then(to_jiff), query.end_time.and_then(to_jiff));
        let (since, until) = if backward { (to, from) } else { (from, to) };
        // Walking step by step, a line equal to the one that is shown would look like a key that did nothing.
        let not_line = match (query.limit, start) {
            (Some(1), Some(shown)) => self.store.history_line(shown).map_err(failed)?.map(|row| row.line.line),
            _ => None,
        };
        Ok(HistoryQuery {
            line: filter.command_line.as_ref().map(|search| match search {
                CommandLineSearch::Prefix(text) => LineMatch::Prefix(text.clone()),
                CommandLineSearch::Substring(text) => LineMatch::Substring(text.clone()),
                CommandLineSearch::Exact(text) => LineMatch::Exact(text.clone()),
            }),
            not_line,
            after_id,
            before_id,
            since,
            until,
            session: filter.session.map(i64::from),
            session_since: filter.session.filter(|session| session.0 == self.session).map(|_| self.began),
            host: filter.hostname.clone(),
            cwd: filter.cwd_exact.clone(),
            cwd_prefix: filter.cwd_prefix.clone(),
            successful: filter.exit_successful,
            oldest_first: !backward,
            limit: query.limit.and_then(|limit| usize::try_from(limit).ok()),
        })
    }
}

impl History for StoredHistory {
    fn save(&mut self, mut item: HistoryItem) -> Result<HistoryItem> {
        match item.id {
            Some(id) => {
                let line = to_line(&item);
                self.store.update_history(id.0, |old| merged(old, line)).map_err(failed)?;
            }
            None => {
                let id = self.store.append_history(&to_line(&item)).map_err(failed)?;
                self.last.store(id, Ordering::Relaxed);
                item.id = Some(HistoryItemId::new(id));
            }
        }
        Ok(item)
    }

    fn load(&self, id: HistoryItemId) -> Result<HistoryItem> {
        match self.store.history_line(id.0).map_err(failed)? {
            Some(row) => Ok(to_item(row)),
            None => {
                Err(std::io::Error::new(std::io::ErrorKind::NotFound, format!("no line {id} in the history")).into())
            }
        }
    }

    fn count(&self, query: SearchQuery) -> Result<i64> {
        self.store.count_history(&self.query(&query)?).map_err(failed)
    }

    fn search(&self, query: SearchQuery) -> Result<Vec<HistoryItem>> {
        let rows = self.store.search_history(&self.query(&query)?).map_err(failed)?;
        Ok(rows.into_iter().map(to_item).collect())
    }

    fn update(&mut self, id: HistoryItemId, updater: &dyn Fn(HistoryItem) -> HistoryItem) -> Result<()> {
        let change = |old: HistoryLine| {
            let row = HistoryRow { id: id.0, line: old.clone() };
            merged(old, to_line(&updater(to_item(row))))
        };
        self.store.update_history(id.0, change).map_err(failed).map(|_| ())
    }

    fn clear(&mut self) -> Result<()> {
        self.store.clear_history().map_err(failed)
    }

    fn delete(&mut self, id: HistoryItemId) -> Result<()> {
        self.store.delete_history(id.0).map_err(failed).map(|_| ())
    }

    fn sync(&mut self) -> std::io::Result<()> {
        // Each write is its own transaction.
        Ok(())
    }

    fn session(&self) -> Option<HistorySessionId> {
        Some(self.session_id())
    }
}

/// The new line with what reedline has no field for kept from the old one.
fn merged(old: HistoryLine, new: HistoryLine) -> HistoryLine {
    HistoryLine { result_type: old.result_type, result_rows: old.result_rows, ..new }
}

fn to_line(item: &HistoryItem) -> HistoryLine {
    HistoryLine {
        line: item.command_line.clone(),
        started: item.start_timestamp.and_then(to_jiff),
        duration: item.duration,
        exit_status: item.exit_status,
        cwd: item.cwd.clone(),
        session: item.session_id.map(i64::from),
        host: item.hostname.clone(),
        result_type: None,
        result_rows: None,
    }
}

fn to_item(row: HistoryRow) -> HistoryItem {
    let line = row.line;
    HistoryItem {
        id: Some(HistoryItemId::new(row.id)),
        start_timestamp: line.started.and_then(to_chrono),
        command_line: line.line,
        session_id: line.session.map(HistorySessionId::new),
        hostname: line.host,
        cwd: line.cwd,
        duration: line.duration,
        exit_status: line.exit_status,
        more_info: None,
    }
}

fn to_jiff(at: chrono::DateTime<chrono::Utc>) -> Option<Timestamp> {
    Timestamp::from_nanosecond(at.timestamp_nanos_opt()?.into()).ok()
}

fn to_chrono(at: Timestamp) -> Option<chrono::DateTime<chrono::Utc>> {
    Some(chrono::DateTime::from_timestamp_nanos(i64::try_from(at.as_nanosecond()).ok()?))
}

fn failed(error: Box<Diagnostic>) -> ReedlineError {
    std::io::Error::other(error).into()
}

/// What became of a line.
#[derive(Debug, Clone)]
pub struct LineEnd {
    pub started: Timestamp,
    pub duration: Duration,
    pub code: i32,
    pub cwd: String,
    pub result_type: Option<String>,
    pub result_rows: Option<i64>,
}

/// Writes what became of the line that was saved last.
#[derive(Clone)]
pub struct LastLine {
    store: Store,
    id: Arc<AtomicI64>,
}

impl LastLine {
    /// Forgets the last line, so that one that is not saved leaves nothing to write to.
    pub fn forget(&self) {
        self.id.store(0, Ordering::Relaxed);
    }

    /// Writes the end to the line's row, if it was saved.
    pub fn ended(&self, end: LineEnd) -> diag::Result<()> {
        let id = self.id.load(Ordering::Relaxed);
        if id == 0 {
            return Ok(());
        }
        let change = |line| HistoryLine {
            started: Some(end.started),
            duration: Some(end.duration),
            exit_status: Some(end.code.into()),
            cwd: Some(end.cwd),
            result_type: end.result_type,
            result_rows: end.result_rows,
            ..line
        };
        self.store.update_history(id, change).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reedline::SearchFilter;
    use store::Home;

    fn typed(history: &mut StoredHistory, line: &str) -> HistoryItemId {
        let mut item = HistoryItem::from_command_line(line);
        item.session_id = history.session();
        item.start_timestamp = to_chrono(Timestamp::now());
        history.save(item).unwrap().id.unwrap()
    }

    fn back(history: &StoredHistory, from: Option<HistoryItemId>, prefix: Option<&str>) -> Option<HistoryItem> {
        let mut filter = SearchFilter::anything(history.session());
        filter.command_line = prefix.map(|text| CommandLineSearch::Prefix(text.into()));
        let query = SearchQuery { start_id: from, ..SearchQuery::last_with_search(filter) };
        history.search(query).unwrap().pop()
    }

    #[test]
    fn going_back_shows_this_session_then_earlier_ones_and_no_neighbours() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Home::at(root.path()));
        let mut earlier = StoredHistory::new(store.clone());
        typed(&mut earlier, "earlier");
        let mut mine = StoredHistory::new(store);
        typed(&mut mine, "mine");
        typed(&mut earlier, "meanwhile");
        typed(&mut mine, "mine");
        let first = back(&mine, None, None).unwrap();
        let second = back(&mine, first.id, None).unwrap();
        assert_eq!((first.command_line.as_str(), second.command_line.as_str()), ("mine", "earlier"));
        assert!(back(&mine, second.id, None).is_none());
        assert_eq!(back(&mine, None, Some("ear")).unwrap().command_line, "earlier");
    }

    #[test]
    fn an_outcome_keeps_the_line_and_its_session() {
        let root = tempfile::tempdir().unwrap();
        let mut history = StoredHistory::new(Store::open(Home::at(root.path())));
        let id = typed(&mut history, "sleep 1");
        let end = LineEnd {
            started: Timestamp::now(),
            duration: Duration::from_millis(1500),
            code: 3,
            cwd: "/tmp".into(),
            result_type: Some("int".into()),
            result_rows: None,
        };
        history.last_line().ended(end.clone()).unwrap();
        let item = history.load(id).unwrap();
        assert_eq!(
            (item.exit_status, item.duration, item.cwd.as_deref()),
            (Some(3), Some(Duration::from_millis(1500)), Some("/tmp"))
        );
        assert_eq!((item.command_line.as_str(), item.session_id), ("sleep 1", history.session()));
        history.delete(id).unwrap();
        assert!(history.load(id).is_err());
        assert_eq!(history.count_all().unwrap(), 0);
        history.last_line().forget();
        history.last_line().ended(end).unwrap();
    }
}
