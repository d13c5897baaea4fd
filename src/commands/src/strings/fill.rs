use unicode_width::UnicodeWidthStr;

use crate::cells;
use crate::prelude::*;

const SIDES: &[&str] = &["left", "right", "middle", "middle-right", "l", "r", "c", "m", "cr", "mr", "center"];

pub static FILL: Command = Command {
    name: "fill",
    summary: "Makes texts and numbers so many columns wide, by a character on one side or both",
    details: "With an odd number of columns to fill, `middle` leaves one more on the right, `middle-right` on the left.",
    params: &[
        Param::flag("width", Some('w'), Takes::Type("int"), "How many columns; 1 by default"),
        Param::flag("alignment", Some('a'), Takes::Words(SIDES), "Where the text stands; `left` by default"),
        Param::flag("character", Some('c'), Takes::Type("string"), "What fills; a blank by default"),
    ],
    io: &[
        ("string", "string"),
        ("int", "string"),
        ("float", "string"),
        ("filesize", "string"),
        ("list<any>", "list<string>"),
    ],
    examples: &[
        example("Leading zeros", "7 | fill --alignment right --character '0' --width 3", "\"007\""),
        example("In the middle", "'dora' | fill --alignment middle --character '-' --width 9", "\"--dora---\""),
    ],
    search: &["pad", "align", "display", "render"],
    infer: Some(|shape| cells::changed_type(shape, Type::String)),
    run,
    ..super::TEXT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let width = crate::rows::count(call, "width")?.unwrap_or(1);
    let side = call.optional::<String>("alignment")?.unwrap_or_default();
    let by = call.optional::<String>("character")?.unwrap_or_else(|| " ".into());
    cells::change(call, input, move |value| {
        // A filesize in bytes: its rounded form would not line up.
        let text = match value {
            Value::Filesize(bytes) => bytes.to_string(),
            other => value::text::to_text(other),
        };
        let missing = width.saturating_sub(text.width());
        let before = match side.as_str() {
            "right" | "r" => missing,
            "middle" | "center" | "c" | "m" => missing / 2,
            "middle-right" | "cr" | "mr" => missing.div_ceil(2),
            _ => 0,
        };
        Ok(Value::string(by.repeat(before) + &text + &by.repeat(missing - before)))
    })
}
