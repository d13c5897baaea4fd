use value::Stage;

use crate::prelude::*;
use crate::rows;

pub static FIRST: Command = Command {
    name: "first",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Gives the first item, or the first so many",
    details: "Without a number, one item; of nothing, null.",
    params: &[
        Param::optional("rows", Takes::Type("oneof<int, filesize>"), "How many to keep"),
        Param::switch("strict", Some('s'), "Fail when there is no first item"),
    ],
    io: &[("table", "any"), ("list<any>", "any"), ("range", "any"), ("binary", "any"), ("nothing", "any")],
    examples: &[
        example("The first item", "[1 2 3] | first", "1"),
        example("The first two", "[1 2 3] | first 2", "[1 2]"),
        example("Of an endless range", "1.. | first 3", "[1 2 3]"),
    ],
    search: &["head", "top", "limit"],
    infer: Some(super::last::infer),
    lower: Some(lower),
    run,
    ..Command::DEFAULT
};

fn lower(call: &Lowering<'_>) -> Option<Expr> {
    super::last::lower_as(call, Aggregation::First)
}

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let count = rows::count_of(call, "rows", &input)?;
    match (&input, count) {
        (Data::Value(Value::Binary(bytes)), Some(count)) => {
            return Ok(Data::Value(Value::binary(bytes[..count.min(bytes.len())].to_vec())));
        }
        (Data::Value(Value::Binary(bytes)), None) => {
            return Ok(Data::Value(bytes.first().map(|byte| i64::from(*byte)).into()));
        }
        _ => {}
    }
    rows::want_items(call, &input)?;
    let Some(count) = count else {
        let mut items = match rows::table(&input) {
            Some(table) => Data::Value(Value::list(table.slice(0, 1)?)),
            None => input,
        }
        .into_items(call.interrupt())?;
        return match items.next() {
            Some(item) => item.map(Data::Value),
            None if call.switch("strict") => Err(super::last::nothing_there(call)),
            None => Ok(Data::Value(Value::Nothing)),
        };
    };
    take(call, input, count)
}

/// The first so many items; a table stays one and a stream ends early.
pub(crate) fn take(call: &Call<'_>, input: Data, count: usize) -> Result<Data> {
    if let Some(data) = rows::moved(&input, || Some(Stage::First(count)))? {
        return Ok(data);
    }
    let resource = input.resource();
    let items = rows::plain(input)?.into_items(call.interrupt())?.take(count);
    Ok(Data::Stream(Stream::new(items).with_resource(resource)))
}
