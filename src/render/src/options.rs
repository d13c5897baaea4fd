//! How wide, which colours, how many rows.

use std::io::IsTerminal;

use jiff::Zoned;

use crate::theme::Theme;

/// Lines of one text that a table on a terminal shows.
const LINES: usize = 8;
/// Rows of a table that a terminal is given before its middle is left out.
const TERMINAL_ROWS: usize = 1000;

/// What the reader's side can show.
#[derive(Debug, Clone)]
pub struct Options {
    /// Columns of the terminal. `None` off a terminal: nothing is shortened, every row, column and character
    /// is written.
    pub width: Option<usize>,
    pub theme: Theme,
    /// The most rows written before the middle is left out; `None` writes all.
    pub rows: Option<usize>,
    /// Whether tables and lists start with a column of row numbers.
    pub index: bool,
    /// Whether the types of columns stand under their names.
    pub types: bool,
    /// Lines that one cell may take where things are shortened; what is longer than its column goes on below.
    pub lines: usize,
    /// When and where it is read: moments of the same day are shown as times. `None` shows all of them in full.
    pub now: Option<Zoned>,
}

impl Options {
    /// For files and programs: everything, without colours.
    pub fn whole() -> Self {
        Options { width: None, theme: Theme::plain(), rows: None, index: true, types: false, lines: LINES, now: None }
    }

    /// For a terminal of this many columns.
    pub fn terminal(width: usize, colors: bool) -> Self {
        let theme = if colors { Theme::ansi() } else { Theme::plain() };
        Options { width: Some(width.max(1)), rows: Some(TERMINAL_ROWS), ..Options { theme, ..Options::whole() } }
    }

    /// Looks at what a stream of this process is connected to: stdout for values, stderr for diagnostics.
    /// `NO_COLOR` (when not empty) and `TERM=dumb` turn colours off.
    pub fn for_stream(stream: &impl IsTerminal) -> Self {
        if !stream.is_terminal() {
            return Options::whole();
        }
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let colors = set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb");
        // A pty that nobody sized reports 0 columns.
        let width = crossterm::terminal::size().map_or(0, |(columns, _)| usize::from(columns));
        Options { now: Some(Zoned::now()), ..Options::terminal(if width == 0 { 80 } else { width }, colors) }
    }

    /// Whether long things are shortened to fit.
    pub(crate) fn shortens(&self) -> bool {
        self.width.is_some()
    }
}
