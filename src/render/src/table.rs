//! A value as text.

use std::fmt::Write as _;
use std::sync::Arc;

use diag::Result;
use value::text::to_text;
use value::{Record, Value};

use crate::cell::{Cell, count, short_datetime};
use crate::chart::Chart;
use crate::fit::{ELLIPSIS, escape, truncate};
use crate::grid::{Grid, Part};
use crate::options::Options;

/// Rows shown at each end of a table whose middle is left out, unless fewer were asked for.
const EDGE: usize = 10;

/// Draws a value: tables, records and lists framed, anything else plain. The text has no line break at its end.
///
/// Of a table with more rows than [`Options::rows`] only `len` and a few rows at both ends are asked for.
/// Binary is shown as a dump; callers that write it to a program pass the bytes on instead.
///
/// # Errors
/// Whatever reading a lazy table meets, and `ENDLESS` for all of a range that has no end.
pub fn value_to_text(value: &Value, options: &Options) -> Result<String> {
    match value {
        Value::Table(table) => {
            if let Some(record) = table.as_record() {
                return value_to_text(&record?, options);
            }
            let names = table.schema()?.names().map(Arc::from).collect();
            let rows = Shown::of(value, options)?;
            Ok(rows_to_text(&rows, names, options))
        }
        Value::List(items) if items.is_empty() => Ok("(empty list)".into()),
        Value::List(_) if value.is_table() => Ok(rows_to_text(&Shown::of(value, options)?, Vec::new(), options)),
        Value::List(_) => Ok(list_to_text(&Shown::of(value, options)?, options)),
        Value::Range(range) if range.is_endless() && options.shortens() => Ok(to_text(value)),
        Value::Range(range) if !range.is_endless() && range.is_empty() => Ok("(empty list)".into()),
        Value::Range(_) => Ok(list_to_text(&Shown::of(value, options)?, options)),
        Value::Record(record) => Ok(match Chart::of(record) {
            Some(chart) => chart.to_text(options),
            None => record_to_text(record, options),
        }),
        Value::Binary(bytes) => Ok(dump(bytes)),
        Value::String(text) => Ok(text.to_string()),
        scalar => {
            let text = match scalar {
                Value::DateTime(at) if options.shortens() => short_datetime(*at),
                scalar => to_text(scalar),
            };
            let style = options.theme.of(scalar);
            Ok(if style.is_plain() || text.is_empty() { text } else { style.paint(text).to_string() })
        }
    }
}

/// What stands for a table or stream without a row.
pub fn no_rows(options: &Options) -> String {
    let style = options.theme.summary;
    if style.is_plain() { "(no rows)".into() } else { style.paint("(no rows)").to_string() }
}

/// The rows that are shown of many.
pub(crate) struct Shown {
    pub head: Vec<Value>,
    /// How many are left out after the head.
    pub hidden: usize,
    pub tail: Vec<Value>,
}

impl Shown {
    pub(crate) fn all(rows: Vec<Value>) -> Shown {
        Shown { head: rows, hidden: 0, tail: Vec::new() }
    }

    fn of(value: &Value, options: &Options) -> Result<Shown> {
        let Some(limit) = options.rows.map(|limit| limit.max(3)) else {
            return Ok(Shown::all(value.items()?.to_vec()));
        };
        let edge = EDGE.min((limit - 1) / 2);
        match value {
            Value::Table(table) => {
                // Counting may mean reading a whole file: only when there are more rows than are shown.
                let mut head = table.slice(0, limit + 1)?;
                if head.len() <= limit {
                    return Ok(Shown::all(head));
                }
                head.truncate(edge);
                let hidden = table.len()?.saturating_sub(2 * edge);
                Ok(Shown { head, hidden, tail: table.slice(edge + hidden, edge)? })
            }
            Value::Range(range) => {
                // A range of floats counts itself by going through it; it is not asked when ints are beyond `u64`.
                let len = range.len().and_then(|len| usize::try_from(len).ok()).unwrap_or(usize::MAX);
                if len <= limit {
                    return Ok(Shown::all(range.iter().collect()));
                }
                let hidden = len - 2 * edge;
                Ok(Shown {
                    head: range.iter().take(edge).collect(),
                    hidden,
                    tail: range.iter().skip(edge + hidden).collect(),
                })
            }
            other => {
                let items = other.items()?;
                if items.len() <= limit {
                    return Ok(Shown::all(items.to_vec()));
                }
                let hidden = items.len() - 2 * edge;
                Ok(Shown { head: items[..edge].to_vec(), hidden, tail: items[edge + hidden..].to_vec() })
            }
        }
    }

    fn len(&self) -> usize {
        self.head.len() + self.tail.len() + usize::from(self.hidden > 0)
    }

    /// One cell for each row, with `…` for what is hidden.
    fn cells(&self, options: &Options, mut cell: impl FnMut(&Value, usize) -> Cell) -> Vec<Cell> {
        let mut cells = Vec::with_capacity(self.len());
        for (at, row) in self.head.iter().enumerate() {
            cells.push(cell(row, at));
        }
        if self.hidden > 0 {
            cells.push(Cell::plain(ELLIPSIS, options.theme.summary));
        }
        for (at, row) in self.tail.iter().enumerate() {
            cells.push(cell(row, self.head.len() + self.hidden + at));
        }
        cells
    }
}

/// Rows with named columns as a grid; `first` is the number of the first row.
pub(crate) fn rows_grid(rows: &Shown, mut names: Vec<Arc<str>>, first: usize, options: &Options) -> Grid {
    add_names(&mut names, rows.head.iter().chain(&rows.tail));
    let lines = if options.shortens() { options.lines } else { usize::MAX };
    let mut grid = Grid::new(true, lines, 1 + usize::from(options.index));
    push_index(&mut grid, rows, first, options);
    for name in names {
        let cells = rows.cells(options, |row, _| {
            let value = row.as_record().and_then(|row| row.get(&name));
            match value {
                Some(Value::Nothing) | None => Cell::plain("", options.theme.summary),
                Some(value) => Cell::of(value, &name, options),
            }
        });
        grid.push(escape(&name).replace('\n', "\\n"), options.theme.header, cells);
        if options.types {
            let of = rows.head.iter().chain(&rows.tail).filter_map(|row| row.as_record()?.get(&name));
            let of = of.filter(|value| !value.is_nothing()).map(Value::type_of).reduce(value::Type::union);
            grid.note(of.unwrap_or(value::Type::Nothing).to_string());
        }
    }
    grid
}

/// Items without names as a grid; `first` is the number of the first one.
pub(crate) fn list_grid(items: &Shown, first: usize, options: &Options) -> Grid {
    let mut grid = Grid::new(false, usize::MAX, 2);
    push_index(&mut grid, items, first, options);
    grid.push(String::new(), options.theme.header, items.cells(options, |item, _| Cell::of(item, "", options)));
    grid
}

fn push_index(grid: &mut Grid, rows: &Shown, first: usize, options: &Options) {
    if options.index {
        let style = options.theme.index;
        let cells = rows.cells(options, |_, at| Cell::number(first + at, style));
        grid.push("#".into(), style, cells);
    }
}

/// Adds the names of fields that are not known yet, in order of appearance.
fn add_names<'a>(names: &mut Vec<Arc<str>>, rows: impl Iterator<Item = &'a Value>) {
    let mut last: Option<&Arc<Vec<Arc<str>>>> = None;
    for row in rows {
        let Some(record) = row.as_record() else { continue };
        // Rows of one table share their names: one look at the pointer spares comparing them.
        if last.is_some_and(|last| Arc::ptr_eq(last, record.columns())) {
            continue;
        }
        for name in record.columns().iter() {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        last = Some(record.columns());
    }
}

fn rows_to_text(rows: &Shown, names: Vec<Arc<str>>, options: &Options) -> String {
    if rows.len() == 0 && (names.is_empty() || options.shortens()) {
        return no_rows(options);
    }
    let grid = rows_grid(rows, names, 0, options);
    finish(&grid, rows.hidden, options)
}

fn list_to_text(items: &Shown, options: &Options) -> String {
    finish(&list_grid(items, 0, options), items.hidden, options)
}

fn record_to_text(record: &Record, options: &Options) -> String {
    if record.is_empty() {
        return "(empty record)".into();
    }
    // A file in a field would push all others off the screen; `get` shows it whole.
    let mut grid = Grid::new(false, if options.shortens() { options.lines } else { usize::MAX }, 2);
    let header = options.theme.header;
    let mut names: Vec<Cell> = record.names().map(|name| Cell::plain(escape(name), header)).collect();
    // A name in two pieces is hard to read, and to type; only very long ones give way to values.
    let longest = names.iter().map(Cell::width).max().unwrap_or(0);
    let rigid = options.width.is_none_or(|width| longest <= width / 3);
    names.iter_mut().for_each(|name| name.rigid = rigid);
    grid.push(String::new(), header, names);
    let values = record.iter().map(|(name, value)| Cell::of(value, name, options));
    // Unlike in a column, values below each other have nothing to do with each other.
    let values = values.map(|cell| Cell::plain(cell.text, cell.style));
    grid.push(String::new(), header, values.collect());
    finish(&grid, 0, options)
}

/// Draws a grid, and says below it what is not shown.
fn finish(grid: &Grid, hidden: usize, options: &Options) -> String {
    let widths = grid.widths(&grid.wishes(), options);
    let mut text = grid.draw(&widths, Part::Whole);
    if let Some(note) = note(hidden, &grid.left_out(&widths), options) {
        text.push('\n');
        text.push_str(&note);
    }
    text
}

/// `… 999,980 rows, +3 columns: took, error, undo`.
pub(crate) fn note(hidden: usize, left_out: &[&str], options: &Options) -> Option<String> {
    let mut said = Vec::new();
    if hidden > 0 {
        said.push(count(hidden, "row"));
    }
    if !left_out.is_empty() {
        said.push(format!("+{}: {}", count(left_out.len(), "column"), left_out.join(", ")));
    }
    if said.is_empty() {
        return None;
    }
    let line = format!("{ELLIPSIS} {}", said.join(", "));
    let line = truncate(&line, options.width.unwrap_or(usize::MAX)).into_owned();
    Some(if options.theme.summary.is_plain() { line } else { options.theme.summary.paint(line).to_string() })
}

/// Sixteen bytes a line: offset, hexadecimal, and what of it is ASCII.
fn dump(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 5);
    for (at, line) in bytes.chunks(16).enumerate() {
        if at > 0 {
            text.push('\n');
        }
        let _ = write!(text, "{:08x}  ", at * 16);
        for i in 0..16 {
            let _ = match line.get(i) {
                Some(byte) => write!(text, "{byte:02x} "),
                None => write!(text, "   "),
            };
            if i == 7 {
                text.push(' ');
            }
        }
        text.push(' ');
        text.extend(line.iter().map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { *byte as char } else { '.' }));
    }
    text
}

#[cfg(test)]
mod tests;
