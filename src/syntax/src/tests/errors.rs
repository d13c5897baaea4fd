//! Every way to be wrong: its code, what the first label marks, and whether more text would mend it.

use std::collections::BTreeSet;

use diag::codes::{self, Code};

use super::parsed;
use crate::show;

/// Text, code, marked text, incomplete.
const CASES: &[(&str, Code, &str, bool)] = &[
    ("[[[", codes::UNCLOSED_BRACKET, "[", true),
    ("ls | each { |x| ($x", codes::UNCLOSED_BRACKET, "(", true),
    ("{ a: (1 + 2 }", codes::UNCLOSED_BRACKET, "(", false),
    ("$\"sum: ($a", codes::UNCLOSED_BRACKET, "(", true),
    ("$\"sum: ", codes::UNCLOSED_QUOTE, "$\"", true),
    ("'ab\"", codes::UNCLOSED_QUOTE, "'", true),
    ("\"ab\\\"", codes::UNCLOSED_QUOTE, "\"", true),
    ("r#'bc", codes::UNCLOSED_QUOTE, "r#'", true),
    ("`bc", codes::UNCLOSED_QUOTE, "`", true),
    (")", codes::STRAY_BRACKET, ")", false),
    ("(\"(\"))", codes::STRAY_BRACKET, ")", false),
    ("let foo: )a", codes::STRAY_BRACKET, ")", false),
    ("\"aaaab\"cc", codes::TEXT_AFTER_QUOTE, "cc", false),
    ("$\"aaaab\"cc", codes::TEXT_AFTER_QUOTE, "cc", false),
    ("[1 2]x", codes::TEXT_AFTER_QUOTE, "x", false),
    ("3 +", codes::OPERAND_MISSING, "+", true),
    ("(3 +)", codes::OPERAND_MISSING, "+", false),
    ("3 + | first", codes::OPERAND_MISSING, "+", false),
    ("3 == == 4", codes::OPERAND_MISSING, "==", false),
    ("not", codes::OPERAND_MISSING, "not", true),
    ("$x = ", codes::OPERAND_MISSING, "=", true),
    ("ls | where == 3", codes::OPERAND_MISSING, "==", false),
    ("1 1", codes::OPERATOR_MISSING, "1", false),
    ("ls | where 1 1 | first", codes::OPERATOR_MISSING, "1", false),
    ("a && b", codes::FOREIGN_OPERATOR, "&&", false),
    ("a || b", codes::FOREIGN_OPERATOR, "||", false),
    ("1 === 2", codes::FOREIGN_OPERATOR, "===", false),
    ("1 && 2", codes::FOREIGN_OPERATOR, "&&", false),
    ("ls > a.txt", codes::FOREIGN_OPERATOR, ">", false),
    ("make 2>&1", codes::FOREIGN_OPERATOR, "2>&1", false),
    ("sleep 1sec &", codes::FOREIGN_OPERATOR, "&", false),
    ("\"a\\qb\"", codes::BAD_ESCAPE, "\\q", false),
    ("$\"a\\qb\"", codes::BAD_ESCAPE, "\\q", false),
    ("99999999999999999999", codes::NUMBER_OUT_OF_RANGE, "99999999999999999999", false),
    ("[10eb]", codes::NUMBER_OUT_OF_RANGE, "10eb", false),
    ("ls |", codes::EMPTY_STAGE, "|", true),
    ("| ls", codes::EMPTY_STAGE, "|", false),
    ("ls | | first", codes::EMPTY_STAGE, "|", false),
    ("let x 5", codes::BAD_BINDING, "5", false),
    ("let a int = 1", codes::BAD_BINDING, "int", false),
    ("let x =", codes::BAD_BINDING, "=", true),
    ("let x=5", codes::BAD_BINDING, "=5", false),
    ("let", codes::BAD_BINDING, "let", false),
    ("let x: = 5", codes::BAD_BINDING, ":", false),
    ("for in", codes::NAME_EXPECTED, "in", false),
    ("for x 1..3 { }", codes::NAME_EXPECTED, "x", false),
    ("def", codes::NAME_EXPECTED, "def", false),
    ("def def [] {}", codes::NAME_EXPECTED, "def", false),
    ("module { }", codes::NAME_EXPECTED, "{ }", false),
    ("use", codes::NAME_EXPECTED, "use", false),
    ("ls | ^", codes::NAME_EXPECTED, "^", false),
    ("if true", codes::BLOCK_EXPECTED, "", false),
    ("while", codes::BLOCK_EXPECTED, "", false),
    ("match 1 { 0 => { try 3 } }", codes::BLOCK_EXPECTED, "", false),
    ("if $x { 1 } else 2", codes::BLOCK_EXPECTED, "", false),
    ("def f [,;] {}", codes::UNREADABLE_SIGNATURE, ";", false),
    ("def f {}", codes::UNREADABLE_SIGNATURE, "{}", false),
    ("def f []: int {}", codes::UNREADABLE_SIGNATURE, "int", false),
    ("def f [a: , b] {}", codes::UNREADABLE_SIGNATURE, ":", false),
    ("def f [a = ] {}", codes::UNREADABLE_SIGNATURE, "=", false),
    ("def f [a*b] {}", codes::UNREADABLE_SIGNATURE, "a*b", false),
    ("def f [--x(yy)] {}", codes::UNREADABLE_SIGNATURE, "(", false),
    ("{|x 1 }", codes::UNREADABLE_SIGNATURE, "|", false),
    ("match 4 { $x if => 1 }", codes::BAD_MATCH_ARM, "if", false),
    ("match 4 { 1 'one' }", codes::BAD_MATCH_ARM, "1", false),
    ("match 4 { 1 => , 2 => 3 }", codes::BAD_MATCH_ARM, "=>", false),
    ("match [] { [..$a b] => 1 }", codes::BAD_MATCH_ARM, "b", false),
    ("match {} { {a} => 1 }", codes::BAD_MATCH_ARM, "a", false),
    ("{ a: 2 b: }", codes::BAD_RECORD, "b:", false),
    ("{ a: 2 b }", codes::BAD_RECORD, "b", false),
    ("[1 | 2]", codes::BAD_LIST, "|", false),
    ("[1 2; 3]", codes::BAD_LIST, ";", false),
    ("[[a]; 1]", codes::BAD_LIST, "1", false),
    ("[a; [1]]", codes::BAD_LIST, "a", false),
    ("$x+1", codes::BAD_VARIABLE, "$x+1", false),
    ("$", codes::BAD_VARIABLE, "$", false),
    ("$x.", codes::BAD_VARIABLE, ".", false),
    ("$x.a(1)", codes::BAD_VARIABLE, "(1)", false),
    ("export foo", codes::BAD_EXPORT, "foo", false),
    ("ls o>", codes::BAD_REDIRECTION, "o>", false),
    ("ls o> | first", codes::BAD_REDIRECTION, "o>", false),
    ("def a [] { 1 } a", codes::EXTRA_TEXT, "a", false),
    ("if true { 1 } 3", codes::EXTRA_TEXT, "3", false),
    ("0x[fg]", codes::BAD_BINARY, "0x[fg]", false),
    ("x = 5", codes::BAD_ASSIGNMENT, "x", false),
    ("echo a = 5", codes::BAD_ASSIGNMENT, "=", false),
    ("$.a = 5", codes::BAD_ASSIGNMENT, "$.a", false),
    ("def foo [x = 3, y] { }", codes::REQUIRED_AFTER_OPTIONAL, "y", false),
    ("FOO=bar", codes::ENVIRONMENT_ALONE, "FOO=bar", false),
];

#[test]
fn each_mistake_has_its_code_and_its_place() {
    for (text, code, marked, incomplete) in CASES {
        let parsed = parsed(text);
        let Some(first) = parsed.errors.first() else { panic!("{text} was accepted") };
        assert_eq!(first.code, *code, "{text}: {first:?}");
        let label = first.labels.first().unwrap_or_else(|| panic!("{text}: no label"));
        assert_eq!(&text[label.span.range()], *marked, "{text}: {first:?}");
        assert_eq!(parsed.incomplete, *incomplete, "{text}: {first:?}");
        assert!(first.help.is_some(), "{text}: {first:?}");
        assert_eq!(parsed.errors.len(), 1, "{text}: {:?}", parsed.errors);
    }
}

#[test]
fn every_code_of_syntax_is_raised() {
    let raised: BTreeSet<&str> = CASES.iter().map(|(_, code, _, _)| code.id()).collect();
    let declared = Code::all().into_iter().filter(|code| code.id().starts_with("DORA_E1"));
    let silent: Vec<&str> =
        declared.map(Code::id).filter(|id| !raised.contains(id) && *id != codes::NESTED_TOO_DEEP.id()).collect();
    assert!(silent.is_empty(), "no test raises {silent:?}");
}

#[test]
fn an_error_costs_one_element_and_all_are_told() {
    let parsed = parsed("let x 5\nls | where 1 1 | first\n$y+1\necho \"a\\q\" | last");
    let found: Vec<Code> = parsed.errors.iter().map(|error| error.code).collect();
    assert_eq!(
        found,
        [codes::BAD_BINDING, codes::OPERATOR_MISSING, codes::BAD_VARIABLE, codes::BAD_ESCAPE],
        "{:?}",
        parsed.errors
    );
    assert_eq!(
        show::block(&parsed.block),
        "ERROR; (call ls) | (call where ?1) | (call first); ERROR; (call echo \"a\\\\q\") | (call last)"
    );
}

#[test]
fn ten_thousand_brackets_are_an_error_and_no_overflow() {
    for (open, close) in
        [("[", "]"), ("(", ")"), ("{", "}"), ("{|| ", "}"), ("$\"(", ")\""), ("{a: ", "}"), ("if x {", "}")]
    {
        for text in [
            open.repeat(10_000),
            format!("{}{}", open.repeat(10_000), close.repeat(10_000)),
            format!("echo {}1{}", open.repeat(10_000), close.repeat(10_000)),
        ] {
            let parsed = parsed(&text);
            assert!(parsed.errors.iter().any(|error| error.code == codes::NESTED_TOO_DEEP), "{open}");
        }
    }
    let chain = format!("1{}", " + 1".repeat(10_000));
    assert_eq!(parsed(&chain).errors.iter().map(|error| error.code).collect::<Vec<_>>(), [codes::NESTED_TOO_DEEP]);
    let chain = format!("{}true", "not ".repeat(10_000));
    assert_eq!(parsed(&chain).errors.len(), 1);
    let chain = format!("if a {{ }} {}", "else if b { } ".repeat(10_000));
    let parsed = parsed(&chain);
    assert!(!parsed.errors.is_empty() && parsed.errors.iter().all(|error| error.code == codes::NESTED_TOO_DEEP));
}

#[test]
fn the_deepest_lawful_program_is_read_on_a_small_stack() {
    let depth = 120;
    let text = format!("{}1{}", "if true { [{a: (".repeat(depth / 4), ")}] }".repeat(depth / 4));
    let small = std::thread::Builder::new().stack_size(1 << 20);
    let errors = small.spawn(move || parsed(&text).errors.len()).unwrap().join().unwrap();
    assert_eq!(errors, 0);
}
