use std::collections::HashMap;

use crate::math::{REDUCTION, reduce_by};
use crate::prelude::*;

pub static MODE: Command = Command {
    name: "math mode",
    summary: "Gives the most frequent ones, as a list in order",
    io: &[("list<any>", "list<any>"), ("range", "list<number>"), ("table", "record"), ("record", "record")],
    examples: &[example("Two that are as frequent", "[3 3 9 12 12 15] | math mode", "[3 12]")],
    search: &["frequent", "common"],
    infer: None,
    run: |call, input| reduce_by(call, input, mode),
    ..REDUCTION
};

fn mode(values: &[Value]) -> Result<Value> {
    let mut counts: HashMap<table::Key, (usize, &Value)> = HashMap::new();
    for value in values.iter().filter(|value| !value.is_nothing()) {
        match value {
            Value::Int(_) | Value::Float(_) | Value::Duration(_) | Value::Filesize(_) => {}
            other => {
                return Err(Diagnostic::new(
                    codes::WRONG_INPUT,
                    format!("`math mode` works on numbers, not on {}", other.type_of()),
                ));
            }
        }
        counts.entry(table::key_of_all(std::iter::once(value))).or_insert((0, value)).0 += 1;
    }
    let most = counts.values().map(|(count, _)| *count).max().unwrap_or(0);
    let mut modes: Vec<Value> =
        counts.into_values().filter(|(count, _)| *count == most).map(|(_, value)| value.clone()).collect();
    modes.sort_by(|a, b| a.compare(b).unwrap_or(std::cmp::Ordering::Equal));
    Ok(Value::list(modes))
}
