use crate::prelude::*;

pub static DO: Command = Command {
    name: "do",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Calls a closure",
    details: "What is captured and set inside ends with it, unless `--env`.",
    params: &[
        Param::required("closure", Takes::Closure, "What to call"),
        Param::rest("arguments", Takes::Type("any"), "Its arguments"),
        Param::switch("ignore-errors", Some('i'), "Give null when it fails"),
        Param::switch("capture-errors", Some('c'), "Wait for programs inside, so that their failure is one here"),
        Param::switch("env", None, "Keep its changes of the environment"),
    ],
    io: &[("any", "any")],
    examples: &[
        example("With an argument", "do {|x| 100 + $x } 77", "177"),
        example("With input", "77 | do { 100 + $in }", "177"),
        example("Whatever happens", "do --ignore-errors { 1 // 0 }", "null"),
    ],
    search: &["call", "run", "try"],
    forgives: Some("ignore-errors"),
    infer: Some(|shape| {
        let gives = shape.argument("closure")?.gives.clone()?;
        Some(if shape.switch("ignore-errors") { gives.union(Type::Nothing) } else { gives })
    }),
    run: |call, input| {
        let arguments: Vec<Value> = call.rest("arguments")?;
        let mut runner = call.runner(&call.required("closure")?);
        let (ignore, whole) =
            (call.switch("ignore-errors"), call.switch("ignore-errors") || call.switch("capture-errors"));
        let result = runner.run(&arguments, input).and_then(|data| match data {
            // A stream would fail only later, where nobody ignores it.
            Data::Stream(stream) if whole && !stream.endless => call.collect(Data::Stream(stream)).map(Data::Value),
            Data::Bytes(bytes) if whole => call.collect(Data::Bytes(bytes)).map(Data::Value),
            other => Ok(other),
        });
        let data = match result {
            Err(error) if ignore && engine::error_value::is_catchable(&error) => Data::Value(Value::Nothing),
            result => result?,
        };
        if call.switch("env") {
            *call.env_mut() = runner.into_env();
        }
        Ok(data)
    },
    ..Command::DEFAULT
};
