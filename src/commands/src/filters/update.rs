use crate::prelude::*;
use crate::set::{self, Rule};

pub static UPDATE: Command = Command {
    name: "update",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Replaces a column, a field, or an item by number",
    details: "A closure gets the row as its parameter, and what is replaced as `$in`. What is not there is an error.",
    params: &[Param::required("path", Takes::Column, "The column, field or item to replace"), set::VALUE],
    io: set::IO,
    examples: &[
        example("Replace a field", "{name: dora, stars: 5} | update name shell", "{name: shell, stars: 5}"),
        example(
            "Change a column by its old cells",
            "[[name]; [a] [b]] | update name { str upcase }",
            "[[name]; [A] [B]]",
        ),
        example("Replace an item", "[1 2 3] | update 1 4", "[1 4 3]"),
    ],
    search: &["change", "set", "modify", "column"],
    infer: Some(set::infer),
    run: |call, input| set::run(call, input, Rule::Update),
    ..Command::DEFAULT
};
