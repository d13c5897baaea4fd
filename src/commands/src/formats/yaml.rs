//! YAML, to and from.

use serde_yaml::Value as Y;

use crate::prelude::*;
use crate::rows;

pub static TO: Command = Command {
    name: "to yaml",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Writes a value as YAML",
    io: &[("any", "string")],
    examples: &[example("A record", "{a: 1, b: [x]} | to yaml", "\"a: 1\\nb:\\n- x\\n\"")],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| {
        let value = rows::value(call, input)?;
        write(&value).map(|text| Data::Value(Value::string(text)))
    },
    ..Command::DEFAULT
};

pub static FROM: Command = Command {
    name: "from yaml",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Reads YAML; several documents become a list",
    io: &[("string", "any"), ("nothing", "nothing")],
    examples: &[example("A record", "'a: [1, x]' | from yaml", "{a: [1 x]}")],
    search: &["yml"],
    run: |call, input| {
        let text = super::text_of(call, input)?;
        rows::here(call, read(call, &text)).map(Data::Value)
    },
    ..Command::DEFAULT
};

/// The value as YAML.
pub(crate) fn write(value: &Value) -> Result<String> {
    table::json::written(value, "YAML", |value| serde_yaml::to_string(value))
}

/// Reads all documents of a text.
pub(crate) fn read(call: &Call<'_>, text: &str) -> Result<Value> {
    let mut documents = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        use serde::Deserialize;
        let yaml = Y::deserialize(document).map_err(|error| {
            let place = error.location();
            let (line, column) = place.map_or((0, 0), |place| (place.line(), place.column()));
            super::unreadable(call, "YAML", text, line, column, &error.to_string())
        })?;
        documents.push(from_yaml(&yaml)?);
    }
    Ok(match documents.len() {
        0 => Value::Nothing,
        1 => documents.remove(0),
        _ => Value::list(documents),
    })
}

fn from_yaml(yaml: &Y) -> Result<Value> {
    Ok(match yaml {
        Y::Null => Value::Nothing,
        Y::Bool(b) => Value::Bool(*b),
        Y::Number(n) => match n.as_i64() {
            Some(n) => Value::Int(n),
            None => Value::Float(n.as_f64().unwrap_or(f64::NAN)),
        },
        Y::String(text) => Value::string(text.as_str()),
        Y::Sequence(items) => Value::list(items.iter().map(from_yaml).collect::<Result<Vec<_>>>()?),
        Y::Mapping(fields) => {
            let fields =
                fields.iter().map(|(name, yaml)| Ok((value::text::to_text(&from_yaml(name)?), from_yaml(yaml)?)));
            Value::record(fields.collect::<Result<Record>>()?)
        }
        Y::Tagged(tagged) => from_yaml(&tagged.value)?,
    })
}
