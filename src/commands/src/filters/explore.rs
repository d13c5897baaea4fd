use crate::prelude::*;
use crate::rows;

pub static EXPLORE: Command = Command {
    name: "explore",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Opens a table, list or record on the whole screen, to look around in it",
    details: "The arrows move, Enter goes into a cell that holds more, Esc comes back and `q` ends. `s` and `S` sort by \
              the column, `f` asks for a condition, `:` for any command, `/` searches and `n` finds the next. `y` copies \
              what was done as a pipeline, and at the end it is shown.",
    params: &[],
    io: &[("any", "nothing")],
    examples: &[try_it("A large file", "open runs.parquet | explore"), try_it("What runs", "dataflow list | explore")],
    search: &["browse", "view", "pager", "less", "scroll", "tui"],
    infer: Some(|_| Some(Type::Nothing)),
    run: |call, input| {
        let value = rows::value(call, input)?;
        let mut session = engine::Session::new(call.context().clone());
        let mut run = |stage: &str, value: Value| {
            session.bind("explored", value);
            session.value(&format!("$explored | {stage}"))
        };
        let stages =
            call.context().ui().explore(value, &mut run).map_err(|error| error.or_label(call.head, "needs one"))?;
        if !stages.is_empty() {
            call.context().ui().notice(&format!("… | {}", stages.join(" | ")));
        }
        Ok(Data::Empty)
    },
    ..Command::DEFAULT
};
