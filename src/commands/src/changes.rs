//! What a changing command did, one row per target; failures of some never stop the rest.

use std::time::{Duration, Instant};

use engine::error_value;
use futures::future::{BoxFuture, join_all};
use runtime::control::contexts::LOCAL;
use store::Store;
use store::audit::Audit;

use crate::prelude::*;
use crate::progress;

/// The type of every change table.
pub(crate) const TABLE: &str = "table<name: string, action: string, status: string@[ok skipped failed planned rolled_back], \
    error: string, undo: string, took: duration, resource: string>";

/// Switches that every changing command has.
pub(crate) const DRY_RUN: Param = Param::switch("dry-run", Some('n'), "Say what would be done and do nothing");
pub(crate) const YES: Param = Param::switch("yes", Some('y'), "Do not ask");

pub(crate) const FORCE: Param = Param::switch("force", Some('f'), "Kill at once");
pub(crate) const GRACE_PERIOD: Param = Param::flag(
    "grace-period",
    Some('g'),
    Takes::Type("duration"),
    "How long a node may take to stop before it is told again, then killed; 10sec by default",
);
pub(crate) const WAIT_TIMEOUT: Param =
    Param::flag("wait-timeout", None, Takes::Type("duration"), "How long nodes may take to be ready; 30sec by default");

/// How long nodes may take to be ready unless the caller says otherwise.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// How long a call waits for nodes to be ready.
pub(crate) fn wait_limit(call: &Call<'_>) -> Result<Duration> {
    let given = call.command.param("wait-timeout").map(|_| call.optional("wait-timeout")).transpose()?.flatten();
    Ok(given.unwrap_or(READY_WITHIN))
}

/// Gives up on some work after so long; the work goes on in the runtime.
pub(crate) fn within(limit: Duration, work: Work) -> Work {
    Box::pin(async move {
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            Err(Diagnostic::new(codes::WAITED_TOO_LONG, format!("it was not ready within {limit:?}"))
                .elapsed(limit)
                .help("it goes on starting; `--wait-timeout` waits longer")
                .next("node list"))
        })
    })
}

/// What flows into commands that change named things or rows.
pub(crate) const IO: &[(&str, &str)] =
    &[("nothing", TABLE), ("table", TABLE), ("list<any>", TABLE), ("record", TABLE), ("string", TABLE)];

/// One thing to change.
pub(crate) struct Target {
    /// What people call it.
    pub name: String,
    /// What the library is given: the id of a row, else the name.
    pub key: String,
}

/// The things that a call names: its arguments, or the rows that flow in.
///
/// # Errors
/// `NO_TARGET` when there are neither.
pub(crate) fn targets(call: &Call<'_>, param: &str, input: Data) -> Result<Vec<Target>> {
    let mut targets: Vec<Target> =
        call.rest::<String>(param)?.into_iter().map(|name| Target { key: name.clone(), name }).collect();
    if targets.is_empty() || !matches!(input, Data::Empty | Data::Value(Value::Nothing)) {
        targets.extend(rows_named(call, input)?);
    }
    let mut known = std::collections::HashSet::new();
    targets.retain(|target| known.insert(target.key.clone()));
    Ok(targets)
}

/// The things whose names or rows flow in.
///
/// # Errors
/// `NO_TARGET` when nothing flows at all; no rows are no error.
pub(crate) fn rows_named(call: &Call<'_>, input: Data) -> Result<Vec<Target>> {
    if matches!(input, Data::Empty | Data::Value(Value::Nothing)) {
        return Err(Diagnostic::new(codes::NO_TARGET, format!("`{}` needs to know which", call.command.name))
            .label(call.head, "nothing is named and nothing flows in")
            .help(format!("name them, or pipe rows into it; usage: {}", call.command.usage())));
    }
    let named = |item: Value| {
        let (name, id) = match &item {
            Value::String(name) => (Some(name.to_string()), None),
            Value::Record(row) => {
                let text = |field: &str| row.get(field).and_then(Value::as_str).map(str::to_string);
                (text("name"), text("id"))
            }
            _ => (None, None),
        };
        match (name.clone().or_else(|| id.clone()), id.or(name)) {
            (Some(name), Some(key)) => Ok(Target { name, key }),
            _ => Err(call.wrong_input(&item.type_of(), "names, or rows with a `name` or an `id`")),
        }
    };
    crate::rows::all(call, input)?.items.into_iter().map(named).collect()
}

/// Looks whether what is to be done can be done to each target, before anybody is asked.
///
/// # Errors
/// What is wrong with the targets, all of it.
pub(crate) fn verify(call: &Call<'_>, checks: Vec<BoxFuture<'static, Result<()>>>) -> Result<()> {
    if call.switch("yes") || !call.context().ui().is_interactive() && !call.switch("dry-run") {
        return Ok(());
    }
    let results = call.context().block_on(join_all(checks))?;
    let errors = results.into_iter().filter_map(Result::err).map(|error| *error.or_label(call.place(), ""));
    Diagnostic::combine(errors.collect()).map_or(Ok(()), Err)
}

/// Asks before something is removed for good; off a terminal `--yes` must have been said.
pub(crate) fn confirm(call: &Call<'_>, action: &str, targets: &[Target]) -> Result<()> {
    if call.switch("yes") || call.switch("dry-run") || targets.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    let what = format!("{action} {}", names.join(", "));
    if !call.context().ui().is_interactive() {
        return Err(Diagnostic::new(codes::NOT_CONFIRMED, format!("nobody can be asked whether to {what}"))
            .label(call.head, "removes what cannot be got back")
            .help("`--yes` does it without asking, `--dry-run` only says what it would do"));
    }
    match call.context().ui().confirm(&format!("{what}?"))? {
        true => Ok(()),
        false => {
            Err(Diagnostic::new(codes::DECLINED, format!("nothing was done: {what}?")).label(call.head, "declined"))
        }
    }
}

/// What is done to one target; gives the command that takes it back, if there is one.
pub(crate) type Work = BoxFuture<'static, Result<Option<String>>>;

/// Does the work for all targets at once and tells what became of each.
///
/// # Errors
/// A single target's failure as it is; of several, all are tried and shown, and then the pipeline fails with
/// `PARTLY_DONE` or `ALL_FAILED`. Either carries the table as `changes`.
pub(crate) fn apply(
    call: &Call<'_>,
    resource: &'static str,
    action: &'static str,
    targets: Vec<Target>,
    work: impl Fn(&Target) -> Work,
) -> Result<Data> {
    let works: Vec<_> = targets.iter().map(work).collect();
    run(call, resource, action, targets, works)
}

/// The same for targets that come with what the library is given.
pub(crate) fn apply_each<T>(
    call: &Call<'_>,
    resource: &'static str,
    action: &'static str,
    targets: impl IntoIterator<Item = (Target, T)>,
    work: impl Fn(&T) -> Work,
) -> Result<Data> {
    let (targets, works) = targets.into_iter().map(|(target, given)| (target, work(&given))).unzip();
    run(call, resource, action, targets, works)
}

fn run(
    call: &Call<'_>,
    resource: &'static str,
    action: &'static str,
    targets: Vec<Target>,
    works: Vec<Work>,
) -> Result<Data> {
    if call.switch("dry-run") {
        let rows = targets.iter().map(|target| row(resource, action, target, "planned", Duration::ZERO, None, None));
        return Ok(Data::Value(Value::list(rows.collect::<Vec<_>>())));
    }
    let timed = works.into_iter().map(|work| async move {
        let start = Instant::now();
        let result = work.await;
        (result, start.elapsed())
    });
    let results = call.context().block_on(progress::shown(call, join_all(timed)))?;
    let mut rows = Vec::with_capacity(targets.len());
    let mut errors = Vec::new();
    for (target, (result, took)) in targets.iter().zip(results) {
        audit(call, target, &result);
        match result {
            Ok(undo) => rows.push(row(resource, action, target, "ok", took, None, undo)),
            Err(error) => {
                rows.push(row(resource, action, target, "failed", took, Some(&error), None));
                errors.push(error.or_label(call.place(), "").elapsed(took));
            }
        }
    }
    if errors.is_empty() {
        return Ok(Data::Value(Value::list(rows)));
    }
    let attached: Record = [("changes", Value::list(rows.clone()))].into_iter().collect();
    if targets.len() == 1 {
        return Err(error_value::with_fields(errors.remove(0), attached));
    }
    let (failed, all) = (errors.len(), targets.len());
    let code = if failed == all { codes::ALL_FAILED } else { codes::PARTLY_DONE };
    let mut error =
        Diagnostic::new(code, format!("`{}` failed for {failed} of {all}", call.command.name)).label(call.head, "");
    for one in errors {
        error = error.related(*one);
    }
    let error = error_value::with_fields(error, attached);
    // The table first, for whoever shows or filters it; then the failure.
    Ok(Data::Stream(Stream::new(rows.into_iter().map(Ok).chain(std::iter::once(Err(error))))))
}

pub(crate) fn row(
    resource: &'static str,
    action: &'static str,
    target: &Target,
    status: &'static str,
    took: Duration,
    error: Option<&Diagnostic>,
    undo: Option<String>,
) -> Value {
    let fields = [
        ("name", Value::from(target.name.as_str())),
        ("action", Value::from(action)),
        ("status", Value::from(status)),
        ("error", error.map(|error| format!("{}: {}", error.code.id(), error.message)).into()),
        ("undo", undo.into()),
        ("took", crate::model::duration(took)),
        ("resource", Value::from(resource)),
    ];
    Value::record(fields.into_iter().collect())
}

/// Notes a change in the journal. What was done stays done when that fails, so it is only said.
pub(crate) fn audit(call: &Call<'_>, target: &Target, result: &Result<Option<String>>) {
    let Ok(store) = call.context().service::<Store>() else { return };
    let audit = Audit {
        time: jiff::Timestamp::now(),
        who: std::env::var("USER").unwrap_or_else(|_| "unknown".into()),
        context: crate::ask::context_name(call).unwrap_or_else(|_| LOCAL.into()),
        command: format!("{} {}", call.command.name, value::literal::bare_or_quoted(&target.name)),
        result: match result {
            Ok(_) => "ok".into(),
            Err(error) => error.code.id().into(),
        },
        undo: result.as_ref().ok().cloned().flatten(),
    };
    if let Err(error) = store.record_audit(&audit) {
        call.context().ui().notice(&format!("the change is made but not in the audit: {}", error.message));
    }
}
