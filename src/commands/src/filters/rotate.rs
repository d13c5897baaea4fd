use crate::prelude::*;
use crate::rows;

pub static ROTATE: Command = Command {
    name: "rotate",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Turns a table by a quarter, clockwise: each column becomes a row, with its name at the end",
    params: &[
        Param::rest("names", Takes::Type("string"), "The names of the new columns"),
        Param::switch("ccw", None, "The other way round"),
    ],
    io: &[("record", "table"), ("table", "table"), ("list<any>", "table")],
    examples: &[
        example("A record", "{a: 1, b: 2} | rotate", "[[column0 column1]; [1 a] [2 b]]"),
        example("The other way round", "{a: 1, b: 2} | rotate --ccw k v", "[[k v]; [b 2] [a 1]]"),
    ],
    search: &["transpose", "turn"],
    run: |call, input| {
        let given: Vec<String> = call.rest("names")?;
        let ccw = call.switch("ccw");
        let rows = rows::all(call, input)?.items;
        let Some(first) = rows.first().and_then(Value::as_record) else {
            return match rows.first() {
                Some(other) => Err(call.wrong_input(&other.type_of(), "a record or a table")),
                None => Ok(Data::Value(Value::list(Vec::new()))),
            };
        };
        let mut columns: Vec<&str> = first.names().collect();
        if ccw {
            columns.reverse();
        }
        let name = |at: usize| given.get(at).cloned().unwrap_or_else(|| format!("column{at}"));
        let mut turned = Vec::with_capacity(columns.len());
        for column in columns {
            let cell = |row: &Value| row.as_record().and_then(|row| row.get(column)).cloned().unwrap_or(Value::Nothing);
            let mut cells: Vec<Value> = std::iter::once(Value::from(column)).chain(rows.iter().map(cell)).collect();
            if !ccw {
                cells.reverse();
            }
            turned.push(Value::record(cells.into_iter().enumerate().map(|(at, cell)| (name(at), cell)).collect()));
        }
        Ok(Data::Value(Value::list(turned)))
    },
    ..Command::DEFAULT
};
