use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use table::sink::{self, Part, unwritable};
use table::text::CsvLayout;

use crate::formats::{self, Format};
use crate::prelude::*;
use crate::rows;

pub static SAVE: Command = Command {
    name: "save",
    category: Category::Files,
    summary: "Writes the input to a file, as its extension says",
    details: "The file is written beside its place and then put there, so that a file may be read and saved in one \
              pipeline and is never half there. What exists is kept, unless `--force` or `--append`.",
    params: &[
        Param::required("path", Takes::Path, "The file"),
        Param::switch("force", Some('f'), "Replace a file that exists"),
        Param::switch("append", Some('a'), "Add to the end of a file"),
        Param::switch("raw", Some('r'), "Write text as it is, whatever the extension says"),
    ],
    io: &[("any", "nothing")],
    examples: &[try_it("A table", "ls | save files.csv"), try_it("Replace it", "ls | save --force files.parquet")],
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
    if path.is_dir() {
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
    if !append && !call.switch("raw") {
        if let Some(table) = table::of_value(&value) {
            let written = match extension.as_str() {
                "csv" => Some(sink::csv(&*table, &path, &CsvLayout::default())),
                "tsv" => Some(sink::csv(&*table, &path, &CsvLayout { separator: b'\t', header: true })),
                "ndjson" | "jsonl" => Some(sink::ndjson(&*table, &path)),
                "json" => Some(sink::json(&*table, &path)),
                "parquet" => Some(sink::parquet(&*table, &path)),
                _ => None,
            };
            if let Some(written) = written {
                return written.map_err(located).map(|()| Data::Empty);
            }
        }
    }
    if extension == "parquet" {
        return Err(Diagnostic::new(
            codes::NO_FORM,
            format!("parquet files are made of whole tables, not of {}", value.type_of()),
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
