//! Keyword forms: bindings, definitions, branches, loops, modules.

use std::ops::Range;

use diag::{Diagnostic, codes};

use super::collection::Braces;
use super::operand::variable_name;
use super::{Cursor, ItemKind, Parser, Run};
use crate::ast::*;
use crate::expression;
use crate::tokens::TokenKind;

/// Every word that opens a keyword form.
pub const KEYWORDS: &[&str] = &[
    "let", "mut", "const", "def", "export", "if", "match", "for", "while", "loop", "break", "continue", "return",
    "try", "module", "use", "source",
];

impl Parser<'_> {
    /// Reads a keyword form or an assignment; none when the stage begins otherwise.
    pub(super) fn keyword(&mut self, run: Run, cursor: &mut Cursor<'_>) -> Option<Expr> {
        if self.kind(run.first) != Some(TokenKind::Word) {
            return None;
        }
        let word = self.raw(run);
        if word.starts_with('$') {
            let operator = cursor.run_at(1).filter(|next| expression::ASSIGNMENTS.contains(&self.raw(*next)))?;
            return Some(self.assignment(run, operator, cursor));
        }
        if cursor.at == 0 && word.strip_prefix('@').is_some_and(|name| name.starts_with(|c: char| c.is_alphabetic())) {
            return Some(self.attribute(run, cursor));
        }
        if !KEYWORDS.contains(&word) {
            return None;
        }
        cursor.next();
        let keyword = match word {
            "export" => self.export(run, cursor),
            "let" => self.binding(BindingKind::Let, run, cursor, false),
            "mut" => self.binding(BindingKind::Mut, run, cursor, false),
            "const" => self.binding(BindingKind::Const, run, cursor, false),
            "def" => self.def(run, run, cursor, false),
            "if" => self.branch(run, cursor),
            "match" => self.choice(run, cursor),
            "for" => self.for_each(run, cursor),
            "while" => {
                self.condition_and_block(run, cursor).map(|(condition, body)| Keyword::While { condition, body })
            }
            "loop" => self.expect_block(run, cursor).map(|body| Keyword::Loop { body }),
            "break" => Some(Keyword::Break),
            "continue" => Some(Keyword::Continue),
            "return" => Some(self.return_value(cursor)),
            "try" => self.attempt(run, cursor),
            "module" => self.module(run, cursor, false),
            "use" => self.import(run, cursor, false),
            _ => self.source_file(run, cursor),
        };
        if keyword.is_none() {
            cursor.skip_to_pipe();
        }
        let kind = keyword.map_or(ExprKind::Error, |keyword| ExprKind::Keyword(Box::new(keyword)));
        Some(self.expr(kind, run.start..cursor.behind()))
    }

    /// `@name arguments`
    fn attribute(&mut self, run: Run, cursor: &mut Cursor<'_>) -> Expr {
        cursor.next();
        let name = self.name(&self.raw(run)[1..], run.start + 1..run.end);
        let mut arguments = Vec::new();
        self.arguments(cursor, false, &mut arguments, &mut Vec::new());
        let keyword = Keyword::Attribute { name, arguments };
        self.expr(ExprKind::Keyword(Box::new(keyword)), run.start..cursor.behind())
    }

    /// The rest of the statement, pipes and all.
    fn rest_as_pipeline(&mut self, cursor: &mut Cursor<'_>) -> Pipeline {
        let pipeline = self.pipeline(cursor);
        cursor.at = cursor.items.len();
        pipeline
    }

    /// A row that is one value: the expression itself when it is one stage, else a pipeline in brackets.
    pub(super) fn condition(&mut self, cursor: &mut Cursor<'_>) -> Expr {
        let pipeline = self.rest_as_pipeline(cursor);
        let span = pipeline.span;
        let mut elements = pipeline.elements;
        let alone = elements.len() == 1 && elements.iter().all(|one| one.env.is_empty() && one.redirections.is_empty());
        match elements.pop() {
            Some(only) if alone => only.expr,
            last => {
                elements.extend(last);
                let block = Block { statements: vec![Pipeline { elements, span }], span };
                Expr { kind: ExprKind::Subexpression(block), span }
            }
        }
    }

    fn assignment(&mut self, target: Run, operator: Run, cursor: &mut Cursor<'_>) -> Expr {
        cursor.next();
        cursor.next();
        let start = target.start;
        let target = self.operand(target);
        let raw = self.raw(operator);
        let op = if raw == "=" { raw } else { raw.trim_end_matches('=') };
        let op = Spanned { node: op.into(), span: self.span_of(operator) };
        if !matches!(target.kind, ExprKind::Variable(_) | ExprKind::Path { .. } | ExprKind::Error) {
            self.report(
                Diagnostic::new(codes::BAD_ASSIGNMENT, "this is not a variable, so nothing can be assigned to it")
                    .label(target.span, "expected `$name` or a path into it")
                    .help("write `$name = …`, `$name.field = …` or `$env.NAME = …`"),
            );
        }
        if cursor.peek().is_none() {
            self.report_missing(
                operator.end,
                Diagnostic::new(codes::OPERAND_MISSING, format!("`{raw}` lacks a value behind it"))
                    .label(op.span, "assigns nothing")
                    .help("write the value behind it"),
            );
            return self.error_at(start..operator.end);
        }
        let value = self.rest_as_pipeline(cursor);
        let keyword = Keyword::Assign { target, op, value };
        self.expr(ExprKind::Keyword(Box::new(keyword)), start..cursor.behind())
    }

    fn export(&mut self, export: Run, cursor: &mut Cursor<'_>) -> Option<Keyword> {
        let next = cursor.run();
        let word = next.map_or("", |run| self.raw(run));
        if let (Some(run), "def" | "const" | "use" | "module") = (next, word) {
            cursor.next();
            return match word {
                "def" => self.def(export, run, cursor, true),
                "const" => self.binding(BindingKind::Const, run, cursor, true),
                "use" => self.import(run, cursor, true),
                _ => self.module(run, cursor, true),
            };
        }
        let span = next.map_or(self.span_of(export), |run| self.span_of(run));
        self.report(
            Diagnostic::new(codes::BAD_EXPORT, "`export` stands before what cannot be exported")
                .label(span, "expected `def`, `const`, `use` or `module`")
                .help("a module exports its definitions: `export def name [] { … }`, `export const name = …`"),
        );
        None
    }

    fn bad_binding(&mut self, span: Range<usize>, label: &str, help: String) -> Option<Keyword> {
        let span = self.span(span);
        self.report(Diagnostic::new(codes::BAD_BINDING, "this binding cannot be read").label(span, label).help(help));
        None
    }

    fn binding(&mut self, kind: BindingKind, word: Run, cursor: &mut Cursor<'_>, exported: bool) -> Option<Keyword> {
        let keyword = self.raw(word);
        let Some(run) = cursor.run() else {
            return self.bad_binding(
                word.start..word.end,
                "no name follows",
                format!("write `{keyword} name = value`"),
            );
        };
        cursor.next();
        let Some((name, rest)) = self.variable_to_bind(run) else {
            let help = format!("write `{keyword} name = value`; names hold letters, digits, `_` and `-`");
            return self.bad_binding(run.start..run.end, "expected a name", help);
        };
        let equals =
            cursor.rest().iter().position(|item| item.kind == ItemKind::Run && self.raw(item.run).starts_with('='));
        let ends = cursor.rest().iter().position(|item| item.kind != ItemKind::Run).unwrap_or(cursor.rest().len());
        let equals = equals.filter(|at| *at < ends).and_then(|at| cursor.run_at(at));
        let stop = equals.map_or(cursor.rest().get(ends).map_or(cursor.end, |item| item.run.start), |run| run.start);
        let of = self.type_between(rest, stop);
        if of.is_some() {
            // The words of the type.
            while cursor.run().is_some_and(|run| run.start < stop) {
                cursor.next();
            }
        }
        match cursor.run() {
            Some(run) if self.raw(run) == "=" => {
                cursor.next();
                if cursor.peek().is_none() {
                    self.incomplete |= self.ends_at(run.end);
                    let help = format!("write `{keyword} {} = value`", name.node);
                    return self.bad_binding(run.start..run.end, "no value follows", help);
                }
                let value = self.rest_as_pipeline(cursor);
                Some(Keyword::Binding { kind, name, of, value: Some(value), exported })
            }
            Some(run) => {
                let help = format!("write `{keyword} {} = …`, with blanks around `=`", name.node);
                self.bad_binding(run.start..run.end, "expected `=` here", help)
            }
            None if self.raw(rest).starts_with('=') => {
                let help = format!("write `{keyword} {} = …`, with blanks around `=`", name.node);
                self.bad_binding(rest.start..rest.end, "glued to the name", help)
            }
            None => Some(Keyword::Binding { kind, name, of, value: None, exported }),
        }
    }

    /// `name`, `$name`, each with `:` or more glued on, which is returned beside it.
    fn variable_to_bind(&mut self, run: Run) -> Option<(Name, Run)> {
        let raw = self.raw(run);
        let lead = usize::from(raw.starts_with('$'));
        let name = variable_name(&raw[lead..]);
        let end = run.start + lead + name.len();
        let rest = Run { start: end, ..run };
        let follows = self.raw(rest);
        if name.is_empty() || name.starts_with('-') || !(follows.is_empty() || follows.starts_with([':', '='])) {
            return None;
        }
        Some((self.name(name, run.start + lead..end), rest))
    }

    /// The type text between the `:` that `rest` begins with and `stop`.
    fn type_between(&mut self, rest: Run, stop: usize) -> Option<Name> {
        let colon = self.raw(rest).starts_with(':').then_some(rest.start)?;
        let text = self.text.get(colon + 1..stop).unwrap_or_default();
        let start = colon + 1 + (text.len() - text.trim_start().len());
        let text = text.trim();
        if text.is_empty() {
            self.report(
                Diagnostic::new(codes::BAD_BINDING, "a type is missing behind this `:`")
                    .label(self.span(colon..colon + 1), "which type?")
                    .help("write a type such as `int` or `list<string>`, or remove the `:`"),
            );
            return None;
        }
        Some(self.name(text, start..start + text.len()))
    }

    fn return_value(&mut self, cursor: &mut Cursor<'_>) -> Keyword {
        match cursor.peek() {
            Some(item) if item.kind == ItemKind::Run => Keyword::Return(Some(self.rest_as_pipeline(cursor))),
            _ => Keyword::Return(None),
        }
    }

    fn block_missing(&mut self, keyword: Run, at: usize) {
        let word = self.raw(keyword);
        self.report(
            Diagnostic::new(codes::BLOCK_EXPECTED, format!("`{word}` lacks its block"))
                .label(self.span(at..at), "expected `{ … }` here")
                .label(self.span_of(keyword), format!("`{word}` begins here"))
                .help("add the block; a condition that ends in braces belongs in `( )`"),
        );
    }

    pub(super) fn expect_block(&mut self, keyword: Run, cursor: &mut Cursor<'_>) -> Option<Block> {
        match cursor.run().and_then(|run| self.lone_brace(run)) {
            Some(open) => {
                cursor.next();
                Some(self.block_of(open))
            }
            None => {
                self.block_missing(keyword, cursor.behind());
                None
            }
        }
    }

    /// How far ahead the `{ … }` is that ends a condition: the first where an operator could stand, or behind a call.
    fn block_ahead(&self, cursor: &Cursor<'_>) -> Option<usize> {
        let (mut operand_expected, mut first, mut call) = (true, true, false);
        for (ahead, item) in cursor.rest().iter().enumerate() {
            match item.kind {
                ItemKind::Run => {}
                ItemKind::Pipe(_) => {
                    (operand_expected, first, call) = (true, true, false);
                    continue;
                }
                _ => return None,
            }
            let brace = self.lone_brace(item.run);
            if let Some(open) = brace
                && (call || !operand_expected)
                && !matches!(self.braces_kind(open), Braces::Closure(_))
            {
                return Some(ahead);
            }
            let raw = self.raw(item.run);
            call |= first && !self.starts_expression(item.run) && !KEYWORDS.contains(&raw);
            first = false;
            if operand_expected {
                operand_expected = raw == "not";
            } else {
                operand_expected = expression::level(raw).is_some();
            }
        }
        None
    }

    /// The row before a block, and the block.
    fn condition_and_block(&mut self, keyword: Run, cursor: &mut Cursor<'_>) -> Option<(Expr, Block)> {
        let Some(ahead) = self.block_ahead(cursor) else {
            let at = cursor.items.last().map_or(cursor.end, |item| item.run.end);
            self.block_missing(keyword, at);
            return None;
        };
        let mut head = cursor.split(ahead);
        let condition = self.condition(&mut head);
        let body = self.expect_block(keyword, cursor)?;
        Some((condition, body))
    }

    fn branch(&mut self, keyword: Run, cursor: &mut Cursor<'_>) -> Option<Keyword> {
        let (condition, then) = self.condition_and_block(keyword, cursor)?;
        let Some(word) = cursor.run().filter(|run| self.raw(*run) == "else") else {
            return Some(Keyword::If { condition, then, otherwise: None });
        };
        cursor.next();
        let otherwise = match cursor.run() {
            Some(run) if self.raw(run) == "if" => {
                cursor.next();
                let span = self.span_of(run);
                let nested = self.deeper(span, |parser| parser.branch(run, cursor)).flatten();
                if nested.is_none() {
                    cursor.skip_to_pipe();
                }
                let kind = nested.map_or(ExprKind::Error, |nested| ExprKind::Keyword(Box::new(nested)));
                self.expr(kind, run.start..cursor.behind())
            }
            Some(run) if self.raw(run) == "match" => {
                cursor.next();
                let nested = self.choice(run, cursor);
                let kind = nested.map_or(ExprKind::Error, |nested| ExprKind::Keyword(Box::new(nested)));
                self.expr(kind, run.start..cursor.behind())
            }
            _ => match self.expect_block(word, cursor) {
                Some(block) => Expr { span: block.span, kind: ExprKind::Block(block) },
                None => {
                    cursor.skip_to_pipe();
                    self.error_at(word.end..word.end)
                }
            },
        };
        Some(Keyword::If { condition, then, otherwise: Some(otherwise) })
    }

    fn choice(&mut self, keyword: Run, cursor: &mut Cursor<'_>) -> Option<Keyword> {
        let Some(ahead) = self.block_ahead(cursor) else {
            self.block_missing(keyword, cursor.items.last().map_or(cursor.end, |item| item.run.end));
            return None;
        };
        let mut head = cursor.split(ahead);
        let subject = self.condition(&mut head);
        let open = cursor.run().and_then(|run| self.lone_brace(run))?;
        cursor.next();
        let span = self.group_span(open);
        let arms = self.deeper(span, |parser| parser.arms(open)).unwrap_or_default();
        Some(Keyword::Match { subject, arms })
    }

    fn for_each(&mut self, keyword: Run, cursor: &mut Cursor<'_>) -> Option<Keyword> {
        let is_in = |parser: &Self, run: Run| parser.raw(run) == "in";
        let named = cursor.run().filter(|run| !is_in(self, *run));
        let Some((name, rest)) = named.and_then(|run| self.variable_to_bind(run)) else {
            let span = cursor.run().map_or(self.span_of(keyword), |run| self.span_of(run));
            self.report(
                Diagnostic::new(codes::NAME_EXPECTED, "`for` lacks the name of its variable")
                    .label(span, "expected a name")
                    .help("write `for name in items { … }`"),
            );
            return None;
        };
        cursor.next();
        let ahead = cursor.rest().iter().position(|item| item.kind == ItemKind::Run && is_in(self, item.run));
        let Some(ahead) = ahead else {
            self.report(
                Diagnostic::new(codes::NAME_EXPECTED, "`for` lacks its `in`")
                    .label(name.span, "expected `in` behind this")
                    .help(format!("write `for {} in items {{ … }}`", name.node)),
            );
            return None;
        };
        cursor.split(ahead);
        let of = self.type_between(rest, cursor.offset());
        cursor.next();
        let (items, body) = self.condition_and_block(keyword, cursor)?;
        Some(Keyword::For { variable: name, of, items, body })
    }

    fn attempt(&mut self, keyword: Run, cursor: &mut Cursor<'_>) -> Option<Keyword> {
        let body = self.expect_block(keyword, cursor)?;
        let catch = self.handler("catch", cursor);
        let finally = self.handler("finally", cursor);
        Some(Keyword::Try { body, catch, finally })
    }

    /// `catch {|e| … }`: a block, a closure, or a variable that holds one.
    fn handler(&mut self, word: &str, cursor: &mut Cursor<'_>) -> Option<Expr> {
        let keyword = cursor.run().filter(|run| self.raw(*run) == word)?;
        cursor.next();
        let Some(run) = cursor.run() else {
            self.block_missing(keyword, cursor.behind());
            return Some(self.error_at(keyword.end..keyword.end));
        };
        cursor.next();
        let Some(open) = self.lone_brace(run) else { return Some(self.operand(run)) };
        if matches!(self.braces_kind(open), Braces::Closure(_)) {
            return Some(self.operand(run));
        }
        let block = self.block_of(open);
        Some(Expr { span: block.span, kind: ExprKind::Block(block) })
    }
}
