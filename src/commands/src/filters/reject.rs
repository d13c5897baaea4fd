use value::Stage;

use crate::prelude::*;
use crate::rows;

pub static REJECT: Command = Command {
    name: "reject",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Leaves out these columns or fields, or these rows by number",
    params: &[
        Param::rest("columns", Takes::Column, "What to leave out; whole numbers are rows"),
        Param::switch("optional", Some('o'), "Pass over what is absent").relaxing(),
        Param::switch("ignore-case", None, "Match names in any case").relaxing(),
    ],
    io: &[("record", "record"), ("table", "table"), ("list<any>", "list<any>")],
    examples: &[
        example("A column", "[[lang gems]; [rust 100]] | reject gems", "[[lang]; [rust]]"),
        example("A field of a record in a field", "{a: {b: 1, c: 2}} | reject a.b", "{a: {c: 2}}"),
    ],
    search: &["drop", "remove", "column"],
    infer: Some(infer),
    run,
    ..Command::DEFAULT
};

fn infer(shape: &Shape<'_>) -> Option<Type> {
    let names = rows::known_columns(shape, "columns")?;
    let mut of = shape.input.clone();
    let fields = of.fields_mut()?;
    if !fields.open && !shape.switch("optional") && !shape.switch("ignore-case") {
        if names.iter().any(|name| fields.get(name).is_none()) {
            return None;
        }
    }
    fields.columns.retain(|(name, _)| !names.contains(name));
    if names.iter().any(|name| rows::is_key(name)) {
        fields.resource = None;
    }
    Some(of)
}

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let (optional, any_case) = (call.switch("optional"), call.switch("ignore-case"));
    let paths = super::select::paths_of(call, "columns")?;
    let lowered = || {
        if optional || any_case {
            return None;
        }
        let name = |path: &CellPath| path.as_column().filter(|_| !path.0[0].optional).map(Arc::from);
        paths.iter().map(name).collect::<Option<Vec<Arc<str>>>>().map(Stage::Reject)
    };
    if let Some(data) = rows::moved(&input, lowered)? {
        return Ok(data);
    }
    let keeps_key = !paths.iter().any(|path| path.as_column().is_some_and(rows::is_key));
    let mut paths: Vec<CellPath> = paths.into_iter().map(|path| rows::relaxed(path, optional, any_case)).collect();
    // Later items first, so that numbers stay right.
    paths.sort_by_key(|path| std::cmp::Reverse(numbers(path)));
    let head = call.span("columns");
    let by_row = paths.iter().any(|path| matches!(path.0.first(), Some(PathMember { step: Step::Index(_), .. })));
    let remove = move |mut value: Value| -> Result<Value> {
        for path in &paths {
            value.remove_path(&path.0).map_err(|error| error.or_label(head, ""))?;
        }
        Ok(match value {
            Value::Record(record) if !keeps_key => Value::record(Arc::unwrap_or_clone(record).with_resource(None)),
            other => other,
        })
    };
    match rows::plain(input)? {
        Data::Value(row @ Value::Record(_)) => remove(row).map(Data::Value),
        many if many.is_many() && by_row => {
            let items = rows::all(call, many)?;
            remove(Value::list(items.items)).map(Data::Value)
        }
        many => {
            rows::want_items(call, &many)?;
            rows::map(call, many, keeps_key, move |row| remove(row).map(Some))
        }
    }
}

fn numbers(path: &CellPath) -> Vec<u64> {
    path.0.iter().filter_map(|member| if let Step::Index(n) = member.step { Some(n) } else { None }).collect()
}
