use std::borrow::Cow;

use crate::cells::{self, COLUMNS};
use crate::prelude::*;

pub static REPLACE: Command = Command {
    name: "str replace",
    summary: "Replaces a part of texts, or what matches a pattern",
    details: "With `--regex`, `$1` and `${name}` in the replacement stand for groups of the pattern. A closure gets what was \
              found and gives the replacement.",
    params: &[
        Param::required("find", Takes::Type("string"), "What to replace"),
        Param::required("replace", Takes::Value, "What to put there"),
        COLUMNS,
        Param::switch("all", Some('a'), "Replace every occurrence, not only the first"),
        Param::switch("regex", Some('r'), "`find` is a regular expression"),
        Param::switch("no-expand", Some('n'), "`$` in the replacement is itself"),
        Param::switch("multiline", Some('m'), "`^` and `$` match at lines"),
    ],
    examples: &[
        example("Once", "'abc abc' | str replace b z", "\"azc abc\""),
        example("Everywhere, by a pattern", "'abc abc' | str replace --all --regex '[ab]' 'x'", "\"xxc xxc\""),
        example("With a group", "'camera.left' | str replace --regex '(\\w+)\\.(\\w+)' '$2-$1'", "\"left-camera\""),
    ],
    search: &["substitute", "regex", "sed"],
    run,
    ..super::TEXT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let find: String = call.required("find")?;
    let with: Value = call.required("replace")?;
    let (all, expand) = (call.switch("all"), call.switch("regex") && !call.switch("no-expand"));
    let pattern = if call.switch("regex") || call.switch("multiline") {
        if call.switch("multiline") { format!("(?m){find}") } else { find.clone() }
    } else {
        regex::escape(&find)
    };
    let pattern =
        value::ops::compile_regex(&pattern).map_err(|error| error.or_label(call.span("find"), "this pattern"))?;
    if let Some(closure) = <ClosureValue as engine::FromValue>::from_value(&with) {
        let runner = std::sync::Mutex::new(call.runner(&closure));
        return cells::change(call, input, move |value| {
            cells::on_text("str replace", value, |text| {
                let mut runner = runner.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                let mut result = String::new();
                let mut last = 0;
                for found in pattern.captures_iter(text).take(if all { usize::MAX } else { 1 }) {
                    let Some(whole) = found.get(0) else { continue };
                    let groups =
                        found.iter().skip(1).map(|group| Value::from(group.map_or("", |group| group.as_str())));
                    let arguments: Vec<Value> =
                        if found.len() > 1 { groups.collect() } else { vec![Value::from(whole.as_str())] };
                    result.push_str(&text[last..whole.start()]);
                    result.push_str(&value::text::to_text(&runner.value(&arguments, Value::from(whole.as_str()))?));
                    last = whole.end();
                }
                result.push_str(&text[last..]);
                Ok(Value::string(result))
            })
        });
    }
    let Value::String(with) = with else {
        return Err(Diagnostic::new(codes::WRONG_TYPE, format!("expected a string, found {}", with.type_of()))
            .label(call.span("replace"), "not a string"));
    };
    cells::change(call, input, move |value| {
        cells::on_text("str replace", value, |text| {
            let limit = if all { 0 } else { 1 };
            let replaced: Cow<'_, str> = if expand {
                pattern.replacen(text, limit, with.as_str())
            } else {
                pattern.replacen(text, limit, regex::NoExpand(&with))
            };
            Ok(Value::string(replaced))
        })
    })
}
