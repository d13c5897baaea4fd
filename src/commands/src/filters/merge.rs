use crate::prelude::*;
use crate::rows;

pub static MERGE: Command = Command {
    name: "merge",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Sets the fields of another record in this one, or of another table's rows in these, row by row",
    params: &[Param::required(
        "other",
        Takes::Value,
        "The record or table to take fields from, or a closure that gives it",
    )],
    io: &[("record", "record"), ("table", "table"), ("list<any>", "list<any>"), ("nothing", "any")],
    examples: &[
        example("Records", "{a: 1, b: 2} | merge {b: 3, c: 4}", "{a: 1, b: 3, c: 4}"),
        example("Tables", "[[a]; [1] [2]] | merge [[b]; [3] [4]]", "[[a b]; [1 3] [2 4]]"),
    ],
    search: &["join", "combine", "update"],
    infer: Some(infer),
    run,
    ..Command::DEFAULT
};

fn infer(shape: &Shape<'_>) -> Option<Type> {
    let other = &shape.argument("other")?.of;
    let mut of = shape.input.clone();
    let more = other.fields()?.clone();
    let fields = of.fields_mut()?;
    for (name, of) in more.columns {
        fields.set(&name, of);
    }
    fields.open |= more.open;
    fields.resource = None;
    Some(of)
}

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let other: Value = call.required("other")?;
    let input = rows::value(call, input)?;
    let other = match <ClosureValue as engine::FromValue>::from_value(&other) {
        Some(closure) => call.runner(&closure).each(input.clone())?,
        None => other,
    };
    if input.is_nothing() {
        return Ok(Data::Value(other));
    }
    match (&input, &other) {
        (Value::Record(a), Value::Record(b)) => Ok(Data::Value(Value::record(merged(a, b)))),
        (Value::List(_) | Value::Table(_), Value::List(_) | Value::Table(_)) => {
            let (left, right) = (input.items()?, other.items()?);
            let mut rows = Vec::with_capacity(left.len().max(right.len()));
            for at in 0..left.len().max(right.len()) {
                rows.push(match (left.get(at), right.get(at)) {
                    (Some(Value::Record(a)), Some(Value::Record(b))) => Value::record(merged(a, b)),
                    (Some(a), None) => a.clone(),
                    (None, Some(b)) => b.clone(),
                    (Some(a), Some(_)) => return Err(call.wrong_input(&a.type_of(), "records")),
                    (None, None) => break,
                });
            }
            Ok(Data::Value(Value::list(rows)))
        }
        (Value::Record(_), _) | (Value::List(_) | Value::Table(_), _) => Err(Diagnostic::new(
            codes::WRONG_TYPE,
            format!("{} cannot be merged into {}", other.type_of(), input.type_of()),
        )
        .label(call.span("other"), "a record goes into a record, a table into a table")),
        _ => Err(call.wrong_input(&input.type_of(), "a record or a table")),
    }
}

fn merged(a: &Record, b: &Record) -> Record {
    let mut merged = a.clone().with_resource(None);
    for (name, value) in b.iter() {
        merged.insert(name, value.clone());
    }
    merged
}

pub static MERGE_DEEP: Command = Command {
    name: "merge deep",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Sets the fields of another record in this one, and those of records in it likewise",
    details: "Lists of records are merged row by row; `--strategy` says what becomes of other lists.",
    params: &[
        Param::required("other", Takes::Value, "The record or table to take fields from"),
        Param::flag(
            "strategy",
            Some('s'),
            Takes::Words(&["table", "overwrite", "append", "prepend"]),
            "`table`, the default, merges lists of records and takes others from the second; `append` and `prepend` keep both",
        ),
    ],
    io: &[("record", "record"), ("table", "table"), ("list<any>", "list<any>")],
    examples: &[example("Nested records", "{a: 1, b: {c: 2}} | merge deep {b: {d: 3}}", "{a: 1, b: {c: 2, d: 3}}")],
    search: &["combine", "nested"],
    run: |call, input| {
        let other: Value = call.required("other")?;
        let lists = match call.optional::<String>("strategy")?.as_deref() {
            Some("overwrite") => Lists::Second,
            Some("append") => Lists::Append,
            Some("prepend") => Lists::Prepend,
            _ => Lists::RowByRow,
        };
        let input = rows::value(call, input)?;
        rows::here(call, deeply(&input, &other, lists)).map(Data::Value)
    },
    ..Command::DEFAULT
};

/// What becomes of two lists.
#[derive(Clone, Copy)]
enum Lists {
    RowByRow,
    Second,
    Append,
    Prepend,
}

fn deeply(first: &Value, second: &Value, lists: Lists) -> Result<Value> {
    let is_list = |value: &Value| matches!(value, Value::List(_) | Value::Table(_));
    match (first, second) {
        (Value::Record(a), Value::Record(b)) => {
            let mut merged = (**a).clone().with_resource(None);
            for (name, value) in b.iter() {
                let value = match a.get(name) {
                    Some(known) => deeply(known, value, lists)?,
                    None => value.clone(),
                };
                merged.insert(name, value);
            }
            Ok(Value::record(merged))
        }
        (a, b) if is_list(a) && is_list(b) => {
            let (left, right) = (a.items()?, b.items()?);
            let records = |items: &[Value]| items.iter().all(|item| matches!(item, Value::Record(_)));
            Ok(Value::list(match lists {
                Lists::Append => [left.as_slice(), right.as_slice()].concat(),
                Lists::Prepend => [right.as_slice(), left.as_slice()].concat(),
                Lists::RowByRow if records(&left) && records(&right) => {
                    let row = |at: usize| match (left.get(at), right.get(at)) {
                        (Some(a), Some(b)) => deeply(a, b, lists),
                        (one, other) => Ok(one.or(other).cloned().unwrap_or(Value::Nothing)),
                    };
                    (0..left.len().max(right.len())).map(row).collect::<Result<Vec<_>>>()?
                }
                Lists::RowByRow | Lists::Second => return Ok(b.clone()),
            }))
        }
        (_, second) => Ok(second.clone()),
    }
}
