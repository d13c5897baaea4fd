//! Bytes as such.

use super::{BYTES, TO_BOOL, TO_INT, bytes_of, change};
use crate::cells::{self, COLUMNS};
use crate::filters::range::bounds;
use crate::prelude::*;
use crate::strings::substring::int_range;

const PATTERN: Param = Param::required("pattern", Takes::Type("binary"), "The bytes to look for");

pub static LENGTH: Command = Command {
    name: "bytes length",
    summary: "Counts bytes",
    io: TO_INT,
    examples: &[example("Of one", "0x[1f ff aa] | bytes length", "3")],
    search: &["size", "count"],
    infer: Some(|shape| cells::changed_type(shape, Type::Int)),
    run: |call, input| change(call, input, |bytes| Ok(count(bytes.len()))),
    ..BYTES
};

pub static STARTS_WITH: Command = Command {
    name: "bytes starts-with",
    summary: "Tells whether bytes begin with others",
    params: &[PATTERN, COLUMNS],
    io: TO_BOOL,
    examples: &[example("A magic number", "0x[89 50 4e 47] | bytes starts-with 0x[89]", "true")],
    search: &["match", "pattern"],
    infer: Some(|shape| cells::changed_type(shape, Type::Bool)),
    run: |call, input| {
        let pattern: Vec<u8> = call.required("pattern")?;
        change(call, input, move |bytes| Ok(Value::Bool(bytes.starts_with(&pattern))))
    },
    ..BYTES
};

pub static ENDS_WITH: Command = Command {
    name: "bytes ends-with",
    summary: "Tells whether bytes end with others",
    params: &[PATTERN, COLUMNS],
    io: TO_BOOL,
    examples: &[example("The last byte", "0x[1f ff aa] | bytes ends-with 0x[aa]", "true")],
    search: &["match", "pattern"],
    infer: Some(|shape| cells::changed_type(shape, Type::Bool)),
    run: |call, input| {
        let pattern: Vec<u8> = call.required("pattern")?;
        change(call, input, move |bytes| Ok(Value::Bool(bytes.ends_with(&pattern))))
    },
    ..BYTES
};

pub static INDEX_OF: Command = Command {
    name: "bytes index-of",
    summary: "Gives the number of the first byte of a part, or -1",
    params: &[
        PATTERN,
        COLUMNS,
        Param::switch("all", Some('a'), "The numbers of all parts, as a list"),
        Param::switch("end", Some('e'), "Look from the end"),
    ],
    io: &[("binary", "any"), ("list<any>", "list<any>"), ("table", "table"), ("record", "record")],
    examples: &[
        example("The first", "0x[33 44 55 10 01 13 44 55] | bytes index-of 0x[44 55]", "1"),
        example("All from the end", "0x[33 44 33] | bytes index-of --all --end 0x[33]", "[2 0]"),
    ],
    search: &["find", "position"],
    infer: Some(|shape| match shape.switch("all") {
        true => cells::changed_type(shape, Type::list(Type::Int)),
        false => cells::changed_type(shape, Type::Int),
    }),
    run: |call, input| {
        let pattern = searched(call)?;
        let (all, end) = (call.switch("all"), call.switch("end"));
        change(call, input, move |bytes| {
            let mut places = places(bytes, &pattern, true);
            if end {
                places.reverse();
            }
            Ok(match all {
                true => Value::list(places.into_iter().map(count).collect::<Vec<_>>()),
                false => places.first().map_or(Value::Int(-1), |place| count(*place)),
            })
        })
    },
    ..BYTES
};

pub static AT: Command = Command {
    name: "bytes at",
    summary: "Gives a part of bytes by a range of numbers; negative ones count from the end",
    params: &[Param::required("range", Takes::Type("range"), "Which part"), COLUMNS],
    examples: &[
        example("From the fourth on", "0x[33 44 55 10 01] | bytes at 3..", "0x[10 01]"),
        example("The last three", "0x[33 44 55 10 01] | bytes at (-3)..", "0x[55 10 01]"),
    ],
    search: &["slice", "part"],
    run: |call, input| {
        let (start, end, inclusive) = int_range(call, "range")?;
        change(call, input, move |bytes| {
            let (skip, take) = bounds(start, end, inclusive, bytes.len());
            let part: Vec<u8> = bytes.iter().skip(skip).take(take).copied().collect();
            Ok(Value::binary(part))
        })
    },
    ..BYTES
};

pub static ADD: Command = Command {
    name: "bytes add",
    summary: "Puts bytes before others, behind them, or between",
    params: &[
        Param::required("data", Takes::Type("binary"), "What to put there"),
        COLUMNS,
        Param::flag("index", Some('i'), Takes::Type("int"), "Behind how many bytes"),
        Param::switch("end", Some('e'), "Behind them; an index counts from the end"),
    ],
    examples: &[
        example("Before", "0x[ff aa] | bytes add 0x[11]", "0x[11 ff aa]"),
        example("Behind", "0x[ff aa] | bytes add 0x[11] --end", "0x[ff aa 11]"),
        example("Between", "0x[ff aa] | bytes add 0x[11] --index 1", "0x[ff 11 aa]"),
    ],
    search: &["append", "prepend", "padding", "insert"],
    run: |call, input| {
        let data: Vec<u8> = call.required("data")?;
        let index = crate::rows::count(call, "index")?.unwrap_or(0);
        let end = call.switch("end");
        change(call, input, move |bytes| {
            let index = index.min(bytes.len());
            let (before, behind) = bytes.split_at(if end { bytes.len() - index } else { index });
            Ok(Value::binary([before, &data, behind].concat()))
        })
    },
    ..BYTES
};

pub static REMOVE: Command = Command {
    name: "bytes remove",
    summary: "Takes a part out of bytes",
    params: &[
        PATTERN,
        COLUMNS,
        Param::switch("all", Some('a'), "Every such part"),
        Param::switch("end", Some('e'), "The last such part"),
    ],
    examples: &[
        example("The first", "0x[10 aa ff aa ff] | bytes remove 0x[10 aa]", "0x[ff aa ff]"),
        example("All", "0x[10 aa 10 bb 10] | bytes remove --all 0x[10]", "0x[aa bb]"),
    ],
    search: &["delete"],
    run: |call, input| {
        let pattern = searched(call)?;
        let (all, end) = (call.switch("all"), call.switch("end"));
        change(call, input, move |bytes| Ok(Value::binary(replaced(bytes, &pattern, &[], all, end))))
    },
    ..BYTES
};

pub static REPLACE: Command = Command {
    name: "bytes replace",
    summary: "Puts other bytes in the place of a part",
    params: &[
        PATTERN,
        Param::required("replacement", Takes::Type("binary"), "What comes in its place"),
        COLUMNS,
        Param::switch("all", Some('a'), "Every such part"),
    ],
    examples: &[example("All", "0x[10 aa 10 bb] | bytes replace --all 0x[10] 0x[a0]", "0x[a0 aa a0 bb]")],
    search: &["substitute"],
    run: |call, input| {
        let pattern = searched(call)?;
        let replacement: Vec<u8> = call.required("replacement")?;
        let all = call.switch("all");
        change(call, input, move |bytes| Ok(Value::binary(replaced(bytes, &pattern, &replacement, all, false))))
    },
    ..BYTES
};

pub static REVERSE: Command = Command {
    name: "bytes reverse",
    summary: "Turns the order of bytes around",
    examples: &[example("Two", "0x[1f ff] | bytes reverse", "0x[ff 1f]")],
    search: &["flip"],
    run: |call, input| change(call, input, |bytes| Ok(Value::binary(bytes.iter().rev().copied().collect::<Vec<u8>>()))),
    ..BYTES
};

pub static SPLIT: Command = Command {
    name: "bytes split",
    summary: "Splits bytes where others stand between",
    params: &[Param::required("separator", Takes::Type("oneof<binary, string>"), "What stands between")],
    io: &[("binary", "list<binary>")],
    examples: &[example("At blanks", "0x[66 20 62 20] | bytes split 0x[20]", "[0x[66] 0x[62] 0x[]]")],
    search: &["separate", "divide"],
    infer: None,
    run: |call, input| {
        let separator: Value = call.required("separator")?;
        let separator = bytes_of("bytes split", &separator)?.to_vec();
        if separator.is_empty() {
            return Err(empty(call, "separator"));
        }
        change(call, input, move |bytes| {
            let mut parts = Vec::new();
            let mut from = 0;
            for place in places(bytes, &separator, false) {
                parts.push(Value::binary(bytes.get(from..place).unwrap_or_default()));
                from = place + separator.len();
            }
            parts.push(Value::binary(bytes.get(from..).unwrap_or_default()));
            Ok(Value::list(parts))
        })
    },
    ..BYTES
};

pub static BUILD: Command = Command {
    name: "bytes build",
    summary: "Makes binary of bytes, numbers from 0 to 255 and texts",
    params: &[Param::rest("parts", Takes::Type("any"), "The parts")],
    io: &[("nothing", "binary")],
    examples: &[example("Three parts", "bytes build 0x[01 02] 0x[03] 4", "0x[01 02 03 04]")],
    search: &["concatenate", "join"],
    run: |call, _| {
        let mut built = Vec::new();
        for part in call.rest::<Value>("parts")? {
            match &part {
                Value::Int(n) => built.push(u8::try_from(*n).map_err(|_| {
                    Diagnostic::new(codes::BAD_ARGUMENT, format!("{n} is not a byte"))
                        .label(call.span("parts"), "from 0 to 255")
                })?),
                other => built.extend_from_slice(crate::rows::here(call, bytes_of("bytes build", other))?),
            }
        }
        Ok(Data::Value(Value::binary(built)))
    },
    ..BYTES
};

pub static COLLECT: Command = Command {
    name: "bytes collect",
    summary: "Joins the binary items of a list",
    params: &[Param::optional("separator", Takes::Type("binary"), "What to put between")],
    io: &[("list<any>", "binary")],
    examples: &[example("With a zero between", "[0x[11] 0x[13]] | bytes collect 0x[00]", "0x[11 00 13]")],
    search: &["join", "concatenate"],
    run: |call, input| {
        let separator: Vec<u8> = call.optional("separator")?.unwrap_or_default();
        let items = crate::rows::all(call, input)?.items;
        let parts = items.iter().map(|item| bytes_of("bytes collect", item)).collect::<Result<Vec<_>>>();
        Ok(Data::Value(Value::binary(crate::rows::here(call, parts)?.join(separator.as_slice()))))
    },
    ..BYTES
};

fn count(n: usize) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

/// The argument `pattern`, which holds something.
fn searched(call: &Call<'_>) -> Result<Vec<u8>> {
    let pattern: Vec<u8> = call.required("pattern")?;
    if pattern.is_empty() { Err(empty(call, "pattern")) } else { Ok(pattern) }
}

fn empty(call: &Call<'_>, argument: &str) -> Box<Diagnostic> {
    Diagnostic::new(codes::BAD_ARGUMENT, format!("`{}` looks for at least one byte", call.command.name))
        .label(call.span(argument), "is empty")
}

/// Where a part stands, from left to right; the next one is looked for behind it, or, `overlapping`, from its second
/// byte on.
fn places(bytes: &[u8], part: &[u8], overlapping: bool) -> Vec<usize> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = bytes.get(from..).and_then(|rest| rest.windows(part.len()).position(|window| window == part)) {
        found.push(from + at);
        from += at + if overlapping { 1 } else { part.len() };
    }
    found
}

/// Other bytes in the place of the first, the last, or all such parts.
fn replaced(bytes: &[u8], part: &[u8], by: &[u8], all: bool, last: bool) -> Vec<u8> {
    let mut places = places(bytes, part, false);
    if last && !all {
        // The last one is that which the end of the bytes is nearest to, whatever overlaps it.
        let end = bytes.windows(part.len()).rposition(|window| window == part);
        places = end.into_iter().collect();
    } else if !all {
        places.truncate(1);
    }
    let mut result = Vec::new();
    let mut from = 0;
    for place in places {
        result.extend_from_slice(bytes.get(from..place).unwrap_or_default());
        result.extend_from_slice(by);
        from = place + part.len();
    }
    result.extend_from_slice(bytes.get(from..).unwrap_or_default());
    result
}
