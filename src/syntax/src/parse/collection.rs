//! Lists, tables, records, closures, and which of them `{` opens.

use diag::{Diagnostic, Span, codes};

use super::{Newlines, Parser, Run, glues};
use crate::ast::*;
use crate::literal;
use crate::tokens::{Bracket, TokenKind};

/// What a `{` opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Braces {
    Empty,
    Record,
    /// The index of the first `|`.
    Closure(usize),
    Block,
}

impl Parser<'_> {
    /// Judges by what stands first inside.
    pub(super) fn braces_kind(&self, open: usize) -> Braces {
        let inside = self.tokens.inside(open);
        let first = self.significant(inside.start, inside.end);
        let Some(kind) = self.kind(first).filter(|_| first < inside.end) else { return Braces::Empty };
        match kind {
            TokenKind::Pipe(PipeFrom::Out) => Braces::Closure(first),
            TokenKind::Word | TokenKind::Quoted(_) | TokenKind::InterpolationOpen(_) | TokenKind::Open(_) => {
                let run = self.run_from(first, inside.end, glues);
                if kind == TokenKind::Word && self.is_spread(run) {
                    return Braces::Record;
                }
                let colon = self.significant(self.tokens.after(first), inside.end);
                let is_key = colon < inside.end && self.kind(colon) == Some(TokenKind::Colon);
                // `2026-01-31T10:00` has a colon and is no key.
                let is_literal = kind == TokenKind::Word && literal::read(self.raw(run)).is_some();
                if is_key && !is_literal { Braces::Record } else { Braces::Block }
            }
            _ => Braces::Block,
        }
    }

    pub(super) fn braces(&mut self, open: usize) -> ExprKind {
        match self.braces_kind(open) {
            Braces::Empty => ExprKind::Record(Vec::new()),
            Braces::Record => self.record(open),
            Braces::Closure(bar) => self.closure(open, bar),
            Braces::Block => {
                let mut block = self.block(self.tokens.inside(open), Newlines::End);
                block.span = self.group_span(open);
                ExprKind::Block(block)
            }
        }
    }

    fn closure(&mut self, open: usize, bar: usize) -> ExprKind {
        let inside = self.tokens.inside(open);
        let mut close = bar + 1;
        while close < inside.end && !matches!(self.kind(close), Some(TokenKind::Pipe(PipeFrom::Out))) {
            close = self.tokens.after(close);
        }
        if close >= inside.end {
            let span = self.span(self.start(bar)..self.end(bar));
            self.report(
                Diagnostic::new(codes::UNREADABLE_SIGNATURE, "the parameters of this closure are not closed")
                    .label(span, "no second `|` follows")
                    .help("write `{|name| … }`"),
            );
            close = bar;
        }
        let parameters = self.parameters(bar + 1..close);
        let mut body = self.block((close + 1).min(inside.end)..inside.end, Newlines::End);
        body.span = self.group_span(open);
        ExprKind::Closure(Closure { parameters: Some(parameters), body })
    }

    /// `...$x`, `...[1 2]`, `...(cmd)`; `...` alone or before a letter is a word.
    pub(super) fn is_spread(&self, run: Run) -> bool {
        self.raw(run)
            .strip_prefix("...")
            .is_some_and(|rest| rest.starts_with(['$', '(', '[', '{']) && self.start(run.first) == run.start)
    }

    pub(super) fn spread(&mut self, run: Run) -> Expr {
        let run = self.normal(Run { start: run.start + 3, ..run });
        self.operand(run)
    }

    pub(super) fn list(&mut self, open: usize) -> ExprKind {
        let inside = self.tokens.inside(open);
        let glued =
            |kind: TokenKind| kind != TokenKind::Comma && (glues(kind) || matches!(kind, TokenKind::Redirect { .. }));
        let mut items = Vec::new();
        let mut columns: Option<Vec<ListItem>> = None;
        let mut index = inside.start;
        while index < inside.end {
            let Some(kind) = self.kind(index) else { break };
            let span = self.span(self.start(index)..self.end(index));
            match kind {
                TokenKind::Semicolon if columns.is_none() && items.len() == 1 => {
                    columns = Some(std::mem::take(&mut items));
                }
                TokenKind::Semicolon | TokenKind::Pipe(_) => self.not_in_a_list(kind, span),
                kind if glued(kind) => {
                    let run = self.run_from(index, inside.end, glued);
                    index = run.last.max(index + 1);
                    let item = if self.is_spread(run) {
                        ListItem::Spread(self.spread(run))
                    } else {
                        ListItem::Item(self.operand(run))
                    };
                    items.push(item);
                    continue;
                }
                _ => {}
            }
            index += 1;
        }
        match columns {
            None => ExprKind::List(items),
            Some(columns) => self.table(columns, items),
        }
    }

    fn not_in_a_list(&mut self, kind: TokenKind, span: Span) {
        let help = if kind == TokenKind::Semicolon {
            "a table is `[[name …]; [value …] …]`: one list of names, one `;`, and a list for each row"
        } else {
            "put a pipeline into round brackets, and a text with `|` into quotes"
        };
        let what = if kind == TokenKind::Semicolon { ";" } else { "|" };
        self.report(
            Diagnostic::new(codes::BAD_LIST, format!("`{what}` does not belong in this list"))
                .label(span, "unexpected")
                .help(help),
        );
    }

    fn table(&mut self, head: Vec<ListItem>, body: Vec<ListItem>) -> ExprKind {
        let help = "a table is `[[name …]; [value …] …]`: one list of names, one `;`, and a list for each row";
        let mut columns = Vec::new();
        for item in head {
            let (ListItem::Item(item) | ListItem::Spread(item)) = item;
            match item.kind {
                ExprKind::List(names) => {
                    for name in names {
                        match name {
                            ListItem::Item(name) => columns.push(name),
                            ListItem::Spread(name) => self.report(
                                Diagnostic::new(codes::BAD_LIST, "column names cannot be spread")
                                    .label(name.span, "write the names out")
                                    .help(help),
                            ),
                        }
                    }
                }
                ExprKind::Error => {}
                _ => self.report(
                    Diagnostic::new(codes::BAD_LIST, "the column names of a table are a list")
                        .label(item.span, "expected `[name …]`")
                        .help(help),
                ),
            }
        }
        let mut rows = Vec::new();
        for item in body {
            match item {
                ListItem::Item(row) if matches!(row.kind, ExprKind::List(_) | ExprKind::Error) => rows.push(row),
                ListItem::Item(row) | ListItem::Spread(row) => self.report(
                    Diagnostic::new(codes::BAD_LIST, "a row of a table is a list")
                        .label(row.span, "expected `[value …]`")
                        .help(help),
                ),
            }
        }
        ExprKind::Table { columns, rows }
    }

    fn record(&mut self, open: usize) -> ExprKind {
        let inside = self.tokens.inside(open);
        let in_value = |kind: TokenKind| kind != TokenKind::Comma && glues(kind);
        let in_key = |kind: TokenKind| kind != TokenKind::Colon && in_value(kind);
        let mut items = Vec::new();
        let mut index = inside.start;
        loop {
            index = self.significant(index, inside.end);
            let Some(kind) = self.kind(index).filter(|_| index < inside.end) else { break };
            if kind == TokenKind::Comma {
                index += 1;
                continue;
            }
            let run = self.run_from(index, inside.end, in_value);
            if kind == TokenKind::Word && self.is_spread(run) {
                index = run.last.max(index + 1);
                items.push(RecordItem::Spread(self.spread(run)));
                continue;
            }
            let key = self.run_from(index, inside.end, in_key);
            let colon = self.significant(key.last, inside.end);
            if key.is_empty() || colon >= inside.end || self.kind(colon) != Some(TokenKind::Colon) {
                let after = self.tokens.after(index).max(key.last);
                self.bad_field(index, key);
                index = after;
                continue;
            }
            let key_expr = self.key(key);
            let first = self.significant(colon + 1, inside.end);
            let value = self.run_from(first, inside.end, in_value);
            index = value.last.max(first);
            let value = if first < inside.end && !value.is_empty() {
                self.operand(value)
            } else {
                let name = self.shown(key);
                self.report(
                    Diagnostic::new(codes::BAD_RECORD, format!("the field `{name}` has no value"))
                        .label(self.span(key.start..self.end(colon)), "its value is missing")
                        .help(format!("write `{name}: value`, or `{name}: null`")),
                );
                self.error_at(self.end(colon)..self.end(colon))
            };
            items.push(RecordItem::Field { key: key_expr, value });
        }
        ExprKind::Record(items)
    }

    fn bad_field(&mut self, index: usize, key: Run) {
        let raw = self.shown(key);
        let span = if key.is_empty() { self.span(self.start(index)..self.end(index)) } else { self.span_of(key) };
        let diagnostic = if key.is_empty() {
            Diagnostic::new(codes::BAD_RECORD, "this does not belong in a record").label(span, "expected `key: value`")
        } else {
            Diagnostic::new(codes::BAD_RECORD, format!("no `:` follows the key `{raw}`"))
                .label(span, "expected `key: value`")
        };
        self.report(diagnostic.help("separate fields by commas or newlines; `{|| … }` is a closure"));
    }

    /// A key is text: `1kb` and `true` are names here.
    fn key(&mut self, run: Run) -> Expr {
        let raw = self.raw(run);
        let plain = self.kind(run.first) == Some(TokenKind::Word) && run.last == run.first + 1;
        if plain && !raw.starts_with('$') {
            return self.expr(ExprKind::Bare(raw.into()), run.start..run.end);
        }
        if self.kind(run.first) == Some(TokenKind::Open(Bracket::Square)) {
            let span = self.span_of(run);
            self.report(
                Diagnostic::new(codes::BAD_RECORD, "a list cannot be a key")
                    .label(span, "expected a name")
                    .help("write a name, a quoted text, `$name` or `(…)`"),
            );
            return self.error_at(run.start..run.end);
        }
        self.operand(run)
    }
}
