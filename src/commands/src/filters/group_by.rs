use crate::groups::{GroupKey, Groups, lowered_path};
use crate::prelude::*;
use crate::rows;

pub static GROUP_BY: Command = Command {
    name: "group-by",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Puts rows into groups by columns, or by what closures give for a row",
    details: "Groups look like a record of tables, one field per key, in order of first appearance. `aggregate` makes \
              one row of each group. The rows without a key are a group of their own, left out of the record.",
    params: &[
        Param::rest(
            "columns",
            Takes::ColumnOrClosure,
            "What to group by; without any, items are grouped by themselves",
        ),
        Param::switch("to-table", None, "Give a table: one row per group with its keys and `items`"),
        Param::switch("prune", None, "Leave the columns that are grouped by out of the rows"),
    ],
    io: &[("table", "any"), ("list<any>", "any"), ("range", "any"), ("nothing", "any")],
    examples: &[
        example(
            "Count by a column",
            "[[kind n]; [a 1] [b 2] [a 3]] | group-by kind | aggregate { n: ($in.n | math sum) }",
            "[[kind n]; [a 4] [b 2]]",
        ),
        example("Group items by themselves", "[x y x] | group-by", "{x: [x x], y: [y]}"),
        example("Without what is grouped by", "[[a b]; [x 1] [x 2]] | group-by a --prune", "{x: [[b]; [1] [2]]}"),
        example("As a table", "['1' '3' '1'] | group-by --to-table", "[[group items]; ['1' ['1' '1']] ['3' ['3']]]"),
    ],
    search: &["bucket", "partition", "aggregate"],
    infer: Some(infer),
    run,
    ..Command::DEFAULT
};

fn infer(shape: &Shape<'_>) -> Option<Type> {
    if shape.switch("to-table") {
        return Some(Type::Table(Fields::open()));
    }
    let mut rows = shape.input.fields().cloned().unwrap_or_else(Fields::open);
    let mut keys = Fields::default();
    match rows::known_columns(shape, "columns") {
        Some(names) => {
            for name in names {
                keys.set(&name, rows.get(&name).cloned().unwrap_or(Type::Any));
                if shape.switch("prune") {
                    rows.columns.retain(|(column, _)| *column != name);
                }
            }
        }
        // A closure's key has a name too, but its place among the others is not known.
        None => keys.open = true,
    }
    Some(Type::Groups(Box::new((keys, rows))))
}

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    rows::want_items(call, &input)?;
    let by: Vec<Value> = call.rest("columns")?;
    let span = call.span("columns");
    let prune = call.switch("prune");
    let mut pruned = Vec::new();
    let mut keys = Vec::with_capacity(by.len());
    let mut closures = 0;
    for by in &by {
        keys.push(match <ClosureValue as engine::FromValue>::from_value(by) {
            Some(closure) => {
                let mut runner = call.runner(&closure);
                let number = closures;
                closures += 1;
                GroupKey {
                    name: if number == 0 { "key".into() } else { format!("key_{number}").into() },
                    title: format!("closure_{number}").into(),
                    lowered: closure.lower(),
                    of: Box::new(move |row| runner.each(row.clone())),
                }
            }
            None => {
                let path = <CellPath as engine::FromValue>::from_value(by).unwrap_or_default();
                let name: Arc<str> = super::select::title(&path).into();
                let lowered = lowered_path(&path, span);
                if let (true, Some(column)) = (prune, path.as_column()) {
                    pruned.push(column.into());
                }
                let of = move |row: &Value| row.follow(&path.0).map_err(|error| error.or_label(span, ""));
                GroupKey { name: name.clone(), title: name, lowered, of: Box::new(of) }
            }
        });
    }
    if keys.is_empty() {
        let of = Box::new(|item: &Value| Ok(item.clone()));
        keys.push(GroupKey { name: "group".into(), title: "group".into(), lowered: None, of });
    }
    let can_lower = keys.iter().all(|key| key.lowered.is_some());
    let groups = match can_lower.then(|| rows::queryable(&input)).flatten() {
        // Columns that are not there must fail here, not when somebody looks.
        Some(table) if has_keys(&table, &keys)? => Groups::of_table(table, keys, pruned)?,
        _ => {
            let items = rows::all(call, input)?;
            Groups::of_items(items.items, items.resource, keys, pruned)?
        }
    };
    if call.switch("to-table") {
        return Ok(Data::Value(Value::list(groups.table()?)));
    }
    Ok(Data::Value(groups.into_value()))
}

fn has_keys(table: &TableRef, keys: &[GroupKey]) -> Result<bool> {
    let columns: Vec<Arc<str>> = keys.iter().filter_map(|key| key.lowered.as_ref()).flat_map(Expr::columns).collect();
    rows::has_columns(table, columns.iter().map(|name| &**name))
}
