//! Answers that are read key by key: secrets, and those that need no enter.

use std::io::Write;
use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers, poll, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use diag::{Diagnostic, Result, codes};
use engine::Ask;
use value::Interrupt;

/// How often a wait looks at the interrupt.
const LOOK: Duration = Duration::from_millis(20);

/// Reads what is typed until enter, or until there are as many characters as are enough.
///
/// # Errors
/// `INTERRUPTED` with ctrl-c, `CANNOT_READ` when the terminal is gone.
pub fn typed(ask: &Ask<'_>, interrupt: &Interrupt) -> Result<String> {
    let unreadable = |error: std::io::Error| {
        Diagnostic::new(codes::CANNOT_READ, format!("the answer cannot be read: {}", diag::os_reason(&error)))
    };
    let raw = Raw::begin().map_err(unreadable)?;
    let mut typed = String::new();
    let enough = ask.characters.unwrap_or(usize::MAX);
    while typed.chars().count() < enough {
        interrupt.check()?;
        if !poll(LOOK).map_err(unreadable)? {
            continue;
        }
        let Event::Key(key) = read().map_err(unreadable)? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => return Err(Diagnostic::new(codes::INTERRUPTED, "interrupted")),
            KeyCode::Char('d') if control && typed.is_empty() => break,
            KeyCode::Enter => break,
            KeyCode::Backspace => {
                let gone = typed.pop();
                shown(ask, if gone.is_some() { "\u{8} \u{8}" } else { "" });
            }
            KeyCode::Char(c) if !control => {
                typed.push(c);
                shown(ask, c.encode_utf8(&mut [0; 4]));
            }
            _ => {}
        }
    }
    drop(raw);
    let _ = writeln!(std::io::stderr());
    Ok(typed)
}

fn shown(ask: &Ask<'_>, text: &str) {
    if !ask.hidden {
        let _ = write!(std::io::stderr(), "{text}").and_then(|()| std::io::stderr().flush());
    }
}

/// The terminal gives key by key as long as this lives.
struct Raw;

impl Raw {
    fn begin() -> std::io::Result<Raw> {
        enable_raw_mode().map(|()| Raw)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone needs no order any more.
        let _ = disable_raw_mode();
    }
}
