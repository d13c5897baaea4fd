use crate::prelude::*;
use crate::rows;

pub static DEFAULT: Command = Command {
    name: "default",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Gives another value where there is null, in the input or in these columns",
    details: "A closure is called only when its value is needed.",
    params: &[
        Param::required("value", Takes::Value, "What to put in place of null"),
        Param::rest("columns", Takes::NewColumn, "Columns in which to replace null or absent cells"),
        Param::switch("empty", Some('e'), "Replace what is empty too: texts, lists and records"),
    ],
    io: &[("any", "any")],
    examples: &[
        example("For null", "null | default 5", "5"),
        example("In a column", "[{a: 1} {b: 2}] | default 0 a | get a", "[1 0]"),
        example("In a list", "[1 null 3] | each { default 2 }", "[1 2 3]"),
    ],
    search: &["null", "coalesce", "fallback"],
    infer: Some(infer),
    lower: Some(lower),
    run,
    ..Command::DEFAULT
};

fn infer(shape: &Shape<'_>) -> Option<Type> {
    if shape.argument("columns").is_some() || matches!(shape.input, Type::Any) {
        return None;
    }
    let value = shape.argument("value")?;
    let other = if value.of == Type::Closure { value.gives.clone()? } else { value.of.clone() };
    Some(if *shape.input == Type::Nothing { other } else { shape.input.clone().union(other) })
}

fn lower(call: &Lowering<'_>) -> Option<Expr> {
    if call.over_group || call.value("columns").is_some() || call.value("empty").is_some() {
        return None;
    }
    let other = call.value("value").filter(|value| !matches!(value, Value::Closure(_)))?;
    let other = Expr::new(ExprKind::Literal(other.clone()), call.span);
    Some(Expr::new(ExprKind::Call(Function::Default, vec![call.input.clone()?, other]), call.span))
}

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let value: Value = call.required("value").or_else(|error| match call.value("value") {
        Some(Value::Nothing) => Ok(Value::Nothing),
        _ => Err(error),
    })?;
    let empty = call.switch("empty");
    let mut runner = <ClosureValue as engine::FromValue>::from_value(&value).map(|closure| call.runner(&closure));
    let mut made: Option<Value> = None;
    let mut other = move || -> Result<Value> {
        if let Some(made) = &made {
            return Ok(made.clone());
        }
        let new = match &mut runner {
            Some(runner) => runner.value(&[], Value::Nothing)?,
            None => value.clone(),
        };
        made = Some(new.clone());
        Ok(new)
    };
    let missing = move |value: &Value| -> Result<bool> { Ok(value.is_nothing() || empty && value.is_empty()?) };
    let paths: Vec<CellPath> = call.rest("columns")?;
    if !paths.is_empty() {
        let mut fill = move |mut row: Value| -> Result<Value> {
            for path in &paths {
                let optional: Vec<PathMember> =
                    path.0.iter().map(|member| PathMember { optional: true, ..member.clone() }).collect();
                if missing(&row.follow(&optional)?)? {
                    row.set_path(&path.0, other()?, true)?;
                }
            }
            Ok(row)
        };
        return match rows::plain(input)? {
            Data::Value(row @ Value::Record(_)) => fill(row).map(Data::Value),
            many => rows::map(call, many, true, move |row| fill(row).map(Some)),
        };
    }
    match rows::plain(input)? {
        Data::Empty => other().map(Data::Value),
        Data::Stream(stream) if empty && !stream.endless => {
            let value = call.collect(Data::Stream(stream))?;
            Ok(Data::Value(if value.is_empty()? { other()? } else { value }))
        }
        Data::Value(value) if missing(&value)? => other().map(Data::Value),
        kept => Ok(kept),
    }
}
