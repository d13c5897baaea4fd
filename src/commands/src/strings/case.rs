use heck::{ToKebabCase, ToLowerCamelCase, ToPascalCase, ToShoutySnakeCase, ToSnakeCase, ToTitleCase};

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

pub static CAMEL: Command = Command {
    name: "str camel-case",
    summary: "Writes texts as `camelCase`",
    examples: &[example("A text", "'nu-shell' | str camel-case", "\"nuShell\"")],
    search: &["convention", "words", "convert"],
    run: |call, input| in_words(call, input, |text| text.to_lower_camel_case()),
    ..super::TEXT
};

pub static KEBAB: Command = Command {
    name: "str kebab-case",
    summary: "Writes texts as `kebab-case`",
    examples: &[example("A text", "'nu-shell' | str kebab-case", "\"nu-shell\"")],
    search: &["convention", "words", "convert"],
    run: |call, input| in_words(call, input, |text| text.to_kebab_case()),
    ..super::TEXT
};

pub static PASCAL: Command = Command {
    name: "str pascal-case",
    summary: "Writes texts as `PascalCase`",
    examples: &[example("A text", "'nu-shell' | str pascal-case", "\"NuShell\"")],
    search: &["convention", "words", "convert"],
    run: |call, input| in_words(call, input, |text| text.to_pascal_case()),
    ..super::TEXT
};

pub static SCREAMING_SNAKE: Command = Command {
    name: "str screaming-snake-case",
    summary: "Writes texts as `SCREAMING_SNAKE_CASE`",
    examples: &[example("A text", "'nu-shell' | str screaming-snake-case", "\"NU_SHELL\"")],
    search: &["convention", "words", "convert"],
    run: |call, input| in_words(call, input, |text| text.to_shouty_snake_case()),
    ..super::TEXT
};

pub static SNAKE: Command = Command {
    name: "str snake-case",
    summary: "Writes texts as `snake_case`",
    examples: &[example("A text", "'nu-shell' | str snake-case", "\"nu_shell\"")],
    search: &["convention", "words", "convert"],
    run: |call, input| in_words(call, input, |text| text.to_snake_case()),
    ..super::TEXT
};

pub static TITLE: Command = Command {
    name: "str title-case",
    summary: "Writes texts as `Title Case`",
    examples: &[example("A text", "'nu-shell' | str title-case", "\"Nu Shell\"")],
    search: &["convention", "words", "convert"],
    run: |call, input| in_words(call, input, |text| text.to_title_case()),
    ..super::TEXT
};

/// Writes the words of texts in another way.
fn in_words(call: &mut Call<'_>, input: Data, write: fn(&str) -> String) -> Result<Data> {
    let name = call.command.name;
    cells::change(call, input, move |value| cells::on_text(name, value, |text| Ok(Value::string(write(text)))))
}
