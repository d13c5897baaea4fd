//! The database: opened on first use, migrated once, shared by many processes.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use diag::{Diagnostic, Result, codes};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

use crate::home::Home;

/// How long a statement waits for another process's write before it gives up.
///
/// Writes here take microseconds; only a stopped process (a debugger, a suspended disk) holds the lock longer.
const BUSY: Duration = Duration::from_secs(5);

/// Every schema change in order; its number is its place. Never edited once released: add another.
const STEPS: &[M<'static>] =
    &[M::up(include_str!("migrations/001_initial.sql")), M::up(include_str!("migrations/002_options.sql"))];

/// The state of one home. Clones share one connection.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    home: Home,
    connection: Mutex<Option<Connection>>,
}

impl Store {
    /// Names the store of a home; the database is opened, and made if need be, when it is first used.
    pub fn open(home: Home) -> Store {
        Store(Arc::new(Inner { home, connection: Mutex::new(None) }))
    }

    pub fn home(&self) -> &Home {
        &self.0.home
    }

    /// Runs `work` on the connection and tells a failure for the person at the prompt.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T> {
        let mut slot = self.0.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match slot.as_mut() {
            Some(connection) => connection,
            None => slot.insert(connect(&self.0.home)?),
        };
        work(connection).map_err(|error| explain(&self.0.home.database(), error))
    }

    /// Runs `work` in one transaction that holds the write lock from its start: what it reads stays true
    /// until it is committed. Any error undoes all of it.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.0.home.database()).finish()
    }
}

fn connect(home: &Home) -> Result<Connection> {
    let path = home.database();
    Home::create(home.data())?;
    let mut connection = Connection::open(&path).map_err(|error| explain(&path, error))?;
    let current = prepare(&connection).map_err(|error| explain(&path, error))?;
    if current != STEPS.len() {
        migrate(&mut connection, &path)?;
    }
    Ok(connection)
}

/// Settings of a connection; returns the version of the schema it finds.
fn prepare(connection: &Connection) -> rusqlite::Result<usize> {
    connection.busy_timeout(BUSY)?;
    // In WAL mode NORMAL outlives the death of any process. A power cut may take the last moments with it
    // but never the consistency, and takes the processes they speak of as well.
    connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;")?;
    connection.set_prepared_statement_cache_capacity(64);
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(version as usize)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    // Migrations read the version and then change it, and a switch to WAL does not wait for a busy database:
    // one process at a time does both. The kernel releases this lock when its holder dies.
    let lock_path = path.with_extension("db.lock");
    let unwritable =
        |error: std::io::Error| unwritable(path).cause(format!("{}: {}", lock_path.display(), diag::os_reason(&error)));
    let lock = std::fs::File::create(&lock_path).map_err(unwritable)?;
    lock.lock().map_err(unwritable)?;
    connection
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0))
        .map_err(|error| explain(path, error))?;
    Migrations::from_slice(STEPS).to_latest(connection).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => explain(path, err),
        rusqlite_migration::Error::MigrationDefinition(_) => newer(path),
        other => failed(path).cause(other.to_string()),
    })
}

fn explain(path: &Path, error: rusqlite::Error) -> Box<Diagnostic> {
    let diagnostic = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => damaged(path),
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure,
        ) => unwritable(path),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => busy(path),
        _ => failed(path),
    };
    diagnostic.cause(error.to_string())
}

fn damaged(path: &Path) -> Box<Diagnostic> {
    let shown = shell_quoted(path);
    Diagnostic::new(codes::STATE_DAMAGED, format!("the state database {} is damaged", path.display()))
        .help("nothing was deleted; set it aside and dora begins an empty one, or put a backup in its place")
        .next(format!("mv {shown} {shown}.damaged"))
}

fn unwritable(path: &Path) -> Box<Diagnostic> {
    Diagnostic::new(codes::STATE_UNWRITABLE, format!("the state database {} cannot be written", path.display()))
        .help("give this user the right to write there, make room on the disk, or name another place")
        .next("export DORA_HOME=/path/to/directory")
}

fn busy(path: &Path) -> Box<Diagnostic> {
    Diagnostic::new(
        codes::STATE_BUSY,
        format!("another process kept the state database {} locked for {} seconds", path.display(), BUSY.as_secs()),
    )
    .help("it may be suspended or under a debugger; the same command works once it goes on or ends")
    .retryable()
}

fn newer(path: &Path) -> Box<Diagnostic> {
    Diagnostic::new(codes::STATE_NEWER, format!("the state database {} was written by a newer dora", path.display()))
        .help("use that version, or a home of its own for this one")
        .next("export DORA_HOME=/path/to/directory")
}

fn failed(path: &Path) -> Box<Diagnostic> {
    Diagnostic::new(codes::STATE_FAILED, format!("the state database {} could not answer", path.display()))
}

fn shell_quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::history::HistoryQuery;

    fn home() -> (tempfile::TempDir, Home) {
        let root = tempfile::tempdir().unwrap();
        let home = Home::at(root.path().join("home"));
        (root, home)
    }

    fn ask(home: &Home) -> Result<i64> {
        Store::open(home.clone()).count_history(&HistoryQuery::default())
    }

    #[test]
    fn naming_a_store_touches_no_disk() {
        let (root, home) = home();
        let store = Store::open(home);
        assert!(!root.path().join("home").exists());
        store.runtimes().unwrap();
        assert!(store.home().database().exists());
    }

    #[test]
    fn a_file_that_is_no_database_is_told_and_left_alone() {
        let (_root, home) = home();
        Home::create(home.data()).unwrap();
        let junk = "not a database, but 100 bytes or more of something else that somebody may want to keep".repeat(20);
        std::fs::write(home.database(), &junk).unwrap();
        let error = ask(&home).unwrap_err();
        assert_eq!(error.code, codes::STATE_DAMAGED, "{error:?}");
        assert!(error.next[0].starts_with("mv '"), "{:?}", error.next);
        assert_eq!(std::fs::read_to_string(home.database()).unwrap(), junk);
    }

    #[test]
    fn a_database_with_torn_pages_is_told_as_damaged() {
        let (_root, home) = home();
        let store = Store::open(home.clone());
        for _ in 0..200 {
            let line = crate::history::HistoryLine { line: "x".repeat(500), ..Default::default() };
            store.append_history(&line).unwrap();
        }
        // The last connection to close writes everything into the one file.
        drop(store);
        let mut bytes = std::fs::read(home.database()).unwrap();
        let header = 4096;
        bytes[header..].fill(0xa5);
        std::fs::write(home.database(), &bytes).unwrap();
        assert_eq!(ask(&home).unwrap_err().code, codes::STATE_DAMAGED);
    }

    #[test]
    fn a_database_that_cannot_be_opened_is_told_with_its_path() {
        let (_root, home) = home();
        Home::create(&home.database()).unwrap();
        let error = ask(&home).unwrap_err();
        assert_eq!(error.code, codes::STATE_UNWRITABLE, "{error:?}");
        assert!(error.message.contains("dora.db"), "{error:?}");
    }

    #[test]
    fn the_state_of_a_newer_version_is_left_alone() {
        let (_root, home) = home();
        ask(&home).unwrap();
        Connection::open(home.database()).unwrap().pragma_update(None, "user_version", 9999).unwrap();
        assert_eq!(ask(&home).unwrap_err().code, codes::STATE_NEWER);
    }

    #[test]
    fn a_lock_that_is_never_released_ends_in_an_error_that_may_be_tried_again() {
        let (_root, home) = home();
        let store = Store::open(home.clone());
        store.runtimes().unwrap();
        let holder = Connection::open(home.database()).unwrap();
        holder.execute_batch("BEGIN IMMEDIATE").unwrap();
        store.with(|connection| connection.busy_timeout(Duration::from_millis(20))).unwrap();
        let error = store.clear_history().unwrap_err();
        assert_eq!(error.code, codes::STATE_BUSY, "{error:?}");
        assert!(error.retryable);
        drop(holder);
        store.clear_history().unwrap();
    }

    #[test]
    fn a_statement_that_fails_for_another_reason_has_a_code_too() {
        let (_root, home) = home();
        let error = Store::open(home).with(|c| c.execute("INSERT INTO audit DEFAULT VALUES", [])).unwrap_err();
        assert_eq!(error.code, codes::STATE_FAILED, "{error:?}");
    }

    #[test]
    fn migrations_are_sound() {
        Migrations::from_slice(STEPS).validate().unwrap();
    }

    #[test]
    fn opening_a_prepared_store_is_cheap() {
        let (_root, home) = home();
        ask(&home).unwrap();
        let best = (0..20)
            .map(|_| {
                let start = Instant::now();
                ask(&home).unwrap();
                start.elapsed()
            })
            .min()
            .unwrap();
        assert!(best < Duration::from_millis(3), "the fastest of 20 openings took {best:?}");
        println!("opening and one query: {best:?}");
    }
}
