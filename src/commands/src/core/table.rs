use render::Options;

use crate::prelude::*;
use crate::rows;

pub static TABLE: Command = Command {
    name: "table",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Draws a value as a terminal shows it, as text",
    details: "Without flags that is what the end of a line shows anyway. A width makes it fit one; without a terminal \
              nothing is shortened.",
    params: &[
        Param::switch("full", Some('f'), "All rows, columns and characters, however wide"),
        Param::switch("types", Some('t'), "The types of columns under their names"),
        Param::switch("truncate", None, "One line for each row: what is longer than its column is cut"),
        Param::switch("no-index", None, "Without the numbers of rows"),
        Param::flag("width", Some('w'), Takes::Type("int"), "So many characters wide"),
        Param::flag("rows", Some('r'), Takes::Type("int"), "Up to so many rows; the middle of more is left out"),
    ],
    io: &[("any", "string")],
    examples: &[
        try_it("All of it", "open runs.csv | table --full"),
        try_it("With types", "dataflow list | table --types"),
        example("In a text", "[[a]; [1]] | table --no-index | lines | length", "5"),
    ],
    search: &["print", "format", "render", "draw", "view"],
    infer: Some(|_| Some(Type::String)),
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let mut options = Options::for_stream(&std::io::stdout());
    if let Some(width) = rows::count(call, "width")? {
        options.width = Some(width.max(10));
    }
    if let Some(limit) = rows::count(call, "rows")? {
        options.rows = Some(limit);
    }
    if call.switch("full") {
        (options.width, options.rows, options.now) = (None, None, None);
    }
    if call.switch("truncate") {
        options.lines = 1;
    }
    options.types = call.switch("types");
    options.index = !call.switch("no-index");
    let value = rows::value(call, input)?;
    if matches!(value, Value::Nothing) {
        return Ok(Data::Value(Value::string("")));
    }
    Ok(Data::Value(Value::string(render::value_to_text(&value, &options)?)))
}
