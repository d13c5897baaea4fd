//! Words that are values: numbers, units, dates, and what quotes hold.

use value::units;

use crate::ast::Literal;

/// Why a word that looks like a number is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfRange;

/// Reads a bare word as a literal. `None` when it is an ordinary word.
pub fn read(word: &str) -> Option<Result<Literal, OutOfRange>> {
    match word {
        "null" => return Some(Ok(Literal::Null)),
        "true" => return Some(Ok(Literal::Bool(true))),
        "false" => return Some(Ok(Literal::Bool(false))),
        "inf" | "+inf" => return Some(Ok(Literal::Float(f64::INFINITY))),
        "-inf" => return Some(Ok(Literal::Float(f64::NEG_INFINITY))),
        "NaN" => return Some(Ok(Literal::Float(f64::NAN))),
        _ => {}
    }
    let first = word.bytes().find(|b| !matches!(b, b'+' | b'-'))?;
    if !(first.is_ascii_digit() || first == b'.') {
        return None;
    }
    if let Some(number) = based(word) {
        return Some(number);
    }
    if is_date(word) {
        return Some(Ok(Literal::DateTime(word.into())));
    }
    decimal(word)
}

/// `0xff`, `0o17`, `0b1010`, with `_` between digits and a sign before.
fn based(word: &str) -> Option<Result<Literal, OutOfRange>> {
    let (negative, digits) = sign(word);
    let (radix, digits) = [("0x", 16), ("0o", 8), ("0b", 2)]
        .into_iter()
        .find_map(|(prefix, radix)| Some((radix, digits.strip_prefix(prefix)?)))?;
    let digits: String = digits.chars().filter(|&c| c != '_').collect();
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    // All 64 bits may be written: 0xffffffffffffffff is -1, as in every shell that has 64-bit integers.
    let value = u64::from_str_radix(&digits, radix).ok().map(u64::cast_signed);
    Some(match (value, negative) {
        (Some(value), false) => Ok(Literal::Int(value)),
        (Some(value), true) => value.checked_neg().map(Literal::Int).ok_or(OutOfRange),
        (None, _) => Err(OutOfRange),
    })
}

fn sign(word: &str) -> (bool, &str) {
    match word.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, word.strip_prefix('+').unwrap_or(word)),
    }
}

fn decimal(word: &str) -> Option<Result<Literal, OutOfRange>> {
    let (negative, rest) = sign(word);
    let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '_' || c == '.')).unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(digits);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let plain = |text: &str| -> String { text.chars().filter(|&c| c != '_').collect() };
    let (whole, fraction) = (plain(whole), plain(fraction));
    if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) || number.starts_with('_') {
        return None;
    }
    let is_float = number.contains('.');
    if suffix.is_empty() && !is_float {
        let text = format!("{}{whole}", if negative { "-" } else { "" });
        return Some(text.parse().map(Literal::Int).map_err(|_| OutOfRange));
    }
    if suffix.is_empty() || is_exponent(suffix) {
        let text = format!("{}{whole}.{fraction}0{suffix}", if negative { "-" } else { "" });
        return text
            .parse::<f64>()
            .ok()
            .map(|value| if value.is_finite() { Ok(Literal::Float(value)) } else { Err(OutOfRange) });
    }
    let (unit, make): (i64, fn(i64) -> Literal) = match units::duration_unit(suffix) {
        Some(nanos) => (nanos, Literal::Duration),
        None => (units::filesize_unit(suffix)?, Literal::Filesize),
    };
    let number = &word[..word.len() - suffix.len()];
    Some(units::scale(number, unit).map(make).ok_or(OutOfRange))
}

fn is_exponent(suffix: &str) -> bool {
    let Some(power) = suffix.strip_prefix(['e', 'E']) else { return false };
    let digits = power.strip_prefix(['+', '-']).unwrap_or(power);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// `2026-01-31`, with a time, and with a zone after the time. Only the shape is judged here, and month and day.
fn is_date(word: &str) -> bool {
    let bytes = word.as_bytes();
    let Some((date, rest)) = bytes.split_at_checked(10) else { return false };
    if !fits(date, b"0000-00-00") || !in_range(&date[5..7], 1, 12) || !in_range(&date[8..10], 1, 31) {
        return false;
    }
    let [b'T' | b't', time @ ..] = rest else { return rest.is_empty() };
    let Some((clock, mut rest)) = time.split_at_checked(5) else { return false };
    if !fits(clock, b"00:00") {
        return false;
    }
    if let [b':', seconds @ ..] = rest {
        let Some((digits, after)) = seconds.split_at_checked(2) else { return false };
        if !fits(digits, b"00") {
            return false;
        }
        rest = after;
        if let [b'.', fraction @ ..] = rest {
            let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 {
                return false;
            }
            rest = &fraction[digits..];
        }
    }
    match rest {
        [] | [b'Z' | b'z'] => true,
        [b'+' | b'-', zone @ ..] => fits(zone, b"00:00") || fits(zone, b"0000"),
        _ => false,
    }
}

/// Whether `bytes` has a digit where the pattern has `0`, and elsewhere what the pattern has.
fn fits(bytes: &[u8], pattern: &[u8]) -> bool {
    bytes.len() == pattern.len()
        && bytes.iter().zip(pattern).all(|(b, p)| if *p == b'0' { b.is_ascii_digit() } else { b == p })
}

fn in_range(two_digits: &[u8], low: u8, high: u8) -> bool {
    let value = two_digits.iter().fold(0u8, |sum, digit| sum.wrapping_mul(10).wrapping_add(digit.wrapping_sub(b'0')));
    (low..=high).contains(&value)
}

/// An escape that double quotes do not know: the bytes it covers in the text it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEscape {
    pub start: usize,
    pub end: usize,
}

/// Resolves the escapes of a double-quoted text. Unknown ones stay as written, and are told.
pub fn unescape(text: &str) -> (String, Vec<BadEscape>) {
    let mut out = String::with_capacity(text.len());
    let mut bad = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let start = text.len() - rest.len() + at;
        let escape = &rest[at + 1..];
        let Some(letter) = escape.chars().next() else {
            bad.push(BadEscape { start, end: text.len() });
            return (out, bad);
        };
        let mut taken = letter.len_utf8();
        let plain = match letter {
            '"' | '\'' | '\\' | '/' | '(' | ')' | '{' | '}' | '$' | '^' | '#' | '|' | '~' => Some(letter),
            'a' => Some('\u{7}'),
            'b' => Some('\u{8}'),
            'e' => Some('\u{1b}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'u' => match unicode(&escape[1..]) {
                Some((c, length)) => {
                    taken += length;
                    Some(c)
                }
                None => None,
            },
            _ => None,
        };
        match plain {
            Some(c) => out.push(c),
            None => {
                bad.push(BadEscape { start, end: start + 1 + taken });
                out.push_str(&rest[at..at + 1 + taken]);
            }
        }
        rest = &escape[taken..];
    }
    out.push_str(rest);
    (out, bad)
}

/// `{1F600}`: the character and how many bytes name it.
fn unicode(text: &str) -> Option<(char, usize)> {
    let (digits, _) = text.strip_prefix('{')?.split_once('}')?;
    if digits.is_empty() || digits.len() > 6 {
        return None;
    }
    let c = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
    Some((c, digits.len() + 2))
}

/// The bytes of `0x[ff 00]`, `0b[…]`, `0o[…]`: digits in groups of a byte's worth, filled with zeroes at the front.
pub fn binary(radix: u32, digits: &str) -> Option<Vec<u8>> {
    let per_byte = match radix {
        16 => 2,
        8 => 3,
        _ => 8,
    };
    let digits: String = digits.chars().filter(|c| !c.is_whitespace() && !matches!(c, ',' | '_')).collect();
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let missing = (per_byte - digits.len() % per_byte) % per_byte;
    let padded = format!("{}{digits}", "0".repeat(missing));
    (0..padded.len())
        .step_by(per_byte)
        .map(|at| u8::from_str_radix(padded.get(at..at + per_byte)?, radix).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(word: &str) -> Literal {
        read(word).unwrap_or_else(|| panic!("{word} is a word")).unwrap_or_else(|_| panic!("{word} is too large"))
    }

    #[test]
    fn units_are_exact_where_floats_would_round() {
        assert_eq!(one("1.1sec"), Literal::Duration(1_100_000_000));
        assert_eq!(one("0.3kb"), Literal::Filesize(300));
        assert_eq!(one("1.5kib"), Literal::Filesize(1536));
        assert_eq!(one("1.1gib"), Literal::Filesize(1_181_116_006));
        assert_eq!(one("3.14sec"), Literal::Duration(3_140_000_000));
        assert_eq!(one("-2min"), Literal::Duration(-120_000_000_000));
        assert_eq!(one("0.33333333333333333333333333333333wk"), Literal::Duration(201_599_999_999_999));
    }

    #[test]
    fn hexadecimal_wins_over_a_unit() {
        assert_eq!(one("0x42b"), Literal::Int(0x42b));
        assert_eq!(one("0b_101"), Literal::Int(5));
        assert_eq!(one("0b"), Literal::Filesize(0));
        assert_eq!(one("0xffff_ffff_ffff_ffff"), Literal::Int(-1));
    }

    #[test]
    fn numbers_too_large_are_told_not_rounded() {
        assert_eq!(read("9223372036854775808"), Some(Err(OutOfRange)));
        assert_eq!(one("-9223372036854775808"), Literal::Int(i64::MIN));
        assert_eq!(read("10eb"), Some(Err(OutOfRange)));
        assert_eq!(read("1e999"), Some(Err(OutOfRange)));
    }

    #[test]
    fn names_versions_and_addresses_stay_words() {
        for word in
            ["1_000_d_ay", "1.2.3", "10.0.0.1", "2x", "-e", "--", "-", ".", "..", "2026-13-01", "1-2", "_1", "5m"]
        {
            assert_eq!(read(word), None, "{word}");
        }
    }

    #[test]
    fn dates_are_read_by_their_shape() {
        for word in ["2019-05-10", "2026-01-31T10:00:00+01:00", "2020-01-01T00:00:00.5Z", "2020-01-01T00:00"] {
            assert_eq!(one(word), Literal::DateTime(word.into()));
        }
    }

    #[test]
    fn escapes_are_resolved_and_bad_ones_told() {
        assert_eq!(unescape(r"a\n\u{e9}\(").0, "a\né(");
        assert_eq!(unescape(r"x\qy"), (r"x\qy".to_string(), vec![BadEscape { start: 1, end: 3 }]));
        assert_eq!(unescape("\\").1.len(), 1);
    }

    #[test]
    fn binary_digits_fill_bytes_from_the_front() {
        assert_eq!(binary(16, "1 ff"), Some(vec![1, 0xff]));
        assert_eq!(binary(2, "1"), Some(vec![1]));
        assert_eq!(binary(16, "zz"), None);
    }
}
