use crate::prelude::*;
use crate::rows;

pub static FLATTEN: Command = Command {
    name: "flatten",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Takes lists in a list, and records and tables in columns, one level out",
    details: "A field that is a record gives its fields to the row; a field that is a list or table gives one row per item.",
    params: &[
        Param::rest("columns", Takes::Column, "Flatten these columns only"),
        Param::switch("all", Some('a'), "Go through all levels"),
    ],
    io: &[("list<any>", "list<any>"), ("table", "list<any>"), ("record", "list<any>"), ("any", "any")],
    examples: &[
        example("Lists in a list", "[[1 2] [3]] | flatten", "[1 2 3]"),
        example("Records in a column", "[{a: 1, b: {c: 2}}] | flatten", "[{a: 1, c: 2}]"),
        example("Lists in a column", "[{a: 1, b: [x y]}] | flatten b", "[{a: 1, b: x} {a: 1, b: y}]"),
    ],
    search: &["unnest", "explode", "collapse"],
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let columns: Vec<CellPath> = call.rest("columns")?;
    let columns: Vec<String> = columns.iter().map(super::select::title).collect();
    let all = call.switch("all");
    let (many, endless) = (input.is_many(), input.is_endless());
    let input = rows::plain(input)?;
    if !many && !matches!(input, Data::Value(Value::Record(_))) {
        return Ok(input);
    }
    let items = input.into_items(call.interrupt())?;
    let flat = items.flat_map(move |item| match item {
        Ok(item) => flat(&item, &columns, all).into_iter().map(Ok).collect::<Vec<_>>(),
        Err(error) => vec![Err(error)],
    });
    let stream = Stream::new(flat);
    Ok(Data::Stream(stream.endless_if(endless)))
}

fn flat(item: &Value, columns: &[String], all: bool) -> Vec<Value> {
    match item {
        Value::List(_) | Value::Table(_) => {
            let Ok(items) = item.items() else { return vec![item.clone()] };
            if all { items.iter().flat_map(|item| flat(item, columns, all)).collect() } else { items.to_vec() }
        }
        Value::Record(record) => {
            let mut rows = vec![Record::new()];
            for (name, value) in record.iter() {
                let wanted = columns.is_empty() || columns.iter().any(|column| column == name);
                match value {
                    Value::Record(inner) if wanted => {
                        let inner = if all {
                            flat(value, &[], all).into_iter().next().unwrap_or(Value::Nothing)
                        } else {
                            Value::Record(inner.clone())
                        };
                        let Value::Record(inner) = &inner else { continue };
                        for row in &mut rows {
                            for (field, value) in inner.iter() {
                                // Two fields of one name: the inner one is told apart by its record's name.
                                let field = if row.contains(field) || record.contains(field) && field != name {
                                    format!("{name}_{field}")
                                } else {
                                    field.to_string()
                                };
                                row.insert(field, value.clone());
                            }
                        }
                    }
                    Value::List(_) | Value::Table(_) if wanted => {
                        let items = value.items().map(|items| items.to_vec()).unwrap_or_default();
                        rows = rows.iter().flat_map(|row| items.iter().map(|item| spread(row, name, item))).collect();
                    }
                    other => rows.iter_mut().for_each(|row| row.insert(name, other.clone())),
                }
            }
            rows.into_iter().map(Value::record).collect()
        }
        other => vec![other.clone()],
    }
}

/// The row with one item of a column's list: a record gives its fields, anything else is the cell.
fn spread(row: &Record, name: &str, item: &Value) -> Record {
    let mut row = row.clone();
    match item {
        Value::Record(inner) => {
            for (field, value) in inner.iter() {
                let field = if row.contains(field) { format!("{name}_{field}") } else { field.to_string() };
                row.insert(field, value.clone());
            }
        }
        other => row.insert(name, other.clone()),
    }
    row
}
