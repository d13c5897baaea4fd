use crate::along::{self, BY, Parts};
use crate::filters::sort_by::Order;
use crate::prelude::*;

pub static RANK: Command = Command {
    name: "rank",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Numbers rows by their place in the order of a column",
    details: "The smallest is 1, or with `--reverse` the largest. Equal values share a number: the lowest of their places \
              (`min`, as in sports), the highest (`max`), their `average`, or the next whole number (`dense`); `ordinal` \
              counts on in the order of the rows. Null has no place.",
    params: &[
        Param::required("column", Takes::Column, "What to put in order"),
        Param::flag(
            "method",
            Some('m'),
            Takes::Words(&["min", "max", "average", "dense", "ordinal"]),
            "The number that equal values get; `min` by default",
        ),
        Param::switch("reverse", Some('r'), "The largest is 1"),
        BY,
        Param::flag("name", Some('n'), Takes::Type("string"), "The new column's name; `rank` by default"),
    ],
    io: &[("table", "table"), ("list<any>", "table")],
    examples: &[
        example("Places", "[[n]; [30] [10] [30]] | rank n --reverse", "[[n rank]; [30 1] [10 3] [30 1]]"),
        example(
            "Within each kind",
            "[[kind n]; [a 5] [b 2] [a 3]] | rank n --by kind --name place",
            "[[kind n place]; [a 5 2] [b 2 1] [a 3 1]]",
        ),
    ],
    search: &["order", "place", "number", "position"],
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let column = super::select::title(&call.required::<CellPath>("column")?);
    let name = call.optional::<String>("name")?.unwrap_or_else(|| "rank".into());
    let method = call.optional::<String>("method")?.unwrap_or_else(|| "min".into());
    let order = Order { reverse: call.switch("reverse"), ignore_case: false, natural: false };
    let parts = Parts::of(call, input)?;
    let values = along::column(call, "column", &parts.table, &column)?;
    let ranked = parts.compute(call, &name, &values, |values| {
        let mut ranks = vec![Value::Nothing; values.len()];
        let keyed = values.iter().enumerate().filter(|(_, value)| !value.is_nothing());
        let keyed: Vec<(usize, [Value; 1])> = keyed.map(|(at, value)| (at, [(*value).clone()])).collect();
        let sorted = order.sort(call, keyed, |(_, key)| key)?;
        let mut start = 0;
        for (number, ties) in sorted.chunk_by(|(_, [a]), (_, [b])| a.compare(b).is_some_and(|o| o.is_eq())).enumerate()
        {
            let end = start + ties.len();
            for (offset, (at, _)) in ties.iter().enumerate() {
                ranks[*at] = match method.as_str() {
                    "max" => count(end),
                    "average" => Value::Float((start + 1 + end) as f64 / 2.0),
                    "dense" => count(number + 1),
                    "ordinal" => count(start + offset + 1),
                    _ => count(start + 1),
                };
            }
            start = end;
        }
        Ok(ranks)
    })?;
    Ok(ranked.into_data())
}

fn count(n: usize) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}
