//! Patterns of `match`, held against a value.

use value::Value;

use super::{Flow, Interpreter};
use crate::program::Pattern;

impl Interpreter {
    /// Whether the value has the pattern's shape; binds its variables on the way.
    pub(super) fn matches(&mut self, pattern: &Pattern, value: &Value) -> Flow<bool> {
        match pattern {
            Pattern::Anything => Ok(true),
            Pattern::Bind(slot) => {
                self.set(*slot, value.clone());
                Ok(true)
            }
            Pattern::Value(node) => {
                let wanted = self.eval(node)?;
                Ok(match &wanted {
                    Value::Range(range) if !matches!(value, Value::Range(_)) => range.contains(value),
                    _ => wanted == *value,
                })
            }
            Pattern::Or(choices) => {
                for choice in choices {
                    if self.matches(choice, value)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Pattern::List { items, rest } => {
                let values = match value {
                    Value::List(_) | Value::Table(_) => value.items()?,
                    _ => return Ok(false),
                };
                if values.len() < items.len() || (rest.is_none() && values.len() != items.len()) {
                    return Ok(false);
                }
                for (item, value) in items.iter().zip(values.iter()) {
                    if !self.matches(item, value)? {
                        return Ok(false);
                    }
                }
                if let Some(Some(slot)) = rest {
                    self.set(*slot, Value::list(values[items.len()..].to_vec()));
                }
                Ok(true)
            }
            Pattern::Record(fields) => {
                let Value::Record(record) = value else { return Ok(false) };
                for (name, pattern) in fields {
                    let Some(field) = record.get(name) else { return Ok(false) };
                    if !self.matches(pattern, field)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }
}
