use crate::prelude::*;
use crate::rows;

pub static SPLIT_LIST: Command = Command {
    name: "split list",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Cuts a list at items that equal a value, or for which a closure gives true",
    params: &[Param::required("separator", Takes::Value, "What to cut at")],
    io: &[("list<any>", "list<list<any>>"), ("table", "list<list<any>>"), ("range", "list<list<any>>")],
    examples: &[example("At an item", "[a b c d e] | split list c", "[[a b] [d e]]")],
    run: |call, input| {
        rows::want_items(call, &input)?;
        let separator: Value = call.required("separator")?;
        let mut runner =
            <ClosureValue as engine::FromValue>::from_value(&separator).map(|closure| call.runner(&closure));
        let mut lists: Vec<Value> = Vec::new();
        let mut list: Vec<Value> = Vec::new();
        for item in rows::all(call, input)?.items {
            let cut = match &mut runner {
                Some(runner) => runner.holds(item.clone())?,
                None => item == separator,
            };
            if cut {
                lists.push(Value::list(std::mem::take(&mut list)));
            } else {
                list.push(item);
            }
        }
        lists.push(Value::list(list));
        Ok(Data::Value(Value::list(lists)))
    },
    ..Command::DEFAULT
};
