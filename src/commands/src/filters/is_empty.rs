use crate::prelude::*;
use crate::rows;

pub static IS_EMPTY: Command = Command {
    name: "is-empty",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Tells whether there is nothing in it: no items, fields or characters; null is empty",
    params: &[Param::rest("columns", Takes::Column, "Whether all cells of these columns are empty")],
    io: &[("any", "bool")],
    examples: &[example("An empty list", "[] | is-empty", "true"), example("A text", "' ' | is-empty", "false")],
    search: &["null", "blank"],
    infer: Some(|_| Some(Type::Bool)),
    lower: Some(|call| crate::cells::lower_plain(call, Function::IsEmpty)),
    run: |call, input| decide(call, input).map(|empty| Data::Value(Value::Bool(empty))),
    ..Command::DEFAULT
};

pub static IS_NOT_EMPTY: Command = Command {
    name: "is-not-empty",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Tells whether there is something in it: an item, a field or a character",
    params: &[Param::rest("columns", Takes::Column, "Whether some cell of these columns is not empty")],
    io: &[("any", "bool")],
    examples: &[example("A list", "[1] | is-not-empty", "true"), example("Null", "null | is-not-empty", "false")],
    infer: Some(|_| Some(Type::Bool)),
    run: |call, input| decide(call, input).map(|empty| Data::Value(Value::Bool(!empty))),
    ..Command::DEFAULT
};

fn decide(call: &mut Call<'_>, input: Data) -> Result<bool> {
    let paths: Vec<CellPath> = call.rest("columns")?;
    if !paths.is_empty() {
        let value = rows::value(call, input)?;
        let items = if let Value::Record(_) = &value { Arc::new(vec![value]) } else { value.items()? };
        for item in items.iter() {
            for path in &paths {
                let cell = item.follow(&path.0).map_err(|error| error.or_label(call.span("columns"), "here"))?;
                if !cell.is_empty()? {
                    return Ok(false);
                }
            }
        }
        return Ok(true);
    }
    match rows::plain(input)? {
        Data::Empty => Ok(true),
        Data::Stream(mut stream) => Ok(stream.next().transpose()?.is_none()),
        other => call.collect(other)?.is_empty(),
    }
}
