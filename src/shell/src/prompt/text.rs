//! What stands left and right of the line that is typed.

use std::borrow::Cow;
use std::time::Duration;

use nu_ansi_term::{Color, Style};
use reedline::{Prompt, PromptEditMode, PromptHistorySearch, PromptHistorySearchStatus};
use value::units::format_duration;

/// Lines that took longer say so.
const WORTH_TELLING: Duration = Duration::from_secs(2);

/// The prompt's texts, worked out once before each line: drawing it never waits for anything.
#[derive(Debug, Clone, Default)]
pub struct Line {
    pub directory: String,
    /// Where commands go, when that is not this home.
    pub context: Option<String>,
    /// The dataflows that run on this home.
    pub flows: Vec<Flow>,
    /// How long the last line took.
    pub took: Duration,
    /// How the last line ended.
    pub code: i32,
    pub colors: bool,
}

/// A dataflow that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flow {
    pub name: String,
    pub nodes: usize,
    /// How many of its nodes have failed.
    pub failed: usize,
}

impl Flow {
    /// Its name, and how many nodes are left when some have failed.
    fn shown(&self) -> String {
        match self.failed {
            0 => self.name.clone(),
            failed => format!("{} {}/{}", self.name, self.nodes.saturating_sub(failed), self.nodes),
        }
    }
}

/// A path with the home directory as `~`.
pub fn short_directory(cwd: &std::path::Path, home: Option<&str>) -> String {
    let text = cwd.display().to_string();
    match home.filter(|home| home.len() > 1).and_then(|home| text.strip_prefix(home)) {
        Some("") => "~".into(),
        Some(rest) if rest.starts_with('/') => format!("~{rest}"),
        _ => text,
    }
}

impl Line {
    fn paint(&self, style: Style, text: &str) -> String {
        if self.colors { style.paint(text).to_string() } else { text.to_string() }
    }

    fn flows(&self) -> Option<String> {
        match self.flows.as_slice() {
            [] => None,
            [one] => Some(format!("▶ {}", one.shown())),
            [first, second] => Some(format!("▶ {}, {}", first.shown(), second.shown())),
            many => {
                let hurt = many.iter().filter(|flow| flow.failed > 0).count();
                let failed = if hurt > 0 { format!(", {hurt} with failed nodes") } else { String::new() };
                Some(format!("▶ {} dataflows{failed}", many.len()))
            }
        }
    }
}

impl Prompt for Line {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        let directory = self.paint(Color::Green.bold(), &render::escape(&self.directory).replace('\n', "\\n"));
        match &self.context {
            Some(context) => {
                let context = self.paint(Color::Yellow.bold(), &format!("[{}]", render::escape(context)));
                Cow::Owned(format!("{context} {directory}"))
            }
            None => Cow::Owned(directory),
        }
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        let mut parts = Vec::new();
        if self.code != 0 {
            parts.push(self.paint(Color::Red.bold(), &format!("✗ {}", self.code)));
        }
        if self.took > WORTH_TELLING {
            let tenths = i64::try_from(self.took.as_millis() / 100).unwrap_or(i64::MAX / 1_000_000_000);
            parts.push(self.paint(Style::new().dimmed(), &format_duration(tenths * 100_000_000)));
        }
        if let Some(flows) = self.flows() {
            let hurt = self.flows.iter().any(|flow| flow.failed > 0);
            parts.push(self.paint(if hurt { Color::Yellow.bold() } else { Color::Cyan.normal() }, &flows));
        }
        Cow::Owned(parts.join("  "))
    }

    fn get_indicator_color(&self) -> Color {
        Color::Green
    }

    fn get_prompt_multiline_color(&self) -> nu_ansi_term::Color {
        Color::Green
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("> ")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("… ")
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        let failing = matches!(search.status, PromptHistorySearchStatus::Failing);
        Cow::Owned(format!("({}search `{}`) ", if failing { "nothing found, " } else { "" }, search.term))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(name: &str, failed: usize) -> Flow {
        Flow { name: name.into(), nodes: 5, failed }
    }

    #[test]
    fn the_home_directory_is_a_tilde_and_only_as_a_whole_name() {
        let short = |path: &str| short_directory(std::path::Path::new(path), Some("/home/ann"));
        assert_eq!(short("/home/ann"), "~");
        assert_eq!(short("/home/ann/a"), "~/a");
        assert_eq!(short("/home/anna"), "/home/anna");
    }

    #[test]
    fn the_right_side_tells_of_failure_long_work_and_what_runs() {
        let line =
            Line { code: 2, took: Duration::from_millis(3_456), flows: vec![flow("demo", 0)], ..Line::default() };
        assert_eq!(line.render_prompt_right(), "✗ 2  3sec 400ms  ▶ demo");
        assert_eq!(Line::default().render_prompt_right(), "");
        let right = |flows: Vec<Flow>| Line { flows, ..Line::default() }.render_prompt_right().into_owned();
        assert_eq!(right(vec![flow("demo", 1)]), "▶ demo 4/5");
        assert_eq!(right(vec![flow("a", 0), flow("b", 0), flow("c", 0)]), "▶ 3 dataflows");
        assert_eq!(right(vec![flow("a", 0), flow("b", 0), flow("c", 2)]), "▶ 3 dataflows, 1 with failed nodes");
    }
}
