//! One value in one cell.

use nu_ansi_term::Style;
use value::literal::to_literal;
use value::text::to_text;
use value::units::format_duration;
use value::{DateTime, Value};

use crate::fit::{escape, text_width};
use crate::options::Options;

/// Lists whose literal is no longer than this are shown as they are.
const INLINE: usize = 40;
/// Lines of one text that a table on a terminal shows.
const LINES: usize = 8;

/// The text of one cell, not yet cut to its column.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    /// Lines apart by `\n`; holds no other control character.
    pub text: String,
    pub style: Style,
    pub align: Align,
    /// Whether a part of it would mislead, as that of a number or a moment would.
    pub rigid: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
    /// To the right, with decimal points below each other.
    Decimal,
}

impl Cell {
    /// A cell that holds words of ours.
    pub fn plain(text: impl Into<String>, style: Style) -> Cell {
        Cell { text: text.into(), style, align: Align::Left, rigid: false }
    }

    pub fn right(mut self) -> Cell {
        self.align = Align::Right;
        self
    }

    /// A value in a column named `column`.
    pub fn of(value: &Value, column: &str, options: &Options) -> Cell {
        let text = if options.shortens() { short(value) } else { whole(value) };
        let state = || match value {
            Value::String(word) if matches!(column, "status" | "state" | "level" | "health") => {
                options.theme.of_state(word)
            }
            _ => None,
        };
        let align = match value {
            Value::Int(_) | Value::Float(_) => Align::Decimal,
            Value::Filesize(_) | Value::Duration(_) => Align::Right,
            _ => Align::Left,
        };
        let rigid = align != Align::Left || matches!(value, Value::DateTime(_) | Value::Bool(_));
        Cell { text, style: state().unwrap_or_else(|| options.theme.of(value)), align, rigid }
    }

    /// Columns that the widest line takes.
    pub fn width(&self) -> usize {
        self.text.split('\n').map(text_width).max().unwrap_or(0)
    }

    /// Keeps the first lines of a very long text.
    pub fn first_lines(&mut self) {
        if let Some((end, _)) = self.text.match_indices('\n').nth(LINES - 1) {
            self.text.truncate(end);
            self.text.push_str("\n…");
        }
    }

    /// Columns from the decimal point on.
    pub fn fraction(&self) -> usize {
        self.text.find('.').map_or(0, |at| self.text.len() - at)
    }
}

/// The value without any loss, on one line unless it is text of several.
fn whole(value: &Value) -> String {
    escape(&to_text(value)).into_owned()
}

/// The value as it is read at a glance.
fn short(value: &Value) -> String {
    match value {
        Value::Float(x) => short_float(*x),
        Value::Duration(nanos) => short_duration(*nanos),
        Value::DateTime(at) => short_datetime(*at),
        Value::Table(table) => match table.len() {
            Ok(rows) => format!("[table {}]", count(rows, "row")),
            Err(_) => "[table]".into(),
        },
        Value::List(items) if value.is_table() => format!("[table {}]", count(items.len(), "row")),
        Value::List(items) => {
            let nested = |item: &Value| matches!(item, Value::List(_) | Value::Record(_) | Value::Table(_));
            if items.len() <= INLINE && !items.iter().any(nested) {
                let text = to_literal(value);
                if text_width(&text) <= INLINE {
                    return text;
                }
            }
            format!("[list {}]", count(items.len(), "item"))
        }
        Value::Record(record) => format!("{{record {}}}", count(record.len(), "field")),
        Value::Binary(bytes) if bytes.len() > 8 => format!("[binary {}]", count(bytes.len(), "byte")),
        Value::Closure(closure) => escape(&closure.0.text().replace('\n', " ")).into_owned(),
        _ => whole(value),
    }
}

/// `1,234 rows`, `1 row`.
pub(crate) fn count(n: usize, what: &str) -> String {
    let digits = n.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped} {what}{}", if n == 1 { "" } else { "s" })
}

/// At most four decimals, or four digits that say something for what is smaller.
fn short_float(x: f64) -> String {
    let text = value::text::float(x);
    let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    if decimals <= 4 || text.contains('e') {
        return text;
    }
    let leading_zeros = if x.abs() < 1.0 { (-x.abs().log10()).ceil() as usize } else { 0 };
    let rounded = format!("{x:.*}", leading_zeros.saturating_sub(1) + 4);
    let trimmed = rounded.trim_end_matches('0');
    if trimmed.ends_with('.') { format!("{trimmed}0") } else { trimmed.to_string() }
}

/// The two largest units; the largest alone when it counts to a hundred.
fn short_duration(nanos: i64) -> String {
    let text = format_duration(nanos);
    let digits = text.bytes().skip_while(|byte| *byte == b'-').take_while(u8::is_ascii_digit).count();
    match text.match_indices(' ').nth(if digits > 2 { 0 } else { 1 }) {
        Some((end, _)) => text[..end].to_string(),
        None => text,
    }
}

/// To the millisecond, with a blank instead of `T`.
fn short_datetime(at: DateTime) -> String {
    let zoned = at.zoned();
    let format = if zoned.subsec_nanosecond() == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S%.3f" };
    let offset = if zoned.offset().is_zero() { "Z".to_string() } else { zoned.strftime(" %:z").to_string() };
    format!("{}{offset}", zoned.strftime(format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shortened_to_what_can_be_read() {
        for (x, text) in [
            (1.0, "1.0"),
            (0.25, "0.25"),
            (12.345_678_9, "12.3457"),
            (1.0 / 3.0, "0.3333"),
            (0.000_012_345_678, "0.00001235"),
            (2.000_000_01, "2.0"),
            (-0.000_5, "-0.0005"),
            (1e300, "1e300"),
        ] {
            assert_eq!(short_float(x), text);
        }
        assert_eq!(short_duration(3_725_004_000_000), "1hr 2min");
        assert_eq!(short_duration(-1_500_000_000), "-1sec 500ms");
        assert_eq!(short_duration(598_122_000), "598ms");
    }

    #[test]
    fn moments_keep_their_offset() {
        let at = |text| short_datetime(DateTime::parse(text).unwrap());
        assert_eq!(at("2026-01-31T10:00:00+01:00"), "2026-01-31 10:00:00 +01:00");
        assert_eq!(at("2026-01-31T10:00:00.1234567Z"), "2026-01-31 10:00:00.123Z");
    }

    #[test]
    fn nested_values_are_named_by_their_size() {
        let row = || Value::record([("a", Value::Int(1))].into_iter().collect());
        assert_eq!(short(&Value::list(vec![row(), row(), row()])), "[table 3 rows]");
        assert_eq!(short(&row()), "{record 1 field}");
        assert_eq!(short(&Value::list(vec![1.into(), "a b".into()])), "[1, \"a b\"]");
        assert_eq!(short(&Value::list((0..1234).map(Value::Int).collect::<Vec<_>>())), "[list 1,234 items]");
    }

    #[test]
    fn off_a_terminal_nested_values_are_written_in_full() {
        let items = Value::list((0..100).map(Value::Int).collect::<Vec<_>>());
        assert_eq!(Cell::of(&items, "x", &Options::whole()).text, to_literal(&items));
    }
}
