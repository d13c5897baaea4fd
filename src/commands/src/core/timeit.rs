use crate::prelude::*;

pub static TIMEIT: Command = Command {
    name: "timeit",
    category: Category::Core,
    summary: "Measures how long a closure runs",
    params: &[
        Param::required("closure", Takes::Closure, "What to measure"),
        Param::switch("output", Some('o'), "Give a record of `time` and `output`"),
    ],
    io: &[("any", "oneof<duration, record<time: duration, output: any>>")],
    examples: &[try_it("A sum", "timeit { 1..100000 | math sum }")],
    search: &["time", "benchmark", "measure"],
    infer: Some(|shape| {
        if !shape.switch("output") {
            return Some(Type::Duration);
        }
        let output = shape.argument("closure").and_then(|closure| closure.gives.clone()).unwrap_or(Type::Any);
        Some(Type::Record(Fields::closed(vec![("time".into(), Type::Duration), ("output".into(), output)])))
    }),
    run: |call, input| {
        let mut runner = call.runner(&call.required("closure")?);
        let start = std::time::Instant::now();
        // All of what it gives: what is lazy would not have run yet.
        let output = match call.collect(runner.run(&[], input)?)? {
            Value::Table(table) => Value::table(table.collect()?),
            other => other,
        };
        let time = Value::Duration(i64::try_from(start.elapsed().as_nanos()).unwrap_or(i64::MAX));
        if call.switch("output") {
            return Ok(Data::Value(Value::record([("time", time), ("output", output)].into_iter().collect())));
        }
        Ok(Data::Value(time))
    },
    ..Command::DEFAULT
};
