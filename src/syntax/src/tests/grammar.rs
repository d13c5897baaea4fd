//! The written grammar and the parser are one language: every derived sentence is accepted, and neither knows a word
//! that the other does not.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::mem::discriminant;

use sentences::{grammar, program};
use value::ops::Operator;

use super::parsed;
use crate::ast::PipeFrom;
use crate::expression::ASSIGNMENTS;
use crate::literal;
use crate::parse::{CONDITIONAL, KEYWORDS};
use crate::tokens::{Bracket, Quote, TokenKind};

#[test]
fn every_sentence_of_the_grammar_is_accepted() {
    let grammar = grammar();
    let mut kinds = HashSet::new();
    let mut derived = BTreeSet::from(["program".to_string()]);
    let mut refused: Vec<(String, Vec<diag::Diagnostic>)> = Vec::new();
    for seed in 0..3_000 {
        let (sentence, mut random) = program(&grammar, seed);
        derived.append(&mut random.derived);
        let parsed = parsed(&sentence);
        kinds.extend(parsed.tokens.iter().map(|token| token.kind));
        if !parsed.errors.is_empty() || parsed.incomplete {
            refused.push((sentence, parsed.errors));
        }
    }
    refused.sort_by_key(|(sentence, _)| sentence.len());
    let shortest = refused.first().map(|(sentence, errors)| format!("{sentence}\n{errors:?}"));
    assert!(
        refused.is_empty(),
        "{} sentences are refused, the shortest:\n{}",
        refused.len(),
        shortest.unwrap_or_default()
    );
    let untried: Vec<&str> = grammar.names().filter(|name| !derived.contains(*name)).collect();
    assert!(untried.is_empty(), "no sentence uses {untried:?}");
    for kind in every_kind() {
        assert!(kinds.contains(&kind), "no sentence has {kind:?}");
    }
    let known: HashSet<_> = every_kind().iter().map(discriminant).collect();
    let stray = discriminant(&TokenKind::Stray(Bracket::Round));
    assert!(!known.contains(&stray) && kinds.iter().all(|kind| known.contains(&discriminant(kind))));
}

/// All but stray brackets, which no lawful text has.
fn every_kind() -> Vec<TokenKind> {
    use TokenKind::*;
    let mut kinds = vec![Blank, Newline, Comment, Word, InterpolationText, InterpolationClose, Semicolon, Comma, Colon];
    kinds.extend([Quote::Single, Quote::Double, Quote::Backtick, Quote::Raw].map(Quoted));
    kinds.extend([Quote::Single, Quote::Double].map(InterpolationOpen));
    for bracket in [Bracket::Round, Bracket::Square, Bracket::Curly] {
        kinds.extend([Open(bracket), Close(bracket)]);
    }
    for from in [PipeFrom::Out, PipeFrom::Err, PipeFrom::Both] {
        kinds.push(Pipe(from));
        kinds.extend([true, false].map(|append| Redirect { from, append }));
    }
    kinds
}

#[test]
fn every_rule_is_used() {
    assert_eq!(grammar().unused(), ["program"]);
}

#[test]
fn grammar_and_parser_know_the_same_words() {
    let grammar = grammar();
    let texts = grammar.texts();
    // Words that other forms ask for in their middle; the rest is in the parser's tables.
    let middle = ["else", "catch", "finally", "in", "not", "--env", "--wrapped"];
    let table: BTreeMap<&str, &str> = KEYWORDS
        .iter()
        .map(|word| (*word, "keyword"))
        .chain(Operator::ALL.iter().map(|(word, _)| (*word, "operator")))
        .chain(ASSIGNMENTS.iter().map(|word| (*word, "assignment")))
        .chain(CONDITIONAL.iter().map(|word| (*word, "command with a condition")))
        .chain(middle.iter().map(|word| (*word, "word inside a form")))
        .collect();
    for (word, what) in &table {
        assert!(texts.contains(word), "the {what} `{word}` is not in the grammar");
    }
    let types = [
        "nothing",
        "bool",
        "int",
        "float",
        "string",
        "binary",
        "duration",
        "filesize",
        "datetime",
        "range",
        "cell-path",
        "closure",
        "any",
        "list",
        "record",
        "table",
    ];
    let redirections = ["o>", "out>", "e>", "err>", "o+e>", "e+o>", "out+err>", "err+out>"];
    for text in texts {
        let is_word = text.len() > 1 && text.starts_with(|c: char| c.is_alphabetic());
        let known = table.contains_key(text)
            || types.contains(&text)
            || redirections.contains(&text)
            || literal::read(text).is_some()
            || literal::read(&format!("1{text}")).is_some()
            || matches!(text, "r#'" | "u{");
        assert!(!is_word || known, "the grammar's `{text}` is unknown to the parser");
    }
}
