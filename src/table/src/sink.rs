//! Tables into files. A file is written beside its place, synced, and takes its name when it is whole, so that what
//! was there survives every failure and may be read by the very query that writes.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diag::{Diagnostic, Result, codes};
use polars::prelude as pl;
use polars::prelude::SchemaExt as _;
use value::{Table, Value};

use crate::construct::in_columns;
use crate::frame::Frame;
use crate::interrupt;
use crate::kind::Kind;
use crate::run::run;
use crate::source::{OFFSET_MARK, TYPE_MARK};
use crate::text::{CsvLayout, csv_header, csv_lines, json_lines, write_json};

/// Writes a table as csv; rows pass through, and never all lie in memory at once.
///
/// # Errors
/// `FILE_UNWRITABLE`, `NOT_TABULAR`, and whatever reading the table meets.
pub fn csv(table: &dyn Table, path: &Path, layout: &CsvLayout) -> Result<()> {
    let mut header = String::new();
    let names = csv_header(table, layout, &mut header)?;
    by_batches(table, path, &header, |rows, out| csv_lines(rows, &names, layout, out), "")
}

/// Writes a table as one JSON object a line.
///
/// # Errors
/// As for [`csv`].
pub fn ndjson(table: &dyn Table, path: &Path) -> Result<()> {
    by_batches(table, path, "", json_lines, "")
}

/// Writes a table as a JSON list of objects.
///
/// # Errors
/// As for [`csv`].
pub fn json(table: &dyn Table, path: &Path) -> Result<()> {
    let mut first = true;
    let write = |rows: &[Value], out: &mut String| {
        for row in rows {
            out.push_str(if first { "\n" } else { ",\n" });
            first = false;
            write_json(row, out)?;
        }
        Ok(())
    };
    by_batches(table, path, "[", write, "\n]\n")
}

/// Writes a table as parquet. Rows must be alike, or be made of columns.
///
/// # Errors
/// As for [`csv`].
pub fn parquet(table: &dyn Table, path: &Path) -> Result<()> {
    let made;
    let frame = match table.as_any().downcast_ref::<Frame>() {
        Some(frame) => frame,
        None => {
            made = in_columns(&table.rows()?, None)?;
            made.as_ref().and_then(|table| table.as_any().downcast_ref::<Frame>()).ok_or_else(|| {
                Diagnostic::new(codes::NOT_TABULAR, "parquet needs rows with the same fields and one type in each")
                    .help("`select` the fields that all rows have, or save as ndjson")
            })?
        }
    };
    let part = Part::beside(path)?;
    let schema: pl::Schema =
        frame.columns.iter().map(|(name, kind)| ((&**name).into(), kind.storage())).collect();
    let mut marked = schema.to_arrow(pl::CompatLevel::newest());
    for ((name, kind), (_, field)) in frame.columns.iter().zip(marked.iter_mut()) {
        debug_assert_eq!(**name, *field.name.as_str());
        let mut marks = std::collections::BTreeMap::new();
        marks.insert(TYPE_MARK.into(), pl::PlSmallStr::from_string(kind.to_type().to_string()));
        if let Kind::DateTime(offset) = kind {
            marks.insert(OFFSET_MARK.into(), pl::PlSmallStr::from_string(offset.to_string()));
        }
        field.metadata = Some(Arc::new(marks));
    }
    let options = pl::ParquetWriteOptions {
        arrow_schema: Some(Arc::new(marked)),
        compat_level: Some(pl::CompatLevel::newest()),
        ..Default::default()
    };
    let target = pl::SinkDestination::File {
        target: pl::SinkTarget::Path(pl::PlRefPath::new(&*part.path.to_string_lossy())),
    };
    frame.check_sources()?;
    let query = frame.query.clone();
    run(move || {
        query
            .sink(target, pl::FileWriteFormat::Parquet(Arc::new(options)), pl::UnifiedSinkArgs::default())?
            .collect_with_engine(pl::Engine::Streaming)
            .map(|_| ())
    })?;
    frame.check_sources()?;
    part.finish()
}

fn by_batches(
    table: &dyn Table,
    path: &Path,
    before: &str,
    mut write: impl FnMut(&[Value], &mut String) -> Result<()>,
    after: &str,
) -> Result<()> {
    let part = Part::beside(path)?;
    let mut file = BufWriter::new(part.open()?);
    let mut text = before.to_string();
    for batch in table.batches() {
        interrupt::check()?;
        write(&batch?, &mut text)?;
        file.write_all(text.as_bytes()).map_err(|error| unwritable(path, &error))?;
        text.clear();
    }
    text.push_str(after);
    file.write_all(text.as_bytes()).and_then(|()| file.flush()).map_err(|error| unwritable(path, &error))?;
    part.finish()
}

/// A file on its way; removed unless it is finished.
struct Part {
    path: PathBuf,
    place: PathBuf,
    finished: bool,
}

impl Part {
    fn beside(place: &Path) -> Result<Part> {
        // What a link leads to is replaced, not the link.
        let place = place.canonicalize().unwrap_or_else(|_| place.to_path_buf());
        let place = std::path::absolute(&place).map_err(|error| unwritable(&place, &error))?;
        let Some(name) = place.file_name() else {
            return Err(Diagnostic::new(codes::FILE_UNWRITABLE, format!("`{}` names no file", place.display())));
        };
        if place.is_dir() {
            return Err(Diagnostic::new(codes::FILE_UNWRITABLE, format!("`{}` is a directory", place.display())));
        }
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.{}.part", std::process::id(), next_number()));
        Ok(Part { path: place.with_file_name(hidden), place, finished: false })
    }

    fn open(&self) -> Result<File> {
        File::create(&self.path).map_err(|error| unwritable(&self.place, &error))
    }

    /// Syncs the file, gives it its name, and syncs the directory that holds the name.
    fn finish(mut self) -> Result<()> {
        let named = || {
            File::open(&self.path)?.sync_all()?;
            if let Ok(about) = std::fs::metadata(&self.place) {
                std::fs::set_permissions(&self.path, about.permissions())?;
            }
            std::fs::rename(&self.path, &self.place)?;
            self.place.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        };
        named().map_err(|error| unwritable(&self.place, &error))?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.finished {
            // It may never have been made.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Tells apart what one process writes at the same time.
fn next_number() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Box<Diagnostic> {
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or(&reason).to_lowercase();
    Diagnostic::new(codes::FILE_UNWRITABLE, format!("`{}` cannot be written: {reason}", path.display()))
}
