use crate::prelude::*;
use crate::rows;

pub static PARSE: Command = Command {
    name: "parse",
    category: Category::Strings,
    effect: Effect::Computes,
    summary: "Takes texts apart into columns by a pattern such as `{name}: {value}`, or a regular expression",
    details: "`{_}` passes over a part. Named groups of a regular expression give columns; others are `capture0` and so on. \
              Texts that do not match give no row.",
    params: &[
        Param::required("pattern", Takes::Type("string"), "The pattern"),
        Param::switch("regex", Some('r'), "It is a regular expression"),
        Param::flag(
            "backtrack",
            Some('b'),
            Takes::Type("int"),
            "How far a pattern may go back; accepted for old scripts",
        ),
    ],
    io: &[("string", "table"), ("list<any>", "table")],
    examples: &[
        example("By a pattern", "'hi there' | parse '{foo} {bar}'", "[[foo bar]; [hi there]]"),
        example("By a regular expression", "'a=1' | parse --regex '(?<k>\\w)=(?<v>\\d)'", "[[k v]; [a \"1\"]]"),
    ],
    search: &["extract", "regex", "scan", "capture"],
    infer: Some(infer),
    run,
    ..Command::DEFAULT
};

fn infer(shape: &Shape<'_>) -> Option<Type> {
    let text = shape.value("pattern")?.as_str()?;
    let (_, names) = if shape.switch("regex") {
        let pattern = value::ops::compile_regex(text).ok()?;
        let names = names_of(&pattern);
        (pattern, names)
    } else {
        compile(text).ok()?
    };
    let columns = names.into_iter().flatten().map(|name| (Arc::from(name), Type::String));
    Some(Type::Table(Fields::closed(columns.collect())))
}

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let text: String = call.required("pattern")?;
    let place = call.span("pattern");
    let (pattern, names) = if call.switch("regex") {
        let pattern = value::ops::compile_regex(&text).map_err(|error| error.label(place, "this pattern"))?;
        let names = names_of(&pattern);
        (pattern, names)
    } else {
        compile(&text).map_err(|error| error.label(place, "this pattern"))?
    };
    let head = call.head;
    let endless = input.is_endless();
    let items = match rows::plain(input)? {
        Data::Bytes(bytes) => Box::new(crate::filters::lines::of_bytes(bytes)),
        other => other.into_items(call.interrupt())?,
    };
    let stream = Stream::new(items.flat_map(move |item| match item {
        Ok(Value::String(text)) => matches(&pattern, &names, &text),
        Ok(Value::Nothing) => Vec::new(),
        Ok(other) => {
            let of = other.type_of();
            vec![Err(Diagnostic::new(codes::WRONG_INPUT, format!("`parse` works on strings, not on {of}"))
                .label(head, format!("{of} flows in here")))]
        }
        Err(error) => vec![Err(error)],
    }));
    Ok(Data::Stream(stream.endless_if(endless)))
}

fn matches(pattern: &regex::Regex, names: &[Option<String>], text: &str) -> Vec<Result<Value>> {
    let rows = pattern.captures_iter(text).map(|found| {
        let fields = names.iter().enumerate().filter_map(|(at, name)| {
            let name = name.as_ref()?;
            Some((name.as_str(), Value::from(found.get(at + 1).map_or("", |part| part.as_str()))))
        });
        Ok(Value::record(fields.collect()))
    });
    rows.collect()
}

/// The columns of a regular expression's groups.
fn names_of(pattern: &regex::Regex) -> Vec<Option<String>> {
    let groups = pattern.capture_names().skip(1).enumerate();
    groups.map(|(at, name)| Some(name.map_or_else(|| format!("capture{at}"), str::to_string))).collect()
}

/// Makes a regular expression of a pattern such as `{name}: {value}`.
fn compile(text: &str) -> Result<(regex::Regex, Vec<Option<String>>)> {
    let mut pattern = String::from("(?s)\\A");
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        pattern.push_str(&regex::escape(&rest[..open]));
        rest = &rest[open + 1..];
        if let Some(after) = rest.strip_prefix('{') {
            pattern.push_str("\\{");
            rest = after;
            continue;
        }
        let Some(close) = rest.find('}') else {
            return Err(Diagnostic::new(codes::BAD_PATTERN, format!("a `{{` is never closed in `{text}`"))
                .help("`{{` stands for a brace itself"));
        };
        let name = &rest[..close];
        rest = &rest[close + 1..];
        pattern.push_str("(.*?)");
        names.push((name != "_").then(|| name.to_string()));
    }
    pattern.push_str(&regex::escape(rest));
    pattern.push_str("\\z");
    let compiled = regex::Regex::new(&pattern)
        .map_err(|error| Diagnostic::new(codes::BAD_PATTERN, format!("`{text}` is too large a pattern: {error}")))?;
    Ok((compiled, names))
}
