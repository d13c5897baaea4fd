//! Colours by type and by word.

use nu_ansi_term::{Color, Style};
use value::Value;

/// Styles of what is drawn. Only the sixteen colours that terminals let their users choose, and no yellow or
/// white for plain data: both light and dark backgrounds stay readable.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    /// Whether anything is coloured at all.
    pub colors: bool,
    /// Column names and record keys.
    pub header: Style,
    /// Row numbers.
    pub index: Style,
    pub number: Style,
    pub bool: Style,
    /// Datetimes and durations.
    pub time: Style,
    pub filesize: Style,
    pub string: Style,
    /// What stands for something not shown: `[table 3 rows]`, `…`.
    pub summary: Style,
    pub good: Style,
    pub busy: Style,
    pub bad: Style,
    pub idle: Style,
}

impl Theme {
    /// No colours.
    pub fn plain() -> Self {
        let none = Style::new();
        Theme {
            colors: false,
            header: none,
            index: none,
            number: none,
            bool: none,
            time: none,
            filesize: none,
            string: none,
            summary: none,
            good: none,
            busy: none,
            bad: none,
            idle: none,
        }
    }

    /// The sixteen ANSI colours.
    pub fn ansi() -> Self {
        Theme {
            colors: true,
            header: Color::Green.bold(),
            index: Style::new().dimmed(),
            number: Color::Cyan.normal(),
            bool: Color::Cyan.normal(),
            time: Color::Purple.normal(),
            filesize: Color::Cyan.normal(),
            string: Style::new(),
            summary: Style::new().dimmed(),
            good: Color::Green.normal(),
            busy: Color::Yellow.normal(),
            bad: Color::Red.normal(),
            idle: Style::new().dimmed(),
        }
    }

    /// The style of a value of this type.
    pub fn of(&self, value: &Value) -> Style {
        match value {
            Value::Int(_) | Value::Float(_) => self.number,
            Value::Bool(_) => self.bool,
            Value::Duration(_) | Value::DateTime(_) => self.time,
            Value::Filesize(_) => self.filesize,
            Value::String(_) | Value::Range(_) | Value::CellPath(_) => self.string,
            Value::Nothing
            | Value::Binary(_)
            | Value::Closure(_)
            | Value::List(_)
            | Value::Record(_)
            | Value::Table(_) => self.summary,
        }
    }

    /// The style of a word that tells a state, such as `running`; `None` for other words.
    pub fn of_state(&self, word: &str) -> Option<Style> {
        Some(match word {
            "running" | "ok" | "healthy" | "finished" | "info" => self.good,
            "created" | "building" | "starting" | "stopping" | "restarting" | "backoff" | "paused" | "skipped"
            | "planned" | "degraded" | "warn" | "warning" => self.busy,
            "failed" | "unhealthy" | "crashed" | "killed" | "rolled_back" | "error" => self.bad,
            "stopped" | "unknown" | "debug" | "trace" => self.idle,
            _ => return None,
        })
    }
}
