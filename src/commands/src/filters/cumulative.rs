use value::ops::{self, Operator};

use crate::along::{self, BY, Parts};
use crate::prelude::*;
use crate::rows;

pub static CUMULATIVE: Command = Command {
    name: "cumulative",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Adds a column with what all rows so far come to",
    details: "Null adds nothing, and its row has what the rows before it come to. The new column is called as the old \
              one, with `_sum` and so on after it.",
    params: &[
        Param::required(
            "what",
            Takes::Words(&["sum", "mean", "min", "max", "count", "product"]),
            "What to make of the rows so far",
        ),
        Param::required("column", Takes::Column, "The column"),
        BY,
        Param::flag("name", Some('n'), Takes::Type("string"), "The new column's name"),
    ],
    io: &[("table", "table"), ("list<any>", "table")],
    examples: &[
        example("A running total", "[[n]; [1] [2] [3]] | cumulative sum n", "[[n n_sum]; [1 1] [2 3] [3 6]]"),
        example(
            "For each kind",
            "[[kind n]; [a 5] [b 2] [a 3]] | cumulative max n --by kind --name peak",
            "[[kind n peak]; [a 5 5] [b 2 2] [a 3 5]]",
        ),
    ],
    search: &["running", "total", "cumsum", "scan", "accumulate"],
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let what: String = call.required("what")?;
    let column = super::select::title(&call.required::<CellPath>("column")?);
    let name = call.optional::<String>("name")?.unwrap_or_else(|| format!("{column}_{what}"));
    let parts = Parts::of(call, input)?;
    let values = along::column(call, "column", &parts.table, &column)?;
    let computed = parts.compute(call, &name, &values, |values| {
        let mut results = Vec::with_capacity(values.len());
        let mut so_far: Option<Value> = None;
        let mut count = 0_i64;
        for value in values {
            if !value.is_nothing() {
                count += 1;
                so_far = Some(match so_far {
                    None => value.clone(),
                    Some(so_far) => next(&what, so_far, value)?,
                });
            }
            results.push(match (what.as_str(), &so_far) {
                ("count", _) => Value::Int(count),
                (_, None) => Value::Nothing,
                ("mean", Some(sum)) => ops::apply(Operator::Divide, sum, &Value::Int(count))?,
                (_, Some(so_far)) => so_far.clone(),
            });
        }
        Ok(results)
    });
    Ok(rows::here(call, computed)?.into_data())
}

fn next(what: &str, so_far: Value, value: &Value) -> Result<Value> {
    let wanted = match what {
        "sum" | "mean" => return ops::apply(Operator::Add, &so_far, value),
        "product" => return ops::apply(Operator::Multiply, &so_far, value),
        "count" => return Ok(so_far),
        "min" => std::cmp::Ordering::Less,
        _ => std::cmp::Ordering::Greater,
    };
    let order = value.compare(&so_far).ok_or_else(|| {
        Diagnostic::new(
            codes::WRONG_TYPE,
            format!("there is no order between {} and {}", so_far.type_of(), value.type_of()),
        )
    })?;
    Ok(if order == wanted { value.clone() } else { so_far })
}
