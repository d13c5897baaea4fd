use value::Stage;

use crate::prelude::*;
use crate::rows;

pub static SKIP: Command = Command {
    name: "skip",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Leaves out the first item, or the first so many",
    params: &[Param::optional("rows", Takes::Type("oneof<int, filesize>"), "How many to leave out; 1 by default")],
    io: &[
        ("table", "table"),
        ("list<any>", "list<any>"),
        ("range", "list<number>"),
        ("binary", "binary"),
        ("nothing", "list<any>"),
    ],
    examples: &[
        example("All but the first", "[2 4 6 8] | skip 1", "[4 6 8]"),
        example("Rows", "[[year]; [2015] [2018] [2021]] | skip 2", "[[year]; [2021]]"),
    ],
    search: &["drop", "offset", "tail"],
    infer: Some(rows::keeps_type),
    run,
    ..Command::DEFAULT
};

pub static SKIP_WHILE: Command = Command {
    name: "skip while",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Leaves out items as long as a condition holds",
    params: &[Param::required("condition", Takes::Condition, "What is true of items to leave out")],
    io: &[("table", "table"), ("list<any>", "list<any>"), ("range", "list<number>")],
    examples: &[example("From the first that is not negative", "[-2 0 2 -1] | skip while {|x| $x < 0 }", "[0 2 -1]")],
    infer: Some(rows::keeps_type),
    run: |call, input| skip(call, input, true),
    ..Command::DEFAULT
};

pub static SKIP_UNTIL: Command = Command {
    name: "skip until",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Leaves out items up to the first for which a condition holds",
    params: &[Param::required("condition", Takes::Condition, "What the first kept item is")],
    io: &[("table", "table"), ("list<any>", "list<any>"), ("range", "list<number>")],
    examples: &[example("From the first positive", "[-2 0 2 -1] | skip until {|x| $x > 0 }", "[2 -1]")],
    infer: Some(rows::keeps_type),
    run: |call, input| skip(call, input, false),
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let count = rows::count_of(call, "rows", &input)?.unwrap_or(1);
    if let Data::Value(Value::Binary(bytes)) = &input {
        return Ok(Data::Value(Value::binary(bytes[count.min(bytes.len())..].to_vec())));
    }
    rows::want_items(call, &input)?;
    if let Some(data) = rows::moved(&input, || Some(Stage::Skip(count)))? {
        return Ok(data);
    }
    let (resource, endless) = (input.resource(), input.is_endless());
    let stream = Stream::new(rows::plain(input)?.into_items(call.interrupt())?.skip(count)).with_resource(resource);
    Ok(Data::Stream(stream.endless_if(endless)))
}

fn skip(call: &mut Call<'_>, input: Data, wanted: bool) -> Result<Data> {
    rows::want_items(call, &input)?;
    let mut runner = call.runner(&call.required("condition")?);
    let mut skipping = true;
    rows::map(call, input, true, move |item| {
        skipping = skipping && runner.holds(item.clone())? == wanted;
        Ok((!skipping).then_some(item))
    })
}
