use std::collections::HashMap;

use crate::prelude::*;
use crate::rows;

pub static HISTOGRAM: Command = Command {
    name: "histogram",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Counts how often each value comes, the most frequent first, with a bar for each",
    details: "`quantile` is the share of all values, or with `--percentage-type relative` of the most frequent one.",
    params: &[
        Param::optional("column", Takes::Column, "The column to count"),
        Param::optional("frequency-column", Takes::Type("string"), "How the column with the bars is called"),
        Param::flag(
            "percentage-type",
            Some('t'),
            Takes::Words(&["normalize", "relative"]),
            "Of what shares are; `normalize`, of all, by default",
        ),
    ],
    io: &[("table", "table"), ("list<any>", "table")],
    examples: &[example("How often", "[a b a] | histogram | select value count", "[[value count]; [a 2] [b 1]]")],
    search: &["count", "frequency", "distribution", "bar"],
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    rows::want_items(call, &input)?;
    let column: Option<CellPath> = call.optional("column")?;
    let bars = call.optional::<String>("frequency-column")?.unwrap_or_else(|| "frequency".into());
    let name = column.as_ref().map_or_else(|| "value".to_string(), CellPath::to_string);
    let taken = ["count", "quantile", "percentage"].into_iter().find(|taken| *taken == name || *taken == bars);
    if let Some(taken) = taken {
        let message = format!("a histogram has a column `{taken}` of its own");
        return Err(Diagnostic::new(codes::BAD_ARGUMENT, message)
            .label(call.span(if bars == taken { "frequency-column" } else { "column" }), "two columns of one name"));
    }
    let relative = call.optional::<String>("percentage-type")?.as_deref() == Some("relative");
    let mut places: HashMap<table::Key, usize> = HashMap::new();
    let mut counted: Vec<(Value, u64)> = Vec::new();
    for item in rows::all(call, input)?.items {
        let value = match &column {
            Some(path) => item.follow(&path.0).map_err(|error| error.or_label(call.span("column"), "here"))?,
            None => item,
        };
        let at = *places.entry(table::key_of_all(std::iter::once(&value))).or_insert_with(|| {
            counted.push((value, 0));
            counted.len() - 1
        });
        if let Some((_, count)) = counted.get_mut(at) {
            *count += 1;
        }
    }
    // Stable: of equally frequent ones that which came first.
    counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let counts = counted.iter().map(|(_, count)| *count);
    let whole = if relative { counts.max() } else { Some(counts.sum()) }.unwrap_or_default();
    let rows = counted.into_iter().map(|(value, count)| {
        let share = count as f64 / whole as f64;
        // One star for each percent that is full.
        let stars = usize::try_from(u128::from(count) * 100 / u128::from(whole.max(1))).unwrap_or_default();
        let fields = [
            (name.as_str(), value),
            ("count", Value::Int(i64::try_from(count).unwrap_or(i64::MAX))),
            ("quantile", Value::Float(share)),
            ("percentage", Value::string(format!("{:.2}%", share * 100.0))),
            (bars.as_str(), Value::string("*".repeat(stars))),
        ];
        Value::record(fields.into_iter().collect())
    });
    Ok(Data::Value(Value::list(rows.collect::<Vec<_>>())))
}
