//! Lines typed at the prompt, with what became of them.

use std::time::Duration;

use diag::Result;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, ToSql, named_params};

use crate::database::Store;
use crate::sql::{Columns, from_duration, from_timestamp};

/// One line that was run. Everything but the line may be unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryLine {
    pub line: String,
    pub started: Option<Timestamp>,
    pub duration: Option<Duration>,
    pub exit_status: Option<i64>,
    pub cwd: Option<String>,
    /// The shell session it was typed in.
    pub session: Option<i64>,
    pub host: Option<String>,
    /// The type of its result, as the language names it.
    pub result_type: Option<String>,
    /// How many rows the result had, if it was a table.
    pub result_rows: Option<i64>,
}

/// A recorded line. Ids grow with time and are never given twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    pub id: i64,
    pub line: HistoryLine,
}

/// How the text of a line is matched, case and all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineMatch {
    Prefix(String),
    Substring(String),
    Exact(String),
}

/// Which lines to read. The default is all, latest first.
#[derive(Debug, Clone, Default)]
pub struct HistoryQuery {
    pub line: Option<LineMatch>,
    /// Skips lines that are exactly this.
    pub not_line: Option<String>,
    /// Only ids greater than this.
    pub after_id: Option<i64>,
    /// Only ids smaller than this.
    pub before_id: Option<i64>,
    /// Only lines started at or after this moment.
    pub since: Option<Timestamp>,
    /// Only lines started at or before this moment.
    pub until: Option<Timestamp>,
    /// This session, and with [`HistoryQuery::session_since`] also lines of others from before it began.
    pub session: Option<i64>,
    pub session_since: Option<Timestamp>,
    pub host: Option<String>,
    pub cwd: Option<String>,
    pub cwd_prefix: Option<String>,
    /// True: only lines that ended well; false: only lines that did not.
    pub successful: Option<bool>,
    pub oldest_first: bool,
    pub limit: Option<usize>,
}

impl Store {
    /// Appends a line and returns its id.
    pub fn append_history(&self, line: &HistoryLine) -> Result<i64> {
        self.write(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO history (line, started, duration, exit_status, cwd, session, host, result_type,
                                          result_rows)
                     VALUES (:line, :started, :duration, :exit_status, :cwd, :session, :host, :result_type,
                             :result_rows)",
                )?
                .execute(columns(line).as_params().as_slice())?;
            Ok(connection.last_insert_rowid())
        })
    }

    /// Changes a recorded line with `change`, atomically. Returns false when there is none of this id.
    pub fn update_history(&self, id: i64, change: impl FnOnce(HistoryLine) -> HistoryLine) -> Result<bool> {
        self.write(|connection| {
            let found =
                connection.prepare_cached("SELECT * FROM history WHERE id = ?1")?.query_row([id], read).optional()?;
            let Some(found) = found else { return Ok(false) };
            let changed = change(found.line);
            let changed = columns(&changed);
            let mut params = changed.as_params();
            params.push((":id", &id));
            connection
                .prepare_cached(
                    "UPDATE history SET line = :line, started = :started, duration = :duration,
                            exit_status = :exit_status, cwd = :cwd, session = :session, host = :host,
                            result_type = :result_type, result_rows = :result_rows
                     WHERE id = :id",
                )?
                .execute(params.as_slice())?;
            Ok(true)
        })
    }

    pub fn history_line(&self, id: i64) -> Result<Option<HistoryRow>> {
        self.with(|connection| {
            connection.prepare_cached("SELECT * FROM history WHERE id = ?1")?.query_row([id], read).optional()
        })
    }

    /// Reads lines, latest first unless asked otherwise.
    pub fn search_history(&self, query: &HistoryQuery) -> Result<Vec<HistoryRow>> {
        let order = if query.oldest_first { "id ASC" } else { "id DESC" };
        let sql = format!("SELECT * FROM history WHERE {FILTER} ORDER BY {order} LIMIT :limit");
        self.filtered(&sql, query, |statement, params| statement.query_map(params, read)?.collect())
    }

    /// Counts the lines a query would read.
    pub fn count_history(&self, query: &HistoryQuery) -> Result<i64> {
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM history WHERE {FILTER} LIMIT :limit)");
        self.filtered(&sql, query, |statement, params| statement.query_row(params, |row| row.get(0)))
    }

    /// Forgets one line. Returns false when there is none of this id.
    pub fn delete_history(&self, id: i64) -> Result<bool> {
        self.write(|connection| Ok(connection.prepare_cached("DELETE FROM history WHERE id = ?1")?.execute([id])? > 0))
    }

    /// Forgets every line.
    pub fn clear_history(&self) -> Result<()> {
        self.write(|connection| connection.execute("DELETE FROM history", []).map(|_| ()))
    }

    fn filtered<T>(
        &self,
        sql: &str,
        query: &HistoryQuery,
        read: impl FnOnce(&mut rusqlite::CachedStatement<'_>, &[(&str, &dyn ToSql)]) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let (prefix, substring, exact) = match &query.line {
            None => (None, None, None),
            Some(LineMatch::Prefix(text)) => (Some(text), None, None),
            Some(LineMatch::Substring(text)) => (None, Some(text), None),
            Some(LineMatch::Exact(text)) => (None, None, Some(text)),
        };
        self.with(|connection| {
            read(
                &mut connection.prepare_cached(sql)?,
                named_params! {
                    ":prefix": prefix,
                    ":substring": substring,
                    ":exact": exact,
                    ":not_line": query.not_line,
                    ":after_id": query.after_id,
                    ":before_id": query.before_id,
                    ":since": query.since.map(from_timestamp),
                    ":until": query.until.map(from_timestamp),
                    ":session": query.session,
                    ":session_since": query.session_since.map(from_timestamp),
                    ":host": query.host,
                    ":cwd": query.cwd,
                    ":cwd_prefix": query.cwd_prefix,
                    ":successful": query.successful,
                    ":limit": query.limit.and_then(|n| i64::try_from(n).ok()).unwrap_or(-1),
                },
            )
        })
    }
}

/// `substr` and `instr` rather than LIKE: what is typed may hold `%` and `_`, and case counts.
const FILTER: &str = "
    (:prefix IS NULL OR substr(line, 1, length(:prefix)) = :prefix)
    AND (:substring IS NULL OR instr(line, :substring) > 0)
    AND (:exact IS NULL OR line = :exact)
    AND (:not_line IS NULL OR line <> :not_line)
    AND (:after_id IS NULL OR id > :after_id)
    AND (:before_id IS NULL OR id < :before_id)
    AND (:since IS NULL OR started >= :since)
    AND (:until IS NULL OR started <= :until)
    AND (:session IS NULL OR session = :session OR (:session_since IS NOT NULL AND started < :session_since))
    AND (:host IS NULL OR host = :host)
    AND (:cwd IS NULL OR cwd = :cwd)
    AND (:cwd_prefix IS NULL OR substr(cwd, 1, length(:cwd_prefix)) = :cwd_prefix)
    AND (:successful IS NULL OR (coalesce(exit_status, 0) = 0) = :successful)";

/// A line as columns, so that inserting and updating bind the same things.
struct LineColumns<'a> {
    line: &'a HistoryLine,
    started: Option<i64>,
    duration: Option<i64>,
}

fn columns(line: &HistoryLine) -> LineColumns<'_> {
    LineColumns { line, started: line.started.map(from_timestamp), duration: line.duration.map(from_duration) }
}

impl LineColumns<'_> {
    fn as_params(&self) -> Vec<(&'static str, &dyn ToSql)> {
        vec![
            (":line", &self.line.line),
            (":started", &self.started),
            (":duration", &self.duration),
            (":exit_status", &self.line.exit_status),
            (":cwd", &self.line.cwd),
            (":session", &self.line.session),
            (":host", &self.line.host),
            (":result_type", &self.line.result_type),
            (":result_rows", &self.line.result_rows),
        ]
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<HistoryRow> {
    Ok(HistoryRow {
        id: row.get("id")?,
        line: HistoryLine {
            line: row.get("line")?,
            started: row.maybe_timestamp("started")?,
            duration: row.maybe_duration("duration")?,
            exit_status: row.get("exit_status")?,
            cwd: row.get("cwd")?,
            session: row.get("session")?,
            host: row.get("host")?,
            result_type: row.get("result_type")?,
            result_rows: row.get("result_rows")?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Home;

    fn store() -> (tempfile::TempDir, Store) {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Home::at(root.path()));
        (root, store)
    }

    fn typed(store: &Store, line: &str, session: i64, cwd: &str) -> i64 {
        let line = HistoryLine {
            line: line.to_string(),
            session: Some(session),
            cwd: Some(cwd.to_string()),
            started: Some(Timestamp::now()),
            ..Default::default()
        };
        store.append_history(&line).unwrap()
    }

    fn found(store: &Store, query: HistoryQuery) -> Vec<String> {
        store.search_history(&query).unwrap().into_iter().map(|row| row.line.line).collect()
    }

    #[test]
    fn lines_are_found_by_prefix_substring_session_and_directory() {
        let (_root, store) = store();
        typed(&store, "dataflow list", 1, "/a");
        typed(&store, "echo 100%_done", 1, "/a/b");
        typed(&store, "Dataflow list", 2, "/b");
        let line = |line| HistoryQuery { line: Some(line), ..Default::default() };
        assert_eq!(found(&store, line(LineMatch::Prefix("dataf".into()))), ["dataflow list"]);
        assert_eq!(found(&store, line(LineMatch::Prefix("e%".into()))), [""; 0]);
        assert_eq!(found(&store, line(LineMatch::Substring("0%_".into()))), ["echo 100%_done"]);
        assert_eq!(found(&store, HistoryQuery { session: Some(2), ..Default::default() }), ["Dataflow list"]);
        let under = HistoryQuery { cwd_prefix: Some("/a".into()), oldest_first: true, ..Default::default() };
        assert_eq!(store.count_history(&under).unwrap(), 2);
        assert_eq!(found(&store, under), ["dataflow list", "echo 100%_done"]);
    }

    #[test]
    fn a_session_sees_what_was_typed_before_it_began_but_not_its_neighbours() {
        let (_root, store) = store();
        typed(&store, "before", 1, "/");
        let began = Timestamp::now();
        typed(&store, "mine", 2, "/");
        typed(&store, "neighbour", 1, "/");
        let query = HistoryQuery { session: Some(2), session_since: Some(began), ..Default::default() };
        assert_eq!(found(&store, query), ["mine", "before"]);
    }

    #[test]
    fn walking_back_by_id_skips_the_line_that_is_shown() {
        let (_root, store) = store();
        typed(&store, "a", 1, "/");
        typed(&store, "b", 1, "/");
        let last = typed(&store, "b", 1, "/");
        let query =
            HistoryQuery { before_id: Some(last), not_line: Some("b".into()), limit: Some(1), ..Default::default() };
        assert_eq!(found(&store, query), ["a"]);
    }

    #[test]
    fn a_line_gets_its_outcome_later_and_a_deleted_id_is_never_given_again() {
        let (_root, store) = store();
        let id = typed(&store, "open a.csv", 1, "/");
        let outcome = |line| HistoryLine {
            duration: Some(Duration::from_millis(5)),
            exit_status: Some(1),
            result_rows: Some(3),
            ..line
        };
        assert!(store.update_history(id, outcome).unwrap());
        let row = store.history_line(id).unwrap().unwrap();
        assert_eq!((row.line.exit_status, row.line.duration), (Some(1), Some(Duration::from_millis(5))));
        assert_eq!(store.count_history(&HistoryQuery { successful: Some(true), ..Default::default() }).unwrap(), 0);
        assert!(store.delete_history(id).unwrap());
        assert!(!store.update_history(id, |line| line).unwrap());
        assert!(typed(&store, "next", 1, "/") > id);
    }
}
