use crate::prelude::*;
use crate::rows;

pub static FIND: Command = Command {
    name: "find",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Keeps the rows, items or lines in which a text or pattern occurs",
    params: &[
        Param::rest("texts", Takes::Type("any"), "What to look for; one of them is enough"),
        Param::flag("regex", Some('r'), Takes::Type("string"), "Look for a regular expression"),
        Param::switch("ignore-case", Some('i'), "Match in any case"),
        Param::switch("invert", Some('v'), "Keep what does not match"),
        Param::flag("columns", Some('c'), Takes::Type("list<string>"), "Look in these columns only"),
        Param::switch("multiline", Some('m'), "Take a text of many lines as a whole"),
        Param::switch("dotall", Some('s'), "In a pattern `.` matches ends of lines too"),
        Param::switch("no-highlight", Some('n'), "Mark nothing, which is so in any case; for old scripts"),
    ],
    io: &[
        ("table", "table"),
        ("list<any>", "list<any>"),
        ("string", "any"),
        ("range", "list<number>"),
        ("nothing", "list<any>"),
    ],
    examples: &[
        example("By a part", "[abc odb arc abf] | find ab", "[abc abf]"),
        example("By a pattern", "[abc odb arc] | find --regex 'b.'", "[abc]"),
        example("Rows", "[[name n]; [ant 1] [bee 2]] | find bee", "[[name n]; [bee 2]]"),
    ],
    search: &["search", "grep", "filter", "match"],
    infer: Some(|shape| match shape.input {
        Type::Table(_) | Type::List(_) => rows::keeps_type(shape),
        _ => None,
    }),
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let ignore_case = call.switch("ignore-case");
    let invert = call.switch("invert");
    let columns: Vec<String> = match call.value("columns") {
        Some(Value::List(names)) => names.iter().map(value::text::to_text).collect(),
        _ => Vec::new(),
    };
    // Texts are looked for within texts; other values are found where they are equal.
    let (texts, values): (Vec<Value>, Vec<Value>) =
        call.rest::<Value>("texts")?.into_iter().partition(|one| matches!(one, Value::String(_)));
    let regex = call.optional::<String>("regex")?;
    let patterned = regex.is_some() || !texts.is_empty();
    let mut pattern = match regex {
        Some(pattern) => pattern,
        None if texts.is_empty() && values.is_empty() => {
            return Err(Diagnostic::new(codes::MISSING_ARGUMENT, "`find` needs something to look for")
                .label(call.head, "find what?"));
        }
        None => texts.iter().filter_map(Value::as_str).map(regex::escape).collect::<Vec<_>>().join("|"),
    };
    if ignore_case {
        pattern = format!("(?i){pattern}");
    }
    if call.switch("dotall") {
        pattern = format!("(?s){pattern}");
    }
    let pattern =
        value::ops::compile_regex(&pattern).map_err(|error| error.or_label(call.span("regex"), "this pattern"))?;
    let wanted = Wanted { pattern: patterned.then_some(pattern), values };
    let multiline = call.switch("multiline");
    let keeps = move |item: &Value| wanted.is_in(item, &columns) != invert;
    match rows::plain(input)? {
        Data::Value(Value::String(text)) => {
            if multiline || !text.contains('\n') {
                return Ok(Data::Value(if keeps(&Value::String(text.clone())) {
                    Value::String(text)
                } else {
                    Value::Nothing
                }));
            }
            let lines = text.lines().map(Value::from).filter(|line| keeps(line));
            Ok(Data::Value(Value::list(lines.collect::<Vec<_>>())))
        }
        Data::Bytes(bytes) => {
            let lines = super::lines::of_bytes(bytes);
            rows::map(call, Data::Stream(lines), false, move |line| Ok(keeps(&line).then_some(line)))
        }
        many => {
            rows::want_items(call, &many)?;
            rows::map(call, many, true, move |item| Ok(keeps(&item).then_some(item)))
        }
    }
}

/// What is looked for; one of it is enough.
struct Wanted {
    pattern: Option<regex::Regex>,
    values: Vec<Value>,
}

impl Wanted {
    fn is_in(&self, value: &Value, columns: &[String]) -> bool {
        match value {
            Value::Record(record) => record
                .iter()
                .filter(|(name, _)| columns.is_empty() || columns.iter().any(|column| column == name))
                .any(|(_, value)| self.is_in(value, &[])),
            Value::List(items) => items.iter().any(|item| self.is_in(item, &[])),
            other => {
                let matches = |pattern: &regex::Regex| pattern.is_match(&value::text::to_text(other));
                self.values.contains(other) || self.pattern.as_ref().is_some_and(matches)
            }
        }
    }
}
