use crate::prelude::*;
use crate::rows;

pub static TAKE_WHILE: Command = Command {
    name: "take while",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Gives items as long as a condition holds",
    params: &[Param::required("condition", Takes::Condition, "What must be true of each item")],
    io: &[("table", "table"), ("list<any>", "list<any>"), ("range", "list<number>")],
    examples: &[example("Up to the first positive", "[-1 -2 9 1] | take while {|x| $x < 0 }", "[-1 -2]")],
    infer: Some(rows::keeps_type),
    run: |call, input| take(call, input, true),
    ..Command::DEFAULT
};

pub static TAKE_UNTIL: Command = Command {
    name: "take until",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Gives items up to the first for which a condition holds",
    params: &[Param::required("condition", Takes::Condition, "What ends it")],
    io: &[("table", "table"), ("list<any>", "list<any>"), ("range", "list<number>")],
    examples: &[example("Up to the first positive", "[-1 -2 9 1] | take until {|x| $x > 0 }", "[-1 -2]")],
    infer: Some(rows::keeps_type),
    run: |call, input| take(call, input, false),
    ..Command::DEFAULT
};

fn take(call: &mut Call<'_>, input: Data, wanted: bool) -> Result<Data> {
    rows::want_items(call, &input)?;
    let mut runner = call.runner(&call.required("condition")?);
    let resource = input.resource();
    let items = rows::plain(input)?.into_items(call.interrupt())?;
    let taken = items.map_while(move |item| match item.and_then(|item| Ok((runner.holds(item.clone())?, item))) {
        Ok((holds, item)) => (holds == wanted).then_some(Ok(item)),
        Err(error) => Some(Err(error)),
    });
    Ok(Data::Stream(Stream::new(taken).with_resource(resource)))
}
