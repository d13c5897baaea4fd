//! Conversions, and values as text in a format.

use engine::Command;

pub(crate) mod csv;
pub(crate) mod into_datetime;
pub(crate) mod into_number;
pub(crate) mod into_record;
pub(crate) mod into_string;
pub(crate) mod into_unit;
pub(crate) mod json;
pub(crate) mod md;
pub(crate) mod msgpack;
pub(crate) mod ndjson;
pub(crate) mod nuon;
pub(crate) mod ssv;
pub(crate) mod text;
pub(crate) mod toml;
pub(crate) mod xml;
pub(crate) mod yaml;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[
    &csv::TO_CSV,
    &csv::TO_TSV,
    &csv::FROM_CSV,
    &csv::FROM_TSV,
    &into_datetime::DATETIME,
    &into_number::INT,
    &into_number::FLOAT,
    &into_number::BOOL,
    &into_record::RECORD,
    &into_string::STRING,
    &into_string::BINARY,
    &into_string::CELL_PATH,
    &into_unit::DURATION,
    &into_unit::FILESIZE,
    &json::TO,
    &json::FROM,
    &md::FROM,
    &md::TO,
    &msgpack::FROM,
    &msgpack::TO,
    &ndjson::TO,
    &ndjson::FROM,
    &nuon::TO,
    &nuon::FROM,
    &ssv::FROM,
    &text::TO,
    &toml::FROM,
    &toml::TO,
    &xml::FROM,
    &xml::TO,
    &yaml::TO,
    &yaml::FROM,
];

use table::text::CsvLayout;

use crate::cells;
use crate::prelude::*;
use crate::rows::here;

/// What conversions declare alike.
const INTO: Command = Command {
    category: Category::Formats,
    effect: Effect::Computes,
    params: &[cells::COLUMNS],
    io: &[("any", "any")],
    ..Command::DEFAULT
};

/// A way of writing values as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Json,
    Ndjson,
    Yaml,
    Csv,
    Tsv,
    Nuon,
    Markdown,
    Text,
}

impl Format {
    /// The format of a name, as in `--output yaml` or a file's extension.
    pub fn named(name: &str) -> Option<Format> {
        Some(match name.to_lowercase().as_str() {
            "json" => Format::Json,
            "ndjson" | "jsonl" => Format::Ndjson,
            "yaml" | "yml" => Format::Yaml,
            "csv" => Format::Csv,
            "tsv" => Format::Tsv,
            "nuon" => Format::Nuon,
            "md" | "markdown" => Format::Markdown,
            "txt" | "text" | "log" => Format::Text,
            _ => return None,
        })
    }
}

/// The command that reads a format of this name, which may be a file's extension.
pub(crate) fn reader(name: &str) -> Option<&'static Command> {
    Some(match name.to_lowercase().as_str() {
        "json" => &json::FROM,
        "ndjson" | "jsonl" => &ndjson::FROM,
        "yaml" | "yml" => &yaml::FROM,
        "toml" => &toml::FROM,
        "csv" => &csv::FROM_CSV,
        "tsv" => &csv::FROM_TSV,
        "ssv" => &ssv::FROM,
        "xml" => &xml::FROM,
        "nuon" => &nuon::FROM,
        "msgpack" => &msgpack::FROM,
        _ => return None,
    })
}

/// Writes a value in a format.
///
/// # Errors
/// `NO_FORM` when the format has no place for such a value.
pub fn encode(format: Format, value: &Value) -> Result<String> {
    match format {
        Format::Json => table::json::written(value, "JSON", |value| serde_json::to_string_pretty(value)),
        Format::Ndjson => match value {
            Value::List(_) | Value::Table(_) | Value::Range(_) => ndjson::write(&value.items()?),
            other => ndjson::write(std::slice::from_ref(other)),
        },
        Format::Yaml => yaml::write(value),
        Format::Csv => csv::write(value, &CsvLayout::default()),
        Format::Tsv => csv::write(value, &CsvLayout { separator: b'\t', header: true }),
        Format::Nuon => Ok(value::literal::to_literal(value)),
        Format::Markdown => md::write(value, false),
        Format::Text => text::write(value),
    }
}

/// The error of a value that cannot become what was asked for.
fn cannot(value: &Value, what: &str) -> Box<Diagnostic> {
    let shown = match value {
        Value::List(_) | Value::Record(_) | Value::Table(_) | Value::Closure(_) | Value::Binary(_) => {
            value.type_of().to_string()
        }
        Value::String(text) => format!("`{text}`"),
        other => format!("{other:?}"),
    };
    Diagnostic::new(codes::BAD_CONVERSION, format!("{shown} cannot become {what}"))
}

/// The input as text.
fn text_of(call: &Call<'_>, input: Data) -> Result<String> {
    let value = crate::rows::value(call, input)?;
    match value {
        Value::String(text) => Ok(Arc::unwrap_or_clone(text)),
        Value::Nothing => Ok(String::new()),
        Value::Binary(bytes) => String::from_utf8(bytes.to_vec())
            .map_err(|_| call.wrong_input(&Type::Binary, "text").help("the bytes are not UTF-8")),
        // Lines of a program, put together again.
        Value::List(items) if items.iter().all(|item| matches!(item, Value::String(_))) => {
            Ok(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"))
        }
        other => Err(call.wrong_input(&other.type_of(), "text")),
    }
}

/// The error of a text that is not in its format, with the line where it stops being so.
pub(crate) fn unreadable(
    call: &Call<'_>,
    format: &str,
    text: &str,
    line: usize,
    column: usize,
    why: &str,
) -> Box<Diagnostic> {
    let error =
        Diagnostic::new(codes::NOT_THAT_FORMAT, format!("this is not {format}: {why}")).label(call.head, "reads it");
    match line.checked_sub(1).and_then(|at| text.lines().nth(at)) {
        Some(shown) => {
            let place = if column > 0 { format!("line {line}, column {column}") } else { format!("line {line}") };
            error.cause_with(place, vec![shown.chars().take(200).collect()])
        }
        None => error,
    }
}
