use crate::prelude::*;

pub static COLLECT: Command = Command {
    name: "collect",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Reads all of its input before anything goes on, or before a closure is called with it",
    params: &[Param::optional("closure", Takes::Closure, "What to call with it")],
    io: &[("any", "any")],
    examples: &[example("The second", "[1 2 3] | collect {|all| $all.1 }", "2")],
    search: &["freeze", "read"],
    infer: Some(|shape| match shape.argument("closure") {
        Some(closure) => closure.gives.clone(),
        None => Some(shape.input.clone()),
    }),
    run: |call, input| {
        let value = match crate::rows::value(call, input)? {
            Value::Table(table) => Value::table(table.collect()?),
            other => other,
        };
        match call.optional::<ClosureValue>("closure")? {
            Some(closure) => call.runner(&closure).each(value).map(Data::Value),
            None => Ok(Data::Value(value)),
        }
    },
    ..Command::DEFAULT
};
