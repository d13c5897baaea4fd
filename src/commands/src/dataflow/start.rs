use std::collections::BTreeMap;

use futures::stream::StreamExt;
use runtime::model::{DataflowInfo, DescriptorSource, LogQuery, StartOptions, Status, StopOptions, WaitCondition};

use crate::ask;
use crate::changes::{self, DRY_RUN, Target};
use crate::dataflow::FollowsLogs;
use crate::model;
use crate::prelude::*;

pub static START: Command = Command {
    name: "dataflow start",
    category: Category::Dataflow,
    summary: "Starts a dataflow from its YAML file and gives its row at once",
    details: "It runs in this process and ends with it. `--detach` runs it in the daemon instead, which is started when none \
              runs. `--attach` follows its logs until it ends; ctrl-c stops it then.",
    params: &[
        Param::required("file", Takes::Path, "The dataflow's YAML file"),
        Param::flag("name", None, Takes::Type("string"), "Its name; the file's without its ending by default"),
        Param::flag(
            "working-dir",
            None,
            Takes::Path,
            "Where relative paths in it start; its file's directory by default",
        ),
        Param::flag("env", Some('e'), Takes::Type("record"), "Variables for all its nodes"),
        Param::switch("uv", None, "Run Python nodes under `uv run`"),
        Param::switch("detach", Some('d'), "In the daemon"),
        Param::switch("attach", None, "Follow its logs until it ends"),
        Param::switch("wait", Some('w'), "Wait until all nodes are ready"),
        Param::flag("timeout", None, Takes::Type("duration"), "How long to wait at most"),
        DRY_RUN,
    ],
    io: &[("nothing", model::DATAFLOW)],
    examples: &[
        try_it("In this shell", "dataflow start camera.yml"),
        try_it("In the background", "dataflow start camera.yml --detach --wait"),
        try_it("With a variable", "dataflow start camera.yml --env {RATE: 30}"),
    ],
    search: &["run", "up", "launch"],
    yields: Some("dataflow"),
    infer: Some(|shape| {
        let text = match (shape.switch("attach"), shape.switch("dry-run")) {
            (true, _) => model::LOGS,
            (_, true) => changes::TABLE,
            _ => return None,
        };
        Type::parse(text).ok()
    }),
    run: |call, _| {
        let lives_for_this = call.context().service::<FollowsLogs>().is_ok() && !call.switch("detach");
        let attach = call.switch("attach") || lives_for_this;
        start(call, attach)
    },
    ..Command::DEFAULT
};

pub static RUN: Command = Command {
    name: "run",
    category: Category::Dataflow,
    summary: "Runs a dataflow and follows its logs until it ends; ctrl-c stops it",
    params: &[
        Param::required("file", Takes::Path, "The dataflow's YAML file"),
        Param::flag("name", None, Takes::Type("string"), "Its name; the file's without its ending by default"),
        Param::flag(
            "working-dir",
            None,
            Takes::Path,
            "Where relative paths in it start; its file's directory by default",
        ),
        Param::flag("env", Some('e'), Takes::Type("record"), "Variables for all its nodes"),
        Param::switch("uv", None, "Run Python nodes under `uv run`"),
        Param::switch("detach", Some('d'), "In the daemon"),
        Param::switch("wait", Some('w'), "Wait until all nodes are ready before anything is shown"),
        Param::flag("timeout", None, Takes::Type("duration"), "How long to wait at most"),
        DRY_RUN,
    ],
    io: &[("nothing", model::LOGS)],
    examples: &[try_it("In the foreground", "run camera.yml")],
    search: &["start", "foreground"],
    run: |call, _| start(call, true),
    ..Command::DEFAULT
};

fn start(call: &mut Call<'_>, attach: bool) -> Result<Data> {
    let shown: String = call.required("file")?;
    let path = call.env().resolve(&shown);
    if !path.is_file() {
        let error = std::fs::metadata(&path).err().unwrap_or_else(|| std::io::Error::other("it is no file"));
        return Err(crate::files::open::missing(&shown, &path, &error).label(call.span("file"), "this file"));
    }
    let timeout: Option<std::time::Duration> = call.optional("timeout")?;
    let wait = call.switch("wait") || timeout.is_some();
    let mut env = BTreeMap::new();
    if let Some(vars) = call.optional::<Arc<Record>>("env")? {
        env.extend(vars.iter().map(|(name, value)| (name.to_string(), value::text::to_text(value))));
    }
    let options = StartOptions {
        source: DescriptorSource::File(path),
        name: call.optional("name")?,
        working_dir: call.path("working-dir")?,
        env,
        uv: call.switch("uv"),
        // With a limit of time the wait is ours, so that the dataflow is known when it runs out.
        wait: wait && timeout.is_none(),
    };
    let target = Target { name: shown.clone(), key: shown };
    if call.switch("dry-run") {
        super::validate::check(call, &options)?;
        return changes::apply(call, "dataflow", "start", vec![target], |_| Box::pin(async { Ok(None) }));
    }
    let fleet = ask::fleet(call)?;
    let detach = call.switch("detach");
    let started = {
        let fleet = fleet.clone();
        ask::answer(call, async move {
            if detach { fleet.start_detached(options).await } else { fleet.handle().start(options).await }
        })
    };
    let undo =
        started.as_ref().map(|info| Some(format!("dataflow stop {}", value::literal::bare_or_quoted(&info.name))));
    changes::audit(call, &target, &undo.map_err(Clone::clone));
    let mut info = started?;
    let handle = fleet.handle();
    if let (true, Some(_)) = (wait, timeout) {
        let (handle, id) = (handle.clone(), info.id);
        info = ask::answer(call, async move { handle.wait(id, WaitCondition::Running, timeout).await })?;
        ended_well(call, &info)?;
    }
    if !attach {
        return Ok(Data::Value(model::dataflow(&info)));
    }
    follow(call, &info)
}

/// The logs of a dataflow that ends when its follower is interrupted. A failure of it is one here.
fn follow(call: &Call<'_>, info: &DataflowInfo) -> Result<Data> {
    let handle = ask::handle(call)?;
    let id = info.id;
    let query = LogQuery { follow: true, ..LogQuery::new(id) };
    let mut records = {
        let handle = handle.clone();
        ask::answer(call, async move { handle.logs(query).await })?
    };
    let context = call.context().clone();
    let (head, name) = (call.head, call.command.name);
    let mut over = false;
    let stream = Stream::new(std::iter::from_fn(move || {
        if over {
            return None;
        }
        match context.block_on(records.next()) {
            Ok(Some(Ok(record))) => Some(Ok(model::log(&record))),
            Ok(Some(Err(error))) => {
                over = true;
                Some(Err(error.or_label(head, "here")))
            }
            Ok(None) => {
                over = true;
                let ended = context.block_on(handle.wait(id, WaitCondition::Ended, None));
                match ended.and_then(|ended| ended).and_then(|info| failure(name, &info).map_or(Ok(()), Err)) {
                    Ok(()) => None,
                    Err(error) => Some(Err(error.or_label(head, "here"))),
                }
            }
            Err(interrupted) => {
                over = true;
                // The flag stays raised, so this wait must not look at it.
                let stopped = context.tokio().map(|tokio| tokio.block_on(handle.stop(id, StopOptions::default())));
                Some(Err(match stopped {
                    Ok(Err(error)) if error.code != codes::DATAFLOW_ENDED => error,
                    _ => interrupted,
                }))
            }
        }
    }));
    Ok(Data::Stream(stream.endless()))
}

fn ended_well(call: &Call<'_>, info: &DataflowInfo) -> Result<()> {
    failure(call.command.name, info).map_or(Ok(()), |error| Err(error.label(call.head, "here")))
}

/// The error of a dataflow that failed.
pub(crate) fn failure(command: &str, info: &DataflowInfo) -> Option<Box<Diagnostic>> {
    if info.status != Status::Failed {
        return None;
    }
    let mut error =
        Diagnostic::new(codes::DATAFLOW_FAILED, format!("`{command}`: the dataflow `{}` failed", info.name));
    if let Some(culprit) = &info.culprit {
        error.message = format!("the dataflow `{}` failed: node `{culprit}` made it fail", info.name);
        error = error.next(format!("dataflow logs {} --node {culprit} --tail 20", info.name));
    }
    if let Some(cause) = &info.cause {
        error = error.cause(cause.clone());
    }
    Some(error.next(format!("dataflow inspect {}", info.name)))
}
