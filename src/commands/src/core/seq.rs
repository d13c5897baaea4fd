use crate::prelude::*;
use crate::rows;

pub static SEQ: Command = Command {
    name: "seq",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Lists numbers: up to one, from one to another, or by a step in the middle",
    params: &[Param::rest("numbers", Takes::Type("number"), "`last`, `first last`, or `first step last`")],
    io: &[("nothing", "list<number>")],
    examples: &[example("To three", "seq 1 3", "[1 2 3]"), example("By a step", "seq 1 2 6", "[1 3 5]")],
    search: &["range", "sequence", "count"],
    run: |call, input| {
        let numbers: Vec<Value> = call.rest("numbers")?;
        let (first, step, last) = match numbers.as_slice() {
            [last] => (&Value::Int(1), &Value::Int(1), last),
            [first, last] => (first, &Value::Int(1), last),
            [first, step, last] => (first, step, last),
            _ => {
                return Err(
                    Diagnostic::new(codes::MISSING_ARGUMENT, "`seq` needs one to three numbers").label(call.head, "")
                );
            }
        };
        let next = value::ops::apply(value::ops::Operator::Add, first, step)?;
        let range = value::Range::new(first, Some(&next), Some(last), true)
            .map_err(|error| error.or_label(call.span("numbers"), "here"))?;
        drop(input);
        rows::map(call, Data::Value(Value::range(range)), false, |n| Ok(Some(n)))
    },
    ..Command::DEFAULT
};
