//! JSON, to and from.

use std::fmt::Write as _;

use serde::Serialize as _;
use table::json::{from_json, written};

use crate::prelude::*;
use crate::rows;

pub static TO: Command = Command {
    name: "to json",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Writes a value as JSON; durations are nanoseconds, filesizes bytes, moments texts",
    params: &[
        Param::switch("raw", Some('r'), "On one line without blanks"),
        Param::flag("indent", Some('i'), Takes::Type("int"), "How many blanks each level gets; 2 by default"),
        Param::flag("tabs", Some('t'), Takes::Type("int"), "How many tabs each level gets"),
    ],
    io: &[("any", "string")],
    examples: &[example("A list", "[1 2] | to json --raw", "\"[1,2]\"")],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| {
        let value = rows::value(call, input)?;
        let text = if call.switch("raw") {
            written(&value, "JSON", |value| serde_json::to_string(value))?
        } else if let Some(tabs) = rows::count(call, "tabs")? {
            pretty(&value, &"\t".repeat(tabs.min(32)))?
        } else {
            pretty(&value, &" ".repeat(rows::count(call, "indent")?.unwrap_or(2).min(32)))?
        };
        Ok(Data::Value(Value::string(text)))
    },
    ..Command::DEFAULT
};

pub static FROM: Command = Command {
    name: "from json",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Reads JSON",
    params: &[
        Param::switch("objects", Some('o'), "One JSON value per line, as a list"),
        Param::switch("strict", Some('s'), "Exactly JSON; otherwise comments and trailing commas are passed over"),
    ],
    io: &[("string", "any"), ("nothing", "nothing")],
    examples: &[example("A record", "'{ \"a\": 1 }' | from json", "{a: 1}")],
    run: |call, input| {
        if call.switch("objects") {
            return super::ndjson::read(call, input);
        }
        let text = super::text_of(call, input)?;
        if text.trim().is_empty() {
            return Ok(Data::Value(Value::Nothing));
        }
        let strict = serde_json::from_str(&text);
        let parsed = match strict {
            Err(error) if !call.switch("strict") => serde_json::from_str(&lenient(&text)).map_err(|_| error),
            other => other,
        };
        let json: serde_json::Value = parsed.map_err(|error| {
            super::unreadable(call, "JSON", &text, error.line(), error.column(), &error.to_string())
        })?;
        Ok(Data::Value(from_json(json)))
    },
    ..Command::DEFAULT
};

/// JSON on many lines, each level further in.
fn pretty(value: &Value, indent: &str) -> Result<String> {
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    written(value, "JSON", |value| value.serialize(&mut serializer))?;
    String::from_utf8(out).map_err(|error| Diagnostic::new(codes::INTERNAL, error.to_string()))
}

/// The text without comments and without commas before a closing bracket, positions kept.
fn lenient(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut in_string = false;
    while let Some(c) = chars.next() {
        if in_string {
            out.push(c);
            match c {
                '\\' => out.extend(chars.next()),
                '"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match c {
            '"' => {
                in_string = true;
                out.push(c);
            }
            '#' => skip_line(&mut chars, &mut out),
            '/' if chars.peek() == Some(&'/') => skip_line(&mut chars, &mut out),
            '/' if chars.peek() == Some(&'*') => {
                let mut last = ' ';
                for c in chars.by_ref() {
                    let _ = write!(out, "{}", if c == '\n' { '\n' } else { ' ' });
                    if last == '*' && c == '/' {
                        break;
                    }
                    last = c;
                }
            }
            '}' | ']' => {
                let kept = out.trim_end().len();
                if out[..kept].ends_with(',') {
                    out.replace_range(kept - 1..kept, " ");
                }
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

fn skip_line(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    while chars.next_if(|c| *c != '\n').is_some() {
        out.push(' ');
    }
}
