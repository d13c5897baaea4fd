use unicode_segmentation::UnicodeSegmentation;

use crate::cells::{self, COLUMNS};
use crate::prelude::*;

pub static LENGTH: Command = Command {
    name: "str length",
    summary: "Counts the bytes of texts in UTF-8",
    params: &[
        COLUMNS,
        Param::switch("grapheme-clusters", Some('g'), "Count what a reader sees as characters"),
        Param::switch("chars", Some('c'), "Count Unicode characters"),
    ],
    io: super::TO_INT,
    examples: &[example("Bytes", "'é' | str length", "2"), example("Characters", "'é' | str length --chars", "1")],
    search: &["size", "count", "len"],
    infer: Some(|shape| cells::changed_type(shape, Type::Int)),
    lower: Some(|call| cells::lower_plain(call, Function::StrLength)),
    run: |call, input| {
        let (graphemes, chars) = (call.switch("grapheme-clusters"), call.switch("chars"));
        let lowered = (!graphemes && !chars).then(|| (Function::StrLength, Vec::new()));
        cells::change_lowered(call, input, lowered, move |value| {
            cells::on_text("str length", value, |text| {
                let count = match (graphemes, chars) {
                    (true, _) => text.graphemes(true).count(),
                    (_, true) => text.chars().count(),
                    _ => text.len(),
                };
                Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)))
            })
        })
    },
    ..super::TEXT
};
