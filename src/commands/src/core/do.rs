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

pub static IGNORE: Command = Command {
    name: "ignore",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Takes its input and gives nothing",
    io: &[("any", "nothing")],
    examples: &[example("Nothing", "[1 2] | ignore", "null")],
    search: &["silent", "quiet", "null"],
    infer: Some(|_| Some(Type::Nothing)),
    run: |call, input| {
        if input.is_endless() {
            return Err(crate::rows::endless(call));
        }
        match input {
            Data::Stream(stream) => {
                for item in stream {
                    call.interrupt().check()?;
                    item?;
                }
            }
            bytes @ Data::Bytes(_) => {
                call.collect(bytes)?;
            }
            _ => {}
        }
        Ok(Data::Empty)
    },
    ..Command::DEFAULT
};

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
