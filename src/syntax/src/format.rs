//! The same program, laid out as everybody writes it.
//!
//! Lines stay as their author broke them; what changes is their indentation and the blanks within. Strings, comments
//! and what goes to a program stay as they are, to the character. A layout that would be read otherwise than the text
//! is never given: then only indentation is set, and if even that says something else, nothing.

use std::collections::HashSet;
use std::ops::Range;

use diag::Sources;

use crate::ast::{self, Argument, ExprKind, Keyword, RecordItem, Sigil};
use crate::tokens::{Bracket, TokenKind, Tokens};
use crate::visit::Node;
use crate::{parse, show};

/// Blanks for each level.
const INDENT: usize = 4;

/// Lays a program out. A text with mistakes in its syntax comes back as it is.
pub fn format(text: &str) -> String {
    let sources = Sources::new();
    let read = |text: &str| parse(&sources.add("<text>", text));
    let parsed = read(text);
    if !parsed.errors.is_empty() {
        return text.to_string();
    }
    let meant = show::block(&parsed.block);
    let places = Places::of(&parsed.block, text);
    for care in [Care::Blanks, Care::Indentation] {
        let laid_out = Layout { text, tokens: &parsed.tokens, places: &places, care }.run();
        let again = read(&laid_out);
        if again.errors.is_empty() && show::block(&again.block) == meant {
            return laid_out;
        }
    }
    text.to_string()
}

/// All of a text that is no blank: what no layout may lose.
pub fn pieces(text: &str) -> Vec<String> {
    let source = Sources::new().add("<text>", text);
    let (tokens, _) = Tokens::read(&source);
    let pieces = tokens.iter().filter(|token| !matches!(token.kind, TokenKind::Blank | TokenKind::Newline));
    // The blanks at the end of a comment are blanks.
    pieces.map(|token| source.text[token.range()].trim_end_matches([' ', '\t', '\r']).to_string()).collect()
}

/// What is changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    Blanks,
    Indentation,
}

/// What only the tree knows of places in the text, all by the byte where they begin.
#[derive(Default)]
struct Places {
    /// Braces of records.
    records: HashSet<usize>,
    /// Braces of blocks that belong to a keyword, and of closures with parameters.
    blocks: HashSet<usize>,
    /// What follows a colon that parts it from its name.
    behind_colons: HashSet<usize>,
    /// What is left as it is: arguments of programs.
    verbatim: Vec<Range<usize>>,
}

impl Places {
    fn of(block: &ast::Block, text: &str) -> Places {
        let mut places = Places::default();
        places.walk(Node::Block(block), false);
        // Only what really begins with a brace.
        let opens = |at: &usize| text.as_bytes().get(*at) == Some(&b'{');
        places.records.retain(opens);
        places.blocks.retain(opens);
        places
    }

    fn walk(&mut self, node: Node<'_>, below_keyword: bool) {
        let start = node.span().range().start;
        let mut is_keyword = false;
        match node {
            Node::Block(_) if below_keyword => drop(self.blocks.insert(start)),
            Node::Expr(expr) => match &expr.kind {
                ExprKind::Block(_) if below_keyword => drop(self.blocks.insert(start)),
                ExprKind::Closure(closure) => {
                    if let Some(parameters) = &closure.parameters {
                        self.blocks.insert(start);
                        self.types(parameters);
                    }
                }
                ExprKind::Record(items) => {
                    self.records.insert(start);
                    for item in items {
                        if let RecordItem::Field { value, .. } = item {
                            self.behind_colons.insert(value.span.range().start);
                        }
                    }
                }
                ExprKind::Call(call) if call.sigil == Some(Sigil::External) => {
                    self.verbatim.extend(call.arguments.iter().filter_map(|argument| match argument {
                        Argument::Positional { expr, .. } => Some(expr.span.range()),
                        _ => None,
                    }));
                    return;
                }
                ExprKind::Keyword(keyword) => {
                    is_keyword = true;
                    if let Keyword::Def { signature, .. } = &**keyword {
                        self.types(&signature.parameters);
                    }
                }
                _ => {}
            },
            _ => {}
        }
        node.children(&mut |child| self.walk(child, is_keyword));
    }

    fn types(&mut self, parameters: &[ast::Parameter]) {
        let types = parameters.iter().filter_map(|parameter| parameter.of.as_ref());
        self.behind_colons.extend(types.map(|of| of.span.range().start));
    }
}

/// A piece of a line.
struct Item<'a> {
    kind: TokenKind,
    text: &'a str,
    start: usize,
    /// Whether a blank stands before it.
    blank: bool,
    /// A bar around parameters of a closure.
    bar: bool,
}

/// A bracket that is open.
#[derive(Clone, Copy)]
struct Open {
    bracket: Bracket,
    start: usize,
    /// The indentation of the line that it is in.
    indent: usize,
}

struct Layout<'a> {
    text: &'a str,
    tokens: &'a Tokens,
    places: &'a Places,
    care: Care,
}

impl<'a> Layout<'a> {
    fn run(&self) -> String {
        let lines = self.lines();
        let mut out = String::with_capacity(self.text.len() + self.text.len() / 8);
        let mut open: Vec<Open> = Vec::new();
        let mut skipped = false;
        let mut before: Option<&Item<'_>> = None;
        for (at, line) in lines.iter().enumerate() {
            let Some(first) = line.first() else {
                skipped = true;
                continue;
            };
            let above = lines.iter().take(at).rev().find_map(|line| line.last());
            let begins = above.is_none_or(|last| matches!(last.kind, TokenKind::Open(_)) || last.bar);
            let ends = matches!(first.kind, TokenKind::Close(_));
            if skipped && !begins && !ends {
                out.push('\n');
            }
            skipped = false;
            let indent = self.indent(&lines, at, &open, before);
            out.extend(std::iter::repeat_n(' ', indent * INDENT));
            for (at, item) in line.iter().enumerate() {
                if let Some(last) = at.checked_sub(1).and_then(|at| line.get(at))
                    && self.parts(last, item, line.get(at + 1), &open)
                {
                    out.push(' ');
                }
                out.push_str(item.text);
                match item.kind {
                    TokenKind::Open(bracket) => open.push(Open { bracket, start: item.start, indent }),
                    TokenKind::Close(_) => drop(open.pop()),
                    _ => {}
                }
            }
            out.push('\n');
            before = line.iter().rfind(|item| item.kind != TokenKind::Comment).or(before);
        }
        out
    }

    /// The pieces of each line. What lies over several lines itself is one piece of the line where it begins.
    fn lines(&self) -> Vec<Vec<Item<'a>>> {
        let mut lines = vec![Vec::new()];
        let mut blank = false;
        // Closing bars of closures whose opening one has been seen.
        let mut bars: HashSet<usize> = HashSet::new();
        let mut index = 0;
        while let Some(token) = self.tokens.get(index) {
            let start = token.range().start;
            let verbatim = self.places.verbatim.iter().find(|range| range.start == start && range.end > start);
            let (end, next) = match (token.kind, verbatim) {
                (_, Some(range)) => {
                    let mut next = index;
                    while self.tokens.get(next).is_some_and(|token| token.range().start < range.end) {
                        next += 1;
                    }
                    (self.tokens.get(next - 1).map_or(range.end, |token| token.range().end), next)
                }
                (TokenKind::InterpolationOpen(_), None) => {
                    let next = self.tokens.after(index);
                    (self.tokens.get(next - 1).map_or(self.text.len(), |token| token.range().end), next)
                }
                _ => (token.range().end, index + 1),
            };
            let text = self.text.get(start..end).unwrap_or_default();
            match token.kind {
                TokenKind::Blank => blank = true,
                TokenKind::Newline => {
                    lines.push(Vec::new());
                    blank = false;
                }
                kind => {
                    let whole = verbatim.is_some() || matches!(kind, TokenKind::InterpolationOpen(_));
                    // A piece that is a group itself opens nothing for the rest of the line.
                    let kind = if whole { TokenKind::Word } else { kind };
                    if kind == TokenKind::Open(Bracket::Curly) && self.places.blocks.contains(&start) {
                        self.find_bars(index, &mut bars);
                    }
                    let text = if kind == TokenKind::Comment { text.trim_end() } else { text };
                    let item = Item { kind, text, start, blank, bar: bars.contains(&start) };
                    if let Some(line) = lines.last_mut() {
                        line.push(item);
                    }
                    blank = false;
                }
            }
            index = next;
        }
        lines
    }

    /// The two bars of the closure whose brace is at `index`, if it has some.
    fn find_bars(&self, index: usize, bars: &mut HashSet<usize>) {
        let is_space = |at: &usize| {
            self.tokens.get(*at).is_some_and(|token| matches!(token.kind, TokenKind::Blank | TokenKind::Newline))
        };
        let is_bar = |at: usize| {
            self.tokens
                .get(at)
                .filter(|token| matches!(token.kind, TokenKind::Pipe(_)))
                .map(|token| token.range().start)
        };
        let Some(first) = (index + 1..self.tokens.len()).find(|at| !is_space(at)) else { return };
        let Some(start) = is_bar(first) else { return };
        bars.insert(start);
        let mut at = first + 1;
        while at < self.tokens.inside(index).end {
            if let Some(start) = is_bar(at) {
                bars.insert(start);
                return;
            }
            at = self.tokens.after(at);
        }
    }

    /// How many levels a line stands in.
    fn indent(&self, lines: &[Vec<Item<'_>>], at: usize, open: &[Open], before: Option<&Item<'_>>) -> usize {
        let line = lines.get(at).map(Vec::as_slice).unwrap_or_default();
        let closing = line.iter().take_while(|item| matches!(item.kind, TokenKind::Close(_))).count();
        if closing > 0 {
            return open.len().checked_sub(closing).and_then(|outer| open.get(outer)).map_or(0, |open| open.indent);
        }
        let level = open.last().map_or(0, |open| open.indent + 1);
        // A comment belongs to what follows it.
        let code = lines.iter().skip(at).flatten().find(|item| item.kind != TokenKind::Comment);
        let is_pipe = |item: &Item<'_>| matches!(item.kind, TokenKind::Pipe(_)) && !item.bar;
        let goes_on =
            code.is_some_and(is_pipe) || before.is_some_and(|last| is_pipe(last) || matches!(last.text, "and" | "or"));
        level + usize::from(goes_on)
    }

    /// Whether a blank stands between two pieces of a line.
    fn parts(&self, last: &Item<'_>, next: &Item<'_>, after: Option<&Item<'_>>, open: &[Open]) -> bool {
        if self.care == Care::Indentation || next.kind == TokenKind::Comment {
            return next.blank || next.kind == TokenKind::Comment;
        }
        let inner = open.last();
        let is_record = |open: &Open| open.bracket == Bracket::Curly && self.places.records.contains(&open.start);
        let separates = last.bar || inner.is_some_and(|open| open.bracket == Bracket::Square || is_record(open));
        let empty = matches!((last.kind, next.kind), (TokenKind::Open(_), TokenKind::Close(_)));
        match (last.kind, next.kind) {
            _ if empty && inner.is_some_and(|open| open.bracket == Bracket::Curly) => next.blank,
            (TokenKind::Open(Bracket::Round | Bracket::Square), _) => false,
            (_, TokenKind::Close(Bracket::Round | Bracket::Square)) => false,
            (TokenKind::Open(Bracket::Curly), _) | (_, TokenKind::Close(Bracket::Curly)) => match inner {
                Some(open) if is_record(open) => false,
                Some(open) if self.places.blocks.contains(&open.start) => !next.bar,
                _ => next.blank,
            },
            (TokenKind::Pipe(_), _) | (_, TokenKind::Pipe(_)) if last.bar || next.bar => {
                self.beside_bar(last, next, open)
            }
            (TokenKind::Pipe(_), _) | (_, TokenKind::Pipe(_)) => true,
            (_, TokenKind::Semicolon) => false,
            (TokenKind::Semicolon, _) => true,
            (_, TokenKind::Comma) if separates => false,
            (TokenKind::Comma, _) if separates => true,
            (TokenKind::Colon, _) if self.places.behind_colons.contains(&next.start) => true,
            (_, TokenKind::Colon) if after.is_some_and(|after| self.places.behind_colons.contains(&after.start)) => {
                false
            }
            _ => next.blank,
        }
    }

    /// The same beside a bar: none within the parameters, one behind them.
    fn beside_bar(&self, last: &Item<'_>, next: &Item<'_>, open: &[Open]) -> bool {
        let first = |bar: &Item<'_>| {
            let between = open.last().and_then(|open| self.text.get(open.start + 1..bar.start));
            between.is_some_and(|between| between.trim().is_empty())
        };
        match (last.bar, next.bar) {
            // `||` has nothing between.
            (true, true) => false,
            (true, false) => !first(last),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid_out(text: &str, wanted: &str) {
        assert_eq!(format(text), wanted);
        assert_eq!(format(wanted), wanted, "once more");
    }

    #[test]
    fn blanks_are_set() {
        for (text, wanted) in [
            ("ls|where  size>1kb|first  5", "ls | where size>1kb | first 5\n"),
            ("let x = { a: 1,b:2 }", "let x = {a: 1, b: 2}\n"),
            ("[ 1,2  3 ]", "[1, 2 3]\n"),
            ("( 1 + 2 )", "(1 + 2)\n"),
            ("[1 2]|each {| x |$x * 2}", "[1 2] | each {|x| $x * 2 }\n"),
            ("if true {1} else {2}", "if true { 1 } else { 2 }\n"),
            ("def f [a:int,--b(-c):string] {$a}", "def f [a: int, --b(-c): string] { $a }\n"),
            ("echo a,b a ,b {ls}", "echo a,b a ,b {ls}\n"),
            ("^echo { a: 1,b:2 }  x", "^echo { a: 1,b:2 } x\n"),
            ("print 'a  b' # why   so  ", "print 'a  b' # why   so\n"),
            ("$\"a ( 1 +  2 )\"", "$\"a ( 1 +  2 )\"\n"),
            ("a ; b;c", "a; b; c\n"),
            ("{|| 1}", "{|| 1 }\n"),
            ("{}", "{}\n"),
        ] {
            laid_out(text, wanted);
        }
    }

    #[test]
    fn lines_are_indented_and_kept() {
        laid_out(
            "\n\n# Doc.\ndef main [\n  a: int # first\n\n  --b\n] {\n\n  if $b {\nls\n| first\n  | last\n   } else {\n 1 }\n\n\n\n  [\n1\n  2]\n}\n",
            "# Doc.\ndef main [\n    a: int # first\n\n    --b\n] {\n    if $b {\n        ls\n            | first\n            | last\n    } else {\n        1 }\n\n    [\n        1\n        2]\n}\n",
        );
        laid_out("ls |\nfirst", "ls |\n    first\n");
        laid_out("# a\n\n# b\nls", "# a\n\n# b\nls\n");
        laid_out("'a\n  b'\n", "'a\n  b'\n");
    }

    #[test]
    fn a_text_with_mistakes_stays() {
        assert_eq!(format("ls | ( "), "ls | ( ");
        assert_eq!(format(""), "");
    }
}
