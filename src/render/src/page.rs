//! One screen of many rows, with a cursor.

use std::sync::Arc;

use value::Value;

use crate::grid::Part;
use crate::options::Options;
use crate::table::{Shown, list_grid, rows_grid};
use crate::width::Wish;

/// What is shown of a table or list that is larger than a screen.
pub struct Page<'a> {
    pub rows: &'a [Value],
    /// The number of the first of them.
    pub first: usize,
    /// The columns that may be shown, from the left one on; none of a list.
    pub names: &'a [Arc<str>],
    /// The row and the column, counted from the first of these, that the cursor is on.
    pub cursor: (usize, usize),
}

impl Page<'_> {
    /// Lines that frame and names take, besides one for each row.
    pub const OVERHEAD: usize = 4;

    /// The lines, and how many columns found room.
    pub fn draw(&self, options: &Options) -> (Vec<String>, usize) {
        let rows = Shown::all(self.rows.to_vec());
        let only = |row: &Value| match row {
            Value::Record(record) => Value::record(
                self.names.iter().filter_map(|name| Some((name.clone(), record.get(name)?.clone()))).collect(),
            ),
            other => other.clone(),
        };
        let mut grid = if self.names.is_empty() {
            list_grid(&rows, self.first, options)
        } else {
            let rows = Shown::all(self.rows.iter().map(only).collect());
            rows_grid(&rows, self.names.to_vec(), self.first, options)
        };
        grid.lines = 1;
        let index = usize::from(options.index);
        grid.mark(self.cursor.0, self.cursor.1 + index);
        // Whoever goes from column to column misses one that is left out, though it says nothing.
        let wishes: Vec<Wish> = grid.wishes().into_iter().map(|wish| Wish { empty: false, ..wish }).collect();
        let widths = grid.widths(&wishes, options);
        let shown = widths.iter().skip(index).take_while(|width| **width > 0).count();
        (grid.draw(&widths, Part::Whole).lines().map(str::to_string).collect(), shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_shows_what_fits_and_marks_the_cursor() {
        let row = |n: i64| {
            Value::record(
                [("name", Value::string(format!("node-{n}"))), ("size", Value::Filesize(n * 1000))]
                    .into_iter()
                    .collect(),
            )
        };
        let rows: Vec<Value> = (40..43).map(row).collect();
        let names: Vec<Arc<str>> = vec!["name".into(), "size".into()];
        let page = Page { rows: &rows, first: 40, names: &names, cursor: (1, 1) };
        let (lines, shown) = page.draw(&Options::terminal(40, false));
        assert_eq!((lines.len(), shown), (rows.len() + Page::OVERHEAD, 2));
        insta::assert_snapshot!(lines.join("\n"));
        let (_, shown) = page.draw(&Options::terminal(20, false));
        assert_eq!(shown, 1);
    }
}
