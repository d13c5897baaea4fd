//! Texts that are nearly programs.

use crate::Random;

/// Pieces that make texts which look like programs, and what breaks them.
pub const PIECES: &[&str] = &[
    " ",
    "\n",
    "\r\n",
    ";",
    "|",
    "||",
    ",",
    ":",
    "::",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "`",
    "$\"",
    "$'",
    "r#'",
    "'#",
    "\\",
    "#",
    "$",
    "$x",
    "$x.a",
    "$.",
    ".a",
    "?",
    "!",
    "...",
    "..",
    "..<",
    "1",
    "5kb",
    "1e9",
    "-",
    "-5",
    "--f",
    "--f=",
    "-x",
    "=",
    "==",
    "+",
    "**",
    "not ",
    " and ",
    "=>",
    "->",
    "<",
    ">",
    "o> ",
    "e>|",
    "e>> ",
    "^",
    "%",
    "@",
    "0x[",
    "a",
    "ls",
    "é",
    "🦀",
    "let ",
    "mut ",
    "def ",
    "export ",
    "if ",
    "else ",
    "match ",
    "for ",
    " in ",
    "while ",
    "loop ",
    "return ",
    "try ",
    "catch ",
    "finally ",
    "module ",
    "use ",
    "source ",
    "where ",
    "any ",
    "{|",
    "{a:",
    "{}",
    "[[a]; [1]]",
    "\u{0}",
    "\t",
    "\\u{",
    "_",
    "FOO=",
];

/// A text of pieces in a row, whatever comes of it.
pub fn pieces(random: &mut Random) -> String {
    let count = random.below(40);
    (0..count).map(|_| PIECES[random.below(PIECES.len())]).collect()
}

/// A text with up to six damages: pieces put in or taken out, parts doubled, moved, or replaced by a part of `other`.
pub fn damaged(text: &str, other: &str, random: &mut Random) -> String {
    let mut text: Vec<char> = text.chars().collect();
    let other: Vec<char> = other.chars().collect();
    for _ in 0..=random.below(6) {
        let at = random.below(text.len() + 1);
        let end = (at + random.below(8)).min(text.len());
        match random.below(8) {
            0 => drop(text.drain(at..end)),
            1 => {
                let part = text[at..end].to_vec();
                text.splice(at..at, part);
            }
            2 => {
                let from = random.below(other.len() + 1);
                let to = (from + random.below(40)).min(other.len());
                text.splice(at..end, other[from..to].to_vec());
            }
            3 => text.truncate(at),
            4 => drop(text.drain(..at)),
            5 => {
                let to = random.below(text.len() + 1 - (end - at));
                let part: Vec<char> = text.drain(at..end).collect();
                text.splice(to..to, part);
            }
            _ => drop(text.splice(at..end, PIECES[random.below(PIECES.len())].chars())),
        }
    }
    text.into_iter().collect()
}
