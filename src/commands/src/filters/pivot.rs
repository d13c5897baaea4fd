use std::collections::HashMap;

use value::Stage;
use value::text::to_text;

use crate::along::{must_have, names};
use crate::prelude::*;
use crate::rows;

pub static PIVOT: Command = Command {
    name: "pivot",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Turns the values of a column into columns, with what the rows of each have in another one",
    details: "One row for each different combination of the columns of `--by`; without it, of all the columns that are \
              not named otherwise. Several values for one cell are made one by `--with`. The new columns come in the \
              order in which their names first appear; null is no name. A cell without a row is null.",
    params: &[
        Param::required("on", Takes::Column, "The column whose values become names"),
        Param::required("values", Takes::Column, "The column whose values go under them"),
        Param::flag("by", Some('b'), Takes::Type("oneof<string, list<string>>"), "The columns that tell rows apart"),
        Param::flag(
            "with",
            Some('w'),
            Takes::Words(&["first", "last", "sum", "mean", "min", "max", "median", "count", "length"]),
            "What to make of several values; `first` by default",
        ),
    ],
    io: &[("table", "table"), ("list<any>", "table")],
    examples: &[
        example(
            "Long to wide",
            "[[day kind n]; [mon a 1] [mon b 2] [tue a 3]] | pivot kind n",
            "[[day a b]; [mon 1 2] [tue 3 null]]",
        ),
        example(
            "Several rows for a cell",
            "[[day kind n]; [mon a 1] [mon a 2] [tue a 3]] | pivot kind n --with sum",
            "[[day a]; [mon 3] [tue 3]]",
        ),
    ],
    search: &["wide", "crosstab", "spread", "reshape"],
    run: pivot,
    ..Command::DEFAULT
};

pub static UNPIVOT: Command = Command {
    name: "unpivot",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Turns columns into rows: one for each, with its name and its value",
    details: "The other columns are kept beside them.",
    params: &[
        Param::rest("columns", Takes::Column, "The columns; all but those of `--keep` when none is named"),
        Param::flag("keep", Some('k'), Takes::Type("oneof<string, list<string>>"), "The columns to keep as they are"),
        Param::flag("names", Some('n'), Takes::Type("string"), "The column of names; `name` by default"),
        Param::flag("values", Some('v'), Takes::Type("string"), "The column of values; `value` by default"),
    ],
    io: &[("table", "table"), ("list<any>", "list<any>"), ("record", "list<any>")],
    examples: &[
        example("Wide to long", "[[day a b]; [mon 1 2]] | unpivot a b", "[[day name value]; [mon a 1] [mon b 2]]"),
        example(
            "All but a key",
            "[[day a]; [mon 1]] | unpivot --keep day --names kind --values n",
            "[[day kind n]; [mon a 1]]",
        ),
    ],
    search: &["melt", "long", "gather", "reshape"],
    run: unpivot,
    ..Command::DEFAULT
};

fn pivot(call: &mut Call<'_>, input: Data) -> Result<Data> {
    rows::want_items(call, &input)?;
    let table = rows::as_table(call, input)?;
    let on: Arc<str> = super::select::title(&call.required::<CellPath>("on")?).into();
    let values: Arc<str> = super::select::title(&call.required::<CellPath>("values")?).into();
    let schema = table.schema()?;
    let mut by = names(call, "by");
    if !call.given("by") {
        by =
            schema.columns.iter().map(|(name, _)| name.clone()).filter(|name| *name != on && *name != values).collect();
    }
    for (name, parameter) in [(&on, "on"), (&values, "values")].into_iter().chain(by.iter().map(|name| (name, "by"))) {
        if !schema.columns.is_empty() {
            must_have(call, parameter, &schema, name)?;
        }
    }
    let with = call.optional::<String>("with")?.unwrap_or_else(|| "first".into());
    let aggregation = match with.as_str() {
        "last" => Aggregation::Last,
        "sum" => Aggregation::Sum,
        "mean" => Aggregation::Average,
        "min" => Aggregation::Min,
        "max" => Aggregation::Max,
        "median" => Aggregation::Median,
        "count" | "length" => Aggregation::Length,
        _ => Aggregation::First,
    };
    // One row for each cell, which are few however many rows there are.
    let expr = |kind| Expr::new(kind, call.span("values"));
    let keys = by.iter().chain([&on]).map(|name| (name.clone(), expr(ExprKind::Column(name.clone())))).collect();
    let reduced = ExprKind::Aggregate(aggregation, Box::new(expr(ExprKind::Column(values.clone()))));
    let cell: Arc<str> = unused(&by, &on).into();
    let stage = Stage::Group { keys, aggregations: vec![(cell.clone(), expr(reduced))] };
    let cells = match table.stage(&stage)? {
        Some(cells) => cells,
        None => {
            let records = table::as_rows(table.rows()?, None)?;
            records.stage(&stage)?.unwrap_or_else(|| table::empty(Fields::default()))
        }
    };
    let cells = cells.rows()?;
    let mut columns: Vec<Arc<str>> = by.clone();
    let mut places: HashMap<table::Key, usize> = HashMap::new();
    let mut wide: Vec<Vec<Value>> = Vec::new();
    for row in &cells {
        let Value::Record(row) = row else { continue };
        let get = |name: &Arc<str>| row.get(name).unwrap_or(&Value::Nothing);
        let at = *places.entry(table::key_of_all(by.iter().map(get))).or_insert(wide.len());
        if at == wide.len() {
            wide.push(by.iter().map(|name| get(name).clone()).collect());
        }
        if get(&on).is_nothing() {
            continue;
        }
        let name = to_text(get(&on));
        if by.iter().any(|key| **key == *name) {
            return Err(Diagnostic::new(
                codes::BAD_ARGUMENT,
                format!("the column `{on}` holds `{name}`, which is a column already"),
            )
            .label(call.span("on"), "would name two columns alike")
            .help(format!("rename that one first: `rename --column {{ {name}: … }}`")));
        }
        let column = columns[by.len()..].iter().position(|known| **known == *name).map_or_else(
            || {
                columns.push(name.into());
                columns.len() - 1
            },
            |at| by.len() + at,
        );
        let cells = &mut wide[at];
        cells.resize(cells.len().max(column + 1), Value::Nothing);
        cells[column] = get(&cell).clone();
    }
    let columns = Arc::new(columns);
    let rows = wide.into_iter().map(|mut cells| {
        cells.resize(columns.len(), Value::Nothing);
        Value::record(Record::from_parts(columns.clone(), cells))
    });
    Ok(Data::Value(Value::table(table::from_rows(rows.collect(), None)?)))
}

/// A name for the cells' column that is none of the others.
fn unused(by: &[Arc<str>], on: &Arc<str>) -> String {
    let mut name = "cell".to_string();
    while by.iter().chain([on]).any(|known| **known == *name) {
        name.push('_');
    }
    name
}

fn unpivot(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let columns: Vec<String> = super::select::paths_of(call, "columns")?.iter().map(super::select::title).collect();
    let keep = names(call, "keep");
    let name_column = call.optional::<String>("names")?.unwrap_or_else(|| "name".into());
    let value_column = call.optional::<String>("values")?.unwrap_or_else(|| "value".into());
    let span = call.span("columns");
    let head = call.head;
    let long = move |row: Value| -> Result<Vec<Value>> {
        let Value::Record(row) = row else {
            return Err(Diagnostic::new(codes::WRONG_TYPE, format!("rows have columns, {} has none", row.type_of()))
                .label(head, "in what flows in here"));
        };
        if let Some(missing) = columns.iter().find(|name| !row.contains(name)) {
            return Err(value::cell_path::unknown_column(missing, row.names()).label(span, "here"));
        }
        let turns = |name: &str| match columns.is_empty() {
            true => !keep.iter().any(|kept| **kept == *name),
            false => columns.iter().any(|column| column == name),
        };
        let mut base = Record::new();
        row.iter().filter(|(name, _)| !turns(name)).for_each(|(name, value)| base.insert(name, value.clone()));
        if let Some(taken) = [&name_column, &value_column].into_iter().find(|name| base.contains(name)) {
            return Err(Diagnostic::new(
                codes::BAD_ARGUMENT,
                format!("a column that is kept is called `{taken}` already"),
            )
            .label(head, "would be overwritten")
            .help("`--names` and `--values` call the new ones something else"));
        }
        let rows = row.iter().filter(|(name, _)| turns(name)).map(|(name, value)| {
            let mut made = base.clone();
            made.insert(name_column.as_str(), Value::from(name));
            made.insert(value_column.as_str(), value.clone());
            Value::record(made)
        });
        Ok(rows.collect())
    };
    rows::flat_map(call, input, long)
}
