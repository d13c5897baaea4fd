//! Where the cursor is in a line: in which stage of which pipeline, after which words.
//!
//! Works on tokens alone, so that it has an answer for every half-typed line.

use diag::Sources;
use syntax::TokenKind;
use syntax::tokens::{Bracket, Quote, Token, Tokens};

/// A word of a stage: tokens without a blank between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub start: usize,
    pub text: String,
}

/// What is to the left of the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where the stage begins; the cursor when nothing of it has been typed.
    pub stage: usize,
    /// Whether a `|` stands before the stage.
    pub piped: bool,
    /// The words of the stage before the one at the cursor.
    pub words: Vec<Word>,
    /// The word that ends at the cursor, perhaps empty.
    pub current: Word,
    /// The quote that is still open in the current word.
    pub quote: Option<char>,
    /// The innermost bracket that is still open.
    pub inside: Option<Bracket>,
    /// Variables that the line itself names before the cursor, without `$`.
    pub locals: Vec<String>,
    /// In a comment, in the text of an interpolation, or between the bars of a closure: nothing to complete.
    pub silent: bool,
}

/// One open bracket, or the line itself.
struct Frame {
    bracket: Option<Bracket>,
    stage: Option<usize>,
    piped: bool,
    words: Vec<Word>,
    word: Option<usize>,
    /// Bars seen at the beginning of braces: `{|a b|` has two.
    bars: usize,
    text: bool,
}

impl Frame {
    fn new(bracket: Option<Bracket>) -> Frame {
        Frame { bracket, stage: None, piped: false, words: Vec::new(), word: None, bars: 0, text: false }
    }

    fn end_word(&mut self, line: &str, at: usize) {
        if let Some(start) = self.word.take() {
            self.words.push(Word { start, text: line[start..at].to_string() });
        }
    }

    fn begin_stage(&mut self, piped: bool) {
        self.words.clear();
        self.word = None;
        self.stage = None;
        self.piped = piped;
    }

    fn is_parameters(&self) -> bool {
        self.bars == 1 && self.bracket == Some(Bracket::Curly)
    }
}

impl Place {
    /// Looks at a line up to the cursor, a byte offset on a character boundary.
    pub fn at(line: &str, cursor: usize) -> Place {
        let typed = line.get(..cursor).unwrap_or(line);
        let source = Sources::new().add("<line>", typed);
        let (tokens, _) = Tokens::read(&source);
        let mut frames = vec![Frame::new(None)];
        let mut locals = Vec::new();
        let mut silent = false;
        let mut quote = None;
        for (index, token) in tokens.iter().enumerate() {
            silent = false;
            quote = None;
            let depth = frames.len();
            let Some(frame) = frames.last_mut() else { break };
            let at = token.start as usize;
            match token.kind {
                TokenKind::Blank => frame.end_word(typed, at),
                TokenKind::Newline if matches!(frame.bracket, Some(Bracket::Round | Bracket::Square)) => {
                    frame.end_word(typed, at);
                }
                // A pipeline goes on in the next line when that begins with `|`, which then begins the stage anew.
                TokenKind::Newline | TokenKind::Semicolon => frame.begin_stage(false),
                TokenKind::Pipe(_) => {
                    if frame.bracket == Some(Bracket::Curly)
                        && frame.bars < 2
                        && (frame.bars == 1 || frame.stage.is_none())
                    {
                        if frame.bars == 1 {
                            frame.end_word(typed, at);
                            let names =
                                frame.words.iter().map(|word| word.text.trim_end_matches(['?', ':', ',']).to_string());
                            locals.extend(names);
                        }
                        frame.bars += 1;
                        frame.begin_stage(false);
                    } else {
                        frame.begin_stage(true);
                    }
                }
                TokenKind::Comma | TokenKind::Colon if frame.bracket.is_some_and(|open| open != Bracket::Round) => {
                    frame.end_word(typed, at);
                    // A record's value and a list's item begin anew.
                    if !frame.is_parameters() {
                        frame.words.clear();
                        frame.stage = None;
                    }
                }
                TokenKind::Comment => {
                    frame.end_word(typed, at);
                    silent = true;
                }
                TokenKind::Close(_) | TokenKind::InterpolationClose if depth > 1 => {
                    frames.pop();
                }
                TokenKind::Open(bracket) => {
                    frame.begin_word(at);
                    frames.push(Frame::new(Some(bracket)));
                }
                TokenKind::InterpolationOpen(_) => {
                    frame.begin_word(at);
                    frames.push(Frame { text: true, ..Frame::new(None) });
                }
                TokenKind::InterpolationText => {}
                TokenKind::Quoted(kind) => {
                    frame.begin_word(at);
                    quote = open_quote(&tokens, index, kind);
                }
                TokenKind::Word => {
                    let text = &typed[token.range()];
                    if let Some(name) = declared(frame, text, &tokens, index) {
                        locals.push(name);
                    }
                    // What is assigned or returned is a pipeline of its own.
                    if restarts(frame, text) && ends_before_blank(&tokens, index) {
                        frame.begin_stage(false);
                    } else {
                        frame.begin_word(at);
                    }
                }
                _ => frame.begin_word(at),
            }
        }
        let frame = frames.pop().unwrap_or_else(|| Frame::new(None));
        let start = frame.word.unwrap_or(typed.len());
        Place {
            stage: frame.stage.unwrap_or(start),
            piped: frame.piped,
            silent: silent || frame.text || frame.is_parameters(),
            words: frame.words,
            current: Word { start, text: typed[start..].to_string() },
            quote,
            inside: frame.bracket,
            locals,
        }
    }

    /// The words before the cursor's, as texts.
    pub fn texts(&self) -> Vec<&str> {
        self.words.iter().map(|word| word.text.as_str()).collect()
    }
}

impl Frame {
    fn begin_word(&mut self, at: usize) {
        self.word.get_or_insert(at);
        self.stage.get_or_insert(at);
    }
}

fn open_quote(tokens: &Tokens, index: usize, kind: Quote) -> Option<char> {
    if tokens.is_closed_quote(index) {
        return None;
    }
    match kind {
        Quote::Double => Some('"'),
        Quote::Single => Some('\''),
        Quote::Backtick => Some('`'),
        Quote::Raw => None,
    }
}

/// The name that `let`, `mut`, `const` or `for` gives in this word.
fn declared(frame: &Frame, word: &str, tokens: &Tokens, index: usize) -> Option<String> {
    let [keyword] = frame.words.as_slice() else { return None };
    if frame.word.is_some() || !matches!(keyword.text.as_str(), "let" | "mut" | "const" | "for") {
        return None;
    }
    // Still being typed: not a name yet.
    tokens.get(index + 1)?;
    Some(word.trim_start_matches('$').to_string())
}

/// Whether a pipeline begins after this word.
fn restarts(frame: &Frame, word: &str) -> bool {
    if frame.word.is_some() {
        return false;
    }
    let first = frame.words.first().map(|word| word.text.as_str());
    match word {
        "=" | "+=" | "-=" | "*=" | "/=" | "++=" => {
            first.is_some_and(|first| matches!(first, "let" | "mut" | "const") || first.starts_with('$'))
        }
        "return" | "else" => first.is_none() || word == "else",
        "if" | "while" | "match" => first.is_none_or(|first| first == "else"),
        "in" => first == Some("for"),
        _ => false,
    }
}

fn ends_before_blank(tokens: &Tokens, index: usize) -> bool {
    tokens.get(index + 1).is_some_and(|next: &Token| matches!(next.kind, TokenKind::Blank))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: &str) -> Place {
        Place::at(line, line.len())
    }

    fn words(line: &str) -> (String, Vec<String>, String) {
        let place = place(line);
        let words = place.words.iter().map(|word| word.text.clone()).collect();
        (line[place.stage..].to_string(), words, place.current.text)
    }

    #[test]
    fn the_stage_is_the_innermost_that_is_open() {
        assert_eq!(words("ls | where si"), ("where si".into(), vec!["where".into()], "si".into()));
        assert_eq!(words("ls | each {|x| $x | sel").0, "sel");
        assert_eq!(words("let a = (dataflow li"), ("dataflow li".into(), vec!["dataflow".into()], "li".into()));
        assert_eq!(words("a; b c"), ("b c".into(), vec!["b".into()], "c".into()));
        assert_eq!(words("ls | "), (String::new(), vec![], String::new()));
        assert_eq!(words("a (b c) d").1, ["a", "(b c)"]);
    }

    #[test]
    fn what_follows_an_assignment_begins_anew() {
        assert_eq!(words("let a = data").0, "data");
        assert_eq!(words("$a = data").0, "data");
        assert_eq!(words("if x").0, "x");
        assert!(!place("where a = b").words.is_empty());
    }

    #[test]
    fn names_of_the_line_are_known_after_they_were_typed() {
        assert_eq!(place("let abc = 1; $").locals, ["abc"]);
        assert_eq!(place("ls | each {|row| $").locals, ["row"]);
        assert_eq!(place("for x in 1..3 { $").locals, ["x"]);
        assert!(place("let ab").locals.is_empty());
    }

    #[test]
    fn comments_texts_and_parameters_are_silent() {
        assert!(place("ls # com").silent);
        assert!(place("$\"a b").silent);
        assert!(!place("$\"a (dat").silent);
        assert!(place("each {|a").silent);
        assert!(!place("each {|a| b").silent);
    }

    #[test]
    fn an_open_quote_is_part_of_the_word() {
        let place = place("open \"my fi");
        assert_eq!((place.current.text.as_str(), place.quote), ("\"my fi", Some('"')));
    }

    proptest::proptest! {
        #[test]
        fn every_line_has_a_place_at_every_cursor(line in "[a-c |{}()\\[\\]\"'$;#=,:é\n]{0,40}") {
            for cursor in (0..=line.len()).filter(|at| line.is_char_boundary(*at)) {
                let place = Place::at(&line, cursor);
                proptest::prop_assert!(place.stage <= place.current.start && place.current.start <= cursor);
            }
        }
    }
}
