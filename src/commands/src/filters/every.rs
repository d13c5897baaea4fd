use crate::prelude::*;
use crate::rows;

pub static EVERY: Command = Command {
    name: "every",
    category: Category::Tables,
    effect: Effect::Acts,
    summary: "Keeps every so-manieth item, from the first on; or calls a closure again and again",
    details: "With a duration and a closure it gives what the closure gives, each time anew, until ctrl-c: a call begins \
              when the time is over, counted from the beginning of the one before, or as soon as that has ended.",
    params: &[
        Param::required("stride", Takes::Type("oneof<int, duration>"), "How many items apart, or how much time"),
        Param::optional("closure", Takes::Type("closure"), "What to do each time"),
        Param::switch("skip", Some('s'), "Leave those items out and keep the others"),
    ],
    io: &[("table", "table"), ("list<any>", "list<any>"), ("range", "list<number>"), ("nothing", "list<any>")],
    examples: &[
        example("Every second item", "[1 2 3 4 5] | every 2", "[1 3 5]"),
        try_it("Every second", "every 1sec { sys mem | get available }"),
    ],
    search: &["interval", "repeat", "timer", "cron", "loop"],
    infer: Some(|shape| match shape.argument("closure") {
        Some(closure) => Some(closure.gives.clone()?.many()),
        None => rows::keeps_type(shape),
    }),
    run: |call, input| match call.value("stride") {
        Some(Value::Duration(_)) => again(call),
        _ => thinned(call, input),
    },
    ..Command::DEFAULT
};

fn thinned(call: &mut Call<'_>, input: Data) -> Result<Data> {
    rows::want_items(call, &input)?;
    let stride = super::chunks::positive(call, "stride", &input)?;
    let skip = call.switch("skip");
    let mut at = 0_usize;
    rows::map(call, input, true, move |item| {
        let hit = at.is_multiple_of(stride);
        at = at.wrapping_add(1);
        Ok((hit != skip).then_some(item))
    })
}

/// Calls the closure again and again.
fn again(call: &mut Call<'_>) -> Result<Data> {
    let time: std::time::Duration = call.required("stride")?;
    let closure: ClosureValue = call.required("closure")?;
    let mut runner = call.runner(&closure);
    let context = call.context().clone();
    let mut due = std::time::Instant::now();
    let mut ended = false;
    let results = std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let wait = due.saturating_duration_since(std::time::Instant::now());
        let result = context.block_on(async move { tokio::time::sleep(wait).await });
        due = due.checked_add(time).unwrap_or(due).max(std::time::Instant::now());
        let result = result.and_then(|()| runner.run(&[], Data::Empty)?.into_value(context.interrupt()));
        ended = result.is_err();
        Some(result)
    });
    Ok(Data::Stream(Stream::new(results.filter(|result| !matches!(result, Ok(Value::Nothing)))).endless()))
}
