//! Long waits at a terminal: a line that turns, and below it a line for each part.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::Duration;

use engine::{Progress, Step};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the turning goes on.
const TICK: Duration = Duration::from_millis(100);
/// What turns, and what stands there in the end.
const TURNING: &str = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ";

/// A wait that is shown on standard error. When it is dropped nothing of it is left.
pub(crate) struct Shown {
    bars: MultiProgress,
    whole: ProgressBar,
    parts: HashMap<String, ProgressBar>,
    /// How wide the names are.
    width: usize,
}

impl Shown {
    /// Begins to show a wait that has lasted so long already; `None` off a terminal.
    pub fn begin(what: &str, waited: Duration) -> Option<Self> {
        if !std::io::stderr().is_terminal() || std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
            return None;
        }
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let spinner = ProgressBar::new_spinner().with_elapsed(waited);
        let whole = bars.add(spinner.with_style(style("{spinner:.cyan} {msg} {elapsed:.dim}")));
        whole.set_message(format!("waiting for `{what}`, ctrl-c gives up"));
        whole.enable_steady_tick(TICK);
        Some(Shown { bars, whole, parts: HashMap::new(), width: 0 })
    }
}

impl Progress for Shown {
    fn show(&mut self, steps: &[Step]) {
        self.width = steps.iter().map(|step| step.name.chars().count()).fold(self.width, usize::max);
        for (at, step) in steps.iter().enumerate() {
            let branch = if at + 1 == steps.len() { "└─" } else { "├─" };
            let name = format!("{branch} {:width$}", step.name, width = self.width);
            let said = match &step.detail {
                Some(detail) => format!("{}: {}", step.state, detail.split('\n').next().unwrap_or_default().trim()),
                None => step.state.clone(),
            };
            let bar = self.parts.entry(step.name.clone()).or_insert_with(|| {
                let bar = self.bars.add(ProgressBar::new_spinner());
                bar.enable_steady_tick(TICK);
                bar
            });
            bar.set_style(match step.outcome {
                None => style("  {prefix} {spinner:.cyan} {wide_msg}"),
                Some(true) => style("  {prefix} {spinner:.green} {wide_msg:.green}").tick_strings(&["✓", "✓"]),
                Some(false) => style("  {prefix} {spinner:.red} {wide_msg:.red}").tick_strings(&["✗", "✗"]),
            });
            bar.set_prefix(name);
            bar.set_message(said);
        }
        self.parts.retain(|name, bar| {
            let stays = steps.iter().any(|step| step.name == *name);
            if !stays {
                bar.finish_and_clear();
            }
            stays
        });
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.whole.finish_and_clear();
        self.parts.values().for_each(ProgressBar::finish_and_clear);
        // A terminal that is gone has nothing to be cleared.
        let _ = self.bars.clear();
    }
}

/// A template that is known to be one; the plain style otherwise.
fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner());
    style.tick_chars(TURNING)
}
