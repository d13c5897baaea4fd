//! The lines of a source that a diagnostic shows.

use std::fmt::Debug;
use std::ops::Range;

use diag::{Label, Source};
use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// Longer lines are cut around what is marked in them.
const LONGEST_LINE: usize = 500;
/// Of a mark over more lines only the first line is marked: the frame would push everything else off the screen.
const TALLEST_MARK: usize = 8;

/// A piece of a source around labels, with over-long lines cut, and the labels' places in it.
#[derive(Debug, Clone)]
pub(crate) struct Excerpt {
    name: String,
    text: String,
    /// Lines of the source before the excerpt.
    lines_before: usize,
    /// Line and column in the source of the first label, from 0: what the frame's title says.
    at: (usize, usize),
    /// The labels' bytes in the excerpt, in the order given.
    pub marks: Vec<Range<usize>>,
}

impl Excerpt {
    /// Cuts out the lines that the labels touch, and one more on each side. `longest` columns of a line are kept.
    pub fn of(source: &Source, labels: &[&Label], longest: usize) -> Excerpt {
        let text = &source.text;
        let spans: Vec<Range<usize>> = labels.iter().map(|label| clip_mark(text, label)).collect();
        let first = spans.iter().map(|span| span.start).min().unwrap_or(0);
        let last = spans.iter().map(|span| span.end).max().unwrap_or(0);
        let start = line_start(text, line_start(text, first).saturating_sub(1));
        let end = line_end(text, (line_end(text, last) + 1).min(text.len()));
        let lines_before = text[..start].matches('\n').count();
        let at = spans.first().map_or((0, 0), |span| {
            let (line, column) = source.line_column(span.start);
            (line - 1, column - 1)
        });

        let mut writer = Writer { text: String::new(), marks: spans.iter().map(|_| 0..0).collect(), spans: &spans };
        let mut from = start;
        for line in text[start..end].split_inclusive('\n') {
            writer.line(line, from, longest.min(LONGEST_LINE));
            from += line.len();
        }
        writer.reach(end);
        let Writer { mut text, marks, .. } = writer;
        // What is missing at the end of a text is marked on a blank: miette draws nothing on an empty line.
        if marks.iter().any(|mark| mark.start == text.len()) {
            text.push(' ');
        }
        Excerpt { name: source.name.clone(), text, lines_before, at, marks }
    }
}

/// A label's bytes, on character boundaries, within the text, without a line break at the end, and not too tall.
fn clip_mark(text: &str, label: &Label) -> Range<usize> {
    let boundary = |offset: u32| {
        let mut offset = (offset as usize).min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    };
    let start = boundary(label.span.start);
    let marked = text[start..boundary(label.span.end).max(start)].trim_end_matches(['\n', '\r']);
    let lines = marked.matches('\n').count() + 1;
    let shown = if lines > TALLEST_MARK { marked.lines().next().unwrap_or("") } else { marked };
    start..start + shown.len()
}

fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |at| at + 1)
}

fn line_end(text: &str, offset: usize) -> usize {
    text[offset..].find('\n').map_or(text.len(), |at| offset + at)
}

/// Copies lines and keeps track of where the marks come to lie.
struct Writer<'a> {
    text: String,
    spans: &'a [Range<usize>],
    marks: Vec<Range<usize>>,
}

impl Writer<'_> {
    /// Notes that the source's byte `offset` comes to lie here.
    fn reach(&mut self, offset: usize) {
        let here = self.text.len();
        for (span, mark) in self.spans.iter().zip(&mut self.marks) {
            if span.start == offset {
                mark.start = here;
            }
            if span.end == offset {
                mark.end = here;
            }
        }
    }

    fn line(&mut self, line: &str, from: usize, longest: usize) {
        let kept = window(line, from, self.spans, longest);
        if kept.start > 0 {
            self.text.push('…');
        }
        for (at, c) in line.char_indices() {
            if at == kept.end && at < line.trim_end_matches(['\n', '\r']).len() {
                self.reach(from + at);
                self.text.push('…');
                continue;
            }
            self.reach(from + at);
            match c {
                '\n' | '\t' => self.text.push(c),
                '\r' => {}
                _ if !kept.contains(&at) => {}
                // One mark of a column's width for what a terminal would obey.
                c if c.is_control() => self.text.push('\u{fffd}'),
                c => self.text.push(c),
            }
        }
    }
}

/// The bytes of a long line that are shown: those around the first mark in it, with a third of the room before it.
fn window(line: &str, from: usize, spans: &[Range<usize>], longest: usize) -> Range<usize> {
    if line.len() <= longest || line.chars().count() <= longest {
        return 0..line.len();
    }
    let touches = |span: &&Range<usize>| span.start < from + line.len() && span.end >= from;
    let marked = spans.iter().find(touches).map_or(0, |span| span.start.saturating_sub(from));
    let marked = line.char_indices().take_while(|(at, _)| *at < marked).count();
    let total = line.chars().count();
    let first = marked.saturating_sub(longest / 3).min(total - longest);
    let offset = |index: usize| line.char_indices().nth(index).map_or(line.len(), |(at, _)| at);
    offset(first)..offset(first + longest)
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let inner = self.text.read_span(span, before, after)?;
        let line = inner.line() + self.lines_before;
        // Asked without context, this is the title's place: the excerpt's columns are not the source's.
        let column = if before == 0 && after == 0 { self.at.1 } else { inner.column() };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            inner.data(),
            *inner.span(),
            if before == 0 && after == 0 { self.at.0 } else { line },
            column,
            inner.line_count(),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diag::{Sources, Span};

    fn excerpt(text: &str, marked: &[(usize, usize)], longest: usize) -> Excerpt {
        let source = Sources::new().add("x", text);
        let label = |(start, end): &(usize, usize)| Label { span: Span::new(source.id, *start, *end), text: "".into() };
        let labels: Vec<Label> = marked.iter().map(label).collect();
        Excerpt::of(&source, &labels.iter().collect::<Vec<_>>(), longest)
    }

    fn marked(excerpt: &Excerpt) -> Vec<&str> {
        excerpt.marks.iter().map(|mark| &excerpt.text[mark.clone()]).collect()
    }

    #[test]
    fn only_the_lines_around_the_marks_are_kept() {
        let text = "a\nb\nc here\nd\ne\n";
        let found = excerpt(text, &[(6, 10)], 500);
        assert_eq!((found.text.as_str(), found.lines_before, found.at), ("b\nc here\nd", 1, (2, 2)));
        assert_eq!(marked(&found), ["here"]);
    }

    #[test]
    fn marks_stay_on_their_words_in_cut_lines_and_after_control_characters() {
        let long = format!("{}\u{1b}word{}", "ö".repeat(900), "x".repeat(900));
        let at = long.find("word").unwrap();
        let found = excerpt(&long, &[(at, at + 4), (at + 1, at + 2)], 100);
        assert_eq!(marked(&found), ["word", "o"]);
        assert_eq!(found.text.chars().count(), 102);
        assert!(found.text.starts_with('…') && found.text.ends_with('…'));
        assert_eq!(found.at, (0, 901));
    }

    #[test]
    fn marks_beyond_the_text_or_inside_characters_are_clipped() {
        assert_eq!(marked(&excerpt("é", &[(1, 40), (90, 95)], 500)), ["é", ""]);
        assert_eq!(marked(&excerpt("", &[(0, 0)], 500)), [""]);
        assert_eq!(marked(&excerpt("a\r\nb", &[(0, 3)], 500)), ["a"]);
    }

    #[test]
    fn a_mark_over_many_lines_is_cut_to_its_first() {
        let text = "def f {\n".to_string() + &"  x\n".repeat(50);
        assert_eq!(marked(&excerpt(&text, &[(0, text.len())], 500)), ["def f {"]);
    }

    proptest::proptest! {
        #[test]
        fn any_marks_in_any_text_are_found_again(text in "[a-zö\t\r\n日\u{1b}]{0,80}", start in 0usize..100, len in 0usize..40,
                                                 longest in 3usize..40) {
            let found = excerpt(&text, &[(start, start + len)], longest);
            proptest::prop_assert!(found.text.get(found.marks[0].clone()).is_some());
        }
    }
}
