//! Contexts: coordinators of dora-rs that commands can be sent to instead of the runtimes of this home.

use std::path::PathBuf;

use diag::Result;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, named_params};

use crate::database::Store;
use crate::sql::{Columns, from_path, from_timestamp};

/// One coordinator by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextRow {
    pub name: String,
    /// `HOST:PORT`
    pub address: String,
    /// The file that has its token; without one it is looked for.
    pub token_path: Option<PathBuf>,
    pub created: Timestamp,
}

impl Store {
    /// Adds a context; false when its name is taken.
    pub fn add_context(&self, context: &ContextRow) -> Result<bool> {
        self.write(|connection| {
            let added = connection
                .prepare_cached(
                    "INSERT INTO contexts (name, address, token_path, created)
                     VALUES (:name, :address, :token_path, :created) ON CONFLICT (name) DO NOTHING",
                )?
                .execute(named_params! {
                    ":name": context.name,
                    ":address": context.address,
                    ":token_path": context.token_path.as_deref().map(from_path),
                    ":created": from_timestamp(context.created),
                })?;
            Ok(added == 1)
        })
    }

    /// Removes a context and returns it; the home is chosen when it was.
    pub fn remove_context(&self, name: &str) -> Result<Option<ContextRow>> {
        self.write(|connection| {
            connection
                .prepare_cached("DELETE FROM contexts WHERE name = ?1 RETURNING *")?
                .query_row([name], read)
                .optional()
        })
    }

    /// All contexts, by name.
    pub fn contexts(&self) -> Result<Vec<ContextRow>> {
        self.with(|connection| {
            connection.prepare_cached("SELECT * FROM contexts ORDER BY name")?.query_map([], read)?.collect()
        })
    }

    /// One context.
    pub fn context(&self, name: &str) -> Result<Option<ContextRow>> {
        self.with(|connection| {
            connection.prepare_cached("SELECT * FROM contexts WHERE name = ?1")?.query_row([name], read).optional()
        })
    }

    /// Has new shells begin with a context; `None` is this home. False when no context has the name.
    pub fn choose_context(&self, name: Option<&str>) -> Result<bool> {
        self.write(|connection| {
            connection.prepare_cached("UPDATE contexts SET chosen = NULL WHERE chosen = 1")?.execute([])?;
            let Some(name) = name else { return Ok(true) };
            Ok(connection.prepare_cached("UPDATE contexts SET chosen = 1 WHERE name = ?1")?.execute([name])? == 1)
        })
    }

    /// The context that new shells begin with; `None` is this home.
    pub fn chosen_context(&self) -> Result<Option<String>> {
        self.with(|connection| {
            let chosen = "SELECT name FROM contexts WHERE chosen = 1";
            connection.prepare_cached(chosen)?.query_row([], |row| row.get(0)).optional()
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<ContextRow> {
    Ok(ContextRow {
        name: row.get("name")?,
        address: row.get("address")?,
        token_path: row.get::<_, Option<String>>("token_path")?.map(PathBuf::from),
        created: row.timestamp("created")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Home;

    #[test]
    fn contexts_are_added_once_chosen_and_removed() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Home::at(root.path().join("home")));
        let context = |name: &str| ContextRow {
            name: name.to_string(),
            address: "robot:6013".to_string(),
            token_path: Some("/home/me/token".into()),
            created: Timestamp::from_second(7).unwrap(),
        };
        assert!(store.add_context(&context("lab")).unwrap());
        assert!(store.add_context(&context("field")).unwrap());
        assert!(!store.add_context(&context("lab")).unwrap());
        assert_eq!(store.contexts().unwrap(), [context("field"), context("lab")]);

        assert_eq!(store.chosen_context().unwrap(), None);
        assert!(store.choose_context(Some("field")).unwrap());
        assert!(store.choose_context(Some("lab")).unwrap());
        assert_eq!(store.chosen_context().unwrap().as_deref(), Some("lab"));
        assert!(!store.choose_context(Some("nowhere")).unwrap());
        assert!(store.choose_context(Some("lab")).unwrap());
        assert_eq!(store.remove_context("lab").unwrap(), Some(context("lab")));
        assert_eq!(store.remove_context("lab").unwrap(), None);
        assert_eq!(store.chosen_context().unwrap(), None);
        assert_eq!(store.context("lab").unwrap(), None);
    }
}
