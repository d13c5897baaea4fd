//! Text cut, wrapped and padded to columns of a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// What stands where text was cut off.
pub(crate) const ELLIPSIS: &str = "…";

/// How many columns a line of text takes: wide characters two, combining ones none.
pub fn text_width(text: &str) -> usize {
    text.width()
}

/// Whether a terminal would obey this character instead of showing it, or would be led to show others in
/// another order.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// The text with control and direction characters written as escapes; line breaks stay.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| c != '\n' && is_unsafe(c)) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => escaped.push('\n'),
            '\t' => escaped.push_str("\\t"),
            '\r' => escaped.push_str("\\r"),
            c if is_unsafe(c) => {
                let _ = write!(escaped, "\\u{{{:x}}}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// The text without the colour and cursor sequences that programs write, for lines of their logs.
pub(crate) fn without_sequences(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' && chars.next_if_eq(&'[').is_some() {
            while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
        } else {
            plain.push(c);
        }
    }
    plain
}

/// The byte offset at which the text no longer fits into `columns`, never inside a grapheme.
fn split_at_width(text: &str, columns: usize) -> usize {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += grapheme.width();
        if used > columns {
            return at;
        }
    }
    text.len()
}

/// The line cut to at most `columns`, with `…` where something is missing.
pub fn truncate(line: &str, columns: usize) -> Cow<'_, str> {
    // A text of fewer bytes than columns fits whatever it holds: no character is wider than its bytes.
    if line.len() <= columns || line.width() <= columns {
        return Cow::Borrowed(line);
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    let end = split_at_width(line, columns - 1);
    Cow::Owned(format!("{}{ELLIPSIS}", &line[..end]))
}

/// The line broken into lines of at most `columns`, at blanks where there are any.
pub(crate) fn wrap(line: &str, columns: usize) -> Vec<&str> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    let mut rest = line;
    loop {
        let end = split_at_width(rest, columns);
        if end == rest.len() {
            lines.push(rest);
            return lines;
        }
        // A blank right after what fits ends a word as well as one inside it does.
        let reach = rest[end..].chars().next().filter(|c| *c == ' ').map_or(end, |_| end + 1);
        let at = match rest[..reach].rfind(' ') {
            Some(blank) if !rest[..blank].trim().is_empty() => blank,
            // One grapheme at least, even when it is wider than the column.
            _ => end.max(rest.graphemes(true).next().map_or(1, str::len)),
        };
        lines.push(&rest[..at]);
        rest = rest[at..].strip_prefix(' ').unwrap_or(&rest[at..]);
        if rest.is_empty() {
            return lines;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_are_never_cut_in_half() {
        assert_eq!(truncate("日本語", 5), "日本…");
        assert_eq!(truncate("日本語", 4), "日…");
        assert_eq!(truncate("日本語", 6), "日本語");
        assert_eq!(truncate("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(truncate("abc", 0), "");
    }

    #[test]
    fn what_a_terminal_would_obey_is_written_as_an_escape() {
        assert_eq!(escape("a\u{1b}[31m\tb\nc\u{202e}"), "a\\u{1b}[31m\\tb\nc\\u{202e}");
        assert!(matches!(escape("plain ö"), Cow::Borrowed(_)));
    }

    #[test]
    fn colours_of_other_programs_are_taken_out() {
        assert_eq!(without_sequences("\u{1b}[1;31mred\u{1b}[0m [x] \u{1b}[2"), "red [x] ");
    }

    #[test]
    fn lines_break_at_blanks_and_inside_words_that_are_too_long() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("  indented text", 10), ["  indented", "text"]);
        assert_eq!(wrap("日本", 1), ["日", "本"]);
        assert_eq!(wrap("", 5), [""]);
    }

    proptest::proptest! {
        #[test]
        fn wrapping_loses_nothing_but_blanks(text in "[a-z 日é]{0,60}", columns in 1usize..20) {
            let kept: String = wrap(&text, columns).concat();
            proptest::prop_assert_eq!(kept.replace(' ', ""), text.replace(' ', ""));
            for line in wrap(&text, columns.max(2)) {
                proptest::prop_assert!(line.width() <= columns.max(2), "{:?}", line);
            }
        }

        #[test]
        fn truncated_text_fits(text in ".{0,40}", columns in 0usize..30) {
            proptest::prop_assert!(truncate(&escape(&text), columns).width() <= columns);
        }
    }
}
