//! One word: a literal, a variable with its path, a quoted text, a group, a range, or just a word.

use std::sync::Arc;

use diag::{Diagnostic, codes};

use super::{Newlines, Parser, Run};
use crate::ast::*;
use crate::literal;
use crate::tokens::{Bracket, Quote, TokenKind};

/// `start..next..end`, cut up but not yet read.
pub(super) struct RangeParts {
    parts: Vec<Run>,
    inclusive: bool,
}

impl Parser<'_> {
    /// Drops leading tokens that a cut left nothing of.
    pub(super) fn normal(&self, mut run: Run) -> Run {
        while run.first < run.last && self.end(run.first) <= run.start {
            run.first += 1;
        }
        run
    }

    /// What a run has of one of its tokens.
    fn piece(&self, index: usize, run: Run) -> &str {
        self.text.get(self.start(index).max(run.start)..self.end(index).min(run.end)).unwrap_or_default()
    }

    /// Reads a run as a value.
    pub(super) fn operand(&mut self, run: Run) -> Expr {
        if let Some(parts) = self.range_parts(run) {
            return self.range(run, &parts);
        }
        let first = run.first;
        match self.kind(first) {
            Some(TokenKind::Quoted(_)) => {
                let text = self.quoted(first);
                let expr = self.expr(ExprKind::Literal(Literal::String(text)), run.start..self.end(first));
                self.suffix(expr, run, first + 1)
            }
            Some(TokenKind::InterpolationOpen(_)) => {
                let parts = self.interpolation(first);
                let expr = Expr { kind: ExprKind::Interpolation(parts), span: self.group_span(first) };
                self.suffix(expr, run, self.tokens.after(first))
            }
            Some(TokenKind::Open(bracket)) => {
                let span = self.group_span(first);
                let read = self.deeper(span, |parser| match bracket {
                    Bracket::Round => parser.subexpression(first),
                    Bracket::Square => parser.list(first),
                    Bracket::Curly => parser.braces(first),
                });
                let expr = Expr { kind: read.unwrap_or(ExprKind::Error), span };
                self.suffix(expr, run, self.tokens.after(first))
            }
            _ => self.word(run),
        }
    }

    pub(super) fn subexpression(&mut self, open: usize) -> ExprKind {
        ExprKind::Subexpression(self.block(self.tokens.inside(open), Newlines::Blank))
    }

    /// What is glued behind a complete value: a cell path, or a mistake.
    fn suffix(&mut self, base: Expr, run: Run, next: usize) -> Expr {
        let rest = self.normal(Run { first: next, start: base.span.end as usize, ..run });
        if rest.is_empty() || rest.first >= rest.last {
            return base;
        }
        let has_path = !matches!(base.kind, ExprKind::Literal(_) | ExprKind::Interpolation(_));
        if has_path && self.piece(rest.first, rest).starts_with('.') {
            return self.path(base, rest);
        }
        if matches!(base.kind, ExprKind::Subexpression(_)) {
            return self.joined(run);
        }
        let glued = self.shown(rest);
        let diagnostic =
            Diagnostic::new(codes::TEXT_AFTER_QUOTE, format!("`{glued}` is glued to a value that has ended"))
                .label(self.span_of(rest), "does not belong to it")
                .label(base.span, "ends here")
                .help("put a blank between the two, or one pair of quotes around both");
        self.report(diagnostic);
        base
    }

    fn path(&mut self, base: Expr, rest: Run) -> Expr {
        let span = base.span.to(self.span_of(rest));
        let members = self.members(rest);
        if members.is_empty() {
            return base;
        }
        Expr { kind: ExprKind::Path { base: Box::new(base), members }, span }
    }

    /// `.a.0?."b c"!`
    fn members(&mut self, rest: Run) -> Vec<Member> {
        let mut members = Vec::new();
        let mut rest = self.normal(rest);
        while !rest.is_empty() && rest.first < rest.last {
            let start = rest.start;
            let piece = self.piece(rest.first, rest);
            let word = match piece.strip_prefix('.') {
                Some(word) if self.kind(rest.first) == Some(TokenKind::Word) => word,
                _ => {
                    let text = self.shown(rest);
                    let diagnostic =
                        Diagnostic::new(codes::BAD_VARIABLE, format!("`{text}` does not continue a cell path"))
                            .label(self.span_of(rest), "expected `.name`, or a blank before this")
                            .help("put blanks around operators; for a text made of parts write `$\"($name)…\"`");
                    self.report(diagnostic);
                    return members;
                }
            };
            let next = rest.first + 1;
            let quoted = word.is_empty() && next < rest.last && matches!(self.kind(next), Some(TokenKind::Quoted(_)));
            let (name, marks, end) = if quoted {
                let after = self.normal(Run { start: self.end(next), ..rest });
                let marks = if after.is_empty() { "" } else { self.piece(after.first, after) };
                let length = marks.find(|c| !matches!(c, '?' | '!')).unwrap_or(marks.len());
                let marks = marks[..length].to_string();
                (self.quoted(next), marks, self.end(next) + length)
            } else {
                let word = &word[..word.find('.').unwrap_or(word.len())];
                let name = word.trim_end_matches(['?', '!']);
                (Arc::from(name), word[name.len()..].to_string(), start + 1 + word.len())
            };
            if name.is_empty() && !quoted {
                let span = self.span(start..start + 1);
                self.report(
                    Diagnostic::new(codes::BAD_VARIABLE, "a name is missing behind this `.`")
                        .label(span, "which field?")
                        .help("write the field's name or a row's number, or remove the `.`"),
                );
                return members;
            }
            let step = match name.parse() {
                Ok(index) if !quoted && !name.starts_with('+') => Step::Index(index),
                _ => Step::Name(name),
            };
            let (optional, any_case) = (marks.contains('?'), marks.contains('!'));
            members.push(Member { step, optional, any_case, span: self.span(start + 1..end) });
            rest = self.normal(Run { start: end, ..rest });
        }
        members
    }

    fn word(&mut self, run: Run) -> Expr {
        let raw = self.raw(run);
        let span = self.span_of(run);
        if raw.starts_with('$') {
            return self.variable(run);
        }
        if raw.starts_with("-$") || raw.starts_with("-(") {
            let op = Spanned { node: UnaryOp::Minus, span: self.span(run.start..run.start + 1) };
            let operand = Box::new(self.operand(self.normal(Run { start: run.start + 1, ..run })));
            return Expr { kind: ExprKind::Unary { op, operand }, span };
        }
        let radix = [("0x[", 16), ("0o[", 8), ("0b[", 2)].into_iter().find(|(prefix, _)| raw.starts_with(prefix));
        if let Some((_, radix)) = radix {
            return self.binary(run, radix);
        }
        if self.has_parts(run) {
            return self.joined(run);
        }
        let kind = match literal::read(raw) {
            None => ExprKind::Bare(raw.into()),
            Some(Ok(literal)) => ExprKind::Literal(literal),
            Some(Err(_)) => {
                self.report(
                    Diagnostic::new(
                        codes::NUMBER_OUT_OF_RANGE,
                        format!("`{}` is too large for its type", self.shown(run)),
                    )
                    .label(span, "does not fit 64 bits")
                    .help("write a float (with a `.`), a larger unit, or put it in quotes if it is a text"),
                );
                ExprKind::Error
            }
        };
        Expr { kind, span }
    }

    /// Whether a word holds quotes or `( )` that stand for something else than themselves.
    fn has_parts(&self, run: Run) -> bool {
        let mut index = run.first;
        while index < run.last {
            let part = matches!(
                self.kind(index),
                Some(TokenKind::Quoted(_) | TokenKind::InterpolationOpen(_) | TokenKind::Open(Bracket::Round))
            );
            if part {
                return true;
            }
            index = self.tokens.after(index);
        }
        false
    }

    /// `dir/"my file".csv` and `($dir)/file`: quotes fall, `( )` are filled in.
    fn joined(&mut self, run: Run) -> Expr {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut index = run.first;
        while index < run.last {
            let after = self.tokens.after(index);
            match self.kind(index) {
                Some(TokenKind::Quoted(_)) => text.push_str(&self.quoted(index)),
                Some(TokenKind::InterpolationOpen(_)) => {
                    for part in self.interpolation(index) {
                        match part {
                            Part::Text(more) => text.push_str(&more),
                            part => {
                                flush(&mut text, &mut parts);
                                parts.push(part);
                            }
                        }
                    }
                }
                Some(TokenKind::Open(Bracket::Round)) => {
                    flush(&mut text, &mut parts);
                    let span = self.group_span(index);
                    let kind = self.deeper(span, |parser| parser.subexpression(index)).unwrap_or(ExprKind::Error);
                    parts.push(Part::Expr(Expr { kind, span }));
                }
                Some(TokenKind::Open(_)) => {
                    text.push_str(self.text.get(self.start(index)..self.end(after - 1)).unwrap_or_default());
                }
                _ => text.push_str(self.piece(index, run)),
            }
            index = after;
        }
        let kind = if parts.is_empty() {
            ExprKind::Literal(Literal::String(text.into()))
        } else {
            flush(&mut text, &mut parts);
            ExprKind::Interpolation(parts)
        };
        Expr { kind, span: self.span_of(run) }
    }

    fn variable(&mut self, run: Run) -> Expr {
        let span = self.span_of(run);
        let piece = self.piece(run.first, run);
        if piece.starts_with("$.") {
            let members = self.members(Run { start: run.start + 1, ..run });
            let kind = if members.is_empty() { ExprKind::Error } else { ExprKind::CellPath(members) };
            return Expr { kind, span };
        }
        let name = variable_name(&piece[1..]);
        let end = run.start + 1 + name.len();
        let rest = self.normal(Run { start: end, ..run });
        let complete = rest.is_empty() || rest.first >= rest.last;
        if name.is_empty() || !(complete || self.piece(rest.first, rest).starts_with('.')) {
            let raw = self.shown(run);
            let help = if name.is_empty() {
                "write `$name`, or `(…)` for the value of a command"
            } else {
                "put blanks around operators; for a text made of parts write `$\"($name)…\"`"
            };
            self.report(
                Diagnostic::new(codes::BAD_VARIABLE, format!("`{raw}` is not a variable"))
                    .label(span, "names hold letters, digits, `_` and `-`")
                    .help(help),
            );
            return Expr { kind: ExprKind::Error, span };
        }
        let base = self.expr(ExprKind::Variable(name.into()), run.start..end);
        if complete { base } else { self.path(base, rest) }
    }

    fn binary(&mut self, run: Run, radix: u32) -> Expr {
        let open = run.first + 1;
        let inside = self.tokens.inside(open);
        let digits = self.text.get(self.start(inside.start)..self.start(inside.end)).unwrap_or_default();
        let span = self.span(run.start..self.group_span(open).end as usize);
        let expr = match literal::binary(radix, digits) {
            Some(bytes) => Expr { kind: ExprKind::Literal(Literal::Binary(bytes.into())), span },
            None => {
                self.report(
                    Diagnostic::new(codes::BAD_BINARY, "these are not the digits of bytes")
                        .label(span, format!("digits of base {radix} are expected"))
                        .help("write `0x[ff 00]`, `0o[377]` or `0b[1111_0000]`"),
                );
                Expr { kind: ExprKind::Error, span }
            }
        };
        self.suffix(expr, run, self.tokens.after(open))
    }

    /// Cuts `1..10`, `0..<5`, `$a..`, `..5`, `1..3..9`; none when a side is neither number, variable nor `( )`.
    pub(super) fn range_parts(&self, run: Run) -> Option<RangeParts> {
        let mut cuts: Vec<(usize, usize)> = Vec::new();
        let mut inclusive = true;
        let mut index = run.first;
        while index < run.last {
            match self.kind(index)? {
                TokenKind::Word => {
                    let start = self.start(index).max(run.start);
                    let piece = self.piece(index, run);
                    if piece.starts_with("...") {
                        return None;
                    }
                    let mut from = 0;
                    while let Some(at) = piece.get(from..).and_then(|rest| rest.find("..")).map(|at| at + from) {
                        let mark = usize::from(piece[at + 2..].starts_with(['<', '=']));
                        inclusive = !piece[at + 2..].starts_with('<');
                        cuts.push((start + at, start + at + 2 + mark));
                        from = at + 2 + mark;
                    }
                }
                TokenKind::Open(Bracket::Round) | TokenKind::Quoted(_) => {}
                _ => return None,
            }
            index = self.tokens.after(index);
        }
        if cuts.is_empty() || cuts.len() > 2 {
            return None;
        }
        let mut parts = Vec::new();
        let mut start = run.start;
        for (cut, after) in cuts.into_iter().chain([(run.end, run.end)]) {
            parts.push(self.part(run, start, cut));
            start = after;
        }
        let given = parts.iter().filter(|part| !part.is_empty()).count();
        let middle = parts.len() == 3 && parts.get(1).is_none_or(|part| part.is_empty());
        let bounds = parts.iter().all(|part| part.is_empty() || self.is_bound(*part));
        (given > 0 && !middle && bounds).then_some(RangeParts { parts, inclusive })
    }

    fn part(&self, run: Run, start: usize, end: usize) -> Run {
        let mut part = self.normal(Run { start, end, ..run });
        while part.last > part.first && self.start(part.last - 1) >= end {
            part.last -= 1;
        }
        part
    }

    fn is_bound(&self, part: Run) -> bool {
        let piece = self.piece(part.first, part);
        match self.kind(part.first) {
            Some(TokenKind::Open(Bracket::Round)) => true,
            Some(TokenKind::Word) => {
                let number = || matches!(literal::read(self.raw(part)), Some(Ok(Literal::Int(_) | Literal::Float(_))));
                !variable_name(piece.strip_prefix('$').unwrap_or_default()).is_empty() || number()
            }
            _ => false,
        }
    }

    fn range(&mut self, run: Run, cut: &RangeParts) -> Expr {
        let mut read =
            |part: Option<&Run>| part.filter(|part| !part.is_empty()).map(|part| Box::new(self.operand(*part)));
        let start = read(cut.parts.first());
        let next = if cut.parts.len() == 3 { read(cut.parts.get(1)) } else { None };
        let end = read(cut.parts.last());
        let span = self.span_of(run);
        Expr { kind: ExprKind::Range { start, next, end, inclusive: cut.inclusive }, span }
    }

    /// The text that a quoted token stands for.
    pub(super) fn quoted(&mut self, index: usize) -> Arc<str> {
        let Some(TokenKind::Quoted(quote)) = self.kind(index) else { return "".into() };
        let start = self.start(index);
        let raw = self.text.get(start..self.end(index)).unwrap_or_default();
        let opening = if quote == Quote::Raw { raw.find('\'').map_or(1, |at| at + 1) } else { 1 };
        let closing = match (self.tokens.is_closed_quote(index), quote) {
            (false, _) => 0,
            (true, Quote::Raw) => opening - 1,
            (true, _) => 1,
        };
        let body = raw.get(opening..raw.len() - closing).unwrap_or_default();
        if quote == Quote::Double { self.unescape(body, start + opening) } else { body.into() }
    }

    fn unescape(&mut self, body: &str, start: usize) -> Arc<str> {
        if !body.contains('\\') {
            return body.into();
        }
        let (text, bad) = literal::unescape(body);
        for escape in bad {
            let written = body.get(escape.start..escape.end).unwrap_or_default();
            let span = self.span(start + escape.start..start + escape.end);
            self.report(
                Diagnostic::new(codes::BAD_ESCAPE, format!("`{written}` is not an escape"))
                    .label(span, "unknown in double quotes")
                    .help("write `\\\\` for a backslash, or use single quotes, which know no escapes"),
            );
        }
        text.into()
    }

    /// The parts of `$"…"`.
    fn interpolation(&mut self, open: usize) -> Vec<Part> {
        let escapes = self.kind(open) == Some(TokenKind::InterpolationOpen(Quote::Double));
        let mut parts = Vec::new();
        let inside = self.tokens.inside(open);
        let mut index = inside.start;
        while index < inside.end {
            let range = self.start(index)..self.end(index);
            match self.kind(index) {
                Some(TokenKind::InterpolationText) => {
                    let raw = self.text.get(range.clone()).unwrap_or_default();
                    let text = if escapes { self.unescape(raw, range.start) } else { raw.into() };
                    parts.push(Part::Text(text));
                }
                Some(TokenKind::Open(_)) => {
                    let span = self.group_span(index);
                    let kind = self.deeper(span, |parser| parser.subexpression(index)).unwrap_or(ExprKind::Error);
                    parts.push(Part::Expr(Expr { kind, span }));
                }
                _ => {}
            }
            index = self.tokens.after(index);
        }
        parts
    }
}

fn flush(text: &mut String, parts: &mut Vec<Part>) {
    if !text.is_empty() {
        parts.push(Part::Text(std::mem::take(text).into()));
    }
}

/// The longest beginning that can name a variable.
pub(super) fn variable_name(text: &str) -> &str {
    let length = text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-'))).unwrap_or(text.len());
    &text[..length]
}
