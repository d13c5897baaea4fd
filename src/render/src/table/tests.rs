use super::*;
use crate::fit::text_width;
use diag::Result;
use value::table::{Stage, Table, TableRef};
use value::types::Fields;
use value::{DateTime, Type};

fn record(fields: &[(&str, Value)]) -> Value {
    Value::record(fields.iter().map(|(name, value)| (*name, value.clone())).collect())
}

fn flows() -> Value {
    let row = |name: &str, status: &str, nodes: i64, rate: f64, uptime: i64| {
        record(&[
            ("name", name.into()),
            ("status", status.into()),
            ("nodes", nodes.into()),
            ("rate", rate.into()),
            ("uptime", Value::Duration(uptime)),
        ])
    };
    Value::list(vec![
        row("demo", "running", 4, 29.97, 3_725_000_000_000),
        row("slam", "failed", 12, 0.5, 61_000_000_000),
        row("日本", "stopped", 3, 100.0, 0),
    ])
}

fn on_terminal(value: &Value, width: usize) -> String {
    value_to_text(value, &Options::terminal(width, false)).unwrap()
}

#[test]
fn a_table_has_a_header_row_numbers_and_aligned_numbers() {
    insta::assert_snapshot!(on_terminal(&flows(), 80));
}

#[test]
fn colours_follow_types_and_states() {
    let text = value_to_text(&flows(), &Options::terminal(80, true)).unwrap();
    insta::assert_snapshot!(text.replace('\u{1b}', "␛"));
}

#[test]
fn on_a_narrow_terminal_the_last_columns_are_left_out_and_named() {
    insta::assert_snapshot!(on_terminal(&flows(), 36));
}

#[test]
fn no_line_is_ever_wider_than_the_terminal() {
    let long = "a very long text about something ".repeat(20);
    let table = Value::list(vec![
        record(&[("a", long.as_str().into()), ("b", 1.into()), ("日本語", "wide 日本語 text".into())]),
        record(&[("a", "short".into()), ("b", 123_456_789.into()), ("日本語", "\u{1b}[31mred".into())]),
    ]);
    let row = table.items().unwrap()[0].clone();
    for value in [&table, &row, &Value::list(vec![long.as_str().into(), 2.into()]), &flows()] {
        for width in 12..120 {
            let text = on_terminal(value, width);
            for line in text.lines() {
                assert!(text_width(line) <= width, "{width}: {line}");
            }
            let framed: Vec<usize> = text.lines().filter(|line| !line.starts_with('…')).map(text_width).collect();
            assert!(framed.iter().all(|line| *line == framed[0]), "{text}");
        }
    }
}

#[test]
fn tiny_terminals_are_survived() {
    for width in 0..12 {
        on_terminal(&flows(), width);
        on_terminal(&record(&[("a", "b".into())]), width);
    }
}

#[test]
fn off_a_terminal_everything_is_written() {
    let long = "x".repeat(700);
    let rows: Vec<Value> = (0..1500)
        .map(|n| record(&[("n", n.into()), ("text", long.as_str().into()), ("list", vec![Value::Int(n); 50].into())]))
        .collect();
    let text = value_to_text(&rows.into(), &Options::whole()).unwrap();
    assert_eq!(text.matches(&long).count(), 1500);
    assert!(text.contains("1499") && !text.contains('…') && !text.contains('\u{1b}'));
    assert!(text.contains(&format!("[{}]", vec!["7"; 50].join(", "))));
}

#[test]
fn a_record_is_two_columns_and_long_values_go_on_below() {
    let value = record(&[
        ("name", "demo".into()),
        ("command", "python -m something --with many arguments that go on and on until the line is full".into()),
        ("nodes", flows()),
        ("started", Value::DateTime(DateTime::parse("2026-01-31T10:00:00+01:00").unwrap())),
        ("last", "line one\nline two".into()),
        ("none", Value::Nothing),
    ]);
    insta::assert_snapshot!(on_terminal(&value, 60));
}

#[test]
fn the_name_of_a_field_stays_in_one_piece() {
    let value = record(&[("working_dir", "x".repeat(200).as_str().into())]);
    assert!(on_terminal(&value, 60).contains("│ working_dir │"));
    // One as long as the line gives way.
    assert!(
        on_terminal(&record(&[("n".repeat(100).as_str(), 1.into())]), 60)
            .lines()
            .all(|line| line.chars().count() <= 60)
    );
}

#[test]
fn a_list_is_numbered() {
    insta::assert_snapshot!(on_terminal(&vec![Value::Int(1), Value::Float(2.25), "three".into()].into(), 40));
}

#[test]
fn ragged_rows_show_every_column_that_one_of_them_has() {
    let rows = vec![record(&[("a", 1.into())]), record(&[("b", "x".into()), ("a", Value::Nothing)])];
    insta::assert_snapshot!(on_terminal(&rows.into(), 40));
}

#[test]
fn control_characters_in_cells_are_written_as_escapes_and_lines_stay_lines() {
    let rows = vec![record(&[("a", "one\ntwo".into()), ("b", "bell\u{7}\ttab".into()), ("c\n", 1.into())])];
    insta::assert_snapshot!(on_terminal(&rows.into(), 60));
}

#[test]
fn what_is_empty_says_so() {
    assert_eq!(on_terminal(&Value::list(vec![]), 40), "(empty list)");
    assert_eq!(on_terminal(&record(&[]), 40), "(empty record)");
    assert_eq!(on_terminal(&Value::Nothing, 40), "");
    let empty = Value::table(Arc::new(Counting { rows: 0 }));
    insta::assert_snapshot!(on_terminal(&empty, 40));
}

#[test]
fn scalars_are_plain_text() {
    assert_eq!(on_terminal(&"a\tb".into(), 40), "a\tb");
    assert_eq!(on_terminal(&Value::Filesize(1500), 40), "1.5 kB");
    assert_eq!(on_terminal(&Value::Float(1.0 / 3.0), 40), "0.3333333333333333");
    let bytes: Vec<u8> = (60..80).collect();
    insta::assert_snapshot!(on_terminal(&Value::binary(bytes), 80));
}

#[test]
fn of_a_huge_range_only_the_ends_are_looked_at() {
    let range = value::Range::new(&1.into(), None, Some(&1_000_000.into()), true).unwrap();
    let text = on_terminal(&range.into(), 40);
    assert!(text.ends_with("… 999,980 rows"), "{text}");
    let endless = value::Range::new(&1.into(), None, None, true).unwrap();
    assert_eq!(on_terminal(&endless.clone().into(), 40), "1..");
    assert_eq!(value_to_text(&endless.into(), &Options::whole()).unwrap_err().code, diag::codes::ENDLESS);
}

/// A table that is asked for its length and a few rows only.
struct Counting {
    rows: usize,
}

impl Table for Counting {
    fn schema(&self) -> Result<Fields> {
        Ok(Fields::closed(vec![("n".into(), Type::Int), ("text".into(), Type::String)]))
    }
    fn len(&self) -> Result<usize> {
        Ok(self.rows)
    }
    fn rows(&self) -> Result<Vec<Value>> {
        panic!("all rows were asked for")
    }
    fn slice(&self, offset: usize, limit: usize) -> Result<Vec<Value>> {
        assert!(limit <= 1001, "{limit} rows were asked for");
        let row = |n: usize| record(&[("n", Value::Int(n as i64)), ("text", format!("row {n}").into())]);
        Ok((offset..(offset + limit).min(self.rows)).map(row).collect())
    }
    fn column(&self, _: &str) -> Result<Vec<Value>> {
        panic!("a whole column was asked for")
    }
    fn batches(&self) -> Box<dyn Iterator<Item = Result<Vec<Value>>> + Send> {
        panic!("all rows were asked for")
    }
    fn stage(&self, _: &Stage) -> Result<Option<TableRef>> {
        Ok(None)
    }
    fn collect(&self) -> Result<TableRef> {
        panic!("all rows were asked for")
    }
    fn with_resource(&self, _: Option<value::Resource>) -> TableRef {
        Arc::new(Counting { rows: self.rows })
    }
    fn plan(&self) -> Result<String> {
        Ok(String::new())
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

#[test]
fn of_a_huge_table_only_length_and_ends_are_read() {
    let table = Value::table(Arc::new(Counting { rows: 1_000_000 }));
    insta::assert_snapshot!(on_terminal(&table, 40));
}
