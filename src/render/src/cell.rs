//! One value in one cell.

use jiff::Zoned;
use nu_ansi_term::Style;
use value::literal::to_literal;
use value::text::to_text;
use value::units::format_duration;
use value::{DateTime, Value};

use crate::fit::{escape, text_width};
use crate::options::Options;

/// Lists whose literal is no longer than this are shown as they are.
const INLINE: usize = 40;

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

    /// The number of a row.
    pub fn number(at: usize, style: Style) -> Cell {
        Cell { align: Align::Right, rigid: true, ..Cell::plain(at.to_string(), style) }
    }

    /// A value in a column named `column`.
    pub fn of(value: &Value, column: &str, options: &Options) -> Cell {
        let text = if options.shortens() { short(value, options) } else { whole(value) };
        let state = || match value {
            Value::String(word) if matches!(column, "status" | "state" | "level" | "health") => {
                options.theme.of_state(word)
            }
            Value::Int(1..) if column == "failed" => Some(options.theme.bad),
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
fn short(value: &Value, options: &Options) -> String {
    match value {
        Value::Float(x) => short_float(*x),
        Value::Duration(nanos) => short_duration(*nanos),
        Value::DateTime(at) => moment(*at, options.now.as_ref()),
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
        Value::Record(record) if record.is_empty() => "{}".into(),
        Value::Record(record) => format!("{{record {}}}", count(record.len(), "field")),
        Value::Binary(bytes) if bytes.len() > 8 => format!("[binary {}]", count(bytes.len(), "byte")),
        Value::Closure(closure) => escape(&closure.0.text().replace('\n', " ")).into_owned(),
        _ => whole(value),
    }
}

/// `1,234 rows`, `1 row`.
pub(crate) fn count(n: usize, what: &str) -> String {
    format!("{} {what}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// `1,234`
pub fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
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

/// The two largest units; the largest alone when it counts to a hundred, or is a part of a second and counts to ten.
fn short_duration(nanos: i64) -> String {
    if nanos == 0 {
        return "0sec".into();
    }
    let text = format_duration(nanos);
    let digits = text.bytes().skip_while(|byte| *byte == b'-').take_while(u8::is_ascii_digit).count();
    let enough = if nanos.unsigned_abs() < 1_000_000_000 { 2 } else { 3 };
    match text.match_indices(' ').nth(if digits >= enough { 0 } else { 1 }) {
        Some((end, _)) => text[..end].to_string(),
        None => text,
    }
}

/// A moment as one at `now` reads it: the time alone of what is of the same day, else to the second. Whoever is not
/// known to be there is told everything to the millisecond.
fn moment(at: DateTime, now: Option<&Zoned>) -> String {
    let zoned = at.zoned();
    let Some(now) = now else { return short_datetime(at) };
    let here = now.time_zone().to_offset(zoned.timestamp()) == zoned.offset();
    match (here, zoned.date() == now.date()) {
        (true, true) if zoned.subsec_nanosecond() == 0 => zoned.strftime("%H:%M:%S").to_string(),
        (true, true) => zoned.strftime("%H:%M:%S%.3f").to_string(),
        (true, false) => zoned.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        (false, _) => zoned.strftime("%Y-%m-%d %H:%M:%S %:z").to_string(),
    }
}

/// To the millisecond, with a blank instead of `T`.
pub(crate) fn short_datetime(at: DateTime) -> String {
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
        assert_eq!(short_duration(17_177_000), "17ms");
        assert_eq!(short_duration(7_177_600), "7ms 177µs");
        assert_eq!(short_duration(0), "0sec");
    }

    #[test]
    fn moments_keep_their_offset() {
        let at = |text| short_datetime(DateTime::parse(text).unwrap());
        assert_eq!(at("2026-01-31T10:00:00+01:00"), "2026-01-31 10:00:00 +01:00");
        assert_eq!(at("2026-01-31T10:00:00.1234567Z"), "2026-01-31 10:00:00.123Z");
    }

    #[test]
    fn moments_of_today_are_times() {
        let now: Zoned = "2026-01-31T12:00:00+01:00[Europe/Berlin]".parse().unwrap();
        let at = |text| moment(DateTime::parse(text).unwrap(), Some(&now));
        assert_eq!(at("2026-01-31T10:00:00+01:00"), "10:00:00");
        assert_eq!(at("2026-01-31T10:00:00.1234567+01:00"), "10:00:00.123");
        assert_eq!(at("2026-01-30T23:59:59.9+01:00"), "2026-01-30 23:59:59");
        assert_eq!(at("2025-07-30T23:59:59+02:00"), "2025-07-30 23:59:59");
        assert_eq!(at("2026-01-31T10:00:00Z"), "2026-01-31 10:00:00 +00:00");
    }

    #[test]
    fn nested_values_are_named_by_their_size() {
        let short = |value: &Value| short(value, &Options::terminal(80, false));
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
