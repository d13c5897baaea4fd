use value::Stage;

use crate::prelude::*;
use crate::rows;

pub static APPEND: Command = Command {
    name: "append",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Adds items at the end; a list adds its items",
    params: &[Param::rest("values", Takes::Type("any"), "What to add")],
    io: &[("any", "list<any>")],
    examples: &[
        example("Add an item", "[0 1 2] | append 3", "[0 1 2 3]"),
        example("Add the items of lists", "[0] | append [1 2] [3] 4", "[0 1 2 3 4]"),
        example("Add a row", "[[a]; [1]] | append {a: 2}", "[[a]; [1] [2]]"),
    ],
    search: &["add", "concat", "push"],
    run,
    ..Command::DEFAULT
};

pub static PREPEND: Command = Command {
    name: "prepend",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Adds items at the beginning; a list adds its items",
    params: &[Param::rest("values", Takes::Type("any"), "What to add")],
    io: &[("any", "list<any>")],
    examples: &[
        example("Add an item", "[1 2] | prepend 0", "[0 1 2]"),
        example("Add the items of a list", "[2] | prepend [0 1]", "[0 1 2]"),
    ],
    search: &["add", "concat", "unshift"],
    run: |call, input| {
        let more = added(call)?;
        let endless = input.is_endless();
        let items = more.into_iter().map(Ok).chain(rows::plain(input)?.into_items(call.interrupt())?);
        let stream = Stream::new(items);
        Ok(Data::Stream(stream.endless_if(endless)))
    },
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let more = added(call)?;
    let is_rows = !more.is_empty() && more.iter().all(|row| matches!(row, Value::Record(_)));
    if let (true, Some(table)) = (is_rows, rows::table(&input)) {
        let fields = table.schema()?;
        let same = |row: &Value| {
            row.as_record()
                .is_some_and(|row| row.len() == fields.columns.len() && fields.names().all(|name| row.contains(name)))
        };
        if !fields.open && more.iter().all(same) {
            if let Some(data) = rows::add(&table, &Stage::Append(more.clone()))? {
                return Ok(data);
            }
        }
    }
    let endless = input.is_endless();
    let stream = Stream::new(rows::plain(input)?.into_items(call.interrupt())?.chain(more.into_iter().map(Ok)));
    Ok(Data::Stream(stream.endless_if(endless)))
}

fn added(call: &Call<'_>) -> Result<Vec<Value>> {
    let mut more = Vec::new();
    for value in call.rest::<Value>("values")? {
        match &value {
            Value::List(_) | Value::Table(_) | Value::Range(_) => more.extend(value.items()?.iter().cloned()),
            _ => more.push(value),
        }
    }
    Ok(more)
}
