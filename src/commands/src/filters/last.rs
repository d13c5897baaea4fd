use std::collections::VecDeque;

use value::Stage;

use crate::prelude::*;
use crate::rows;

pub static LAST: Command = Command {
    name: "last",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Gives the last item, or the last so many",
    details: "Without a number, one item; of nothing, null.",
    params: &[
        Param::optional("rows", Takes::Type("oneof<int, filesize>"), "How many to keep"),
        Param::switch("strict", Some('s'), "Fail when there is no last item"),
    ],
    io: &[("table", "any"), ("list<any>", "any"), ("range", "any"), ("binary", "any"), ("nothing", "any")],
    examples: &[example("The last item", "[1 2 3] | last", "3"), example("The last two", "[1 2 3] | last 2", "[2 3]")],
    search: &["tail", "end"],
    infer: Some(infer),
    lower: Some(lower),
    run,
    ..Command::DEFAULT
};

/// One item without a number, as many of the same with one.
pub(crate) fn infer(shape: &Shape<'_>) -> Option<Type> {
    match (shape.argument("rows").is_some(), shape.input) {
        (_, Type::Any | Type::Binary) => None,
        (true, _) => rows::keeps_type(shape),
        (false, _) => rows::item_type(shape),
    }
}

fn lower(call: &Lowering<'_>) -> Option<Expr> {
    lower_as(call, Aggregation::Last)
}

/// A plain call over a group's column as a reduction of it.
pub(crate) fn lower_as(call: &Lowering<'_>, aggregation: Aggregation) -> Option<Expr> {
    if !call.over_group || !call.is_plain() {
        return None;
    }
    Some(Expr::new(ExprKind::Aggregate(aggregation, Box::new(call.input.clone()?)), call.span))
}

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let count = rows::count_of(call, "rows", &input)?;
    match (&input, count) {
        (Data::Value(Value::Binary(bytes)), Some(count)) => {
            return Ok(Data::Value(Value::binary(bytes[bytes.len().saturating_sub(count)..].to_vec())));
        }
        (Data::Value(Value::Binary(bytes)), None) => {
            return Ok(Data::Value(bytes.last().map(|byte| i64::from(*byte)).into()));
        }
        _ => {}
    }
    rows::want_items(call, &input)?;
    if input.is_endless() {
        return Err(rows::endless(call));
    }
    if let Some(data) = rows::moved(&input, || Some(Stage::Last(count.unwrap_or(1))))? {
        let Data::Value(Value::Table(table)) = &data else { return Ok(data) };
        if count.is_some() {
            return Ok(data);
        }
        return match table.rows()?.pop() {
            Some(row) => Ok(Data::Value(row)),
            None if call.switch("strict") => Err(nothing_there(call)),
            None => Ok(Data::Value(Value::Nothing)),
        };
    }
    let resource = input.resource();
    let keep = count.unwrap_or(1);
    let mut kept = VecDeque::new();
    for item in rows::plain(input)?.into_items(call.interrupt())? {
        call.interrupt().check()?;
        kept.push_back(item?);
        if kept.len() > keep {
            kept.pop_front();
        }
    }
    if count.is_some() {
        return Ok(rows::Items { items: kept.into(), resource }.into_data());
    }
    match kept.pop_back() {
        Some(item) => Ok(Data::Value(item)),
        None if call.switch("strict") => Err(nothing_there(call)),
        None => Ok(Data::Value(Value::Nothing)),
    }
}

/// The error for an item of nothing.
pub(crate) fn nothing_there(call: &Call<'_>) -> Box<Diagnostic> {
    Diagnostic::new(codes::NO_SUCH_ROW, "there are no items").label(call.head, "nothing flows in here")
}
