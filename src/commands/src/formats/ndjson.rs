//! One JSON value per line, to and from.

use crate::prelude::*;
use crate::rows;

pub static TO: Command = Command {
    name: "to ndjson",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Writes one line of JSON per row or item",
    io: &[("any", "string")],
    examples: &[example("Two rows", "[{a: 1} {a: 2}] | to ndjson", "\"{\\\"a\\\":1}\\n{\\\"a\\\":2}\\n\"")],
    search: &["jsonl", "json lines"],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| {
        let items = rows::all(call, input)?.items;
        write(&items).map(|text| Data::Value(Value::string(text)))
    },
    ..Command::DEFAULT
};

pub static FROM: Command = Command {
    name: "from ndjson",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Reads one JSON value per line, as they come in",
    io: &[("string", "list<any>"), ("any", "list<any>")],
    examples: &[example("Two rows", "\"{\\\"a\\\": 1}\\n{\\\"a\\\": 2}\" | from ndjson", "[[a]; [1] [2]]")],
    search: &["jsonl", "json lines"],
    infer: Some(|_| Some(Type::list(Type::Any))),
    run: read,
    ..Command::DEFAULT
};

/// The lines of some items.
pub(crate) fn write(items: &[Value]) -> Result<String> {
    let mut text = String::new();
    table::json::lines(items, &mut text)?;
    Ok(text)
}

pub(crate) fn read(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let head = call.head;
    let lines: Box<dyn Iterator<Item = Result<Value>> + Send> = match rows::plain(input)? {
        Data::Bytes(bytes) => Box::new(crate::filters::lines::of_bytes(bytes)),
        Data::Value(Value::String(text)) => {
            Box::new(text.lines().map(|line| Ok(Value::from(line))).collect::<Vec<_>>().into_iter())
        }
        other => other.into_items(call.interrupt())?,
    };
    let values = lines.enumerate().filter_map(move |(at, line)| match line {
        Ok(Value::String(line)) if line.trim().is_empty() => None,
        Ok(Value::String(line)) => Some(match serde_json::from_str(&line) {
            Ok(json) => Ok(table::json::from_json(json)),
            Err(error) => Err(Diagnostic::new(codes::NOT_THAT_FORMAT, format!("line {} is not JSON: {error}", at + 1))
                .label(head, "reads one JSON value per line")
                .cause(format!("line {}: {}", at + 1, line.chars().take(120).collect::<String>()))),
        }),
        Ok(other) => {
            Some(Err(Diagnostic::new(codes::WRONG_INPUT, format!("`from ndjson` reads text, not {}", other.type_of()))
                .label(head, "")))
        }
        Err(error) => Some(Err(error)),
    });
    Ok(Data::Stream(Stream::new(values)))
}
