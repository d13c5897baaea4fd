use crate::prelude::*;
use crate::rows;

pub static COLUMNS: Command = Command {
    name: "columns",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Lists the names of a table's columns or a record's fields",
    io: &[("table", "list<string>"), ("record", "list<string>"), ("list<any>", "list<string>")],
    examples: &[
        example("Of a table", "[[name age]; [bill 20]] | columns", "[name age]"),
        example("Of a record", "{a: 1, b: 2} | columns", "[a b]"),
    ],
    search: &["names", "fields", "headers"],
    infer: Some(|_| Some(Type::list(Type::String))),
    run,
    ..Command::DEFAULT
};

pub static VALUES: Command = Command {
    name: "values",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Lists the values of a record, or the columns of a table as lists",
    io: &[("table", "list<any>"), ("record", "list<any>"), ("list<any>", "list<any>")],
    examples: &[
        example("Of a record", "{mode: normal, id: 31415} | values", "[normal 31415]"),
        example("Of a table", "[[a b]; [1 2] [3 4]] | values", "[[1 3] [2 4]]"),
    ],
    search: &["fields", "columns"],
    run: |call, input| {
        let value = rows::value(call, input)?;
        if let Value::Record(record) = &value {
            return Ok(Data::Value(Value::list(record.values().to_vec())));
        }
        let names = names(call, &value)?;
        let column = |name: &Arc<str>| value.follow(&[PathMember { optional: true, ..PathMember::name(name.clone()) }]);
        Ok(Data::Value(Value::list(names.iter().map(column).collect::<Result<Vec<_>>>()?)))
    },
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let value = rows::value(call, input)?;
    let names = names(call, &value)?;
    Ok(Data::Value(Value::list(names.iter().map(|name| Value::from(&**name)).collect::<Vec<_>>())))
}

/// All column names, in order of first appearance.
pub(crate) fn names(call: &Call<'_>, value: &Value) -> Result<Vec<Arc<str>>> {
    let mut names: Vec<Arc<str>> = Vec::new();
    match value {
        Value::Record(record) => return Ok(record.columns().to_vec()),
        Value::Table(table) => {
            let fields = table.schema()?;
            if !fields.open {
                return Ok(fields.columns.into_iter().map(|(name, _)| name).collect());
            }
        }
        Value::List(_) => {}
        other => return Err(call.wrong_input(&other.type_of(), "a table or a record")),
    }
    let rows = value.items()?;
    let mut last: Option<&Arc<Vec<Arc<str>>>> = None;
    for row in rows.iter() {
        let Value::Record(record) = row else { continue };
        // Rows of one table mostly share their names.
        if last.is_some_and(|last| Arc::ptr_eq(last, record.columns())) {
            continue;
        }
        for name in record.columns().iter() {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        last = Some(record.columns());
    }
    Ok(names)
}
