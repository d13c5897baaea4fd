//! The grammars for editors agree with the parser on every program there is.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use shell::highlight::{Class, Head, classify};

use crate::world::root;

#[derive(serde::Deserialize)]
struct Answer {
    wrong: Option<String>,
    tree: String,
    scopes: String,
}

/// A letter for each character, as the prompt colours it.
fn letters(text: &str) -> String {
    let mut letters = String::new();
    for (range, class) in classify(text, |_, _| Head::Program) {
        let piece = &text[range];
        let letter = match class {
            Class::Comment => 'C',
            Class::Text => 'T',
            Class::Variable if piece.contains('$') => 'V',
            Class::Keyword => 'K',
            _ => '.',
        };
        letters.extend(piece.chars().map(|c| if c == '\n' { '\n' } else { letter }));
    }
    letters
}

fn ask(texts: &[&String]) -> Option<Vec<Answer>> {
    let python = std::env::var_os("DORA_TEST_PYTHON")?;
    let mut child = Command::new(python)
        .arg(root().join("tests/grammars/classes.py"))
        .arg(root().join("grammar"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python");
    let asked = serde_json::to_string(texts).expect("JSON");
    let mut stdin = child.stdin.take().expect("a pipe");
    let writing = std::thread::spawn(move || stdin.write_all(asked.as_bytes()));
    let output = child.wait_with_output().expect("its end");
    writing.join().expect("no panic").expect("written");
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).expect("answers"))
}

#[test]
fn editors_see_every_program_as_the_parser_does() {
    let mut texts = sentences::corpus(&["stdlib", "scripts", "tests", "docs"].map(|name| root().join(name)));
    texts.extend(commands::all().iter().flat_map(|command| command.examples).map(|example| example.code.to_string()));
    // Documents show mistakes, too.
    let lawful = |text: &&String| syntax::parse(&diag::Sources::new().add("text", text.as_str())).errors.is_empty();
    let texts: Vec<&String> = texts.iter().filter(lawful).collect();
    assert!(texts.len() > 500, "{} programs", texts.len());
    let Some(answers) = ask(&texts) else { return };
    let mut wrong: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (text, answer) in texts.iter().zip(&answers) {
        if let Some(place) = &answer.wrong {
            wrong.entry("tree-sitter does not understand").or_default().push(format!("{place}\n{text}"));
        }
        let ours = letters(text);
        for (name, theirs) in [("tree-sitter colours", &answer.tree), ("TextMate colours", &answer.scopes)] {
            for (number, ((line, ours), theirs)) in text.lines().zip(ours.lines()).zip(theirs.lines()).enumerate() {
                // Blanks have no colour.
                let differs = line
                    .chars()
                    .zip(ours.chars().zip(theirs.chars()))
                    .any(|(c, (ours, theirs))| !c.is_whitespace() && ours != theirs);
                if differs {
                    let shown = format!("line {}\n{line}\n{ours} ours\n{theirs} theirs", number + 1);
                    wrong.entry(name).or_default().push(shown);
                }
            }
        }
    }
    for (what, list) in &wrong {
        println!("== {what}: {}\n{}", list.len(), list[..list.len().min(25)].join("\n"));
    }
    assert!(wrong.is_empty());
}
