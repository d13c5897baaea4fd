//! Separated values, to and from.

use table::text::{CsvLayout, CsvReading};

use crate::prelude::*;
use crate::rows;

pub static TO_CSV: Command = Command {
    name: "to csv",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Writes rows as comma-separated values",
    params: TO_PARAMS,
    io: TO_IO,
    examples: &[example("Two columns", "[[a b]; [1 x]] | to csv", "\"a,b\\n1,x\\n\"")],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| to(call, input, b','),
    ..Command::DEFAULT
};

pub static TO_TSV: Command = Command {
    name: "to tsv",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Writes rows as tab-separated values",
    params: TO_PARAMS,
    io: TO_IO,
    examples: &[example("Two columns", "[[a b]; [1 x]] | to tsv", "\"a\\tb\\n1\\tx\\n\"")],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| to(call, input, b'\t'),
    ..Command::DEFAULT
};

pub static FROM_CSV: Command = Command {
    name: "from csv",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Reads comma-separated values; each column has the one type that fits all its cells",
    params: FROM_PARAMS,
    io: FROM_IO,
    examples: &[example("Two columns", "\"a,b\\n1,x\" | from csv", "[[a b]; [1 x]]")],
    infer: Some(|_| Some(Type::Table(Fields::open()))),
    run: |call, input| from(call, input, b','),
    ..Command::DEFAULT
};

pub static FROM_TSV: Command = Command {
    name: "from tsv",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Reads tab-separated values; each column has the one type that fits all its cells",
    params: FROM_PARAMS,
    io: FROM_IO,
    examples: &[example("Two columns", "\"a\\tb\\n1\\tx\" | from tsv", "[[a b]; [1 x]]")],
    infer: Some(|_| Some(Type::Table(Fields::open()))),
    run: |call, input| from(call, input, b'\t'),
    ..Command::DEFAULT
};

const SEPARATOR: Param = Param::flag("separator", Some('s'), Takes::Type("string"), "What stands between cells");
const TO_PARAMS: &[Param] = &[
    Param::switch("noheaders", Some('n'), "Without a line of names"),
    SEPARATOR,
    Param::flag(
        "columns",
        None,
        Takes::Type("list<string>"),
        "These columns, in this order; what a row lacks is empty",
    ),
];
const FROM_PARAMS: &[Param] = &[
    Param::switch("noheaders", Some('n'), "Without a line of names; columns are `column0`, `column1`, …"),
    SEPARATOR,
    Param::flag("comment", Some('c'), Takes::Type("string"), "Lines that begin with it are left out"),
    Param::flag("quote", Some('q'), Takes::Type("string"), "What stands around cells, `\"` by default"),
    Param::flag("escape", Some('e'), Takes::Type("string"), "What stands before a quote within quotes"),
    Param::switch("flexible", None, "Rows may have more or fewer cells than there are columns"),
    Param::switch("no-infer", None, "Cells stay the text they are"),
    Param::flag("trim", Some('t'), Takes::Words(TRIM), "Drop blanks around names, cells, or both"),
];
const TRIM: &[&str] = &["all", "fields", "headers", "none"];
const TO_IO: &[(&str, &str)] = &[("table", "string"), ("record", "string"), ("list<any>", "string")];
const FROM_IO: &[(&str, &str)] = &[("string", "table"), ("nothing", "table")];

fn layout(call: &Call<'_>, default: u8) -> Result<CsvLayout> {
    Ok(CsvLayout { separator: character(call, "separator")?.unwrap_or(default), header: !call.switch("noheaders") })
}

/// The one character that a flag names.
fn character(call: &Call<'_>, flag: &str) -> Result<Option<u8>> {
    match call.optional::<String>(flag)?.as_deref() {
        None => Ok(None),
        Some("\\t" | "tab") => Ok(Some(b'\t')),
        Some(text) if text.len() == 1 => Ok(text.bytes().next()),
        Some(_) => {
            let message = format!("`--{flag}` takes one ASCII character");
            Err(Diagnostic::new(codes::BAD_ARGUMENT, message).label(call.span(flag), "here"))
        }
    }
}

fn to(call: &Call<'_>, input: Data, separator: u8) -> Result<Data> {
    let layout = layout(call, separator)?;
    let mut value = rows::value(call, input)?;
    if let Some(Value::List(names)) = call.value("columns") {
        let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
        value = only(&value, &names)?;
    }
    rows::here(call, write(&value, &layout)).map(|text| Data::Value(Value::string(text)))
}

/// The rows with these columns alone, in this order; what a row lacks is null.
fn only(value: &Value, names: &[&str]) -> Result<Value> {
    let rows = match value {
        Value::Record(_) => Arc::new(vec![value.clone()]),
        other => other.items()?,
    };
    let rows = rows.iter().map(|row| {
        let cell = |name: &str| row.as_record().and_then(|row| row.get(name)).cloned().unwrap_or(Value::Nothing);
        Value::record(names.iter().map(|name| (*name, cell(name))).collect())
    });
    Ok(Value::list(rows.collect::<Vec<_>>()))
}

/// The rows as separated values; a record is one row.
pub(crate) fn write(value: &Value, layout: &CsvLayout) -> Result<String> {
    let table = match value {
        Value::Table(table) => (**table).clone(),
        Value::Record(_) => table::as_rows(vec![value.clone()], None)?,
        other => table::as_rows(other.items()?.to_vec(), None)?,
    };
    table::text::to_csv(&*table, layout)
}

fn from(call: &Call<'_>, input: Data, separator: u8) -> Result<Data> {
    let trim = call.optional::<String>("trim")?;
    let trim = trim.as_deref().unwrap_or("none");
    let reading = CsvReading {
        layout: layout(call, separator)?,
        quote: character(call, "quote")?,
        escape: character(call, "escape")?,
        comment: character(call, "comment")?,
        trim_names: matches!(trim, "all" | "headers"),
        trim_cells: matches!(trim, "all" | "fields"),
        ragged: call.switch("flexible"),
        text_only: call.switch("no-infer"),
    };
    let text = super::text_of(call, input)?;
    rows::here(call, table::text::from_csv(&text, &reading)).map(|table| Data::Value(Value::table(table)))
}
