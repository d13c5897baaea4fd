//! What all declarations must keep to.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use engine::{Context, NoLive, NoUi, Session};

fn session() -> Session {
    Session::new(Context::new(crate::registry(), Arc::new(NoUi), Arc::new(NoLive)))
}

#[test]
fn every_example_gives_what_it_says() {
    let mut wrong = Vec::new();
    for command in crate::all() {
        for example in command.examples {
            let Some(expected) = example.result else { continue };
            let (given, wanted) = (session().value(example.code), session().value(expected));
            match (given, wanted) {
                (Ok(given), Ok(wanted)) if given == wanted => {}
                (given, wanted) => wrong.push(format!("{}: {}\n  gives  {given:?}\n  wanted {wanted:?}", command.name, example.code)),
            }
        }
    }
    assert!(wrong.is_empty(), "{} examples are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_declaration_is_missing_from_the_slices() {
    let known: HashSet<&str> = crate::all().iter().map(|command| command.name).collect();
    assert_eq!(known.len(), crate::all().len(), "two commands have one name");
    let mut missing = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            if !text.contains("pub static") || path.ends_with("mod.rs") || path.ends_with("tests.rs") {
                continue;
            }
            let names = text.split("\n    name: \"").skip(1).filter_map(|rest| rest.split('"').next());
            missing.extend(names.filter(|name| !known.contains(name)).map(|name| format!("{name} in {}", path.display())));
        }
    }
    assert!(missing.is_empty(), "not in any slice: {missing:#?}");
}

#[test]
fn declarations_read_alike() {
    let mut wrong = Vec::new();
    for command in crate::all() {
        let name = command.name;
        let mut note = |what: &str| wrong.push(format!("{name}: {what}"));
        if command.summary.is_empty() || command.summary.ends_with('.') || command.summary.starts_with(char::is_lowercase) {
            note("the summary is a sentence without a full stop");
        }
        if command.examples.is_empty() {
            note("has no example");
        }
        if name.split(' ').count() > 3 || name.chars().any(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == ' ')) {
            note("names are lower-case words joined by dashes");
        }
        for (from, to) in command.io {
            if let Err(error) = value::Type::parse(from).and_then(|_| value::Type::parse(to)) {
                note(&format!("{from} -> {to}: {error}"));
            }
        }
        let mut shorts = HashSet::new();
        for param in command.params {
            if param.doc.ends_with('.') || param.doc.is_empty() {
                note(&format!("`{}` needs a fragment without a full stop", param.name));
            }
            if let Err(error) = value::Type::parse(param.takes.type_text().replace("condition", "closure").as_str()) {
                note(&format!("`{}`: {error}", param.name));
            }
            if let Some(short) = param.short() {
                if !shorts.insert(short) || short == 'h' {
                    note(&format!("`-{short}` is taken"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
