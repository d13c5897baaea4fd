use crate::prelude::*;
use crate::rows;

pub static ENUMERATE: Command = Command {
    name: "enumerate",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Numbers items: a table of `index` and `item`",
    io: &[("any", "table<index: int, item: any>")],
    examples: &[example("Number words", "[a b] | enumerate", "[[index item]; [0 a] [1 b]]")],
    search: &["index", "number", "count"],
    infer: Some(|shape| {
        let item = shape.input.item();
        Some(Type::Table(Fields::closed(vec![("index".into(), Type::Int), ("item".into(), item)])))
    }),
    run: |call, input| {
        let columns = Arc::new(vec![Arc::from("index"), Arc::from("item")]);
        let mut index = 0;
        rows::map(call, input, false, move |item| {
            let row = Record::from_parts(columns.clone(), vec![Value::Int(index), item]);
            index += 1;
            Ok(Some(Value::record(row)))
        })
    },
    ..Command::DEFAULT
};
