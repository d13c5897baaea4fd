use std::time::Duration;

use runtime::model::NodeInfo;
use runtime::telemetry::publisher::PACE;
use runtime::telemetry::stats::FlowStats;
use runtime::telemetry::{Seen, Window};
use tokio::time::{Instant, sleep_until};

use crate::ask;
use crate::changes;
use crate::model;
use crate::prelude::*;

/// Figures that are older than this are told to be old. They come ten times a second, or once when there are many.
const STALE: Duration = Duration::from_secs(3);

pub static STATS: Command = Command {
    name: "node stats",
    category: Category::Node,
    summary: "Gives figures of nodes: load, rates, latencies, losses",
    details: STATS_DETAILS,
    params: &[
        Param::rest("nodes", Takes::Name("node"), "Their names, or `dataflow/node`; all nodes without any"),
        Param::flag("dataflow", Some('d'), Takes::Name("dataflow"), "Those of this dataflow"),
        DURATION,
        WATCH,
        LIVE,
        INTERVAL,
    ],
    io: &[
        ("nothing", model::NODE_STATS),
        ("record", model::NODE_STATS),
        ("table", model::NODE_STATS),
        ("list<any>", model::NODE_STATS),
        ("string", model::NODE_STATS),
    ],
    examples: &[
        try_it("What is slow", "node stats | sort-by latency_p99 --reverse | first 3"),
        try_it("Over five seconds", "node stats detector --duration 5sec | get cpu_max"),
    ],
    search: &["cpu", "memory", "latency", "top", "load", "rate"],
    yields: Some("node"),
    run: |call, input| {
        let dataflow = call.optional::<String>("dataflow")?;
        let names = named(call, "nodes", input)?;
        let window = window(call)?;
        let mut stats = window.nodes();
        if let Some(dataflow) = &dataflow {
            let flows = window.flows();
            if !flows.iter().any(|flow| flow.name == *dataflow || flow.id.to_string() == *dataflow) {
                return Err(no_dataflow(dataflow, &flows).label(call.span("dataflow"), "here"));
            }
            stats.retain(|one| is_of(&one.info, dataflow));
        }
        if let Some(names) = names {
            for name in &names {
                if !stats.iter().any(|one| is_named(&one.info, name)) {
                    let known = stats.iter().map(|one| one.info.node.to_string());
                    return Err(super::unknown(name, known).or_label(call.span("nodes"), "here"));
                }
            }
            stats.retain(|one| names.iter().any(|name| is_named(&one.info, name)));
        }
        model::table(stats.iter().map(model::node_stats).collect(), model::NODE_STATS, Some("node"))
    },
    ..Command::DEFAULT
};

/// What the figures mean, for both commands that give them.
pub(crate) const STATS_DETAILS: &str = "They are read from memory that the runtime publishes ten times a second, so that \
    looking costs it nothing, and works even while it hangs: `age` is how old they are, and what is old is told.\n\n\
    With `--duration`, rates, losses, latencies and the mean and highest `cpu` are of that time; without it, rates are of \
    the last five seconds, and losses and latencies of all time. `cpu` is in percent of one processor; `cpu`, `memory` and \
    `processes` are of a node's process and all that descend from it.";

pub(crate) const DURATION: Param =
    Param::flag("duration", None, Takes::Type("duration"), "Measure over this time, and give the figures at its end");

/// Looks at all runtimes of the home: once, or for as long as the call asks for.
pub(crate) fn window(call: &Call<'_>) -> Result<Window> {
    let fleet = ask::fleet(call)?;
    let limit: Option<Duration> = call.optional("duration")?;
    let look = || crate::rows::here(call, fleet.look());
    let Seen { snapshots, mut refused } = look()?;
    let mut window = Window::begin(snapshots);
    let end = limit.and_then(|limit| Instant::now().checked_add(limit));
    while let Some(left) = end.and_then(|end| end.checked_duration_since(Instant::now())).filter(|left| !left.is_zero())
    {
        call.context().block_on(async move { sleep_until(Instant::now() + left.min(PACE)).await })?;
        let seen = look()?;
        window.look(seen.snapshots);
        refused = seen.refused;
    }
    refused.extend(window.stale(STALE).map(|(runtime, age)| {
        let age =
            value::units::format_duration(i64::try_from(age.as_secs()).unwrap_or(0).saturating_mul(1_000_000_000));
        format!("`{runtime}` has told nothing new for {age}: its figures are of then")
    }));
    if window.hidden() > 0 {
        refused.push(format!("{} more dataflows run; there is no room for their figures", window.hidden()));
    }
    refused.iter().for_each(|told| call.context().ui().notice(told));
    Ok(window)
}

/// What a call names, by arguments and rows that flow in; `None` when it names nothing, and means all there are.
pub(crate) fn named(call: &Call<'_>, param: &str, input: Data) -> Result<Option<Vec<String>>> {
    match changes::targets(call, param, input) {
        Ok(targets) => Ok(Some(targets.into_iter().map(|target| target.key).collect())),
        Err(error) if error.code == codes::NO_TARGET => Ok(None),
        Err(error) => Err(error),
    }
}

/// The error for a dataflow that does not run, with the nearest names.
pub(crate) fn no_dataflow(name: &str, running: &[FlowStats]) -> Box<Diagnostic> {
    let error = Diagnostic::new(codes::DATAFLOW_NOT_FOUND, format!("no dataflow `{name}` runs")).next("dataflow list");
    match diag::suggest::did_you_mean(name, running.iter().map(|flow| flow.name.as_str())) {
        Some(help) => error.help(help),
        None => error,
    }
}

fn is_of(info: &NodeInfo, dataflow: &str) -> bool {
    info.dataflow_name == dataflow || info.dataflow.to_string() == dataflow
}

/// Whether a node is meant by `node`, `dataflow/node`, or a row's id.
fn is_named(info: &NodeInfo, name: &str) -> bool {
    let id = info.node.to_string();
    name == id || name.split_once('/').is_some_and(|(dataflow, node)| node == id && is_of(info, dataflow))
}
