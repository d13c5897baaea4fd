use unicode_segmentation::UnicodeSegmentation;

use crate::cells::{self, COLUMNS};
use crate::filters::range::bounds;
use crate::prelude::*;

pub static SUBSTRING: Command = Command {
    name: "str substring",
    summary: "Gives a part of texts by a range of byte numbers; negative ones count from the end",
    params: &[
        Param::required("range", Takes::Type("range"), "Which part"),
        COLUMNS,
        Param::switch("grapheme-clusters", Some('g'), "Count what a reader sees as characters"),
    ],
    examples: &[
        example("To the end", "'good nushell' | str substring 5..", "\"nushell\""),
        example("The last three", "'nushell' | str substring (-3)..", "\"ell\""),
    ],
    search: &["slice", "part"],
    run,
    ..super::TEXT
};

pub static INDEX_OF: Command = Command {
    name: "str index-of",
    summary: "Gives the number of the first byte of a part in texts, or -1",
    params: &[
        Param::required("part", Takes::Type("string"), "The part to look for"),
        COLUMNS,
        Param::flag("range", Some('r'), Takes::Type("range"), "Look only there"),
        Param::switch("end", Some('e'), "Look from the end"),
        Param::switch("grapheme-clusters", Some('g'), "Count what a reader sees as characters"),
    ],
    io: super::TO_INT,
    examples: &[
        example("From the beginning", "'my_library.rb' | str index-of '.rb'", "10"),
        example("In a range", "'.rb.rb' | str index-of '.rb' --range 1..", "3"),
    ],
    search: &["find", "position"],
    infer: Some(|shape| cells::changed_type(shape, Type::Int)),
    run: |call, input| {
        let part: String = call.required("part")?;
        let (end, graphemes) = (call.switch("end"), call.switch("grapheme-clusters"));
        let range = if call.given("range") { Some(int_range(call, "range")?) } else { None };
        cells::change(call, input, move |value| {
            cells::on_text("str index-of", value, |text| {
                let (skip, take) = range
                    .map_or((0, text.len()), |(start, last, inclusive)| bounds(start, last, inclusive, text.len()));
                let within = slice_bytes(text, skip, take);
                let found = if end { within.rfind(&part) } else { within.find(&part) };
                let offset = text.len() - slice_bytes(text, skip, text.len()).len();
                Ok(Value::Int(found.map_or(-1, |at| {
                    let at = at + offset;
                    let at = if graphemes { text[..at].graphemes(true).count() } else { at };
                    i64::try_from(at).unwrap_or(i64::MAX)
                })))
            })
        })
    },
    ..super::TEXT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let (start, end, inclusive) = int_range(call, "range")?;
    let graphemes = call.switch("grapheme-clusters");
    cells::change(call, input, move |value| {
        cells::on_text("str substring", value, |text| {
            if graphemes {
                let all: Vec<&str> = text.graphemes(true).collect();
                let (skip, take) = bounds(start, end, inclusive, all.len());
                return Ok(Value::string(all.into_iter().skip(skip).take(take).collect::<String>()));
            }
            let (skip, take) = bounds(start, end, inclusive, text.len());
            Ok(Value::from(slice_bytes(text, skip, take)))
        })
    })
}

/// The bytes from `skip`, widened to whole characters.
fn slice_bytes(text: &str, skip: usize, take: usize) -> &str {
    let mut from = skip.min(text.len());
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    let mut to = skip.saturating_add(take).min(text.len()).max(from);
    while !text.is_char_boundary(to) {
        to += 1;
    }
    &text[from..to]
}

/// The start, end and inclusiveness of an argument that is a range of ints.
pub(crate) fn int_range(call: &Call<'_>, name: &str) -> Result<(i64, Option<i64>, bool)> {
    match call.value(name) {
        Some(Value::Range(range)) => match **range {
            value::Range::Int { start, end, inclusive, .. } => Ok((start, end, inclusive)),
            value::Range::Float { .. } => {
                Err(Diagnostic::new(codes::WRONG_TYPE, "expected a range of ints").label(call.span(name), "not ints"))
            }
        },
        _ => Err(Diagnostic::new(codes::WRONG_TYPE, "expected a range").label(call.span(name), "not a range")),
    }
}
