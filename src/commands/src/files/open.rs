use std::path::Path;

use table::source::{self, ScanOptions};
use table::text::CsvLayout;

use crate::formats;
use crate::prelude::*;

pub static OPEN: Command = Command {
    name: "open",
    category: Category::Files,
    summary: "Reads a file as what its extension says it is",
    details: "csv, tsv, ndjson and parquet are read lazily: nothing is read until something needs rows, and then only what \
              it needs. json, yaml, toml, xml, nuon, ssv and msgpack become values; what else is there text, or binary.",
    params: &[
        Param::required("path", Takes::Path, "The file"),
        Param::switch("raw", Some('r'), "As text or binary, whatever the extension says"),
        Param::flag("schema", None, Takes::Type("record"), "Types of some columns of a csv or ndjson file, by name"),
    ],
    io: &[("nothing", "any"), ("any", "any")],
    examples: &[
        try_it("Query a csv", "open runs.csv | where latency > 5ms | first 10"),
        try_it("A column that is text in the file", "open sizes.csv --schema {size: filesize}"),
    ],
    search: &["read", "cat", "load", "file", "csv", "parquet"],
    infer: Some(infer),
    run,
    ..Command::DEFAULT
};

/// The columns come from the file's header when its path is known already.
fn infer(shape: &Shape<'_>) -> Option<Type> {
    if shape.switch("raw") {
        return Some(Type::OneOf(vec![Type::String, Type::Binary]));
    }
    if shape.argument("schema").is_some() {
        return None;
    }
    let path = shape.env.resolve(shape.value("path")?.as_str()?);
    shape.context.live().file_type(&path)
}

fn run(call: &mut Call<'_>, _: Data) -> Result<Data> {
    let shown: String = call.required("path")?;
    let path = call.env().resolve(&shown);
    let place = call.span("path");
    let meta = std::fs::metadata(&path).map_err(|error| missing(&shown, &path, &error).label(place, "this path"))?;
    if meta.is_dir() {
        return Err(Diagnostic::new(codes::FILE_UNREADABLE, format!("`{shown}` is a directory"))
            .label(place, "not a file")
            .next(format!("ls {}", value::literal::bare_or_quoted(&shown))));
    }
    let located = |error: Box<Diagnostic>| error.or_label(place, "this file");
    if call.switch("raw") {
        return bytes(&shown, &path).map_err(located);
    }
    let schema = match call.optional::<Arc<Record>>("schema")? {
        Some(record) => schema(&record).map_err(|error| error.or_label(call.span("schema"), "here"))?,
        None => Fields::default(),
    };
    if let Some(table) = scan(&path, schema).map_err(located)? {
        return Ok(Data::Value(Value::table(table)));
    }
    let content = bytes(&shown, &path).map_err(located)?;
    match extension(&path).and_then(|extension| formats::reader(&extension)) {
        Some(reader) => call.run_instead(reader, content).map_err(|error| error.label(place, "in this file")),
        None => Ok(content),
    }
}

fn extension(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_lowercase())
}

/// The file as a table that is not read yet, when its extension says that it can be one.
pub(crate) fn lazily(path: &Path) -> Result<Option<TableRef>> {
    scan(path, Fields::default())
}

fn scan(path: &Path, schema: Fields) -> Result<Option<TableRef>> {
    let options = |separator| ScanOptions {
        layout: CsvLayout { separator, header: true },
        schema: schema.clone(),
        ..ScanOptions::default()
    };
    Ok(Some(match extension(path).as_deref() {
        Some("csv") => source::csv(path, &options(b','))?,
        Some("tsv") => source::csv(path, &options(b'\t'))?,
        Some("ndjson" | "jsonl") => source::ndjson(path, &options(b','))?,
        Some("parquet") => source::parquet(path)?,
        _ => return Ok(None),
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
