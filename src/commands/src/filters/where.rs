use value::Stage;

use crate::prelude::*;
use crate::rows;

pub static WHERE: Command = Command {
    name: "where",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Keeps the rows or items for which a condition is true",
    details: "In a condition a bare name is a column, and the row itself is `$it`. A closure gets each item as its \
              parameter and as `$in`. Null counts as false.",
    params: &[Param::required("condition", Takes::Condition, "What must be true of a row")],
    io: &[("table", "table"), ("list<any>", "list<any>"), ("range", "list<number>"), ("nothing", "list<any>")],
    examples: &[
        example(
            "Keep the rows with a large size",
            "[[name size]; [a 1kb] [b 3kb]] | where size > 2kb",
            "[[name size]; [b 3kb]]",
        ),
        example("Keep items by a closure", "[1 2 3 4 5] | where {|x| $x > 3 }", "[4 5]"),
        example("Keep items by the item itself", "1..5 | where $it mod 2 == 0", "[2 4]"),
    ],
    search: &["filter", "find", "search", "condition"],
    infer: Some(rows::keeps_type),
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    rows::want_items(call, &input)?;
    let condition: ClosureValue = call.required("condition")?;
    if let Some(data) = rows::computed(&input, || condition.lower().map(Stage::Filter))? {
        return Ok(data);
    }
    let mut runner = call.runner(&condition);
    rows::map(call, input, true, move |item| Ok(runner.holds(item.clone())?.then_some(item)))
}
