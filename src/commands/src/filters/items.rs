use crate::prelude::*;
use crate::rows;

pub static ITEMS: Command = Command {
    name: "items",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Calls a closure with the name and value of each field of a record",
    params: &[Param::required("closure", Takes::FoldClosure, "Called as `{|name, value| … }`")],
    io: &[("record", "list<any>")],
    examples: &[example("Write fields", "{a: 1, b: 2} | items {|k, v| $\"($k)=($v)\" }", "[\"a=1\" \"b=2\"]")],
    search: &["fields", "entries", "each"],
    run: |call, input| {
        let mut runner = call.runner(&call.required("closure")?);
        let value = rows::value(call, input)?;
        let Value::Record(record) = &value else { return Err(call.wrong_input(&value.type_of(), "a record")) };
        let results = record.iter().map(|(name, value)| runner.value(&[name.into(), value.clone()], value.clone()));
        Ok(Data::Value(Value::list(results.collect::<Result<Vec<_>>>()?)))
    },
    ..Command::DEFAULT
};
