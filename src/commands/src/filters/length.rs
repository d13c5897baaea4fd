use crate::prelude::*;
use crate::rows;

pub static LENGTH: Command = Command {
    name: "length",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Counts rows or items; of null, 0",
    params: &[],
    io: &[("table", "int"), ("list<any>", "int"), ("range", "int"), ("binary", "int"), ("nothing", "int")],
    examples: &[
        example("Count items", "[1 2 3] | length", "3"),
        example("Count rows", "[{a: 1, b: 2} {a: 2, b: 3}] | length", "2"),
    ],
    search: &["count", "size", "wc", "len"],
    infer: Some(|_| Some(Type::Int)),
    lower: Some(lower),
    run,
    ..Command::DEFAULT
};

/// Over a group, `length` counts its rows; of a column it counts as many.
fn lower(call: &Lowering<'_>) -> Option<Expr> {
    if !call.over_group {
        return None;
    }
    Some(match &call.input {
        Some(Expr { kind: ExprKind::Call(Function::Uniq, column), .. }) => {
            let column = Box::new(column.first()?.clone());
            Expr::new(ExprKind::Aggregate(Aggregation::CountDistinct, column), call.span)
        }
        Some(column) => Expr::new(ExprKind::Aggregate(Aggregation::Length, Box::new(column.clone())), call.span),
        None => Expr::new(ExprKind::Length, call.span),
    })
}

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let count = match &input {
        Data::Value(Value::List(items)) => items.len(),
        Data::Value(Value::Binary(bytes)) => bytes.len(),
        Data::Value(Value::Table(table)) if rows::table(&input).is_some() => table.len()?,
        _ if let Some(column) = rows::column_of(&input) => column.len()?,
        _ => {
            rows::want_items(call, &input)?;
            if input.is_endless() {
                return Err(rows::endless(call));
            }
            let mut count = 0_usize;
            for item in rows::plain(input)?.into_items(call.interrupt())? {
                call.interrupt().check()?;
                item?;
                count += 1;
            }
            count
        }
    };
    Ok(Data::Value(Value::Int(i64::try_from(count).unwrap_or(i64::MAX))))
}
