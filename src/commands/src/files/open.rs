use std::path::{Path, PathBuf};

use table::source::{self, Files, ScanOptions};
use table::text::CsvLayout;
use table::{sqlite, workbook};
use url::Url;

use crate::files::glob;
use crate::files::tabular::Tabular;
use crate::formats;
use crate::network::http;
use crate::prelude::*;
use crate::rows;

pub static OPEN: Command = Command {
    name: "open",
    category: Category::Files,
    summary: "Reads a file as what its extension says it is",
    details: "csv, tsv, ndjson, parquet and arrow are read lazily: nothing is read until something needs rows, and then \
              only what it needs. So are the tables of a SQLite database, which are the fields of a record, as the \
              sheets of a workbook (`.xlsx`, `.ods` …) are. json, yaml, \
              toml, xml, nuon, ssv and msgpack become values; what else is there text, or binary. Text may be \
              compressed, as `.gz` or `.zst` after the extension says. A pattern opens all files that match as one \
              table; a directory, its parquet files, with the columns that `name=value` in their paths tells. What is at \
              an `http` or `https` address is fetched first.",
    params: &[
        Param::required("path", Takes::Path, "The file, a pattern, or a directory of parquet files"),
        Param::switch("raw", Some('r'), "As text or binary, whatever the extension says"),
        Param::flag("schema", None, Takes::Type("record"), "Types of some columns of a csv or ndjson file, by name"),
        Param::flag(
            "infer-rows",
            None,
            Takes::Type("int"),
            "How many rows of a csv or ndjson file tell the types of its columns; 1000 by default",
        ),
        Param::flag("query", Some('q'), Takes::Type("string"), "What to ask a SQLite database, in SQL"),
    ],
    io: &[("nothing", "any"), ("any", "any")],
    examples: &[
        try_it("Query a csv", "open runs.csv | where latency > 5ms | first 10"),
        try_it("A column that is text in the file", "open sizes.csv --schema {size: filesize}"),
        try_it("Many files as one table", "open 'logs/2026-*/*.parquet' | length"),
        try_it("From a server", "open https://example.org/runs.parquet | first 3"),
        try_it("A table of a database", "open robots.db | get runs | where ok == false"),
    ],
    search: &["read", "cat", "load", "file", "csv", "parquet", "sqlite", "arrow", "feather", "hive", "excel", "xlsx"],
    infer: Some(infer),
    run,
    ..Command::DEFAULT
};

/// The columns come from the file's header when its path is known already.
fn infer(shape: &Shape<'_>) -> Option<Type> {
    if shape.switch("raw") {
        return Some(Type::OneOf(vec![Type::String, Type::Binary]));
    }
    if ["schema", "infer-rows", "query"].into_iter().any(|flag| shape.argument(flag).is_some()) {
        return None;
    }
    let path = shape.env.resolve(shape.value("path")?.as_str()?);
    shape.context.live().file_type(&path)
}

fn run(call: &mut Call<'_>, _: Data) -> Result<Data> {
    let shown: String = call.required("path")?;
    if let Some(files) = downloaded(call, &shown)? {
        return read(call, &shown, &files);
    }
    let path = call.env().resolve(&shown);
    let files = files(call, &shown, &path)?;
    read(call, &shown, &files)
}

/// What is at an address, as a file that goes with the last table over it; `None` when a text is no address.
fn downloaded(call: &Call<'_>, shown: &str) -> Result<Option<Files>> {
    let place = call.span("path");
    let Some((scheme, _)) = shown.split_once("://") else { return Ok(None) };
    if !matches!(scheme, "http" | "https") {
        return Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("`{scheme}` is not a way of reading"))
            .label(place, "`http`, `https`, or a file"));
    }
    let url = Url::parse(shown).map_err(|error| {
        Diagnostic::new(codes::BAD_ARGUMENT, format!("`{shown}` is not an address: {error}"))
            .label(place, "this address")
    })?;
    let name = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
    let suffix = name.split_once('.').map_or(String::new(), |(_, extensions)| format!(".{extensions}"));
    let unwritable = |error: std::io::Error| {
        Diagnostic::new(codes::FILE_UNWRITABLE, format!("no place for a copy of it: {}", diag::os_reason(&error)))
            .label(place, "this address")
    };
    let mut reader = http::fetch(call, &url, place)?;
    let mut copy = tempfile::Builder::new().prefix("dora-").suffix(&suffix).tempfile().map_err(unwritable)?;
    std::io::copy(&mut reader, &mut copy)
        .map_err(|error| engine::data::unread(error).or_label(place, "this address"))?;
    let path = copy.into_temp_path();
    Ok(Some(Files { paths: vec![path.to_path_buf()], partitioned_below: None, kept: Some(Arc::new(path)) }))
}

fn read(call: &mut Call<'_>, shown: &str, files: &Files) -> Result<Data> {
    let place = call.span("path");
    let located = |error: Box<Diagnostic>| error.or_label(place, "this file");
    let first = files.paths.first().cloned().unwrap_or_default();
    if call.switch("raw") {
        let contents =
            files.paths.iter().map(|path| bytes(shown, path)).collect::<Result<Vec<_>>>().map_err(located)?;
        return joined(call, contents);
    }
    let mut options = ScanOptions::default();
    if let Some(record) = call.optional::<Arc<Record>>("schema")? {
        options.schema = schema(&record).map_err(|error| error.or_label(call.span("schema"), "here"))?;
    }
    if let Some(rows) = rows::count(call, "infer-rows")? {
        options.infer_rows = rows;
    }
    let query: Option<String> = call.optional("query")?;
    let format = Tabular::of(&first);
    if let (Some(_), false) = (&query, format == Some(Tabular::Sqlite)) {
        return Err(Diagnostic::new(codes::BAD_ARGUMENT, "`--query` asks a SQLite database")
            .label(call.span("query"), "this file is none")
            .help("`query sql` asks any table in SQL"));
    }
    if let Some(table) = scan(files, options).map_err(located)? {
        return Ok(Data::Value(Value::table(table)));
    }
    if files.paths.len() > 1 {
        return Err(Diagnostic::new(codes::BAD_ARGUMENT, "these files do not make one table")
            .label(place, "matches several files")
            .help("csv, tsv, ndjson, parquet and arrow files do; of others: `glob … | each { open $in }`"));
    }
    if format == Some(Tabular::Sqlite) {
        return database(&first, query).map_err(|error| error.or_label(call.span("query"), "here"));
    }
    if format == Some(Tabular::Workbook) {
        let sheets = workbook::sheets(&first).map_err(located)?;
        let sheets = sheets.into_iter().map(|(name, sheet)| (name, Value::table(sheet)));
        return Ok(Data::Value(Value::record(sheets.collect())));
    }
    let content = bytes(shown, &first).map_err(located)?;
    match extension(&first).and_then(|extension| formats::reader(&extension)) {
        Some(reader) => call.run_instead(reader, content).map_err(|error| error.label(place, "in this file")),
        None => Ok(content),
    }
}

/// The files that a path names: itself, what matches it, or the parquet files below it.
fn files(call: &Call<'_>, shown: &str, path: &Path) -> Result<Files> {
    let place = call.span("path");
    if glob::is_pattern(shown) && !path.exists() {
        let found =
            glob::matching(call.env().cwd(), shown, false).map_err(|error| error.label(place, "this pattern"))?;
        let paths: Vec<PathBuf> = found.into_iter().map(|(_, path)| path).filter(|path| path.is_file()).collect();
        if paths.is_empty() {
            return Err(Diagnostic::new(codes::FILE_UNREADABLE, format!("no file matches `{shown}`"))
                .label(place, "this pattern"));
        }
        // What stands before the first part that is a pattern is no partition.
        let fixed = shown.split('/').take_while(|part| !glob::is_pattern(part)).collect::<Vec<_>>().join("/");
        let root = call.env().resolve(if fixed.is_empty() && !shown.starts_with('/') { "." } else { &fixed });
        return Ok(Files { paths, partitioned_below: Some(root), kept: None });
    }
    let meta = std::fs::metadata(path).map_err(|error| missing(shown, path, &error).label(place, "this path"))?;
    if !meta.is_dir() {
        return Ok(path.into());
    }
    let found = glob::matching(path, "**/*.parquet", false)?;
    let paths: Vec<PathBuf> = found.into_iter().map(|(_, path)| path).filter(|path| path.is_file()).collect();
    if paths.is_empty() {
        return Err(Diagnostic::new(codes::FILE_UNREADABLE, format!("`{shown}` is a directory"))
            .label(place, "without parquet files")
            .next(format!("ls {}", value::literal::bare_or_quoted(shown))));
    }
    Ok(Files { paths, partitioned_below: Some(path.to_path_buf()), kept: None })
}

/// Contents one after the other.
fn joined(call: &Call<'_>, mut contents: Vec<Data>) -> Result<Data> {
    if contents.len() == 1 {
        return Ok(contents.pop().unwrap_or(Data::Empty));
    }
    let readers = contents.into_iter().map(|data| match data {
        Data::Bytes(bytes) => Ok(bytes.reader),
        other => {
            let text = value::text::to_text(&call.collect(other)?);
            Ok(Box::new(std::io::Cursor::new(text)) as Box<dyn std::io::Read + Send>)
        }
    });
    let readers = readers.collect::<Result<Vec<_>>>()?;
    let all = readers.into_iter().reduce(|before, next| Box::new(std::io::Read::chain(before, next)));
    Ok(all.map_or(Data::Empty, |reader| Data::Bytes(engine::Bytes { reader, program: None })))
}

/// A database's tables by their names, or what a query gives.
fn database(path: &Path, query: Option<String>) -> Result<Data> {
    if let Some(query) = query {
        return Ok(Data::Value(Value::table(sqlite::query(path, &query)?)));
    }
    let tables = sqlite::names(path)?.into_iter().map(|name| {
        let table = sqlite::table(path, &name)?;
        Ok((name, Value::table(table)))
    });
    Ok(Data::Value(Value::record(tables.collect::<Result<Record>>()?)))
}

fn extension(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_lowercase())
}

/// The file as a table that is not read yet, when its extension says that it can be one.
pub(crate) fn lazily(path: &Path) -> Result<Option<TableRef>> {
    scan(&path.into(), ScanOptions::default())
}

fn scan(files: &Files, mut options: ScanOptions) -> Result<Option<TableRef>> {
    let Some(format) = files.paths.first().and_then(|first| Tabular::of(first)) else { return Ok(None) };
    Ok(Some(match format {
        Tabular::Csv => source::csv(files.clone(), &options)?,
        Tabular::Tsv => {
            options.layout = CsvLayout { separator: b'\t', ..options.layout };
            source::csv(files.clone(), &options)?
        }
        Tabular::Ndjson => source::ndjson(files.clone(), &options)?,
        Tabular::Parquet => source::parquet(files.clone())?,
        Tabular::Arrow => source::arrow(files.clone())?,
        Tabular::Json | Tabular::Sqlite | Tabular::Workbook => return Ok(None),
    }))
}

/// Column types as `{size: filesize}` writes them.
fn schema(record: &Record) -> Result<Fields> {
    let columns = record.iter().map(|(name, of)| {
        let text = of.as_str().ok_or_else(|| {
            Diagnostic::new(codes::WRONG_TYPE, format!("`{name}` needs the name of a type, not {}", of.type_of()))
        })?;
        Ok((Arc::from(name), Type::parse(text)?))
    });
    Ok(Fields::closed(columns.collect::<Result<_>>()?))
}

fn bytes(shown: &str, path: &Path) -> Result<Data> {
    let file = std::fs::File::open(path).map_err(|error| missing(shown, path, &error))?;
    Ok(Data::Bytes(engine::Bytes { reader: Box::new(file), program: None }))
}

/// The error for a file that is not there or cannot be read, with the nearest name in its directory.
pub(crate) fn missing(shown: &str, path: &Path, error: &std::io::Error) -> Box<Diagnostic> {
    if error.kind() != std::io::ErrorKind::NotFound {
        return Diagnostic::new(
            codes::FILE_UNREADABLE,
            format!("`{shown}` cannot be read: {}", diag::os_reason(error)),
        );
    }
    let near = path.parent().and_then(|dir| dir.read_dir().ok()).and_then(|entries| {
        let names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        let wanted = path.file_name()?.to_str()?;
        diag::suggest::did_you_mean(wanted, names.iter().map(String::as_str))
    });
    let error = Diagnostic::new(codes::FILE_UNREADABLE, format!("there is no file `{shown}`"));
    match near {
        Some(help) => error.help(help),
        None => error,
    }
}
