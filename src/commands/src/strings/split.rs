use unicode_segmentation::UnicodeSegmentation;

use crate::prelude::*;
use crate::rows;

pub static ROW: Command = Command {
    name: "split row",
    category: Category::Strings,
    effect: Effect::Computes,
    summary: "Splits texts at a separator into a list",
    params: &[
        Param::required("separator", Takes::Type("string"), "What to split at"),
        Param::flag("number", Some('n'), Takes::Type("int"), "Into at most so many"),
        Param::switch("regex", Some('r'), "The separator is a regular expression"),
        Param::switch("right", None, "With `--number`, split from the end"),
    ],
    io: &[("string", "list<string>"), ("list<any>", "list<string>")],
    examples: &[
        example("At a comma", "'a,b,c' | split row ','", "[a b c]"),
        example("From the end", "'a-b-c' | split row --number 2 --right '-'", "[a-b c]"),
    ],
    search: &["separate", "divide"],
    infer: Some(|_| Some(Type::list(Type::String))),
    run: |call, input| {
        let separator = Separator::of(call)?;
        each_text(call, input, move |text| separator.split(text).into_iter().map(Value::string).collect())
    },
    ..Command::DEFAULT
};

pub static COLUMN: Command = Command {
    name: "split column",
    category: Category::Strings,
    effect: Effect::Computes,
    summary: "Splits texts at a separator into columns of a table",
    params: &[
        Param::required("separator", Takes::Type("string"), "What to split at"),
        Param::rest("names", Takes::Type("string"), "Names of the columns"),
        Param::flag("number", Some('n'), Takes::Type("int"), "Into at most so many"),
        Param::switch("regex", Some('r'), "The separator is a regular expression"),
        Param::switch("right", None, "With `--number`, split from the end"),
        Param::switch("collapse-empty", Some('c'), "Leave out empty parts"),
    ],
    io: &[("string", "table"), ("list<any>", "table")],
    examples: &[example("With names", "['a-b' 'c-d'] | split column '-' x y", "[[x y]; [a b] [c d]]")],
    search: &["separate", "divide", "table"],
    run: |call, input| {
        let separator = Separator::of(call)?;
        let names: Vec<String> = call.rest("names")?;
        let collapse = call.switch("collapse-empty");
        each_text(call, input, move |text| {
            let parts = separator.split(text).into_iter().filter(|part| !collapse || !part.is_empty());
            let fields = parts.enumerate().map(|(at, part)| {
                let name = names.get(at).cloned().unwrap_or_else(|| format!("column{at}"));
                (name, Value::string(part))
            });
            vec![Value::record(fields.collect())]
        })
    },
    ..Command::DEFAULT
};

pub static CHARS: Command = Command {
    name: "split chars",
    category: Category::Strings,
    effect: Effect::Computes,
    summary: "Splits texts into their characters",
    params: &[Param::switch("grapheme-clusters", Some('g'), "Into what a reader sees as characters")],
    io: &[("string", "list<string>"), ("list<any>", "list<list<string>>")],
    examples: &[example("A word", "'hey' | split chars", "[h e y]")],
    run: |call, input| {
        let graphemes = call.switch("grapheme-clusters");
        let chars = move |text: &str| -> Vec<Value> {
            match graphemes {
                true => text.graphemes(true).map(Value::from).collect(),
                false => text.chars().map(Value::string).collect(),
            }
        };
        let many = input.is_many();
        each_text(call, input, move |text| if many { vec![Value::list(chars(text))] } else { chars(text) })
    },
    ..Command::DEFAULT
};

pub static WORDS: Command = Command {
    name: "split words",
    category: Category::Strings,
    effect: Effect::Computes,
    summary: "Splits texts into their words, without what stands between",
    params: &[Param::flag("min-word-length", Some('l'), Takes::Type("int"), "Leave out shorter ones")],
    io: &[("string", "list<string>"), ("list<any>", "list<string>")],
    examples: &[example("A sentence", "'hello, the world!' | split words", "[hello the world]")],
    infer: Some(|_| Some(Type::list(Type::String))),
    run: |call, input| {
        let least: usize = call.optional("min-word-length")?.unwrap_or(0);
        each_text(call, input, move |text| {
            text.unicode_words().filter(|word| word.chars().count() >= least).map(Value::from).collect()
        })
    },
    ..Command::DEFAULT
};

/// What to split at, and into how many.
struct Separator {
    pattern: regex::Regex,
    limit: Option<usize>,
    right: bool,
}

impl Separator {
    fn of(call: &Call<'_>) -> Result<Self> {
        let text: String = call.required("separator")?;
        let pattern = if call.switch("regex") { text } else { regex::escape(&text) };
        let pattern = value::ops::compile_regex(&pattern)
            .map_err(|error| error.or_label(call.span("separator"), "this pattern"))?;
        Ok(Separator { pattern, limit: rows::count(call, "number")?, right: call.switch("right") })
    }

    fn split<'t>(&self, text: &'t str) -> Vec<&'t str> {
        match self.limit {
            None => self.pattern.split(text).collect(),
            Some(0) => Vec::new(),
            Some(limit) if !self.right => self.pattern.splitn(text, limit).collect(),
            Some(limit) => {
                let cuts: Vec<_> = self.pattern.find_iter(text).collect();
                let cuts = &cuts[cuts.len().saturating_sub(limit - 1)..];
                let mut parts = Vec::with_capacity(cuts.len() + 1);
                let mut from = 0;
                for cut in cuts {
                    parts.push(&text[from..cut.start()]);
                    from = cut.end();
                }
                parts.push(&text[from..]);
                parts
            }
        }
    }
}

/// Splits a text, or each text of a list, and gives all parts as one list.
fn each_text(call: &Call<'_>, input: Data, mut split: impl FnMut(&str) -> Vec<Value> + Send + 'static) -> Result<Data> {
    let (head, name) = (call.head, call.command.name);
    let wrong = move |of: &Type| {
        Diagnostic::new(codes::WRONG_INPUT, format!("`{name}` works on strings, not on {of}"))
            .label(head, format!("{of} flows in here"))
    };
    match rows::plain(input)? {
        Data::Value(Value::String(text)) => Ok(Data::Value(Value::list(split(&text)))),
        Data::Empty | Data::Value(Value::Nothing) => Ok(Data::Value(Value::list(Vec::new()))),
        Data::Bytes(bytes) => match call.collect(Data::Bytes(bytes))? {
            Value::String(text) => Ok(Data::Value(Value::list(split(&text)))),
            other => Err(wrong(&other.type_of())),
        },
        many if many.is_many() => {
            let endless = many.is_endless();
            let items = many.into_items(call.interrupt())?;
            let stream = Stream::new(items.flat_map(move |item| match item {
                Ok(Value::String(text)) => split(&text).into_iter().map(Ok).collect::<Vec<_>>(),
                Ok(Value::Nothing) => Vec::new(),
                Ok(other) => vec![Err(wrong(&other.type_of()))],
                Err(error) => vec![Err(error)],
            }));
            Ok(Data::Stream(stream.endless_if(endless)))
        }
        other => Err(wrong(&other.type_of())),
    }
}

pub static CELL_PATH: Command = Command {
    name: "split cell-path",
    summary: "Takes a cell path apart into its steps",
    params: &[],
    io: &[("cell-path", "table<value: any, optional: bool, insensitive: bool>")],
    examples: &[example("Two steps", "$.a?.0 | split cell-path | get value", "[a 0]")],
    infer: None,
    run: |call, input| {
        let value = call.collect(input)?;
        let Value::CellPath(path) = &value else { return Err(call.wrong_input(&value.type_of(), "a cell path")) };
        let steps = path.0.iter().map(|member| {
            let step = match &member.step {
                Step::Name(name) => Value::from(&**name),
                Step::Index(index) => Value::Int(i64::try_from(*index).unwrap_or(i64::MAX)),
            };
            let fields = [
                ("value", step),
                ("optional", Value::Bool(member.optional)),
                ("insensitive", Value::Bool(member.any_case)),
            ];
            Value::record(fields.into_iter().collect())
        });
        Ok(Data::Value(Value::list(steps.collect::<Vec<_>>())))
    },
    ..super::TEXT
};
