//! Tables in workbooks of spreadsheet programs. A sheet's first row names its columns.
//!
//! A workbook knows numbers, texts, bools and moments without an offset. What is written keeps its number: filesizes
//! count bytes, durations are times of day that may be longer than one, moments are what a clock showed.

use std::path::Path;
use std::sync::Arc;

use calamine::{Data, Reader as _};
use diag::{Diagnostic, Result, codes};
use rust_xlsxwriter::{Format, Workbook, XlsxError};
use value::{DateTime, Fields, Record, TableRef, Value, interrupt};

use crate::construct::{empty, from_rows};
use crate::frame::Pin;
use crate::json::to_json;
use crate::sink::Part;
use crate::text::column_names;

/// The sheets of a workbook (xlsx, xlsm, xlsb, xls or ods) by their names.
///
/// # Errors
/// `FILE_UNREADABLE`, `BAD_CONTENT` when it is no workbook.
pub fn sheets(path: &Path) -> Result<Vec<(String, TableRef)>> {
    Pin::new(path)?;
    let bad = || {
        Diagnostic::new(codes::BAD_CONTENT, format!("`{}`: this is not a workbook, or it is damaged", path.display()))
    };
    let mut workbook = calamine::open_workbook_auto(path).map_err(|_| bad())?;
    let names = workbook.sheet_names();
    let mut sheets = Vec::with_capacity(names.len());
    for name in names {
        let range = workbook.worksheet_range(&name).map_err(|_| bad())?;
        sheets.push((name, table(range.rows())?));
    }
    Ok(sheets)
}

fn table<'a>(mut rows: impl Iterator<Item = &'a [Data]>) -> Result<TableRef> {
    let Some(header) = rows.next() else { return Ok(empty(Fields::default())) };
    let texts: csv::StringRecord = header.iter().map(|cell| value::text::to_text(&value_of(cell))).collect();
    let names = Arc::new(column_names(&texts));
    let mut cells: Vec<Vec<Value>> = Vec::new();
    for row in rows {
        interrupt::check()?;
        let mut values: Vec<Value> = row.iter().map(value_of).collect();
        values.resize(names.len(), Value::Nothing);
        cells.push(values);
    }
    for column in 0..names.len() {
        // All numbers of a workbook are floats; a column of nothing but whole ones is of ints.
        let whole = |value: &Value| match value {
            Value::Float(x) => x.fract() == 0.0 && x.abs() <= 9_007_199_254_740_992.0,
            Value::Int(_) | Value::Nothing => true,
            _ => false,
        };
        if cells.iter().all(|row| whole(&row[column])) {
            for row in &mut cells {
                if let Value::Float(x) = row[column] {
                    row[column] = Value::Int(x as i64);
                }
            }
        }
    }
    let rows = cells.into_iter().map(|row| Value::record(Record::from_parts(names.clone(), row)));
    from_rows(rows.collect(), None)
}

fn value_of(cell: &Data) -> Value {
    let moment = |text: &str| DateTime::parse(text).map_or_else(|| Value::string(text), Value::DateTime);
    match cell {
        Data::Empty | Data::Error(_) => Value::Nothing,
        Data::Int(n) => Value::Int(*n),
        Data::Float(x) => Value::Float(*x),
        Data::Bool(b) => Value::Bool(*b),
        Data::String(text) | Data::DurationIso(text) => Value::from(text.as_str()),
        Data::DateTimeIso(text) => moment(text),
        Data::DateTime(at) if at.is_duration() => {
            // Parts of a day, as exact as milliseconds.
            Value::Duration(((at.as_f64() * 86_400_000.0).round() as i64).saturating_mul(1_000_000))
        }
        Data::DateTime(at) => {
            let (year, month, day, hour, minute, second, milli) = at.to_ymd_hms_milli();
            moment(&format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}"))
        }
    }
}

/// Writes tables as the sheets of a workbook (xlsx).
///
/// # Errors
/// `FILE_UNWRITABLE`, `NOT_TABULAR` when a sheet has no room or may not be called so, and whatever reading the tables
/// meets.
pub fn write(path: &Path, tables: &[(String, TableRef)]) -> Result<()> {
    let mut workbook = Workbook::new();
    let bold = Format::new().set_bold();
    let moment = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss.000");
    let span = Format::new().set_num_format("[h]:mm:ss.000");
    for (name, table) in tables {
        let sheet = workbook.add_worksheet();
        sheet.set_name(name).map_err(|error| no_room(&error, name))?;
        let fields = table.schema()?;
        for (column, (title, _)) in (0_u16..).zip(&fields.columns) {
            sheet.write_string_with_format(0, column, &**title, &bold).map_err(|error| no_room(&error, name))?;
        }
        sheet.set_freeze_panes(1, 0).map_err(|error| no_room(&error, name))?;
        let mut line = 0_u32;
        for batch in table.batches() {
            for row in batch? {
                interrupt::check()?;
                line += 1;
                for (column, (title, _)) in (0_u16..).zip(&fields.columns) {
                    let cell = row.as_record().and_then(|row| row.get(title)).unwrap_or(&Value::Nothing);
                    let written = match cell {
                        Value::Nothing => continue,
                        Value::Bool(b) => sheet.write_boolean(line, column, *b),
                        // More digits than a number of a workbook has.
                        Value::Int(n) | Value::Filesize(n) if n.unsigned_abs() > 1 << 53 => {
                            sheet.write_string(line, column, n.to_string())
                        }
                        Value::Int(n) | Value::Filesize(n) => sheet.write_number(line, column, *n as f64),
                        Value::Float(x) if x.is_finite() => sheet.write_number(line, column, *x),
                        Value::Duration(n) => sheet.write_number_with_format(line, column, *n as f64 / DAY, &span),
                        Value::DateTime(at) => {
                            let shown = at.nanos as f64 + f64::from(at.offset) * 1e9;
                            sheet.write_number_with_format(line, column, shown / DAY + EPOCH, &moment)
                        }
                        Value::List(_) | Value::Record(_) | Value::Table(_) => {
                            sheet.write_string(line, column, to_json(cell)?.to_string())
                        }
                        other => sheet.write_string(line, column, value::text::to_text(other)),
                    };
                    written.map_err(|error| no_room(&error, name))?;
                }
            }
        }
        sheet.autofit();
    }
    let part = Part::beside(path)?;
    let file = part.open()?;
    workbook.save_to_writer(file).map_err(|error| {
        Diagnostic::new(codes::FILE_UNWRITABLE, format!("`{}` cannot be written: {error}", path.display()))
    })?;
    part.finish()
}

/// Nanoseconds of a day.
const DAY: f64 = 86_400e9;
/// The day 1970-01-01 as spreadsheet programs count days.
const EPOCH: f64 = 25_569.0;

fn no_room(error: &XlsxError, sheet: &str) -> Box<Diagnostic> {
    let why = match error {
        XlsxError::RowColumnLimitError => "has room for 1,048,575 rows and 16,384 columns".to_string(),
        XlsxError::MaxStringLengthExceeded => "has no room for texts of more than 32,767 characters".to_string(),
        _ => "may not be called so: up to 31 characters, and none of []:*?/\\".to_string(),
    };
    Diagnostic::new(codes::NOT_TABULAR, format!("the sheet `{sheet}` {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::literal::to_literal;

    #[test]
    fn what_is_written_reads_back_as_far_as_workbooks_can_tell() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.xlsx");
        let row = |n: i64| {
            let null = |value: Value| if n == 2 { Value::Nothing } else { value };
            let fields = [
                ("n", Value::Int(n)),
                ("name", null(Value::string(format!("é \"{n}\"")))),
                ("x", null(Value::Float(n as f64 + 0.5))),
                ("ok", null(Value::Bool(n == 1))),
                ("took", null(Value::Duration(n * 90_061_001_000_000))),
                ("at", null(Value::DateTime(DateTime { nanos: 1_700_000_000_123_000_000 + n, offset: 0 }))),
                ("large", null(Value::Int(i64::MAX - n))),
            ];
            Value::record(fields.into_iter().collect())
        };
        let rows: Vec<Value> = (0..4).map(row).collect();
        let table = crate::as_rows(rows, None).unwrap();
        write(&path, &[("runs".into(), table.clone()), ("none".into(), empty(Fields::default()))]).unwrap();
        let back = sheets(&path).unwrap();
        assert_eq!(back.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["runs", "none"]);
        let shown: Vec<String> = back[0].1.rows().unwrap().iter().map(to_literal).collect();
        assert_eq!(
            shown[1],
            "{n: 1, name: \"é \\\"1\\\"\", x: 1.5, ok: true, took: 90061001ms, at: 2023-11-14T22:13:20.123+00:00, \
             large: \"9223372036854775806\"}"
        );
        assert!(shown[2].starts_with("{n: 2, name: null, x: null"), "{}", shown[2]);
    }

    #[test]
    fn what_is_no_workbook_is_a_coded_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.xlsx");
        let code = |result: Result<Vec<(String, TableRef)>>| result.err().map(|error| error.code);
        assert_eq!(code(sheets(&path)), Some(codes::FILE_UNREADABLE));
        std::fs::write(&path, "PK, but no more").unwrap();
        assert_eq!(code(sheets(&path)), Some(codes::BAD_CONTENT));
        let table = crate::as_rows(vec![Value::record([("a", Value::Int(1))].into_iter().collect())], None).unwrap();
        let error = write(&path, &[("a/b".into(), table)]).unwrap_err();
        assert_eq!(error.code, codes::NOT_TABULAR, "{error:?}");
    }
}
