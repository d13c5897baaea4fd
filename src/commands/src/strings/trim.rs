use crate::cells::{self, COLUMNS};
use crate::prelude::*;

pub static TRIM: Command = Command {
    name: "str trim",
    summary: "Takes blanks, or another character, off the ends of texts",
    params: &[
        COLUMNS,
        Param::flag("char", Some('c'), Takes::Type("string"), "The character to take off"),
        Param::switch("left", Some('l'), "Only at the beginning"),
        Param::switch("right", Some('r'), "Only at the end"),
    ],
    examples: &[
        example("Both ends", "' Nu shell ' | str trim", "\"Nu shell\""),
        example("A character at the end", "'==a==' | str trim --right --char '='", "\"==a\""),
    ],
    search: &["strip", "whitespace"],
    lower: Some(|call| cells::lower_plain(call, Function::StrTrim)),
    run,
    ..super::TEXT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let (left, right) = (call.switch("left"), call.switch("right"));
    let (left, right) = if left || right { (left, right) } else { (true, true) };
    let char: Option<char> = match call.optional::<String>("char")? {
        Some(text) if text.chars().count() == 1 => text.chars().next(),
        Some(_) => {
            return Err(Diagnostic::new(codes::BAD_ARGUMENT, "`str trim` takes off one character")
                .label(call.span("char"), "must be one character"));
        }
        None => None,
    };
    let lowered = (left && right && char.is_none()).then(|| (Function::StrTrim, Vec::new()));
    cells::change_lowered(call, input, lowered, move |value| {
        cells::on_text("str trim", value, |text| {
            let off = |c: char| char.map_or(c.is_whitespace(), |wanted| c == wanted);
            let text = if left { text.trim_start_matches(off) } else { text };
            Ok(Value::from(if right { text.trim_end_matches(off) } else { text }))
        })
    })
}
