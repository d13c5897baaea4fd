//! How our types are written in columns: moments as nanoseconds since the epoch, uuids as text, paths as text
//! (bytes that are no UTF-8 are replaced: they are shown, not opened, from here), durations as nanoseconds.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Row;
use uuid::Uuid;

pub fn from_timestamp(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(if at < Timestamp::UNIX_EPOCH { i64::MIN } else { i64::MAX })
}

pub fn from_duration(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

pub fn from_path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Reads columns by name, as our types.
pub trait Columns {
    fn timestamp(&self, column: &str) -> rusqlite::Result<Timestamp>;
    fn maybe_timestamp(&self, column: &str) -> rusqlite::Result<Option<Timestamp>>;
    fn maybe_duration(&self, column: &str) -> rusqlite::Result<Option<Duration>>;
    fn uuid(&self, column: &str) -> rusqlite::Result<Uuid>;
    /// Any text that names a value of a closed set.
    fn named<T>(&self, column: &str, read: impl FnOnce(&str) -> Option<T>) -> rusqlite::Result<T>;
}

impl Columns for Row<'_> {
    fn timestamp(&self, column: &str) -> rusqlite::Result<Timestamp> {
        Ok(to_timestamp(self.get(column)?))
    }

    fn maybe_timestamp(&self, column: &str) -> rusqlite::Result<Option<Timestamp>> {
        Ok(self.get::<_, Option<i64>>(column)?.map(to_timestamp))
    }

    fn maybe_duration(&self, column: &str) -> rusqlite::Result<Option<Duration>> {
        let nanoseconds: Option<i64> = self.get(column)?;
        Ok(nanoseconds.map(|n| Duration::from_nanos(u64::try_from(n).unwrap_or(0))))
    }

    fn uuid(&self, column: &str) -> rusqlite::Result<Uuid> {
        self.named(column, |text| Uuid::parse_str(text).ok())
    }

    fn named<T>(&self, column: &str, read: impl FnOnce(&str) -> Option<T>) -> rusqlite::Result<T> {
        let text: String = self.get(column)?;
        read(&text).ok_or_else(|| {
            let told = format!("column `{column}` holds {text:?}");
            rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, told.into())
        })
    }
}

fn to_timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or(Timestamp::UNIX_EPOCH)
}
