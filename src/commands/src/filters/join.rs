use std::collections::HashMap;

use crate::prelude::*;
use crate::rows;

pub static JOIN: Command = Command {
    name: "join",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Joins rows with those rows of another table that have the same value in a column",
    details: "A column of the right table whose name the left one has too gets `_` after its name, or what `--prefix` and \
              `--suffix` say; null joins nothing.",
    params: &[
        Param::required("right", Takes::Type("table"), "The other table"),
        Param::required("on", Takes::Column, "The column of the left table"),
        Param::optional("right-on", Takes::Type("string"), "The column of the right table, when it has another name"),
        Param::switch("inner", Some('i'), "Only rows with a partner; the default"),
        Param::switch("left", Some('l'), "All rows of the left table"),
        Param::switch("right-outer", Some('r'), "All rows of the right table"),
        Param::switch("outer", Some('o'), "All rows of both"),
        Param::flag("prefix", None, Takes::Type("string"), "What goes before a name that both have"),
        Param::flag("suffix", None, Takes::Type("string"), "What goes after it"),
    ],
    io: &[("table", "table"), ("list<any>", "table")],
    examples: &[example("By a column", "[[id n]; [1 a] [2 b]] | join [[id m]; [2 x]] id", "[[id n m]; [2 b x]]")],
    search: &["merge", "lookup", "sql"],
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    rows::want_items(call, &input)?;
    let left_on = super::select::title(&call.required::<CellPath>("on")?);
    let right_on = call.optional::<String>("right-on")?.unwrap_or_else(|| left_on.clone());
    let all_left = call.switch("left") || call.switch("outer");
    let all_right = call.switch("right-outer") || call.switch("outer");
    let left = rows::all(call, input)?.items;
    let right_value: Value = call.required("right")?;
    let right = right_value.items()?;
    let left_columns = super::columns::names(call, &Value::list(left.clone()))?;
    let right_columns = super::columns::names(call, &right_value)?;
    for (name, known, empty) in
        [(&left_on, &left_columns, left.is_empty()), (&right_on, &right_columns, right.is_empty())]
    {
        if !empty && !known.iter().any(|column| **column == **name) {
            return Err(
                value::cell_path::unknown_column(name, known.iter().map(|name| &**name)).label(call.span("on"), "here")
            );
        }
    }
    let shared = left_on == right_on;
    let (prefix, suffix) = match (call.optional::<String>("prefix")?, call.optional::<String>("suffix")?) {
        (None, None) => (String::new(), "_".to_string()),
        (prefix, suffix) => (prefix.unwrap_or_default(), suffix.unwrap_or_default()),
    };
    let titles: Vec<(Arc<str>, String)> = right_columns
        .iter()
        .filter(|name| !(shared && ***name == *right_on))
        .map(|name| {
            let title = if left_columns.contains(name) { format!("{prefix}{name}{suffix}") } else { name.to_string() };
            (name.clone(), title)
        })
        .collect();
    let field =
        |row: &Value, name: &str| row.as_record().and_then(|row| row.get(name)).cloned().unwrap_or(Value::Nothing);
    let mut by_key: HashMap<table::Key, Vec<usize>> = HashMap::new();
    for (at, row) in right.iter().enumerate() {
        let key = field(row, &right_on);
        if !key.is_nothing() {
            by_key.entry(table::key_of_all(std::iter::once(&key))).or_default().push(at);
        }
    }
    let joined = |left_row: Option<&Value>, right_row: Option<&Value>| {
        let mut record = Record::new();
        for name in &left_columns {
            let value = match (left_row, right_row) {
                (Some(row), _) => field(row, name),
                (None, Some(row)) if shared && **name == *left_on => field(row, &right_on),
                _ => Value::Nothing,
            };
            record.insert(name.clone(), value);
        }
        for (name, title) in &titles {
            record.insert(title.as_str(), right_row.map_or(Value::Nothing, |row| field(row, name)));
        }
        Value::record(record)
    };
    let mut matched = vec![false; right.len()];
    let mut rows = Vec::new();
    for row in &left {
        call.interrupt().check()?;
        let key = field(row, &left_on);
        let partners = if key.is_nothing() { None } else { by_key.get(&table::key_of_all(std::iter::once(&key))) };
        match partners {
            Some(partners) => {
                for at in partners {
                    matched[*at] = true;
                    rows.push(joined(Some(row), right.get(*at)));
                }
            }
            None if all_left => rows.push(joined(Some(row), None)),
            None => {}
        }
    }
    if all_right {
        let alone = right.iter().zip(&matched).filter(|(_, matched)| !**matched);
        rows.extend(alone.map(|(row, _)| joined(None, Some(row))));
    }
    Ok(Data::Value(Value::list(rows)))
}
