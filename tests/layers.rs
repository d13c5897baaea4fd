//! The walls of the house: which crate may use which.

use std::collections::BTreeSet;

use crate::world::root;

/// What each crate may use of the others, directly. `docs/architecture.md` has the same table.
const ALLOWED: &[(&str, &[&str])] = &[
    ("diag", &[]),
    ("value", &["diag"]),
    ("syntax", &["diag", "value"]),
    ("store", &["diag"]),
    ("table", &["diag", "value"]),
    ("nodes", &["diag", "store"]),
    ("runtime", &["diag", "store", "nodes"]),
    ("render", &["diag", "value"]),
    ("engine", &["diag", "syntax", "value", "table"]),
    ("commands", &["diag", "syntax", "value", "table", "engine", "store", "runtime", "render", "nodes"]),
    ("sentences", &[]),
    ("fuzz", &["diag", "syntax", "value", "engine", "commands", "sentences"]),
    ("shell", &["diag", "syntax", "value", "table", "engine", "store", "runtime", "render", "commands", "nodes"]),
];

fn manifest(name: &str) -> String {
    let path = root().join("src").join(name).join("Cargo.toml");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_crate_has_its_place_in_the_table() {
    let folders: BTreeSet<String> = std::fs::read_dir(root().join("src"))
        .expect("src")
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let known: BTreeSet<String> = ALLOWED.iter().map(|(name, _)| (*name).to_string()).collect();
    assert_eq!(folders, known);
}

#[test]
fn no_crate_uses_what_stands_above_or_beside_it() {
    for (name, allowed) in ALLOWED {
        let text = manifest(name);
        // What only tests use may come from anywhere.
        let text = text.split("[dev-dependencies]").next().unwrap_or_default();
        for (other, _) in ALLOWED {
            let used = text.lines().any(|line| line.starts_with(&format!("{other}.workspace")));
            assert!(!used || allowed.contains(other), "`{name}` must not use `{other}`");
        }
    }
}

#[test]
fn polars_is_named_in_table_alone_and_terminals_in_render_and_shell_alone() {
    for (name, _) in ALLOWED {
        let text = manifest(name);
        let text = text.split("[dev-dependencies]").next().unwrap_or_default();
        let uses = |library: &str| text.lines().any(|line| line.starts_with(&format!("{library}.workspace")));
        assert!(*name == "table" || !uses("polars"), "`{name}` names polars");
        for library in ["crossterm", "reedline", "nu-ansi-term", "tabled"] {
            assert!(matches!(*name, "render" | "shell") || !uses(library), "`{name}` names {library}");
        }
    }
}

#[test]
fn every_module_of_a_crate_is_on_its_map() {
    for (name, _) in ALLOWED {
        // Who has none is a program of one file.
        let Ok(lib) = std::fs::read_to_string(root().join("src").join(name).join("src/lib.rs")) else { continue };
        let map: String = lib.lines().take_while(|line| line.starts_with("//!")).collect();
        for line in lib.lines() {
            if let Some(module) = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')) {
                assert!(map.contains(module), "`{module}` is missing from the map of `{name}`");
            }
        }
    }
}
