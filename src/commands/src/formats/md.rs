//! Markdown tables.

use value::interrupt;

use crate::prelude::*;
use crate::rows;

pub static TO: Command = Command {
    name: "to md",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Writes rows as a Markdown table, a list as one",
    params: &[Param::switch("pretty", Some('p'), "Make columns equally wide")],
    io: &[("any", "string")],
    examples: &[example("A table", "[[a b]; [1 x]] | to md", "\"| a | b |\\n| --- | --- |\\n| 1 | x |\"")],
    search: &["markdown"],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| {
        let value = rows::value(call, input)?;
        write(&value, call.switch("pretty")).map(|text| Data::Value(Value::string(text)))
    },
    ..Command::DEFAULT
};

/// The value as Markdown.
pub(crate) fn write(value: &Value, pretty: bool) -> Result<String> {
    let rows = match value {
        Value::Record(_) => Arc::new(vec![value.clone()]),
        table if table.is_table() => table.items()?,
        Value::List(items) => {
            let lines = items.iter().map(|item| interrupt::check().map(|()| format!("* {}", cell(item))));
            return Ok(lines.collect::<Result<Vec<_>>>()?.join("\n"));
        }
        other => return Ok(value::text::to_text(other)),
    };
    let mut names: Vec<Arc<str>> = Vec::new();
    for row in rows.iter().filter_map(Value::as_record) {
        interrupt::check()?;
        for name in row.columns().iter() {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    let mut lines: Vec<Vec<String>> = vec![names.iter().map(|name| escape(name)).collect()];
    for row in rows.iter().filter_map(Value::as_record) {
        interrupt::check()?;
        lines.push(names.iter().map(|name| row.get(name).map(cell).unwrap_or_default()).collect());
    }
    let widths: Vec<usize> = (0..names.len())
        .map(|at| if pretty { lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0).max(3) } else { 0 })
        .collect();
    let draw = |cells: &[String]| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("| {} |", padded.join(" | "))
    };
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat((*width).max(3))).collect();
    let mut text = format!("{}\n{}", draw(&lines[0]), draw(&rule));
    for line in &lines[1..] {
        interrupt::check()?;
        text.push('\n');
        text.push_str(&draw(line));
    }
    Ok(text)
}

fn cell(value: &Value) -> String {
    escape(&value::text::to_text(value))
}

fn escape(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', "<br>")
}
