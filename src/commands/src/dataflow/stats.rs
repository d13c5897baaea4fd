use crate::model;
use crate::node::stats::{DURATION, STATS_DETAILS, window};
use crate::prelude::*;

pub static STATS: Command = Command {
    name: "dataflow stats",
    category: Category::Dataflow,
    summary: "Gives figures of dataflows: load, rates, latencies, losses, summed over their nodes",
    details: STATS_DETAILS,
    params: &[
        Param::optional("dataflow", Takes::Name("dataflow"), "Its name; all that run without it"),
        DURATION,
        WATCH,
        LIVE,
        INTERVAL,
    ],
    io: &[
        ("nothing", model::FLOW_STATS),
        ("record", model::FLOW_STATS),
        ("table", model::FLOW_STATS),
        ("list<any>", model::FLOW_STATS),
        ("string", model::FLOW_STATS),
    ],
    examples: &[
        try_it("What all of them take", "dataflow stats | get memory | math sum"),
        try_it("Losses in ten seconds", "dataflow stats --duration 10sec | where dropped > 0"),
    ],
    search: &["cpu", "memory", "latency", "top", "load", "rate"],
    yields: Some("dataflow"),
    run: |call, input| {
        let wanted = super::scopes(call, input)?;
        let stats = window(call)?.flows();
        let mut rows = Vec::new();
        for one in wanted {
            let Some(name) = one else {
                rows.extend(stats.iter());
                continue;
            };
            let found = stats.iter().find(|stats| stats.name == name.0 || stats.id.to_string() == name.0);
            rows.push(found.ok_or_else(|| unknown(call, &name.0, stats.iter().map(|stats| stats.name.as_str())))?);
        }
        model::table(rows.into_iter().map(model::flow_stats).collect(), model::FLOW_STATS, Some("dataflow"))
    },
    ..Command::DEFAULT
};

fn unknown<'a>(call: &Call<'_>, name: &str, known: impl Iterator<Item = &'a str>) -> Box<Diagnostic> {
    let error = Diagnostic::new(codes::DATAFLOW_NOT_FOUND, format!("no dataflow `{name}` runs"))
        .label(call.span("dataflow"), "here")
        .next("dataflow list");
    match diag::suggest::did_you_mean(name, known) {
        Some(help) => error.help(help),
        None => error,
    }
}
