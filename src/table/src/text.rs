//! Tables as text in memory: csv and ndjson, and the cells and lines that files are made of too.

use std::fmt::Write as _;
use std::sync::Arc;

use diag::{Diagnostic, Result, codes};
use value::text::float;
use value::{DateTime, Record, Table, TableRef, Value, interrupt};

use crate::construct::from_rows;
use crate::json;
use crate::kind::Kind;

/// How a csv is laid out.
#[derive(Debug, Clone)]
pub struct CsvLayout {
    pub separator: u8,
    /// Whether the first line names the columns; else they are `column0`, `column1`, ….
    pub header: bool,
}

impl Default for CsvLayout {
    fn default() -> Self {
        CsvLayout { separator: b',', header: true }
    }
}

/// What a csv's text is made of, and what is forgiven in it.
#[derive(Debug, Clone, Default)]
pub struct CsvReading {
    pub layout: CsvLayout,
    /// What stands around cells, `"` unless told.
    pub quote: Option<u8>,
    /// What stands before a quote within quotes; without it the quote is doubled.
    pub escape: Option<u8>,
    /// Lines that begin with it are left out.
    pub comment: Option<u8>,
    /// Whether blanks around names, and around cells, are dropped.
    pub trim_names: bool,
    pub trim_cells: bool,
    /// Rows may have more cells than there are columns, which makes more columns, or fewer, which leaves them absent.
    pub ragged: bool,
    /// Cells stay the text they are.
    pub text_only: bool,
}

/// Reads csv text; each column has the one type that fits all of its cells.
///
/// # Errors
/// `BAD_CONTENT` when rows have more or fewer cells than there are columns, and may not.
pub fn from_csv(text: &str, reading: &CsvReading) -> Result<TableRef> {
    let mut reader = csv_builder(&reading.layout)
        .quote(reading.quote.unwrap_or(b'"'))
        .double_quote(reading.escape.is_none())
        .escape(reading.escape)
        .comment(reading.comment)
        .from_reader(text.as_bytes());
    let mut lines = Vec::new();
    for line in reader.records() {
        lines.push(line.map_err(|error| bad_csv(&error))?);
    }
    let mut lines = lines.into_iter();
    let mut names = if reading.layout.header {
        let mut header = lines.next().unwrap_or_default();
        if reading.trim_names {
            header.trim();
        }
        column_names(&header)
    } else {
        lines.as_slice().first().map(|line| numbered(line.len())).unwrap_or_default()
    };
    if reading.ragged {
        let most = lines.as_slice().iter().map(csv::StringRecord::len).max().unwrap_or(0);
        let more = (names.len()..most).map(|at| format!("column{at}"));
        names = unique(names.iter().map(ToString::to_string).chain(more));
    }
    let kind_of = if reading.text_only { |_: &str| Kind::String } else { cell_kind };
    let mut kinds = vec![Kind::Nothing; names.len()];
    for (at, line) in lines.as_mut_slice().iter_mut().enumerate() {
        if line.len() != names.len() && !reading.ragged {
            let message = format!("row {at} has {} cells, and there are {} columns", line.len(), names.len());
            return Err(Diagnostic::new(codes::BAD_CONTENT, message));
        }
        if reading.trim_cells {
            line.trim();
        }
        for (kind, cell) in kinds.iter_mut().zip(line.iter()) {
            *kind = std::mem::replace(kind, Kind::Nothing).widen(kind_of(cell));
        }
    }
    let names = Arc::new(names);
    let rows = lines
        .map(|line| {
            let cells = line.iter().zip(&kinds).map(|(cell, kind)| cell_value(cell, kind).unwrap_or(Value::Nothing));
            if line.len() == names.len() {
                Value::record(Record::from_parts(names.clone(), cells.collect()))
            } else {
                names.iter().cloned().zip(cells).collect::<Record>().into()
            }
        })
        .collect::<Vec<_>>();
    if rows.is_empty() {
        let columns = names.iter().map(|name| (name.clone(), value::Type::String)).collect();
        return Ok(crate::construct::empty(value::Fields::closed(columns)));
    }
    from_rows(rows, None)
}

/// Writes a table as csv text.
///
/// # Errors
/// `NOT_TABULAR` for cells that are lists, records or binary.
pub fn to_csv(table: &dyn Table, layout: &CsvLayout) -> Result<String> {
    let mut text = String::new();
    let names = csv_header(table, layout, &mut text)?;
    for batch in table.batches() {
        csv_lines(&batch?, &names, layout, &mut text)?;
    }
    Ok(text)
}

/// Reads one JSON object a line. Fields that a line lacks stay absent, and types stay mixed.
///
/// # Errors
/// `BAD_CONTENT` for a line that is no JSON object.
pub fn from_ndjson(text: &str) -> Result<TableRef> {
    let mut rows = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if !line.trim().is_empty() {
            rows.push(json_line(line, at + 1)?);
        }
    }
    from_rows(rows, None)
}

/// Writes a table as one JSON object a line.
///
/// # Errors
/// `NO_FORM` for closures.
pub fn to_ndjson(table: &dyn Table) -> Result<String> {
    let mut text = String::new();
    for batch in table.batches() {
        json::lines(&batch?, &mut text)?;
    }
    Ok(text)
}

/// A line of ndjson as a record.
pub(crate) fn json_line(line: &str, number: usize) -> Result<Value> {
    match serde_json::from_str::<serde_json::Value>(line) {
        Ok(value @ serde_json::Value::Object(_)) => Ok(json::from_json(value)),
        Ok(_) => Err(Diagnostic::new(codes::BAD_CONTENT, format!("line {number} is not a JSON object"))),
        Err(error) => {
            let message = format!("line {number}, column {}, is not JSON", error.column());
            Err(Diagnostic::new(codes::BAD_CONTENT, message))
        }
    }
}

/// Writes the header, when there is one, and gives the columns.
pub(crate) fn csv_header(table: &dyn Table, layout: &CsvLayout, out: &mut String) -> Result<Vec<Arc<str>>> {
    let names: Vec<Arc<str>> = table.schema()?.columns.into_iter().map(|(name, _)| name).collect();
    if layout.header && !names.is_empty() {
        for (at, name) in names.iter().enumerate() {
            separate(at, layout, out);
            csv_text(name, layout, out);
        }
        out.push('\n');
    }
    Ok(names)
}

pub(crate) fn csv_lines(rows: &[Value], names: &[Arc<str>], layout: &CsvLayout, out: &mut String) -> Result<()> {
    for row in rows {
        interrupt::check()?;
        let Value::Record(row) = row else { continue };
        for (at, name) in names.iter().enumerate() {
            separate(at, layout, out);
            match row.get(name) {
                // Alone on its line nothing at all would be no row.
                None | Some(Value::Nothing) if names.len() == 1 => out.push_str("\"\""),
                None | Some(Value::Nothing) => {}
                Some(value) => csv_cell(name, value, layout, out)?,
            }
        }
        out.push('\n');
    }
    Ok(())
}

fn separate(at: usize, layout: &CsvLayout, out: &mut String) {
    if at > 0 {
        out.push(char::from(layout.separator));
    }
}

fn csv_cell(name: &str, value: &Value, layout: &CsvLayout, out: &mut String) -> Result<()> {
    match value {
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(n) | Value::Duration(n) | Value::Filesize(n) => {
            let _ = write!(out, "{n}");
        }
        Value::Float(x) => out.push_str(&float(*x)),
        Value::DateTime(at) => out.push_str(&at.rfc3339()),
        Value::String(text) => csv_text(text, layout, out),
        other => {
            let message = format!("column `{name}` holds {}, and a csv cell is one plain value", other.type_of());
            return Err(Diagnostic::new(codes::NOT_TABULAR, message)
                .help("leave the column out with `reject`, or save as json or ndjson"));
        }
    }
    Ok(())
}

/// Quotes what needs it, and the empty text, which bare would be null.
fn csv_text(text: &str, layout: &CsvLayout, out: &mut String) {
    let bare = !text.is_empty()
        && !text.contains(['"', '\n', '\r', char::from(layout.separator)])
        && !text.starts_with([' ', '\t', '#', '\u{feff}'])
        && !text.ends_with([' ', '\t']);
    if bare {
        return out.push_str(text);
    }
    out.push('"');
    out.push_str(&text.replace('"', "\"\""));
    out.push('"');
}

pub(crate) fn csv_reader<R: std::io::Read>(source: R, layout: &CsvLayout) -> csv::Reader<R> {
    csv_builder(layout).from_reader(source)
}

fn csv_builder(layout: &CsvLayout) -> csv::ReaderBuilder {
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(layout.separator);
    builder
}

pub(crate) fn bad_csv(error: &csv::Error) -> Box<Diagnostic> {
    let line = error.position().map_or(String::new(), |at| format!("line {} ", at.line()));
    let why = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "is not UTF-8 text",
        _ => "is not csv",
    };
    Diagnostic::new(codes::BAD_CONTENT, format!("{line}{why}").trim_start().to_string())
}

/// Unique names: what is empty is numbered, and what comes twice gets a number behind it.
pub(crate) fn column_names(header: &csv::StringRecord) -> Vec<Arc<str>> {
    unique(header.iter().enumerate().map(|(at, cell)| match cell {
        "" => format!("column{at}"),
        _ => cell.to_string(),
    }))
}

fn unique(wanted: impl Iterator<Item = String>) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for base in wanted {
        let mut name = base.clone();
        let mut number = 2;
        while names.iter().any(|known| **known == *name) {
            name = format!("{base}_{number}");
            number += 1;
        }
        names.push(name.into());
    }
    names
}

pub(crate) fn numbered(columns: usize) -> Vec<Arc<str>> {
    (0..columns).map(|at| format!("column{at}").into()).collect()
}

/// The kind that a csv cell reads as.
pub(crate) fn cell_kind(cell: &str) -> Kind {
    if cell.is_empty() {
        return Kind::Nothing;
    }
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    if digits.bytes().all(|b| b.is_ascii_digit()) && !digits.is_empty() {
        // What does not fit 64 bits is a name, not a number to be rounded.
        return if cell.parse::<i64>().is_ok() { Kind::Int } else { Kind::String };
    }
    if matches!(cell, "true" | "false") {
        return Kind::Bool;
    }
    if matches!(digits, "NaN" | "inf") {
        return Kind::Float;
    }
    if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        let plain = digits.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b));
        if plain && digits.bytes().any(|b| b.is_ascii_digit()) && cell.parse::<f64>().is_ok() {
            return Kind::Float;
        }
        if let Some(at) = DateTime::parse(cell) {
            return Kind::DateTime(at.offset);
        }
    }
    Kind::String
}

/// A csv cell as a value of a kind; `None` when it is not one. An empty cell is null.
pub(crate) fn cell_value(cell: &str, kind: &Kind) -> Option<Value> {
    if cell.is_empty() {
        return Some(Value::Nothing);
    }
    Some(match kind {
        Kind::Nothing | Kind::String => Value::from(cell),
        Kind::Bool => Value::Bool(cell.parse().ok()?),
        Kind::Int => Value::Int(cell.parse().ok()?),
        Kind::Float => Value::Float(cell.parse().ok()?),
        Kind::Duration => Value::Duration(cell.parse().ok().or_else(|| value::units::parse_duration(cell))?),
        Kind::Filesize => Value::Filesize(cell.parse().ok().or_else(|| value::units::parse_filesize(cell))?),
        Kind::DateTime(offset) => Value::DateTime(DateTime { offset: *offset, ..DateTime::parse(cell)? }),
        Kind::Binary | Kind::List(_) | Kind::Record(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_columns_have_the_type_that_fits_all_cells() {
        let text = "n,x,when,mixed,flag\n1,1,2024-01-02,1,true\n-2,2.5,2024-01-02T03:04:05Z,a,\n";
        let table = from_csv(text, &CsvReading::default()).unwrap();
        let of = value::Type::Table(table.schema().unwrap()).to_string();
        assert_eq!(of, "table<n: int, x: float, when: datetime, mixed: string, flag: bool>");
    }

    #[test]
    fn csv_text_reads_back_as_it_was_written() {
        let text = "a,\"b \"\"c\"\"\",\"d,e\"\n1,\"two\nlines\",\" x\"\n2,,y\n";
        let table = from_csv(text, &CsvReading::default()).unwrap();
        assert_eq!(to_csv(&*table, &CsvLayout::default()).unwrap(), text);
    }

    #[test]
    fn what_is_forgiven_in_a_csv_is_told() {
        let read = |text: &str, reading: CsvReading| to_ndjson(&*from_csv(text, &reading).unwrap()).unwrap();
        let ragged = CsvReading { ragged: true, ..Default::default() };
        assert_eq!(
            read("a,b\n1,2\n3,4,5\n6\n", ragged),
            "{\"a\":1,\"b\":2}\n{\"a\":3,\"b\":4,\"column2\":5}\n{\"a\":6}\n"
        );
        let trimmed = CsvReading { trim_names: true, trim_cells: true, ..Default::default() };
        assert_eq!(read("a , b\n 1 , x y \n", trimmed), "{\"a\":1,\"b\":\"x y\"}\n");
        let text = CsvReading { text_only: true, comment: Some(b'#'), ..Default::default() };
        assert_eq!(read("a\n#no\n1\n", text), "{\"a\":\"1\"}\n");
        let quoted = CsvReading { quote: Some(b'\''), escape: Some(b'\\'), ..Default::default() };
        assert_eq!(read("a\n'x,\\'y'\n", quoted), "{\"a\":\"x,'y\"}\n");
    }

    #[test]
    fn numbers_too_large_for_an_int_stay_text() {
        assert_eq!(cell_kind("12345678901234567890123"), Kind::String);
        assert_eq!(cell_kind("1-2"), Kind::String);
    }

    #[test]
    fn a_csv_has_no_place_for_lists_and_says_which_column() {
        let table = from_ndjson("{\"a\": [1]}").unwrap();
        let error = to_csv(&*table, &CsvLayout::default()).unwrap_err();
        assert_eq!(error.code, codes::NOT_TABULAR);
        assert!(error.message.contains("`a`"));
    }

    #[test]
    fn ndjson_keeps_what_is_absent_and_what_is_mixed() {
        let text = "{\"a\":1}\n{\"a\":2.5,\"b\":[null,\"x\"]}\n";
        let table = from_ndjson(text).unwrap();
        assert_eq!(to_ndjson(&*table).unwrap(), text);
        assert_eq!(
            from_ndjson("{\"a\":1}\n[2]").err().map(|e| e.message).as_deref(),
            Some("line 2 is not a JSON object")
        );
    }
}
