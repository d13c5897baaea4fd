//! What holds for every text, lawful or not.

use proptest::prelude::*;
use proptest::sample::select;

use sentences::damage::PIECES;

use super::source;
use crate::visit::Node;
use crate::{Tokens, parse};

const PROGRAM: &str = "# Doc.\nexport def \"a b\" [x: int, y? = 3, --flag(-f): string@[a b], ...rest: list<int>]: int -> any {\n  \
    let z = $x.a.0? | where size > 1kb and name in [a b] | first 5\n  if $z == {a: 1, \"b\": [2 3]} { return (1 + 2) } else if not $y { \
    match $z { 1..3 => 'x', [a, ..$r] if $r != [] => { $\"v: ($r | length)\\n\" }, _ => null } }\n}\nFOO=bar ^cmd --a=b -x ...[1] o> out.txt\n\
    [[a b]; [1 2026-01-31T10:00:00Z] [0x[ff] 1..3..9]] | each {|r| $r.a ** 2 } e>| lines\ntry { for i in 1..3 { continue } } catch {|e| $e.msg } \
    finally { mut l = []; $l ++= [1] }\n";

fn check(text: &str) -> Result<(), TestCaseError> {
    let source = source(text);
    let parsed = parse(&source);
    let printed: String = parsed.tokens.iter().map(|token| &text[token.range()]).collect();
    prop_assert_eq!(&printed, text, "the tokens are not the text");
    prop_assert!(parsed.tokens.iter().all(|token| token.start < token.end), "an empty token");
    for error in &parsed.errors {
        prop_assert!(!error.labels.is_empty(), "{:?}", error);
        for label in &error.labels {
            prop_assert!(text.get(label.span.range()).is_some(), "{:?} of {:?}", error, text);
        }
    }
    nested(Node::Block(&parsed.block), text)
}

fn nested(node: Node<'_>, text: &str) -> Result<(), TestCaseError> {
    let outer = node.span().range();
    prop_assert!(text.get(outer.clone()).is_some(), "{:?} of {:?}", node, text);
    let mut result = Ok(());
    node.children(&mut |child| {
        let inner = child.span().range();
        if result.is_ok() && (inner.start < outer.start || inner.end > outer.end) {
            result = Err(TestCaseError::fail(format!("{child:?} is not inside {node:?} in {text:?}")));
        }
        if result.is_ok() {
            result = nested(child, text);
        }
    });
    result
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_without_loss(text in ".*") {
        check(&text)?;
    }

    #[test]
    fn any_row_of_pieces_is_read_without_loss(pieces in prop::collection::vec(select(PIECES), 0..40)) {
        check(&pieces.concat())?;
    }

    #[test]
    fn any_damage_to_a_program_is_read_without_loss(
        edits in prop::collection::vec((0..PROGRAM.len(), 0..8usize, select(PIECES)), 1..6),
    ) {
        let mut text: Vec<char> = PROGRAM.chars().collect();
        for (at, removed, inserted) in edits {
            let at = at.min(text.len());
            let end = (at + removed).min(text.len());
            text.splice(at..end, inserted.chars());
        }
        check(&text.into_iter().collect::<String>())?;
    }
}

#[test]
fn the_undamaged_program_has_no_errors() {
    assert!(parse(&source(PROGRAM)).errors.is_empty(), "{:?}", parse(&source(PROGRAM)).errors);
}

#[test]
fn every_beginning_of_a_program_is_read() {
    for (end, _) in PROGRAM.char_indices() {
        check(&PROGRAM[..end]).unwrap();
    }
}

#[test]
fn a_token_is_found_by_its_place() {
    let source = source("ls | first");
    let (tokens, _) = Tokens::read(&source);
    let at =
        |offset: usize| tokens.at(offset).and_then(|index| tokens.get(index)).map(|token| &source.text[token.range()]);
    assert_eq!((at(0), at(3), at(6), at(10)), (Some("ls"), Some("|"), Some("first"), Some("first")));
}

#[test]
fn the_way_down_ends_at_the_innermost_node() {
    let source = source("ls | where {|r| $r.size > 5 }");
    let parsed = parse(&source);
    let path = Node::Block(&parsed.block).path_to(19);
    let innermost = path.last().map(|node| &source.text[node.span().range()]);
    assert_eq!(innermost, Some("$r.size"));
}
