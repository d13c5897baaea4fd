use crate::prelude::*;
use crate::rows;

pub static UPDATE_CELLS: Command = Command {
    name: "update cells",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Calls a closure for each cell and puts what it gives there",
    params: &[
        Param::required("closure", Takes::CellClosure, "Gives the new cell"),
        Param::flag("columns", Some('c'), Takes::Type("list<string>"), "The cells of these columns only"),
    ],
    io: &[("record", "record"), ("table", "table"), ("list<any>", "list<any>")],
    examples: &[example("All of a record", "{a: 1, b: 2} | update cells {|n| $n + 10 }", "{a: 11, b: 12}")],
    search: &["each", "map", "all"],
    run: |call, input| {
        let closure: ClosureValue = call.required("closure")?;
        let mut runner = call.runner(&closure);
        let columns: Option<Vec<String>> = match call.value("columns") {
            Some(Value::List(items)) => Some(items.iter().map(value::text::to_text).collect()),
            _ => None,
        };
        let mut update = move |row: Value| match row {
            Value::Record(mut record) => {
                let names: Vec<String> = record.names().map(str::to_string).collect();
                let cells = Arc::make_mut(&mut record).values_mut().iter_mut().zip(names);
                for (cell, name) in cells {
                    if columns.as_ref().is_none_or(|columns| columns.contains(&name)) {
                        *cell = runner.each(std::mem::replace(cell, Value::Nothing))?;
                    }
                }
                Ok(Value::Record(record))
            }
            other => Err(Diagnostic::new(
                codes::WRONG_INPUT,
                format!("`update cells` works on rows, not on {}", other.type_of()),
            )),
        };
        match rows::plain(input)? {
            Data::Value(record @ Value::Record(_)) => rows::here(call, update(record)).map(Data::Value),
            many => {
                let head = call.head;
                rows::map(call, many, false, move |row| update(row).map(Some).map_err(|error| error.or_label(head, "")))
            }
        }
    },
    ..Command::DEFAULT
};
