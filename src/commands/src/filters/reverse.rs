use value::Stage;

use crate::prelude::*;
use crate::rows;

pub static REVERSE: Command = Command {
    name: "reverse",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Turns the order of rows or items around",
    io: &[("table", "table"), ("list<any>", "list<any>"), ("range", "list<number>"), ("nothing", "list<any>")],
    examples: &[example("Items", "[0 1 2] | reverse", "[2 1 0]")],
    search: &["backwards", "flip"],
    infer: Some(rows::keeps_type),
    run: |call, input| {
        rows::want_items(call, &input)?;
        if let Some(data) = rows::moved(&input, || Some(Stage::Reverse))? {
            return Ok(data);
        }
        let mut items = rows::all(call, input)?;
        items.items.reverse();
        Ok(items.into_data())
    },
    ..Command::DEFAULT
};
