use crate::prelude::*;
use crate::set::{self, Rule};

pub static UPSERT: Command = Command {
    name: "upsert",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Sets a column, a field, or an item by number, whether it is there or not",
    details: "A closure gets the row as its parameter, and what was there, or null, as `$in`.",
    params: set::PARAMS,
    io: set::IO,
    examples: &[
        example("Add a field", "{name: dora} | upsert lang rust", "{name: dora, lang: rust}"),
        example("Fill what is null", "[[n]; [2] [null]] | upsert n { default 0 }", "[[n]; [2] [0]]"),
        example("Replace an item", "[1 2 3] | upsert 0 2", "[2 2 3]"),
    ],
    search: &["add", "set", "update", "insert", "column"],
    infer: Some(set::infer),
    run: |call, input| set::run(call, input, Rule::Upsert),
    ..Command::DEFAULT
};
