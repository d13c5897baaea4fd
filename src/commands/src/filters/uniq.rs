use std::collections::HashMap;

use value::Stage;

use crate::prelude::*;
use crate::rows;

pub static UNIQ: Command = Command {
    name: "uniq",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Keeps the first of each set of equal rows or items",
    params: &[
        Param::switch("count", Some('c'), "Give a table of each `value` and its `count`"),
        Param::switch("repeated", Some('d'), "Keep only what comes more than once"),
        Param::switch("unique", Some('u'), "Keep only what comes once"),
        Param::switch("ignore-case", Some('i'), "Compare texts without regard to case"),
    ],
    io: &[("table", "table"), ("list<any>", "list<any>"), ("range", "list<number>"), ("nothing", "list<any>")],
    examples: &[
        example("Leave out what came before", "[2 3 3 4] | uniq", "[2 3 4]"),
        example("What comes more than once", "[1 2 2] | uniq --repeated", "[2]"),
        example("Count", "[a b a] | uniq --count", "[[value count]; [a 2] [b 1]]"),
    ],
    search: &["distinct", "deduplicate", "count"],
    infer: Some(|shape| if shape.switch("count") { None } else { rows::keeps_type(shape) }),
    lower: Some(|call| {
        let input = call.input.clone().filter(|_| call.is_plain())?;
        Some(Expr::new(ExprKind::Call(Function::Uniq, vec![input]), call.span))
    }),
    run,
    ..Command::DEFAULT
};

pub static UNIQ_BY: Command = Command {
    name: "uniq-by",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Keeps the first row of each set that is equal in these columns",
    params: &[
        Param::rest("columns", Takes::Column, "The columns to compare"),
        Param::switch("keep-last", Some('l'), "Keep the last row of each set, where the first one stood"),
        Param::switch("count", Some('c'), "Give a table of each `value` and its `count`"),
        Param::switch("repeated", Some('d'), "Keep only what comes more than once"),
        Param::switch("unique", Some('u'), "Keep only what comes once"),
        Param::switch("ignore-case", Some('i'), "Compare texts without regard to case"),
    ],
    io: &[("table", "table"), ("list<any>", "list<any>")],
    examples: &[example("One row per kind", "[[kind n]; [a 1] [b 2] [a 3]] | uniq-by kind", "[[kind n]; [a 1] [b 2]]")],
    search: &["distinct", "deduplicate"],
    infer: Some(|shape| if shape.switch("count") { None } else { rows::keeps_type(shape) }),
    run: |call, input| {
        let paths: Vec<CellPath> = super::select::paths_of(call, "columns")?;
        if paths.is_empty() {
            return Err(
                Diagnostic::new(codes::MISSING_ARGUMENT, "`uniq-by` needs a column").label(call.head, "by what?")
            );
        }
        unique(call, input, &paths)
    },
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    unique(call, input, &[])
}

fn unique(call: &mut Call<'_>, input: Data, paths: &[CellPath]) -> Result<Data> {
    rows::want_items(call, &input)?;
    let (counts, repeated, once, ignore_case) =
        (call.switch("count"), call.switch("repeated"), call.switch("unique"), call.switch("ignore-case"));
    if !(counts || repeated || once || ignore_case) && paths.is_empty() {
        if let Some(data) = rows::moved(&input, || Some(Stage::Unique))? {
            return Ok(data);
        }
    }
    let keep_last = call.command.param("keep-last").is_some() && call.switch("keep-last");
    let items = rows::all(call, input)?;
    let mut known: HashMap<table::Key, usize> = HashMap::new();
    let mut kept: Vec<(Value, i64)> = Vec::new();
    for item in items.items {
        call.interrupt().check()?;
        let mut of = Vec::with_capacity(paths.len().max(1));
        for path in paths {
            of.push(item.follow(&path.0).map_err(|error| error.or_label(call.span("columns"), "here"))?);
        }
        if paths.is_empty() {
            of.push(item.clone());
        }
        if ignore_case {
            of = of.iter().map(folded).collect();
        }
        let mut last = keep_last.then(|| item.clone());
        let at = *known.entry(table::key_of_all(of.iter())).or_insert_with(|| {
            kept.push((item, 0));
            kept.len() - 1
        });
        kept[at].1 += 1;
        if let Some(item) = last.take() {
            kept[at].0 = item;
        }
    }
    let kept = kept.into_iter().filter(|(_, count)| (!repeated || *count > 1) && (!once || *count == 1));
    if counts {
        let row =
            |(value, count)| Value::record([("value", value), ("count", Value::Int(count))].into_iter().collect());
        return Ok(Data::Value(Value::list(kept.map(row).collect::<Vec<_>>())));
    }
    Ok(rows::Items { items: kept.map(|(item, _)| item).collect(), resource: items.resource }.into_data())
}

/// The value with all its texts in lower case.
fn folded(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::string(text.to_lowercase()),
        Value::List(items) => Value::list(items.iter().map(folded).collect::<Vec<_>>()),
        Value::Record(record) => Value::record(record.iter().map(|(name, value)| (name, folded(value))).collect()),
        other => other.clone(),
    }
}
