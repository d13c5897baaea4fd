//! Parameters of `def` and of closures, and the types around them.

use std::ops::Range;

use diag::{Diagnostic, codes};

use super::operand::variable_name;
use super::{Parser, Run, glues};
use crate::ast::*;
use crate::tokens::{Bracket, TokenKind};

impl Parser<'_> {
    /// The parameters in a range of tokens, separated by blanks, commas or newlines.
    pub(super) fn parameters(&mut self, range: Range<usize>) -> Vec<Parameter> {
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut doc = String::new();
        let mut on_this_line = false;
        let mut index = range.start;
        while index < range.end {
            let Some(kind) = self.kind(index) else { break };
            match kind {
                TokenKind::Newline => on_this_line = false,
                TokenKind::Comment => {
                    let text = comment_text(self.text.get(self.start(index)..self.end(index)).unwrap_or_default());
                    let target = match parameters.last_mut() {
                        Some(parameter) if on_this_line => &mut parameter.doc,
                        _ => &mut doc,
                    };
                    add_line(target, text);
                }
                kind if glues(kind) && kind != TokenKind::Comma => {
                    let (parameter, next) = self.parameter(index, range.end, std::mem::take(&mut doc));
                    index = next.max(index + 1);
                    on_this_line = true;
                    parameters.extend(parameter);
                    continue;
                }
                TokenKind::Semicolon => self.bad_parameter(index, "expected a parameter"),
                _ => {}
            }
            index += 1;
        }
        self.check_order(&parameters);
        parameters
    }

    fn bad_parameter(&mut self, index: usize, expected: &str) {
        let span = self.span(self.start(index)..self.end(index));
        self.report(
            Diagnostic::new(codes::UNREADABLE_SIGNATURE, "this parameter cannot be read")
                .label(span, expected)
                .help("write `name`, `name?`, `name: type`, `name = default`, `--flag(-f): type` or `...rest`"),
        );
    }

    fn check_order(&mut self, parameters: &[Parameter]) {
        let mut optional: Option<&Parameter> = None;
        for parameter in parameters {
            match (parameter.kind, optional) {
                (ParameterKind::Optional, None) => optional = Some(parameter),
                (ParameterKind::Required, Some(before)) => self.report(
                    Diagnostic::new(
                        codes::REQUIRED_AFTER_OPTIONAL,
                        format!(
                            "`{}` must be given, but `{}` before it may be left out",
                            parameter.name.node, before.name.node
                        ),
                    )
                    .label(parameter.name.span, "required")
                    .label(before.name.span, "optional")
                    .help("put the required parameters first, or give this one a default"),
                ),
                _ => {}
            }
        }
    }

    /// One parameter and the index behind it.
    fn parameter(&mut self, first: usize, end: usize, doc: String) -> (Option<Parameter>, usize) {
        let word = if self.kind(first) == Some(TokenKind::Word) {
            self.text.get(self.start(first)..self.end(first)).unwrap_or_default()
        } else {
            ""
        };
        let start = self.start(first);
        let (lead, flag) = match word {
            _ if word.starts_with("...") => (if word[3..].starts_with('$') { 4 } else { 3 }, false),
            _ if word.starts_with("--") && word.len() > 2 => (2, true),
            _ if word.starts_with('-') => (1, true),
            _ if word.starts_with('$') => (1, false),
            _ => (0, false),
        };
        let text = variable_name(&word[lead.min(word.len())..]);
        if text.is_empty() {
            self.bad_parameter(first, "a name is expected here");
            return (None, self.run_from(first, end, |kind| glues(kind) && kind != TokenKind::Comma).last);
        }
        let name_end = start + lead + text.len();
        let name = self.name(text, start + lead..name_end);
        let mut kind = match () {
            () if word.starts_with("...") => ParameterKind::Rest,
            () if flag && lead == 2 => ParameterKind::Flag { short: None },
            () if flag => ParameterKind::Flag { short: text.chars().next() },
            () => ParameterKind::Required,
        };
        let mut at = name_end;
        if self.text.get(at..).is_some_and(|rest| rest.starts_with('?')) {
            at += 1;
            if kind == ParameterKind::Required {
                kind = ParameterKind::Optional;
            }
        }
        let mut index = if self.end(first) <= at { first + 1 } else { first };
        if let ParameterKind::Flag { short } = &mut kind
            && index < end
            && self.kind(index) == Some(TokenKind::Open(Bracket::Round))
        {
            let inside = self.tokens.inside(index);
            let written = self.text.get(self.start(inside.start)..self.start(inside.end)).unwrap_or_default().trim();
            match written.strip_prefix('-').map(|letters| letters.chars().collect::<Vec<_>>()).as_deref() {
                Some([letter]) => *short = Some(*letter),
                _ => self.bad_parameter(index, "expected one letter, as in `(-f)`"),
            }
            index = self.tokens.after(index);
            at = self.start(index);
        }
        let (of, after) = self.parameter_type(index, end);
        if after.first > index {
            index = after.first;
            at = after.start;
        }
        let (default, next) = self.parameter_default(Run { first: index, last: end, start: at, end: at }, end);
        if default.is_some() && kind == ParameterKind::Required {
            kind = ParameterKind::Optional;
        }
        let last = if next > first { self.end(next - 1).max(name_end) } else { name_end };
        let parameter = Parameter { kind, name, of, default, doc, span: self.span(start..last) };
        // What is still glued on (`a*b`) belongs to no parameter.
        if next == first || (next < end && next == index && self.start(next) < at) {
            self.bad_parameter(first, "unexpected behind the name");
            return (Some(parameter), self.run_from(first, end, |kind| glues(kind) && kind != TokenKind::Comma).last);
        }
        (Some(parameter), next)
    }

    /// `: type`; what follows it begins at the returned place.
    fn parameter_type(&mut self, index: usize, end: usize) -> (Option<Name>, Run) {
        let nothing = Run { first: index, last: end, start: self.start(index), end: self.start(index) };
        let index = self.blanks(index, end);
        if index >= end || self.kind(index) != Some(TokenKind::Colon) {
            return (None, nothing);
        }
        let first = self.blanks(index + 1, end);
        let start = self.start(first);
        let (next, stop) = self.type_end(first, end);
        if stop <= start {
            self.report(
                Diagnostic::new(codes::UNREADABLE_SIGNATURE, "a type is missing behind this `:`")
                    .label(self.span(self.start(index)..self.end(index)), "which type?")
                    .help("write a type such as `int`, `string` or `list<int>`, or remove the `:`"),
            );
            return (None, Run { first: index + 1, start: self.end(index), end: self.end(index), ..nothing });
        }
        let text = self.text.get(start..stop).unwrap_or_default();
        let of = self.name(text, start..stop);
        (Some(of), Run { first: next, last: end, start: stop, end: stop })
    }

    fn blanks(&self, index: usize, end: usize) -> usize {
        let mut index = index;
        while index < end && self.kind(index) == Some(TokenKind::Blank) {
            index += 1;
        }
        index
    }

    /// Where the type that begins at a token ends: the token behind it, and the byte.
    fn type_end(&self, first: usize, end: usize) -> (usize, usize) {
        let mut depth = 0usize;
        let mut index = first;
        let mut stop = self.start(first);
        while index < end {
            let text = self.text.get(self.start(index)..self.end(index)).unwrap_or_default();
            match self.kind(index) {
                Some(TokenKind::Word) => {
                    for (at, c) in text.char_indices() {
                        match c {
                            '<' => depth += 1,
                            '>' => depth = depth.saturating_sub(1),
                            '=' if depth == 0 => return (index, self.start(index) + at),
                            _ => {}
                        }
                    }
                    stop = self.end(index);
                }
                Some(TokenKind::Open(_) | TokenKind::Quoted(_)) => stop = self.end(self.tokens.after(index) - 1),
                Some(TokenKind::Blank | TokenKind::Newline | TokenKind::Comma | TokenKind::Colon) if depth > 0 => {}
                _ => break,
            }
            index = self.tokens.after(index);
        }
        (index, stop)
    }

    /// `= value`, and the index behind it.
    fn parameter_default(&mut self, at: Run, end: usize) -> (Option<Expr>, usize) {
        let glued = |kind: TokenKind| glues(kind) && kind != TokenKind::Comma;
        // The `=` is cut off a word (`x=3`, `int= 3`), or stands alone.
        let first =
            if at.first < end && self.start(at.first) < at.start { at.first } else { self.blanks(at.first, end) };
        let start = self.start(first).max(at.start);
        let is_equals = first < end
            && self.kind(first) == Some(TokenKind::Word)
            && self.text.get(start..self.end(first)).is_some_and(|text| text.starts_with('='));
        if !is_equals {
            return (None, at.first);
        }
        let run = if self.end(first) > start + 1 {
            let run = self.run_from(first, end, glued);
            Run { start: start + 1, ..run }
        } else {
            let first = self.blanks(first + 1, end);
            self.run_from(first, end, glued)
        };
        if run.is_empty() {
            self.bad_parameter(first, "a default value is missing behind this");
            return (None, run.last.max(first + 1));
        }
        let value = self.operand(self.normal(run));
        (Some(value), run.last)
    }

    /// `in -> out`, or `[in -> out, …]`, as it stands between `]:` and the body.
    pub(super) fn input_output(&mut self, range: Range<usize>) -> Vec<(Name, Name)> {
        let text = self.text.get(range.start..range.end).unwrap_or_default();
        let offset = range.start + (text.len() - text.trim_start().len());
        let text = text.trim();
        let span = self.span(offset..offset + text.len());
        let (text, offset) = match text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
            Some(inner) => (inner, offset + 1),
            None => (text, offset),
        };
        let words = type_words(text);
        let mut pairs = Vec::new();
        for three in words.chunks(3) {
            let name = |range: &Range<usize>| {
                let word = text.get(range.clone()).unwrap_or_default();
                self.name(word, offset + range.start..offset + range.end)
            };
            match three {
                [input, arrow, output] if text.get(arrow.clone()) == Some("->") => {
                    pairs.push((name(input), name(output)));
                }
                _ => {
                    self.report(
                        Diagnostic::new(codes::UNREADABLE_SIGNATURE, "these are not an input and an output type")
                            .label(span, "expected `input -> output`")
                            .help("write `: int -> string`, or several pairs in `[ ]`; `nothing` and `any` are types"),
                    );
                    return pairs;
                }
            }
        }
        if words.is_empty() {
            self.report(
                Diagnostic::new(codes::UNREADABLE_SIGNATURE, "the input and output types are missing")
                    .label(span, "expected `input -> output`")
                    .help("write `: int -> string`, or remove the `:`"),
            );
        }
        pairs
    }

    /// The comments on the lines right above a token.
    pub(super) fn doc_above(&self, index: usize) -> String {
        let mut lines = Vec::new();
        let mut at = index;
        let mut newlines = 0;
        while let Some(before) = at.checked_sub(1) {
            match self.kind(before) {
                Some(TokenKind::Blank) => {}
                Some(TokenKind::Newline) => {
                    newlines += 1;
                    if newlines > 1 {
                        break;
                    }
                }
                Some(TokenKind::Comment) if newlines == 1 && self.stands_alone(before) => {
                    newlines = 0;
                    lines.push(comment_text(self.text.get(self.start(before)..self.end(before)).unwrap_or_default()));
                }
                _ => match self.attribute_line(before).filter(|_| newlines == 1) {
                    Some(first) => {
                        newlines = 0;
                        at = first;
                        continue;
                    }
                    None => break,
                },
            }
            at = before;
        }
        lines.reverse();
        lines.join("\n")
    }

    /// The first token of the line that a token is on, when that is an attribute.
    fn attribute_line(&self, index: usize) -> Option<usize> {
        let is_newline = |at: &usize| self.kind(*at) == Some(TokenKind::Newline);
        let begin = (0..index).rev().find(is_newline).map_or(0, |newline| newline + 1);
        let first = (begin..=index).find(|at| self.kind(*at) != Some(TokenKind::Blank))?;
        let is_word = self.kind(first) == Some(TokenKind::Word);
        (is_word && self.text.get(self.start(first)..)?.starts_with('@')).then_some(first)
    }

    /// Whether nothing but blanks stands before a comment on its line.
    fn stands_alone(&self, comment: usize) -> bool {
        let before = comment.checked_sub(1).filter(|&before| self.kind(before) == Some(TokenKind::Blank));
        let before = before.unwrap_or(comment).checked_sub(1);
        before.is_none_or(|before| self.kind(before) == Some(TokenKind::Newline))
    }
}

/// Words apart by blanks or commas outside of `< >`.
fn type_words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut depth = 0usize;
    let mut start = None;
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '<' | '[' => depth += 1,
            '>' if previous == '-' => {}
            '>' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let separates = depth == 0 && (c.is_whitespace() || c == ',');
        if separates {
            words.extend(start.take().map(|start| start..at));
        } else if start.is_none() {
            start = Some(at);
        }
        previous = c;
    }
    words.extend(start.map(|start| start..text.len()));
    words
}

fn comment_text(comment: &str) -> String {
    let text = comment.trim_start_matches('#');
    text.strip_prefix(' ').unwrap_or(text).trim_end().to_string()
}

fn add_line(doc: &mut String, line: String) {
    if !doc.is_empty() {
        doc.push('\n');
    }
    doc.push_str(&line);
}
