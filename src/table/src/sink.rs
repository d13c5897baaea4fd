//! Tables into files. A file is written beside its place, synced, and takes its name when it is whole, so that what
//! was there survives every failure and may be read by the very query that writes.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diag::{Diagnostic, Result, codes, os_reason};
use polars::prelude as pl;
use polars::prelude::SchemaExt as _;
use value::interrupt;
use value::{Table, Value};

use crate::construct::in_columns;
use crate::frame::Frame;
use crate::json;
use crate::kind::{Columns, Kind};
use crate::run::run;
use crate::source::{OFFSET_MARK, TYPE_MARK};
use crate::text::{CsvLayout, csv_header, csv_lines};

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
/// As for [`csv()`].
pub fn ndjson(table: &dyn Table, path: &Path) -> Result<()> {
    by_batches(table, path, "", json::lines, "")
}

/// Writes a table as a JSON list of objects.
///
/// # Errors
/// As for [`csv()`].
pub fn json(table: &dyn Table, path: &Path) -> Result<()> {
    let mut first = true;
    let write = |rows: &[Value], out: &mut String| {
        for row in rows {
            out.push_str(if first { "\n" } else { ",\n" });
            first = false;
            out.push_str(&json::written(row, "JSON", |value| serde_json::to_string(value))?);
        }
        Ok(())
    };
    by_batches(table, path, "[", write, "\n]\n")
}

/// How columns are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Zstd,
    Snappy,
    Lz4,
    Gzip,
}

/// Writes a table as parquet. Rows must be alike, or be made of columns.
///
/// # Errors
/// As for [`csv()`].
pub fn parquet(table: &dyn Table, path: &Path, compression: Compression) -> Result<()> {
    let frame = columnar(table, "parquet")?;
    let part = Part::beside(path)?;
    let target = pl::SinkDestination::File { target: pl::SinkTarget::Path(part.engine_path()) };
    let format = parquet_format(&frame.columns, compression);
    write(&frame, frame.streamable()?, target, format)?;
    part.finish()
}

/// Writes a table as a directory of parquet files, one for each combination of the values of some columns, which
/// are in the paths and not in the files: as Hive lays tables out. The directory appears whole.
///
/// # Errors
/// As for [`csv()`].
pub fn partitions(table: &dyn Table, path: &Path, keys: &[Arc<str>], compression: Compression) -> Result<()> {
    let frame = columnar(table, "parquet")?;
    let stored: Columns = frame.columns.iter().filter(|(name, _)| !keys.contains(name)).cloned().collect();
    if stored.is_empty() {
        return Err(Diagnostic::new(
            codes::NOT_TABULAR,
            "files of no columns: the table is partitioned by all that it has",
        ));
    }
    let part = Part::directory(path)?;
    let target = pl::SinkDestination::Partitioned {
        base_path: part.engine_path(),
        file_path_provider: None,
        partition_strategy: pl::PartitionStrategy::Keyed {
            keys: keys.iter().map(|key| crate::lower::column(key)).collect(),
            include_keys: false,
            keys_pre_grouped: false,
        },
        max_rows_per_file: pl::IdxSize::MAX,
        approximate_bytes_per_file: u64::MAX,
    };
    write(&frame, frame.streamable()?, target, parquet_format(&stored, compression))?;
    part.finish()
}

/// Writes a table as an Arrow file, also known as Feather. Filesizes become ints: the format has no place for them.
///
/// # Errors
/// As for [`csv()`].
pub fn arrow(table: &dyn Table, path: &Path, compression: Compression) -> Result<()> {
    let frame = columnar(table, "Arrow")?;
    let compression = match compression {
        Compression::None => None,
        Compression::Zstd => Some(pl::IpcCompression::default()),
        Compression::Lz4 => Some(pl::IpcCompression::LZ4),
        Compression::Snappy | Compression::Gzip => {
            return Err(Diagnostic::new(codes::NOT_TABULAR, "Arrow files are compressed with zstd or lz4"));
        }
    };
    let part = Part::beside(path)?;
    let target = pl::SinkDestination::File { target: pl::SinkTarget::Path(part.engine_path()) };
    let query = frame.streamable()?.select(crate::lower::without_units(&frame.columns));
    let options = pl::IpcWriterOptions { compression, compat_level: pl::CompatLevel::oldest(), ..Default::default() };
    write(&frame, query, target, pl::FileWriteFormat::Ipc(options))?;
    part.finish()
}

/// The table in columns; a format of columns has no place for rows that are unlike.
fn columnar(table: &dyn Table, format: &str) -> Result<Frame> {
    if let Some(frame) = table.as_any().downcast_ref::<Frame>() {
        return Ok(frame.clone());
    }
    let made = in_columns(&table.rows()?, None)?;
    made.as_ref().and_then(|table| table.as_any().downcast_ref::<Frame>()).cloned().ok_or_else(|| {
        Diagnostic::new(codes::NOT_TABULAR, format!("{format} needs rows with the same fields and one type in each"))
            .help("`select` the fields that all rows have, or save as ndjson")
    })
}

fn parquet_format(columns: &Columns, compression: Compression) -> pl::FileWriteFormat {
    let schema: pl::Schema = columns.iter().map(|(name, kind)| ((&**name).into(), kind.storage())).collect();
    let mut marked = schema.to_arrow(pl::CompatLevel::newest());
    for ((name, kind), (_, field)) in columns.iter().zip(marked.iter_mut()) {
        debug_assert_eq!(**name, *field.name.as_str());
        let mut marks = std::collections::BTreeMap::new();
        marks.insert(TYPE_MARK.into(), pl::PlSmallStr::from_string(kind.to_type().to_string()));
        if let Kind::DateTime(offset) = kind {
            marks.insert(OFFSET_MARK.into(), pl::PlSmallStr::from_string(offset.to_string()));
        }
        field.metadata = Some(Arc::new(marks));
    }
    pl::FileWriteFormat::Parquet(Arc::new(pl::ParquetWriteOptions {
        compression: match compression {
            Compression::None => pl::ParquetCompression::Uncompressed,
            Compression::Zstd => pl::ParquetCompression::Zstd(None),
            Compression::Snappy => pl::ParquetCompression::Snappy,
            Compression::Lz4 => pl::ParquetCompression::Lz4Raw,
            Compression::Gzip => pl::ParquetCompression::Gzip(None),
        },
        arrow_schema: Some(Arc::new(marked)),
        compat_level: Some(pl::CompatLevel::newest()),
        ..Default::default()
    }))
}

/// Streams a query into files.
fn write(frame: &Frame, query: pl::LazyFrame, target: pl::SinkDestination, format: pl::FileWriteFormat) -> Result<()> {
    frame.check_sources()?;
    let args = pl::UnifiedSinkArgs { mkdir: true, ..Default::default() };
    run(move || query.sink(target, format, args)?.collect_with_engine(pl::Engine::Streaming).map(|_| ()))?;
    frame.check_sources()
}

fn by_batches(
    table: &dyn Table,
    path: &Path,
    before: &str,
    mut write: impl FnMut(&[Value], &mut String) -> Result<()>,
    after: &str,
) -> Result<()> {
    let part = Part::beside(path)?;
    let mut file = Packed::new(part.open()?, path).map_err(|error| unwritable(path, &error))?;
    let mut text = before.to_string();
    for batch in table.batches() {
        interrupt::check()?;
        write(&batch?, &mut text)?;
        file.write_all(text.as_bytes()).map_err(|error| unwritable(path, &error))?;
        text.clear();
    }
    text.push_str(after);
    file.write_all(text.as_bytes()).and_then(|()| file.finish()).map_err(|error| unwritable(path, &error))?;
    part.finish()
}

/// A text file, compressed as its name says.
enum Packed {
    Plain(BufWriter<File>),
    Gzip(flate2::write::GzEncoder<BufWriter<File>>),
    Zstd(zstd::Encoder<'static, BufWriter<File>>),
}

impl Packed {
    fn new(file: File, named: &Path) -> std::io::Result<Self> {
        let file = BufWriter::new(file);
        Ok(match named.extension().and_then(|extension| extension.to_str()) {
            Some("gz") => Packed::Gzip(flate2::write::GzEncoder::new(file, flate2::Compression::default())),
            Some("zst") => Packed::Zstd(zstd::Encoder::new(file, zstd::DEFAULT_COMPRESSION_LEVEL)?),
            _ => Packed::Plain(file),
        })
    }

    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Packed::Plain(file) => file.write_all(bytes),
            Packed::Gzip(file) => file.write_all(bytes),
            Packed::Zstd(file) => file.write_all(bytes),
        }
    }

    fn finish(self) -> std::io::Result<()> {
        let mut file = match self {
            Packed::Plain(file) => file,
            Packed::Gzip(file) => file.finish()?,
            Packed::Zstd(file) => file.finish()?,
        };
        file.flush()
    }
}

/// A file or directory on its way to its place, where it appears whole; removed unless it is finished. A device or
/// pipe is written to where it is, never replaced.
pub struct Part {
    path: PathBuf,
    place: PathBuf,
    moves: bool,
}

impl Part {
    /// A part of what shall be at `place`, with a name of its own, however many write there at once.
    ///
    /// # Errors
    /// `FILE_UNWRITABLE` where no file can be.
    pub fn beside(place: &Path) -> Result<Part> {
        // What a link leads to is replaced, not the link.
        let place = place.canonicalize().unwrap_or_else(|_| place.to_path_buf());
        let place = std::path::absolute(&place).map_err(|error| unwritable(&place, &error))?;
        let Some(name) = place.file_name() else {
            return Err(Diagnostic::new(codes::FILE_UNWRITABLE, format!("`{}` names no file", place.display())));
        };
        if place.is_dir() {
            return Err(Diagnostic::new(codes::FILE_UNWRITABLE, format!("`{}` is a directory", place.display())));
        }
        if place.metadata().is_ok_and(|about| !about.is_file()) {
            return Ok(Part { path: place.clone(), place, moves: false });
        }
        let path = place.with_file_name(hidden(name));
        Ok(Part { path, place, moves: true })
    }

    /// The same of a directory, which is made here. One that is there already is replaced.
    ///
    /// # Errors
    /// `FILE_UNWRITABLE` where no directory can be.
    pub fn directory(place: &Path) -> Result<Part> {
        let place = std::path::absolute(place).map_err(|error| unwritable(place, &error))?;
        let Some(name) = place.file_name() else {
            return Err(Diagnostic::new(codes::FILE_UNWRITABLE, format!("`{}` names no directory", place.display())));
        };
        let path = place.with_file_name(hidden(name));
        std::fs::create_dir(&path).map_err(|error| unwritable(&place, &error))?;
        Ok(Part { path, place, moves: true })
    }

    fn engine_path(&self) -> pl::PlRefPath {
        pl::PlRefPath::new(&*self.path.to_string_lossy())
    }

    /// Opens it for writing.
    ///
    /// # Errors
    /// `FILE_UNWRITABLE`
    pub fn open(&self) -> Result<File> {
        let opened = if self.moves { File::create(&self.path) } else { File::options().write(true).open(&self.path) };
        opened.map_err(|error| unwritable(&self.place, &error))
    }

    /// Syncs the file, gives it its name, and syncs the directory that holds the name.
    ///
    /// # Errors
    /// `FILE_UNWRITABLE`; then nothing has changed.
    pub fn finish(mut self) -> Result<()> {
        if !self.moves {
            return Ok(());
        }
        let named = || {
            File::open(&self.path)?.sync_all()?;
            if let Ok(about) = std::fs::metadata(&self.place) {
                std::fs::set_permissions(&self.path, about.permissions())?;
            }
            if self.path.is_dir() && self.place.exists() {
                // A directory cannot take the place of another one that has files: the old one steps aside.
                let old = self.path.with_extension("old");
                std::fs::rename(&self.place, &old)?;
                std::fs::rename(&self.path, &self.place)?;
                if old.is_dir() { std::fs::remove_dir_all(&old)? } else { std::fs::remove_file(&old)? }
            } else {
                std::fs::rename(&self.path, &self.place)?;
            }
            self.place.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        };
        named().map_err(|error| unwritable(&self.place, &error))?;
        self.moves = false;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.moves {
            // It may never have been made.
            let _ =
                if self.path.is_dir() { std::fs::remove_dir_all(&self.path) } else { std::fs::remove_file(&self.path) };
        }
    }
}

/// A name beside another one that lists do not show.
fn hidden(name: &std::ffi::OsStr) -> std::ffi::OsString {
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.{}.part", std::process::id(), next_number()));
    hidden
}

/// Tells apart what one process writes at the same time.
fn next_number() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// The error for a file that cannot be written.
pub fn unwritable(path: &Path, error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::new(codes::FILE_UNWRITABLE, format!("`{}` cannot be written: {}", path.display(), os_reason(error)))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use value::expr::ExprKind;
    use value::literal::to_literal;
    use value::ops::Operator;
    use value::{DateTime, Expr, Fields, Record, Stage, Type};

    use super::*;
    use crate::source::{self, ScanOptions};

    fn rows(count: i64) -> Vec<Value> {
        let row = |n: i64| {
            let null = |value: Value| if n % 5 == 4 { Value::Nothing } else { value };
            let fields: Record = [
                ("n", Value::Int(n - 3)),
                ("odd name, \"x\"", null(Value::string(["a", "", " b", "c,\"d\"\ne", "é"][n as usize % 4]))),
                ("x", null(Value::Float([0.5, -1.0, 1e300, 3.0][n as usize % 4]))),
                ("ok", null(Value::Bool(n % 2 == 0))),
                ("took", null(Value::Duration(n * 1_000_001))),
                ("size", null(Value::Filesize(n * 1024))),
                ("at", null(Value::DateTime(DateTime { nanos: 1_700_000_000_123_456_789 + n, offset: 3600 }))),
            ]
            .into_iter()
            .collect();
            Value::record(fields)
        };
        (0..count).map(row).collect()
    }

    fn shown(rows: &[Value]) -> String {
        rows.iter().map(|row| to_literal(row) + "\n").collect()
    }

    fn schema(text: &str) -> ScanOptions {
        let Ok(Type::Record(schema)) = Type::parse(text) else { panic!("{text} is a record type") };
        ScanOptions { schema, ..ScanOptions::default() }
    }

    #[test]
    fn what_is_written_reads_back_from_every_format() {
        let folder = tempfile::tempdir().unwrap();
        let rows = rows(23);
        let units = schema("record<took: duration, size: filesize, at: datetime>");
        for table in [crate::as_rows(rows.clone(), None).unwrap(), in_columns(&rows, None).unwrap().unwrap()] {
            let path = folder.path().join("a [b] *.csv");
            csv(&*table, &path, &CsvLayout::default()).unwrap();
            assert_eq!(shown(&source::csv(&path, &units).unwrap().rows().unwrap()), shown(&rows));

            let path = folder.path().join("a [b] *.ndjson");
            ndjson(&*table, &path).unwrap();
            assert_eq!(shown(&source::ndjson(&path, &units).unwrap().rows().unwrap()), shown(&rows));

            let path = folder.path().join("a [b] *.parquet");
            parquet(&*table, &path, Compression::Zstd).unwrap();
            let back = source::parquet(&path).unwrap();
            assert_eq!(back.schema().unwrap(), table.schema().unwrap());
            assert_eq!(shown(&back.rows().unwrap()), shown(&rows));
            assert_eq!((back.len().unwrap(), shown(&back.slice(20, 5).unwrap())), (23, shown(&rows[20..])));
        }
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 3, "nothing is left beside: {left:?}");
    }

    #[test]
    fn text_is_compressed_as_its_name_says() {
        let folder = tempfile::tempdir().unwrap();
        let rows = rows(23);
        let table = crate::as_rows(rows.clone(), None).unwrap();
        let units = schema("record<took: duration, size: filesize, at: datetime>");
        for (name, magic) in [("t.csv.gz", vec![0x1f, 0x8b]), ("t.csv.zst", vec![0x28, 0xb5, 0x2f, 0xfd])] {
            let path = folder.path().join(name);
            csv(&*table, &path, &CsvLayout::default()).unwrap();
            assert!(std::fs::read(&path).unwrap().starts_with(&magic));
            assert_eq!(shown(&source::csv(&path, &units).unwrap().rows().unwrap()), shown(&rows));
            let path = folder.path().join(name.replace("csv", "ndjson"));
            ndjson(&*table, &path).unwrap();
            assert!(std::fs::read(&path).unwrap().starts_with(&magic));
            assert_eq!(shown(&source::ndjson(&path, &units).unwrap().rows().unwrap()), shown(&rows));
        }
    }

    #[test]
    fn arrow_files_keep_all_but_filesizes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t [a].arrow");
        let rows = rows(23);
        let table = in_columns(&rows, None).unwrap().unwrap();
        for compression in [Compression::None, Compression::Zstd, Compression::Lz4] {
            arrow(&*table, &path, compression).unwrap();
            let back = source::arrow(&path).unwrap();
            let of = |table: &dyn Table| table.schema().unwrap().get("took").cloned();
            assert_eq!((of(&*back), back.len().unwrap()), (Some(Type::Duration), 23));
            assert_eq!(format!("{:?}", back.column("took").unwrap()), format!("{:?}", table.column("took").unwrap()));
        }
    }

    #[test]
    fn a_directory_of_partitions_reads_back_with_its_columns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.parquet");
        let rows: Vec<Value> = (0..40_i64)
            .map(|n| {
                let fields = [
                    ("day", Value::Int(n % 3)),
                    ("robot", Value::from(["a b", "é"][n as usize % 2])),
                    ("n", Value::Duration(n)),
                ];
                Value::record(fields.into_iter().collect())
            })
            .collect();
        let table = in_columns(&rows, None).unwrap().unwrap();
        for _ in 0..2 {
            partitions(&*table, &path, &["day".into(), "robot".into()], Compression::Snappy).unwrap();
            let mut paths: Vec<PathBuf> = Vec::new();
            let mut folders = vec![path.clone()];
            while let Some(folder) = folders.pop() {
                for entry in folder.read_dir().unwrap() {
                    let path = entry.unwrap().path();
                    if path.is_dir() { folders.push(path) } else { paths.push(path) }
                }
            }
            assert_eq!(paths.len(), 6, "{paths:?}");
            paths.sort();
            let files = source::Files { paths, partitioned_below: Some(path.clone()), kept: None };
            let back = source::parquet(files).unwrap();
            let mut read: Vec<String> = back
                .stage(&Stage::Select(vec!["day".into(), "robot".into(), "n".into()]))
                .unwrap()
                .unwrap()
                .rows()
                .unwrap()
                .iter()
                .map(to_literal)
                .collect();
            let mut expected: Vec<String> = rows.iter().map(to_literal).collect();
            read.sort();
            expected.sort();
            assert_eq!(read, expected);
        }
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "nothing is left beside");
    }

    #[test]
    fn nested_values_pass_through_parquet_and_json() {
        let folder = tempfile::tempdir().unwrap();
        let text = "{\"l\":[1,null,3],\"r\":{\"a\":\"x\",\"b\":null}}\n{\"l\":[],\"r\":{\"a\":null,\"b\":2}}\n{\"l\":null,\"r\":null}\n";
        let table = crate::text::from_ndjson(text).unwrap();
        let path = folder.path().join("nested");
        parquet(&*table, &path, Compression::Zstd).unwrap();
        assert_eq!(crate::text::to_ndjson(&*source::parquet(&path).unwrap()).unwrap(), text);
        json(&*table, &path).unwrap();
        assert_eq!(crate::text::to_ndjson(&*source::json(&path).unwrap()).unwrap(), text);
        ndjson(&*table, &path).unwrap();
        assert_eq!(crate::text::to_ndjson(&*source::ndjson(&path, &ScanOptions::default()).unwrap()).unwrap(), text);
    }

    #[test]
    fn a_file_is_read_and_rewritten_by_one_query() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, "a\n1\n2\n3\n").unwrap();
        let span = diag::Span::default();
        let column = Box::new(Expr::new(ExprKind::Column("a".into()), span));
        let one = Box::new(Expr::new(ExprKind::Literal(Value::Int(1)), span));
        let large = Expr::new(ExprKind::Binary(Operator::Greater, column, one), span);
        let table = source::csv(&path, &ScanOptions::default()).unwrap();
        let table = table.stage(&Stage::Filter(large)).unwrap().unwrap();
        csv(&*table, &path, &CsvLayout::default()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\n2\n3\n");
        // What the table promised is gone now.
        assert_eq!(table.rows().unwrap_err().code, codes::FILE_CHANGED);
    }

    #[test]
    fn a_file_that_changed_is_an_error_and_a_collected_table_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, "a\n1\n").unwrap();
        let lazy = source::csv(&path, &ScanOptions::default()).unwrap();
        let frozen = lazy.collect().unwrap();
        std::fs::write(&path, "a\n7\n").unwrap();
        let later = SystemTime::now() + Duration::from_secs(10);
        File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
        for result in
            [lazy.rows().map(|_| ()), lazy.len().map(|_| ()), lazy.batches().try_for_each(|rows| rows.map(|_| ()))]
        {
            assert_eq!(result.unwrap_err().code, codes::FILE_CHANGED);
        }
        assert_eq!(shown(&frozen.rows().unwrap()), "{a: 1}\n");
    }

    #[test]
    fn a_cell_that_does_not_fit_is_told_with_file_and_column() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, "a,b\n1,2\n3,x\n").unwrap();
        let options = ScanOptions { infer_rows: 1, ..ScanOptions::default() };
        let error = source::csv(&path, &options).unwrap().rows().unwrap_err();
        assert_eq!(error.code, codes::BAD_CONTENT, "{error:?}");
        assert!(error.message.contains("t.csv") && error.message.contains("`b`"), "{error:?}");
        let error = source::csv(&path, &schema("record<b: duration>")).unwrap().rows().unwrap_err();
        assert_eq!(error.code, codes::BAD_CONTENT, "{error:?}");
    }

    #[test]
    fn files_that_are_not_there_or_not_what_they_seem_are_coded_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t");
        assert_eq!(source::parquet(&path).err().map(|error| error.code), Some(codes::FILE_UNREADABLE));
        assert_eq!(
            source::csv(folder.path(), &ScanOptions::default()).err().map(|e| e.code),
            Some(codes::FILE_UNREADABLE)
        );
        std::fs::write(&path, "no parquet").unwrap();
        assert_eq!(source::parquet(&path).err().map(|error| error.code), Some(codes::BAD_CONTENT));
        assert_eq!(source::json(&path).err().map(|error| error.code), Some(codes::BAD_CONTENT));
        assert_eq!(source::ndjson(&path, &ScanOptions::default()).err().map(|e| e.code), Some(codes::BAD_CONTENT));
        std::fs::write(&path, "").unwrap();
        let empty = source::csv(&path, &ScanOptions::default()).unwrap();
        assert_eq!((empty.schema().unwrap(), empty.len().unwrap()), (Fields::default(), 0));
        let table = crate::as_rows(rows(1), None).unwrap();
        let nowhere = folder.path().join("nowhere/t.csv");
        let error = csv(&*table, &nowhere, &CsvLayout::default()).unwrap_err();
        assert_eq!(error.code, codes::FILE_UNWRITABLE, "{error:?}");
    }

    #[test]
    fn what_is_no_file_is_written_to_and_not_replaced() {
        let table = crate::as_rows(rows(3), None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("nothing.csv");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        csv(&*table, &link, &CsvLayout::default()).unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
        assert!(link.is_symlink());
    }

    #[test]
    fn a_null_alone_on_its_line_is_still_a_row() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        let text = "{\"a\":1}\n{\"a\":null}\n{\"a\":3}\n";
        csv(&*crate::text::from_ndjson(text).unwrap(), &path, &CsvLayout::default()).unwrap();
        let back = source::csv(&path, &ScanOptions::default()).unwrap();
        assert_eq!(crate::text::to_ndjson(&*back).unwrap(), text);
    }

    #[test]
    fn rows_that_are_unlike_have_no_place_in_parquet() {
        let folder = tempfile::tempdir().unwrap();
        let table = crate::text::from_ndjson("{\"a\":1}\n{\"a\":\"x\"}").unwrap();
        assert_eq!(parquet(&*table, &folder.path().join("t"), Compression::Zstd).unwrap_err().code, codes::NOT_TABULAR);
    }
}
