//! Blocks of documents.

use std::path::Path;

use diag::{Diagnostic, Result, codes};
use engine::Session;
use render::Options;
use value::Value;

use super::{Run, Test};

/// The width that transcripts are written for.
const WIDTH: usize = 80;

/// The tests of a document: one for each fenced block of the language.
pub(super) fn tests(file: &Path, text: &str) -> Vec<Test> {
    let mut found = Vec::new();
    for block in blocks(text) {
        let name = format!("{}:{}", file.display(), block.line);
        let run: Run = match block.kind {
            Kind::Program => Box::new(move |session| program(session, &block.text)),
            Kind::Transcript => Box::new(move |session| transcript(session, &block.text)),
        };
        found.push(Test { name, ignored: None, run });
    }
    found
}

enum Kind {
    Program,
    Transcript,
}

struct Block {
    /// The number of its first line.
    line: usize,
    kind: Kind,
    text: String,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    // Whether a fence is open, and the block it began if that is one of ours.
    let mut open: Option<Option<Block>> = None;
    for (at, line) in text.lines().enumerate() {
        let fence = line.trim_start().strip_prefix("```");
        match (fence, &mut open) {
            (Some(word), None) => {
                let kind = match word.trim() {
                    "dora" => Some(Kind::Program),
                    "transcript" => Some(Kind::Transcript),
                    _ => None,
                };
                open = Some(kind.map(|kind| Block { line: at + 2, kind, text: String::new() }));
            }
            (Some(_), Some(_)) => blocks.extend(open.take().flatten()),
            (None, Some(Some(block))) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, _) => {}
        }
    }
    blocks
}

/// What is expected of a piece of a program.
enum Expected {
    Value(String),
    Error(String),
    /// Only that it does not fail.
    Nothing,
}

/// Runs a program piece by piece: each ends where something is expected of it.
fn program(session: &mut Session, text: &str) -> Result<()> {
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let expected = if let Some(value) = line.strip_prefix("# =>") {
            let mut value = value.to_string();
            // A literal may go on over further comments.
            while let Some(more) = lines.next_if(|line| line.starts_with("# ") && !line.starts_with("# error:")) {
                value.push('\n');
                value.push_str(&more[1..]);
            }
            Expected::Value(value)
        } else if let Some(error) = line.strip_prefix("# error:") {
            Expected::Error(error.trim().to_string())
        } else {
            code.push_str(line);
            code.push('\n');
            continue;
        };
        let piece = std::mem::take(&mut code);
        meet(session, &piece, expected)?;
    }
    if code.trim().is_empty() { Ok(()) } else { meet(session, &code, Expected::Nothing) }
}

fn meet(session: &mut Session, code: &str, expected: Expected) -> Result<()> {
    match expected {
        Expected::Value(literal) => compare(session, code, &literal),
        Expected::Nothing => session.value(code).map(drop),
        Expected::Error(wanted) => {
            // It may begin with the code, and go on with a part of the message.
            let (id, part) = wanted.split_once(' ').unwrap_or((&wanted, ""));
            match session.value(code) {
                Err(error) if error.code.id() == id && error.message.contains(part.trim()) => Ok(()),
                Err(error) => {
                    let told = format!("expected {wanted}, and it failed with {}", error.code.id());
                    Err(Diagnostic::new(codes::TEST_FAILED, told).related(*error))
                }
                Ok(value) => Err(Diagnostic::new(
                    codes::TEST_FAILED,
                    format!("expected {wanted}, and it gives {}", value::literal::to_literal(&value)),
                )),
            }
        }
    }
}

/// Whether a program gives what a literal says.
pub(super) fn compare(session: &mut Session, code: &str, literal: &str) -> Result<()> {
    let given = session.value(code)?;
    let wanted = engine::literal::read(literal, session.context().sources())?;
    if same(&given, &wanted)? {
        return Ok(());
    }
    let shown = value::literal::to_literal;
    Err(Diagnostic::new(codes::TEST_FAILED, format!("`{}` gives another value", code.trim()))
        .cause_with("expected", vec![shown(&wanted)])
        .cause_with("given", vec![shown(&given)]))
}

/// Equal, as they are written too: an int is no float.
fn same(a: &Value, b: &Value) -> Result<bool> {
    Ok(a == b && value::literal::to_literal(a) == value::literal::to_literal(b))
}

/// Runs what stands behind `> ` and compares what is shown.
fn transcript(session: &mut Session, text: &str) -> Result<()> {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(typed) = line.strip_prefix("> ") else {
            return Err(Diagnostic::new(codes::TEST_FAILED, format!("`{line}` is shown before anything was typed")));
        };
        let mut code = typed.to_string();
        while let Some(more) = lines.next_if(|line| line.starts_with(": ")) {
            code.push('\n');
            code.push_str(&more[2..]);
        }
        let mut wanted = String::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("> ")) {
            wanted.push_str(line.trim_end());
            wanted.push('\n');
        }
        let options = Options { width: Some(WIDTH), ..Options::whole() };
        let shown = match session.value(&code) {
            Ok(Value::Nothing) => String::new(),
            Ok(value) => render::value_to_text(&value, &options)?,
            Err(error) => render::diagnostic_to_text(&error, session.context().sources(), &options),
        };
        let shown: Vec<&str> = shown.lines().map(str::trim_end).collect();
        let wanted: Vec<&str> = wanted.trim_end().lines().collect();
        if shown.join("\n").trim_end() != wanted.join("\n") {
            return Err(Diagnostic::new(codes::TEST_FAILED, format!("`{typed}` shows something else"))
                .cause_with("expected", wanted.into_iter().map(str::to_string).collect())
                .cause_with("shown", shown.into_iter().map(str::to_string).collect()));
        }
    }
    Ok(())
}
