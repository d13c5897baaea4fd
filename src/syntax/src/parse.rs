//! Tokens to tree.
//!
//! Each bracket's content is cut into items first: runs of neighbouring tokens that make one word, pipes, and ends of
//! statements. Statements and stages are read off the items; a run is read by itself ([`operand`]), and a row of
//! operands and operators is hung by [`crate::expression`]. Whoever finds something wrong reports it, puts an
//! [`ExprKind::Error`] in its place and goes on behind it.

use std::ops::Range;

use diag::{Diagnostic, Source, Span, codes};

use crate::ast::*;
use crate::tokens::{TokenKind, Tokens};
use items::{Cursor, Item, ItemKind, Newlines, Run, glues};

mod call;
mod collection;
mod definition;
mod items;
mod keyword;
mod operand;
mod pattern;
mod row;
mod signature;

pub use call::CONDITIONAL;
pub use keyword::KEYWORDS;

/// A text, read.
#[derive(Debug)]
pub struct Parsed {
    pub block: Block,
    /// All that is wrong, in the order of the text.
    pub errors: Vec<Diagnostic>,
    pub tokens: Tokens,
    /// Whether more text could mend it: an open bracket or quote, or an operator or `|` at the very end.
    pub incomplete: bool,
}

/// Reads a program. Never fails: what is wrong is in `errors`, and all else in the tree.
pub fn parse(source: &Source) -> Parsed {
    let (tokens, errors) = Tokens::read(source);
    let mut parser = Parser { source, text: &source.text, tokens: &tokens, errors, depth: 0, incomplete: false };
    let block = parser.block(0..tokens.len(), Newlines::End);
    let Parser { mut errors, incomplete, .. } = parser;
    errors.sort_by_key(|error| error.labels.first().map_or(0, |label| label.span.start));
    // No more text gives a stray bracket something to close.
    let stray = tokens.iter().any(|token| matches!(token.kind, TokenKind::Stray(_)));
    let incomplete = (incomplete || tokens.unclosed()) && !stray;
    Parsed { block, errors, tokens, incomplete }
}

/// Deeper than anyone writes, and shallow enough for every thread that walks the tree.
const DEEPEST: usize = 128;
/// Operators in one expression; a chain hangs as deep as it is long.
const LONGEST: usize = 256;
/// Errors beyond these help nobody.
const MOST_ERRORS: usize = 100;

struct Parser<'s> {
    source: &'s Source,
    text: &'s str,
    tokens: &'s Tokens,
    errors: Vec<Diagnostic>,
    depth: usize,
    incomplete: bool,
}

impl<'s> Parser<'s> {
    #[expect(clippy::boxed_local, reason = "diagnostics are built in a box")]
    fn report(&mut self, diagnostic: Box<Diagnostic>) {
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(*diagnostic);
        }
    }

    /// Reports something that a next line could still bring, when this is the end of the text.
    fn report_missing(&mut self, offset: usize, diagnostic: Box<Diagnostic>) {
        self.incomplete |= self.ends_at(offset);
        self.report(diagnostic);
    }

    /// Whether nothing but blanks stands behind a place.
    fn ends_at(&self, offset: usize) -> bool {
        self.text.get(offset..).is_some_and(|rest| rest.trim().is_empty())
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.source.id, range.start, range.end)
    }

    fn span_of(&self, run: Run) -> Span {
        self.span(run.start..run.end)
    }

    fn raw(&self, run: Run) -> &'s str {
        self.text.get(run.start..run.end).unwrap_or_default()
    }

    /// A run as messages quote it: the beginning, on one line.
    fn shown(&self, run: Run) -> String {
        let raw = self.raw(run);
        let line = raw.lines().next().unwrap_or_default();
        let cut: String = line.chars().take(40).collect();
        if cut.len() < raw.len() { format!("{cut}…") } else { cut }
    }

    fn expr(&self, kind: ExprKind, range: Range<usize>) -> Expr {
        Expr { kind, span: self.span(range) }
    }

    fn error_at(&self, range: Range<usize>) -> Expr {
        self.expr(ExprKind::Error, range)
    }

    fn name(&self, text: &str, range: Range<usize>) -> Name {
        Spanned { node: text.into(), span: self.span(range) }
    }

    fn kind(&self, index: usize) -> Option<TokenKind> {
        self.tokens.get(index).map(|token| token.kind)
    }

    fn start(&self, index: usize) -> usize {
        self.tokens.get(index).map_or(self.text.len(), |token| token.start as usize)
    }

    fn end(&self, index: usize) -> usize {
        self.tokens.get(index).map_or(self.text.len(), |token| token.end as usize)
    }

    /// Runs `read` one level deeper, or reports that there are too many levels.
    fn deeper<T>(&mut self, span: Span, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= DEEPEST {
            self.report(
                Diagnostic::new(codes::NESTED_TOO_DEEP, format!("brackets are nested more than {DEEPEST} deep"))
                    .label(span, "this level is not read any more")
                    .help("bind a part to a name with `let`, or put long data into a file and `open` it"),
            );
            return None;
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        Some(result)
    }

    /// The statements in a range of tokens.
    fn block(&mut self, range: Range<usize>, newlines: Newlines) -> Block {
        let (start, end) = (self.start(range.start), self.start(range.end));
        let items = self.items(range, newlines, false);
        let mut statements = Vec::new();
        let mut at = 0;
        while at < items.len() {
            let rest = items.get(at..).unwrap_or_default();
            let length = rest.iter().position(|item| matches!(item.kind, ItemKind::End { .. })).unwrap_or(rest.len());
            let statement = rest.get(..length).unwrap_or_default();
            if !statement.is_empty() {
                let end = rest.get(length).map_or(end, |item| item.run.start);
                statements.push(self.pipeline(&mut Cursor::new(statement, end)));
            }
            at += length + 1;
        }
        Block { statements, span: self.span(start..end.max(start)) }
    }

    /// The block of a `{ … }` that a keyword form asked for.
    fn block_of(&mut self, brace: usize) -> Block {
        let inside = self.tokens.inside(brace);
        let span = self.group_span(brace);
        let block = self.deeper(span, |parser| parser.block(inside, Newlines::End));
        Block { statements: block.map_or(Vec::new(), |block| block.statements), span }
    }

    /// The whole of a group, brackets included.
    fn group_span(&self, open: usize) -> Span {
        let last = self.tokens.after(open).saturating_sub(1);
        self.span(self.start(open)..self.end(last).max(self.end(open)))
    }

    /// Reads stages to the end of the row.
    fn pipeline(&mut self, cursor: &mut Cursor<'_>) -> Pipeline {
        let start = cursor.offset();
        let mut elements = Vec::new();
        loop {
            let mut element = self.element(cursor);
            if cursor.peek().is_some_and(|item| !matches!(item.kind, ItemKind::Pipe(_))) {
                self.unexpected(cursor, &element.expr);
                cursor.skip_to_pipe();
            }
            let Some(Item { kind: ItemKind::Pipe(from), run }) = cursor.next() else {
                elements.push(element);
                break;
            };
            element.pipe = from;
            elements.push(element);
            if cursor.peek().is_none() {
                self.report_missing(
                    run.end,
                    Diagnostic::new(codes::EMPTY_STAGE, "nothing stands after this `|`")
                        .label(self.span_of(run), "leads nowhere")
                        .help("add the next stage, or remove the `|`"),
                );
                break;
            }
        }
        Pipeline { elements, span: self.span(start..cursor.behind().max(start)) }
    }

    fn element(&mut self, cursor: &mut Cursor<'_>) -> Element {
        let start = cursor.offset();
        let env = self.environment(cursor);
        let mut redirections = Vec::new();
        self.redirections(cursor, &mut redirections);
        let expr = match cursor.run() {
            Some(run) => self.stage(run, cursor, &mut redirections),
            None => self.empty_stage(cursor, &env, start),
        };
        self.redirections(cursor, &mut redirections);
        let end = cursor.behind().max(start);
        Element { env, expr, redirections, pipe: PipeFrom::Out, span: self.span(start..end) }
    }

    fn stage(&mut self, run: Run, cursor: &mut Cursor<'_>, redirections: &mut Vec<Redirection>) -> Expr {
        if let Some(keyword) = self.keyword(run, cursor) {
            return keyword;
        }
        if self.starts_expression(run) {
            return self.expression(cursor);
        }
        self.call(run, cursor, redirections)
    }

    fn empty_stage(&mut self, cursor: &Cursor<'_>, env: &[(Name, Expr)], start: usize) -> Expr {
        let at = cursor.offset();
        let nothing = self.error_at(start.max(cursor.behind())..start.max(cursor.behind()));
        if let Some((name, value)) = env.last() {
            let text = &name.node;
            self.report(
                Diagnostic::new(codes::ENVIRONMENT_ALONE, format!("`{text}=…` sets the environment of no call"))
                    .label(name.span.to(value.span), "no command follows")
                    .help(format!("add the command, or write `$env.{text} = …` for all that follows; `let {text} = …` binds a name")),
            );
            return nothing;
        }
        let before = cursor.at.checked_sub(1).and_then(|at| cursor.items.get(at));
        let doubled = before.filter(|item| item.run.end == at && matches!(item.kind, ItemKind::Pipe(_)));
        let diagnostic = match (doubled, cursor.peek()) {
            (Some(first), Some(second)) => Diagnostic::new(codes::FOREIGN_OPERATOR, "`||` is not an operator here")
                .label(self.span(first.run.start..second.run.end), "two pipes with nothing between them")
                .help("`or` joins conditions; `try { … } catch { … }` runs something else after a failure"),
            (_, item) => {
                let run = item.map_or(self.span(at..at), |item| self.span_of(item.run));
                Diagnostic::new(codes::EMPTY_STAGE, "a stage of the pipeline is empty")
                    .label(run, "nothing stands before this")
                    .help("add a command or a value, or remove the `|`")
            }
        };
        self.report(diagnostic);
        nothing
    }

    /// `NAME=value` before a command, as often as it is there.
    fn environment(&mut self, cursor: &mut Cursor<'_>) -> Vec<(Name, Expr)> {
        let mut env = Vec::new();
        while let Some(run) = cursor.run() {
            let Some(length) = self.environment_name(run) else { break };
            cursor.next();
            let name = self.name(&self.raw(run)[..length], run.start..run.start + length);
            let value = Run { start: run.start + length + 1, ..run };
            let value = if value.is_empty() {
                self.expr(ExprKind::Literal(Literal::String("".into())), value.end..value.end)
            } else {
                self.operand(self.normal(value))
            };
            env.push((name, value));
        }
        env
    }

    /// How long `NAME` of a `NAME=value` is.
    fn environment_name(&self, run: Run) -> Option<usize> {
        if self.kind(run.first) != Some(TokenKind::Word) {
            return None;
        }
        let (name, value) = self.raw(run).split_once('=')?;
        let first = name.bytes().next()?;
        let is_name = (first.is_ascii_alphabetic() || first == b'_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        (is_name && !value.starts_with(['=', '~'])).then_some(name.len())
    }

    fn redirections(&mut self, cursor: &mut Cursor<'_>, into: &mut Vec<Redirection>) {
        while let Some(Item { kind: ItemKind::Redirect { from, append }, run }) = cursor.peek() {
            cursor.next();
            let target = match cursor.run() {
                Some(target) => {
                    cursor.next();
                    self.operand(target)
                }
                None => {
                    self.report(
                        Diagnostic::new(codes::BAD_REDIRECTION, "this redirection names no file")
                            .label(self.span_of(run), "the file is missing")
                            .help("write the file behind it, as in `o> out.txt`"),
                    );
                    self.error_at(run.end..run.end)
                }
            };
            let span = self.span_of(run).to(target.span);
            into.push(Redirection { from, append, target, span });
        }
    }

    /// Reports what stands behind a complete stage.
    fn unexpected(&mut self, cursor: &Cursor<'_>, stage: &Expr) {
        let Some(item) = cursor.peek() else { return };
        let (raw, span) = (self.shown(item.run), self.span_of(item.run));
        if let Some(help) = foreign(&raw) {
            self.report(foreign_operator(&raw, span, help));
        } else if matches!(stage.kind, ExprKind::Keyword(_)) {
            self.report(
                Diagnostic::new(codes::EXTRA_TEXT, format!("`{raw}` follows a form that is complete"))
                    .label(span, "does not belong to it")
                    .help("begin a new line, or put `;` or `|` before it"),
            );
        } else if !matches!(stage.kind, ExprKind::Error) {
            self.report(
                Diagnostic::new(codes::OPERATOR_MISSING, format!("expected an operator before `{raw}`"))
                    .label(span, "a second value")
                    .label(stage.span, "the first ends here")
                    .help("put an operator, `|` or `;` between them; to run a program write `^` before its name"),
            );
        }
    }
}

fn foreign_operator(raw: &str, span: Span, help: &str) -> Box<Diagnostic> {
    Diagnostic::new(codes::FOREIGN_OPERATOR, format!("`{raw}` is not an operator here"))
        .label(span, "of another language")
        .help(help)
}

/// What to write instead of other shells' and languages' operators.
fn foreign(word: &str) -> Option<&'static str> {
    Some(match word {
        "&&" => "write `;` to run one after the other, or `and` between conditions",
        "=" => "write `==` to compare; `let name = …` binds a name",
        "===" => "write `==`",
        "!==" | "<>" => "write `!=`",
        "&" => "write `job spawn { … }` to run it in the background",
        "!" => "write `not`",
        "%" => "write `mod`",
        "?" => "write `if … { … } else { … }`",
        "??" => "write `| default …`",
        _ => return None,
    })
}
