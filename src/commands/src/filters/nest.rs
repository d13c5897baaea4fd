use std::collections::HashMap;

use crate::prelude::*;
use crate::rows;

pub static NEST: Command = Command {
    name: "nest",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Puts columns into tables: one row for each combination of the others, with the rows that have it",
    details: "`flatten` takes them out again.",
    params: &[
        Param::required("name", Takes::Type("string"), "What the column of tables is called"),
        Param::rest("columns", Takes::Column, "The columns that go into the tables"),
    ],
    io: &[("table", "table"), ("list<any>", "table")],
    examples: &[example(
        "Readings of each topic",
        "[[topic x]; [a 1] [b 2] [a 3]] | nest readings x",
        "[{topic: a, readings: [[x]; [1] [3]]} {topic: b, readings: [[x]; [2]]}]",
    )],
    search: &["group", "pack", "table"],
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    rows::want_items(call, &input)?;
    let name: String = call.required("name")?;
    let columns: Vec<String> = super::select::paths_of(call, "columns")?.iter().map(super::select::title).collect();
    if columns.is_empty() {
        return Err(Diagnostic::new(codes::MISSING_ARGUMENT, "`nest` needs the columns that go into the tables")
            .label(call.head, "which ones?"));
    }
    let mut places: HashMap<table::Key, usize> = HashMap::new();
    let mut nested: Vec<(Record, Vec<Value>)> = Vec::new();
    for row in rows::all(call, input)?.items {
        call.interrupt().check()?;
        let Value::Record(row) = row else {
            return Err(Diagnostic::new(codes::WRONG_TYPE, format!("rows have columns, {} has none", row.type_of()))
                .label(call.head, "in what flows in here"));
        };
        if let Some(missing) = columns.iter().find(|column| !row.contains(column)) {
            return Err(value::cell_path::unknown_column(missing, row.names()).label(call.span("columns"), "here"));
        }
        let (inner, outer): (Vec<_>, Vec<_>) =
            row.iter().partition(|(field, _)| columns.iter().any(|column| column == field));
        if outer.iter().any(|(field, _)| *field == name) {
            return Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("there is a column `{name}` already"))
                .label(call.span("name"), "would be overwritten"));
        }
        let record = |fields: Vec<(&str, &Value)>| -> Record {
            fields.into_iter().map(|(name, value)| (name, value.clone())).collect()
        };
        let key = table::key(&Value::record(record(outer.clone())));
        let at = *places.entry(key).or_insert(nested.len());
        if at == nested.len() {
            nested.push((record(outer), Vec::new()));
        }
        nested[at].1.push(Value::record(record(inner)));
    }
    let rows = nested.into_iter().map(|(mut row, inner)| {
        row.insert(name.as_str(), Value::list(inner));
        Value::record(row)
    });
    Ok(Data::Value(Value::list(rows.collect::<Vec<_>>())))
}
