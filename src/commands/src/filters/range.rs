use value::{Range, Stage};

use crate::prelude::*;
use crate::rows;

pub static RANGE: Command = Command {
    name: "range",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Keeps the rows or items in a range of numbers; negative ones count from the end",
    params: &[Param::required("rows", Takes::Type("range"), "Which to keep")],
    io: &[("table", "table"), ("list<any>", "list<any>"), ("range", "list<number>")],
    examples: &[
        example("From the second to the third", "[0 1 2 3] | range 1..2", "[1 2]"),
        example("The last two", "[0 1 2 3] | range (-2)..", "[2 3]"),
    ],
    search: &["slice", "rows", "between"],
    infer: Some(rows::keeps_type),
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    rows::want_items(call, &input)?;
    let Some(Value::Range(range)) = call.value("rows").cloned() else {
        return Err(
            Diagnostic::new(codes::WRONG_TYPE, "`range` needs a range of ints").label(call.span("rows"), "not a range")
        );
    };
    let Range::Int { start, end, inclusive, .. } = *range else {
        return Err(Diagnostic::new(codes::WRONG_TYPE, "rows are counted in whole numbers")
            .label(call.span("rows"), "not ints"));
    };
    if start >= 0 && end.is_none_or(|end| end >= 0) {
        let (skip, take) = bounds(start, end, inclusive, usize::MAX);
        let skipped = match rows::moved(&input, || Some(Stage::Skip(skip)))? {
            Some(data) => data,
            None => {
                let resource = input.resource();
                let items = rows::plain(input)?.into_items(call.interrupt())?.skip(skip);
                Data::Stream(Stream::new(items).with_resource(resource))
            }
        };
        return super::first::take(call, skipped, take);
    }
    let items = rows::all(call, input)?;
    let (skip, take) = bounds(start, end, inclusive, items.items.len());
    let kept = items.items.into_iter().skip(skip).take(take).collect();
    Ok(rows::Items { items: kept, resource: items.resource }.into_data())
}

/// How many to skip and then take of `len`.
pub(crate) fn bounds(start: i64, end: Option<i64>, inclusive: bool, len: usize) -> (usize, usize) {
    let from_end = |n: i64| {
        let back = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
        if n < 0 { len.saturating_sub(back) } else { back }
    };
    let skip = from_end(start).min(len);
    let end = match end {
        None => len,
        Some(end) if end < 0 && usize::try_from(end.unsigned_abs()).is_ok_and(|back| back > len) => 0,
        Some(end) => from_end(end).saturating_add(usize::from(inclusive)).min(len),
    };
    (skip, end.saturating_sub(skip))
}
