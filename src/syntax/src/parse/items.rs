//! A bracket's content as items: runs of tokens that make one word, pipes, redirections, and ends of statements.

use std::ops::Range;

use super::{LONGEST, Parser, call};
use crate::ast::PipeFrom;
use crate::expression;
use crate::tokens::{Bracket, TokenKind};

/// What a newline does: ends a statement in `{ }` and at the top, is a blank in `( )`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Newlines {
    End,
    Blank,
}

/// Neighbouring tokens `first..last`, and the bytes of them that are meant: a prefix may be cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Run {
    pub(super) fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemKind {
    Run,
    Pipe(PipeFrom),
    Redirect { from: PipeFrom, append: bool },
    Comma,
    End { newline: bool },
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) kind: ItemKind,
    pub(super) run: Run,
}

/// A place in a row of items.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'i> {
    pub(super) items: &'i [Item],
    pub(super) at: usize,
    /// Where the row ends in the text, for telling what is missing there.
    pub(super) end: usize,
}

impl<'i> Cursor<'i> {
    pub(super) fn new(items: &'i [Item], end: usize) -> Self {
        Cursor { items, at: 0, end }
    }

    pub(super) fn peek(&self) -> Option<Item> {
        self.items.get(self.at).copied()
    }

    pub(super) fn run(&self) -> Option<Run> {
        self.run_at(0)
    }

    pub(super) fn run_at(&self, ahead: usize) -> Option<Run> {
        self.items.get(self.at + ahead).filter(|item| item.kind == ItemKind::Run).map(|item| item.run)
    }

    pub(super) fn next(&mut self) -> Option<Item> {
        let item = self.peek()?;
        self.at += 1;
        Some(item)
    }

    pub(super) fn rest(&self) -> &'i [Item] {
        self.items.get(self.at..).unwrap_or_default()
    }

    /// The items before `ahead`, as a row of their own; this one goes on behind them.
    pub(super) fn split(&mut self, ahead: usize) -> Cursor<'i> {
        let rest = self.rest();
        let (before, after) = rest.split_at(ahead.min(rest.len()));
        self.at += before.len();
        Cursor::new(before, after.first().map_or(self.end, |item| item.run.start))
    }

    /// Where the next item begins, or the row ends.
    pub(super) fn offset(&self) -> usize {
        self.peek().map_or(self.end, |item| item.run.start)
    }

    /// Where the item before ends.
    pub(super) fn behind(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.items.get(at)).map_or(self.offset(), |item| item.run.end)
    }

    pub(super) fn skip_to_pipe(&mut self) {
        while self.peek().is_some_and(|item| !matches!(item.kind, ItemKind::Pipe(_))) {
            self.at += 1;
        }
    }
}

impl Parser<'_> {
    /// The token of a run that is nothing but `{ … }`.
    pub(super) fn lone_brace(&self, run: Run) -> Option<usize> {
        let brace = self.kind(run.first) == Some(TokenKind::Open(Bracket::Curly));
        (brace && self.tokens.after(run.first) == run.last).then_some(run.first)
    }

    /// The first token from `index` on that is neither blank, newline nor comment.
    pub(super) fn significant(&self, index: usize, end: usize) -> usize {
        let mut index = index;
        while index < end
            && matches!(self.kind(index), Some(TokenKind::Blank | TokenKind::Newline | TokenKind::Comment))
        {
            index += 1;
        }
        index
    }

    /// The run that begins at `first`: up to a blank, a separator, or what `glued` refuses.
    pub(super) fn run_from(&self, first: usize, end: usize, glued: impl Fn(TokenKind) -> bool) -> Run {
        let mut last = first;
        while last < end && self.kind(last).is_some_and(&glued) {
            last = self.tokens.after(last).min(end);
        }
        let end = if last > first { self.end(last - 1) } else { self.start(first) };
        Run { first, last, start: self.start(first), end }
    }

    pub(super) fn items(&self, range: Range<usize>, newlines: Newlines, commas_separate: bool) -> Vec<Item> {
        let glued = |kind: TokenKind| glues(kind) && !(commas_separate && kind == TokenKind::Comma);
        let mut items: Vec<Item> = Vec::new();
        let mut index = range.start;
        while index < range.end {
            let Some(token) = self.tokens.get(index) else { break };
            let one = Run { first: index, last: index + 1, start: token.start as usize, end: token.end as usize };
            index += 1;
            let last = items.last().map(|item| item.kind);
            match token.kind {
                TokenKind::Newline => {
                    let ends = !matches!(last, None | Some(ItemKind::End { .. } | ItemKind::Pipe(_)));
                    if newlines == Newlines::End && ends && !self.operator_waits(&items) {
                        items.push(Item { kind: ItemKind::End { newline: true }, run: one });
                    }
                }
                TokenKind::Semicolon => {
                    if last == Some(ItemKind::End { newline: true }) {
                        items.pop();
                    }
                    items.push(Item { kind: ItemKind::End { newline: false }, run: one });
                }
                TokenKind::Pipe(from) => {
                    if last == Some(ItemKind::End { newline: true }) {
                        items.pop();
                    }
                    items.push(Item { kind: ItemKind::Pipe(from), run: one });
                }
                TokenKind::Redirect { from, append } => {
                    items.push(Item { kind: ItemKind::Redirect { from, append }, run: one });
                }
                TokenKind::Comma if commas_separate => items.push(Item { kind: ItemKind::Comma, run: one }),
                kind if glued(kind) => {
                    let run = self.run_from(one.first, range.end, glued);
                    index = run.last.max(index);
                    if self.goes_on(run, &items) {
                        items.pop();
                    }
                    items.push(Item { kind: ItemKind::Run, run });
                }
                _ => {}
            }
        }
        items
    }

    /// Whether the last item is an operator whose right side may stand on the next line. The `*` of `ls *` is none.
    fn operator_waits(&self, items: &[Item]) -> bool {
        let raw = |item: &Item| if item.kind == ItemKind::Run { self.raw(item.run) } else { "" };
        let Some((last, before)) = items.split_last() else { return false };
        // No lawful expression is longer, and looking back further would cost a square.
        let before = before.get(before.len().saturating_sub(2 * LONGEST)..).unwrap_or_default();
        let assigns = expression::ASSIGNMENTS.contains(&raw(last));
        if !assigns && expression::level(raw(last)).is_none() && raw(last) != "not" {
            return false;
        }
        let statement =
            before.iter().rposition(|item| matches!(item.kind, ItemKind::End { .. })).map_or(0, |at| at + 1);
        if assigns {
            let first = before.get(statement).map_or("", raw);
            return first.starts_with('$') || matches!(first, "let" | "mut" | "const" | "export");
        }
        let opens = |item: &Item| {
            let word = raw(item);
            matches!(item.kind, ItemKind::Pipe(_) | ItemKind::End { .. } | ItemKind::Comma)
                || matches!(word, "if" | "while" | "match" | "return" | "=>")
                || expression::ASSIGNMENTS.contains(&word)
        };
        let head = before.iter().rposition(opens).map_or(0, |at| at + 1);
        before.get(head).or(Some(last)).is_some_and(|item| {
            call::CONDITIONAL.contains(&raw(item)) || (item.kind == ItemKind::Run && self.starts_expression(item.run))
        })
    }

    /// `else`, `catch` and `finally` may begin the line after a `}`.
    fn goes_on(&self, run: Run, items: &[Item]) -> bool {
        let [.., before, Item { kind: ItemKind::End { newline: true }, .. }] = items else { return false };
        matches!(self.raw(run), "else" | "catch" | "finally") && self.lone_brace(before.run).is_some()
    }
}

/// Whether a token belongs to the word it touches.
pub(super) fn glues(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Word
            | TokenKind::Quoted(_)
            | TokenKind::Open(_)
            | TokenKind::InterpolationOpen(_)
            | TokenKind::Colon
            | TokenKind::Comma
    )
}
