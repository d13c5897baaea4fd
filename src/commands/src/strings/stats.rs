use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::cells;
use crate::prelude::*;

pub static STATS: Command = Command {
    name: "str stats",
    summary: "Counts the lines, words, bytes, characters and columns of texts",
    details: "`graphemes` are what a reader sees as characters; `unicode-width` is how many columns of a terminal they take.",
    params: &[],
    io: &[("string", "record"), ("list<any>", "table")],
    examples: &[example(
        "Two lines",
        "\"Lärm\\nhier\" | str stats",
        "{lines: 2, words: 2, bytes: 10, chars: 9, graphemes: 9, unicode-width: 9}",
    )],
    search: &["count", "word", "size", "wc"],
    infer: Some(|shape| matches!(shape.input, Type::String).then(|| Type::Record(columns()))),
    run: |call, input| cells::change(call, input, |value| cells::on_text("str stats", value, |text| Ok(stats(text)))),
    ..super::TEXT
};

const COUNTED: [&str; 6] = ["lines", "words", "bytes", "chars", "graphemes", "unicode-width"];

fn columns() -> Fields {
    Fields::closed(COUNTED.iter().map(|name| ((*name).into(), Type::Int)).collect())
}

fn stats(text: &str) -> Value {
    let counts = [
        text.lines().count(),
        text.unicode_words().count(),
        text.len(),
        text.chars().count(),
        text.graphemes(true).count(),
        text.width(),
    ];
    let counts = counts.map(|count| Value::Int(i64::try_from(count).unwrap_or(i64::MAX)));
    Value::record(COUNTED.into_iter().zip(counts).collect())
}
