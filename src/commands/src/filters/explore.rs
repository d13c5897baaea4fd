use crate::prelude::*;
use crate::rows;

pub static EXPLORE: Command = Command {
    name: "explore",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Opens a table, list or record on the whole screen, to look around in it",
    details: "The arrows move, Enter goes into a cell that holds more, Esc comes back and `q` ends. `s` and `S` sort by \
              the column, `f` asks for a condition, `:` for any command, `/` searches and `n` finds the next. `y` copies \
              what was done as a pipeline, and at the end it is shown. What a closure gives is asked for again with \
              `r`, or by itself with `--every`; where one is in it stays.",
    params: &[
        Param::optional("closure", Takes::Closure, "What gives the value; what flows in, when there is none"),
        Param::flag("every", Some('e'), Takes::Type("duration"), "How often to ask the closure again"),
    ],
    io: &[("any", "nothing")],
    examples: &[
        try_it("A large file", "open runs.parquet | explore"),
        try_it("What runs", "explore --every 1sec { node list }"),
    ],
    search: &["browse", "view", "pager", "less", "scroll", "tui"],
    infer: Some(|_| Some(Type::Nothing)),
    run: |call, input| {
        let closure: Option<ClosureValue> = call.optional("closure")?;
        let every: Option<std::time::Duration> = call.optional("every")?;
        if every.is_some() && closure.is_none() {
            return Err(Diagnostic::new(codes::MISSING_ARGUMENT, "what flows in stays what it is")
                .label(call.span("every"), "asks whom again?")
                .help("give a closure: `explore --every 1sec { node list }`"));
        }
        let mut runner = closure.map(|closure| call.runner(&closure));
        let input = if runner.is_some() { Value::Nothing } else { rows::value(call, input)? };
        let mut value = || match &mut runner {
            Some(runner) => runner.value(&[], Value::Nothing),
            None => Ok(input.clone()),
        };
        let mut session = engine::Session::new(call.context().clone());
        let mut run = |stage: &str, value: Value| {
            session.bind("explored", value);
            session.value(&format!("$explored | {stage}"))
        };
        let explored = engine::Explored { value: &mut value, every, run: &mut run };
        let stages = call.context().ui().explore(explored).map_err(|error| error.or_label(call.head, "needs one"))?;
        if !stages.is_empty() {
            call.context().ui().notice(&format!("… | {}", stages.join(" | ")));
        }
        Ok(Data::Empty)
    },
    ..Command::DEFAULT
};
