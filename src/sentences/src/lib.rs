//! Texts to try the language with: sentences of its grammar, and what breaks them. For tests and the fuzzer alone.
//!
//! - [`ebnf`] – a reader of EBNF, and sentences derived from it at random
//! - [`mod@corpus`] – the programs that there are
//! - [`damage`] – texts that look like programs, and lawful ones that are cut, joined and mixed up
//!
//! Everything follows from a number, so that a failure can be looked at again.

#![allow(
    clippy::panic,
    clippy::expect_used,
    reason = "a grammar that is none is a mistake of ours, where tests are to stop"
)]

pub mod corpus;
pub mod damage;
pub mod ebnf;

pub use corpus::corpus;
pub use damage::{damaged, pieces};
pub use ebnf::{Grammar, Random};

const TEXT: &str = include_str!("../../../grammar/dora.ebnf");

/// Letters of which no keyword, operator or literal is made, so that a derived word is an ordinary one.
const SAMPLES: &[(&str, &[&str])] = &[
    ("any letter", &["k", "q", "z"]),
    ("0 to 9", &["0", "1", "2"]),
    ("0 to 9, a to f", &["1", "2", "a", "f"]),
    ("0 to 7", &["1", "5", "7"]),
    ("the end of a line", &["\n", "\r\n"]),
    (
        "anything but a quote, a backslash or a round bracket",
        &["k", " ", "é", "|", ";", "#", "$", ",", ":", "{", "]", "\n", "🦀"],
    ),
];

/// The grammar of the language, as `grammar/dora.ebnf` writes it.
pub fn grammar() -> Grammar {
    Grammar::read(TEXT, SAMPLES)
}

/// A program of the grammar.
pub fn program(grammar: &Grammar, seed: u64) -> (String, Random) {
    let mut random = Random::new(seed);
    let sentence = grammar.sentence("statements", 24 + seed as usize % 40, &mut random);
    (sentence, random)
}
