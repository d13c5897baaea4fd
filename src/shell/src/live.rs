//! Live views: a line with `--watch` runs again and again, and is shown in one place.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use diag::{Diagnostic, Result, codes};
use engine::check::Checked;
use engine::session::Outcome;
use engine::{Data, Session, Ui};
use nu_ansi_term::Style;
use render::Options;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::terminal::Terminal;

/// How often a wait looks at the interrupt.
const LOOK: Duration = Duration::from_millis(20);
/// After failures a round comes later and later, but not later than this.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs what `check` gives. If it asks to be watched, that is done again and again, until ctrl-c or `q`.
pub(crate) fn run(session: &mut Session, terminal: &Terminal, check: impl Fn(&Session) -> Checked) -> Outcome {
    let checked = check(session);
    let Some(every) = checked.watch.filter(|_| checked.errors.is_empty()) else {
        return session.run_checked(checked, false);
    };
    let mut outcome = Outcome { result: Ok(Data::Empty), warnings: Vec::new(), refused: false };
    let result = match std::io::stdout().is_terminal() && !terminal.collects() {
        true => on_terminal(session, terminal, checked, every, check),
        false => off_terminal(session, terminal, checked, every, check),
    };
    // Whoever ends a view has seen enough, and nothing has failed.
    outcome.result = match result {
        Err(error) if error.code == codes::INTERRUPTED => Ok(Data::Empty),
        other => other.map(|()| Data::Empty),
    };
    outcome
}

/// Writes what each round gives, as the same line without `--watch` would.
fn off_terminal(
    session: &mut Session,
    terminal: &Terminal,
    mut checked: Checked,
    every: Duration,
    check: impl Fn(&Session) -> Checked,
) -> Result<()> {
    loop {
        let due = Instant::now() + every;
        terminal.show(session.run_checked(checked, false).result?)?;
        while let Some(left) = due.checked_duration_since(Instant::now()) {
            session.context().interrupt().check()?;
            std::thread::sleep(left.min(LOOK));
        }
        checked = check(session);
    }
}

/// Draws what each round gives over what the one before gave. A round that fails is shown too, unless it is the first.
fn on_terminal(
    session: &mut Session,
    terminal: &Terminal,
    mut checked: Checked,
    every: Duration,
    check: impl Fn(&Session) -> Checked,
) -> Result<()> {
    let keys = Keys::listen();
    let mut view = View::default();
    let mut failures = 0;
    terminal.tell(HIDE_CURSOR)?;
    let result = loop {
        let begun = Instant::now();
        let options = Options::for_stream(&std::io::stdout());
        let text = match round(session, checked, &options) {
            Ok(text) => {
                failures = 0;
                text
            }
            Err(error) if error.code == codes::INTERRUPTED || view.is_empty() => break Err(error),
            Err(error) => {
                failures += 1;
                render::diagnostic_to_text(&error, session.context().sources(), &options)
            }
        };
        let wait = every.saturating_mul(1 << u32::min(failures, 8)).min(PATIENCE.max(every));
        let about = format!("every {}, now {}; q ends", shown(wait), jiff::Zoned::now().strftime("%H:%M:%S"));
        let about = if options.theme.colors { Style::new().dimmed().paint(about).to_string() } else { about };
        let size = crossterm::terminal::size().map_or((80, 24), |(columns, rows)| (columns.into(), rows.into()));
        if let Err(error) = terminal.tell(&view.draw(&text, &about, size)) {
            break Err(error);
        }
        match keys.wait(begun + wait, session.context().interrupt()) {
            Ok(true) => break Ok(()),
            Ok(false) => {}
            Err(error) => break Err(error),
        }
        checked = check(session);
    };
    let over = if view.is_empty() { "" } else { "\r" };
    terminal.tell(&format!("{over}{SHOW_CURSOR}"))?;
    result
}

fn round(session: &mut Session, checked: Checked, options: &Options) -> Result<String> {
    let data = session.run_checked(checked, true).result?;
    let value = data.into_value(session.context().interrupt())?;
    if matches!(value, value::Value::Nothing) {
        return Ok(render::no_rows(options));
    }
    render::value_to_text(&value, options)
}

fn shown(every: Duration) -> String {
    value::units::format_duration(i64::try_from(every.as_nanos()).unwrap_or(i64::MAX))
}

const HIDE_CURSOR: &str = "\u{1b}[?25l";
const SHOW_CURSOR: &str = "\u{1b}[?25h";
/// Between these a terminal shows nothing of what is drawn until all of it is there.
const BEGIN: &str = "\u{1b}[?2026h";
const END: &str = "\u{1b}[?2026l";

/// What stands on the screen.
#[derive(Default)]
struct View {
    height: usize,
    size: (usize, usize),
}

impl View {
    fn is_empty(&self) -> bool {
        self.height == 0
    }

    /// What to write to have `text` stand in the place of what stood there, with a line about it below. As much as
    /// there is room for: a taller view could not be drawn over.
    fn draw(&mut self, text: &str, about: &str, size: (usize, usize)) -> String {
        let (_, rows) = size;
        let room = rows.saturating_sub(2).max(1);
        let mut lines: Vec<&str> = text.trim_end_matches('\n').lines().collect();
        let hidden = lines.len().saturating_sub(room);
        lines.truncate(room);
        let mut drawn = String::from(BEGIN);
        if self.size != size && self.height > 0 {
            // What the terminal has made of the old lines is not known.
            drawn.push_str("\u{1b}[2J\u{1b}[H");
        } else if self.height > 0 {
            drawn.push_str(&format!("\r\u{1b}[{}A", self.height));
        }
        for line in &lines {
            drawn.push_str(line);
            drawn.push_str("\u{1b}[K\n");
        }
        if hidden > 0 {
            drawn.push_str(&format!("{hidden} more lines; "));
        }
        drawn.push_str(about);
        drawn.push_str("\u{1b}[K\n\u{1b}[J");
        drawn.push_str(END);
        (self.height, self.size) = (lines.len() + 1, size);
        drawn
    }
}

/// The keys that are pressed, one by one and not shown, for as long as this lives. Ctrl-C stays what it is.
struct Keys(Option<Termios>);

impl Keys {
    fn listen() -> Self {
        let stdin = std::io::stdin();
        let Ok(before) = tcgetattr(&stdin) else { return Keys(None) };
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        let set = tcsetattr(&stdin, OptionalActions::Now, &modes);
        Keys(set.ok().map(|()| before))
    }

    /// Waits for the moment; `true` when `q` or Esc was pressed before.
    fn wait(&self, due: Instant, interrupt: &value::Interrupt) -> Result<bool> {
        while let Some(left) = due.checked_duration_since(Instant::now()) {
            interrupt.check()?;
            let look = left.min(LOOK);
            if self.0.is_none() {
                std::thread::sleep(look);
                continue;
            }
            let stdin = std::io::stdin();
            let wait = Timespec { tv_sec: 0, tv_nsec: look.subsec_nanos().into() };
            match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&wait)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                Ok(_) => {}
                Err(error) => return Err(unreadable(&error.into())),
            }
            let mut pressed = [0; 64];
            // Not through `Stdin`, whose buffer would keep what belongs to the prompt.
            let count = rustix::io::read(&stdin, &mut pressed).map_err(|error| unreadable(&error.into()))?;
            // At the end of the input nobody can press anything any more.
            if count == 0 || matches!(pressed.get(..count), Some(b"q" | b"Q" | b"\x1b" | b"\x04")) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}

fn unreadable(error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::new(codes::CANNOT_READ, format!("the terminal cannot be read: {}", diag::os_reason(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taller_view_is_cut_and_says_so() {
        let mut view = View::default();
        let text = view.draw("1\n2\n3\n4\n5\n6\n", "about", (40, 5));
        assert!(text.contains("3\u{1b}[K\n3 more lines; about") && !text.contains('4'), "{text:?}");
        assert_eq!(view.height, 4);
    }

    #[test]
    fn each_frame_is_drawn_over_the_one_before_and_a_resized_one_anew() {
        let mut view = View::default();
        let first = view.draw("1\n2", "about", (40, 10));
        assert!(!first.contains("A") && !first.contains("2J"), "{first:?}");
        let second = view.draw("1", "about", (40, 10));
        assert!(second.starts_with(&format!("{BEGIN}\r\u{1b}[3A1")) && second.contains("\u{1b}[J"), "{second:?}");
        let third = view.draw("1", "about", (50, 10));
        assert!(third.starts_with(&format!("{BEGIN}\u{1b}[2J\u{1b}[H1")), "{third:?}");
    }
}
