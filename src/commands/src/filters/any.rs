use crate::prelude::*;
use crate::rows;

pub static ANY: Command = Command {
    name: "any",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Tells whether a condition is true of at least one item",
    params: &[Param::required("condition", Takes::Condition, "What may be true of an item")],
    io: &[("table", "bool"), ("list<any>", "bool"), ("range", "bool"), ("nothing", "bool")],
    examples: &[
        example("With a closure", "[1 2 3] | any {|n| $n > 2 }", "true"),
        example("With a condition", "[[status]; [down] [up]] | any status == up", "true"),
    ],
    search: &["some", "exists", "or"],
    infer: Some(|_| Some(Type::Bool)),
    run: |call, input| decide(call, input, true),
    ..Command::DEFAULT
};

pub static ALL: Command = Command {
    name: "all",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Tells whether a condition is true of every item",
    params: &[Param::required("condition", Takes::Condition, "What must be true of an item")],
    io: &[("table", "bool"), ("list<any>", "bool"), ("range", "bool"), ("nothing", "bool")],
    examples: &[
        example("With a closure", "[1 2 3] | all {|n| $n > 0 }", "true"),
        example("With a condition", "[[status]; [down] [up]] | all status == up", "false"),
    ],
    search: &["every", "and"],
    infer: Some(|_| Some(Type::Bool)),
    run: |call, input| decide(call, input, false),
    ..Command::DEFAULT
};

/// Stops at the first item whose answer decides: a true one for `any`, any other for `all`.
fn decide(call: &mut Call<'_>, input: Data, decisive: bool) -> Result<Data> {
    rows::want_items(call, &input)?;
    let mut runner = call.runner(&call.required("condition")?);
    for item in rows::plain(input)?.into_items(call.interrupt())? {
        if runner.holds(item?)? == decisive {
            return Ok(Data::Value(Value::Bool(decisive)));
        }
    }
    Ok(Data::Value(Value::Bool(!decisive)))
}
