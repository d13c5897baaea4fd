//! `dora fmt`, `dora test` and `dora check`: programs as files.

use crate::world::{World, root};

#[test]
fn the_specification_the_library_and_their_examples_hold() {
    let world = World::new();
    let place = |name: &str| root().join(name).display().to_string();
    let ran = world.dora(&["test", &place("tests/spec"), &place("stdlib")]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let passed: usize = ran.out.split_whitespace().next().and_then(|count| count.parse().ok()).unwrap_or_default();
    assert!(passed > 100, "{}", ran.out);
}

#[test]
fn every_program_of_the_project_is_laid_out() {
    let world = World::new();
    let places = ["stdlib", "scripts"].map(|name| root().join(name).display().to_string());
    let ran = world.dora(&["fmt", "--check", &places[0], &places[1]]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}

#[test]
fn a_file_is_laid_out_in_its_place_and_only_if_it_can_be_read() {
    let world = World::new();
    let file = world.write("a.dora", "ls|first # why\n\n\n\nif true {\n1}\n");
    world.write("broken.dora", "ls | (\n");
    let check = world.dora(&["fmt", "--check", "."]);
    assert_eq!(check.code, 2, "{}{}", check.out, check.err);
    assert!(check.err.contains("a.dora would be laid out") && check.err.contains("DORA_E100"), "{}", check.err);
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("ls|first"), "a check changes nothing");
    let done = world.dora(&["fmt", "a.dora"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "ls | first # why\n\nif true {\n    1 }\n");
    assert_eq!(world.dora(&["fmt", "--check", "a.dora"]).code, 0);
    assert_eq!(world.dora(&["fmt", "missing.dora"]).code, 10);
    assert_eq!(world.dora(&["fmt", "--chek"]).code, 2);
}

#[test]
fn tests_pass_fail_are_ignored_and_are_chosen_by_name() {
    let world = World::new();
    world.write(
        "sums.dora",
        "use std/assert\n@test\ndef adds [] { assert equal 4 (2 + 2) }\n@test\ndef lies [] { assert equal 5 (2 + 2) }\n\
         @test\n@ignore 'too slow'\ndef sleeps [] { sleep 1hr }\ndef test_by_name [] { assert (1 < 2) }\n",
    );
    world.write("page.md", "```dora\n1 + 1\n# => 3\n```\n\n```dora\n1 // 0\n# error: DORA_E302\n```\n");
    let ran = world.dora(&["test"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.starts_with("3 passed, 2 failed, 1 ignored") && ran.err.contains("DORA_E613"), "{}", ran.out);
    for told in ["FAILED  sums.dora: lies", "4 and 5", "ignored sums.dora: sleeps: too slow", "FAILED  page.md:2"] {
        let told = if told == "4 and 5" { "5 and 4" } else { told };
        assert!(ran.err.contains(told), "{told}\n{}", ran.err);
    }
    let some = world.dora(&["test", "--filter", "adds"]);
    assert_eq!((some.code, &some.out[..20]), (0, "1 passed, 0 failed, "), "{}{}", some.out, some.err);
    world.write("wrong.dora", "@test\ndef a [] { frist }\n");
    let wrong = world.dora(&["test", "wrong.dora"]);
    assert_eq!((wrong.code, wrong.err.contains("DORA_E201")), (1, true), "{}", wrong.err);
    assert_eq!(world.dora(&["test", "nowhere"]).code, 10);
}

#[test]
fn attributes_belong_to_definitions() {
    let world = World::new();
    for (text, told) in [("@tset\ndef a [] { }", "did you mean `test`?"), ("@test\nls", "no `def` follows")] {
        let file = world.write("a.dora", text);
        let ran = world.dora(&["check", &file.display().to_string()]);
        assert!(ran.code == 2 && ran.err.contains("DORA_E217") && ran.err.contains(told), "{text}\n{}", ran.err);
    }
    assert_eq!(
        world.eval("# Doubles.\n@example 'six' { 3 | twice } --result 6\ndef twice [] { $in * 2 }; 4 | twice"),
        "8"
    );
}
