use crate::prelude::*;
use crate::rows;

pub static DROP: Command = Command {
    name: "drop",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Leaves out the last item, or the last so many",
    params: &[Param::optional("rows", Takes::Type("oneof<int, filesize>"), "How many to leave out; 1 by default")],
    io: &[("table", "table"), ("list<any>", "list<any>"), ("range", "list<number>"), ("binary", "binary")],
    examples: &[example("All but the last", "[0 1 2 3] | drop", "[0 1 2]")],
    search: &["remove", "last", "truncate"],
    infer: Some(rows::keeps_type),
    run,
    ..Command::DEFAULT
};

pub static DROP_NTH: Command = Command {
    name: "drop nth",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Leaves out items by their numbers, or by ranges of numbers",
    params: &[Param::rest("rows", Takes::Type("oneof<int, range>"), "Which to leave out")],
    io: &[("table", "table"), ("list<any>", "list<any>"), ("range", "list<number>")],
    examples: &[example("The first and third", "[a b c d] | drop nth 0 2", "[b d]")],
    infer: Some(rows::keeps_type),
    run: |call, input| {
        rows::want_items(call, &input)?;
        let which: Vec<Value> = call.rest("rows")?;
        let mut at = 0;
        rows::map(call, input, true, move |item| {
            let number = Value::Int(at);
            at += 1;
            let dropped = which.iter().any(|which| match which {
                Value::Range(range) => range.contains(&number),
                other => *other == number,
            });
            Ok((!dropped).then_some(item))
        })
    },
    ..Command::DEFAULT
};

pub static DROP_COLUMN: Command = Command {
    name: "drop column",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Leaves out the last column, or the last so many",
    params: &[
        Param::optional("columns", Takes::Type("int"), "How many to leave out; 1 by default"),
        Param::switch("left", Some('l'), "Leave out the first ones"),
    ],
    io: &[("table", "table"), ("record", "record"), ("list<any>", "list<any>")],
    examples: &[example("The last field", "{lib: a, extension: rs} | drop column", "{lib: a}")],
    run: |call, input| {
        let count = rows::count(call, "columns")?.unwrap_or(1);
        let left = call.switch("left");
        let value = rows::value(call, input)?;
        let names = super::columns::names(call, &value)?;
        let keep = names.len().saturating_sub(count);
        let kept: Vec<Arc<str>> =
            if left { names.into_iter().skip(count).collect() } else { names.into_iter().take(keep).collect() };
        let pick = move |row: Value| match row {
            Value::Record(record) => Value::record(
                kept.iter().filter_map(|name| Some((name.clone(), record.get(name)?.clone()))).collect::<Record>(),
            ),
            other => other,
        };
        match value {
            row @ Value::Record(_) => Ok(Data::Value(pick(row))),
            many => rows::map(call, Data::Value(many), true, move |row| Ok(Some(pick(row)))),
        }
    },
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let count = rows::count_of(call, "rows", &input)?.unwrap_or(1);
    if let Data::Value(Value::Binary(bytes)) = &input {
        return Ok(Data::Value(Value::binary(bytes[..bytes.len().saturating_sub(count)].to_vec())));
    }
    rows::want_items(call, &input)?;
    let mut items = rows::all(call, input)?;
    items.items.truncate(items.items.len().saturating_sub(count));
    Ok(items.into_data())
}
