//! Rows as they arrive.

use value::Value;

use crate::grid::{Grid, Part, closing_line};
use crate::options::Options;
use crate::table::{Shown, list_grid, note, rows_grid};

/// Widths grow to multiples of this, so that slowly growing numbers do not start a new frame each time.
const STEP: usize = 4;

/// Draws a stream of rows batch by batch, each at once. The frame is set by the first batch; when later rows
/// need other or wider columns, the frame is closed and a new one begun below. Rows are numbered throughout.
pub struct TableStream {
    options: Options,
    next_row: usize,
    frame: Option<OpenFrame>,
}

struct OpenFrame {
    /// Names of the columns; empty for items that are no records.
    names: Vec<String>,
    widths: Vec<usize>,
    left_out: Vec<String>,
}

impl TableStream {
    pub fn new(options: Options) -> TableStream {
        TableStream { options, next_row: 0, frame: None }
    }

    /// The text of more rows, whole lines with a line break at the end; empty for no rows. The caller writes and
    /// flushes it.
    pub fn push(&mut self, rows: &[Value]) -> String {
        if rows.is_empty() {
            return String::new();
        }
        let records = rows.iter().all(|row| matches!(row, Value::Record(_)));
        let shown = Shown { head: rows.to_vec(), hidden: 0, tail: Vec::new() };
        let grid = if records {
            let known = self.frame.iter().flat_map(|frame| frame.names.iter().map(|name| name.as_str().into()));
            rows_grid(&shown, known.collect(), self.next_row, &self.options)
        } else {
            list_grid(&shown, self.next_row, &self.options)
        };
        self.next_row += rows.len();
        let names: Vec<String> = if records { names_of(rows, self.frame.as_ref()) } else { Vec::new() };
        let mut text = String::new();
        if let Some(frame) = &self.frame {
            let wishes = grid.wishes();
            let wishes = || wishes.iter().zip(&frame.widths).filter(|(_, width)| **width > 0);
            let fits = frame.names == names && wishes().all(|(wish, width)| wish.widest <= *width);
            // A terminal's width is used up: text goes on below, since it will not fit into a new frame either.
            let full = frame.names == names
                && wishes().all(|(wish, width)| wish.widest <= *width || !wish.rigid)
                && self.is_full(&grid, &frame.widths);
            if fits || full {
                text.push_str(&grid.draw(&frame.widths, Part::More));
                text.push('\n');
                return text;
            }
            text.push_str(&self.close());
        }
        let widths = self.roomy_widths(&grid);
        text.push_str(&grid.draw(&widths, Part::Start));
        text.push('\n');
        let left_out = grid.left_out(&widths).into_iter().map(String::from).collect();
        self.frame = Some(OpenFrame { names, widths, left_out });
        text
    }

    /// Closes the frame. Empty when no row ever came.
    pub fn finish(mut self) -> String {
        self.close()
    }

    fn close(&mut self) -> String {
        let Some(frame) = self.frame.take() else { return String::new() };
        let mut text = closing_line(&frame.widths);
        text.push('\n');
        let left_out: Vec<&str> = frame.left_out.iter().map(String::as_str).collect();
        if let Some(note) = note(0, &left_out, &self.options) {
            text.push_str(&note);
            text.push('\n');
        }
        text
    }

    /// Widths with some room to grow, as far as the terminal has it.
    fn roomy_widths(&self, grid: &Grid) -> Vec<usize> {
        let mut wishes = grid.wishes();
        for wish in &mut wishes {
            wish.widest = wish.widest.next_multiple_of(STEP);
            if wish.rigid {
                wish.usual = wish.widest;
            }
        }
        grid.widths(&wishes, &self.options)
    }

    fn is_full(&self, grid: &Grid, widths: &[usize]) -> bool {
        self.options.width.is_some() && self.roomy_widths(grid).iter().sum::<usize>() <= widths.iter().sum()
    }
}

/// The columns so far, and new ones of these rows.
fn names_of(rows: &[Value], frame: Option<&OpenFrame>) -> Vec<String> {
    let mut names = frame.map(|frame| frame.names.clone()).unwrap_or_default();
    for name in rows.iter().filter_map(Value::as_record).flat_map(|row| row.names()) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_string());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: i64, text: &str) -> Value {
        Value::record([("n", Value::Int(n)), ("text", text.into())].into_iter().collect())
    }

    #[test]
    fn rows_join_the_frame_that_the_first_ones_set() {
        let mut stream = TableStream::new(Options::terminal(40, false));
        let mut text = stream.push(&[row(1, "one")]);
        text += &stream.push(&[row(2, "two"), row(3, "tree")]);
        text += &stream.finish();
        insta::assert_snapshot!(text);
    }

    #[test]
    fn wider_rows_begin_a_new_frame_and_lose_nothing() {
        let mut stream = TableStream::new(Options::whole());
        let mut text = stream.push(&[row(1, "one")]);
        text += &stream.push(&[row(2, "something longer")]);
        text += &stream.finish();
        insta::assert_snapshot!(text);
    }

    #[test]
    fn on_a_full_terminal_long_rows_go_on_below_and_the_frame_stays() {
        let mut stream = TableStream::new(Options::terminal(30, false));
        let mut text = stream.push(&[row(1, "a text that is long enough to fill it")]);
        text += &stream.push(&[row(2, "another text that is even longer than the first")]);
        text += &stream.finish();
        assert_eq!(text.matches('╭').count(), 1, "{text}");
    }

    #[test]
    fn items_that_are_no_records_are_numbered_too() {
        let mut stream = TableStream::new(Options::terminal(30, false));
        let mut text = stream.push(&["a".into()]);
        text += &stream.push(&["b".into()]);
        text += &stream.finish();
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_stream_without_rows_draws_nothing() {
        assert_eq!(TableStream::new(Options::whole()).finish(), "");
    }
}
