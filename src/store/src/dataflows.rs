//! Dataflows: one row for each that was started, and the claim on its name.

use std::path::PathBuf;

use diag::Result;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, named_params};
use uuid::Uuid;

use crate::database::Store;
use crate::sql::{Columns, from_path, from_timestamp};

/// One dataflow, live or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataflowRow {
    pub id: Uuid,
    /// Unique among the dataflows that live, in the whole home.
    pub name: String,
    pub runtime: Uuid,
    /// As the runtime names it: `running`, `failed`, …
    pub status: String,
    /// The file it was started from, if it was a file.
    pub descriptor_path: Option<PathBuf>,
    /// The text it was started from.
    pub descriptor: String,
    pub descriptor_hash: String,
    pub working_dir: PathBuf,
    /// How many nodes it has.
    pub nodes: u32,
    pub created: Timestamp,
    pub started: Option<Timestamp>,
    /// Live until this is set.
    pub ended: Option<Timestamp>,
    /// How often its nodes were started again, in all; known when it has ended.
    pub restarts: u32,
    /// Why it failed.
    pub cause: Option<String>,
    /// The node that made it fail.
    pub culprit: Option<String>,
    /// What the runtime told of its nodes and edges when it ended, in the runtime's own JSON.
    pub snapshot: Option<String>,
    /// What it takes to start it again, in the runtime's own JSON.
    pub options: Option<String>,
}

/// How a dataflow ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataflowEnd {
    pub status: String,
    pub at: Timestamp,
    pub restarts: u32,
    pub cause: Option<String>,
    pub culprit: Option<String>,
    pub snapshot: Option<String>,
}

/// What became of a claim on a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The row is written and the name is held until the dataflow ends.
    Granted,
    /// This dataflow holds the name; nothing was written.
    Taken(Box<DataflowRow>),
}

impl Store {
    /// Writes a new dataflow, unless a live one of any runtime of this home has its name.
    pub fn claim_dataflow(&self, dataflow: &DataflowRow) -> Result<Claim> {
        self.write(|connection| {
            let holder = connection
                .prepare_cached("SELECT * FROM dataflows WHERE name = ?1 AND ended IS NULL")?
                .query_row([&dataflow.name], read)
                .optional()?;
            if let Some(holder) = holder {
                return Ok(Claim::Taken(Box::new(holder)));
            }
            connection
                .prepare_cached(
                    "INSERT INTO dataflows (id, name, runtime, status, descriptor_path, descriptor, descriptor_hash,
                                            working_dir, nodes, created, started, ended, restarts, cause, culprit, snapshot,
                                            options)
                     VALUES (:id, :name, :runtime, :status, :descriptor_path, :descriptor, :descriptor_hash,
                             :working_dir, :nodes, :created, :started, :ended, :restarts, :cause, :culprit,
                             :snapshot, :options)",
                )?
                .execute(named_params! {
                    ":id": dataflow.id.to_string(),
                    ":name": dataflow.name,
                    ":runtime": dataflow.runtime.to_string(),
                    ":status": dataflow.status,
                    ":descriptor_path": dataflow.descriptor_path.as_deref().map(from_path),
                    ":descriptor": dataflow.descriptor,
                    ":descriptor_hash": dataflow.descriptor_hash,
                    ":working_dir": from_path(&dataflow.working_dir),
                    ":nodes": dataflow.nodes,
                    ":created": from_timestamp(dataflow.created),
                    ":started": dataflow.started.map(from_timestamp),
                    ":ended": dataflow.ended.map(from_timestamp),
                    ":restarts": dataflow.restarts,
                    ":cause": dataflow.cause,
                    ":culprit": dataflow.culprit,
                    ":snapshot": dataflow.snapshot,
                    ":options": dataflow.options,
                })?;
            Ok(Claim::Granted)
        })
    }

    /// The last ended dataflow that was started from a file, or from the same text where there was none.
    pub fn last_run(&self, file: Option<&std::path::Path>, hash: &str) -> Result<Option<DataflowRow>> {
        self.with(|connection| {
            connection
                .prepare_cached(
                    "SELECT * FROM dataflows
                     WHERE ended IS NOT NULL AND snapshot IS NOT NULL
                       AND (descriptor_path = :file OR (:file IS NULL AND descriptor_hash = :hash))
                     ORDER BY created DESC, id DESC LIMIT 1",
                )?
                .query_row(named_params! { ":file": file.map(from_path), ":hash": hash }, read)
                .optional()
        })
    }

    /// Writes the status of a live dataflow.
    pub fn set_dataflow_status(&self, id: Uuid, status: &str) -> Result<()> {
        self.write(|connection| {
            connection
                .prepare_cached("UPDATE dataflows SET status = :status WHERE id = :id AND ended IS NULL")?
                .execute(named_params! { ":id": id.to_string(), ":status": status })?;
            Ok(())
        })
    }

    /// Writes what it takes to start a live dataflow again, and how many nodes it has by now.
    pub fn set_dataflow_options(&self, id: Uuid, options: &str, nodes: u32) -> Result<()> {
        self.write(|connection| {
            connection
                .prepare_cached(
                    "UPDATE dataflows SET options = :options, nodes = :nodes WHERE id = :id AND ended IS NULL",
                )?
                .execute(named_params! { ":id": id.to_string(), ":options": options, ":nodes": nodes })?;
            Ok(())
        })
    }

    /// Notes that an ended dataflow is to be started again by the next daemon, and brought to this status.
    pub fn interrupt_dataflow(&self, id: Uuid, status: &str) -> Result<()> {
        self.write(|connection| {
            connection
                .prepare_cached("UPDATE dataflows SET interrupted = :status WHERE id = :id")?
                .execute(named_params! { ":id": id.to_string(), ":status": status })?;
            Ok(())
        })
    }

    /// Takes the dataflows that are to be started again, oldest first, with the status each is to be brought to.
    /// Nobody else gets them.
    pub fn take_interrupted(&self) -> Result<Vec<(DataflowRow, String)>> {
        self.write(|connection| {
            let taken = connection
                .prepare_cached("SELECT * FROM dataflows WHERE interrupted IS NOT NULL ORDER BY created, id")?
                .query_map([], |row| Ok((read(row)?, row.get("interrupted")?)))?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            connection.execute("UPDATE dataflows SET interrupted = NULL WHERE interrupted IS NOT NULL", [])?;
            Ok(taken)
        })
    }

    /// Writes that a dataflow runs since `at`; the first start counts.
    pub fn set_dataflow_started(&self, id: Uuid, status: &str, at: Timestamp) -> Result<()> {
        self.write(|connection| {
            connection
                .prepare_cached(
                    "UPDATE dataflows SET status = :status, started = coalesce(started, :at)
                     WHERE id = :id AND ended IS NULL",
                )?
                .execute(named_params! { ":id": id.to_string(), ":status": status, ":at": from_timestamp(at) })?;
            Ok(())
        })
    }

    /// Writes that a dataflow ended, and frees its name. Returns false when it had ended before: what was
    /// told first stays.
    pub fn end_dataflow(&self, id: Uuid, end: &DataflowEnd) -> Result<bool> {
        self.write(|connection| {
            let changed = connection
                .prepare_cached(
                    "UPDATE dataflows SET status = :status, ended = :at, restarts = :restarts, cause = :cause,
                            culprit = :culprit, snapshot = :snapshot
                     WHERE id = :id AND ended IS NULL",
                )?
                .execute(named_params! {
                    ":id": id.to_string(),
                    ":status": end.status,
                    ":at": from_timestamp(end.at),
                    ":restarts": end.restarts,
                    ":cause": end.cause,
                    ":culprit": end.culprit,
                    ":snapshot": end.snapshot,
                })?;
            Ok(changed > 0)
        })
    }

    /// One dataflow, live or ended.
    pub fn dataflow(&self, id: Uuid) -> Result<Option<DataflowRow>> {
        self.with(|connection| {
            connection
                .prepare_cached("SELECT * FROM dataflows WHERE id = ?1")?
                .query_row([id.to_string()], read)
                .optional()
        })
    }

    /// The live dataflow of this name, else the one of this name that ended last.
    pub fn dataflow_named(&self, name: &str) -> Result<Option<DataflowRow>> {
        self.with(|connection| {
            connection
                .prepare_cached(
                    "SELECT * FROM dataflows WHERE name = ?1 ORDER BY ended IS NULL DESC, created DESC LIMIT 1",
                )?
                .query_row([name], read)
                .optional()
        })
    }

    /// Dataflows that live, oldest first.
    pub fn live_dataflows(&self) -> Result<Vec<DataflowRow>> {
        self.with(|connection| {
            connection
                .prepare_cached("SELECT * FROM dataflows WHERE ended IS NULL ORDER BY created, id")?
                .query_map([], read)?
                .collect()
        })
    }

    /// Dataflows whose id begins with `prefix`, at most `limit`, latest first.
    pub fn dataflows_by_id_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<DataflowRow>> {
        self.with(|connection| {
            connection
                .prepare_cached(
                    "SELECT * FROM dataflows WHERE substr(id, 1, length(:prefix)) = :prefix
                     ORDER BY created DESC LIMIT :limit",
                )?
                .query_map(
                    named_params! {
                        ":prefix": prefix.to_lowercase(),
                        ":limit": i64::try_from(limit).unwrap_or(i64::MAX),
                    },
                    read,
                )?
                .collect()
        })
    }

    /// Dataflows that have ended, the latest first, at most `limit`.
    pub fn ended_dataflows(&self, limit: usize) -> Result<Vec<DataflowRow>> {
        self.with(|connection| {
            connection
                .prepare_cached("SELECT * FROM dataflows WHERE ended IS NOT NULL ORDER BY ended DESC, id LIMIT ?1")?
                .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], read)?
                .collect()
        })
    }

    /// Forgets a dataflow that has ended, with its processes; its events stay. Returns false when there is
    /// none or it lives.
    pub fn remove_dataflow(&self, id: Uuid) -> Result<bool> {
        self.write(|connection| {
            let changed = connection
                .prepare_cached("DELETE FROM dataflows WHERE id = ?1 AND ended IS NOT NULL")?
                .execute([id.to_string()])?;
            Ok(changed > 0)
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<DataflowRow> {
    Ok(DataflowRow {
        id: row.uuid("id")?,
        name: row.get("name")?,
        runtime: row.uuid("runtime")?,
        status: row.get("status")?,
        descriptor_path: row.get::<_, Option<String>>("descriptor_path")?.map(PathBuf::from),
        descriptor: row.get("descriptor")?,
        descriptor_hash: row.get("descriptor_hash")?,
        working_dir: PathBuf::from(row.get::<_, String>("working_dir")?),
        nodes: row.get("nodes")?,
        created: row.timestamp("created")?,
        started: row.maybe_timestamp("started")?,
        ended: row.maybe_timestamp("ended")?,
        restarts: row.get("restarts")?,
        cause: row.get("cause")?,
        culprit: row.get("culprit")?,
        snapshot: row.get("snapshot")?,
        options: row.get("options")?,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Home;

    pub(crate) fn dataflow(name: &str, runtime: Uuid) -> DataflowRow {
        DataflowRow {
            id: Uuid::now_v7(),
            name: name.to_string(),
            runtime,
            status: "created".to_string(),
            descriptor_path: Some("/w/a.yml".into()),
            descriptor: "nodes: []".to_string(),
            descriptor_hash: "h".to_string(),
            working_dir: "/w".into(),
            nodes: 2,
            created: Timestamp::now(),
            started: None,
            ended: None,
            restarts: 0,
            cause: None,
            culprit: None,
            snapshot: None,
            options: None,
        }
    }

    fn end(status: &str, cause: Option<&str>) -> DataflowEnd {
        DataflowEnd {
            status: status.to_string(),
            at: Timestamp::now(),
            restarts: 0,
            cause: cause.map(str::to_string),
            culprit: None,
            snapshot: None,
        }
    }

    fn store() -> (tempfile::TempDir, Store, Uuid) {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Home::at(root.path()));
        let runtime = crate::runtimes::tests::embedded();
        store.register_runtime(&runtime).unwrap();
        (root, store, runtime.id)
    }

    #[test]
    fn a_name_is_held_until_its_dataflow_ends() {
        let (_root, store, runtime) = store();
        let first = dataflow("demo", runtime);
        let second = dataflow("demo", runtime);
        assert_eq!(store.claim_dataflow(&first).unwrap(), Claim::Granted);
        assert_eq!(store.claim_dataflow(&second).unwrap(), Claim::Taken(Box::new(first.clone())));
        assert!(store.end_dataflow(first.id, &end("finished", None)).unwrap());
        assert_eq!(store.claim_dataflow(&second).unwrap(), Claim::Granted);
        assert_eq!(store.dataflow_named("demo").unwrap().map(|row| row.id), Some(second.id));
        assert_eq!(store.live_dataflows().unwrap(), [second]);
    }

    #[test]
    fn what_was_told_of_an_end_first_stays() {
        let (_root, store, runtime) = store();
        let row = dataflow("demo", runtime);
        store.claim_dataflow(&row).unwrap();
        assert!(store.end_dataflow(row.id, &end("failed", Some("camera died"))).unwrap());
        assert!(!store.end_dataflow(row.id, &end("stopped", None)).unwrap());
        store.set_dataflow_status(row.id, "running").unwrap();
        let found = store.dataflow(row.id).unwrap().unwrap();
        assert_eq!((found.status.as_str(), found.cause.as_deref()), ("failed", Some("camera died")));
    }

    #[test]
    fn a_live_dataflow_is_not_removed() {
        let (_root, store, runtime) = store();
        let row = dataflow("demo", runtime);
        store.claim_dataflow(&row).unwrap();
        assert!(!store.remove_dataflow(row.id).unwrap());
        store.end_dataflow(row.id, &end("finished", None)).unwrap();
        assert!(store.remove_dataflow(row.id).unwrap());
        assert_eq!(store.dataflow(row.id).unwrap(), None);
    }

    #[test]
    fn many_threads_claim_one_name_and_one_gets_it() {
        let (root, _store, runtime) = store();
        let granted: usize = std::thread::scope(|scope| {
            let claims: Vec<_> = (0..8)
                .map(|_| {
                    let store = Store::open(Home::at(root.path()));
                    scope.spawn(move || store.claim_dataflow(&dataflow("demo", runtime)).unwrap() == Claim::Granted)
                })
                .collect();
            claims.into_iter().map(|claim| usize::from(claim.join().unwrap())).sum()
        });
        assert_eq!(granted, 1);
    }
}
