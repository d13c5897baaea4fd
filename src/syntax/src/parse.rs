//! Tokens to tree.
//!
//! Each bracket's content is cut into items first: runs of neighbouring tokens that make one word, pipes, and ends of
//! statements. Statements and stages are read off the items; a run is read by itself ([`operand`]), and a row of
//! operands and operators is hung by [`crate::expression`]. Whoever finds something wrong reports it, puts an
//! [`ExprKind::Error`] in its place and goes on behind it.

use std::ops::Range;
use std::sync::Arc;

use diag::{Diagnostic, Source, Span, codes};

use crate::ast::*;
use crate::expression::{self, Piece, Tree};
use crate::tokens::{Bracket, TokenKind, Tokens};

mod call;
mod collection;
mod keyword;
mod operand;
mod pattern;
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
    let incomplete = incomplete || tokens.unclosed();
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

/// What a newline does: ends a statement in `{ }` and at the top, is a blank in `( )`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Newlines {
    End,
    Blank,
}

/// Neighbouring tokens `first..last`, and the bytes of them that are meant: a prefix may be cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    first: usize,
    last: usize,
    start: usize,
    end: usize,
}

impl Run {
    fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ItemKind {
    Run,
    Pipe(PipeFrom),
    Redirect { from: PipeFrom, append: bool },
    Comma,
    End { newline: bool },
}

#[derive(Debug, Clone, Copy)]
struct Item {
    kind: ItemKind,
    run: Run,
}

/// A place in a row of items.
#[derive(Debug, Clone, Copy)]
struct Cursor<'i> {
    items: &'i [Item],
    at: usize,
    /// Where the row ends in the text, for telling what is missing there.
    end: usize,
}

impl<'i> Cursor<'i> {
    fn new(items: &'i [Item], end: usize) -> Self {
        Cursor { items, at: 0, end }
    }

    fn peek(&self) -> Option<Item> {
        self.items.get(self.at).copied()
    }

    fn run(&self) -> Option<Run> {
        self.run_at(0)
    }

    fn run_at(&self, ahead: usize) -> Option<Run> {
        self.items.get(self.at + ahead).filter(|item| item.kind == ItemKind::Run).map(|item| item.run)
    }

    fn next(&mut self) -> Option<Item> {
        let item = self.peek()?;
        self.at += 1;
        Some(item)
    }

    fn rest(&self) -> &'i [Item] {
        self.items.get(self.at..).unwrap_or_default()
    }

    /// The items before `ahead`, as a row of their own; this one goes on behind them.
    fn split(&mut self, ahead: usize) -> Cursor<'i> {
        let rest = self.rest();
        let (before, after) = rest.split_at(ahead.min(rest.len()));
        self.at += before.len();
        Cursor::new(before, after.first().map_or(self.end, |item| item.run.start))
    }

    /// Where the next item begins, or the row ends.
    fn offset(&self) -> usize {
        self.peek().map_or(self.end, |item| item.run.start)
    }

    /// Where the item before ends.
    fn behind(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.items.get(at)).map_or(self.offset(), |item| item.run.end)
    }

    fn skip_to_pipe(&mut self) {
        while self.peek().is_some_and(|item| !matches!(item.kind, ItemKind::Pipe(_))) {
            self.at += 1;
        }
    }
}

impl<'s> Parser<'s> {
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

    /// The token of a run that is nothing but `{ … }`.
    fn lone_brace(&self, run: Run) -> Option<usize> {
        let brace = self.kind(run.first) == Some(TokenKind::Open(Bracket::Curly));
        (brace && self.tokens.after(run.first) == run.last).then_some(run.first)
    }

    /// The first token from `index` on that is neither blank, newline nor comment.
    fn significant(&self, index: usize, end: usize) -> usize {
        let mut index = index;
        while index < end
            && matches!(self.kind(index), Some(TokenKind::Blank | TokenKind::Newline | TokenKind::Comment))
        {
            index += 1;
        }
        index
    }

    /// The run that begins at `first`: up to a blank, a separator, or what `glued` refuses.
    fn run_from(&self, first: usize, end: usize, glued: impl Fn(TokenKind) -> bool) -> Run {
        let mut last = first;
        while last < end && self.kind(last).is_some_and(&glued) {
            last = self.tokens.after(last).min(end);
        }
        let end = if last > first { self.end(last - 1) } else { self.start(first) };
        Run { first, last, start: self.start(first), end }
    }

    fn items(&self, range: Range<usize>, newlines: Newlines, commas_separate: bool) -> Vec<Item> {
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
                    .help(format!("add the command, or write `$env.{text} = …` to set it for all that follows")),
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

    /// Whether a stage that begins with this run is an expression; else it is a call.
    fn starts_expression(&self, run: Run) -> bool {
        match self.kind(run.first) {
            Some(TokenKind::Word) => {}
            Some(TokenKind::Colon | TokenKind::Comma) | None => return false,
            Some(_) => return true,
        }
        let raw = self.raw(run);
        raw.starts_with('$')
            || raw == "not"
            || raw.starts_with("-$")
            || raw.starts_with("-(")
            || ["0x[", "0b[", "0o["].iter().any(|prefix| raw.starts_with(prefix))
            || crate::literal::read(raw).is_some()
            || self.range_parts(run).is_some()
    }

    /// Reads operands and operators as far as they go.
    fn expression(&mut self, cursor: &mut Cursor<'_>) -> Expr {
        let start = cursor.offset();
        let mut row = Vec::new();
        let mut operands: Vec<Option<Expr>> = Vec::new();
        let mut operators: Vec<Spanned<Arc<str>>> = Vec::new();
        loop {
            if row.len() > 2 * LONGEST {
                return self.too_long(cursor, start);
            }
            let run = cursor.run();
            let raw = run.map_or("", |run| self.raw(run));
            match run {
                Some(run) if raw == "not" => {
                    cursor.next();
                    row.push(Piece::Not(operators.len()));
                    operators.push(Spanned { node: raw.into(), span: self.span_of(run) });
                    continue;
                }
                Some(run) if expression::level(raw).is_none() => {
                    cursor.next();
                    row.push(Piece::Operand(operands.len()));
                    let operand = self.operand(run);
                    operands.push(Some(operand));
                }
                _ => {
                    self.operand_missing(cursor, operators.last());
                    row.push(Piece::Operand(operands.len()));
                    operands.push(Some(self.error_at(cursor.behind()..cursor.behind())));
                }
            }
            let Some(run) = cursor.run() else { break };
            let Some(level) = expression::level(self.raw(run)) else { break };
            cursor.next();
            row.push(Piece::Infix(operators.len(), level));
            operators.push(Spanned { node: self.raw(run).into(), span: self.span_of(run) });
        }
        match expression::hang(row) {
            Some(tree) => plant(tree, &mut operands, &operators),
            None => self.error_at(start..cursor.behind()),
        }
    }

    fn too_long(&mut self, cursor: &mut Cursor<'_>, start: usize) -> Expr {
        cursor.skip_to_pipe();
        let span = self.span(start..cursor.behind());
        self.report(
            Diagnostic::new(codes::NESTED_TOO_DEEP, format!("one expression chains more than {LONGEST} operators"))
                .label(span, "too long")
                .help("bind a part to a name with `let`, or use a list and `math sum` or `str join`"),
        );
        Expr { kind: ExprKind::Error, span }
    }

    fn operand_missing(&mut self, cursor: &Cursor<'_>, operator: Option<&Spanned<Arc<str>>>) {
        let diagnostic = match (operator, cursor.run()) {
            (Some(operator), _) => {
                Diagnostic::new(codes::OPERAND_MISSING, format!("`{}` lacks a value behind it", operator.node))
                    .label(operator.span, "its right side is missing")
            }
            (None, Some(run)) => {
                Diagnostic::new(codes::OPERAND_MISSING, format!("`{}` lacks a value before it", self.raw(run)))
                    .label(self.span_of(run), "its left side is missing")
            }
            (None, None) => Diagnostic::new(codes::OPERAND_MISSING, "a value is missing")
                .label(self.span(cursor.behind()..cursor.offset().max(cursor.behind())), "expected here"),
        };
        self.report_missing(cursor.behind(), diagnostic.help("add the value, or remove the operator"));
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

/// Whether a token belongs to the word it touches.
fn glues(kind: TokenKind) -> bool {
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

fn plant(tree: Tree, operands: &mut [Option<Expr>], operators: &[Spanned<Arc<str>>]) -> Expr {
    let nothing = || Expr { kind: ExprKind::Error, span: Span::default() };
    match tree {
        Tree::Operand(index) => operands.get_mut(index).and_then(Option::take).unwrap_or_else(nothing),
        Tree::Not(operator, operand) => {
            let operand = plant(*operand, operands, operators);
            let Some(operator) = operators.get(operator) else { return operand };
            let op = Spanned { node: UnaryOp::Not, span: operator.span };
            let span = operator.span.to(operand.span);
            Expr { kind: ExprKind::Unary { op, operand: Box::new(operand) }, span }
        }
        Tree::Infix { operator, left, right } => {
            let left = plant(*left, operands, operators);
            let right = plant(*right, operands, operators);
            let Some(op) = operators.get(operator).cloned() else { return left };
            let span = left.span.to(right.span);
            Expr { kind: ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) }, span }
        }
    }
}
