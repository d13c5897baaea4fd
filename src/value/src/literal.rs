//! Values as programs write them: text that reads back as the same value.

use std::fmt::Write as _;

use crate::range::Range;
use crate::text::float;
use crate::units::DURATION_UNITS;
use crate::value::{Record, Value};

/// How literals are laid out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Layout {
    /// Spaces of each nested line; none puts everything on one line.
    pub indent: usize,
    /// No blanks after `:` and `,`.
    pub tight: bool,
    /// Items apart by blanks alone.
    pub no_commas: bool,
}

/// The value on one line. Closures have no literal that carries what they captured: their source text stands for them.
pub fn to_literal(value: &Value) -> String {
    laid_out(value, Layout::default())
}

/// The value laid out as asked.
pub fn laid_out(value: &Value, layout: Layout) -> String {
    let mut out = String::new();
    Writer { out: &mut out, layout }.value(value, 0);
    out
}

/// A double-quoted string.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{{{:x}}}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The text bare when it reads back as the same string, quoted otherwise.
pub fn bare_or_quoted(text: &str) -> String {
    let plain = !text.is_empty()
        && text.chars().all(|c| c.is_alphanumeric() || "_-./".contains(c))
        && text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '/')
        && !matches!(text.to_lowercase().as_str(), "null" | "true" | "false" | "nan" | "inf" | "infinity");
    if plain { text.to_string() } else { quote(text) }
}

struct Writer<'a> {
    out: &'a mut String,
    layout: Layout,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, depth: usize) {
        match value {
            Value::Nothing => self.out.push_str("null"),
            Value::Bool(b) => self.out.push_str(if *b { "true" } else { "false" }),
            Value::Int(n) => {
                let _ = write!(self.out, "{n}");
            }
            Value::Float(x) => self.out.push_str(&float(*x)),
            Value::Duration(nanos) => self.out.push_str(&exact_duration(*nanos)),
            Value::Filesize(bytes) => {
                let _ = write!(self.out, "{bytes}b");
            }
            Value::DateTime(at) => self.out.push_str(&at.rfc3339()),
            Value::String(text) => self.out.push_str(&bare_or_quoted(text)),
            Value::Binary(bytes) => {
                self.out.push_str("0x[");
                for byte in bytes.iter() {
                    let _ = write!(self.out, "{byte:02X}");
                }
                self.out.push(']');
            }
            Value::Range(range) => self.range(range),
            Value::CellPath(path) => {
                let _ = write!(self.out, "$.{path}");
            }
            Value::Closure(closure) => self.out.push_str(&closure.0.text()),
            Value::Record(record) => self.record(record, depth),
            Value::List(items) => match common_columns(items) {
                Some(columns) => self.table(&columns, items, depth),
                None => self.items('[', ']', items.len(), depth, |writer, i, depth| writer.value(&items[i], depth)),
            },
            Value::Table(table) => match table.as_record().unwrap_or_else(|| table.rows().map(Value::list)) {
                Ok(value) => self.value(&value, depth),
                Err(_) => self.out.push_str("[]"),
            },
        }
    }

    fn range(&mut self, range: &Range) {
        let (start, next, end, inclusive) = match *range {
            Range::Int { start, step, end, inclusive } => {
                let default = if end.is_some_and(|end| end < start) { -1 } else { 1 };
                let next = (step != default).then(|| Value::Int(start.saturating_add(step)));
                (Value::Int(start), next, end.map(Value::Int), inclusive)
            }
            Range::Float { start, step, end, inclusive } => {
                let default = if end.is_some_and(|end| end < start) { -1.0 } else { 1.0 };
                let next = (step != default).then(|| Value::Float(start + step));
                (Value::Float(start), next, end.map(Value::Float), inclusive)
            }
        };
        self.value(&start, 0);
        self.out.push_str("..");
        if let Some(next) = next {
            self.value(&next, 0);
            self.out.push_str("..");
        }
        if let Some(end) = end {
            self.out.push_str(if inclusive { "" } else { "<" });
            self.value(&end, 0);
        }
    }

    fn record(&mut self, record: &Record, depth: usize) {
        let fields: Vec<(&str, &Value)> = record.iter().collect();
        self.items('{', '}', fields.len(), depth, |writer, i, depth| {
            let (name, value) = fields[i];
            writer.out.push_str(&bare_or_quoted(name));
            writer.out.push_str(if writer.layout.tight { ":" } else { ": " });
            writer.value(value, depth);
        });
    }

    fn table(&mut self, columns: &[&str], rows: &[Value], depth: usize) {
        self.out.push('[');
        self.break_line(depth + 1);
        self.items('[', ']', columns.len(), depth + 1, |writer, i, _| writer.out.push_str(&bare_or_quoted(columns[i])));
        self.out.push(';');
        for (at, row) in rows.iter().enumerate() {
            if at > 0 && !self.layout.no_commas {
                self.out.push(',');
            }
            if self.layout.indent > 0 {
                self.break_line(depth + 1);
            } else if !self.layout.tight || at > 0 && self.layout.no_commas {
                self.out.push(' ');
            }
            let Value::Record(row) = row else { continue };
            self.items('[', ']', columns.len(), depth + 1, |writer, i, depth| {
                writer.value(row.get(columns[i]).unwrap_or(&Value::Nothing), depth);
            });
        }
        self.break_line(depth);
        self.out.push(']');
    }

    fn break_line(&mut self, depth: usize) {
        if self.layout.indent > 0 {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', self.layout.indent * depth));
        }
    }

    fn items(
        &mut self,
        open: char,
        close: char,
        len: usize,
        depth: usize,
        mut item: impl FnMut(&mut Self, usize, usize),
    ) {
        self.out.push(open);
        for i in 0..len {
            if i > 0 {
                self.out.push_str(if self.layout.no_commas { "" } else { "," });
                if self.layout.indent == 0 && (!self.layout.tight || self.layout.no_commas) {
                    self.out.push(' ');
                }
            }
            self.break_line(depth + 1);
            item(self, i, depth + 1);
        }
        if len > 0 {
            self.break_line(depth);
        }
        self.out.push(close);
    }
}

/// The columns when all items are records with the same, at least one, fields in the same order.
fn common_columns(items: &[Value]) -> Option<Vec<&str>> {
    let Value::Record(first) = items.first()? else { return None };
    let columns: Vec<&str> = first.names().collect();
    let all = items.iter().all(|item| matches!(item, Value::Record(row) if row.names().eq(columns.iter().copied())));
    (all && !columns.is_empty()).then_some(columns)
}

/// A duration in its largest unit that divides it, so that it reads back exactly.
fn exact_duration(nanos: i64) -> String {
    let unit = DURATION_UNITS.iter().find(|(_, unit)| nanos != 0 && nanos % unit == 0);
    let (name, unit) = unit.copied().unwrap_or(("ns", 1));
    format!("{}{name}", nanos / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Value {
        let row = |n: i64| Value::record([("a", Value::Int(n)), ("b c", Value::Float(1.0))].into_iter().collect());
        Value::list(vec![row(1), row(2)])
    }

    #[test]
    fn tables_are_written_with_their_columns_once() {
        assert_eq!(to_literal(&table()), "[[a, \"b c\"]; [1, 1.0], [2, 1.0]]");
        assert_eq!(laid_out(&table(), Layout { tight: true, ..Layout::default() }), "[[a,\"b c\"];[1,1.0],[2,1.0]]");
    }

    #[test]
    fn words_that_would_read_as_something_else_are_quoted() {
        for text in ["1", "null", "a b", "", "true", "-x", "1kb", "a\"b", "2026-01-01"] {
            assert!(bare_or_quoted(text).starts_with('"'), "{text}");
        }
        assert_eq!(bare_or_quoted("camera/image"), "camera/image");
    }

    #[test]
    fn units_are_written_exactly() {
        assert_eq!(to_literal(&Value::Duration(1_500_000_000)), "1500ms");
        assert_eq!(to_literal(&Value::Filesize(1500)), "1500b");
        assert_eq!(to_literal(&Value::binary([1, 0xff])), "0x[01FF]");
    }
}
