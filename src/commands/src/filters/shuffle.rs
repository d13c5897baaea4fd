use rand::seq::SliceRandom as _;

use crate::prelude::*;
use crate::rows;

pub static SHUFFLE: Command = Command {
    name: "shuffle",
    category: Category::Tables,
    summary: "Puts rows or items into a random order",
    io: &[("table", "table"), ("list<any>", "list<any>"), ("range", "list<number>")],
    examples: &[try_it("A hand of cards", "1..52 | shuffle | first 5")],
    search: &["random", "order"],
    infer: Some(rows::keeps_type),
    run: |call, input| {
        rows::want_items(call, &input)?;
        let mut items = rows::all(call, input)?;
        items.items.shuffle(&mut rand::rng());
        Ok(items.into_data())
    },
    ..Command::DEFAULT
};
