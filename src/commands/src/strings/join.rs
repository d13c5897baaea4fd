use crate::prelude::*;
use crate::rows;

pub static JOIN: Command = Command {
    name: "str join",
    category: Category::Strings,
    effect: Effect::Computes,
    summary: "Joins items into one text",
    params: &[Param::optional("separator", Takes::Type("string"), "What to put between them")],
    io: &[("list<any>", "string"), ("range", "string"), ("string", "string"), ("table", "string")],
    examples: &[example("With a dash", "[nu shell] | str join '-'", "\"nu-shell\"")],
    search: &["concat", "collect"],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| {
        let separator: String = call.optional("separator")?.unwrap_or_default();
        let input = match input {
            Data::Value(Value::Record(record)) => {
                let error = call.wrong_input(&Value::Record(record).type_of(), "a list");
                return Err(error.help("`values` gives a record's values"));
            }
            Data::Value(other)
                if !matches!(other, Value::String(_) | Value::List(_) | Value::Table(_) | Value::Range(_)) =>
            {
                return Err(call.wrong_input(&other.type_of(), "a list"));
            }
            other => other,
        };
        if input.is_endless() {
            return Err(rows::endless(call));
        }
        let interrupt = call.interrupt().clone();
        let mut text = String::new();
        for (at, item) in rows::plain(input)?.into_items(&interrupt)?.enumerate() {
            interrupt.check()?;
            if at > 0 {
                text.push_str(&separator);
            }
            text.push_str(&value::text::to_text(&item?));
        }
        Ok(Data::Value(Value::string(text)))
    },
    ..Command::DEFAULT
};
