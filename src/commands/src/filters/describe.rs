use crate::prelude::*;
use crate::rows;

pub static DESCRIBE: Command = Command {
    name: "describe",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Gives the type of what flows in, as signatures write it",
    io: &[("any", "string")],
    examples: &[
        example("A list", "[1 2] | describe", "\"list<int>\""),
        example("A table", "[[a b]; [1 x]] | describe", "\"table<a: int, b: string>\""),
    ],
    search: &["type", "typeof", "schema"],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| {
        let value = rows::value(call, input)?;
        Ok(Data::Value(Value::string(value.type_of().to_string())))
    },
    ..Command::DEFAULT
};
