//! What becomes of running dataflows when the user goes.

use std::io::{BufRead, Write};

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
    let options = match &flow.file {
        Some(file) => StartOptions::file(file),
        None => StartOptions::text(&flow.name, details.descriptor),
    };
    let options = StartOptions { name: Some(flow.name.clone()), working_dir: Some(details.working_dir), ..options };
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
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer).map_err(|error| unreadable(&error))?;
    Ok(if read == 0 { Choice::Stop } else { choice(&answer) })
}

/// Whatever is not understood changes nothing.
fn choice(answer: &str) -> Choice {
    match answer.trim().to_lowercase().as_str() {
        "s" | "stop" => Choice::Stop,
        "r" | "run" | "stay" => Choice::Keep,
        _ => Choice::Cancel,
    }
}

fn unreadable(error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::new(codes::CANNOT_READ, format!("the answer cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_not_understood_stops_nothing() {
        assert_eq!(choice("S\n"), Choice::Stop);
        assert_eq!(choice("run"), Choice::Keep);
        assert_eq!(choice("\n"), Choice::Cancel);
        assert_eq!(choice("exit\n"), Choice::Cancel);
    }
}
