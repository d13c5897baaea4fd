use crate::prelude::*;
use crate::rows;

pub static EVERY: Command = Command {
    name: "every",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Keeps every so-manieth item, from the first on",
    params: &[
        Param::required("stride", Takes::Type("int"), "How many items apart"),
        Param::switch("skip", Some('s'), "Leave those out and keep the others"),
    ],
    io: &[("table", "table"), ("list<any>", "list<any>"), ("range", "list<number>")],
    examples: &[example("Every second", "[1 2 3 4 5] | every 2", "[1 3 5]")],
    infer: Some(rows::keeps_type),
    run: |call, input| {
        rows::want_items(call, &input)?;
        let stride = super::chunks::positive(call, "stride", &input)?;
        let skip = call.switch("skip");
        let mut at = 0_usize;
        rows::map(call, input, true, move |item| {
            let hit = at.is_multiple_of(stride);
            at = at.wrapping_add(1);
            Ok((hit != skip).then_some(item))
        })
    },
    ..Command::DEFAULT
};
