//! The arms of `match`.

use std::sync::Arc;

use diag::{Diagnostic, Span, codes};

use super::operand::variable_name;
use super::{Cursor, Item, ItemKind, Newlines, Parser, Run, glues};
use crate::ast::*;
use crate::tokens::{Bracket, TokenKind};

impl Parser<'_> {
    pub(super) fn arms(&mut self, open: usize) -> Vec<Arm> {
        let inside = self.tokens.inside(open);
        let end = self.start(inside.end);
        let items = self.items(inside, Newlines::End, true);
        let mut cursor = Cursor::new(&items, end);
        let mut arms = Vec::new();
        loop {
            while cursor.peek().is_some_and(|item| separates(item.kind)) {
                cursor.next();
            }
            if cursor.peek().is_none() {
                return arms;
            }
            arms.extend(self.arm(&mut cursor));
        }
    }

    fn arm(&mut self, cursor: &mut Cursor<'_>) -> Option<Arm> {
        let is_word = |item: &Item, word: &str| item.kind == ItemKind::Run && self.raw(item.run) == word;
        let rest = cursor.rest();
        let arrow = rest.iter().position(|item| is_word(item, "=>"));
        let ends = rest.iter().position(|item| separates(item.kind)).unwrap_or(rest.len());
        // A pattern may go on on the next line only behind a `|`, and `items` has dropped that newline already.
        let Some(arrow) = arrow.filter(|arrow| *arrow < ends) else {
            let span = rest.first().map_or(self.span(cursor.end..cursor.end), |item| self.span_of(item.run));
            self.bad_pattern(span, "no `=>` follows this pattern");
            cursor.split(ends);
            return None;
        };
        let guard_at = rest.iter().take(arrow).position(|item| is_word(item, "if"));
        let mut head = cursor.split(arrow);
        let arrow_span = cursor.next().map(|item| self.span_of(item.run));
        let pattern = self.alternatives(head.split(guard_at.unwrap_or(arrow)));
        let guard = head.next().map(|word| {
            if head.peek().is_none() {
                self.bad_pattern(self.span_of(word.run), "no condition follows this `if`");
                return self.error_at(word.run.end..word.run.end);
            }
            self.condition(&mut head)
        });
        let body = self.arm_body(cursor, arrow_span);
        Some(Arm { pattern, guard, body })
    }

    fn arm_body(&mut self, cursor: &mut Cursor<'_>, arrow: Option<Span>) -> Expr {
        while cursor.peek().is_some_and(|item| item.kind == ItemKind::End { newline: true }) {
            cursor.next();
        }
        let rest = cursor.rest();
        let length = rest.iter().position(|item| separates(item.kind)).unwrap_or(rest.len());
        let Some(first) = cursor.run().filter(|_| length > 0) else {
            let at = cursor.behind();
            self.bad_pattern(arrow.unwrap_or(self.span(at..at)), "no value follows this `=>`");
            return self.error_at(at..at);
        };
        let next = rest.get(1).filter(|_| length > 1);
        let goes_on = next.is_some_and(|item| {
            matches!(item.kind, ItemKind::Pipe(_)) || crate::expression::level(self.raw(item.run)).is_some()
        });
        if self.lone_brace(first).is_some() && !goes_on {
            cursor.next();
            return self.value_or_block(first);
        }
        let mut body = cursor.split(length);
        self.condition(&mut body)
    }

    fn bad_pattern(&mut self, span: Span, label: &str) {
        self.report(
            Diagnostic::new(codes::BAD_MATCH_ARM, "this arm of `match` cannot be read")
                .label(span, label)
                .help("an arm is `pattern => value`, or `pattern if condition => value`"),
        );
    }

    /// `1 | 2 | $x`
    fn alternatives(&mut self, cursor: Cursor<'_>) -> Spanned<Pattern> {
        let mut patterns = Vec::new();
        let span = self.span(cursor.offset()..cursor.end);
        for alternative in cursor.rest().split(|item| matches!(item.kind, ItemKind::Pipe(PipeFrom::Out))) {
            match alternative {
                [item] if item.kind == ItemKind::Run => {
                    let pattern = self.pattern(item.run);
                    patterns.push(pattern);
                }
                [] => self.bad_pattern(span, "a pattern is missing"),
                [_, item, ..] | [item] => {
                    self.bad_pattern(self.span_of(item.run), "expected `|`, `if` or `=>` before this")
                }
            }
        }
        match patterns.len() {
            1 => patterns.remove(0),
            0 => Spanned { node: Pattern::Value(Expr { kind: ExprKind::Error, span }), span },
            _ => {
                let span = patterns.iter().skip(1).fold(patterns[0].span, |all, one| all.to(one.span));
                Spanned { node: Pattern::Or(patterns), span }
            }
        }
    }

    fn pattern(&mut self, run: Run) -> Spanned<Pattern> {
        let span = self.span_of(run);
        let raw = self.raw(run);
        let whole = self.tokens.after(run.first) == run.last;
        let node = match self.kind(run.first) {
            Some(TokenKind::Open(Bracket::Square)) if whole => {
                self.deeper(span, |parser| parser.list_pattern(run.first))
            }
            Some(TokenKind::Open(Bracket::Curly)) if whole => {
                self.deeper(span, |parser| parser.record_pattern(run.first))
            }
            _ if raw == "_" => Some(Pattern::Anything),
            _ => match raw.strip_prefix('$').filter(|name| !name.is_empty() && variable_name(name) == *name) {
                Some(name) => Some(Pattern::Variable(name.into())),
                None => Some(Pattern::Value(self.operand(run))),
            },
        };
        let node = node.unwrap_or(Pattern::Value(Expr { kind: ExprKind::Error, span }));
        Spanned { node, span }
    }

    fn list_pattern(&mut self, open: usize) -> Pattern {
        let glued = |kind: TokenKind| kind != TokenKind::Comma && glues(kind);
        let inside = self.tokens.inside(open);
        let mut items = Vec::new();
        let mut rest: Option<Option<Arc<str>>> = None;
        let mut index = inside.start;
        while index < inside.end {
            let Some(kind) = self.kind(index) else { break };
            if !glued(kind) {
                if matches!(kind, TokenKind::Pipe(_) | TokenKind::Semicolon) {
                    self.bad_pattern(
                        self.span(self.start(index)..self.end(index)),
                        "does not belong in a list pattern",
                    );
                }
                index += 1;
                continue;
            }
            let run = self.run_from(index, inside.end, glued);
            index = run.last.max(index + 1);
            match rest_name(self.raw(run)) {
                Some(name) if rest.is_none() => rest = Some(name.map(Arc::from)),
                Some(_) => self.bad_pattern(self.span_of(run), "a list has only one rest"),
                None => {
                    if rest.is_some() {
                        self.bad_pattern(self.span_of(run), "nothing can follow the rest of a list");
                    }
                    let pattern = self.pattern(run);
                    items.push(pattern);
                }
            }
        }
        Pattern::List { items, rest }
    }

    fn record_pattern(&mut self, open: usize) -> Pattern {
        let in_value = |kind: TokenKind| kind != TokenKind::Comma && glues(kind);
        let in_key = |kind: TokenKind| kind != TokenKind::Colon && in_value(kind);
        let inside = self.tokens.inside(open);
        let mut fields = Vec::new();
        let mut index = inside.start;
        loop {
            index = self.significant(index, inside.end);
            let Some(kind) = self.kind(index).filter(|_| index < inside.end) else { return Pattern::Record(fields) };
            let key = self.run_from(index, inside.end, in_key);
            index = key.last.max(index + 1);
            if kind == TokenKind::Comma {
                continue;
            }
            let raw = self.raw(key);
            let colon = self.significant(index, inside.end);
            if colon < inside.end && self.kind(colon) == Some(TokenKind::Colon) && !key.is_empty() {
                let name = match kind {
                    TokenKind::Quoted(_) => self.quoted(key.first),
                    _ => raw.into(),
                };
                let value = self.run_from(self.significant(colon + 1, inside.end), inside.end, in_value);
                index = value.last.max(colon + 1);
                if value.is_empty() {
                    self.bad_pattern(self.span_of(key), "a pattern is missing behind its `:`");
                    continue;
                }
                let pattern = self.pattern(value);
                fields.push((Spanned { node: name, span: self.span_of(key) }, pattern));
                continue;
            }
            match raw.strip_prefix('$').filter(|name| !name.is_empty() && variable_name(name) == *name) {
                Some(name) => {
                    let span = self.span_of(key);
                    let pattern = Spanned { node: Pattern::Variable(name.into()), span };
                    fields.push((Spanned { node: name.into(), span }, pattern));
                }
                None => {
                    let span = self.span(self.start(key.first)..self.end(key.first).max(key.end));
                    self.bad_pattern(span, "expected `key: pattern` or `$key`");
                }
            }
        }
    }
}

fn separates(kind: ItemKind) -> bool {
    matches!(kind, ItemKind::Comma | ItemKind::End { .. })
}

/// `..` and `..$name`, also with three points.
fn rest_name(raw: &str) -> Option<Option<&str>> {
    let rest = raw.strip_prefix("...").or_else(|| raw.strip_prefix(".."))?;
    if rest.is_empty() {
        return Some(None);
    }
    let name = rest.strip_prefix('$')?;
    (!name.is_empty() && variable_name(name) == name).then_some(Some(name))
}
