use crate::prelude::*;

pub static TEE: Command = Command {
    name: "tee",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Calls a closure with the input and gives the input on",
    params: &[Param::required("closure", Takes::Closure, "What else to do with it")],
    io: &[("any", "any")],
    examples: &[example("Look on the way", "[1 2] | tee { length } | math sum", "3")],
    infer: Some(|shape| Some(shape.input.clone())),
    run: |call, input| {
        let value = crate::rows::value(call, input)?;
        call.runner(&call.required("closure")?).value(&[], value.clone())?;
        Ok(Data::Value(value))
    },
    ..Command::DEFAULT
};
