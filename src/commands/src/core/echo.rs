use crate::prelude::*;

pub static ECHO: Command = Command {
    name: "echo",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Gives its arguments: one as it is, several as a list",
    params: &[Param::rest("values", Takes::Type("any"), "What to give")],
    io: &[("any", "any")],
    examples: &[example("One", "echo hello", "\"hello\""), example("Several", "echo 1 2", "[1 2]")],
    infer: Some(|shape| {
        let rest = shape.argument("values")?;
        match (&rest.value, &rest.of) {
            (Some(Value::List(items)), _) if items.len() == 1 => Some(items[0].type_of()),
            _ => None,
        }
    }),
    run: |call, _| {
        let mut values: Vec<Value> = call.rest("values")?;
        Ok(Data::Value(match values.len() {
            0 => Value::from(""),
            1 => values.remove(0),
            _ => Value::list(values),
        }))
    },
    ..Command::DEFAULT
};
