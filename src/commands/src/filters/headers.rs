use crate::prelude::*;
use crate::rows;

pub static HEADERS: Command = Command {
    name: "headers",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Takes the cells of the first row as the names of the columns",
    details: "A cell that is empty or no name leaves the column its name. Further rows lose what has no name.",
    io: &[("table", "table"), ("list<any>", "table")],
    examples: &[example("Two rows", "[[x y]; [a b] [1 2]] | headers", "[[a b]; [1 2]]")],
    search: &["columns", "rename", "title"],
    run: |call, input| {
        let rows = rows::all(call, input)?.items;
        let Some(first) = rows.first() else { return Ok(Data::Value(Value::list(rows))) };
        let Some(first) = first.as_record() else {
            return Err(call.wrong_input(&first.type_of(), "a table"));
        };
        let name = |(column, cell): (&str, &Value)| -> Result<(Arc<str>, Arc<str>)> {
            let name = match cell {
                Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => value::text::to_text(cell),
                Value::Nothing => String::new(),
                other => return Err(call.wrong_input(&other.type_of(), "texts and numbers in its first row")),
            };
            Ok((column.into(), if name.is_empty() { column.into() } else { name.into() }))
        };
        let names = first.iter().map(name).collect::<Result<Vec<_>>>()?;
        let rows = rows.iter().skip(1).map(|row| {
            let cell =
                |column: &str| row.as_record().and_then(|row| row.get(column)).cloned().unwrap_or(Value::Nothing);
            Value::record(names.iter().map(|(column, name)| (name.clone(), cell(column))).collect())
        });
        Ok(Data::Value(Value::list(rows.collect::<Vec<_>>())))
    },
    ..Command::DEFAULT
};
