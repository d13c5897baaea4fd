use crate::prelude::*;
use crate::rows;

pub static TAKE: Command = Command {
    name: "take",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Gives the first so many items",
    params: &[Param::required("rows", Takes::Type("oneof<int, filesize>"), "How many to keep")],
    io: &[("table", "table"), ("list<any>", "list<any>"), ("range", "list<number>"), ("binary", "binary")],
    examples: &[
        example("The first two", "[1 2 3] | take 2", "[1 2]"),
        example("More than there are", "[1 2] | take 5", "[1 2]"),
    ],
    search: &["first", "head", "limit"],
    infer: Some(rows::keeps_type),
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let count = rows::count_of(call, "rows", &input)?.unwrap_or(0);
    if let Data::Value(Value::Binary(bytes)) = &input {
        return Ok(Data::Value(Value::binary(bytes[..count.min(bytes.len())].to_vec())));
    }
    rows::want_items(call, &input)?;
    super::first::take(call, input, count)
}
