//! Values as programs write them, to and from.

use value::literal::{Layout, laid_out};

use crate::prelude::*;
use crate::rows;

pub static TO: Command = Command {
    name: "to nuon",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Writes a value as the language writes it",
    params: &[
        Param::switch("raw", Some('r'), "Without blanks, on one line"),
        Param::flag("indent", Some('i'), Takes::Type("int"), "Over several lines, each level by so many blanks"),
        Param::switch("pretty", Some('p'), "Over several lines, each level by two blanks"),
        Param::switch("no-commas", None, "Blanks between items instead of commas"),
    ],
    io: &[("any", "string")],
    examples: &[example("A record", "{a: 1, b: [x]} | to nuon", "\"{a: 1, b: [x]}\"")],
    search: &["literal"],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| {
        let value = rows::value(call, input)?;
        let raw = call.switch("raw");
        let indent = match rows::count(call, "indent")? {
            _ if raw => 0,
            None if call.switch("pretty") => 2,
            given => given.unwrap_or(0),
        };
        let layout = Layout { indent, tight: raw, no_commas: call.switch("no-commas") };
        Ok(Data::Value(Value::string(laid_out(&value, layout))))
    },
    ..Command::DEFAULT
};

pub static FROM: Command = Command {
    name: "from nuon",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Reads a value as the language writes it; nothing in it is run",
    io: &[("string", "any"), ("nothing", "nothing")],
    examples: &[example("A record", "'{a: 1kb, b: [x]}' | from nuon", "{a: 1kb, b: [x]}")],
    search: &["literal"],
    run: |call, input| {
        let text = super::text_of(call, input)?;
        rows::here(call, engine::literal::read(&text, call.context().sources())).map(Data::Value)
    },
    ..Command::DEFAULT
};
