use value::Stage;
use value::ops::Operator;

use crate::prelude::*;
use crate::rows;

pub static EACH: Command = Command {
    name: "each",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Calls a closure with each item and gives what it gives",
    details: "Null results are left out, unless `--keep-empty`. Streams stay streams.",
    params: &[
        Param::required("closure", Takes::EachClosure, "What to do with an item"),
        Param::switch("keep-empty", Some('k'), "Keep null results"),
    ],
    io: &[
        ("table", "list<any>"),
        ("list<any>", "list<any>"),
        ("range", "list<any>"),
        ("nothing", "nothing"),
        ("any", "any"),
    ],
    examples: &[
        example("Double each", "[1 2 3] | each {|n| $n * 2 }", "[2 4 6]"),
        example("By the item as input", "[a b] | each { str upcase }", "[A B]"),
        example("Leave out null", "[1 2 3] | each {|n| if $n == 2 { $n } }", "[2]"),
    ],
    search: &["map", "for", "iterate", "apply"],
    infer: Some(infer),
    run,
    ..Command::DEFAULT
};

pub static EACH_WHILE: Command = Command {
    name: "each while",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Calls a closure with each item until it gives null",
    params: &[Param::required("closure", Takes::EachClosure, "What to do with an item")],
    io: &[("table", "list<any>"), ("list<any>", "list<any>"), ("range", "list<any>")],
    examples: &[example(
        "Up to the first that is too large",
        "[1 2 3 2 1] | each while {|e| if $e < 3 { $e * 2 } }",
        "[2 4]",
    )],
    run: |call, input| {
        rows::want_items(call, &input)?;
        let mut runner = call.runner(&call.required("closure")?);
        let items = rows::plain(input)?.into_items(call.interrupt())?;
        let results = items.map_while(move |item| match item.and_then(|item| runner.each(item)) {
            Ok(Value::Nothing) => None,
            result => Some(result),
        });
        Ok(Data::Stream(Stream::new(results)))
    },
    ..Command::DEFAULT
};

fn infer(shape: &Shape<'_>) -> Option<Type> {
    if !matches!(shape.input, Type::List(_) | Type::Table(_) | Type::Range) {
        return None;
    }
    Some(shape.argument("closure")?.gives.clone()?.many())
}

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let keep = call.switch("keep-empty");
    let closure: ClosureValue = call.required("closure")?;
    if let Some(results) = queried(&input, &closure, keep)? {
        return Ok(results);
    }
    let mut runner = call.runner(&closure);
    match rows::plain(input)? {
        Data::Empty | Data::Value(Value::Nothing) => Ok(Data::Value(Value::Nothing)),
        many if many.is_many() => rows::map(call, many, false, move |item| {
            let result = runner.each(item)?;
            Ok((keep || !result.is_nothing()).then_some(result))
        }),
        // One value is one item, and stays one.
        one => {
            let item = call.collect(one)?;
            runner.each(item).map(Data::Value)
        }
    }
}

/// What a closure gives for the rows of a table in columns, when it can be said as a query.
fn queried(input: &Data, closure: &ClosureValue, keep: bool) -> Result<Option<Data>> {
    let Some(table) = rows::table(input).filter(table::is_columnar) else { return Ok(None) };
    let Some(expr) = closure.lower() else { return Ok(None) };
    let result: Arc<str> = "result".into();
    let stages = [Stage::Set(vec![(result.clone(), expr.clone())]), Stage::Select(vec![result.clone()])];
    if !rows::has_columns(&table, expr.columns().iter().map(|name| &**name))? {
        return Ok(None);
    }
    let mut made = table;
    for stage in stages {
        let Some(next) = made.stage(&stage)? else { return Ok(None) };
        made = next;
    }
    if !keep {
        let here = |kind| Box::new(Expr::new(kind, expr.span));
        let present = ExprKind::Binary(
            Operator::NotEqual,
            here(ExprKind::Column(result)),
            here(ExprKind::Literal(Value::Nothing)),
        );
        let Some(next) = made.stage(&Stage::Filter(*here(present)))? else { return Ok(None) };
        made = next;
    }
    Ok(Some(Data::Stream(Stream::of_column(made))))
}
