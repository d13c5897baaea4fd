//! Durations (whole nanoseconds), filesizes (whole bytes) and datetimes, to and from text.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::hash::{Hash, Hasher};

use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned, civil};

/// Nanoseconds in each unit of duration, largest first. Months and years have no fixed length and are not units.
pub const DURATION_UNITS: [(&str, i64); 8] = [
    ("wk", 604_800_000_000_000),
    ("day", 86_400_000_000_000),
    ("hr", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("sec", 1_000_000_000),
    ("ms", 1_000_000),
    ("µs", 1_000),
    ("ns", 1),
];

/// Bytes in each unit of filesize: decimal and binary.
pub const FILESIZE_UNITS: [(&str, i64); 13] = [
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("pb", 1_000_000_000_000_000),
    ("eb", 1_000_000_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("pib", 1 << 50),
    ("eib", 1 << 60),
];

/// Splits `1.5hr` into its number and unit. `None` when it does not start with a number.
fn split_unit(text: &str) -> Option<(&str, &str)> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let sign = text.len() - digits.len();
    let end = digits.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(digits.len());
    Some((&text[..sign + end], &digits[end..]))
}

/// The exact product of a decimal number and a unit, rounded toward zero; `None` when it does not fit.
pub fn scale(number: &str, unit: i64) -> Option<i64> {
    let number: String = number.chars().filter(|c| *c != '_').collect();
    let (negative, digits) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(&number)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut total = whole.checked_mul(i128::from(unit))?;
    if !fraction.is_empty() {
        let fraction = &fraction[..fraction.len().min(18)];
        let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
        total = total.checked_add(fraction.parse::<i128>().ok()?.checked_mul(i128::from(unit))? / scale)?;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

/// The nanoseconds of a unit of duration.
pub fn duration_unit(unit: &str) -> Option<i64> {
    let unit = if unit == "us" || unit == "μs" { "µs" } else { unit };
    DURATION_UNITS.iter().find(|(name, _)| *name == unit).map(|(_, nanos)| *nanos)
}

/// The bytes of a unit of filesize, in any case.
pub fn filesize_unit(unit: &str) -> Option<i64> {
    let unit = unit.to_ascii_lowercase();
    FILESIZE_UNITS.iter().find(|(name, _)| *name == unit).map(|(_, bytes)| *bytes)
}

/// Reads `500ms`, `-1.5hr` or `1hr 30min` as nanoseconds.
pub fn parse_duration(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut any = false;
    for part in text.split_whitespace() {
        let (number, unit) = split_unit(part)?;
        total = total.checked_add(scale(number, duration_unit(unit)?)?)?;
        any = true;
    }
    any.then_some(total)
}

/// Reads `10mb`, `4KiB` or `1.5 GB` as bytes; units in any case.
pub fn parse_filesize(text: &str) -> Option<i64> {
    let (number, unit) = split_unit(text.trim())?;
    scale(number, filesize_unit(unit.trim())?)
}

/// Writes nanoseconds as `1hr 30min`; zero is `0ns`.
pub fn format_duration(nanos: i64) -> String {
    if nanos == 0 {
        return "0ns".into();
    }
    let mut text = String::from(if nanos < 0 { "-" } else { "" });
    let mut rest = nanos.unsigned_abs();
    let mut first = true;
    for (name, unit) in DURATION_UNITS {
        let count = rest / unit.unsigned_abs();
        rest %= unit.unsigned_abs();
        if count > 0 {
            if !first {
                text.push(' ');
            }
            let _ = write!(text, "{count}{name}");
            first = false;
        }
    }
    text
}

/// Writes bytes as `1.5 MB`: decimal units, one decimal; plain bytes have none.
pub fn format_filesize(bytes: i64) -> String {
    let size = bytes.unsigned_abs();
    let units = [
        (1_000_u64.pow(6), "EB"),
        (1_000_u64.pow(5), "PB"),
        (1_000_u64.pow(4), "TB"),
        (1_000_000_000, "GB"),
        (1_000_000, "MB"),
        (1_000, "kB"),
    ];
    let sign = if bytes < 0 { "-" } else { "" };
    for (unit, name) in units {
        if size >= unit {
            // Tenths in whole numbers: floats would round 9.95 differently from one size to the next.
            let tenths = (u128::from(size) * 10 + u128::from(unit) / 2) / u128::from(unit);
            return format!("{sign}{}.{} {name}", tenths / 10, tenths % 10);
        }
    }
    format!("{sign}{size} B")
}

/// A moment, with the offset it was told in. Equality, order and hash look at the moment alone.
///
/// Packed to twelve bytes, so that a [`crate::Value`] has sixteen; fields are copied out, never borrowed.
#[derive(Debug, Clone, Copy)]
#[repr(Rust, packed(4))]
pub struct DateTime {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub nanos: i64,
    /// Seconds east of UTC.
    pub offset: i32,
}

impl PartialEq for DateTime {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for DateTime {}
impl PartialOrd for DateTime {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for DateTime {
    fn cmp(&self, other: &Self) -> Ordering {
        { self.nanos }.cmp(&{ other.nanos })
    }
}
impl Hash for DateTime {
    fn hash<H: Hasher>(&self, state: &mut H) {
        { self.nanos }.hash(state);
    }
}

impl DateTime {
    pub fn from_nanos(nanos: i64) -> Self {
        DateTime { nanos, offset: 0 }
    }

    pub fn now() -> Self {
        let now = Zoned::now();
        DateTime {
            nanos: i64::try_from(now.timestamp().as_nanosecond()).unwrap_or(i64::MAX),
            offset: now.offset().seconds(),
        }
    }

    /// The same moment in jiff's terms, for calendar work. Every `i64` of nanoseconds lies in jiff's range.
    pub fn zoned(self) -> Zoned {
        let offset = Offset::from_seconds(self.offset).unwrap_or(Offset::UTC);
        let timestamp = Timestamp::from_nanosecond(i128::from(self.nanos)).unwrap_or(Timestamp::UNIX_EPOCH);
        timestamp.to_zoned(TimeZone::fixed(offset))
    }

    pub fn from_zoned(zoned: &Zoned) -> Option<Self> {
        Some(DateTime {
            nanos: i64::try_from(zoned.timestamp().as_nanosecond()).ok()?,
            offset: zoned.offset().seconds(),
        })
    }

    /// Reads ISO 8601: a date alone (midnight), with `T` or a space before the time, with or without seconds
    /// and offset. Without an offset it is UTC, so that a script means the same on every machine.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        // Cheap refusal first: nearly all words are tried here and nearly none is a date.
        if text.len() < 10 || !text.is_char_boundary(10) || text.as_bytes()[4] != b'-' || text.as_bytes()[7] != b'-' {
            return None;
        }
        let date: civil::Date = text[..10].parse().ok()?;
        let rest = &text[10..];
        if rest.is_empty() {
            return Self::at(date.at(0, 0, 0, 0), 0);
        }
        let rest = rest.strip_prefix(['T', 't', ' '])?.trim_start();
        let (time, zone) = match rest.find(['Z', 'z', '+', '-']) {
            Some(at) => (rest[..at].trim_end(), &rest[at..]),
            None => (rest, ""),
        };
        let time: civil::Time = if time.len() == 5 { format!("{time}:00").parse().ok()? } else { time.parse().ok()? };
        Self::at(date.to_datetime(time), parse_offset(zone)?)
    }

    fn at(civil: civil::DateTime, offset: i32) -> Option<Self> {
        let zone = TimeZone::fixed(Offset::from_seconds(offset).ok()?);
        Self::from_zoned(&civil.to_zoned(zone).ok()?)
    }

    /// RFC 3339 with no decimals, or three, six or nine: as many as are needed.
    pub fn rfc3339(self) -> String {
        let zoned = self.zoned();
        let format = match zoned.subsec_nanosecond() {
            0 => "%Y-%m-%dT%H:%M:%S",
            nanos if nanos % 1_000_000 == 0 => "%Y-%m-%dT%H:%M:%S%.3f",
            nanos if nanos % 1_000 == 0 => "%Y-%m-%dT%H:%M:%S%.6f",
            _ => "%Y-%m-%dT%H:%M:%S%.9f",
        };
        let mut text = zoned.strftime(format).to_string();
        let (sign, offset) = if self.offset < 0 { ('-', -self.offset) } else { ('+', self.offset) };
        let _ = write!(text, "{sign}{:02}:{:02}", offset / 3600, offset / 60 % 60);
        text
    }
}

/// Seconds east of UTC of `Z`, `+02:00`, `+0200` or `-5`; empty is UTC.
pub fn parse_offset(text: &str) -> Option<i32> {
    if text.is_empty() || text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, digits) = match text.as_bytes()[0] {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let digits: String = digits.chars().filter(|c| *c != ':').collect();
    if !digits.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.parse::<i32>().ok()?, 0),
        4 => (digits[..2].parse::<i32>().ok()?, digits[2..].parse::<i32>().ok()?),
        _ => return None,
    };
    (hours < 26 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_they_are_written() {
        for text in ["1wk 1day", "1ms 234µs 567ns", "4min 20sec", "-1hr 30min"] {
            let nanos = parse_duration(text.trim_start_matches('-')).unwrap();
            assert_eq!(format_duration(if text.starts_with('-') { -nanos } else { nanos }), text);
        }
        assert_eq!(parse_duration("3.14sec"), Some(3_140_000_000));
        assert_eq!(parse_duration("99999999999wk"), None);
        assert_eq!(parse_duration("sec"), None);
    }

    #[test]
    fn filesizes_round_to_one_decimal() {
        assert_eq!(format_filesize(4_000), "4.0 kB");
        assert_eq!(format_filesize(333_333), "333.3 kB");
        assert_eq!(format_filesize(-2), "-2 B");
        assert_eq!(parse_filesize("1.5KiB"), Some(1536));
        assert_eq!(parse_filesize("9999eb"), None);
    }

    #[test]
    fn datetimes_keep_their_offset_and_compare_by_moment() {
        let berlin = DateTime::parse("2021-10-22 20:00:12 +02:00").unwrap();
        assert_eq!(berlin.rfc3339(), "2021-10-22T20:00:12+02:00");
        assert_eq!(berlin, DateTime::parse("2021-10-22T18:00:12Z").unwrap());
        assert_eq!(DateTime::parse("2019-05-10").unwrap().rfc3339(), "2019-05-10T00:00:00+00:00");
        assert_eq!(DateTime::parse("2021-13-01"), None);
        assert_eq!(DateTime::parse("äöü1-22-33x"), None);
    }
}
