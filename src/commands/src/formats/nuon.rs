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
        Param::switch("raw", Some('r'), "Without blanks"),
        Param::flag("indent", Some('i'), Takes::Type("int"), "Over several lines, each level by so many blanks"),
        Param::switch("no-commas", None, "Blanks between items instead of commas"),
    ],
    io: &[("any", "string")],
    examples: &[example("A record", "{a: 1, b: [x]} | to nuon", "\"{a: 1, b: [x]}\"")],
    search: &["literal"],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| {
        let value = rows::value(call, input)?;
        let indent = rows::count(call, "indent")?.unwrap_or(0);
        let layout = Layout { indent, tight: call.switch("raw"), no_commas: call.switch("no-commas") };
        Ok(Data::Value(Value::string(laid_out(&value, layout))))
    },
    ..Command::DEFAULT
};
