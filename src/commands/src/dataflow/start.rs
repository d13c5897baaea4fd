use std::collections::BTreeMap;

use futures::stream::StreamExt;
use runtime::model::{
    DataflowInfo, DescriptorSource, LogQuery, PathChoice, Recovery, StartOptions, Status, StopOptions, WaitCondition,
};

use crate::ask;
use crate::changes::{self, DRY_RUN, Target, WAIT_TIMEOUT};
use crate::dataflow::FollowsLogs;
use crate::model;
use crate::prelude::*;

// What `dataflow start` and `run` take alike.
const FILE: Param = Param::required("file", Takes::Path, "The dataflow's YAML file");
const NAME: Param =
    Param::flag("name", None, Takes::Type("string"), "Its name; the file's without its ending by default");
const WORKING_DIR: Param =
    Param::flag("working-dir", None, Takes::Path, "Where relative paths in it start; its file's directory by default");
const ENV: Param = Param::flag("env", Some('e'), Takes::Type("record"), "Variables for all its nodes");
const UV: Param = Param::switch("uv", None, "Run Python nodes under `uv run`");
const RECOVER: Param = Param::flag(
    "recover",
    None,
    Takes::Words(&["by-nodes", "always", "never"]),
    "Whether a daemon starts it again after the one that ran it was killed; by-nodes by default: if a node's restart policy says so",
);
const PATH: Param = Param::flag(
    "path",
    None,
    Takes::Words(&["auto", "routed", "direct"]),
    "Which way messages take: routed through the runtime, direct in shared memory wherever possible, or auto, which is direct for outputs known to be large",
);
const DETACH: Param = Param::switch("detach", Some('d'), "In the daemon");

pub static START: Command = Command {
    name: "dataflow start",
    category: Category::Dataflow,
    summary: "Starts a dataflow from its YAML file and gives its row once all its nodes are ready",
    details: "It runs in this process and ends with it. `--detach` runs it in the daemon instead, which is started when none \
              runs. `--attach` follows its logs until it ends; ctrl-c stops it then.",
    params: &[
        FILE,
        NAME,
        WORKING_DIR,
        ENV,
        UV,
        DETACH,
        RECOVER,
        PATH,
        Param::switch("attach", None, "Follow its logs until it ends"),
        WAIT_TIMEOUT,
        Param::switch(
            "no-wait",
            None,
            "Give the row at once; what goes wrong at start is then told by `dataflow list`",
        ),
        DRY_RUN,
    ],
    io: &[("nothing", model::DATAFLOW)],
    examples: &[
        try_it("In this shell", "dataflow start camera.yml"),
        try_it("In the background", "dataflow start camera.yml --detach"),
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
    params: &[FILE, NAME, WORKING_DIR, ENV, UV, DETACH, RECOVER, PATH, WAIT_TIMEOUT, DRY_RUN],
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
    let limit = changes::wait_limit(call)?;
    let wait = call.command.param("no-wait").is_none() || !call.switch("no-wait");
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
        wait,
        recover: call.optional::<String>("recover")?.and_then(|word| word.parse().ok()).unwrap_or(Recovery::ByNodes),
        path: call.optional::<String>("path")?.and_then(|word| word.parse().ok()).unwrap_or(PathChoice::Auto),
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
            let start = async {
                if detach { fleet.start_detached(options).await } else { fleet.handle().start(options).await }
            };
            tokio::time::timeout(limit, start).await.unwrap_or_else(|_| {
                Err(Diagnostic::new(codes::WAITED_TOO_LONG, format!("its nodes were not ready within {limit:?}"))
                    .help("it goes on starting; `--wait-timeout` waits longer")
                    .next("dataflow list"))
            })
        })
    };
    let undo =
        started.as_ref().map(|info| Some(format!("dataflow stop {}", value::literal::bare_or_quoted(&info.name))));
    changes::audit(call, &target, &undo.map_err(Clone::clone));
    let info = started.map_err(|error| error.or_label(call.span("file"), "this dataflow"))?;
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
                Some(Err(error.or_label(head, "")))
            }
            Ok(None) => {
                over = true;
                let ended = context.block_on(handle.wait(id, WaitCondition::Ended, None));
                match ended.and_then(|ended| ended).and_then(|info| failure(name, &info).map_or(Ok(()), Err)) {
                    Ok(()) => None,
                    Err(error) => Some(Err(error.or_label(head, ""))),
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
