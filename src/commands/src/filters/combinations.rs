use itertools::Itertools as _;

use crate::prelude::*;
use crate::rows;

pub static COMBINATIONS: Command = Command {
    name: "combinations",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Gives all ways to choose so many items, each in the order of the list",
    params: &[Param::required("count", Takes::Type("int"), "How many are chosen")],
    io: IO,
    examples: &[
        example("Pairs", "[1 2 3] | combinations 2", "[[1 2] [1 3] [2 3]]"),
        example("Too few to choose from", "[1 2] | combinations 3", "[]"),
    ],
    search: &["choose", "subsets"],
    run: |call, input| {
        let count = rows::count(call, "count")?.unwrap_or(0);
        rows::want_items(call, &input)?;
        let items = rows::all(call, input)?;
        let resource = items.resource;
        if count > items.items.len() {
            return Ok(Data::Value(Value::list(Vec::new())));
        }
        let chosen = items.items.into_iter().combinations(count);
        Ok(Data::Stream(Stream::new(chosen.map(move |some| Ok(engine::data::tagged(Value::list(some), resource))))))
    },
    ..Command::DEFAULT
};

pub static PERMUTATIONS: Command = Command {
    name: "permutations",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Gives all orders in which the items can stand",
    io: IO,
    examples: &[example("Three", "[1 2 3] | permutations", "[[1 2 3] [2 1 3] [3 1 2] [1 3 2] [2 3 1] [3 2 1]]")],
    search: &["arrangements", "orders"],
    run: |call, input| {
        rows::want_items(call, &input)?;
        let items = rows::all(call, input)?;
        let resource = items.resource;
        let orders = Orders::of(items.items);
        Ok(Data::Stream(Stream::new(orders.map(move |order| Ok(engine::data::tagged(Value::list(order), resource))))))
    },
    ..Command::DEFAULT
};

const IO: &[(&str, &str)] = &[("table", "list<table>"), ("list<any>", "list<list<any>>")];

/// All orders of items, each from the one before by one exchange: B. R. Heap, "Permutations by Interchanges", The
/// Computer Journal 6 (1963), without its recursion.
struct Orders {
    items: Vec<Value>,
    /// How often each place was exchanged since the places below it were through.
    turns: Vec<usize>,
    at: usize,
    begun: bool,
}

impl Orders {
    fn of(items: Vec<Value>) -> Self {
        // Of nothing there is no order.
        let begun = items.is_empty();
        Orders { turns: vec![0; items.len()], items, at: 1, begun }
    }
}

impl Iterator for Orders {
    type Item = Vec<Value>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.begun {
            self.begun = true;
            return Some(self.items.clone());
        }
        while self.at < self.items.len() {
            let turn = self.turns[self.at];
            if turn < self.at {
                self.items.swap(if self.at.is_multiple_of(2) { 0 } else { turn }, self.at);
                self.turns[self.at] += 1;
                self.at = 1;
                return Some(self.items.clone());
            }
            self.turns[self.at] = 0;
            self.at += 1;
        }
        None
    }
}
