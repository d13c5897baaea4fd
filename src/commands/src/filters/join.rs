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
    let known = Rows::of(call, right.iter().map(|row| field(row, &right_on)))?;
    // All rows share their names.
    let named = left_columns.iter().map(|name| &**name).chain(titles.iter().map(|(_, title)| title.as_str()));
    let empty: Record = named.map(|name| (name, Value::Nothing)).collect();
    let joined = |left_row: Option<&Value>, right_row: Option<&Value>| {
        let mut record = empty.clone();
        for (name, cell) in left_columns.iter().zip(record.values_mut()) {
            *cell = match (left_row, right_row) {
                (Some(row), _) => field(row, name),
                (None, Some(row)) if shared && **name == *left_on => field(row, &right_on),
                _ => Value::Nothing,
            };
        }
        for (name, title) in &titles {
            if let (Some(row), Some(cell)) = (right_row, record.get_mut(title)) {
                *cell = field(row, name);
            }
        }
        Value::record(record)
    };
    let mut matched = vec![false; right.len()];
    let mut rows = Vec::new();
    for row in &left {
        call.interrupt().check()?;
        let mut alone = true;
        for at in known.with(&field(row, &left_on)) {
            alone = false;
            matched[at] = true;
            rows.push(joined(Some(row), right.get(at)));
        }
        if alone && all_left {
            rows.push(joined(Some(row), None));
        }
    }
    if all_right {
        let alone = right.iter().zip(&matched).filter(|(_, matched)| !**matched);
        rows.extend(alone.map(|(row, _)| joined(None, Some(row))));
    }
    Ok(Data::Value(Value::list(rows)))
}

/// Rows by the value of one column; null is no value.
struct Rows {
    first: HashMap<table::Key, usize>,
    /// For each row the next one with its value.
    next: Vec<Option<usize>>,
}

impl Rows {
    fn of(call: &Call<'_>, keys: impl DoubleEndedIterator<Item = Value> + ExactSizeIterator) -> Result<Self> {
        let mut rows = Rows { first: HashMap::new(), next: vec![None; keys.len()] };
        // From the end, so that each chain goes forward.
        for (at, key) in keys.enumerate().rev() {
            call.interrupt().check()?;
            if !key.is_nothing() {
                rows.next[at] = rows.first.insert(table::key(&key), at);
            }
        }
        Ok(rows)
    }

    /// The rows that have this value, in order.
    fn with(&self, key: &Value) -> impl Iterator<Item = usize> {
        let first = if key.is_nothing() { None } else { self.first.get(&table::key(key)).copied() };
        std::iter::successors(first, |at| self.next.get(*at).copied().flatten())
    }
}
