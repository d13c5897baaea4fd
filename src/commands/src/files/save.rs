use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use render::chart::Chart;
use table::sink::{self, Compression, Part, unwritable};
use table::sqlite::{self, Existing};
use table::text::CsvLayout;
use table::workbook;

use crate::along;
use crate::files::tabular::Tabular;
use crate::formats::{self, Format};
use crate::prelude::*;
use crate::rows;

pub static SAVE: Command = Command {
    name: "save",
    category: Category::Files,
    summary: "Writes the input to a file, as its extension says",
    details: "csv, tsv, ndjson, json, parquet, arrow (or feather) and SQLite (`.db`) and workbooks (`.xlsx`) hold tables; rows pass through and \
              need not all lie in memory. Text is compressed when `.gz` or `.zst` ends the name. The file is written \
              beside its place and then put there, so that a file may be read and saved in one pipeline and is never \
              half there. A chart becomes a picture in `.svg` or `.html`. What exists is kept, unless `--force` or `--append`; of a database that goes for its table.",
    params: &[
        Param::required("path", Takes::Path, "The file"),
        Param::switch("force", Some('f'), "Replace a file that exists"),
        Param::switch("append", Some('a'), "Add to the end of a file"),
        Param::switch("raw", Some('r'), "Write text as it is, whatever the extension says"),
        Param::flag(
            "compression",
            Some('c'),
            Takes::Words(&["zstd", "snappy", "lz4", "gzip", "none"]),
            "How parquet and arrow files are compressed; zstd by default, arrow not at all",
        ),
        Param::flag(
            "partition-by",
            Some('p'),
            Takes::Type("oneof<string, list<string>>"),
            "Write a directory of parquet files, one for each combination of these columns: `day=1/robot=a/…`",
        ),
        Param::flag("table", Some('t'), Takes::Type("string"), "The table of a database; `main` by default"),
    ],
    io: &[("any", "nothing")],
    examples: &[
        try_it("A table", "ls | save files.csv"),
        try_it("Replace it", "ls | save --force files.parquet"),
        try_it("In a database", "dataflow list | save robots.db --table runs --append"),
    ],
    search: &["write", "export", "file"],
    infer: Some(|_| Some(Type::Nothing)),
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let shown: String = call.required("path")?;
    let path = call.env().resolve(&shown);
    let place = call.span("path");
    let (force, append) = (call.switch("force"), call.switch("append"));
    let format = if call.switch("raw") { None } else { Tabular::of(&path) };
    check(call, format)?;
    if format == Some(Tabular::Sqlite) {
        return database(call, input, &path);
    }
    if format == Some(Tabular::Workbook) {
        return sheets(call, input, &path);
    }
    let partitioned = call.given("partition-by");
    if path.is_dir() && !partitioned {
        return Err(
            Diagnostic::new(codes::FILE_UNWRITABLE, format!("`{shown}` is a directory")).label(place, "not a file")
        );
    }
    if path.exists() && !force && !append {
        return Err(Diagnostic::new(codes::FILE_EXISTS, format!("`{shown}` exists already"))
            .label(place, "would be overwritten")
            .help("`--force` replaces it, `--append` adds to it"));
    }
    let located = |error: Box<Diagnostic>| error.or_label(place, "to here");
    let input = match rows::plain(input)? {
        Data::Bytes(mut bytes) => {
            let mut file = Target::create(&path, append).map_err(located)?;
            let mut chunk = [0_u8; 65536];
            loop {
                call.interrupt().check()?;
                match bytes.reader.read(&mut chunk) {
                    Ok(0) => break,
                    Ok(read) => file.write(&chunk[..read]).map_err(located)?,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(engine::data::unread(error)),
                }
            }
            if let Some(program) = bytes.program {
                program.finish()?;
            }
            file.finish().map_err(located)?;
            return Ok(Data::Empty);
        }
        other => other,
    };
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("").to_lowercase();
    let value = rows::value(call, input)?;
    if let (Value::Record(record), "svg" | "html") = (&value, extension.as_str())
        && let Some(chart) = Chart::of(record)
    {
        let mut file = Target::create(&path, false).map_err(located)?;
        let picture = if extension == "svg" { chart.to_svg() } else { chart.to_html() };
        file.write(picture.as_bytes()).and_then(|()| file.finish()).map_err(located)?;
        return Ok(Data::Empty);
    }
    if let (false, Some(format)) = (append, format) {
        if let Some(table) = table::of_value(&value) {
            return write(call, &table, &path, format).map_err(located).map(|()| Data::Empty);
        }
    }
    if let (true, Some(_)) = (matches!(format, Some(Tabular::Parquet | Tabular::Arrow)) || is_packed(&path), format) {
        return Err(Diagnostic::new(
            codes::NO_FORM,
            format!("such files are made of whole tables, not of {}", value.type_of()),
        )
        .label(place, "to here")
        .help("save without `--append`"));
    }
    let content = match (&value, Format::named(&extension)) {
        (Value::Binary(bytes), _) => bytes.to_vec(),
        // Text is written as it is: `to yaml | save x.yaml` and `"…" | save notes.md`.
        (Value::String(text), _) => text.as_bytes().to_vec(),
        (Value::Nothing, _) => Vec::new(),
        (value, Some(Format::Csv | Format::Tsv)) if append && path.exists() => {
            let separator = if extension == "tsv" { b'\t' } else { b',' };
            formats::csv::write(value, &CsvLayout { separator, header: false }).map_err(located)?.into_bytes()
        }
        (value, Some(format)) if !call.switch("raw") => {
            let mut text = formats::encode(format, value).map_err(located)?;
            if !text.ends_with('\n') {
                text.push('\n');
            }
            text.into_bytes()
        }
        (value, _) => formats::encode(Format::Text, value).map_err(located)?.into_bytes(),
    };
    let mut file = Target::create(&path, append).map_err(located)?;
    file.write(&content).map_err(located)?;
    file.finish().map_err(located)?;
    Ok(Data::Empty)
}

/// Flags are of the formats that have them.
fn check(call: &Call<'_>, format: Option<Tabular>) -> Result<()> {
    let has = |flag: &str| match flag {
        "compression" => matches!(format, Some(Tabular::Parquet | Tabular::Arrow)),
        "partition-by" => format == Some(Tabular::Parquet),
        _ => format == Some(Tabular::Sqlite),
    };
    for (flag, of) in [
        ("compression", "parquet and arrow files; text is compressed when `.gz` or `.zst` ends its name"),
        ("partition-by", "parquet: name the directory as such a file, for instance `runs.parquet`"),
        ("table", "databases, whose names end in `.db`, `.sqlite` or `.sqlite3`"),
    ] {
        if call.given(flag) && !has(flag) {
            return Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("`--{flag}` has no meaning here"))
                .label(call.span(flag), "of another format")
                .help(format!("it is of {of}")));
        }
    }
    Ok(())
}

fn write(call: &Call<'_>, table: &TableRef, path: &Path, format: Tabular) -> Result<()> {
    let layout = |separator| CsvLayout { separator, header: true };
    let compression = match call.optional::<String>("compression")?.as_deref() {
        None => None,
        Some("snappy") => Some(Compression::Snappy),
        Some("lz4") => Some(Compression::Lz4),
        Some("gzip") => Some(Compression::Gzip),
        Some("none") => Some(Compression::None),
        Some(_) => Some(Compression::Zstd),
    };
    match format {
        Tabular::Csv => sink::csv(&**table, path, &layout(b',')),
        Tabular::Tsv => sink::csv(&**table, path, &layout(b'\t')),
        Tabular::Ndjson => sink::ndjson(&**table, path),
        Tabular::Json => sink::json(&**table, path),
        Tabular::Arrow => sink::arrow(&**table, path, compression.unwrap_or(Compression::None)),
        Tabular::Parquet => {
            let compression = compression.unwrap_or(Compression::Zstd);
            let keys = along::names(call, "partition-by");
            if keys.is_empty() {
                return sink::parquet(&**table, path, compression);
            }
            let fields = table.schema()?;
            keys.iter().try_for_each(|key| along::must_have(call, "partition-by", &fields, key))?;
            sink::partitions(&**table, path, &keys, compression)
        }
        Tabular::Sqlite | Tabular::Workbook => Ok(()),
    }
}

/// Writes a table of a database, which may have others.
fn database(call: &Call<'_>, input: Data, path: &Path) -> Result<Data> {
    let existing = match (call.switch("force"), call.switch("append")) {
        (true, _) => Existing::Replace,
        (_, true) => Existing::Append,
        _ => Existing::Keep,
    };
    let name = call.optional::<String>("table")?.unwrap_or_else(|| "main".into());
    let table = rows::as_table(call, rows::plain(input)?)?;
    sqlite::write(&*table, path, &name, existing).map_err(|error| {
        let exists = error.code == codes::FILE_EXISTS;
        let error = error.or_label(call.span(if call.given("table") { "table" } else { "path" }), "to here");
        if exists {
            error.help("`--force` replaces it, `--append` adds to it, `--table` names another one")
        } else {
            error
        }
    })?;
    Ok(Data::Empty)
}

/// Writes a workbook: a table as its only sheet, or each table of a record as one.
fn sheets(call: &Call<'_>, input: Data, path: &Path) -> Result<Data> {
    let place = call.span("path");
    let refuse = |why: &str| Diagnostic::new(codes::BAD_ARGUMENT, why).label(place, "to here");
    if call.switch("append") {
        return Err(refuse("a workbook is written as a whole").help("save without `--append`"));
    }
    if path.exists() && !call.switch("force") {
        let error =
            Diagnostic::new(codes::FILE_EXISTS, "there is such a file already").label(place, "would be overwritten");
        return Err(error.help("`--force` replaces it"));
    }
    if path.extension().is_none_or(|extension| extension != "xlsx") {
        return Err(refuse("of workbooks only `.xlsx` is written"));
    }
    let tables: Vec<(String, TableRef)> = match rows::plain(input)? {
        Data::Value(Value::Record(record)) if record.values().iter().any(Value::is_table) => {
            record.iter().filter_map(|(name, value)| Some((name.to_string(), table::of_value(value)?))).collect()
        }
        Data::Value(row @ Value::Record(_)) => {
            vec![("Sheet1".into(), rows::as_table(call, Data::Value(Value::list(vec![row])))?)]
        }
        other => vec![("Sheet1".into(), rows::as_table(call, other)?)],
    };
    workbook::write(path, &tables).map_err(|error| error.or_label(place, "to here"))?;
    Ok(Data::Empty)
}

/// Whether a name says that the file is compressed.
fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz" || extension == "zst")
}

/// What is written to: a file that appears whole or not at all, or one that is added to.
struct Target<'a> {
    path: &'a Path,
    file: File,
    part: Option<Part>,
}

impl<'a> Target<'a> {
    fn create(path: &'a Path, append: bool) -> Result<Self> {
        if append {
            let file = File::options().create(true).append(true).open(path);
            return Ok(Target { path, file: file.map_err(|error| unwritable(path, &error))?, part: None });
        }
        let part = Part::beside(path)?;
        Ok(Target { path, file: part.open()?, part: Some(part) })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|error| unwritable(self.path, &error))
    }

    fn finish(self) -> Result<()> {
        self.part.map_or(Ok(()), Part::finish)
    }
}
