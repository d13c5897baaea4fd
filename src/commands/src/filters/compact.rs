use crate::prelude::*;
use crate::rows;

pub static COMPACT: Command = Command {
    name: "compact",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Leaves out null items, or rows with null in these columns",
    params: &[
        Param::rest("columns", Takes::Column, "Columns to look at"),
        Param::switch("empty", Some('e'), "Leave out what is empty too"),
    ],
    io: &[("table", "table"), ("list<any>", "list<any>"), ("record", "record")],
    examples: &[
        example("Items", "[1 null 2] | compact", "[1 2]"),
        example("Rows", "[[a b]; [1 null] [2 3]] | compact b", "[[a b]; [2 3]]"),
    ],
    search: &["null", "clean", "drop"],
    infer: Some(rows::keeps_type),
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let empty = call.switch("empty");
    let paths: Vec<CellPath> = call.rest("columns")?;
    let missing = move |value: &Value| -> Result<bool> { Ok(value.is_nothing() || empty && value.is_empty()?) };
    match rows::plain(input)? {
        Data::Value(Value::Record(record)) => {
            for path in &paths {
                let record = Value::Record(record.clone());
                record.follow(&path.0).map_err(|error| error.or_label(call.span("columns"), ""))?;
            }
            let mut kept = Record::new();
            for (name, value) in record.iter() {
                if !missing(value)? {
                    kept.insert(name, value.clone());
                }
            }
            Ok(Data::Value(Value::record(kept)))
        }
        many => {
            rows::want_items(call, &many)?;
            let many = if paths.is_empty() { many } else { with_columns(call, many, &paths)? };
            rows::map(call, many, true, move |item| {
                if paths.is_empty() && missing(&item)? {
                    return Ok(None);
                }
                for path in &paths {
                    let optional: Vec<PathMember> =
                        path.0.iter().map(|member| PathMember { optional: true, ..member.clone() }).collect();
                    if missing(&item.follow(&optional)?)? {
                        return Ok(None);
                    }
                }
                Ok(Some(item))
            })
        }
    }
}

/// The rows, when some have the columns: a name that is in none of them is a slip.
fn with_columns(call: &Call<'_>, input: Data, paths: &[CellPath]) -> Result<Data> {
    if matches!(&input, Data::Stream(stream) if stream.endless) {
        return Ok(input);
    }
    let rows = call.collect(input)?;
    let items = rows.items()?;
    for path in paths {
        let mut missing = None;
        for item in items.iter() {
            match item.follow(&path.0) {
                Ok(_) => {
                    missing = None;
                    break;
                }
                Err(error) => missing = Some(error),
            }
        }
        if let Some(error) = missing {
            return Err(error.or_label(call.span("columns"), "in no row"));
        }
    }
    Ok(Data::Value(rows))
}
