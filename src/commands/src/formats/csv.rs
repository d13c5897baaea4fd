//! Separated values, to and from.

use table::text::CsvLayout;

use crate::prelude::*;
use crate::rows;

pub static TO_CSV: Command = Command {
    name: "to csv",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Writes rows as comma-separated values",
    params: PARAMS,
    io: TO_IO,
    examples: &[example("Two columns", "[[a b]; [1 x]] | to csv", "\"a,b\\n1,x\\n\"")],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| {
        let layout = layout(call, b',')?;
        to(call, input, &layout)
    },
    ..Command::DEFAULT
};

pub static TO_TSV: Command = Command {
    name: "to tsv",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Writes rows as tab-separated values",
    params: PARAMS,
    io: TO_IO,
    examples: &[example("Two columns", "[[a b]; [1 x]] | to tsv", "\"a\\tb\\n1\\tx\\n\"")],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| {
        let layout = layout(call, b'\t')?;
        to(call, input, &layout)
    },
    ..Command::DEFAULT
};

pub static FROM_CSV: Command = Command {
    name: "from csv",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Reads comma-separated values; each column has the one type that fits all its cells",
    params: PARAMS,
    io: FROM_IO,
    examples: &[example("Two columns", "\"a,b\\n1,x\" | from csv", "[[a b]; [1 x]]")],
    infer: Some(|_| Some(Type::Table(Fields::open()))),
    run: |call, input| {
        let layout = layout(call, b',')?;
        from(call, input, &layout)
    },
    ..Command::DEFAULT
};

pub static FROM_TSV: Command = Command {
    name: "from tsv",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Reads tab-separated values; each column has the one type that fits all its cells",
    params: PARAMS,
    io: FROM_IO,
    examples: &[example("Two columns", "\"a\\tb\\n1\\tx\" | from tsv", "[[a b]; [1 x]]")],
    infer: Some(|_| Some(Type::Table(Fields::open()))),
    run: |call, input| {
        let layout = layout(call, b'\t')?;
        from(call, input, &layout)
    },
    ..Command::DEFAULT
};

const PARAMS: &[Param] = &[
    Param::switch("noheaders", Some('n'), "Without a line of names; columns are `column0`, `column1`, …"),
    Param::flag("separator", Some('s'), Takes::Type("string"), "What stands between cells"),
];
const TO_IO: &[(&str, &str)] = &[("table", "string"), ("record", "string"), ("list<any>", "string")];
const FROM_IO: &[(&str, &str)] = &[("string", "table"), ("nothing", "table")];

fn layout(call: &Call<'_>, default: u8) -> Result<CsvLayout> {
    let separator = match call.optional::<String>("separator")?.as_deref() {
        None => default,
        Some("\\t" | "tab") => b'\t',
        Some(text) if text.len() == 1 => text.as_bytes()[0],
        Some(_) => {
            return Err(Diagnostic::new(codes::BAD_ARGUMENT, "a separator is one ASCII character")
                .label(call.span("separator"), "here"));
        }
    };
    Ok(CsvLayout { separator, header: !call.switch("noheaders") })
}

fn to(call: &Call<'_>, input: Data, layout: &CsvLayout) -> Result<Data> {
    let value = rows::value(call, input)?;
    rows::here(call, write(&value, layout)).map(|text| Data::Value(Value::string(text)))
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

fn from(call: &Call<'_>, input: Data, layout: &CsvLayout) -> Result<Data> {
    let text = super::text_of(call, input)?;
    rows::here(call, table::text::from_csv(&text, layout)).map(|table| Data::Value(Value::table(table)))
}
