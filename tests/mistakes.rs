//! Mistakes are answered before anything runs: all at once, with code, place, reason and the nearest right name.

use crate::world::World;

/// Each code and the words that must be in the answer.
fn refused(code: &str, id: &str, words: &[&str]) {
    let world = World::new();
    let ran = world.dora(&["-c", code]);
    assert_eq!(ran.code, 2, "`{code}` must be refused before it runs\n{}{}", ran.out, ran.err);
    assert!(ran.err.contains(id), "`{code}` must raise {id}\n{}", ran.err);
    for word in words {
        assert!(ran.err.contains(word), "`{code}` must mention {word:?}\n{}", ran.err);
    }
    assert_eq!(ran.out, "", "`{code}` must print nothing");
}

#[test]
fn a_mistyped_command_names_the_right_one() {
    refused("dataflow lst", "DORA_E201", &["dataflow list"]);
    refused("datflow list", "DORA_E201", &["dataflow list"]);
    refused("frst 3", "DORA_E201", &["first"]);
}

#[test]
fn what_follows_a_mistyped_command_is_no_mistake_of_its_own() {
    let world = World::new();
    for code in ["[1 2] | wher $it > 1", "[[n]; [1]] | wher n > 1"] {
        let ran = world.dora(&["-c", code]);
        assert_eq!(ran.err.matches("DORA_E").count(), 1, "{}", ran.err);
        assert!(ran.err.contains("did you mean `where`?"), "{}", ran.err);
    }
    let ran = world.dora(&["-c", "dataflow events demo --last 4"]);
    assert_eq!(ran.err.matches("DORA_E").count(), 1, "{}", ran.err);
    let ran = world.dora(&["-c", "[1 2] | wher {|x| $x > $y }"]);
    assert_eq!(ran.err.matches("DORA_E").count(), 2, "{}", ran.err);
}

#[test]
fn a_mistyped_column_names_the_right_one() {
    refused("dataflow list | where stauts == running", "DORA_E204", &["status"]);
    refused("[[name size]; [a 1]] | sort-by nmae", "DORA_E204", &["name"]);
    refused("[[name size]; [a 1]] | each {|row| $row.sise }", "DORA_E204", &["size"]);
}

#[test]
fn a_word_outside_a_closed_set_names_the_right_one() {
    refused("dataflow list | where status == runing", "DORA_E207", &["running"]);
}

#[test]
fn a_mistyped_flag_names_the_right_one() {
    refused("dataflow start x.yml --nmae demo", "DORA_E202", &["--name"]);
}

#[test]
fn a_view_is_of_a_whole_line_and_not_of_a_part() {
    let whole = ["first command of a line"];
    refused("let nodes = (node list --watch)", "DORA_E600", &whole);
    refused("node list --watch; 1", "DORA_E600", &whole);
    refused("[1] | each { node list --watch }", "DORA_E600", &whole);
    refused("node list --watch --interval 1ms", "DORA_E600", &["20ms"]);
    refused("node list --interval 1sec", "DORA_E600", &["--watch"]);
    refused("dataflow stop x --watch", "DORA_E202", &["--watch"]);
}

#[test]
fn operators_that_cannot_apply_are_refused_with_both_sides_marked() {
    refused("1 + \"a\"", "DORA_E301", &["int", "string"]);
}

#[test]
fn unclosed_brackets_are_marked_where_they_open() {
    refused("[1 2", "DORA_E1", &["["]);
    refused("if true { 1", "DORA_E1", &["{"]);
    refused("\"abc", "DORA_E1", &[]);
}

#[test]
fn a_verb_that_does_not_apply_lists_the_choices() {
    refused("[1 2] | stop", "DORA_E214", &["dataflow stop"]);
    refused("stop", "DORA_E214", &["dataflow stop"]);
}

#[test]
fn names_and_assignments_are_checked() {
    refused("let xyz = 5; $xyx", "DORA_E203", &["$xyz"]);
    refused("let x = 1; $x = 2", "DORA_E209", &["mut"]);
    refused("mut x = 1; [1 2] | each { $x = 2 }", "DORA_E210", &["for"]);
    refused("mut x = 1; $x = 'a'", "DORA_E215", &["int"]);
    refused("def f [x: int] { $x }; f a", "DORA_E205", &["int"]);
    refused("def f [x: int = 'a'] { $x }", "DORA_E216", &["x"]);
    refused("def f [...x, ...y] { $x }", "DORA_E216", &["rest"]);
    refused("[[a a]; [1 2]]", "DORA_E212", &["a"]);
    refused("first 1 2 3", "DORA_E206", &[]);
    refused("const x = (ls); $x", "DORA_E211", &[]);
    refused("use nowhere.dora", "DORA_E213", &["nowhere.dora"]);
    refused("\"abc\" | math sum", "DORA_E208", &["string"]);
    refused("break", "DORA_E317", &["for"]);
    refused("def f [x: strng] { $x }", "DORA_E313", &["string"]);
    refused("[1 2] | reduce", "DORA_E315", &["reduce"]);
}

#[test]
fn a_mistake_in_a_signature_is_told_once() {
    let ran = World::new().dora(&["-c", "def f [x?, y] { $x }; f 1 2"]);
    assert!(ran.err.contains("DORA_E124"), "{}", ran.err);
    assert_eq!(ran.err.matches("DORA_E").count(), 1, "{}", ran.err);
}

#[test]
fn all_mistakes_of_a_program_come_at_once() {
    let world = World::new();
    let ran = world.dora(&["-c", "frst 3\n$nope\n1 + 'a'"]);
    for id in ["DORA_E201", "DORA_E203", "DORA_E301"] {
        assert!(ran.err.contains(id), "{id} is missing\n{}", ran.err);
    }
}

#[test]
fn errors_for_machines_are_one_object_a_line() {
    let world = World::new();
    let ran = world.dora(&["--error-format", "json", "-c", "frst 3"]);
    let error: serde_json::Value = serde_json::from_str(ran.err.lines().next().unwrap_or_default()).expect("JSON");
    assert_eq!(error["code"], "DORA_E201");
    assert_eq!(error["labels"][0]["line"], 1);
}

#[test]
fn a_format_that_is_not_there_is_refused() {
    for (words, near) in [
        (["--error-format", "jsn"], "json"),
        (["--error-format", "yaml"], "text, json"),
        (["--output", "ymal"], "yaml"),
    ] {
        let ran = World::new().dora(&[&words[..], &["-c", "1"]].concat());
        assert_eq!(ran.code, 2, "{}", ran.err);
        assert!(ran.err.contains("DORA_E207") && ran.err.contains(near), "{}", ran.err);
    }
}

#[test]
fn what_goes_wrong_while_running_is_an_error_with_a_place() {
    for (code, id) in [
        ("let x = 0; 1 / $x", "DORA_E302"),
        ("mut x = 9223372036854775807; $x += 1; $x", "DORA_E303"),
        ("'abc' | into int", "DORA_E304"),
        ("('{\"a\":1}' | from json).b", "DORA_E305"),
        ("[1 2].5", "DORA_E306"),
        ("('5' | from json).a", "DORA_E307"),
        ("def f [x: int] { $x }; f ('\"a\"' | from json)", "DORA_E308"),
        ("'a' =~ '('", "DORA_E309"),
        ("1..1..5", "DORA_E310"),
        ("1.. | math sum", "DORA_E311"),
        ("def f [] { f }; f", "DORA_E318"),
        ("^false", "DORA_E319"),
        ("error make {msg: 'no'}", "DORA_E321"),
        ("open nothing.csv", "DORA_E"),
        ("('5' | from json) | str upcase", "DORA_E314"),
        ("('[{\"name\": \"x\"}]' | from json) | stop", "DORA_E316"),
        ("^echo hi o> /nonexistent/file", "DORA_E324"),
    ] {
        let ran = World::new().dora(&["-c", code]);
        assert_ne!(ran.code, 0, "`{code}` must fail\n{}", ran.out);
        assert_ne!(ran.code, 101, "`{code}` must not panic\n{}", ran.err);
        assert!(ran.err.contains(id), "`{code}` must raise {id}\n{}", ran.err);
    }
}

#[test]
fn a_program_that_the_system_refuses_is_no_unknown_command() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let path = world.write("broken", "\x7fELF, but not really");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    let ran = world.dora(&["-c", "^./broken"]);
    assert!(ran.err.contains("DORA_E320"), "{}", ran.err);
}

#[test]
fn nothing_catches_an_exit() {
    // DORA_E322 is how `exit` travels, and is never shown.
    let ran = World::new().dora(&["-c", "try { exit 7 } catch { 1 }"]);
    assert_eq!((ran.code, ran.err.as_str()), (7, ""));
}
