//! Lists as sets. Items are told apart as `uniq` does it, and stand in the order in which they come first.

use std::collections::HashSet;

use crate::prelude::*;
use crate::rows;

/// What set operations declare alike.
const SETS: Command = Command {
    category: Category::Tables,
    effect: Effect::Computes,
    params: &[Param::required("other", Takes::Type("list<any>"), "The other list")],
    io: &[("list<any>", "list<any>"), ("table", "table"), ("range", "list<number>")],
    infer: Some(rows::keeps_type),
    ..Command::DEFAULT
};

pub static DIFFERENCE: Command = Command {
    name: "difference",
    summary: "Keeps items that are not in another list, each once",
    examples: &[example("Two lists", "[1 2 3 4] | difference [3 4 5]", "[1 2]")],
    search: &["set", "minus", "except", "subtract"],
    run: |call, input| run(call, input, |in_other| !in_other, false),
    ..SETS
};

pub static INTERSECT: Command = Command {
    name: "intersect",
    summary: "Keeps items that are in another list too, each once",
    examples: &[example("Two lists", "[1 2 3 4] | intersect [3 4 5]", "[3 4]")],
    search: &["set", "common", "both"],
    run: |call, input| run(call, input, |in_other| in_other, false),
    ..SETS
};

pub static UNION: Command = Command {
    name: "union",
    summary: "Gives the items of both lists, each once",
    examples: &[example("Two lists", "[1 2 2] | union [2 3]", "[1 2 3]")],
    search: &["set", "combine", "either"],
    infer: None,
    run: |call, input| run(call, input, |_| true, true),
    ..SETS
};

fn run(call: &mut Call<'_>, input: Data, keep: fn(bool) -> bool, both: bool) -> Result<Data> {
    rows::want_items(call, &input)?;
    let other: Value = call.required("other")?;
    let other = other.items()?;
    let key = |item: &Value| table::key_of_all(std::iter::once(item));
    let in_other: HashSet<table::Key> = other.iter().map(key).collect();
    let rows::Items { mut items, resource } = rows::all(call, input)?;
    if both {
        items.extend(other.iter().cloned());
    }
    let mut known = HashSet::new();
    items.retain(|item| {
        let key = key(item);
        keep(in_other.contains(&key)) && known.insert(key)
    });
    Ok(rows::Items { items, resource }.into_data())
}
