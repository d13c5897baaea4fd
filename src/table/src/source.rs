//! Tables over files. All but json are lazy: making one reads a header or a sample, rows are read when asked for.
//! Several files are read as one, in their order; text may be compressed with gzip or zstd.

use std::any::Any;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diag::{Diagnostic, Result, codes, os_reason};
use polars::prelude as pl;
use polars::prelude::{LazyCsvReader, LazyFileListReader as _, LazyFrame, LazyJsonLineReader, SerReader as _};
use value::{Fields, TableRef, Type, Value};

use crate::frame::{Frame, Pin};
use crate::json::from_json;
use crate::kind::{Columns, Kind};
use crate::lower::{call, column};
use crate::run::caught;
use crate::text::{CsvLayout, bad_csv, cell_kind, cell_value, column_names, csv_reader, json_line, numbered};

/// The files that make one table: at least one, in the order of their rows.
#[derive(Clone)]
pub struct Files {
    pub paths: Vec<PathBuf>,
    /// The directory below which `name=value` in a file's path is a column of all its rows, as Hive lays tables out.
    pub partitioned_below: Option<PathBuf>,
    /// What is dropped with the last table over the files: what removes a copy that was made for it.
    pub kept: Option<Arc<dyn Any + Send + Sync>>,
}

impl From<&Path> for Files {
    fn from(path: &Path) -> Self {
        Files { paths: vec![path.to_path_buf()], partitioned_below: None, kept: None }
    }
}

impl From<&PathBuf> for Files {
    fn from(path: &PathBuf) -> Self {
        path.as_path().into()
    }
}

impl Files {
    fn pins(&self) -> Result<Vec<Pin>> {
        self.paths.iter().map(|path| Ok(Pin::new(path)?.keeping(self.kept.clone()))).collect()
    }

    /// The file whose header and first rows tell of all.
    fn first(&self) -> Result<&Path> {
        self.paths
            .first()
            .map(PathBuf::as_path)
            .ok_or_else(|| Diagnostic::new(codes::FILE_UNREADABLE, "there is no file"))
    }

    fn names(&self) -> Result<Vec<pl::PlRefPath>> {
        self.paths.iter().map(|path| file_name(path)).collect()
    }
}

/// How a text file's columns are told.
#[derive(Debug, Clone)]
pub struct ScanOptions {
    pub layout: CsvLayout,
    /// Types of some columns by name, which need not be told from the rows.
    pub schema: Fields,
    /// How many rows are looked at to tell the others.
    pub infer_rows: usize,
}

impl Default for ScanOptions {
    fn default() -> Self {
        ScanOptions { layout: CsvLayout::default(), schema: Fields::default(), infer_rows: 1000 }
    }
}

/// Opens a csv file.
///
/// # Errors
/// `FILE_UNREADABLE`, `BAD_CONTENT` when the sample is no csv, `BAD_TYPE` for a type that no column can have.
pub fn csv(files: impl Into<Files>, options: &ScanOptions) -> Result<TableRef> {
    let files = files.into();
    let pins = files.pins()?;
    let path = files.first()?;
    let mut reader = csv_reader(open(path)?, &options.layout);
    let mut lines = reader.records();
    let mut names: Vec<Arc<str>> = Vec::new();
    let mut kinds: Vec<Kind> = Vec::new();
    if options.layout.header {
        if let Some(header) = lines.next() {
            names = column_names(&header.map_err(|error| at(path, bad_csv(&error)))?);
        }
    }
    for line in lines.take(options.infer_rows.max(1)) {
        let line = line.map_err(|error| at(path, bad_csv(&error)))?;
        if names.is_empty() && !options.layout.header {
            names = numbered(line.len());
        }
        kinds.resize(names.len(), Kind::Nothing);
        for (kind, cell) in kinds.iter_mut().zip(&line) {
            *kind = std::mem::replace(kind, Kind::Nothing).widen(cell_kind(cell));
        }
    }
    kinds.resize(names.len(), Kind::Nothing);
    if names.is_empty() {
        return Ok(crate::construct::empty(Fields::default()));
    }
    let columns = declared(names.into_iter().zip(kinds).collect(), &options.schema)?;
    let schema: pl::Schema = columns.iter().map(|(name, kind)| ((&**name).into(), scanned(kind))).collect();
    let names = files.names()?;
    let layout = options.layout.clone();
    let query = caught(|| {
        LazyCsvReader::new_paths(names.into_iter().collect())
            .with_glob(false)
            .with_has_header(layout.header)
            .with_separator(layout.separator)
            .with_schema(Some(Arc::new(schema)))
            .with_missing_is_null(true)
            .with_raise_if_empty(false)
            .finish()
    })?;
    Ok(Arc::new(Frame::over(parsed(query, &columns), columns, pins)))
}

/// Opens a file of one JSON object a line.
///
/// # Errors
/// As for [`csv()`].
pub fn ndjson(files: impl Into<Files>, options: &ScanOptions) -> Result<TableRef> {
    let files = files.into();
    let pins = files.pins()?;
    let path = files.first()?;
    let mut sample = Vec::new();
    for (number, line) in open(path)?.lines().enumerate().take(options.infer_rows.max(1)) {
        let line = line.map_err(|error| unreadable(path, &error))?;
        if line.trim().is_empty() {
            continue;
        }
        let row = json_line(&line, number + 1).map_err(|error| at(path, error))?;
        sample.push(row);
    }
    let told = sample.iter().map(json_kind).fold(Kind::Nothing, Kind::widen);
    let Kind::Record(mut columns) = told else { return Ok(crate::construct::empty(Fields::default())) };
    for (name, kind) in &mut columns {
        if options.schema.get(name) == Some(&Type::DateTime) {
            // Only text in JSON; its cells tell the offset as those of a csv do.
            let cells = sample.iter().filter_map(|row| row.as_record()?.get(name)?.as_str());
            *kind = cells.map(cell_kind).fold(Kind::Nothing, Kind::widen);
        }
    }
    let columns = declared(columns, &options.schema)?;
    let schema: pl::Schema = columns.iter().map(|(name, kind)| ((&**name).into(), scanned(kind))).collect();
    // The reader takes paths for patterns; an open file has no name to be one.
    let opened = files.paths.iter().map(|path| File::open(path).map_err(|error| unreadable(path, &error)));
    let opened = opened.collect::<Result<Arc<[File]>>>()?;
    let query = caught(|| {
        let sources = pl::ScanSources::Files(opened);
        LazyJsonLineReader::new_with_sources(sources).with_schema(Some(Arc::new(schema))).finish()
    })?;
    Ok(Arc::new(Frame::over(parsed(query, &columns), columns, pins)))
}

/// Reads a JSON file: a list of objects, or one object as one row. Unlike the others it is read at once.
///
/// # Errors
/// `FILE_UNREADABLE`, `BAD_CONTENT` when it is no JSON, or none that has rows.
pub fn json(path: &Path) -> Result<TableRef> {
    Pin::new(path)?;
    let content: serde_json::Value = serde_json::from_reader(open(path)?).map_err(|error| {
        let message = format!("line {}, column {}, is not JSON", error.line(), error.column());
        at(path, Diagnostic::new(codes::BAD_CONTENT, message))
    })?;
    let rows = match from_json(content) {
        Value::List(items) if items.iter().all(|item| item.as_record().is_some()) => items.to_vec(),
        row @ Value::Record(_) => vec![row],
        other => {
            let message = format!("a table is a list of objects, this is {}", other.type_of());
            return Err(at(path, Diagnostic::new(codes::BAD_CONTENT, message)));
        }
    };
    crate::construct::from_rows(rows, None)
}

/// Opens parquet files. Columns that the shell wrote have the types it wrote them with.
///
/// # Errors
/// `FILE_UNREADABLE`, `BAD_CONTENT` when one is no parquet file or has columns of types that no table has.
pub fn parquet(files: impl Into<Files>) -> Result<TableRef> {
    let files = files.into();
    let path = files.first()?;
    let pins = files.pins()?;
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let names = files.names()?;
    let below = match &files.partitioned_below {
        Some(root) => Some(file_name(root)?.as_str().len() + 1),
        None => None,
    };
    let read = caught(move || {
        let marked = pl::ParquetReader::new(file).schema()?;
        let hive_options = pl::HiveOptions {
            enabled: Some(below.is_some()),
            hive_start_idx: below.unwrap_or(0),
            schema: None,
            try_parse_dates: true,
        };
        let args = pl::ScanArgsParquet { glob: false, hive_options, ..Default::default() };
        let mut query = LazyFrame::scan_parquet_files(names.into_iter().collect(), args)?;
        let stored = query.collect_schema()?;
        Ok((query, stored, marked))
    });
    let (query, stored, marked) = read.map_err(|_| of_format(&files, "parquet"))?;
    of_stored(path, query, &stored, &marked, pins)
}

/// Opens Arrow files, also known as Feather: IPC files with a footer, not streams.
///
/// # Errors
/// As for [`parquet()`].
pub fn arrow(files: impl Into<Files>) -> Result<TableRef> {
    let files = files.into();
    let path = files.first()?;
    let pins = files.pins()?;
    let mut file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let names = files.names()?;
    let read = caught(move || {
        let marked = pl::IpcReader::new(&mut file).schema()?;
        let sources = pl::ScanSources::Paths(names.into_iter().collect());
        let args = pl::UnifiedScanArgs { glob: false, ..Default::default() };
        let mut query = LazyFrame::scan_ipc_sources(sources, pl::IpcScanOptions::default(), args)?;
        let stored = query.collect_schema()?;
        Ok((query, stored, marked))
    });
    let (query, stored, marked) = read.map_err(|_| of_format(&files, "Arrow"))?;
    of_stored(path, query, &stored, &marked, pins)
}

fn of_format(files: &Files, format: &str) -> Box<Diagnostic> {
    let shown = files.paths.first().map(|path| path.display().to_string()).unwrap_or_default();
    let message = match files.paths.len() {
        1 => format!("`{shown}`: this is not a file of {format}"),
        n => format!("`{shown}` and {} more: these are not files of {format} with the same columns", n - 1),
    };
    Diagnostic::new(codes::BAD_CONTENT, message)
}

/// The table of a scan whose columns have types already: those that our kinds are stored with are taken as they
/// are, the others cast.
fn of_stored(
    path: &Path,
    query: LazyFrame,
    stored: &pl::Schema,
    marked: &pl::ArrowSchema,
    pins: Vec<Pin>,
) -> Result<TableRef> {
    let mut columns: Columns = Vec::with_capacity(stored.len());
    let mut casts = Vec::with_capacity(stored.len());
    for (name, dtype) in stored.iter() {
        let told = marked.get(name).and_then(|field| field.metadata.as_ref()).and_then(|marks| mark(marks));
        let kind = match told.filter(|kind| kind.storage() == *dtype).or_else(|| Kind::of_storage(dtype)) {
            Some(kind) => kind,
            None => {
                let message = format!("column `{name}` has a type that no table has");
                return Err(at(path, Diagnostic::new(codes::BAD_CONTENT, message)));
            }
        };
        casts.push(if kind.storage() == *dtype { column(name) } else { column(name).strict_cast(kind.storage()) });
        columns.push((name.as_str().into(), kind));
    }
    if columns.is_empty() {
        return Ok(crate::construct::empty(Fields::default()));
    }
    Ok(Arc::new(Frame::over(query.select(casts), columns, pins)))
}

/// The marks that tell a parquet column's logical type.
pub(crate) const TYPE_MARK: &str = "dora.type";
pub(crate) const OFFSET_MARK: &str = "dora.offset";

fn mark(marks: &std::collections::BTreeMap<pl::PlSmallStr, pl::PlSmallStr>) -> Option<Kind> {
    let kind = Kind::of_type(&Type::parse(marks.get(TYPE_MARK)?).ok()?)?;
    Some(match (kind, marks.get(OFFSET_MARK)) {
        (Kind::DateTime(_), Some(offset)) => Kind::DateTime(offset.parse().ok()?),
        (kind, _) => kind,
    })
}

/// The kinds of columns, those that were declared as declared. What the sample says nothing of is text.
fn declared(columns: Columns, schema: &Fields) -> Result<Columns> {
    if let Some((name, _)) = schema.columns.iter().find(|(name, _)| !columns.iter().any(|(known, _)| known == name)) {
        return Err(value::cell_path::unknown_column(name, columns.iter().map(|(name, _)| &**name)));
    }
    columns
        .into_iter()
        .map(|(name, told)| {
            let Some(of) = schema.get(&name) else { return Ok((name, settled(told))) };
            match (Kind::of_type(of), told) {
                (Some(Kind::DateTime(_)), told @ Kind::DateTime(_)) => Ok((name, told)),
                (Some(kind), _) => Ok((name, kind)),
                (None, _) => {
                    Err(Diagnostic::new(codes::BAD_TYPE, format!("no column of a file can have the type {of}")))
                }
            }
        })
        .collect()
}

fn settled(kind: Kind) -> Kind {
    match kind {
        Kind::Nothing => Kind::String,
        Kind::List(of) => Kind::List(Box::new(settled(*of))),
        Kind::Record(fields) => Kind::Record(fields.into_iter().map(|(name, kind)| (name, settled(kind))).collect()),
        kind => kind,
    }
}

/// What the reader is to make of a column: units and moments are read as text, and parsed by us.
fn scanned(kind: &Kind) -> pl::DataType {
    if is_parsed(kind) { pl::DataType::String } else { kind.storage() }
}

fn is_parsed(kind: &Kind) -> bool {
    matches!(kind, Kind::Duration | Kind::Filesize | Kind::DateTime(_))
}

fn parsed(query: LazyFrame, columns: &Columns) -> LazyFrame {
    let parsers: Vec<pl::Expr> = columns
        .iter()
        .filter(|(_, kind)| is_parsed(kind))
        .map(|(name, kind)| {
            let (of, label) = (kind.clone(), name.clone());
            let parse = move |cells: &[pl::Column]| {
                let Some(cells) = cells.first() else { return Ok(pl::Column::default()) };
                let texts = caught(|| crate::column::to_values(cells, &Kind::String))?;
                let values = texts
                    .iter()
                    .map(|text| {
                        let text = text.as_str().unwrap_or_default();
                        cell_value(text, &of).ok_or_else(|| {
                            let message = format!("in column `{label}`, `{text}` is not a {}", of.to_type());
                            Diagnostic::new(codes::BAD_CONTENT, message)
                                .help("read the column as text: name it in the schema as `string`")
                        })
                    })
                    .collect::<Result<Vec<_>>>()?;
                caught(|| crate::column::to_column(&label, &of, &values))
            };
            call(vec![column(name)], kind.storage(), parse).alias(&**name)
        })
        .collect();
    if parsers.is_empty() { query } else { query.with_columns(parsers) }
}

/// The kind of a JSON value, widened over its items. An object without fields says nothing.
fn json_kind(value: &Value) -> Kind {
    match value {
        Value::List(items) => Kind::List(Box::new(items.iter().map(json_kind).fold(Kind::Nothing, Kind::widen))),
        Value::Record(record) if record.is_empty() => Kind::Nothing,
        Value::Record(record) => {
            let fields = record.columns().iter().cloned().zip(record.values().iter().map(json_kind));
            Kind::Record(fields.collect())
        }
        other => Kind::of(other).unwrap_or(Kind::Nothing),
    }
}

/// Opens a text file, which says itself whether it is compressed.
fn open(path: &Path) -> Result<Box<dyn BufRead>> {
    let open = || -> std::io::Result<Box<dyn BufRead>> {
        let mut file = File::open(path)?;
        let mut magic = [0_u8; 4];
        let read = file.read(&mut magic)?;
        file.rewind()?;
        Ok(match &magic[..read] {
            [0x1f, 0x8b, ..] => Box::new(BufReader::new(flate2::read::MultiGzDecoder::new(file))),
            [0x28, 0xb5, 0x2f, 0xfd] => Box::new(BufReader::new(zstd::Decoder::new(file)?)),
            _ => Box::new(BufReader::new(file)),
        })
    };
    open().map_err(|error| unreadable(path, &error))
}

fn file_name(path: &Path) -> Result<pl::PlRefPath> {
    // An absolute path cannot be taken for a URL.
    let whole = std::path::absolute(path).map_err(|error| unreadable(path, &error))?;
    let text = whole.to_str().ok_or_else(|| {
        Diagnostic::new(codes::FILE_UNREADABLE, format!("the name of `{}` is not UTF-8", path.display()))
    })?;
    Ok(pl::PlRefPath::new(text))
}

fn at(path: &Path, mut error: Box<Diagnostic>) -> Box<Diagnostic> {
    error.message = format!("`{}`: {}", path.display(), error.message);
    error
}

fn unreadable(path: &Path, error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::new(codes::FILE_UNREADABLE, format!("`{}` cannot be read: {}", path.display(), os_reason(error)))
}
