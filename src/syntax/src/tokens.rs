//! Text to tokens: lossless, bracketed, and never failing.
//!
//! Tokens lie flat in one list, and an opening bracket knows the index of its partner, so that a text nested a
//! million deep costs memory and no stack. What is wrong with brackets and quotes is reported beside the list; the
//! list is whole all the same. Blanks decide what a word is, so commas and colons are always tokens of their own and
//! the parser glues neighbours back together where its place says they are one word.

use std::ops::Range;

use diag::{Diagnostic, Source, Span, codes};

use crate::ast::PipeFrom;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Blanks and tabs.
    Blank,
    Newline,
    /// From `#` to the line's end.
    Comment,
    /// Anything without a meaning of its own here: names, numbers, operators, flags, variables.
    Word,
    Quoted(Quote),
    /// `$"` or `$'`; texts and round brackets follow up to the closing quote.
    InterpolationOpen(Quote),
    InterpolationText,
    InterpolationClose,
    Open(Bracket),
    Close(Bracket),
    /// A closing bracket that nothing opened.
    Stray(Bracket),
    /// `|`, `e>|` or `o+e>|`.
    Pipe(PipeFrom),
    Semicolon,
    Comma,
    Colon,
    /// `o>`, `e>`, `o+e>` and, appending, `o>>`, `e>>`, `o+e>>`.
    Redirect {
        from: PipeFrom,
        append: bool,
    },
}

/// How a string is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quote {
    Single,
    Double,
    Backtick,
    /// `r#'…'#`
    Raw,
}

/// Which of the three kinds of brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bracket {
    Round,
    Square,
    Curly,
}

impl Bracket {
    /// `(`, `[` or `{`.
    pub fn open(self) -> char {
        match self {
            Bracket::Round => '(',
            Bracket::Square => '[',
            Bracket::Curly => '{',
        }
    }

    /// `)`, `]` or `}`.
    pub fn close(self) -> char {
        match self {
            Bracket::Round => ')',
            Bracket::Square => ']',
            Bracket::Curly => '}',
        }
    }
}

/// One piece of text; `start..end` are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    pub start: u32,
    pub end: u32,
    /// Opening: index of the closing token, or of what follows the group when it was never closed. Closing: index of
    /// the opening one. Quoted: 1 when the closing quote is there.
    partner: u32,
}

impl Token {
    /// The bytes it covers.
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// All tokens of one text; laid end to end they are the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tokens {
    list: Vec<Token>,
    unclosed: bool,
}

impl Tokens {
    /// Reads a text, and tells what is wrong with its brackets and quotes.
    pub fn read(source: &Source) -> (Tokens, Vec<Diagnostic>) {
        Lexer::new(source).run()
    }

    /// The leaves in the order of the text: what a highlighter walks.
    pub fn iter(&self) -> impl Iterator<Item = &Token> {
        self.list.iter()
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The token at an index, or none behind the last.
    pub fn get(&self, index: usize) -> Option<&Token> {
        self.list.get(index)
    }

    /// Whether a bracket or quote was still open at the text's end.
    pub fn unclosed(&self) -> bool {
        self.unclosed
    }

    /// The token that covers a byte, or ends right before it at the text's end.
    pub fn at(&self, offset: usize) -> Option<usize> {
        let after = self.list.partition_point(|token| (token.start as usize) <= offset);
        after.checked_sub(1)
    }

    /// The token that closes the group or string opened at `open`, or none when it was never closed.
    pub fn closing(&self, open: usize) -> Option<usize> {
        let partner = self.list.get(open)?.partner as usize;
        let close = self.list.get(partner)?;
        let closes = matches!(close.kind, TokenKind::Close(_) | TokenKind::InterpolationClose);
        (closes && close.partner as usize == open).then_some(partner)
    }

    /// The tokens between an opening one and its end.
    pub fn inside(&self, open: usize) -> Range<usize> {
        open + 1..self.list.get(open).map_or(open + 1, |token| token.partner as usize)
    }

    /// The index after the group opened at `open`, or after a token that opens none.
    pub fn after(&self, index: usize) -> usize {
        match self.list.get(index).map(|token| token.kind) {
            Some(TokenKind::Open(_) | TokenKind::InterpolationOpen(_)) => {
                self.closing(index).map_or(self.inside(index).end, |close| close + 1)
            }
            _ => index + 1,
        }
    }

    /// Whether a quoted token has its closing quote.
    pub fn is_closed_quote(&self, index: usize) -> bool {
        self.list.get(index).is_some_and(|token| token.partner == 1)
    }
}

/// More than anyone reads; a binary file taken for a script would otherwise give millions.
const MOST_ERRORS: usize = 100;

struct Lexer<'s> {
    source: &'s Source,
    text: &'s str,
    at: usize,
    list: Vec<Token>,
    /// Indices of what is open, outermost first.
    open: Vec<usize>,
    /// How many of each bracket are open, outermost first; a new count for each interpolation within.
    closable: Vec<[usize; 3]>,
    errors: Vec<Diagnostic>,
    unclosed: bool,
}

impl<'s> Lexer<'s> {
    fn new(source: &'s Source) -> Self {
        Lexer {
            source,
            text: &source.text,
            at: 0,
            list: Vec::with_capacity(source.text.len() / 4),
            open: Vec::new(),
            closable: vec![[0; 3]],
            errors: Vec::new(),
            unclosed: false,
        }
    }

    fn run(mut self) -> (Tokens, Vec<Diagnostic>) {
        while self.at < self.text.len() {
            match self.open.last().and_then(|&index| self.list.get(index)).map(|token| token.kind) {
                Some(TokenKind::InterpolationOpen(quote)) => self.interpolation_text(quote),
                _ => self.token(),
            }
        }
        self.end_of_text();
        (Tokens { list: self.list, unclosed: self.unclosed }, self.errors)
    }

    fn rest(&self) -> &'s str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: TokenKind, length: usize) {
        self.push_with(kind, length, 0);
    }

    fn push_with(&mut self, kind: TokenKind, length: usize, partner: usize) {
        let clip = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        let end = self.at + length;
        self.list.push(Token { kind, start: clip(self.at), end: clip(end), partner: clip(partner) });
        self.at = end;
    }

    #[expect(clippy::boxed_local, reason = "diagnostics are built in a box")]
    fn report(&mut self, diagnostic: Box<Diagnostic>) {
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(*diagnostic);
        }
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.source.id, range.start, range.end)
    }

    fn token(&mut self) {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return };
        match first {
            ' ' | '\t' => self.push(TokenKind::Blank, length_while(rest, |c| matches!(c, ' ' | '\t'))),
            '\n' => self.push(TokenKind::Newline, 1),
            '\r' if rest.starts_with("\r\n") => self.push(TokenKind::Newline, 2),
            '\r' => self.push(TokenKind::Blank, 1),
            '#' if self.word_may_start() => {
                let line = rest.find('\n').unwrap_or(rest.len());
                self.push(TokenKind::Comment, rest[..line].trim_end_matches('\r').len());
            }
            '|' => self.push(TokenKind::Pipe(PipeFrom::Out), 1),
            ';' => self.push(TokenKind::Semicolon, 1),
            ',' => self.push(TokenKind::Comma, 1),
            ':' => self.push(TokenKind::Colon, 1),
            '(' => self.open(TokenKind::Open(Bracket::Round), 1),
            '[' => self.open(TokenKind::Open(Bracket::Square), 1),
            '{' => self.open(TokenKind::Open(Bracket::Curly), 1),
            ')' => self.close(Bracket::Round),
            ']' => self.close(Bracket::Square),
            '}' => self.close(Bracket::Curly),
            '\'' => self.quoted(Quote::Single),
            '"' => self.quoted(Quote::Double),
            '`' => self.quoted(Quote::Backtick),
            '$' if rest.starts_with("$\"") => self.open(TokenKind::InterpolationOpen(Quote::Double), 2),
            '$' if rest.starts_with("$'") => self.open(TokenKind::InterpolationOpen(Quote::Single), 2),
            'r' if raw_marks(rest).is_some() => self.raw(raw_marks(rest).unwrap_or(0)),
            _ => self.word(),
        }
    }

    /// `a#b` is one word; `a #b` has a comment.
    fn word_may_start(&self) -> bool {
        !self.list.last().is_some_and(|token| {
            matches!(
                token.kind,
                TokenKind::Word
                    | TokenKind::Quoted(_)
                    | TokenKind::InterpolationClose
                    | TokenKind::Close(_)
                    | TokenKind::Colon
            )
        })
    }

    fn open(&mut self, kind: TokenKind, length: usize) {
        match (kind, self.closable.last_mut()) {
            (TokenKind::Open(bracket), Some(open)) => open[bracket as usize] += 1,
            _ => self.closable.push([0; 3]),
        }
        self.open.push(self.list.len());
        self.push(kind, length);
    }

    fn close(&mut self, bracket: Bracket) {
        // An interpolation bounds the search: a bracket inside `$"(…)"` never closes one outside of it.
        if self.closable.last().is_none_or(|open| open[bracket as usize] == 0) {
            let span = self.span(self.at..self.at + 1);
            self.report(
                Diagnostic::new(
                    codes::STRAY_BRACKET,
                    format!("`{}` closes nothing: no `{}` is open here", bracket.close(), bracket.open()),
                )
                .label(span, "nothing to close")
                .help("remove it, or quote it if it is part of a text"),
            );
            self.push(TokenKind::Stray(bracket), 1);
            return;
        }
        while let Some(index) = self.pop() {
            if self.list.get(index).is_some_and(|token| token.kind == TokenKind::Open(bracket)) {
                self.push_with(TokenKind::Close(bracket), 1, index);
                return;
            }
            self.report_unclosed(index, Some(bracket));
        }
    }

    /// Ends the innermost group, closed or not.
    fn pop(&mut self) -> Option<usize> {
        let index = self.open.pop()?;
        match self.list.get(index).map(|token| token.kind) {
            Some(TokenKind::Open(bracket)) => {
                if let Some(open) = self.closable.last_mut() {
                    open[bracket as usize] -= 1;
                }
            }
            _ => {
                self.closable.pop();
            }
        }
        self.end_group(index);
        Some(index)
    }

    fn end_group(&mut self, index: usize) {
        let end = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        if let Some(token) = self.list.get_mut(index) {
            token.partner = end;
        }
    }

    fn report_unclosed(&mut self, index: usize, before: Option<Bracket>) {
        let Some(token) = self.list.get(index).copied() else { return };
        let span = self.span(token.range());
        let here = self.span(self.at..(self.at + 1).min(self.text.len()));
        let diagnostic = match (token.kind, before) {
            (TokenKind::Open(bracket), Some(closing)) => Diagnostic::new(
                codes::UNCLOSED_BRACKET,
                format!("`{}` is still open where `{}` closes what is around it", bracket.open(), closing.close()),
            )
            .label(span, "opened here")
            .label(here, format!("`{}` is missing before this", bracket.close()))
            .help(format!("close it with `{}`", bracket.close())),
            (TokenKind::Open(bracket), None) => {
                Diagnostic::new(codes::UNCLOSED_BRACKET, format!("`{}` is never closed", bracket.open()))
                    .label(span, "opened here")
                    .help(format!("close it with `{}`", bracket.close()))
            }
            _ => Diagnostic::new(codes::UNCLOSED_QUOTE, "this text is never closed")
                .label(span, "begins here")
                .help("end it with the quote it began with"),
        };
        self.report(diagnostic);
    }

    fn end_of_text(&mut self) {
        let open = std::mem::take(&mut self.open);
        self.unclosed |= !open.is_empty();
        for &index in open.iter().rev() {
            self.end_group(index);
        }
        // The innermost is the likeliest culprit; all that is around it is open for the same reason.
        if let Some(&innermost) = open.last()
            && !self.errors.iter().any(|error| error.code == codes::UNCLOSED_QUOTE)
        {
            self.report_unclosed(innermost, None);
        }
    }

    fn quoted(&mut self, quote: Quote) {
        let mark = match quote {
            Quote::Double => '"',
            Quote::Backtick => '`',
            Quote::Single | Quote::Raw => '\'',
        };
        let body = &self.rest()[1..];
        let mut chars = body.char_indices();
        while let Some((at, c)) = chars.next() {
            if c == mark {
                self.push_with(TokenKind::Quoted(quote), at + 2, 1);
                return;
            }
            if c == '\\' && quote == Quote::Double {
                chars.next();
            }
        }
        self.unclosed_quote(TokenKind::Quoted(quote), 1, &mark.to_string());
    }

    fn raw(&mut self, marks: usize) {
        let opening = marks + 2;
        let closing = format!("'{}", "#".repeat(marks));
        match self.rest()[opening..].find(&closing) {
            Some(at) => self.push_with(TokenKind::Quoted(Quote::Raw), opening + at + closing.len(), 1),
            None => self.unclosed_quote(TokenKind::Quoted(Quote::Raw), opening, &closing),
        }
    }

    fn unclosed_quote(&mut self, kind: TokenKind, opening: usize, closing: &str) {
        let span = self.span(self.at..self.at + opening);
        self.unclosed = true;
        self.report(
            Diagnostic::new(codes::UNCLOSED_QUOTE, "this text is never closed")
                .label(span, "begins here")
                .help(format!("end it with `{closing}`")),
        );
        self.push(kind, self.rest().len());
    }

    fn interpolation_text(&mut self, quote: Quote) {
        let mark = if quote == Quote::Double { '"' } else { '\'' };
        let rest = self.rest();
        let mut chars = rest.char_indices();
        while let Some((at, c)) = chars.next() {
            if c == mark || c == '(' {
                if at > 0 {
                    self.push(TokenKind::InterpolationText, at);
                }
                if c == '(' {
                    self.open(TokenKind::Open(Bracket::Round), 1);
                } else if let Some(index) = self.pop() {
                    self.push_with(TokenKind::InterpolationClose, 1, index);
                }
                return;
            }
            if c == '\\' && quote == Quote::Double {
                chars.next();
            }
        }
        self.push(TokenKind::InterpolationText, rest.len());
    }

    fn word(&mut self) {
        let rest = self.rest();
        let mut length = rest.len();
        for (at, c) in rest.char_indices() {
            let ends = match c {
                ' ' | '\t' | '\r' | '\n' | '|' | ';' | ',' | ':' | '(' | ')' | '[' | ']' | '{' | '}' | '"' | '\''
                | '`' => true,
                '$' if at > 0 => matches!(rest.as_bytes().get(at + 1), Some(b'"' | b'\'')),
                'r' if at > 0 => rest[..at].ends_with('=') && raw_marks(&rest[at..]).is_some(),
                _ => false,
            };
            if ends {
                length = at;
                break;
            }
        }
        let word = &rest[..length];
        let kind = match redirection(word) {
            Some((from, false)) if from != PipeFrom::Out && rest[length..].starts_with('|') => {
                length += 1;
                TokenKind::Pipe(from)
            }
            Some((from, append)) if self.word_may_start() => TokenKind::Redirect { from, append },
            _ => TokenKind::Word,
        };
        self.push(kind, length.max(1));
    }
}

fn length_while(text: &str, wanted: impl Fn(char) -> bool) -> usize {
    text.find(|c| !wanted(c)).unwrap_or(text.len())
}

/// How many `#` a raw string opens with.
fn raw_marks(text: &str) -> Option<usize> {
    let marks = length_while(text.strip_prefix('r')?, |c| c == '#');
    (marks > 0 && text[1 + marks..].starts_with('\'')).then_some(marks)
}

fn redirection(word: &str) -> Option<(PipeFrom, bool)> {
    Some(match word {
        "o>" | "out>" => (PipeFrom::Out, false),
        "o>>" | "out>>" => (PipeFrom::Out, true),
        "e>" | "err>" => (PipeFrom::Err, false),
        "e>>" | "err>>" => (PipeFrom::Err, true),
        "o+e>" | "e+o>" | "out+err>" | "err+out>" => (PipeFrom::Both, false),
        "o+e>>" | "e+o>>" | "out+err>>" | "err+out>>" => (PipeFrom::Both, true),
        _ => return None,
    })
}
