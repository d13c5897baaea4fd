//! What can stand next in a row condition.

use syntax::expression::{Level, level};
use value::Type;
use value::ops::Operator;

use super::arguments::typed;
use super::{Completion, Found};

impl Completion<'_> {
    /// Columns where an operand begins, operators after one, and the words of a closed set after a comparison.
    pub(super) fn condition(&self, found: &mut Found<'_>) {
        let start = self.place.current.start;
        // The command's own name is not part of the condition.
        let words = self.place.texts();
        let words = words.get(1..).unwrap_or_default();
        match words.last() {
            None => self.columns(found, start, &[]),
            Some(&"not") => self.columns(found, start, &[]),
            Some(last) => match level(last) {
                Some(Level::Comparison) => {
                    let column = words.len().checked_sub(2).and_then(|at| words.get(at));
                    if let Some(of) = column.and_then(|column| self.type_of_column(column)) {
                        typed(found, start, &of);
                    }
                }
                Some(_) => self.columns(found, start, &[]),
                None => {
                    let wanted =
                        if words.len() >= 2 && words.get(words.len() - 2).is_some_and(|word| level(word).is_some()) {
                            [Level::And, Level::Or].as_slice()
                        } else {
                            [Level::Comparison].as_slice()
                        };
                    for (operator, _) in Operator::ALL {
                        if level(operator).is_some_and(|level| wanted.contains(&level)) {
                            found.add(operator, "", true);
                        }
                    }
                }
            },
        }
    }

    fn type_of_column(&self, column: &str) -> Option<Type> {
        self.input().fields()?.get(column.trim_start_matches("$it.")).cloned()
    }
}
