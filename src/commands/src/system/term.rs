//! Whoever sits in front.

use engine::Ask;

use crate::prelude::*;
use crate::rows;

pub static SIZE: Command = Command {
    name: "term size",
    category: Category::System,
    summary: "Tells how many columns and rows the terminal has",
    io: &[("nothing", "record<columns: int, rows: int>")],
    examples: &[try_it("How wide it is", "term size | get columns")],
    search: &["width", "height", "terminal"],
    run: |call, _| {
        let (columns, rows) =
            call.context().ui().size().ok_or_else(|| {
                Diagnostic::new(codes::NO_TERMINAL, "there is no terminal").label(call.head, "needs one")
            })?;
        let size = [("columns", Value::Int(columns.into())), ("rows", Value::Int(rows.into()))];
        Ok(Data::Value(Value::record(size.into_iter().collect())))
    },
    ..Command::DEFAULT
};

pub static INPUT: Command = Command {
    name: "input",
    category: Category::System,
    summary: "Reads a line that somebody types, or the next one of standard input",
    details: "Off a terminal nothing is asked: the lines of standard input are the answers, and null when there are no \
              more.",
    params: &[
        Param::optional("prompt", Takes::Type("string"), "What to ask"),
        Param::flag("default", Some('d'), Takes::Type("string"), "What an empty answer means"),
        Param::switch("suppress-output", Some('s'), "Do not show what is typed"),
        Param::flag("numchar", Some('n'), Takes::Type("int"), "How many characters are enough, without enter"),
    ],
    io: &[("nothing", "any"), ("any", "any")],
    examples: &[
        try_it("A name", "let name = input 'which robot? '"),
        try_it("A secret", "input --suppress-output 'token: ' | save --force token"),
    ],
    search: &["prompt", "ask", "read", "interactive", "password"],
    infer: Some(|_| Some(Type::OneOf(vec![Type::String, Type::Nothing]))),
    run: |call, _| {
        let prompt: String = call.optional("prompt")?.unwrap_or_default();
        let default: Option<String> = call.optional("default")?;
        let prompt = match &default {
            Some(default) => format!("{prompt}(default: {default}) "),
            None => prompt,
        };
        let ask =
            Ask { prompt: &prompt, hidden: call.switch("suppress-output"), characters: rows::count(call, "numchar")? };
        let answer = call.context().ui().read_line(&ask).map_err(|error| error.or_label(call.head, ""))?;
        Ok(Data::Value(match (answer, default) {
            (Some(answer), Some(default)) if answer.is_empty() => Value::string(default),
            (Some(answer), _) => Value::string(answer),
            (None, Some(default)) => Value::string(default),
            (None, None) => Value::Nothing,
        }))
    },
    ..Command::DEFAULT
};
