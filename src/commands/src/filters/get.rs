use crate::prelude::*;
use crate::rows;

pub static GET: Command = Command {
    name: "get",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Gives what a path leads to: a field, a column, or an item by number",
    details: "With several paths, a list of what each leads to.",
    params: &[
        Param::required("path", Takes::Column, "The way into the value"),
        Param::rest("more", Takes::Column, "More paths"),
        Param::switch("optional", Some('o'), "Give null for what is absent").relaxing(),
        Param::switch("ignore-case", None, "Match names in any case").relaxing(),
    ],
    io: &[
        ("record", "any"),
        ("table", "any"),
        ("list<any>", "any"),
        ("range", "any"),
        ("binary", "int"),
        ("nothing", "any"),
    ],
    examples: &[
        example("Take a column", "[[name size]; [a 1kb] [b 2kb]] | get name", "[a b]"),
        example("Follow a path", "{info: {tags: [x y]}} | get info.tags.1", "\"y\""),
        example("Null for what may be absent", "{a: 1} | get b?", "null"),
        example("Several at once", "{a: 1, b: 2} | get a b", "[1 2]"),
    ],
    search: &["field", "column", "item", "path"],
    infer: Some(infer),
    run,
    ..Command::DEFAULT
};

fn infer(shape: &Shape<'_>) -> Option<Type> {
    if shape.argument("more").is_some() || shape.switch("ignore-case") {
        return None;
    }
    let Some(Value::CellPath(path)) = shape.value("path") else { return None };
    let optional = shape.switch("optional");
    let mut of = shape.input.clone();
    for member in &path.0 {
        let maybe_absent = member.optional || optional;
        of = match (&member.step, &of) {
            (Step::Name(name), Type::Record(fields)) => fields.get(name)?.clone(),
            (Step::Name(name), Type::Table(fields)) => fields.get(name)?.clone().many(),
            (Step::Index(_), Type::List(_) | Type::Table(_) | Type::Range) => of.item(),
            _ => return None,
        };
        if maybe_absent {
            return None;
        }
    }
    Some(of)
}

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let (optional, any_case) = (call.switch("optional"), call.switch("ignore-case"));
    let mut paths = vec![call.required::<CellPath>("path")?];
    paths.extend(call.rest::<CellPath>("more")?);
    let paths: Vec<CellPath> = paths.into_iter().map(|path| rows::relaxed(path, optional, any_case)).collect();
    let head = call.head;
    let by_number = |path: &CellPath| matches!(path.0.first(), Some(PathMember { step: Step::Index(_), .. }));
    // A column of a stream is a stream; what lies deeper is asked of the whole column.
    if let (Data::Stream(_), [CellPath(members)]) = (&input, paths.as_slice()) {
        if let ([column], false) = (members.as_slice(), by_number(&paths[0])) {
            let column = column.clone();
            return rows::map(call, input, false, move |row| {
                row.follow(std::slice::from_ref(&column)).map(Some).map_err(|error| error.or_label(head, ""))
            });
        }
    }
    if let (Some(table), [path]) = (rows::table(&input), paths.as_slice())
        && let Some(name) = path.as_column().filter(|_| !path.0[0].optional && !path.0[0].any_case)
        && let Some(column) = rows::column(&table, name)?
    {
        return Ok(column);
    }
    let input = match (input, paths.as_slice()) {
        (Data::Stream(mut stream), [path]) if by_number(path) => return nth(call, &mut stream, path).map(Data::Value),
        (Data::Value(Value::Range(range)), [path]) if range.is_endless() && by_number(path) => {
            return nth(call, &mut range.iter().map(Ok), path).map(Data::Value);
        }
        (input, _) => rows::value(call, input)?,
    };
    let follow = |path: &CellPath| input.follow(&path.0).map_err(|error| error.or_label(call.span("path"), "here"));
    match paths.as_slice() {
        [path] => follow(path).map(Data::Value),
        paths => Ok(Data::Value(Value::list(paths.iter().map(follow).collect::<Result<Vec<_>>>()?))),
    }
}

/// Takes only as many items as the path's first step needs.
fn nth(call: &Call<'_>, items: &mut dyn Iterator<Item = Result<Value>>, path: &CellPath) -> Result<Value> {
    let Some((PathMember { step: Step::Index(index), optional, .. }, rest)) = path.0.split_first() else {
        return Ok(Value::Nothing);
    };
    for (at, item) in items.enumerate() {
        call.interrupt().check()?;
        let item = item?;
        if u64::try_from(at) == Ok(*index) {
            return item.follow(rest).map_err(|error| error.or_label(call.span("path"), "here"));
        }
    }
    if *optional {
        return Ok(Value::Nothing);
    }
    Err(Diagnostic::new(codes::NO_SUCH_ROW, format!("there is no item {index}"))
        .label(call.span("path"), "past the end"))
}
