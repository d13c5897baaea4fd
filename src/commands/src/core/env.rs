use crate::prelude::*;

pub static LOAD_ENV: Command = Command {
    name: "load-env",
    category: Category::Core,
    effect: Effect::Moves,
    summary: "Sets variables of the environment from a record",
    params: &[Param::optional("vars", Takes::Type("record"), "Names and values; the input without it")],
    io: &[("record", "nothing"), ("nothing", "nothing")],
    examples: &[try_it("Two", "load-env {RUST_LOG: info, DEPTH: 3}")],
    infer: Some(|_| Some(Type::Nothing)),
    run: |call, input| {
        let vars = match call.optional::<Arc<Record>>("vars")? {
            Some(vars) => Value::Record(vars),
            None => call.collect(input)?,
        };
        let Value::Record(vars) = &vars else { return Err(call.wrong_input(&vars.type_of(), "a record")) };
        for (name, value) in vars.iter() {
            call.env_mut().assign(name, value.clone()).map_err(|error| error.label(call.place(), "sets it"))?;
        }
        Ok(Data::Empty)
    },
    ..Command::DEFAULT
};

pub static WITH_ENV: Command = Command {
    name: "with-env",
    category: Category::Core,
    effect: Effect::Moves,
    summary: "Calls a closure with other variables of the environment",
    params: &[
        Param::required("vars", Takes::Type("record"), "Names and values"),
        Param::required("closure", Takes::Closure, "What to call"),
    ],
    io: &[("any", "any")],
    examples: &[example("One", "with-env {DEPTH: 3} { $env.DEPTH }", "3")],
    infer: Some(|shape| shape.argument("closure")?.gives.clone()),
    run: |call, input| {
        let vars: Arc<Record> = call.required("vars")?;
        let outer = call.env().clone();
        for (name, value) in vars.iter() {
            call.env_mut().assign(name, value.clone()).map_err(|error| error.label(call.span("vars"), "sets it"))?;
        }
        let mut runner = call.runner(&call.required("closure")?);
        *call.env_mut() = outer;
        runner.run(&[], input)
    },
    ..Command::DEFAULT
};

pub static HIDE_ENV: Command = Command {
    name: "hide-env",
    category: Category::Core,
    effect: Effect::Moves,
    summary: "Takes variables out of the environment",
    params: &[
        Param::rest("names", Takes::Type("string"), "Their names"),
        Param::switch("ignore-errors", Some('i'), "Pass over what is not set"),
    ],
    io: &[("nothing", "nothing")],
    examples: &[try_it("One", "hide-env RUST_LOG")],
    infer: Some(|_| Some(Type::Nothing)),
    run: |call, _| {
        for name in call.rest::<String>("names")? {
            if call.env_mut().remove(&name).is_none() && !call.switch("ignore-errors") {
                let record = call.env().to_record();
                return Err(
                    value::cell_path::unknown_column(&name, record.names()).label(call.span("names"), "not set")
                );
            }
        }
        Ok(Data::Empty)
    },
    ..Command::DEFAULT
};
