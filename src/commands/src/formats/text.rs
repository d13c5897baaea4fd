//! Plain text.

use value::interrupt;

use crate::prelude::*;
use crate::rows;

pub static TO: Command = Command {
    name: "to text",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Writes a value as plain text, one line per item; fields as `name: value`",
    params: &[Param::switch("no-newline", Some('n'), "Without a newline at the very end")],
    io: &[("any", "string")],
    examples: &[example("A list", "[1 2] | to text", "\"1\\n2\\n\"")],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| {
        let value = rows::value(call, input)?;
        let mut text = write(&value)?;
        if call.switch("no-newline") && text.ends_with('\n') {
            text.pop();
        }
        Ok(Data::Value(Value::string(text)))
    },
    ..Command::DEFAULT
};

/// A text as it is; of many, one line each.
pub(crate) fn write(value: &Value) -> Result<String> {
    Ok(match value {
        Value::List(_) | Value::Table(_) | Value::Range(_) => {
            let mut text = String::new();
            for item in value.items()?.iter() {
                interrupt::check()?;
                text.push_str(&line(item));
                text.push('\n');
            }
            text
        }
        other => line(other),
    })
}

fn line(value: &Value) -> String {
    match value {
        Value::Record(record) => {
            let fields: Vec<String> = record.iter().map(|(name, value)| format!("{name}: {}", line(value))).collect();
            fields.join(", ")
        }
        Value::List(items) => items.iter().map(line).collect::<Vec<_>>().join(", "),
        other => value::text::to_text(other),
    }
}
