//! Which files hold rows.

use std::path::Path;

/// A format whose files are tables, by the extension of a file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tabular {
    Csv,
    Tsv,
    Ndjson,
    Json,
    Parquet,
    Arrow,
    Sqlite,
    Workbook,
}

impl Tabular {
    /// The format that a name promises; text may be compressed, which the last extension says.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_lowercase();
        let packed = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst"));
        let (_, extension) = packed.unwrap_or(&name).rsplit_once('.')?;
        Some(match (extension, packed) {
            ("csv", _) => Tabular::Csv,
            ("tsv", _) => Tabular::Tsv,
            ("ndjson" | "jsonl", _) => Tabular::Ndjson,
            ("json", None) => Tabular::Json,
            ("parquet" | "pq", None) => Tabular::Parquet,
            ("arrow" | "feather" | "ipc", None) => Tabular::Arrow,
            ("db" | "sqlite" | "sqlite3", None) => Tabular::Sqlite,
            ("xlsx" | "xlsm" | "xlsb" | "xls" | "ods", None) => Tabular::Workbook,
            _ => return None,
        })
    }
}
