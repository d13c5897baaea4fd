//! Definitions, modules and what is taken in from other files.

use diag::{Diagnostic, codes};

use super::keyword::KEYWORDS;
use super::{Cursor, Parser, Run};
use crate::ast::*;
use crate::tokens::{Bracket, TokenKind};

impl Parser<'_> {
    /// A bare or quoted name.
    fn name_of(&mut self, run: Run) -> Option<Name> {
        let node = match self.kind(run.first) {
            Some(TokenKind::Quoted(_)) if run.last == run.first + 1 => self.quoted(run.first),
            Some(TokenKind::Word) => self.raw(run).into(),
            _ => return None,
        };
        Some(Spanned { node, span: self.span_of(run) })
    }

    fn name_missing(&mut self, keyword: Run, at: Option<Run>, help: &str) {
        let word = self.raw(keyword);
        let span = at.map_or(self.span_of(keyword), |run| self.span_of(run));
        self.report(
            Diagnostic::new(codes::NAME_EXPECTED, format!("`{word}` lacks a name"))
                .label(span, "expected a name")
                .help(help),
        );
    }

    pub(super) fn def(&mut self, first: Run, keyword: Run, cursor: &mut Cursor<'_>, exported: bool) -> Option<Keyword> {
        let (mut env, mut wrapped) = (false, false);
        while let Some(run) = cursor.run() {
            match self.raw(run) {
                "--env" => env = true,
                "--wrapped" => wrapped = true,
                _ => break,
            }
            cursor.next();
        }
        let help = "write `def name [parameters] { … }`; quote a name of several words";
        let Some(name) = cursor.run().and_then(|run| self.name_of(run)) else {
            self.name_missing(keyword, cursor.run(), help);
            return None;
        };
        if KEYWORDS.contains(&&*name.node) {
            self.report(
                Diagnostic::new(
                    codes::NAME_EXPECTED,
                    format!("`{}` is a keyword and cannot name a command", name.node),
                )
                .label(name.span, "a keyword")
                .help("choose another name"),
            );
        }
        cursor.next();
        let Some(run) = cursor.run().filter(|run| self.kind(run.first) == Some(TokenKind::Open(Bracket::Square)))
        else {
            let at = cursor.behind();
            self.report(
                Diagnostic::new(codes::UNREADABLE_SIGNATURE, format!("the parameters of `{}` are missing", name.node))
                    .label(cursor.run().map_or(self.span(at..at), |run| self.span_of(run)), "expected `[ … ]`")
                    .help(format!("write `def {} [] {{ … }}` when there are none", name.node)),
            );
            return None;
        };
        cursor.next();
        let signature_start = run.start;
        let inside = self.tokens.inside(run.first);
        let span = self.group_span(run.first);
        let parameters = self.deeper(span, |parser| parser.parameters(inside)).unwrap_or_default();
        let rest = self.normal(Run { first: self.tokens.after(run.first), start: span.end as usize, ..run });
        let body_ahead = cursor.rest().iter().position(|item| self.lone_brace(item.run).is_some());
        let typed = self.raw(rest).starts_with(':') || cursor.run().is_some_and(|run| self.raw(run).starts_with(':'));
        let mut signature_end = span.end as usize;
        let mut io = Vec::new();
        if typed {
            let mut types = cursor.split(body_ahead.unwrap_or(cursor.rest().len()));
            let colon = if rest.is_empty() { types.offset() } else { rest.start };
            types.at = types.items.len();
            signature_end = types.behind().max(colon + 1).max(rest.end);
            io = self.input_output(colon + 1..signature_end);
        } else if !rest.is_empty() {
            self.report(
                Diagnostic::new(codes::UNREADABLE_SIGNATURE, "this is glued to the parameters")
                    .label(self.span_of(rest), "expected `:` or the body")
                    .help("write `def name [parameters]: input -> output { … }`"),
            );
        }
        let signature = Signature { parameters, io, span: self.span(signature_start..signature_end) };
        let body = self.expect_block(keyword, cursor)?;
        let doc = self.doc_above(first.first);
        Some(Keyword::Def { name, signature, body, env, wrapped, exported, doc })
    }

    pub(super) fn module(&mut self, keyword: Run, cursor: &mut Cursor<'_>, exported: bool) -> Option<Keyword> {
        let Some(name) = cursor.run().and_then(|run| self.name_of(run)) else {
            self.name_missing(keyword, cursor.run(), "write `module name { … }`");
            return None;
        };
        cursor.next();
        let body = self.expect_block(keyword, cursor)?;
        Some(Keyword::Module { name, body, exported })
    }

    /// `use path`, then names: `name`, `name name`, `[name name]`, `*`.
    pub(super) fn import(&mut self, keyword: Run, cursor: &mut Cursor<'_>, exported: bool) -> Option<Keyword> {
        let Some(run) = cursor.run() else {
            self.name_missing(keyword, None, "write `use path/to/file.dora` or `use module [name name]`");
            return None;
        };
        cursor.next();
        let path = self.operand(run);
        let (mut names, mut all) = (Vec::new(), false);
        while let Some(run) = cursor.run() {
            cursor.next();
            if self.raw(run) == "*" {
                all = true;
                continue;
            }
            if self.kind(run.first) == Some(TokenKind::Open(Bracket::Square)) {
                let inside = self.tokens.inside(run.first);
                for index in inside {
                    if let Some(TokenKind::Word | TokenKind::Quoted(_)) = self.kind(index) {
                        let one = Run { first: index, last: index + 1, start: self.start(index), end: self.end(index) };
                        names.extend(self.name_of(one));
                    }
                }
                continue;
            }
            match self.name_of(run) {
                Some(name) => names.push(name),
                None => self.name_missing(
                    keyword,
                    Some(run),
                    "name what to import: `use module name`, `[name name]` or `*`",
                ),
            }
        }
        Some(Keyword::Use { path, names, all, exported })
    }

    pub(super) fn source_file(&mut self, keyword: Run, cursor: &mut Cursor<'_>) -> Option<Keyword> {
        let Some(run) = cursor.run() else {
            self.name_missing(keyword, None, "write `source path/to/file.dora`");
            return None;
        };
        cursor.next();
        Some(Keyword::Source { path: self.operand(run) })
    }
}
