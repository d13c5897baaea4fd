//! Values separated by blanks.

use crate::prelude::*;

pub static FROM: Command = Command {
    name: "from ssv",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Reads values separated by two or more blanks",
    details: "With `--aligned-columns` a cell is what stands under its title, so that cells may be empty.",
    params: &[
        Param::switch("noheaders", Some('n'), "Without a line of names; columns are `column0`, `column1`, …"),
        Param::switch("aligned-columns", Some('a'), "Cells stand under their titles"),
        Param::flag("minimum-spaces", Some('m'), Takes::Type("int"), "How many blanks part two cells; 2 by default"),
    ],
    io: &[("string", "table"), ("nothing", "table")],
    examples: &[example("Two columns", "\"a   b c\\n1   2\" | from ssv", "[[a 'b c']; ['1' '2']]")],
    search: &["parse", "columns", "kubectl"],
    infer: Some(|_| Some(Type::Table(Fields::open()))),
    run: |call, input| {
        let text = super::text_of(call, input)?;
        let blanks = " ".repeat(crate::rows::count(call, "minimum-spaces")?.unwrap_or(2).max(1));
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let Some(first) = lines.first() else { return Ok(Data::Value(Value::list(Vec::new()))) };
        let titles = cells(first, &blanks);
        let headers = !call.switch("noheaders");
        let aligned = call.switch("aligned-columns");
        let names: Vec<String> = match headers {
            true => titles.iter().map(|(_, title)| (*title).to_string()).collect(),
            false => (0..titles.len()).map(|at| format!("column{at}")).collect(),
        };
        let starts: Vec<usize> = titles.iter().map(|(start, _)| *start).collect();
        let rows = lines.iter().skip(usize::from(headers)).map(|line| {
            let row: Vec<&str> = match aligned {
                true => under(line, &starts),
                false => cells(line, &blanks).into_iter().map(|(_, cell)| cell).collect(),
            };
            let cell = |at: usize| Value::from(row.get(at).copied().unwrap_or_default());
            Value::record(names.iter().enumerate().map(|(at, name)| (name.as_str(), cell(at))).collect())
        });
        Ok(Data::Value(Value::list(rows.collect::<Vec<_>>())))
    },
    ..Command::DEFAULT
};

/// The cells of a line, each with the byte it begins at.
fn cells<'a>(line: &'a str, blanks: &str) -> Vec<(usize, &'a str)> {
    let mut cells = Vec::new();
    let mut at = 0;
    for part in line.split(blanks) {
        let cell = part.trim();
        if !cell.is_empty() {
            cells.push((at + part.len() - part.trim_start().len(), cell));
        }
        at += part.len() + blanks.len();
    }
    cells
}

/// What of a line stands under titles that begin at these bytes.
fn under<'a>(line: &'a str, starts: &[usize]) -> Vec<&'a str> {
    let boundary = |mut at: usize| {
        at = at.min(line.len());
        while !line.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let ends = starts.iter().skip(1).copied().chain([usize::MAX]);
    starts.iter().zip(ends).map(|(start, end)| line[boundary(*start)..boundary(end)].trim()).collect()
}
