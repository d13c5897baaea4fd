use crate::prelude::*;
use crate::rows;

pub static EXPLODE: Command = Command {
    name: "explode",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Makes one row of each item of the lists in a column",
    details: "A row whose list is empty stays, with null. Of several columns the items go side by side; a shorter list \
              ends with nulls. Unlike `flatten`, it leaves records in the column as they are and loses no row.",
    params: &[Param::rest("columns", Takes::Column, "The columns with lists")],
    io: &[("table", "table"), ("list<any>", "list<any>"), ("record", "list<any>")],
    examples: &[
        example(
            "A row for each item",
            "[{a: 1, b: [x y]} {a: 2, b: []}] | explode b",
            "[{a: 1, b: x} {a: 1, b: y} {a: 2, b: null}]",
        ),
        example("Side by side", "[{x: [1 2], y: [3 4]}] | explode x y", "[[x y]; [1 3] [2 4]]"),
    ],
    search: &["unnest", "flatten", "expand", "list"],
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let columns: Vec<String> = super::select::paths_of(call, "columns")?.iter().map(super::select::title).collect();
    let span = call.span("columns");
    if columns.is_empty() {
        return Err(Diagnostic::new(codes::MISSING_ARGUMENT, "`explode` needs a column").label(call.head, "which one?"));
    }
    rows::flat_map(call, input, move |row| {
        let Value::Record(row) = row else { return Ok(vec![row]) };
        let mut lists = Vec::with_capacity(columns.len());
        for name in &columns {
            let cell =
                row.get(name).ok_or_else(|| value::cell_path::unknown_column(name, row.names()).label(span, "here"))?;
            lists.push(match cell {
                Value::List(_) | Value::Table(_) | Value::Range(_) => cell.items()?.to_vec(),
                Value::Nothing => Vec::new(),
                other => vec![other.clone()],
            });
        }
        let longest = lists.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let rows = (0..longest).map(|at| {
            let mut row = (*row).clone();
            for (name, list) in columns.iter().zip(&lists) {
                row.insert(name.as_str(), list.get(at).cloned().unwrap_or_default());
            }
            Value::record(row)
        });
        Ok(rows.collect())
    })
}
