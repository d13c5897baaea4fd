use value::ops::{self, Operator};

use crate::along::{self, BY, Parts};
use crate::prelude::*;
use crate::rows;

pub static FILL_NULL: Command = Command {
    name: "fill-null",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Puts what the rows around say in the place of null",
    details: "Without `--with`, the last value before it. `linear` goes from the value before to the one after in equal \
              steps. What has no such row stays null; `default` puts a given value there.",
    params: &[
        Param::rest("columns", Takes::Column, "The columns; all when none is named"),
        Param::flag(
            "with",
            Some('w'),
            Takes::Words(&["previous", "next", "linear"]),
            "Which rows tell; `previous` by default",
        ),
        Param::flag("limit", Some('l'), Takes::Type("int"), "Leave longer runs of null as they are after so many rows"),
        BY,
    ],
    io: &[("table", "table"), ("list<any>", "table")],
    examples: &[
        example("The last known value", "[[n]; [1] [null] [3]] | fill-null", "[[n]; [1] [1] [3]]"),
        example("In between", "[[n]; [1.0] [null] [2.0]] | fill-null n --with linear", "[[n]; [1.0] [1.5] [2.0]]"),
    ],
    search: &["null", "missing", "interpolate", "forward", "backward", "ffill", "impute"],
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let limit = rows::count(call, "limit")?.unwrap_or(usize::MAX);
    let with = call.optional::<String>("with")?.unwrap_or_else(|| "previous".into());
    let mut columns: Vec<String> = super::select::paths_of(call, "columns")?.iter().map(super::select::title).collect();
    let mut parts = Parts::of(call, input)?;
    if columns.is_empty() {
        columns = parts.table.schema()?.columns.into_iter().map(|(name, _)| name.to_string()).collect();
    }
    for column in columns {
        let values = along::column(call, "columns", &parts.table, &column)?;
        if !values.iter().any(Value::is_nothing) {
            continue;
        }
        // A table's column has one type: what lies between ints is a float.
        let floats = with == "linear" && values.iter().all(|value| matches!(value, Value::Int(_) | Value::Nothing));
        let filled = parts.compute(call, &column, &values, |values| {
            let filled = match with.as_str() {
                "next" => {
                    let mut filled = carried(values.into_iter().rev(), limit);
                    filled.reverse();
                    filled
                }
                "linear" => between(&values, limit)?,
                _ => carried(values.into_iter(), limit),
            };
            Ok(if floats { filled.into_iter().map(as_float).collect() } else { filled })
        });
        parts = rows::here(call, filled)?;
    }
    Ok(parts.into_data())
}

/// Each null takes the value before it, up to `limit` of them in a row.
fn carried<'a>(values: impl Iterator<Item = &'a Value>, limit: usize) -> Vec<Value> {
    let mut last = Value::Nothing;
    let mut run = 0;
    values
        .map(|value| {
            if value.is_nothing() {
                run += 1;
                return if run <= limit { last.clone() } else { Value::Nothing };
            }
            run = 0;
            last = value.clone();
            last.clone()
        })
        .collect()
}

/// Nulls between two values become equal steps from one to the other.
fn between(values: &[&Value], limit: usize) -> Result<Vec<Value>> {
    let mut filled: Vec<Value> = values.iter().map(|value| (*value).clone()).collect();
    let known: Vec<usize> = (0..values.len()).filter(|at| !values[*at].is_nothing()).collect();
    for pair in known.windows(2) {
        let (start, end) = (pair[0], pair[1]);
        let steps = i64::try_from(end - start).unwrap_or(i64::MAX);
        if steps < 2 {
            continue;
        }
        let whole = ops::apply(Operator::Subtract, values[end], values[start])?;
        for (number, cell) in (1..steps).zip(&mut filled[start + 1..end]).take(limit) {
            let share = ops::apply(Operator::Multiply, &whole, &Value::Int(number))?;
            let part = ops::apply(Operator::Divide, &share, &Value::Int(steps))?;
            *cell = ops::apply(Operator::Add, values[start], &part)?;
        }
    }
    Ok(filled)
}

fn as_float(value: Value) -> Value {
    value.as_float().map_or(value, Value::Float)
}
