//! The tree of every construct, as an s-expression: `text` on one side, what it reads as on the other.

use super::parsed;
use crate::show;

/// Reads each text without a diagnostic, and compares the trees.
#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (text, wanted) in cases {
        let parsed = parsed(text);
        assert!(parsed.errors.is_empty(), "{text}\n{:?}", parsed.errors);
        assert_eq!(show::block(&parsed.block), *wanted, "{text}");
    }
}

#[test]
fn calls_keep_their_arguments_as_written() {
    check(&[
        ("ls", "(call ls)"),
        ("dataflow list --all", "(call dataflow list --all)"),
        ("foo a\"b c\"d x=1 a,b a:b ./x *.rs ~", "(call foo \"ab cd\" x=1 a,b a:b ./x *.rs ~)"),
        (
            "foo (1 + 2) $x.a [1 2] {a: 1} {|x| $x} 5kb ...$rest --flag=(2) -abc \"str\"",
            "(call foo <(+ 1 2)> $x.a (list 1 2) (record a:1) {|x| $x} 5000B ...$rest --flag=<2> -abc \"str\")",
        ),
        ("foo 10 true null 2019-05-10 1..3 1.2.3.4", "(call foo 10 true null @2019-05-10 (range 1 3) 1.2.3.4)"),
        ("foo -5 -.5 - -x -- -y", "(call foo -5 -0.5 - -x -- -y)"),
        ("foo --a=b --c= --d=\"x y\" --e={}", "(call foo --a=b --c=\"\" --d=\"x y\" --e={})"),
        ("foo {} { ls } {||} {a: 1}.a", "(call foo {} {(call ls)} {|| } (record a:1).a)"),
        ("^cmd a", "(call ^cmd a)"),
        ("^\"path with space\" -x", "(call ^\"path with space\" -x)"),
        ("^($x) a", "(call ^<$x> a)"),
        ("%cmd ...$args", "(call %cmd ...$args)"),
        ("echo ..< .. ../x ... 1..", "(call echo ..< .. ../x ... (range 1 _))"),
        (
            "cp ($dir)/a b/\"my file\".csv $\"($x).txt\"",
            "(call cp ($ <$dir> \"/a\") \"b/my file.csv\" ($ <$x> \".txt\"))",
        ),
        ("FOO=bar BAR=\"x y\" cmd --a", "FOO=bar BAR=\"x y\" (call cmd --a)"),
        ("FOO=BAR if false { 3 } else { 4 }", "FOO=BAR (if false {3} else {4})"),
        ("ls o> out.txt e>> err.txt", "(call ls) <Out> out.txt> <Err>> err.txt>"),
        ("ls e>| lines", "(call ls) e>| (call lines)"),
        ("ls o+e>| lines", "(call ls) o+e>| (call lines)"),
        ("5 | let x", "5 | (let x _)"),
        ("1; 2\n3", "1; 2; 3"),
        ("ls\n| first\n\n| last", "(call ls) | (call first) | (call last)"),
        ("ls |\nfirst", "(call ls) | (call first)"),
        ("1 +\n 2; ls *\npwd; let x =\n 3", "(+ 1 2); (call ls *); (call pwd); (let x 3)"),
        (
            "ls | where a == 1 and\n not\n b; if $x and\n $y { }",
            "(call ls) | (call where ?(and (== a 1) (not b))); (if (and $x $y) {})",
        ),
        ("ls # comment\n| first", "(call ls) | (call first)"),
    ]);
}

#[test]
fn conditions_reach_to_the_end_of_the_stage() {
    check(&[
        (
            "ls | where status == running and size > 1kb and not hidden and sent < $it.received",
            "(call ls) | (call where ?(and (and (and (== status running) (> size 1000B)) (not hidden)) (< sent $it.received)))",
        ),
        ("ls | where info.size? > 5ms", "(call ls) | (call where ?(> info.size? 5000000ns))"),
        ("ls | where topic in [a b c]", "(call ls) | (call where ?(in topic (list a b c)))"),
        ("ls | where {|r| $r.a }", "(call ls) | (call where {|r| $r.a})"),
        ("ls | where { $in.a > 1 }", "(call ls) | (call where {(> $in.a 1)})"),
        ("ls | where $closure", "(call ls) | (call where $closure)"),
        ("ls | where $it.hidden", "(call ls) | (call where ?$it.hidden)"),
        ("ls | where {foo: 1} has bar", "(call ls) | (call where ?(has (record foo:1) bar))"),
        ("ls | any item == index * 2 | first", "(call ls) | (call any ?(== item (* index 2))) | (call first)"),
        ("ls | where (a | length) > 2", "(call ls) | (call where ?(> <(call a) | (call length)> 2))"),
    ]);
}

#[test]
fn operators_bind_as_documented() {
    check(&[
        ("2 ** 1 ** 2", "(** 2 (** 1 2))"),
        ("1 + 2 * 3 - 4 // 5 mod 2", "(- (+ 1 (* 2 3)) (mod (// 4 5) 2))"),
        ("true or false xor true and not false == true", "(or true (xor false (and true (not (== false true)))))"),
        ("\"a\" ++ \"b\" == \"ab\"", "(== (++ \"a\" \"b\") \"ab\")"),
        ("$x =~ foo", "(=~ $x foo)"),
        ("-$x + -(1) - -5", "(- (+ (minus $x) (minus <1>)) -5)"),
        ("not not $a", "(not (not $a))"),
        ("'x' in [x y]", "(in \"x\" (list x y))"),
        ("\"a\" not-starts-with b", "(not-starts-with \"a\" b)"),
    ]);
}

#[test]
fn literals_are_read_with_their_units() {
    check(&[
        ("0xff", "255"),
        ("0b_101", "5"),
        ("0x[ff 00]", "[ff, 00]"),
        ("0b[1]", "[01]"),
        ("1_000", "1000"),
        ("1.5e3", "1500.0"),
        ("-inf", "-inf"),
        ("NaN", "NaN"),
        ("1.5hr", "5400000000000ns"),
        ("2min", "120000000000ns"),
        ("10kB", "10000B"),
        ("4KiB", "4096B"),
        ("2026-01-31T10:00:00+01:00", "@2026-01-31T10:00:00+01:00"),
        ("'raw'", "\"raw\""),
        ("\"esc\\n\\u{e9}\"", "\"esc\\né\""),
        ("`bare`", "\"bare\""),
        ("r#'it's'#", "\"it's\""),
        ("r##'a'#b'##", "\"a'#b\""),
        ("$\"sum: ($a + 1)\\n\\(\"", "($ \"sum: \" <(+ $a 1)> \"\\n(\")"),
        ("$'raw ($x) \\n'", "($ \"raw \" <$x> \" \\\\n\")"),
        ("$\"nested (\"a\" + $\"b (\"c\")\")\"", "($ \"nested \" <(+ \"a\" ($ \"b \" <\"c\">))>)"),
        ("null", "null"),
    ]);
}

#[test]
fn ranges_need_a_bound() {
    check(&[
        ("1..10", "(range 1 10)"),
        ("0..<5", "(range< 0 5)"),
        ("1..3..9", "(range 1 3 9)"),
        ("5..", "(range 5 _)"),
        ("..5", "(range _ 5)"),
        ("$a..$b.c", "(range $a $b.c)"),
        ("(1)..(2)", "(range <1> <2>)"),
        ("0..=3", "(range 0 3)"),
    ]);
}

#[test]
fn paths_follow_variables_and_groups() {
    check(&[
        ("$x.a.0?.\"b c\"!.d?!", "$x.a.#0?.b c!.d?!"),
        ("$env.PATH?", "$env.PATH?"),
        ("(ls).0.name", "<(call ls)>.#0.name"),
        ("{a: 1}.a", "(record a:1).a"),
        ("[1 2].0", "(list 1 2).#0"),
        ("$.a.b?", "$.a.b?"),
        ("$.0", "$.#0"),
        ("{1kb: 1}.1kb", "(record 1kb:1).1kb"),
    ]);
}

#[test]
fn lists_tables_and_records_take_any_separator() {
    check(&[
        ("[1, 2 3\n4 # x\n]", "(list 1 2 3 4)"),
        ("[a [b] {c: d} ...$e ...[f]]", "(list a (list b) (record c:d) ...$e ...(list f))"),
        ("[[a b]; [1 2] [3, 4]]", "(table a b ; (list 1 2) (list 3 4))"),
        ("[[a, b]; [1, 2],\n [3, 4]]", "(table a b ; (list 1 2) (list 3 4))"),
        ("[]", "(list)"),
        ("{}", "(record)"),
        ("{a: 1, \"b c\": 2, $d: 3, (e): 4, ...$f}", "(record a:1 \"b c\":2 $d:3 <(call e)>:4 ...$f)"),
        ("{a:1 b:null,c:{d:[e]}}", "(record a:1 b:null c:(record d:(list e)))"),
        ("{a: 2020-01-02T03:04:05+00:00}", "(record a:@2020-01-02T03:04:05+00:00)"),
        ("{\n a: 1\n # c\n b: 2\n}", "(record a:1 b:2)"),
        ("{ a : 1 }", "(record a:1)"),
    ]);
}

#[test]
fn what_a_brace_opens_is_told_by_its_first_token() {
    check(&[
        ("{|| 1 }", "{|| 1}"),
        ("{|x: int, y? = 3, ...rest| $x}", "{|x:int y?=3 ...rest| $x}"),
        ("{ |a b| a; b }", "{|a b| (call a); (call b)}"),
        ("do { ls; pwd }", "(call do {(call ls); (call pwd)})"),
        ("do { 2026-01-31T10:00:00Z }", "(call do {@2026-01-31T10:00:00Z})"),
    ]);
}

#[test]
fn keyword_forms_take_conditions_blocks_and_pipelines() {
    check(&[
        ("let x = 5", "(let x 5)"),
        ("let x: int = ls | length", "(let x:int (call ls) | (call length))"),
        ("let x: record<a: int, b: list<string>> = $y", "(let x:record<a: int, b: list<string>> $y)"),
        ("mut $x = 1", "(mut x 1)"),
        ("const A = 16 | math log 2", "(const A 16 | (call math log 2))"),
        ("$x = $x | str upcase", "(assign = $x $x | (call str upcase))"),
        ("$x.a.0 += 1", "(assign + $x.a.#0 1)"),
        ("$env.FOO = match 1 { _ => 2 }", "(assign = $env.FOO (match 1 [_ => 2]))"),
        ("$l ++= [1]", "(assign ++ $l (list 1))"),
        ("if true { 1 } else if $x { 2 } else { 3 }", "(if true {1} else (if $x {2} else {3}))"),
        ("if $x == {a: 1} { 1 }", "(if (== $x (record a:1)) {1})"),
        ("if ($x) { 1 }\nelse { 2 }", "(if <$x> {1} else {2})"),
        ("if ls | is-empty { 1 }", "(if <(call ls) | (call is-empty)> {1})"),
        ("if $l | any {|x| $x } { 1 } | first", "(if <$l | (call any {|x| $x})> {1}) | (call first)"),
        ("if not $x and $y { }", "(if (and (not $x) $y) {})"),
        ("let y = if $x > 3 { 1 } else { 2 }", "(let y (if (> $x 3) {1} else {2}))"),
        (
            "match 3 { 1 => 'one', 2 | 3 => { two } _ => {} }",
            "(match 3 [1 => \"one\"] [(or 2 3) => {(call two)}] [_ => {}])",
        ),
        (
            "match $x {\n 1..10 => (1)\n $n if $n > 100 => $n + 1\n [a, $b ..$rest] => 1,\n [_ ..] => 2\n {a: 1, $b, \"c\": [$d]} => {x: 1}\n foo => ls | first\n}",
            "(match $x [(range 1 10) => <1>] [$n if (> $n 100) => (+ $n 1)] [(list a $b ..rest) => 1] [(list _ ..) => 2] [(record a:1 b:$b c:(list $d)) => (record x:1)] [foo => <(call ls) | (call first)>])",
        ),
        ("for x in 1..3 { $x }", "(for x (range 1 3) {$x})"),
        ("for x: int in [1 2] { break }", "(for x:int (list 1 2) {(break)})"),
        ("for $x in $l | first 3 { continue }", "(for x <$l | (call first 3)> {(continue)})"),
        ("while $x < 3 { $x += 1 }", "(while (< $x 3) {(assign + $x 1)})"),
        ("loop { break }", "(loop {(break)})"),
        ("return", "(return)"),
        ("return 5 | str join", "(return 5 | (call str join))"),
        ("try { 1 }", "(try {1})"),
        ("try { 1 } catch {|e| $e } finally { 2 }", "(try {1} catch {|e| $e} finally {2})"),
        ("try { 1 }\ncatch { 2 }", "(try {1} catch {2})"),
        (
            "module m { export def f [] {}; export const a = 1; export module n {} }",
            "(module m {(export def f [] {}); (export const a 1); (export module n {})})",
        ),
        ("use m", "(use m)"),
        ("use std/log [info warn]", "(use std/log info warn)"),
        ("use m f g", "(use m f g)"),
        ("use m *", "(use m *)"),
        ("export use spam foo", "(export use spam foo)"),
        ("source x.dora", "(source x.dora)"),
    ]);
}

#[test]
fn definitions_keep_types_as_text_and_comments_as_documentation() {
    check(&[
        ("def f [] { 1 }", "(def f [] {1})"),
        ("def \"noun verb\" [a b?] {}", "(def noun verb [a b?] {})"),
        (
            "def f [a: int, b?: string = \"x\", --flag(-f), --opt(-o): duration = 5sec, ...rest: list<int>]: nothing -> int { $a }",
            "(def f [a:int b?:string=\"x\" --flag(-f) --opt(-o):duration=5000000000ns ...rest:list<int>] nothing->int {$a})",
        ),
        ("def f []: [int -> int, string -> string] {}", "(def f [] int->int,string->string {})"),
        ("def f []: [nothing -> int string -> int] {}", "(def f [] nothing->int,string->int {})"),
        (
            "def f [a: record<x: int, y: list<string>>, -s: int] : table<a: int> -> list<any> {}",
            "(def f [a:record<x: int, y: list<string>> --s(-s):int] table<a: int>->list<any> {})",
        ),
        ("def f [$x, a=3, b: int=4, --x = 3, --y:number] {}", "(def f [x a?=3 b?:int=4 --x=3 --y:number] {})"),
        (
            "def f [m: string@[json yaml], n: string@complete-it, o: string@\"complete it\"] {}",
            "(def f [m:string@[json yaml] n:string@complete-it o:string@\"complete it\"] {})",
        ),
        (
            "# Says hi.\n# Loudly.\nexport def --env hi [\n  # who\n  name: string # the name\n  --loud # shout\n] { }",
            "(export def --env hi [name:string#\"who\\nthe name\" --loud#\"shout\"] {} #\"Says hi.\\nLoudly.\")",
        ),
        ("def --wrapped g [...args] {}", "(def --wrapped g [...args] {})"),
        ("def ... [x] { $x }", "(def ... [x] {$x})"),
    ]);
}
