//! What was built and fetched before nodes were started.

use diag::Result;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, named_params};

use crate::database::Store;
use crate::sql::from_timestamp;

impl Store {
    /// Whether something with this key was built.
    pub fn is_built(&self, key: &str) -> Result<bool> {
        self.with(|connection| connection.prepare_cached("SELECT 1 FROM builds WHERE key = ?1")?.exists([key]))
    }

    /// Notes that something was built.
    pub fn record_build(&self, key: &str, at: Timestamp) -> Result<()> {
        self.write(|connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO builds (key, time) VALUES (:key, :time)")?
                .execute(named_params! { ":key": key, ":time": from_timestamp(at) })?;
            Ok(())
        })
    }

    /// The commit that a revision of a repository was when it was fetched last.
    pub fn fetched(&self, url: &str, revision: &str) -> Result<Option<String>> {
        self.with(|connection| {
            connection
                .prepare_cached("SELECT hash FROM revisions WHERE url = ?1 AND revision = ?2")?
                .query_row([url, revision], |row| row.get(0))
                .optional()
        })
    }

    /// Notes which commit a revision of a repository is.
    pub fn record_fetch(&self, url: &str, revision: &str, hash: &str, at: Timestamp) -> Result<()> {
        self.write(|connection| {
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO revisions (url, revision, hash, time)
                     VALUES (:url, :revision, :hash, :time)",
                )?
                .execute(named_params! {
                    ":url": url,
                    ":revision": revision,
                    ":hash": hash,
                    ":time": from_timestamp(at),
                })?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Home;

    #[test]
    fn what_was_built_and_fetched_is_remembered_by_every_process_of_the_home() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Home::at(root.path()));
        assert!(!store.is_built("key").unwrap());
        assert_eq!(store.fetched("url", "branch main").unwrap(), None);
        store.record_build("key", Timestamp::now()).unwrap();
        store.record_build("key", Timestamp::now()).unwrap();
        store.record_fetch("url", "branch main", "a1", Timestamp::now()).unwrap();
        store.record_fetch("url", "branch main", "b2", Timestamp::now()).unwrap();
        let other = Store::open(Home::at(root.path()));
        assert!(other.is_built("key").unwrap());
        assert_eq!(other.fetched("url", "branch main").unwrap().as_deref(), Some("b2"));
        assert_eq!(other.fetched("url", "tag v1").unwrap(), None);
    }
}
