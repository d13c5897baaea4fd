use crate::cells;
use crate::prelude::*;

pub static UPCASE: Command = Command {
    name: "str upcase",
    summary: "Makes texts upper case",
    examples: &[
        example("A text", "'nu' | str upcase", "\"NU\""),
        example("A column", "[[a b]; [x y]] | str upcase a", "[[a b]; [X y]]"),
    ],
    search: &["uppercase", "capital"],
    lower: Some(|call| cells::lower_plain(call, Function::StrUpcase)),
    run: |call, input| {
        cells::change_lowered(call, input, Some((Function::StrUpcase, Vec::new())), |value| {
            cells::on_text("str upcase", value, |text| Ok(Value::string(text.to_uppercase())))
        })
    },
    ..super::TEXT
};

pub static DOWNCASE: Command = Command {
    name: "str downcase",
    summary: "Makes texts lower case",
    examples: &[example("A text", "'TESTa' | str downcase", "\"testa\"")],
    search: &["lowercase"],
    lower: Some(|call| cells::lower_plain(call, Function::StrDowncase)),
    run: |call, input| {
        cells::change_lowered(call, input, Some((Function::StrDowncase, Vec::new())), |value| {
            cells::on_text("str downcase", value, |text| Ok(Value::string(text.to_lowercase())))
        })
    },
    ..super::TEXT
};

pub static CAPITALIZE: Command = Command {
    name: "str capitalize",
    summary: "Makes the first letter of texts upper case",
    examples: &[example("A text", "'good day' | str capitalize", "\"Good day\"")],
    run: |call, input| {
        cells::change(call, input, |value| {
            cells::on_text("str capitalize", value, |text| {
                let mut chars = text.chars();
                let first: String = chars.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
                Ok(Value::string(first + chars.as_str()))
            })
        })
    },
    ..super::TEXT
};

pub static REVERSE: Command = Command {
    name: "str reverse",
    summary: "Turns the order of characters in texts around",
    examples: &[example("A text", "'dora' | str reverse", "\"arod\"")],
    run: |call, input| {
        cells::change(call, input, |value| {
            cells::on_text("str reverse", value, |text| Ok(Value::string(text.chars().rev().collect::<String>())))
        })
    },
    ..super::TEXT
};

pub static ESCAPE_REGEX: Command = Command {
    name: "str escape-regex",
    summary: "Escapes what has a meaning in regular expressions",
    examples: &[example("Parentheses", "'(abc)' | str escape-regex", "'\\(abc\\)'")],
    run: |call, input| {
        cells::change(call, input, |value| {
            cells::on_text("str escape-regex", value, |text| Ok(Value::string(regex::escape(text))))
        })
    },
    ..super::TEXT
};
