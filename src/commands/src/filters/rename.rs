use value::Stage;

use crate::prelude::*;
use crate::rows;

pub static RENAME: Command = Command {
    name: "rename",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Gives columns new names, in order, by a record of old and new ones, or by a closure",
    params: &[
        Param::rest("names", Takes::Type("string"), "New names of the first columns"),
        Param::flag("column", Some('c'), Takes::ColumnRecord, "Old names with their new ones"),
        Param::flag("block", Some('b'), Takes::CellClosure, "A closure that gets each old name and gives the new one"),
    ],
    io: &[("record", "record"), ("table", "table"), ("list<any>", "list<any>")],
    examples: &[
        example("The first two", "{a: 1, b: 2, c: 3} | rename x y", "{x: 1, y: 2, c: 3}"),
        example("By their old names", "[[a b]; [1 2]] | rename --column {b: size}", "[[a size]; [1 2]]"),
        example("By a closure", "{abc: 1} | rename --block { str upcase }", "{ABC: 1}"),
    ],
    search: &["column", "name"],
    infer: Some(infer),
    run,
    ..Command::DEFAULT
};

fn infer(shape: &Shape<'_>) -> Option<Type> {
    if shape.argument("block").is_some() {
        return None;
    }
    let mut of = shape.input.clone();
    let fields = of.fields_mut()?;
    let given: Vec<(usize, Arc<str>)> = match shape.argument("column") {
        Some(_) => {
            let renames = shape.value("column")?.as_record()?;
            let pairs = renames.iter().map(|(old, new)| {
                let at = fields.columns.iter().position(|(name, _)| &**name == old)?;
                Some((at, Arc::from(new.as_str()?)))
            });
            pairs.collect::<Option<_>>()?
        }
        None => {
            let names = shape.rest("names")?;
            names.iter().enumerate().map(|(at, name)| Some((at, Arc::from(name.as_str()?)))).collect::<Option<_>>()?
        }
    };
    for (at, new) in given {
        let (name, _) = fields.columns.get_mut(at)?;
        if rows::is_key(name) {
            fields.resource = None;
        }
        *name = new;
    }
    Some(of)
}

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let names: Vec<String> = call.rest("names")?;
    let by_name: Option<Arc<Record>> = call.optional("column")?;
    let mut by_closure = call.optional::<ClosureValue>("block")?.map(|closure| call.runner(&closure));
    let place = if by_name.is_some() { call.span("column") } else { call.span("names") };
    let mut new_names = move |row: &[Arc<str>]| -> Result<Vec<Arc<str>>> {
        let mut new: Vec<Arc<str>> = row.to_vec();
        if let Some(renames) = &by_name {
            for (old, name) in renames.iter() {
                let Some(at) = row.iter().position(|known| &**known == old) else {
                    return Err(value::cell_path::unknown_column(old, row.iter().map(|name| &**name)).label(place, ""));
                };
                new[at] = value::text::to_text(name).into();
            }
        } else if let Some(runner) = &mut by_closure {
            for name in &mut new {
                *name = value::text::to_text(&runner.each(Value::from(&**name))?).into();
            }
        } else {
            for (slot, name) in new.iter_mut().zip(&names) {
                *slot = name.as_str().into();
            }
        }
        Ok(new)
    };
    if let Some(table) = rows::table(&input) {
        let fields = table.schema()?;
        if !fields.open {
            let old: Vec<Arc<str>> = fields.columns.iter().map(|(name, _)| name.clone()).collect();
            let new = new_names(&old)?;
            let pairs = old.into_iter().zip(new).filter(|(old, new)| old != new).collect();
            if let Some(table) = table.stage(&Stage::Rename(pairs))? {
                return Ok(Data::Value(Value::table(table)));
            }
        }
    }
    let rename = move |row: Value| -> Result<Value> {
        let Value::Record(record) = &row else { return Ok(row) };
        let new = new_names(record.columns())?;
        let kept = record.columns().iter().zip(&new).all(|(old, new)| old == new || !rows::is_key(old));
        let renamed: Record = new.into_iter().zip(record.values().iter().cloned()).collect();
        Ok(Value::record(renamed.with_resource(record.resource.filter(|_| kept))))
    };
    let mut rename = rename;
    match rows::plain(input)? {
        Data::Value(row @ Value::Record(_)) => rename(row).map(Data::Value),
        many => {
            rows::want_items(call, &many)?;
            rows::map(call, many, false, move |row| rename(row).map(Some))
        }
    }
}
