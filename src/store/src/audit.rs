//! What was changed, by whom, and how to undo it.

use diag::Result;
use jiff::Timestamp;
use rusqlite::{Row, named_params};

use crate::database::Store;
use crate::sql::{Columns, from_timestamp};

/// One change that a person or program made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    pub time: Timestamp,
    /// The user of the operating system.
    pub who: String,
    /// The context it was made in: `local`, or the name of a coordinator.
    pub context: String,
    /// The command as it was typed.
    pub command: String,
    /// `ok`, or the code of its failure.
    pub result: String,
    /// The command that takes it back, if there is one.
    pub undo: Option<String>,
}

impl Store {
    /// Appends a change and returns its id.
    pub fn record_audit(&self, audit: &Audit) -> Result<i64> {
        self.write(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO audit (time, who, context, command, result, undo)
                     VALUES (:time, :who, :context, :command, :result, :undo)",
                )?
                .execute(named_params! {
                    ":time": from_timestamp(audit.time),
                    ":who": audit.who,
                    ":context": audit.context,
                    ":command": audit.command,
                    ":result": audit.result,
                    ":undo": audit.undo,
                })?;
            Ok(connection.last_insert_rowid())
        })
    }

    /// Changes with their ids since a moment, the latest first, at most `limit`.
    pub fn audits(&self, since: Option<Timestamp>, limit: usize) -> Result<Vec<(i64, Audit)>> {
        self.with(|connection| {
            connection
                .prepare_cached(
                    "SELECT * FROM audit WHERE :since IS NULL OR time >= :since ORDER BY id DESC LIMIT :limit",
                )?
                .query_map(
                    named_params! {
                        ":since": since.map(from_timestamp),
                        ":limit": i64::try_from(limit).unwrap_or(i64::MAX),
                    },
                    read,
                )?
                .collect()
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<(i64, Audit)> {
    let audit = Audit {
        time: row.timestamp("time")?,
        who: row.get("who")?,
        context: row.get("context")?,
        command: row.get("command")?,
        result: row.get("result")?,
        undo: row.get("undo")?,
    };
    Ok((row.get("id")?, audit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Home;

    #[test]
    fn the_latest_change_is_told_first() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Home::at(root.path()));
        let audit = |command: &str| Audit {
            time: Timestamp::now(),
            who: "ada".to_string(),
            context: "local".to_string(),
            command: command.to_string(),
            result: "ok".to_string(),
            undo: Some("dataflow start a.yml".to_string()),
        };
        store.record_audit(&audit("dataflow stop a")).unwrap();
        let second = store.record_audit(&audit("dataflow stop b")).unwrap();
        let told = store.audits(None, 1).unwrap();
        assert_eq!((told[0].0, told[0].1.command.as_str()), (second, "dataflow stop b"));
        assert_eq!(store.audits(Some(Timestamp::MAX), 9).unwrap(), []);
    }
}
