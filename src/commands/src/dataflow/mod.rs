//! Dataflows: started, watched, stopped.

use engine::Command;

pub(crate) mod build;
pub(crate) mod events;
pub(crate) mod expand;
pub(crate) mod filter;
pub(crate) mod graph;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod pause;
pub(crate) mod prune;
pub(crate) mod remove;
pub(crate) mod restart;
pub(crate) mod start;
pub(crate) mod stats;
pub(crate) mod stop;
pub(crate) mod validate;
pub(crate) mod wait;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[
    &build::BUILD,
    &events::EVENTS,
    &expand::EXPAND,
    &graph::GRAPH,
    &inspect::INSPECT,
    &list::LIST,
    &logs::LOGS,
    &pause::PAUSE,
    &pause::RESUME,
    &prune::PRUNE,
    &remove::REMOVE,
    &restart::RESTART,
    &start::START,
    &start::RUN,
    &stats::STATS,
    &stop::STOP,
    &validate::VALIDATE,
    &wait::WAIT,
];

use runtime::model::DataflowRef;

use crate::changes;
use crate::prelude::*;

/// A service whose presence says that this process lives for one command: `dataflow start` then follows the logs of
/// what it started until it ends, since the dataflow could not outlive the process otherwise.
pub struct FollowsLogs;

/// Whether a call is one command from bash, whose words are not written in the language.
pub(crate) fn is_from_bash(call: &Call<'_>) -> bool {
    call.context().service::<FollowsLogs>().is_ok()
}

/// The names that an argument or the rows that flow in give.
pub(crate) fn named(call: &Call<'_>, param: &str, input: Data) -> Result<Vec<String>> {
    if let Some(name) = call.optional::<String>(param)? {
        return Ok(vec![name]);
    }
    Ok(changes::rows_named(call, input)?.into_iter().map(|target| target.key).collect())
}

/// The dataflows that an argument or the rows that flow in give; without any, `None` for all there are.
pub(crate) fn scopes(call: &Call<'_>, input: Data) -> Result<Vec<Option<DataflowRef>>> {
    match named(call, "dataflow", input) {
        Ok(names) => Ok(names.into_iter().map(|name| Some(DataflowRef(name))).collect()),
        Err(error) if error.code == codes::NO_TARGET => Ok(vec![None]),
        Err(error) => Err(error),
    }
}

/// The one name that an argument or a row that flows in gives.
pub(crate) fn one(call: &Call<'_>, param: &str, input: Data) -> Result<String> {
    let mut names = named(call, param, input)?;
    match (names.pop(), names.len()) {
        (Some(name), 0) => Ok(name),
        (None, _) => Err(Diagnostic::new(codes::NO_TARGET, "no rows flow in").label(call.head, "which one?")),
        (Some(_), more) => Err(Diagnostic::new(
            codes::BAD_ARGUMENT,
            format!("`{}` works on one, and {} flow in", call.command.name, more + 1),
        )
        .label(call.head, "which one?")
        .help("`each { … }` takes them one after another, `first` takes one")),
    }
}
