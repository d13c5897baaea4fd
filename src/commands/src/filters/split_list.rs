use crate::prelude::*;
use crate::rows;

pub static SPLIT_LIST: Command = Command {
    name: "split list",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Cuts a list at items that equal a value, or for which a closure gives true",
    params: &[
        Param::required("separator", Takes::Value, "What to cut at"),
        Param::switch("regex", Some('r'), "The separator is a regular expression, for texts and what reads as one"),
        Param::flag(
            "split",
            None,
            Takes::Words(&["on", "before", "after"]),
            "Where to cut; `on` the separator, which is left out, by default",
        ),
    ],
    io: &[("list<any>", "list<list<any>>"), ("table", "list<list<any>>"), ("range", "list<list<any>>")],
    examples: &[example("At an item", "[a b c d e] | split list c", "[[a b] [d e]]")],
    run: |call, input| {
        rows::want_items(call, &input)?;
        let separator: Value = call.required("separator")?;
        let split = call.optional::<String>("split")?.unwrap_or_default();
        let pattern = match (call.switch("regex"), &separator) {
            (true, Value::String(text)) => Some(
                value::ops::compile_regex(text)
                    .map_err(|error| error.or_label(call.span("separator"), "this pattern"))?,
            ),
            (true, other) => {
                return Err(Diagnostic::new(
                    codes::WRONG_TYPE,
                    format!("a pattern is a string, not {}", other.type_of()),
                )
                .label(call.span("separator"), "must be a string"));
            }
            (false, _) => None,
        };
        let mut runner =
            <ClosureValue as engine::FromValue>::from_value(&separator).map(|closure| call.runner(&closure));
        let mut lists: Vec<Value> = Vec::new();
        let mut list: Vec<Value> = Vec::new();
        for item in rows::all(call, input)?.items {
            let cut = match (&mut runner, &pattern) {
                (Some(runner), _) => runner.holds(item.clone())?,
                (None, Some(pattern)) => pattern.is_match(&value::text::to_text(&item)),
                (None, None) => item == separator,
            };
            match (cut, split.as_str()) {
                (false, _) => list.push(item),
                (true, "before") => {
                    lists.push(Value::list(std::mem::take(&mut list)));
                    list.push(item);
                }
                (true, "after") => {
                    list.push(item);
                    lists.push(Value::list(std::mem::take(&mut list)));
                }
                (true, _) => lists.push(Value::list(std::mem::take(&mut list))),
            }
        }
        lists.push(Value::list(list));
        Ok(Data::Value(Value::list(lists)))
    },
    ..Command::DEFAULT
};
