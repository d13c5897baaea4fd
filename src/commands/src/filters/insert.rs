use crate::prelude::*;
use crate::set::{self, Rule};

pub static INSERT: Command = Command {
    name: "insert",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Adds a column, a field, or an item before a number",
    details: "A closure gets the row as its parameter and as `$in`. What is there already is an error; `upsert` replaces it.",
    params: set::PARAMS,
    io: set::IO,
    examples: &[
        example("Add a column", "[[project]; [Dora]] | insert kind shell", "[[project kind]; [Dora shell]]"),
        example(
            "Compute a column",
            "[[a b]; [1 2] [3 4]] | insert sum {|row| $row.a + $row.b }",
            "[[a b sum]; [1 2 3] [3 4 7]]",
        ),
        example("Add an item", "[1 2 3] | insert 1 abc", "[1 abc 2 3]"),
    ],
    search: &["add", "new", "column"],
    infer: Some(set::infer),
    run: |call, input| set::run(call, input, Rule::Insert),
    ..Command::DEFAULT
};
