use crate::prelude::*;
use crate::rows;

pub static DETECT_COLUMNS: Command = Command {
    name: "detect columns",
    category: Category::Strings,
    effect: Effect::Computes,
    summary: "Reads a text that a program laid out in columns as a table",
    details: "Columns are told apart by blanks; with `--guess` by where blanks stand in every line, so that cells may hold \
              some and may be empty.",
    params: &[
        Param::flag("skip", Some('s'), Takes::Type("int"), "Lines at the beginning to leave out"),
        Param::switch("no-headers", Some('n'), "The first line holds no names"),
        Param::flag("combine-columns", Some('c'), Takes::Type("range"), "Columns that are one"),
        Param::switch("guess", None, "Tell columns apart by where blanks stand in every line"),
        Param::switch("ignore-box-chars", Some('i'), "Leave out lines of `+-|` and the like around cells"),
    ],
    io: &[("string", "table"), ("list<any>", "table"), ("table", "table")],
    examples: &[
        example("A title and a row", "\"a   b\\n1   2\" | detect columns", "[[a b]; ['1' '2']]"),
        example(
            "Two columns as one",
            "'x y z' | detect columns --no-headers --combine-columns 0..1",
            "[[column0 column2]; ['x y' z]]",
        ),
    ],
    search: &["parse", "split", "tabular", "ps", "df"],
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let value = rows::value(call, input)?;
    if value.is_table() {
        return Ok(Data::Value(value));
    }
    let text = match &value {
        Value::List(items) => items.iter().map(value::text::to_text).collect::<Vec<_>>().join("\n"),
        Value::String(text) => text.to_string(),
        other => return Err(call.wrong_input(&other.type_of(), "text")),
    };
    let skip = rows::count(call, "skip")?.unwrap_or(0);
    let boxed = call.switch("ignore-box-chars");
    let lines: Vec<String> = text
        .lines()
        .skip(skip)
        .map(|line| if boxed { without_box(line) } else { line.to_string() })
        .filter(|line| !line.trim().is_empty())
        .collect();
    let mut cells: Vec<Vec<String>> = if call.switch("guess") {
        guessed(&lines)
    } else {
        lines.iter().map(|line| line.split_whitespace().map(str::to_string).collect()).collect()
    };
    let width = cells.first().map_or(0, Vec::len);
    let mut names: Vec<String> = if call.switch("no-headers") || cells.is_empty() {
        (0..width).map(|at| format!("column{at}")).collect()
    } else {
        cells.remove(0)
    };
    if call.given("combine-columns") {
        let (start, end, inclusive) = super::substring::int_range(call, "combine-columns")?;
        for row in &mut cells {
            let (skip, take) = crate::filters::range::bounds(start, end, inclusive, row.len());
            if take > 1 && skip < row.len() {
                let joined = row[skip..(skip + take).min(row.len())].join(" ");
                row.splice(skip..(skip + take).min(row.len()), [joined]);
            }
        }
        // One name is left for what is one now: the first.
        let (skip, take) = crate::filters::range::bounds(start, end, inclusive, names.len());
        if take > 1 {
            names.drain((skip + 1).min(names.len())..(skip + take).min(names.len()));
        }
    }
    let table = cells.into_iter().map(|mut row| {
        row.resize(names.len().max(row.len()), String::new());
        let further = (names.len()..row.len()).map(|at| format!("column{at}"));
        let names = names.iter().cloned().chain(further).collect::<Vec<_>>();
        Value::record(names.into_iter().zip(row.into_iter().map(Value::string)).collect())
    });
    Ok(Data::Value(Value::list(table.collect::<Vec<_>>())))
}

/// Lines around cells become blanks.
fn without_box(line: &str) -> String {
    let is_line = |c: char| matches!(c, '|' | '\u{2500}'..='\u{257f}');
    let inner: String = line.chars().map(|c| if is_line(c) { ' ' } else { c }).collect();
    // A line of nothing else parts rows.
    if inner.chars().all(|c| matches!(c, '+' | '-' | '=' | '_' | ' ')) { String::new() } else { inner }
}

/// Cells between places where every line has a blank.
fn guessed(lines: &[String]) -> Vec<Vec<String>> {
    let chars: Vec<Vec<char>> = lines.iter().map(|line| line.chars().collect()).collect();
    let width = chars.iter().map(Vec::len).max().unwrap_or(0);
    let is_blank = |at: usize| chars.iter().all(|line| line.get(at).is_none_or(|c| c.is_whitespace()));
    let mut columns: Vec<(usize, usize)> = Vec::new();
    let mut start = None;
    for at in 0..=width {
        match (start, at == width || is_blank(at)) {
            (None, false) => start = Some(at),
            (Some(from), true) => {
                columns.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    // Words of a title under which no other line has anything belong to the title before.
    let is_empty = |(from, to): (usize, usize)| {
        chars.iter().skip(1).all(|line| line.iter().skip(from).take(to - from).all(|c| c.is_whitespace()))
    };
    if chars.len() > 1 {
        let mut merged: Vec<(usize, usize)> = Vec::new();
        for column in columns {
            match merged.last_mut() {
                Some(last) if is_empty(column) => last.1 = column.1,
                _ => merged.push(column),
            }
        }
        columns = merged;
    }
    let cell = |line: &[char], (from, to): (usize, usize)| -> String {
        line.iter().skip(from).take(to - from).collect::<String>().trim().to_string()
    };
    chars.iter().map(|line| columns.iter().map(|column| cell(line, *column)).collect()).collect()
}
