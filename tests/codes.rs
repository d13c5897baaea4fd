//! Error codes: each has a page, and a test that raises it.

use std::path::Path;

use crate::world::{World, root};

fn sources(dir: &Path, all: &mut String) {
    for entry in std::fs::read_dir(dir).expect("a directory of the project").filter_map(|entry| entry.ok()) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|ending| ending == "rs" || ending == "md" || ending == "dora") {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            // Of a library's file only its tests count.
            let text = match text.find("#[cfg(test)]") {
                Some(at) if path.starts_with(root().join("src")) => &text[at..],
                None if path.starts_with(root().join("src")) && !path.to_string_lossy().contains("/tests") => "",
                _ => &text,
            };
            all.push_str(text);
        }
    }
}

#[test]
fn every_code_is_raised_by_some_test() {
    let mut tests = String::new();
    sources(&root().join("src"), &mut tests);
    sources(&root().join("tests"), &mut tests);
    let declared = std::fs::read_dir(root().join("src/diag/src/codes"))
        .expect("codes")
        .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok())
        .collect::<String>();
    let mut missing = Vec::new();
    for code in diag::Code::all() {
        let number = code.id().trim_start_matches("DORA_E");
        let name = declared
            .lines()
            .find_map(|line| line.trim().strip_suffix(';').filter(|line| line.contains(&format!("= \"{number}\""))))
            .and_then(|line| line.split(" = ").next())
            .unwrap_or_default()
            .to_string();
        if !tests.contains(code.id()) && !tests.contains(&name) {
            missing.push(format!("{} {name}", code.id()));
        }
    }
    assert!(missing.is_empty(), "no test raises: {missing:#?}");
}

#[test]
fn error_explain_shows_the_page() {
    let world = World::new();
    let ran = world.dora(&["error", "explain", "E201"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("unknown command"), "{}", ran.out);
    assert_eq!(world.dora(&["error", "explain", "E999"]).code, 10);
}
