//! Documents that are made from the code are as the code is.

use std::path::Path;

use crate::world::{World, root};

/// Compares a file with what it should be. With `UPDATE_DOCS` set it is written instead.
fn current(path: &Path, text: &str) -> Option<String> {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap_or(path)).expect("a directory of the project");
        std::fs::write(path, text).expect("a file of the project");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    (found != text).then(|| path.display().to_string())
}

#[test]
fn the_reference_is_made_from_the_declarations() {
    let dir = root().join("docs/reference");
    let stale: Vec<String> =
        commands::reference::pages().iter().filter_map(|page| current(&dir.join(&page.file), &page.text)).collect();
    assert!(stale.is_empty(), "stale; UPDATE_DOCS=1 writes them anew: {stale:#?}");
}

#[test]
fn the_index_of_errors_lists_every_code() {
    let mut text = String::from("# Errors\n\nEvery code, with its page; `dora error explain CODE` shows the same.\n\n");
    for code in diag::Code::all() {
        text.push_str(&format!("- [{}]({}.md): {}\n", code.id(), code.id(), code.title()));
    }
    let stale = current(&root().join("docs/errors/index.md"), &text);
    assert!(stale.is_none(), "stale; UPDATE_DOCS=1 writes it anew: {stale:?}");
}

#[test]
fn no_page_is_left_of_a_code_that_is_gone() {
    for entry in std::fs::read_dir(root().join("docs/errors")).expect("pages").filter_map(|entry| entry.ok()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let id = name.trim_end_matches(".md");
        assert!(id == "index" || diag::Code::find(id).is_some(), "{name} is the page of no code");
    }
}

/// The blocks of a document that hold programs.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match (&mut open, line.starts_with("```")) {
            (None, true) => open = Some(String::new()),
            (Some(_), true) => blocks.extend(open.take()),
            (Some(block), false) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, false) => {}
        }
    }
    blocks
}

#[test]
fn the_tour_of_the_language_parses() {
    let text = std::fs::read_to_string(root().join("docs/language.md")).expect("the tour");
    let world = World::new();
    for (at, block) in blocks(&text).iter().enumerate() {
        let file = world.write(&format!("block{at}.dora"), block);
        let ran = world.dora(&["--error-format", "json", "check", &file.display().to_string()]);
        // What a block is wrong about on purpose, or opens files for, is no matter of syntax.
        assert!(!ran.err.contains("DORA_E1"), "{block}\n{}", ran.err);
    }
}
