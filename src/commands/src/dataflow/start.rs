use futures::stream::StreamExt;
use runtime::descriptor::resolve::ALLOW_SHELL as ALLOW_SHELL_VARIABLE;
use runtime::model::{
    BuildMode, DataflowInfo, LogQuery, PathChoice, Recovery, StartOptions, Status, StopOptions, WaitCondition,
};

use crate::ask;
use crate::changes::{self, DRY_RUN, Target, WAIT_TIMEOUT};
use crate::model;
use crate::prelude::*;

// What commands that take a dataflow's file take alike.
pub(super) const FILE: Param = Param::required("file", Takes::Path, "The dataflow's YAML file");
const NAME: Param =
    Param::flag("name", None, Takes::Type("string"), "Its name; the file's without its ending by default");
pub(super) const WORKING_DIR: Param =
    Param::flag("working-dir", None, Takes::Path, "Where relative paths in it start; its file's directory by default");
pub(super) const ENV: Param = Param::flag(
    "env",
    Some('e'),
    Takes::Type("record"),
    "Variables for all its nodes: `{A: 1}`; from bash `--env A=1`",
);
pub(super) const UV: Param = Param::switch("uv", None, "Run Python nodes under `uv run`");
pub(super) const ALLOW_SHELL: Param =
    Param::switch("allow-shell-nodes", None, "Let `path: shell` run command lines of the shell");
pub(super) const STRICT_TYPES: Param =
    Param::switch("strict-types", None, "Take types of an output and an input that do not fit for a mistake");
pub(super) const REBUILD: Param = Param::switch("rebuild", None, "Build and fetch everything, even what is there");
const NO_BUILD: Param = Param::switch("no-build", None, "Build and fetch nothing");
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
    details: "What its nodes have in `git` and `build` is fetched and built first, unless it was before. It runs in this process and ends with it. `--detach` runs it in the daemon instead, which is started when none \
              runs. `--attach` follows its logs until it ends; ctrl-c stops it then.",
    params: &[
        FILE,
        NAME,
        WORKING_DIR,
        ENV,
        UV,
        REBUILD,
        NO_BUILD,
        ALLOW_SHELL,
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
        let ends_with_us = crate::dataflow::is_from_bash(call) && ask::is_local(call)?;
        let lives_for_this = ends_with_us && !in_daemon(call)?;
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
        FILE,
        NAME,
        WORKING_DIR,
        ENV,
        UV,
        REBUILD,
        NO_BUILD,
        ALLOW_SHELL,
        DETACH,
        RECOVER,
        PATH,
        WAIT_TIMEOUT,
        DRY_RUN,
    ],
    io: &[("nothing", model::LOGS)],
    examples: &[try_it("In the foreground", "run camera.yml")],
    search: &["start", "foreground"],
    run: |call, _| start(call, true),
    ..Command::DEFAULT
};

fn start(call: &mut Call<'_>, attach: bool) -> Result<Data> {
    let (shown, mut options) = options(call)?;
    let file = call.env().resolve(&shown);
    options.name = call.optional("name")?;
    options.wait = call.command.param("no-wait").is_none() || !call.switch("no-wait");
    options.ready_within = Some(changes::wait_limit(call)?);
    options.recover =
        call.optional::<String>("recover")?.and_then(|word| word.parse().ok()).unwrap_or(Recovery::ByNodes);
    options.path = call.optional::<String>("path")?.and_then(|word| word.parse().ok()).unwrap_or(PathChoice::Auto);
    let target = Target { name: shown.clone(), key: shown };
    if call.switch("dry-run") {
        super::validate::check(call, &options)?;
        return changes::apply(call, "dataflow", "start", vec![target], |_| Box::pin(async { Ok(None) }));
    }
    let handle = ask::handle(call)?;
    // What a coordinator runs is detached from us as it is.
    let daemon = if in_daemon(call)? { Some(ask::fleet(call)?) } else { None };
    let started = ask::answer_of_file(call, &file, async move {
        match daemon {
            Some(fleet) => fleet.start_detached(options).await,
            None => handle.start(options).await,
        }
    });
    let undo =
        started.as_ref().map(|info| Some(format!("dataflow stop {}", value::literal::bare_or_quoted(&info.name))));
    changes::audit(call, &target, &undo.map_err(Clone::clone));
    let info = started.map_err(|error| error.or_label(call.span("file"), "this dataflow"))?;
    if !attach {
        return Ok(Data::Value(model::dataflow(&info)));
    }
    follow(call, &info)
}

/// Whether it is to run in the daemon: by the flag, or because the home is set to it.
fn in_daemon(call: &Call<'_>) -> Result<bool> {
    if !ask::is_local(call)? {
        return Ok(false);
    }
    Ok(call.switch("detach") || ask::fleet(call)?.settings().get()?.in_daemon)
}

/// The file as it was typed, and how it is to be read, checked and built: what all commands that take one have alike.
pub(super) fn options(call: &Call<'_>) -> Result<(String, StartOptions)> {
    let shown: String = call.required("file")?;
    let path = call.env().resolve(&shown);
    if !path.is_file() {
        let error = std::fs::metadata(&path).err().unwrap_or_else(|| std::io::Error::other("it is no file"));
        return Err(crate::files::open::missing(&shown, &path, &error).label(call.span("file"), "this file"));
    }
    let mut options = StartOptions::file(path);
    let has = |name: &str| call.command.param(name).is_some();
    if has("working-dir") {
        options.working_dir = call.path("working-dir")?;
    }
    if has("env")
        && let Some(vars) = call.optional::<Arc<Record>>("env")?
    {
        options.env.extend(vars.iter().map(|(name, value)| (name.to_string(), value::text::to_text(value))));
    }
    let switch = |name: &str| has(name) && call.switch(name);
    options.uv = switch("uv");
    options.strict_types = switch("strict-types");
    options.build = match (switch("rebuild"), switch("no-build")) {
        (true, true) => {
            return Err(Diagnostic::new(codes::BAD_ARGUMENT, "`--rebuild` and `--no-build` say the opposite")
                .label(call.span("no-build"), "leave one out"));
        }
        (true, false) => BuildMode::Always,
        (false, true) => BuildMode::Never,
        (false, false) => BuildMode::Needed,
    };
    let variable = call.env().get(ALLOW_SHELL_VARIABLE).map(|value| value::text::to_text(value).to_lowercase());
    options.allow_shell_nodes = switch("allow-shell-nodes")
        || matches!(variable.as_deref(), Some("1" | "true"))
        || (ask::is_local(call)? && ask::fleet(call)?.settings().get()?.allow_shell_nodes);
    Ok((shown, options))
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
