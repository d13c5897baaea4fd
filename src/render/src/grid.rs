//! Columns of cells, laid out and framed.

use std::borrow::Cow;

use nu_ansi_term::Style;
use tabled::builder::Builder;
use tabled::settings::Style as Frame;

use crate::cell::{Align, Cell};
use crate::fit::{ELLIPSIS, text_width, truncate, wrap};
use crate::options::Options;
use crate::width::{Wish, solve};

/// Columns that the frame takes of each column: a bar and two blanks. One more bar closes the line.
const OVERHEAD: usize = 3;

/// A table before it is drawn.
pub(crate) struct Grid {
    columns: Vec<Column>,
    /// Whether the columns have names to show.
    pub header: bool,
    /// How many lines a cell may take; what is longer than its column goes on below.
    pub lines: usize,
    /// How many leading columns are never left out.
    pub keep: usize,
}

struct Column {
    name: String,
    /// What stands under the name.
    note: String,
    style: Style,
    cells: Vec<Cell>,
    align: Align,
}

/// Which part of a frame is drawn around the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    /// All but the closing line, since more rows may come.
    Start,
    /// Rows alone.
    More,
}

impl Grid {
    pub fn new(header: bool, lines: usize, keep: usize) -> Grid {
        Grid { columns: Vec::new(), header, lines, keep }
    }

    /// Adds a column at the end. All columns have equally many cells.
    pub fn push(&mut self, name: String, style: Style, mut cells: Vec<Cell>) {
        let mut said = cells.iter().filter(|cell| !cell.text.is_empty() && cell.text != ELLIPSIS).peekable();
        let right = said.peek().is_some() && said.all(|cell| cell.align != Align::Left);
        let align = if right { Align::Right } else { Align::Left };
        let fraction = cells.iter().filter(|cell| cell.align == Align::Decimal).map(Cell::fraction).max().unwrap_or(0);
        for cell in &mut cells {
            if right && cell.align == Align::Decimal {
                let missing = fraction - cell.fraction();
                cell.text.extend(std::iter::repeat_n(' ', missing));
            }
            cell.align = align;
        }
        self.columns.push(Column { name, note: String::new(), style, cells, align });
    }

    /// Puts a line under the name of the last column.
    pub fn note(&mut self, note: String) {
        if let Some(column) = self.columns.last_mut() {
            column.note = note;
        }
    }

    /// Marks a cell as the one that the cursor is on.
    pub fn mark(&mut self, row: usize, column: usize) {
        if let Some(cell) = self.columns.get_mut(column).and_then(|column| column.cells.get_mut(row)) {
            cell.style = cell.style.reverse();
            if cell.text.is_empty() {
                cell.text.push(' ');
            }
        }
    }

    /// What each column would like.
    pub fn wishes(&self) -> Vec<Wish> {
        let wish = |column: &Column| {
            let name = if self.header { text_width(&column.name).max(text_width(&column.note)) } else { 0 };
            let rigid = column.cells.iter().any(|cell| cell.rigid);
            Wish::of(name, column.cells.iter().map(Cell::width).collect(), rigid)
        };
        self.columns.iter().map(wish).collect()
    }

    /// Widths for the columns that fit; 0 for the others.
    pub fn widths(&self, wishes: &[Wish], options: &Options) -> Vec<usize> {
        match options.width {
            Some(width) => solve(wishes, width.saturating_sub(1), OVERHEAD, self.keep),
            None => wishes.iter().map(|wish| wish.widest).collect(),
        }
    }

    /// The names of columns that `widths` has no room for.
    pub fn left_out(&self, widths: &[usize]) -> Vec<&str> {
        let left_out = self.columns.iter().zip(widths).filter(|(_, width)| **width == 0);
        left_out.map(|(column, _)| column.name.as_str()).collect()
    }

    /// The framed text, without a line break at its end.
    pub fn draw(&self, widths: &[usize], part: Part) -> String {
        let rows = self.columns.first().map_or(0, |column| column.cells.len());
        let header = self.header && part != Part::More;
        let shown = || self.columns.iter().zip(widths).filter(|(_, width)| **width > 0);
        let mut lines: Vec<Vec<String>> = Vec::with_capacity(rows + 1);
        if header {
            let name = |(column, width): (&Column, &usize)| {
                let mut name = truncate(&column.name, *width).into_owned();
                if !column.note.is_empty() {
                    name.push('\n');
                    name.push_str(&truncate(&column.note, *width));
                }
                let name = Cell::plain(name, column.style);
                self.fit(&Cell { align: column.align, ..name }, *width)
            };
            lines.push(shown().map(name).collect());
        }
        for row in 0..rows {
            lines.push(shown().map(|(column, width)| self.fit(&column.cells[row], *width)).collect());
        }
        let mut table = Builder::from_iter(lines).build();
        let frame = Frame::rounded();
        match (part, header && rows > 0) {
            (Part::Whole, true) => table.with(frame),
            (Part::Whole, false) => table.with(frame.remove_horizontals()),
            (Part::Start, true) => table.with(frame.remove_bottom()),
            (Part::Start, false) => table.with(frame.remove_bottom().remove_horizontals()),
            (Part::More, _) => table.with(frame.remove_top().remove_bottom().remove_horizontals()),
        };
        table.to_string()
    }

    /// A cell cut to its column, padded and painted line by line, so that colours never reach the frame.
    fn fit(&self, cell: &Cell, width: usize) -> String {
        let mut fitted = String::with_capacity(width + 12);
        let mut put = |line: &str| {
            if !fitted.is_empty() {
                fitted.push('\n');
            }
            let blanks = width.saturating_sub(text_width(line));
            let right = cell.align != Align::Left;
            if right {
                fitted.extend(std::iter::repeat_n(' ', blanks));
            }
            if cell.style.is_plain() || line.is_empty() {
                fitted.push_str(line);
            } else {
                fitted.push_str(&cell.style.paint(line).to_string());
            }
            if !right {
                fitted.extend(std::iter::repeat_n(' ', blanks));
            }
            // An empty line must still be a line.
            if fitted.is_empty() {
                fitted.push(' ');
            }
        };
        if cell.rigid {
            put(&truncate(&cell.text, width));
            return fitted;
        }
        let all = cell.text.split('\n').flat_map(|line| wrap(line, width));
        let mut lines: Vec<Cow<'_, str>> = all.take(self.lines.saturating_add(1)).map(Cow::from).collect();
        if lines.len() > self.lines {
            lines.truncate(self.lines);
            if let Some(last) = lines.last_mut() {
                *last = truncate(&format!("{last}{ELLIPSIS}"), width).into_owned().into();
            }
        }
        lines.iter().for_each(|line| put(line));
        fitted
    }
}

/// The line that closes a frame around columns of these widths.
pub(crate) fn closing_line(widths: &[usize]) -> String {
    let shown = widths.iter().filter(|width| **width > 0);
    let bars: Vec<String> = shown.map(|width| "─".repeat(width + OVERHEAD - 1)).collect();
    format!("╰{}╯", bars.join("┴"))
}
