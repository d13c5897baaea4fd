use crate::prelude::*;
use crate::rows;

pub static SQL: Command = Command {
    name: "query sql",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Asks tables in SQL",
    details: "The input is the table `self`; of a record, each field that is a table has its name. More tables come by \
              `--with`. Nothing is read before something needs rows, as with other table commands. Durations and \
              datetimes are intervals and timestamps, filesizes numbers of bytes.",
    params: &[
        Param::required("query", Takes::Type("string"), "The query"),
        Param::flag("with", Some('w'), Takes::Type("record"), "More tables, by the names that the query gives them"),
    ],
    io: &[("table", "table"), ("list<any>", "table"), ("record", "table"), ("nothing", "table")],
    examples: &[
        example(
            "Of the input",
            "[[kind n]; [a 1] [b 2] [a 3]] | query sql 'select kind, sum(n) as n from self group by kind order by kind'",
            "[[kind n]; [a 4] [b 2]]",
        ),
        example(
            "Of several tables",
            "{l: [[id]; [1] [2]], r: [[id m]; [2 x]]} | query sql 'select l.id, m from l join r on l.id = r.id'",
            "[[id m]; [2 x]]",
        ),
    ],
    search: &["select", "database", "duckdb", "join"],
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let text: String = call.required("query")?;
    let mut tables: Vec<(Arc<str>, TableRef)> = Vec::new();
    match rows::plain(input)? {
        Data::Empty | Data::Value(Value::Nothing) => {}
        Data::Value(Value::Record(record)) if record.values().iter().any(is_table) => add(&mut tables, &record),
        Data::Value(row @ Value::Record(_)) => {
            tables.push(("self".into(), rows::as_table(call, Data::Value(Value::list(vec![row])))?));
        }
        other => {
            rows::want_items(call, &other)?;
            tables.push(("self".into(), rows::as_table(call, other)?));
        }
    }
    if let Some(Value::Record(more)) = call.value("with") {
        add(&mut tables, more);
    }
    let result = table::sql::query(&text, &tables).map_err(|error| {
        let names: Vec<String> = tables.iter().map(|(name, _)| format!("`{name}`")).collect();
        let error = error.or_label(call.span("query"), "here");
        if names.is_empty() || !error.message.contains("relation") {
            return error;
        }
        error.help(format!("there are the tables {}", names.join(", ")))
    })?;
    Ok(Data::Value(Value::table(result)))
}

fn is_table(value: &Value) -> bool {
    value.is_table()
}

/// The tables among a record's fields.
fn add(tables: &mut Vec<(Arc<str>, TableRef)>, record: &Record) {
    for (name, value) in record.iter() {
        if let Some(table) = table::of_value(value) {
            tables.push((name.into(), table));
        }
    }
}
