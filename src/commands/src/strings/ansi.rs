//! What colours text on a terminal, and takes colours off it.

use crate::cells;
use crate::prelude::*;

pub static ANSI: Command = Command {
    name: "ansi",
    category: Category::Strings,
    effect: Effect::Computes,
    summary: "Gives the sequence that sets a colour or a style on a terminal",
    details: "A colour may be followed by a style: `green_bold`, `light_red_underline`; `bg_red` is behind the text. \
              `#4169e1` is any colour there is. `reset` ends it all.",
    params: &[
        Param::optional(
            "style",
            Takes::Type("any"),
            "Its name, a colour such as `#4169e1`, or a record of `fg`, `bg` and `attr`",
        ),
        Param::switch("escape", Some('e'), "It is what stands behind the escape character and `[`"),
        Param::switch("osc", Some('o'), "It is what stands behind the escape character and `]`"),
        Param::switch("list", Some('l'), "List all names"),
    ],
    io: &[("nothing", "any")],
    examples: &[
        example("Green, and back", "$'(ansi green)ok(ansi reset)' | ansi strip", "\"ok\""),
        example("Any colour", "ansi '#4169e1' | str length", "18"),
    ],
    search: &["color", "style", "escape", "terminal"],
    infer: Some(|shape| (!shape.switch("list")).then_some(Type::String)),
    run,
    ..Command::DEFAULT
};

pub static STRIP: Command = Command {
    name: "ansi strip",
    summary: "Takes colours and other sequences for terminals out of texts",
    examples: &[example("A colour", "$'(ansi red)alarm(ansi reset)' | ansi strip", "\"alarm\"")],
    search: &["color", "plain", "remove", "escape"],
    run: |call, input| {
        cells::change(call, input, |value| match value {
            Value::String(text) => Ok(Value::string(strip_ansi_escapes::strip_str(text.as_str()))),
            other => Ok(other.clone()),
        })
    },
    ..super::TEXT
};

pub static LINK: Command = Command {
    name: "ansi link",
    summary: "Makes addresses into links that a terminal opens",
    params: &[
        cells::COLUMNS,
        Param::flag("text", Some('t'), Takes::Type("string"), "What is shown in the place of the address"),
    ],
    examples: &[example("With a text", "'https://a.org' | ansi link --text docs | ansi strip", "\"docs\"")],
    search: &["hyperlink", "url"],
    run: |call, input| {
        let shown: Option<String> = call.optional("text")?;
        cells::change(call, input, move |value| {
            cells::on_text("ansi link", value, |address| {
                let shown = shown.as_deref().unwrap_or(address);
                Ok(Value::string(format!("\x1b]8;;{address}\x1b\\{shown}\x1b]8;;\x1b\\")))
            })
        })
    },
    ..super::TEXT
};

/// Colours, their short names, and the number of their sequence.
const COLORS: &[(&str, &str, u8)] = &[
    ("black", "k", 30),
    ("red", "r", 31),
    ("green", "g", 32),
    ("yellow", "y", 33),
    ("blue", "b", 34),
    ("purple", "p", 35),
    ("magenta", "m", 35),
    ("cyan", "c", 36),
    ("white", "w", 37),
    ("default", "def", 39),
    ("dark_gray", "dgr", 90),
    ("light_red", "lr", 91),
    ("light_green", "lg", 92),
    ("light_yellow", "ly", 93),
    ("light_blue", "lu", 94),
    ("light_purple", "lp", 95),
    ("light_magenta", "lm", 95),
    ("light_cyan", "lc", 96),
    ("light_gray", "ligr", 97),
];

/// Styles that may follow a colour, the letters that stand for them, and their numbers.
const STYLES: &[(&str, &str, u8)] =
    &[("bold", "b", 1), ("dimmed", "d", 2), ("italic", "i", 3), ("underline", "u", 4), ("reverse", "r", 7)];

/// Sequences that are none of a colour.
const OTHERS: &[(&str, &str, &str)] = &[
    ("attr_normal", "n", "[0m"),
    ("attr_bold", "bo", "[1m"),
    ("attr_dimmed", "d", "[2m"),
    ("attr_italic", "i", "[3m"),
    ("attr_underline", "u", "[4m"),
    ("attr_blink", "bl", "[5m"),
    ("attr_blink_fast", "bf", "[6m"),
    ("attr_reverse", "re", "[7m"),
    ("attr_hidden", "h", "[8m"),
    ("attr_strike", "s", "[9m"),
    ("attr_double_underline", "du", "[21m"),
    ("reset", "rst", "[0m"),
    ("reset_bold", "rst_bo", "[22m"),
    ("reset_dimmed", "rst_d", "[22m"),
    ("reset_italic", "rst_i", "[23m"),
    ("reset_underline", "rst_u", "[24m"),
    ("reset_blink", "rst_bl", "[25m"),
    ("reset_reverse", "rst_re", "[27m"),
    ("reset_hidden", "rst_h", "[28m"),
    ("reset_strike", "rst_s", "[29m"),
    ("title", "title", "]2;"),
    ("clear_screen", "clear_screen", "[J"),
    ("clear_screen_from_cursor_to_end", "clear_screen_from_cursor_to_end", "[0J"),
    ("clear_screen_from_cursor_to_beginning", "clear_screen_from_cursor_to_beginning", "[1J"),
    ("clear_entire_screen", "cls", "[2J"),
    ("clear_scrollback_buffer", "clb", "[3J"),
    ("erase_line", "erase_line", "[K"),
    ("erase_line_from_cursor_to_end", "erase_line_from_cursor_to_end", "[0K"),
    ("erase_line_from_cursor_to_beginning", "erase_line_from_cursor_to_beginning", "[1K"),
    ("erase_entire_line", "erase_entire_line", "[2K"),
    ("cursor_off", "cursor_off", "[?25l"),
    ("cursor_on", "cursor_on", "[?25h"),
    ("cursor_home", "home", "[H"),
    ("cursor_left", "cursor_left", "[D"),
    ("cursor_right", "cursor_right", "[C"),
    ("cursor_up", "cursor_up", "[A"),
    ("cursor_down", "cursor_down", "[B"),
    ("escape", "esc", ""),
    ("escape_left", "csi", "["),
    ("escape_right", "osc", "]"),
    ("string_terminator", "st", "\\"),
];

fn run(call: &mut Call<'_>, _input: Data) -> Result<Data> {
    if call.switch("list") {
        return Ok(Data::Value(Value::list(listed())));
    }
    let Some(style) = call.value("style") else {
        return Err(Diagnostic::new(codes::MISSING_ARGUMENT, "`ansi` needs the name of a colour or a style")
            .label(call.head, "which?")
            .next("ansi --list"));
    };
    let text = value::text::to_text(style);
    let sequence = match style {
        Value::Record(record) => of_record(record),
        _ if call.switch("escape") => Some(format!("[{text}")),
        _ if call.switch("osc") => Some(format!("]{text}")),
        _ => named(&text),
    };
    match sequence {
        Some(sequence) => Ok(Data::Value(Value::string(format!("\x1b{sequence}")))),
        None => {
            let error = Diagnostic::new(codes::BAD_ARGUMENT, format!("no colour or style is called `{text}`"))
                .label(call.span("style"), "unknown")
                .next("ansi --list");
            let names = COLORS.iter().map(|(name, ..)| *name).chain(OTHERS.iter().map(|(name, ..)| *name));
            Err(match diag::suggest::did_you_mean(&text, names) {
                Some(hint) => error.help(hint),
                None => error,
            })
        }
    }
}

/// What stands behind the escape character for a name.
fn named(name: &str) -> Option<String> {
    if let Some((.., sequence)) = OTHERS.iter().find(|(long, short, _)| *long == name || *short == name) {
        return Some((*sequence).to_string());
    }
    let color =
        |name: &str| COLORS.iter().find(|(long, short, _)| *long == name || *short == name).map(|color| color.2);
    if let Some(number) = color(name) {
        return Some(format!("[{number}m"));
    }
    if let Some(behind) = name.strip_prefix("bg_") {
        return color(behind).map(|number| format!("[{}m", number + 10));
    }
    if let Some(rgb) = rgb(name) {
        return Some(format!("[38;2;{rgb}m"));
    }
    STYLES.iter().find_map(|(long, short, style)| {
        let long = name.strip_suffix(long).and_then(|name| name.strip_suffix('_'));
        let number = long.and_then(color).or_else(|| name.strip_suffix(short).and_then(color))?;
        Some(format!("[{style};{number}m"))
    })
}

/// `#rrggbb` as three numbers.
fn rgb(text: &str) -> Option<String> {
    let digits = text.strip_prefix('#').or_else(|| text.strip_prefix("0x")).filter(|digits| digits.len() == 6)?;
    let number = u32::from_str_radix(digits, 16).ok()?;
    Some(format!("{};{};{}", number >> 16, number >> 8 & 255, number & 255))
}

fn of_record(record: &Record) -> Option<String> {
    let mut parts = Vec::new();
    for (name, value) in record.iter() {
        let text = value.as_str()?;
        let color = |kind: u8| match rgb(text) {
            Some(rgb) => Some(format!("{}8;2;{rgb}", kind)),
            None => COLORS
                .iter()
                .find(|(long, short, _)| *long == text || *short == text)
                .map(|color| (color.2 + if kind == 4 { 10 } else { 0 }).to_string()),
        };
        match name {
            "fg" => parts.push(color(3)?),
            "bg" => parts.push(color(4)?),
            "attr" => {
                for letter in text.chars() {
                    let letter = letter.to_string();
                    parts.push(STYLES.iter().find(|(_, short, _)| *short == letter)?.2.to_string());
                }
            }
            _ => return None,
        }
    }
    Some(format!("[{}m", parts.join(";")))
}

fn listed() -> Vec<Value> {
    let row = |name: String, short: String| {
        let code = named(&name).unwrap_or_default();
        let fields = [("name", name), ("short_name", short), ("code", format!("\\e{code}"))];
        Value::record(fields.into_iter().map(|(name, text)| (name, Value::string(text))).collect())
    };
    let colors = COLORS.iter().flat_map(|(name, short, _)| {
        let styled =
            STYLES.iter().map(move |(style, letter, _)| (format!("{name}_{style}"), format!("{short}{letter}")));
        let behind = (format!("bg_{name}"), format!("bg_{short}"));
        std::iter::once(((*name).to_string(), (*short).to_string())).chain(styled).chain([behind])
    });
    let others = OTHERS.iter().map(|(name, short, _)| ((*name).to_string(), (*short).to_string()));
    colors.chain(others).map(|(name, short)| row(name, short)).collect()
}
