use render::chart::{CHART, Chart};
use value::ops::{self, Operator};

use crate::along;
use crate::prelude::*;
use crate::rows;

const TITLE: Param = Param::flag("title", Some('t'), Takes::Type("string"), "What stands above it");

/// What charts declare alike.
const PICTURE: Command = Command {
    category: Category::Tables,
    effect: Effect::Computes,
    io: &[("table", "record"), ("list<any>", "record")],
    ..Command::DEFAULT
};

pub static LINE: Command = Command {
    name: "chart line",
    summary: "Draws columns as lines over another one",
    details: "A chart is a record with its data, which a terminal shows as a picture and `save` writes as `.svg` or \
              `.html`. Numbers, durations, filesizes and datetimes can be drawn; null leaves a gap.",
    params: &[
        Param::required("x", Takes::Column, "The column that goes to the right"),
        Param::rest("y", Takes::Column, "The columns that go up"),
        Param::flag(
            "by",
            Some('b'),
            Takes::Column,
            "A line for each value of this column; with one column that goes up",
        ),
        TITLE,
    ],
    examples: &[
        try_it(
            "Over time",
            "open runs.parquet | window 1min | aggregate { p99: ($in.latency | math quantile 0.99) } | chart line ts p99",
        ),
        try_it("As a picture", "open runs.csv | chart line ts load --by robot | save load.svg"),
        example("It is a record", "[[t n]; [1 2]] | chart line t n | get y", "[n]"),
    ],
    search: &["plot", "graph", "picture", "svg", "draw", "sparkline"],
    run: line,
    ..PICTURE
};

pub static BAR: Command = Command {
    name: "chart bar",
    summary: "Draws a bar for each row",
    params: &[
        Param::required("label", Takes::Column, "The column that says what a bar is of"),
        Param::rest("values", Takes::Column, "The columns that say how long bars are"),
        TITLE,
    ],
    examples: &[
        try_it("Sizes of files", "ls | chart bar name size"),
        example("It is a record", "[[a n]; [x 2]] | chart bar a n | get data.0.n", "2"),
    ],
    search: &["plot", "graph", "picture", "svg", "column"],
    run: |call, input| {
        let label = super::select::title(&call.required::<CellPath>("label")?);
        let values = titles(call, "values")?;
        picture(call, input, "bar", &label, &values)
    },
    ..PICTURE
};

pub static HIST: Command = Command {
    name: "chart hist",
    summary: "Draws how many values lie in each part of their range",
    params: &[
        Param::required("column", Takes::Column, "The column"),
        Param::flag("bins", Some('n'), Takes::Type("int"), "About how many parts; 12 by default"),
        TITLE,
    ],
    examples: &[
        try_it("Latencies", "open runs.parquet | chart hist latency"),
        example("How many", "[[n]; [1] [2] [2] [9]] | chart hist n --bins 2 | get data.count", "[3 1]"),
    ],
    search: &["plot", "histogram", "distribution", "bins"],
    run: hist,
    ..PICTURE
};

fn titles(call: &Call<'_>, parameter: &str) -> Result<Vec<String>> {
    let names: Vec<String> = super::select::paths_of(call, parameter)?.iter().map(super::select::title).collect();
    if names.is_empty() {
        return Err(Diagnostic::new(
            codes::MISSING_ARGUMENT,
            format!("`{}` needs a column to draw", call.command.name),
        )
        .label(call.head, "of what?"));
    }
    Ok(names)
}

fn line(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let x = super::select::title(&call.required::<CellPath>("x")?);
    let y = titles(call, "y")?;
    let Some(by) = call.optional::<CellPath>("by")?.map(|by| super::select::title(&by)) else {
        return picture(call, input, "line", &x, &y);
    };
    let [y] = y.as_slice() else {
        return Err(Diagnostic::new(codes::BAD_ARGUMENT, "with `--by` one column is drawn")
            .label(call.span("y"), "these are several"));
    };
    rows::want_items(call, &input)?;
    let table = rows::as_table(call, input)?;
    let columns = [("x", &x), ("y", y), ("by", &by)];
    let [xs, ys, keys] = columns.map(|(parameter, name)| along::column(call, parameter, &table, name));
    let mut names: Vec<String> = Vec::new();
    let rows = xs?.into_iter().zip(ys?).zip(keys?).map(|((at, value), key)| {
        let mut name = value::text::to_text(&key);
        if name == x {
            name.push('_');
        }
        if !names.contains(&name) {
            names.push(name.clone());
        }
        Value::record([(x.clone(), at), (name, value)].into_iter().collect())
    });
    let rows = rows.collect();
    chart(call, "line", &x, &names, rows)
}

fn picture(call: &Call<'_>, input: Data, kind: &str, x: &str, y: &[String]) -> Result<Data> {
    rows::want_items(call, &input)?;
    let table = rows::as_table(call, input)?;
    let parameters = call.command.params;
    let names = std::iter::once(x).chain(y.iter().map(String::as_str));
    let mut columns = Vec::new();
    for (at, name) in names.enumerate() {
        columns.push((name, along::column(call, parameters[at.min(1)].name, &table, name)?.into_iter()));
    }
    let count = columns.first().map_or(0, |(_, column)| column.len());
    let rows = (0..count).map(|_| {
        let cells = columns.iter_mut().map(|(name, column)| (*name, column.next().unwrap_or_default()));
        Value::record(cells.collect())
    });
    let rows = rows.collect();
    chart(call, kind, x, y, rows)
}

/// The record of a chart. What has numbers nowhere is no column to draw.
fn chart(call: &Call<'_>, kind: &str, x: &str, y: &[String], rows: Vec<Value>) -> Result<Data> {
    let title = call.optional::<String>("title")?.unwrap_or_default();
    let names: Vec<Value> = y.iter().map(|name| Value::from(name.as_str())).collect();
    let drawn = |value: &Value| {
        matches!(
            value,
            Value::Nothing
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Duration(_)
                | Value::Filesize(_)
                | Value::DateTime(_)
        )
    };
    let on_axes = y.iter().map(String::as_str).chain((kind == "line").then_some(x));
    for name in on_axes {
        let cells = rows.iter().filter_map(|row| row.as_record()?.get(name));
        if let Some(other) = cells.into_iter().find(|cell| !drawn(cell)) {
            return Err(Diagnostic::new(
                codes::WRONG_TYPE,
                format!("the column `{name}` holds {}, which has no place on an axis", other.type_of()),
            )
            .label(call.head, "draws numbers, durations, filesizes and datetimes"));
        }
    }
    let record: Record = [
        ("chart", Value::from(kind)),
        ("title", Value::string(title)),
        ("x", Value::from(x)),
        ("y", Value::list(names)),
        ("data", Value::list(rows)),
    ]
    .into_iter()
    .collect();
    Ok(Data::Value(Value::record(record.with_resource(Some(CHART)))))
}

fn hist(call: &mut Call<'_>, input: Data) -> Result<Data> {
    rows::want_items(call, &input)?;
    let column = super::select::title(&call.required::<CellPath>("column")?);
    let bins = rows::count(call, "bins")?.unwrap_or(12).max(1);
    let table = rows::as_table(call, input)?;
    let values = along::column(call, "column", &table, &column)?;
    let like = values.iter().find(|value| !value.is_nothing()).cloned().unwrap_or_default();
    let bound = |x: f64| bound(&like, x);
    let mut data = Vec::new();
    if let Some((first, length, count)) = Chart::parts(&values, bins) {
        let mut counts = vec![0_i64; count];
        for value in values.iter().filter(|value| !value.is_nothing()) {
            call.interrupt().check()?;
            let since = ops::apply(Operator::Subtract, value, &bound(first))
                .map_err(|error| error.label(call.span("column"), "is not made of numbers"))?;
            let apart = match since {
                Value::Int(n) | Value::Duration(n) | Value::Filesize(n) => n as f64,
                other => other.as_float().unwrap_or_default(),
            };
            if let Some(slot) = counts.get_mut(((apart / length).floor().max(0.0) as usize).min(count - 1)) {
                *slot += 1;
            }
        }
        for (number, count) in counts.into_iter().enumerate() {
            let (from, to) = (first + number as f64 * length, first + (number + 1) as f64 * length);
            let fields = [("from", bound(from)), ("to", bound(to)), ("count", Value::Int(count))];
            data.push(Value::record(fields.into_iter().collect()));
        }
    }
    chart(call, "bar", "from", &["count".to_string()], data)
}

/// A bound as a value like those that it bounds, without the noise of floats.
fn bound(like: &Value, x: f64) -> Value {
    let whole = x.round() as i64;
    match like {
        Value::Duration(_) => Value::Duration(whole),
        Value::Filesize(_) => Value::Filesize(whole),
        Value::DateTime(at) => Value::DateTime(value::DateTime { nanos: whole, offset: at.offset }),
        Value::Int(_) if x.fract() == 0.0 => Value::Int(whole),
        _ => Value::Float(format!("{x:.9e}").parse().unwrap_or(x)),
    }
}
