//! Calls: a word and what stands behind it.

use std::sync::Arc;

use diag::{Diagnostic, codes};

use super::collection::Braces;
use super::{Cursor, ItemKind, Parser, Run, foreign, foreign_operator};
use crate::ast::*;
use crate::expression;
use crate::literal;
use crate::tokens::TokenKind;

/// Commands whose argument is a condition unless it is a closure.
pub const CONDITIONAL: &[&str] = &["where", "any", "all", "filter"];

impl Parser<'_> {
    pub(super) fn call(&mut self, head: Run, cursor: &mut Cursor<'_>, redirections: &mut Vec<Redirection>) -> Expr {
        cursor.next();
        let start = head.start;
        let (sigil, rest) = self.sigil(head);
        let conditional = sigil != Some(Sigil::External) && CONDITIONAL.contains(&self.raw(rest));
        let head = if rest.is_empty() {
            self.report(
                Diagnostic::new(codes::NAME_EXPECTED, format!("no name follows `{}`", self.raw(head)))
                    .label(self.span_of(head), "which program?")
                    .help("write the name right behind it, without a blank"),
            );
            self.error_at(rest.end..rest.end)
        } else if sigil.is_none() && cursor.run().is_some_and(|next| self.raw(next) == "=") {
            self.no_variable(rest, cursor);
            cursor.skip_to_pipe();
            return self.error_at(start..cursor.behind());
        } else {
            self.operand(rest)
        };
        let mut arguments = Vec::new();
        if conditional && self.condition_follows(cursor) {
            arguments.push(Argument::Condition(self.expression(cursor)));
        } else {
            self.arguments(cursor, sigil == Some(Sigil::External), &mut arguments, redirections);
        }
        let span = self.span(start..cursor.behind());
        Expr { kind: ExprKind::Call(Box::new(Call { sigil, head, arguments })), span }
    }

    fn sigil(&self, head: Run) -> (Option<Sigil>, Run) {
        let sigil = match self.raw(head).as_bytes().first() {
            Some(b'^') => Some(Sigil::External),
            Some(b'%') => Some(Sigil::Declared),
            _ => None,
        };
        match sigil {
            Some(_) => (sigil, self.normal(Run { start: head.start + 1, ..head })),
            None => (None, head),
        }
    }

    fn no_variable(&mut self, name: Run, cursor: &Cursor<'_>) {
        let raw = self.shown(name);
        let operator = cursor.run().map_or(self.span_of(name), |run| self.span_of(run));
        self.report(
            Diagnostic::new(
                codes::BAD_ASSIGNMENT,
                format!("`{raw}` is not a variable, so nothing can be assigned to it"),
            )
            .label(self.span_of(name), "a variable begins with `$`")
            .label(operator, "assigns")
            .help(format!("write `let {raw} = …` for a new name, or `${raw} = …` for one made with `mut`")),
        );
    }

    fn assigns_nothing(&mut self, operator: Run) {
        self.report(
            Diagnostic::new(codes::BAD_ASSIGNMENT, "`=` assigns to a variable, and none stands before it")
                .label(self.span_of(operator), "no variable before this")
                .help("write `==` to compare, `let name = …` on a line of its own to bind, or `'='` for the text"),
        );
    }

    /// A closure, a block, a lone variable that may hold one, or a flag is an ordinary argument.
    fn condition_follows(&self, cursor: &Cursor<'_>) -> bool {
        let Some(first) = cursor.run() else { return false };
        if cursor.run_at(1).is_some_and(|next| expression::level(self.raw(next)).is_some()) {
            return true;
        }
        if let Some(open) = self.lone_brace(first) {
            return self.braces_kind(open) == Braces::Record;
        }
        let raw = self.raw(first);
        let alone = !cursor.rest().get(1).is_some_and(|item| item.kind == ItemKind::Run);
        let lone_variable = alone && raw.starts_with('$') && self.kind(first.first) == Some(TokenKind::Word);
        let is_flag = raw.starts_with("--") || (raw.starts_with('-') && is_short(raw));
        !(lone_variable && !raw.contains('.') || is_flag)
    }

    pub(super) fn arguments(
        &mut self,
        cursor: &mut Cursor<'_>,
        external: bool,
        arguments: &mut Vec<Argument>,
        redirections: &mut Vec<Redirection>,
    ) {
        let mut flags = true;
        while let Some(item) = cursor.peek() {
            match item.kind {
                ItemKind::Run => {
                    if self.raw(item.run) == "=" && !external {
                        self.assigns_nothing(item.run);
                        cursor.skip_to_pipe();
                        return;
                    }
                    if let Some(help) = self.foreign_argument(item.run) {
                        let diagnostic = foreign_operator(self.raw(item.run), self.span_of(item.run), help);
                        self.report(diagnostic);
                        cursor.skip_to_pipe();
                        return;
                    }
                    cursor.next();
                    let argument = self.argument(item.run, &mut flags);
                    arguments.push(argument);
                }
                ItemKind::Redirect { .. } => self.redirections(cursor, redirections),
                ItemKind::Comma | ItemKind::Pipe(_) | ItemKind::End { .. } => return,
            }
        }
    }

    fn foreign_argument(&self, run: Run) -> Option<&'static str> {
        if self.kind(run.first) != Some(TokenKind::Word) {
            return None;
        }
        match self.raw(run) {
            word @ ("&&" | "&") => foreign(word),
            ">" | ">>" | "1>" | "2>" | "&>" => {
                Some("write `o> file` for what is printed, `e> file` for errors, `o+e> file` for both")
            }
            "2>&1" => Some("write `o+e>| next` to pipe errors too, or `o+e> file` to keep both"),
            _ => None,
        }
    }

    fn argument(&mut self, run: Run, flags: &mut bool) -> Argument {
        let raw = self.raw(run);
        if self.is_spread(run) {
            return Argument::Spread(self.spread(run));
        }
        if *flags && self.kind(run.first) == Some(TokenKind::Word) {
            if raw == "--" {
                *flags = false;
                return Argument::EndOfFlags(self.span_of(run));
            }
            if raw.starts_with("--") {
                return self.long(run);
            }
            if is_short(raw) && run.last == run.first + 1 && self.range_parts(run).is_none() {
                let letters = self.name(&raw[1..], run.start + 1..run.end);
                return Argument::Short { letters, span: self.span_of(run) };
            }
        }
        Argument::Positional { text: raw.into(), expr: self.value_or_block(run) }
    }

    /// Reads a run as a value, where `{}` is left for binding to decide.
    pub(super) fn value_or_block(&mut self, run: Run) -> Expr {
        match self.lone_brace(run) {
            Some(open) if self.braces_kind(open) == Braces::Empty => {
                let span = self.span_of(run);
                Expr { kind: ExprKind::Block(Block { statements: Vec::new(), span }), span }
            }
            _ => self.operand(run),
        }
    }

    /// `--name` or `--name=value`; the value may be any operand.
    fn long(&mut self, run: Run) -> Argument {
        let span = self.span_of(run);
        let start = run.start + 2;
        let word = self.raw(Run { start, end: run.end.min(self.end(run.first)), ..run });
        let Some(length) = word.find('=') else {
            return Argument::Long {
                name: self.name(self.raw(Run { start, ..run }), start..run.end),
                value: None,
                span,
            };
        };
        let name = self.name(&word[..length], start..start + length);
        let value = Run { start: start + length + 1, ..run };
        let value = if value.is_empty() {
            let empty: Arc<str> = "".into();
            self.expr(ExprKind::Literal(Literal::String(empty)), value.end..value.end)
        } else {
            self.value_or_block(self.normal(value))
        };
        Argument::Long { name, value: Some(value), span }
    }
}

/// `-abc`; not `-`, a number such as `-5`, or a negated value such as `-$x`.
fn is_short(raw: &str) -> bool {
    raw.len() > 1
        && raw.starts_with('-')
        && !raw.starts_with("-$")
        && !raw.starts_with("-(")
        && literal::read(raw).is_none()
}
