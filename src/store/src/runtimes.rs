//! Runtimes of this home: shells and scripts that carry dataflows, and the daemon.

use std::path::PathBuf;

use diag::Result;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use uuid::Uuid;

use crate::database::Store;
use crate::process::ProcessId;
use crate::sql::{Columns, from_path, from_timestamp};

/// How a runtime lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuntimeKind {
    /// Inside a shell, a script or a command; it ends with that process.
    Embedded,
    /// In a background process of its own.
    Daemon,
}

impl RuntimeKind {
    /// `embedded` or `daemon`.
    pub fn name(self) -> &'static str {
        match self {
            RuntimeKind::Embedded => "embedded",
            RuntimeKind::Daemon => "daemon",
        }
    }

    fn parse(text: &str) -> Option<RuntimeKind> {
        [RuntimeKind::Embedded, RuntimeKind::Daemon].into_iter().find(|kind| kind.name() == text)
    }
}

/// One runtime that registered itself and has not said that it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeRow {
    pub id: Uuid,
    pub kind: RuntimeKind,
    pub process: ProcessId,
    /// `ws://127.0.0.1:PORT/api/control`, once its control socket listens.
    pub address: Option<String>,
    /// The file that holds the token its control socket asks for.
    pub token_path: Option<PathBuf>,
    /// The version of `dora` it runs.
    pub version: String,
    pub started: Timestamp,
}

impl Store {
    /// Registers a runtime, or adds the address of one that is registered; an address that was told stays told.
    pub fn register_runtime(&self, runtime: &RuntimeRow) -> Result<()> {
        self.write(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO runtimes (id, kind, pid, pid_started, address, token_path, version, started)
                     VALUES (:id, :kind, :pid, :pid_started, :address, :token_path, :version, :started)
                     ON CONFLICT (id) DO UPDATE SET address = coalesce(excluded.address, address),
                                                    token_path = coalesce(excluded.token_path, token_path)",
                )?
                .execute(named_params! {
                    ":id": runtime.id.to_string(),
                    ":kind": runtime.kind.name(),
                    ":pid": runtime.process.pid,
                    ":pid_started": runtime.process.started.cast_signed(),
                    ":address": runtime.address,
                    ":token_path": runtime.token_path.as_deref().map(from_path),
                    ":version": runtime.version,
                    ":started": from_timestamp(runtime.started),
                })?;
            Ok(())
        })
    }

    /// Notes that a runtime ended. Ending one twice, or one that is unknown, changes nothing.
    pub fn end_runtime(&self, id: Uuid, at: Timestamp) -> Result<()> {
        self.write(|connection| {
            connection
                .prepare_cached("UPDATE runtimes SET ended = :at WHERE id = :id AND ended IS NULL")?
                .execute(named_params! { ":id": id.to_string(), ":at": from_timestamp(at) })?;
            Ok(())
        })
    }

    /// Runtimes that have not ended as far as the records know, oldest first. Their processes may be dead.
    pub fn runtimes(&self) -> Result<Vec<RuntimeRow>> {
        self.with(|connection| {
            connection
                .prepare_cached("SELECT * FROM runtimes WHERE ended IS NULL ORDER BY started, id")?
                .query_map([], read)?
                .collect()
        })
    }

    /// One runtime, ended or not.
    pub fn runtime(&self, id: Uuid) -> Result<Option<RuntimeRow>> {
        self.with(|connection| find(connection, id))
    }
}

fn find(connection: &Connection, id: Uuid) -> rusqlite::Result<Option<RuntimeRow>> {
    connection.prepare_cached("SELECT * FROM runtimes WHERE id = ?1")?.query_row([id.to_string()], read).optional()
}

fn read(row: &Row<'_>) -> rusqlite::Result<RuntimeRow> {
    Ok(RuntimeRow {
        id: row.uuid("id")?,
        kind: row.named("kind", RuntimeKind::parse)?,
        process: ProcessId { pid: row.get("pid")?, started: row.get::<_, i64>("pid_started")?.cast_unsigned() },
        address: row.get("address")?,
        token_path: row.get::<_, Option<String>>("token_path")?.map(PathBuf::from),
        version: row.get("version")?,
        started: row.timestamp("started")?,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Home;

    pub(crate) fn embedded() -> RuntimeRow {
        RuntimeRow {
            id: Uuid::now_v7(),
            kind: RuntimeKind::Embedded,
            process: ProcessId::current(),
            address: None,
            token_path: None,
            version: "0.1.0".to_string(),
            started: Timestamp::now(),
        }
    }

    #[test]
    fn a_runtime_is_listed_until_it_ends_and_its_address_may_come_later() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Home::at(root.path()));
        let mut runtime = embedded();
        store.register_runtime(&runtime).unwrap();
        runtime.address = Some("ws://127.0.0.1:1/api/control".to_string());
        runtime.token_path = Some("/t".into());
        store.register_runtime(&runtime).unwrap();
        store.register_runtime(&RuntimeRow { address: None, token_path: None, ..runtime.clone() }).unwrap();
        assert_eq!(store.runtimes().unwrap(), std::slice::from_ref(&runtime));
        store.end_runtime(runtime.id, Timestamp::now()).unwrap();
        assert_eq!(store.runtimes().unwrap(), []);
        assert_eq!(store.runtime(runtime.id).unwrap(), Some(runtime));
    }
}
