use crate::prelude::*;

pub static EXPLAIN: Command = Command {
    name: "explain",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Tells how a pipeline runs: the optimised plan where it is a query, else that it is interpreted",
    params: &[Param::required("closure", Takes::Closure, "The pipeline")],
    io: &[("any", "string")],
    examples: &[try_it("A query over a file", "explain { open runs.csv | where latency > 5ms | select topic }")],
    search: &["plan", "query", "lowered", "lazy"],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| {
        let text = match call.runner(&call.required("closure")?).run(&[], input)? {
            Data::Value(Value::Table(table)) => table.plan()?,
            Data::Stream(stream) if stream.endless => "a stream without end: interpreted, item by item".into(),
            Data::Stream(_) => "a stream: interpreted, item by item".into(),
            Data::Bytes(_) => "bytes of a program or file, as they come".into(),
            Data::Empty => "gives nothing".into(),
            Data::Value(value) => format!("a {} in memory: interpreted", value.kind()),
        };
        Ok(Data::Value(Value::string(text)))
    },
    ..Command::DEFAULT
};
