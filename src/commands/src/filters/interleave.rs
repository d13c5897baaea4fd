use crate::prelude::*;
use crate::rows;

pub static INTERLEAVE: Command = Command {
    name: "interleave",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Takes one item after another from the input and from what closures give",
    params: &[Param::rest("closures", Takes::Closure, "Closures that give more items")],
    io: &[("list<any>", "list<any>"), ("table", "list<any>"), ("range", "list<any>"), ("nothing", "list<any>")],
    examples: &[example("Two sequences", "[1 2] | interleave { [a b] }", "[1 a 2 b]")],
    run: |call, input| {
        rows::want_items(call, &input)?;
        let closures: Vec<ClosureValue> = call.rest("closures")?;
        let mut sources = std::collections::VecDeque::new();
        if !input.is_empty() {
            sources.push_back(rows::plain(input)?.into_items(call.interrupt())?);
        }
        for closure in closures {
            sources.push_back(call.runner(&closure).run(&[], Data::Empty)?.into_items(call.interrupt())?);
        }
        Ok(Data::Stream(Stream::new(std::iter::from_fn(move || {
            while let Some(mut source) = sources.pop_front() {
                if let Some(item) = source.next() {
                    sources.push_back(source);
                    return Some(item);
                }
            }
            None
        }))))
    },
    ..Command::DEFAULT
};
