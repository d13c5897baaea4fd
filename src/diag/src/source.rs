//! Texts that diagnostics point into, and positions in them.

use std::ops::Range;
use std::sync::{Arc, RwLock};

/// Names one registered text. Ids are never reused within a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SourceId(pub u32);

/// A range of bytes in one source, end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    pub source: SourceId,
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// Spans `start..end` of `source`. Offsets past 4 GiB saturate; such texts are refused when registered.
    pub fn new(source: SourceId, start: usize, end: usize) -> Self {
        let clip = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { source, start: clip(start), end: clip(end) }
    }

    /// The smallest span that covers both; `self` when they lie in different sources.
    pub fn to(self, other: Span) -> Span {
        if self.source != other.source {
            return self;
        }
        Span { source: self.source, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }

    pub fn contains(self, offset: usize) -> bool {
        self.range().contains(&offset)
    }

    /// The empty span at this span's start.
    pub fn start_point(self) -> Span {
        Span { end: self.start, ..self }
    }

    /// The empty span at this span's end.
    pub fn end_point(self) -> Span {
        Span { start: self.end, ..self }
    }
}

/// One text: a script, a prompt line, a YAML file.
#[derive(Debug)]
pub struct Source {
    pub id: SourceId,
    /// What people call it: a path, `<prompt>`, `<argument>`.
    pub name: String,
    pub text: String,
}

impl Source {
    /// Line and column of a byte offset, both from 1; the column counts characters.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let offset = floor_boundary(&self.text, offset);
        let before = &self.text[..offset];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }

    /// The text under a span, clipped to what there is.
    pub fn slice(&self, span: Span) -> &str {
        let start = floor_boundary(&self.text, span.start as usize);
        let end = floor_boundary(&self.text, span.end as usize).max(start);
        &self.text[start..end]
    }
}

fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// All texts of a session, shared by whoever reports or renders.
#[derive(Debug, Clone, Default)]
pub struct Sources(Arc<RwLock<Vec<Arc<Source>>>>);

impl Sources {
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a text and names it.
    pub fn add(&self, name: impl Into<String>, text: impl Into<String>) -> Arc<Source> {
        let mut all = self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        let id = SourceId(u32::try_from(all.len()).unwrap_or(u32::MAX));
        let source = Arc::new(Source { id, name: name.into(), text: text.into() });
        all.push(source.clone());
        source
    }

    pub fn get(&self, id: SourceId) -> Option<Arc<Source>> {
        self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(id.0 as usize).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let source = Sources::new().add("x", "a\nöß|b");
        assert_eq!(source.line_column(source.text.find('|').unwrap()), (2, 3));
    }

    #[test]
    fn a_span_inside_a_character_is_clipped_to_it() {
        let source = Sources::new().add("x", "é!");
        assert_eq!(source.slice(Span::new(source.id, 1, 3)), "é!");
    }
}
