use crate::prelude::*;

pub static CHAR: Command = Command {
    name: "char",
    category: Category::Strings,
    effect: Effect::Computes,
    summary: "Gives a character by its name or its number in Unicode",
    params: &[
        Param::optional("character", Takes::Type("any"), "Its name, or with a switch its number"),
        Param::rest("more", Takes::Type("any"), "Further numbers"),
        Param::switch("list", Some('l'), "List all names"),
        Param::switch("unicode", Some('u'), "By hexadecimal numbers"),
        Param::switch("integer", Some('i'), "By decimal numbers"),
    ],
    io: &[("nothing", "any")],
    examples: &[example("A newline", "char newline", "\"\\n\""), example("By number", "char --unicode 2192", "\"→\"")],
    search: &["newline", "tab", "unicode", "emoji", "line break"],
    infer: Some(|shape| (!shape.switch("list")).then_some(Type::String)),
    run,
    ..Command::DEFAULT
};

/// Names, and what they stand for. The first name of a character is the one that says what it is.
const NAMES: &[(&[&str], &str)] = &[
    (&["nul", "null_byte", "zero_byte"], "\0"),
    (&["newline", "enter", "nl", "line_feed", "lf", "eol", "lsep", "line_sep"], "\n"),
    (&["carriage_return", "cr"], "\r"),
    (&["crlf"], "\r\n"),
    (&["tab"], "\t"),
    (&["space", "sp"], " "),
    (&["pipe"], "|"),
    (&["left_brace", "lbrace"], "{"),
    (&["right_brace", "rbrace"], "}"),
    (&["left_paren", "lp", "lparen"], "("),
    (&["right_paren", "rp", "rparen"], ")"),
    (&["left_bracket", "lbracket"], "["),
    (&["right_bracket", "rbracket"], "]"),
    (&["single_quote", "squote", "sq"], "'"),
    (&["double_quote", "dquote", "dq"], "\""),
    (&["path_sep", "psep", "separator"], std::path::MAIN_SEPARATOR_STR),
    (&["env_sep", "esep"], ":"),
    (&["tilde", "twiddle", "squiggly", "home"], "~"),
    (&["hash", "hashtag", "pound_sign", "sharp", "root"], "#"),
    (&["identical_to", "hamburger"], "≡"),
    (&["not_identical_to", "branch_untracked"], "≢"),
    (&["strictly_equivalent_to", "branch_identical"], "≣"),
    (&["upwards_arrow", "branch_ahead"], "↑"),
    (&["downwards_arrow", "branch_behind"], "↓"),
    (&["up_down_arrow", "branch_ahead_behind"], "↕"),
    (&["black_right_pointing_triangle", "prompt"], "▶"),
    (&["vector_or_cross_product", "failed"], "⨯"),
    (&["high_voltage_sign", "elevated"], "⚡"),
    (&["sun", "sunny", "sunrise"], "☀\u{fe0f}"),
    (&["moon"], "🌛"),
    (&["cloud", "clouds", "cloudy"], "☁\u{fe0f}"),
    (&["rain", "rainy"], "🌦\u{fe0f}"),
    (&["fog", "foggy"], "🌫\u{fe0f}"),
    (&["haze", "mist"], "░"),
    (&["snow", "snowy"], "❄\u{fe0f}"),
    (&["thunder", "thunderstorm"], "🌩\u{fe0f}"),
    (&["bell", "bel"], "\u{7}"),
    (&["backspace"], "\u{8}"),
    (&["escape", "esc"], "\u{1b}"),
    (&["file_separator", "file_sep", "fs"], "\u{1c}"),
    (&["group_separator", "group_sep", "gs"], "\u{1d}"),
    (&["record_separator", "record_sep", "rs"], "\u{1e}"),
    (&["unit_separator", "unit_sep", "us"], "\u{1f}"),
];

fn run(call: &mut Call<'_>, _input: Data) -> Result<Data> {
    if call.switch("list") {
        return Ok(Data::Value(Value::list(listed().collect::<Vec<_>>())));
    }
    let given: Vec<Value> = call.value("character").cloned().into_iter().chain(call.rest::<Value>("more")?).collect();
    let Some(name) = given.first() else {
        return Err(Diagnostic::new(codes::MISSING_ARGUMENT, "`char` needs the name of a character")
            .label(call.head, "of which?")
            .next("char --list"));
    };
    let (unicode, integer) = (call.switch("unicode"), call.switch("integer"));
    if unicode || integer {
        let number = |value: &Value| {
            let text = value::text::to_text(value);
            let number = match value {
                Value::Int(n) if integer => u32::try_from(*n).ok(),
                _ => u32::from_str_radix(&text, if unicode { 16 } else { 10 }).ok(),
            };
            number.and_then(char::from_u32).ok_or_else(|| {
                Diagnostic::new(codes::BAD_ARGUMENT, format!("Unicode has no character `{text}`"))
                    .label(call.span("character"), "no such number")
            })
        };
        return Ok(Data::Value(Value::string(given.iter().map(number).collect::<Result<String>>()?)));
    }
    let name = value::text::to_text(name);
    let found = NAMES.iter().find(|(names, _)| names.contains(&name.as_str()));
    let Some((_, text)) = found else {
        let error = Diagnostic::new(codes::BAD_ARGUMENT, format!("no character is called `{name}`"))
            .label(call.span("character"), "unknown")
            .next("char --list");
        let names = NAMES.iter().flat_map(|(names, _)| names.iter().copied());
        return Err(match diag::suggest::did_you_mean(&name, names) {
            Some(hint) => error.help(hint),
            None => error,
        });
    };
    Ok(Data::Value(Value::from(*text)))
}

fn listed() -> impl Iterator<Item = Value> {
    NAMES.iter().flat_map(|(names, text)| {
        names.iter().map(|name| {
            let numbers: Vec<String> = text.chars().map(|char| format!("{:x}", u32::from(char))).collect();
            let fields = [("name", *name), ("character", *text), ("unicode", &numbers.join(" "))];
            Value::record(fields.into_iter().map(|(name, text)| (name, Value::from(text))).collect())
        })
    })
}
