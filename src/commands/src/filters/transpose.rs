use std::collections::HashMap;

use crate::prelude::*;
use crate::rows;

pub static TRANSPOSE: Command = Command {
    name: "transpose",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Turns columns into rows and rows into columns",
    params: &[
        Param::rest("names", Takes::Type("string"), "Names of the new columns"),
        Param::switch("header-row", Some('r'), "The first column holds the new names"),
        Param::switch("ignore-titles", Some('i'), "Leave out the column of old names"),
        Param::switch("as-record", Some('d'), "Give a record when there is one row"),
        Param::switch("keep-last", Some('l'), "Of equal names keep the last value"),
        Param::switch("keep-all", Some('a'), "Of equal names keep all values, as a list"),
    ],
    io: &[("table", "any"), ("record", "table"), ("list<any>", "any")],
    examples: &[
        example("A record as a table", "{a: 1, b: 2} | transpose key value", "[[key value]; [a 1] [b 2]]"),
        example("Pairs as a record", "[[k v]; [a 1] [b 2]] | transpose --header-row --as-record", "{a: 1, b: 2}"),
        example("Without old names", "[[c1 c2]; [1 2]] | transpose --ignore-titles val", "[[val]; [1] [2]]"),
    ],
    search: &["pivot", "rotate"],
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let value = rows::value(call, input)?;
    let names = super::columns::names(call, &value)?;
    let table: Arc<Vec<Value>> = if let Value::Record(_) = &value { Arc::new(vec![value]) } else { value.items()? };
    if let Some(row) = table.iter().find(|row| !matches!(row, Value::Record(_))) {
        return Err(call.wrong_input(&Type::list(row.type_of()), "a table or a record"));
    }
    let header = call.switch("header-row");
    // Rows that are named by their first cells need no column of old names.
    let ignore_titles = call.switch("ignore-titles") || header;
    let given: Vec<String> = call.rest("names")?;
    let mut given = given.into_iter();
    let mut titles: Vec<String> = Vec::new();
    let mut next = |titles: &mut Vec<String>| {
        let name = given.next().unwrap_or_else(|| format!("column{}", titles.len()));
        titles.push(name);
    };
    if !ignore_titles {
        next(&mut titles);
    }
    let cell =
        |row: &Value, name: &str| row.as_record().and_then(|row| row.get(name)).cloned().unwrap_or(Value::Nothing);
    let mut old = names.as_slice();
    if header {
        if let Some((first, rest)) = old.split_first() {
            titles.extend(table.iter().map(|row| value::text::to_text(&cell(row, first))));
            old = rest;
        }
    } else {
        table.iter().for_each(|_| next(&mut titles));
    }
    let (keep_last, keep_all) = (call.switch("keep-last"), call.switch("keep-all"));
    // Titles that are the same share a column.
    let mut columns: Vec<Arc<str>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut places = Vec::with_capacity(titles.len());
    for title in &titles {
        let place = *known.entry(title).or_insert_with(|| {
            columns.push(title.as_str().into());
            columns.len() - 1
        });
        places.push(place);
    }
    let columns = Arc::new(columns);
    let mut result = Vec::with_capacity(old.len());
    for name in old {
        let mut cells: Vec<Option<Value>> = vec![None; columns.len()];
        let title = (!ignore_titles).then(|| Value::from(&**name));
        let values = title.into_iter().chain(table.iter().map(|row| cell(row, name)));
        for (place, value) in places.iter().zip(values) {
            call.interrupt().check()?;
            let slot = &mut cells[*place];
            match slot {
                Some(before) if keep_all => {
                    let mut all = if let Value::List(all) = before { all.to_vec() } else { vec![before.clone()] };
                    all.push(value);
                    *slot = Some(Value::list(all));
                }
                Some(_) if !keep_last => {}
                _ => *slot = Some(value),
            }
        }
        let cells = cells.into_iter().map(|cell| cell.unwrap_or(Value::Nothing)).collect();
        result.push(Value::record(Record::from_parts(columns.clone(), cells)));
    }
    if call.switch("as-record") && result.len() == 1 {
        return Ok(Data::Value(result.remove(0)));
    }
    Ok(Data::Value(Value::list(result)))
}
