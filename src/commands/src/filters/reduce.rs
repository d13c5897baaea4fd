use crate::prelude::*;
use crate::rows;

pub static REDUCE: Command = Command {
    name: "reduce",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Joins all items into one value by a closure of an item and what came of those before",
    details: "Without `--fold` it starts with the first item.",
    params: &[
        Param::required("closure", Takes::FoldClosure, "Called as `{|item, so_far| … }`; `$in` is `so_far`"),
        Param::flag("fold", Some('f'), Takes::Type("any"), "What to start with"),
    ],
    io: &[("table", "any"), ("list<any>", "any"), ("range", "any")],
    examples: &[
        example("Add up", "[1 2 3 4] | reduce {|it, acc| $it + $acc }", "10"),
        example("Start with a value", "[1 2] | reduce --fold 10 {|it, acc| $acc + $it }", "13"),
    ],
    search: &["fold", "inject", "accumulate"],
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    if input.is_empty() {
        return Err(call.wrong_input(&Type::Nothing, "a list or a table").help("nothing flows into it"));
    }
    rows::want_items(call, &input)?;
    if input.is_endless() {
        return Err(rows::endless(call));
    }
    let mut runner = call.runner(&call.required("closure")?);
    let fold = call.given("fold").then(|| call.value("fold").cloned().unwrap_or(Value::Nothing));
    let mut items = rows::plain(input)?.into_items(call.interrupt())?;
    let mut so_far = match fold {
        Some(start) => start,
        None => match items.next() {
            Some(first) => first?,
            None => return Err(super::last::nothing_there(call).help("`--fold` gives a start for when there are none")),
        },
    };
    for item in items {
        so_far = runner.value(&[item?, so_far.clone()], so_far)?;
    }
    Ok(Data::Value(so_far))
}
