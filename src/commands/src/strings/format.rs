//! Values written into texts.

use value::units::{duration_unit, filesize_unit};

use crate::cells::{self, COLUMNS};
use crate::prelude::*;
use crate::rows;

pub static PATTERN: Command = Command {
    name: "format pattern",
    category: Category::Strings,
    effect: Effect::Computes,
    summary: "Writes the fields of records into a text such as `{name} has {size}`",
    details: "A field may be a path, `{node.name}`. `{{` and `}}` stand for braces themselves.",
    params: &[Param::required("pattern", Takes::Type("string"), "The text")],
    io: &[("record", "string"), ("table", "list<string>"), ("list<any>", "list<string>")],
    examples: &[example(
        "Two columns",
        "[[name size]; [a 1kb]] | format pattern '{name} has {size}'",
        "[\"a has 1.0 kB\"]",
    )],
    search: &["template", "interpolate", "string"],
    run,
    ..Command::DEFAULT
};

/// A piece of a pattern.
enum Piece {
    Text(String),
    Field(CellPath),
}

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let pattern: String = call.required("pattern")?;
    let pieces = pieces(&pattern).map_err(|error| error.label(call.span("pattern"), "this pattern"))?;
    let write = move |row: &Value| -> Result<Value> {
        let mut text = String::new();
        for piece in &pieces {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Field(path) => text.push_str(&value::text::to_text(&row.follow(&path.0)?)),
            }
        }
        Ok(Value::string(text))
    };
    match rows::plain(input)? {
        Data::Value(record @ Value::Record(_)) => rows::here(call, write(&record)).map(Data::Value),
        many => {
            let head = call.head;
            rows::map(call, many, false, move |row| write(&row).map(Some).map_err(|error| error.or_label(head, "")))
        }
    }
}

fn pieces(pattern: &str) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some(open) = rest.find('{') {
        pieces.push(Piece::Text(rest[..open].replace("}}", "}")));
        rest = &rest[open + 1..];
        if let Some(after) = rest.strip_prefix('{') {
            pieces.push(Piece::Text("{".to_string()));
            rest = after;
            continue;
        }
        let Some(close) = rest.find('}') else {
            return Err(Diagnostic::new(codes::BAD_PATTERN, format!("a `{{` is never closed in `{pattern}`"))
                .help("`{{` stands for a brace itself"));
        };
        let path = CellPath::parse(rest[..close].trim()).ok_or_else(|| {
            Diagnostic::new(codes::BAD_PATTERN, format!("`{}` is not the name of a field", &rest[..close]))
        })?;
        pieces.push(Piece::Field(path));
        rest = &rest[close + 1..];
    }
    pieces.push(Piece::Text(rest.replace("}}", "}")));
    Ok(pieces)
}

const DURATIONS: &[&str] = &["ns", "us", "µs", "ms", "sec", "min", "hr", "day", "wk"];
const FILESIZES: &[&str] = &["B", "kB", "MB", "GB", "TB", "PB", "EB", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

pub static DURATION: Command = Command {
    name: "format duration",
    summary: "Writes durations in one unit",
    params: &[Param::required("unit", Takes::Words(DURATIONS), "The unit"), COLUMNS],
    io: &[("duration", "string"), ("list<any>", "list<string>"), ("table", "table"), ("record", "record")],
    examples: &[example("In minutes", "90sec | format duration min", "\"1.50 min\"")],
    search: &["time", "unit"],
    infer: Some(|shape| cells::changed_type(shape, Type::String)),
    run: |call, input| {
        let unit: String = call.required("unit")?;
        let one = duration_unit(&unit).unwrap_or(1);
        let unit = if unit == "us" { "µs".to_string() } else { unit };
        cells::change(call, input, move |value| match value {
            Value::Nothing => Ok(Value::Nothing),
            Value::Duration(nanos) => Ok(Value::string(format!("{} {unit}", in_units(*nanos, one)))),
            other => Err(wrong("format duration", "durations", other)),
        })
    },
    ..super::TEXT
};

pub static FILESIZE: Command = Command {
    name: "format filesize",
    summary: "Writes filesizes in one unit",
    params: &[Param::required("unit", Takes::Words(FILESIZES), "The unit"), COLUMNS],
    io: &[("filesize", "string"), ("list<any>", "list<string>"), ("table", "table"), ("record", "record")],
    examples: &[example("In kilobytes", "1500000b | format filesize kB", "\"1500 kB\"")],
    search: &["bytes", "unit"],
    infer: Some(|shape| cells::changed_type(shape, Type::String)),
    run: |call, input| {
        let unit: String = call.required("unit")?;
        let one = filesize_unit(&unit.to_lowercase()).unwrap_or(1);
        cells::change(call, input, move |value| match value {
            Value::Nothing => Ok(Value::Nothing),
            Value::Filesize(bytes) => Ok(Value::string(format!("{} {unit}", in_units(*bytes, one)))),
            other => Err(wrong("format filesize", "filesizes", other)),
        })
    },
    ..super::TEXT
};

/// How many units so much is: two digits behind the point where it is no whole number.
fn in_units(of: i64, one: i64) -> String {
    if of % one == 0 { (of / one).to_string() } else { format!("{:.2}", of as f64 / one as f64) }
}

fn wrong(command: &str, what: &str, value: &Value) -> Box<Diagnostic> {
    Diagnostic::new(codes::WRONG_INPUT, format!("`{command}` works on {what}, not on {}", value.type_of()))
}

pub static NUMBER: Command = Command {
    name: "format number",
    summary: "Writes a number in the bases that programmers use",
    params: &[Param::switch("no-prefix", None, "Without `0x` and the like")],
    io: &[("int", "record"), ("float", "record")],
    examples: &[example("An int", "42 | format number | get lowerhex", "\"0x2a\"")],
    search: &["hex", "binary", "octal", "base"],
    infer: Some(|_| {
        Some(Type::Record(Fields::closed(NOTATIONS.iter().map(|name| ((*name).into(), Type::String)).collect())))
    }),
    run: |call, input| {
        let plain = call.switch("no-prefix");
        let value = call.collect(input)?;
        let texts = match value {
            Value::Int(n) if plain => [
                n.to_string(),
                n.to_string(),
                format!("{n:e}"),
                format!("{n:E}"),
                format!("{n:b}"),
                format!("{n:o}"),
                format!("{n:x}"),
                format!("{n:X}"),
            ],
            Value::Int(n) => [
                n.to_string(),
                n.to_string(),
                format!("{n:e}"),
                format!("{n:E}"),
                format!("{n:#b}"),
                format!("{n:#o}"),
                format!("{n:#x}"),
                format!("{n:#X}"),
            ],
            Value::Float(x) => [
                value::text::float(x),
                value::text::float(x),
                format!("{x:e}"),
                format!("{x:E}"),
                bits(x, if plain { "" } else { "0b" }, |bits| format!("{bits:b}")),
                bits(x, if plain { "" } else { "0o" }, |bits| format!("{bits:o}")),
                bits(x, if plain { "" } else { "0x" }, |bits| format!("{bits:x}")),
                bits(x, if plain { "" } else { "0x" }, |bits| format!("{bits:X}")),
            ],
            other => return Err(call.wrong_input(&other.type_of(), "a number")),
        };
        Ok(Data::Value(Value::record(NOTATIONS.into_iter().zip(texts.map(Value::string)).collect())))
    },
    ..super::TEXT
};

const NOTATIONS: [&str; 8] = ["debug", "display", "lowerexp", "upperexp", "binary", "octal", "lowerhex", "upperhex"];

/// The bits of a float in some base.
fn bits(x: f64, prefix: &str, write: impl Fn(u64) -> String) -> String {
    format!("{prefix}{}", write(x.to_bits()))
}
