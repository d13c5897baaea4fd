//! What becomes of running dataflows when the user goes.

use std::io::Write;

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use diag::{Diagnostic, Result, codes};
use engine::Context;
use runtime::Handle;
use runtime::control::Fleet;
use runtime::model::{DataflowInfo, StartOptions, StopOptions};

/// Whether the shell ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    Goes,
    Stays,
}

/// What the user wants of the dataflows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Stop,
    Keep,
    Cancel,
}

/// Asks what is to become of the dataflows that run in this shell, if any, and sees to it.
pub(super) fn leave(context: &Context) -> Result<Leaving> {
    let Ok(fleet) = context.service::<Fleet>() else { return Ok(Leaving::Goes) };
    if !fleet.is_active() {
        return Ok(Leaving::Goes);
    }
    let own = fleet.own();
    let flows = context.block_on(own.list(false))??;
    if flows.is_empty() {
        return Ok(Leaving::Goes);
    }
    match ask(&flows)? {
        Choice::Cancel => Ok(Leaving::Stays),
        // The shell's runtime stops them as it ends.
        Choice::Stop => Ok(Leaving::Goes),
        Choice::Keep => {
            for flow in &flows {
                context.block_on(hand_over(&fleet, &own, flow))??;
                context.ui().notice(&format!("dataflow `{}` was restarted in the daemon", flow.name));
            }
            Ok(Leaving::Goes)
        }
    }
}

/// Starts a dataflow anew in the daemon. Its nodes cannot change their parent, so they begin again.
async fn hand_over(fleet: &Fleet, own: &Handle, flow: &DataflowInfo) -> Result<()> {
    let details = own.inspect(flow.id).await?;
    own.stop(flow.id, StopOptions::default()).await?;
    // As it was started, with its variables; a flow of this process always knows how that was.
    let options = details.options.unwrap_or_else(|| StartOptions::text(&flow.name, details.descriptor));
    fleet.start_detached(options).await?;
    Ok(())
}

fn ask(flows: &[DataflowInfo]) -> Result<Choice> {
    let names: Vec<&str> = flows.iter().map(|flow| flow.name.as_str()).collect();
    let (subject, them) = if names.len() == 1 { ("A dataflow runs", "it") } else { ("Dataflows run", "them") };
    let mut out = std::io::stderr();
    let written = write!(
        out,
        "{subject} in this shell: {}.\n[s]top {them}, let {them} [r]un on in the daemon (restarted there), or [c]ancel? ",
        names.join(", ")
    );
    written.and_then(|()| out.flush()).map_err(|error| unreadable(&error))?;
    let choice = {
        // One key is the answer, and ctrl-c is one too.
        let _raw = Raw::enter().map_err(|error| unreadable(&error))?;
        loop {
            let event = event::read().map_err(|error| unreadable(&error))?;
            if let Some(choice) = choice(&event) {
                break choice;
            }
        }
    };
    let _ = writeln!(out);
    Ok(choice)
}

/// What a key means. Enter and whatever else is not understood changes nothing.
fn choice(event: &Event) -> Option<Choice> {
    let Event::Key(key) = event else { return None };
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char('d') if control => Choice::Stop,
        KeyCode::Char('s' | 'S') if !control => Choice::Stop,
        KeyCode::Char('r' | 'R') if !control => Choice::Keep,
        _ => Choice::Cancel,
    })
}

/// The terminal without echo and line buffer, until this is dropped.
struct Raw;

impl Raw {
    fn enter() -> std::io::Result<Raw> {
        enable_raw_mode().map(|()| Raw)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing put back.
        let _ = disable_raw_mode();
    }
}

fn unreadable(error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::new(codes::CANNOT_READ, format!("the answer cannot be read: {}", diag::os_reason(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyEvent;

    #[test]
    fn a_key_that_is_not_understood_stops_nothing() {
        let press = |code, modifiers| choice(&Event::Key(KeyEvent::new(code, modifiers)));
        assert_eq!(press(KeyCode::Char('S'), KeyModifiers::SHIFT), Some(Choice::Stop));
        assert_eq!(press(KeyCode::Char('r'), KeyModifiers::NONE), Some(Choice::Keep));
        assert_eq!(press(KeyCode::Char('d'), KeyModifiers::CONTROL), Some(Choice::Stop));
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Choice::Cancel));
        assert_eq!(press(KeyCode::Enter, KeyModifiers::NONE), Some(Choice::Cancel));
        assert_eq!(choice(&Event::FocusGained), None);
    }
}
