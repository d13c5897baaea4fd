use value::Stage;

use crate::prelude::*;
use crate::rows;

pub static SELECT: Command = Command {
    name: "select",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Keeps these columns of a table or fields of a record, in this order, or these rows by number",
    details: "A path such as `info.size` becomes a column of that name. `?` after a name gives null where it is absent.",
    params: &[
        Param::rest("columns", Takes::Column, "Columns to keep; whole numbers are rows"),
        Param::switch("optional", Some('o'), "Give null for what is absent").relaxing(),
        Param::switch("ignore-case", None, "Match names in any case").relaxing(),
    ],
    io: &[("record", "record"), ("table", "table"), ("list<any>", "any")],
    examples: &[
        example("Keep one column", "[[name size]; [a 1kb] [b 2kb]] | select name", "[[name]; [a] [b]]"),
        example("Keep fields of a record", "{name: a, size: 1kb, kind: x} | select kind name", "{kind: x, name: a}"),
        example("Keep rows by number", "[[name]; [a] [b] [c]] | select 0 2", "[[name]; [a] [c]]"),
    ],
    search: &["columns", "pick", "project"],
    infer: Some(infer),
    run,
    ..Command::DEFAULT
};

fn infer(shape: &Shape<'_>) -> Option<Type> {
    let names = rows::known_columns(shape, "columns")?;
    let relaxed = shape.switch("optional") || shape.switch("ignore-case");
    let mut of = shape.input.clone();
    let fields = of.fields_mut()?;
    let keeps_key = names.iter().any(|name| rows::is_key(name));
    let columns = names.into_iter().map(|name| {
        let of = fields.get(&name).cloned();
        let of = if relaxed || fields.open { of.unwrap_or(Type::Any) } else { of? };
        Some((name, of))
    });
    *fields = Fields {
        columns: columns.collect::<Option<_>>()?,
        open: false,
        resource: fields.resource.filter(|_| keeps_key),
    };
    Some(of)
}

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let (optional, any_case) = (call.switch("optional"), call.switch("ignore-case"));
    let mut paths = Vec::new();
    for path in paths_of(call, "columns")? {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let (numbers, paths): (Vec<CellPath>, Vec<CellPath>) =
        paths.into_iter().partition(|path| matches!(path.0.first(), Some(PathMember { step: Step::Index(_), .. })));
    let keeps_key = paths.is_empty() || paths.iter().any(|path| path.as_column().is_some_and(rows::is_key));
    let input = if numbers.is_empty() { input } else { numbered(call, input, &numbers)? };
    if paths.is_empty() {
        return Ok(input);
    }
    let plain_names = || {
        if any_case || optional {
            return None;
        }
        let name = |path: &CellPath| path.as_column().filter(|_| !path.0[0].optional).map(Arc::from);
        paths.iter().map(name).collect::<Option<Vec<Arc<str>>>>().map(Stage::Select)
    };
    if let Some(data) = rows::moved(&input, plain_names)? {
        return Ok(data);
    }
    let paths: Vec<CellPath> = paths.into_iter().map(|path| rows::relaxed(path, optional, any_case)).collect();
    let head = call.head;
    let pick = move |row: Value| -> Result<Value> {
        let mut picked = Record::new();
        for path in &paths {
            let value = row.follow(&path.0).map_err(|error| error.or_label(head, ""))?;
            picked.insert(title(path), value);
        }
        Ok(Value::record(match &row {
            Value::Record(row) if keeps_key => picked.with_resource(row.resource),
            _ => picked,
        }))
    };
    match rows::plain(input)? {
        Data::Value(row @ Value::Record(_)) => pick(row).map(Data::Value),
        Data::Value(Value::Nothing) | Data::Empty => Ok(Data::Value(Value::Nothing)),
        many if many.is_many() => rows::map(call, many, keeps_key, move |row| pick(row).map(Some)),
        other => Err(call.wrong_input(&other.type_of(), "a record or a table")),
    }
}

/// The rows of these numbers, in their own order.
fn numbered(call: &Call<'_>, input: Data, numbers: &[CellPath]) -> Result<Data> {
    let mut wanted: Vec<u64> = numbers
        .iter()
        .filter_map(|path| match path.0.first()?.step {
            Step::Index(n) => Some(n),
            Step::Name(_) => None,
        })
        .collect();
    wanted.sort_unstable();
    let last = wanted.last().copied().unwrap_or(0);
    let mut at = 0_u64;
    let resource = input.resource();
    let mut kept = Vec::new();
    for item in rows::plain(input)?.into_items(call.interrupt())? {
        let item = item?;
        if wanted.contains(&at) {
            kept.push(item);
        }
        at += 1;
        if at > last {
            break;
        }
    }
    if kept.len() < wanted.len() && !numbers.iter().all(|path| path.0[0].optional) {
        return Err(Diagnostic::new(codes::NO_SUCH_ROW, format!("there is no row {last}"))
            .label(call.span("columns"), "past the end")
            .help(if at == 0 { "it is empty".into() } else { format!("the last one is {}", at - 1) }));
    }
    Ok(rows::Items { items: kept, resource }.into_data())
}

/// The paths of a rest parameter; a list of names stands for its items.
pub(crate) fn paths_of(call: &Call<'_>, name: &str) -> Result<Vec<CellPath>> {
    let mut paths = Vec::new();
    for value in call.rest::<Value>(name)? {
        let values = if let Value::List(items) = &value { items.to_vec() } else { vec![value] };
        for value in values {
            let path = <CellPath as engine::FromValue>::from_value(&value).ok_or_else(|| {
                Diagnostic::new(codes::WRONG_TYPE, format!("expected a column, found {}", value.type_of()))
                    .label(call.span(name), "not a column")
            })?;
            paths.push(path);
        }
    }
    Ok(paths)
}

/// The column name that a path gets.
pub(crate) fn title(path: &CellPath) -> String {
    let plain = CellPath(
        path.0.iter().map(|m| PathMember { step: m.step.clone(), optional: false, any_case: false }).collect(),
    );
    match plain.as_column() {
        Some(name) => name.to_string(),
        None => plain.to_string(),
    }
}
