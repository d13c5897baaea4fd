//! Colours of a line while it is typed.

use std::ops::Range;

use diag::Sources;
use engine::{Session, external};
use nu_ansi_term::{Color, Style};
use syntax::expression::{ASSIGNMENTS, level};
use syntax::parse::KEYWORDS;
use syntax::tokens::{Bracket, Tokens};
use syntax::{TokenKind, literal};

/// What a piece of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Plain,
    /// A declared command, a `def`, or a verb of what flows in.
    Command,
    /// A program on PATH.
    Program,
    /// A word where a command stands that means nothing.
    Unknown,
    Keyword,
    Flag,
    Variable,
    Operator,
    Literal,
    Text,
    Comment,
    Bracket,
}

impl Class {
    /// Of the sixteen colours those that are readable on light and dark: no yellow, no blue.
    pub fn style(self) -> Style {
        match self {
            Class::Plain | Class::Bracket => Style::new(),
            Class::Command => Color::Cyan.bold(),
            Class::Program => Color::Green.bold(),
            Class::Unknown => Color::Red.normal(),
            Class::Keyword => Color::Purple.bold(),
            Class::Flag => Color::Cyan.normal(),
            Class::Variable => Color::Purple.normal(),
            Class::Operator => Style::new().bold(),
            Class::Literal => Color::Cyan.normal(),
            Class::Text => Color::Green.normal(),
            Class::Comment => Style::new().dimmed(),
        }
    }
}

/// What a command's words mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// A command whose name is this many words.
    Command(usize),
    Program,
    Unknown,
}

/// Looks up what the first words of a stage mean in a session.
pub fn look_up(session: &Session, words: &[&str], piped: bool) -> Head {
    let functions = &session.names().scope.functions;
    if let Some(count) =
        (1..=words.len()).rev().find(|count| functions.contains_key(words[..*count].join(" ").as_str()))
    {
        return Head::Command(count);
    }
    let registry = session.context().registry();
    if let Some((_, count, _)) = registry.longest(words) {
        return Head::Command(count);
    }
    let Some(first) = words.first() else { return Head::Unknown };
    if piped && !registry.resources_with(first).is_empty() {
        return Head::Command(1);
    }
    if registry.is_noun(first) {
        return Head::Command(1);
    }
    if external::find(first, session.env()).is_some() { Head::Program } else { Head::Unknown }
}

/// The pieces of a line in order, end to end. `head` tells what the first words of a stage mean, and whether
/// something flows in.
pub fn classify(line: &str, head: impl Fn(&[&str], bool) -> Head) -> Vec<(Range<usize>, Class)> {
    let source = Sources::new().add("<line>", line);
    let (tokens, _) = Tokens::read(&source);
    let mut painter =
        Painter { line, tokens: &tokens, head, frames: vec![Frame::new(true)], commands: 0, pieces: Vec::new() };
    for index in 0..tokens.len() {
        painter.token(index);
    }
    painter.pieces
}

/// The bracket at or right before the cursor and its partner.
pub fn matching_brackets(line: &str, cursor: usize) -> Option<(Range<usize>, Range<usize>)> {
    let source = Sources::new().add("<line>", line);
    let (tokens, _) = Tokens::read(&source);
    let is_bracket = |index: &usize| {
        tokens.get(*index).is_some_and(|token| matches!(token.kind, TokenKind::Open(_) | TokenKind::Close(_)))
    };
    let here = tokens.at(cursor).filter(is_bracket).or_else(|| tokens.at(cursor.checked_sub(1)?).filter(is_bracket))?;
    let (open, close) = match tokens.closing(here) {
        Some(close) => (here, close),
        None => ((0..here).rev().find(|open| tokens.closing(*open) == Some(here))?, here),
    };
    Some((tokens.get(open)?.range(), tokens.get(close)?.range()))
}

struct Frame {
    /// Whether the next word begins a stage.
    at_head: bool,
    piped: bool,
    curly: bool,
    /// Bars at the beginning of braces; between the first two stand parameters.
    bars: usize,
    empty: bool,
    /// The keyword that the stage began with.
    keyword: Option<String>,
}

impl Frame {
    fn new(at_head: bool) -> Frame {
        Frame { at_head, piped: false, curly: false, bars: 0, empty: true, keyword: None }
    }
}

struct Painter<'a, H> {
    line: &'a str,
    tokens: &'a Tokens,
    head: H,
    frames: Vec<Frame>,
    /// Words to come that belong to a command's name.
    commands: usize,
    pieces: Vec<(Range<usize>, Class)>,
}

impl<'a, H: Fn(&[&str], bool) -> Head> Painter<'a, H> {
    fn token(&mut self, index: usize) {
        let Some(token) = self.tokens.get(index).copied() else { return };
        let Some(frame) = self.frames.last_mut() else { return };
        let was_empty = frame.empty;
        if !matches!(token.kind, TokenKind::Blank | TokenKind::Newline | TokenKind::Comment) {
            frame.empty = false;
        }
        let class = match token.kind {
            TokenKind::Blank => Class::Plain,
            TokenKind::Comment => Class::Comment,
            TokenKind::Newline | TokenKind::Semicolon => {
                *frame = Frame { curly: frame.curly, bars: 2, ..Frame::new(true) };
                Class::Plain
            }
            TokenKind::Pipe(_) => {
                let parameters = frame.curly && (was_empty || frame.bars == 1);
                if parameters {
                    frame.bars += 1;
                }
                frame.at_head = true;
                frame.piped = !parameters;
                frame.keyword = None;
                Class::Operator
            }
            TokenKind::Comma | TokenKind::Colon => {
                // A record's next key stands where a command could.
                frame.at_head = token.kind == TokenKind::Comma && frame.curly;
                Class::Plain
            }
            TokenKind::Redirect { .. } => Class::Operator,
            TokenKind::Stray(_) => Class::Unknown,
            TokenKind::Open(bracket) => {
                frame.at_head = false;
                let curly = bracket == Bracket::Curly;
                self.frames.push(Frame { curly, ..Frame::new(bracket != Bracket::Square) });
                Class::Bracket
            }
            TokenKind::InterpolationOpen(_) => {
                frame.at_head = false;
                self.frames.push(Frame::new(false));
                Class::Text
            }
            TokenKind::Close(_) | TokenKind::InterpolationClose => {
                if self.frames.len() > 1 {
                    self.frames.pop();
                }
                if matches!(token.kind, TokenKind::Close(_)) { Class::Bracket } else { Class::Text }
            }
            TokenKind::InterpolationText | TokenKind::Quoted(_) => {
                frame.at_head = false;
                Class::Text
            }
            TokenKind::Word => self.word(index),
        };
        self.pieces.push((token.range(), class));
    }

    fn word(&mut self, index: usize) -> Class {
        if self.commands > 0 {
            self.commands -= 1;
            return Class::Command;
        }
        let word = self.text(index);
        let glued = index > 0 && self.tokens.get(index - 1).is_some_and(|before| continues(before.kind));
        let next = self.tokens.get(index + 1).map(|token| token.kind);
        let words = self.words(index);
        let Some(frame) = self.frames.last_mut() else { return Class::Plain };
        if frame.curly && frame.bars == 1 {
            return Class::Variable;
        }
        let at_head = std::mem::replace(&mut frame.at_head, false);
        if glued || !at_head {
            if !glued && begins_anew(frame.keyword.as_deref(), word) {
                frame.at_head = true;
                return if ASSIGNMENTS.contains(&word) { Class::Operator } else { Class::Keyword };
            }
            return value(word);
        }
        if frame.curly && next == Some(TokenKind::Colon) {
            return Class::Plain;
        }
        if KEYWORDS.contains(&word) {
            frame.keyword = Some(word.to_string());
            frame.at_head = matches!(word, "if" | "while" | "match" | "return" | "export");
            return Class::Keyword;
        }
        if word.starts_with('@') {
            return Class::Keyword;
        }
        if word.starts_with('$') && frame.keyword.is_none() {
            frame.keyword = Some("$".into());
        }
        match value(word) {
            Class::Plain => {}
            class => return class,
        }
        if let Some(program) = word.strip_prefix('^') {
            let known = matches!((self.head)(&[program], false), Head::Unknown);
            return if known { Class::Unknown } else { Class::Program };
        }
        match (self.head)(&words, frame.piped) {
            Head::Command(count) => {
                self.commands = count.saturating_sub(1);
                Class::Command
            }
            Head::Program => Class::Program,
            // It may still become something.
            Head::Unknown if self.tokens.get(index + 1).is_none() => Class::Plain,
            Head::Unknown => Class::Unknown,
        }
    }

    fn text(&self, index: usize) -> &'a str {
        self.tokens.get(index).and_then(|token| self.line.get(token.range())).unwrap_or("")
    }

    /// This word and the next two, as far as they are words apart by blanks.
    fn words(&self, index: usize) -> Vec<&'a str> {
        let mut words = vec![self.text(index)];
        let mut at = index;
        while words.len() < 3 {
            let kind = |at: usize| self.tokens.get(at).map(|token| token.kind);
            let alone = kind(at + 3).is_none_or(|after| !continues(after) && after != TokenKind::Colon);
            if (kind(at + 1), kind(at + 2)) != (Some(TokenKind::Blank), Some(TokenKind::Word)) || !alone {
                break;
            }
            at += 2;
            words.push(self.text(at));
        }
        words
    }
}

/// Whether a word right after this token is part of the same word.
fn continues(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Word | TokenKind::Quoted(_) | TokenKind::Close(_) | TokenKind::InterpolationClose)
}

/// Whether a stage begins after this word of a keyword form.
fn begins_anew(keyword: Option<&str>, word: &str) -> bool {
    match word {
        "=" | "+=" | "-=" | "*=" | "/=" | "++=" => matches!(keyword, Some("let" | "mut" | "const" | "$")),
        "in" => keyword == Some("for"),
        "else" => keyword == Some("if"),
        "catch" | "finally" => keyword == Some("try"),
        _ => false,
    }
}

/// What a word is by itself.
fn value(word: &str) -> Class {
    let flag = |rest: &str| rest.starts_with(|c: char| c.is_alphabetic() || c == '-');
    if word.trim_start_matches("...").starts_with('$') {
        Class::Variable
    } else if word.strip_prefix('-').is_some_and(flag) {
        Class::Flag
    } else if matches!(word, "not" | "=>") || ASSIGNMENTS.contains(&word) || level(word).is_some() {
        Class::Operator
    } else if matches!(literal::read(word), Some(Ok(_))) || is_range(word) {
        Class::Literal
    } else {
        Class::Plain
    }
}

fn is_range(word: &str) -> bool {
    word.split_once("..").is_some_and(|(start, _)| !start.is_empty() && matches!(literal::read(start), Some(Ok(_))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(words: &[&str], piped: bool) -> Head {
        match words {
            ["dataflow", "list", ..] => Head::Command(2),
            ["ls" | "where" | "each" | "echo", ..] => Head::Command(1),
            ["stop", ..] if piped => Head::Command(1),
            ["git", ..] => Head::Program,
            _ => Head::Unknown,
        }
    }

    /// Each piece that is not plain, with its class.
    fn classes(line: &str) -> Vec<(&str, Class)> {
        let pieces = classify(line, known);
        let text: String = pieces.iter().map(|(range, _)| &line[range.clone()]).collect();
        assert_eq!(text, line);
        let said = pieces.into_iter().filter(|(_, class)| !matches!(class, Class::Plain | Class::Bracket));
        said.map(|(range, class)| (&line[range], class)).collect()
    }

    #[test]
    fn commands_of_two_words_verbs_programs_and_unknown_words_differ() {
        use Class::*;
        assert_eq!(
            classes("dataflow list --all | stop; git 5kb | dataflw x"),
            [
                ("dataflow", Command),
                ("list", Command),
                ("--all", Flag),
                ("|", Operator),
                ("stop", Command),
                ("git", Program),
                ("5kb", Literal),
                ("|", Operator),
                ("dataflw", Unknown)
            ]
        );
        assert_eq!(classes("stop x")[0], ("stop", Unknown));
        assert!(classes("sto").is_empty(), "what is being typed is not wrong yet");
        assert_eq!(classes("^git"), [("^git", Program)]);
    }

    #[test]
    fn conditions_texts_and_variables() {
        use Class::*;
        assert_eq!(
            classes("ls | where size > 1kb and $it.name =~ 'a' # why"),
            [
                ("ls", Command),
                ("|", Operator),
                ("where", Command),
                (">", Operator),
                ("1kb", Literal),
                ("and", Operator),
                ("$it.name", Variable),
                ("=~", Operator),
                ("'a'", Text),
                ("# why", Comment)
            ]
        );
    }

    #[test]
    fn what_follows_an_assignment_or_stands_in_braces_is_a_stage() {
        use Class::*;
        assert_eq!(classes("let a = ls"), [("let", Keyword), ("=", Operator), ("ls", Command)]);
        assert_eq!(
            classes("each {|x| ls }")[1..],
            [("|", Operator), ("x", Variable), ("|", Operator), ("ls", Command)]
        );
        assert_eq!(classes("echo {ls: 1}")[1..], [("1", Literal)]);
        assert_eq!(classes("echo (ls)")[1..], [("ls", Command)]);
        assert_eq!(classes("echo ls a:b"), [("echo", Command)]);
        assert_eq!(classes("if true { ls } else { git }")[..3], [("if", Keyword), ("true", Literal), ("ls", Command)]);
    }

    #[test]
    fn the_partner_of_a_bracket_is_found_from_both_sides() {
        let line = "a (b [c] d)";
        assert_eq!(matching_brackets(line, 2), Some((2..3, 10..11)));
        assert_eq!(matching_brackets(line, 11), Some((2..3, 10..11)));
        assert_eq!(matching_brackets(line, 8), Some((5..6, 7..8)));
        assert_eq!(matching_brackets("(a", 1), None);
    }

    proptest::proptest! {
        #[test]
        fn every_line_is_covered_end_to_end(line in "[a-c |{}()\\[\\]\"'$;#=,:^é\n]{0,40}") {
            classes(&line);
            for cursor in 0..=line.len() {
                matching_brackets(&line, cursor);
            }
        }
    }
}
