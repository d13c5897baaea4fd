use runtime::telemetry::stats::FlowStats;

use crate::model;
use crate::node::stats::{DURATION, STATS_DETAILS, named, no_dataflow, window};
use crate::prelude::*;

pub static STATS: Command = Command {
    name: "dataflow stats",
    category: Category::Dataflow,
    summary: "Gives figures of dataflows: load, rates, latencies, losses, summed over their nodes",
    details: STATS_DETAILS,
    params: &[
        Param::rest("dataflows", Takes::Name("dataflow"), "Their names; all that run without any"),
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
        let names = named(call, "dataflows", input)?;
        let mut stats = window(call)?.flows();
        let is_named = |stats: &FlowStats, name: &str| stats.name == name || stats.id.to_string() == name;
        if let Some(names) = names {
            if let Some(missing) = names.iter().find(|name| !stats.iter().any(|stats| is_named(stats, name))) {
                return Err(no_dataflow(missing, &stats).or_label(call.span("dataflows"), "here"));
            }
            stats.retain(|stats| names.iter().any(|name| is_named(stats, name)));
        }
        model::table(stats.iter().map(model::flow_stats).collect(), model::FLOW_STATS, Some("dataflow"))
    },
    ..Command::DEFAULT
};
