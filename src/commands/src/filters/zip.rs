use crate::prelude::*;
use crate::rows;

pub static ZIP: Command = Command {
    name: "zip",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Pairs items with those of another list, as long as both have some",
    params: &[Param::required("other", Takes::Value, "The other list, or a closure that gives it")],
    io: &[("list<any>", "list<any>"), ("table", "list<any>"), ("range", "list<any>")],
    examples: &[example("Two ranges", "1..3 | zip 4..6", "[[1 4] [2 5] [3 6]]")],
    search: &["pair", "combine"],
    run: |call, input| {
        let other: Value = call.required("other")?;
        let other = match <ClosureValue as engine::FromValue>::from_value(&other) {
            Some(closure) => call.runner(&closure).run(&[], Data::Empty)?,
            None => Data::Value(other),
        };
        let endless = input.is_endless() && other.is_endless();
        let left = rows::plain(input)?.into_items(call.interrupt())?;
        let right = rows::plain(other)?.into_items(call.interrupt())?;
        let pairs = left.zip(right).map(|(a, b)| Ok(Value::list(vec![a?, b?])));
        let stream = Stream::new(pairs);
        Ok(Data::Stream(stream.endless_if(endless)))
    },
    ..Command::DEFAULT
};
