//! Programs, their arguments and environments: what a checked dataflow means on this machine.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use diag::suggest::did_you_mean;
use diag::{Diagnostic, Result, codes};
use dora_message::config::{DEFAULT_QUEUE_SIZE, Input, NodeRunConfig, QueuePolicy as TheirPolicy, parse_byte_count};
use dora_message::descriptor::{Descriptor, EnvValue, Node, OperatorDefinition};
use dora_message::id::{DataId, OperatorId};

use super::Problems;
use super::meaning::{DYNAMIC, Named, SHELL, SINGLE_OPERATOR};
use super::plan::{
    Build, BuildCommand, Download, GitSource, HealthRules, LogRules, Plan, PlannedInput, PlannedNode, Program,
    RestartRules, Revision,
};
use super::yaml;
use crate::model::{QueuePolicy, StartOptions};

/// The `path` of built-in nodes: our own executable under this name.
pub const BUILTIN: &str = "dora-builtin";

/// Whoever sets this to `1` or `true` allows nodes that are command lines of the shell.
pub const ALLOW_SHELL: &str = "DORA_ALLOW_SHELL_NODES";

/// Whether this process's environment allows it.
pub fn shell_is_allowed() -> bool {
    std::env::var(ALLOW_SHELL).is_ok_and(|text| matches!(text.to_lowercase().as_str(), "1" | "true"))
}

/// Where and how programs are looked for.
pub struct Place<'a> {
    pub working_dir: &'a Path,
    /// What the caller says of the environment, before that of this process.
    pub env: &'a BTreeMap<String, String>,
    /// Whether Python runs under `uv run`.
    pub uv: bool,
    /// What runs built-in nodes.
    pub executable: &'a Path,
    /// Whether nodes may be command lines of the shell.
    pub allow_shell: bool,
}

impl<'a> Place<'a> {
    /// Where and how the programs of a dataflow are looked for.
    pub fn of(options: &'a StartOptions, working_dir: &'a Path, executable: &'a Path) -> Self {
        Place {
            working_dir,
            env: &options.env,
            uv: options.uv,
            executable,
            allow_shell: options.allow_shell_nodes || shell_is_allowed(),
        }
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        self.env.get(name).map(OsString::from).or_else(|| std::env::var_os(name))
    }

    pub fn on_path(&self, name: &str) -> Option<PathBuf> {
        let path = self.variable("PATH")?;
        std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| is_executable(file))
    }

    /// The Python people expect: that of the virtual environment they are in, else the first on PATH.
    fn interpreter(&self) -> PathBuf {
        let of_environment = self.variable("VIRTUAL_ENV").map(|dir| PathBuf::from(dir).join("bin/python"));
        of_environment
            .filter(|python| python.is_file())
            .or_else(|| self.on_path("python"))
            .or_else(|| self.on_path("python3"))
            .unwrap_or_else(|| "python3".into())
    }
}

/// Checks that every program is there, every command line can be split, and every variable is set.
pub fn check<'a>(
    root: &'a yaml::Node,
    nodes: impl IntoIterator<Item = &'a Named<'a>>,
    place: &Place<'_>,
    problems: &mut Problems<'_>,
) {
    variables(root, problems);
    for named in nodes {
        let node = named.node;
        let directory = node.get("deploy").and_then(|deploy| deploy.get("working_dir")).and_then(|dir| dir.text());
        let directory = directory.map_or_else(|| place.working_dir.to_path_buf(), |dir| place.working_dir.join(dir));
        let path = node.get("path");
        let text = path.and_then(yaml::Node::text);
        if let Some(path) = path
            && let Some(text) = text
            // What is no file has been judged already, and what a build makes need not be there yet.
            && ![SHELL, DYNAMIC].contains(&text)
            && !text.contains("://")
            && node.get("build").is_none()
            && node.get("git").is_none()
            && let Err(missing) = find(text, &directory, place)
        {
            let message = format!("the program of node `{}` was not found: `{text}`", named.id);
            let problem = problems.add_as(codes::PROGRAM_NOT_FOUND, path.span, "not found", message);
            problem.help = missing.near;
            problem.causes.extend(missing.looked.into_iter().map(|title| diag::Cause { title, detail: Vec::new() }));
        }
        if let Some(path) = path.filter(|_| text == Some(SHELL) && !place.allow_shell) {
            let message = format!("node `{}` is a command line of the shell, and that is not allowed", named.id);
            problems.add_as(codes::SHELL_NODE_NOT_ALLOWED, path.span, "not allowed", message).help = Some(
                "read its `args`, and allow it with `--allow-shell-nodes` or DORA_ALLOW_SHELL_NODES=1".to_string(),
            );
        }
        if let Some(args) = node.get("args")
            && text != Some(SHELL)
            && args.text().is_some_and(|text| shell_words::split(text).is_err())
        {
            let message = format!("the arguments of node `{}` cannot be split into words", named.id);
            problems.add(args.span, "a quote is not closed", message);
        }
        for build in named.builds() {
            let broken = |line: &str| shell_words::split(line).is_err();
            if let Some(line) = build.text().and_then(|text| text.lines().find(|line| broken(line))) {
                let message = format!("the build command `{}` cannot be split into words", line.trim());
                problems.add(build.span, "a quote is not closed", message);
            }
        }
        if let Some(env) = node.get("env") {
            unset(env, problems);
        }
    }
}

/// Checks the variables that all nodes get.
fn variables(root: &yaml::Node, problems: &mut Problems<'_>) {
    if let Some(env) = root.get("env").filter(|_| root.get("nodes").is_some()) {
        unset(env, problems);
    }
}

/// Tells of variables that are to be put in and are not set; dora's parser would say only that there are some.
fn unset(env: &yaml::Node, problems: &mut Problems<'_>) {
    for entry in env.entries() {
        let names = entry.node.text().map(mentioned).unwrap_or_default();
        for name in names.into_iter().filter(|name| std::env::var(name).is_err()) {
            let message = format!("`{}` is to contain the variable `{name}`, which is not set", entry.key);
            problems.add(entry.node.span, "not set", message).help =
                Some(format!("set it, or write `${{{name}:-DEFAULT}}`; a `$` itself is written `$$`"));
        }
    }
}

/// The variables that a text mentions as `$NAME` or `${NAME}`, without those that bring a default.
fn mentioned(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('$') {
        rest = after;
        if let Some(escaped) = rest.strip_prefix('$') {
            rest = escaped;
        } else if let Some(braced) = rest.strip_prefix('{') {
            let Some((name, after)) = braced.split_once('}') else { break };
            names.extend(Some(name).filter(|name| !name.contains(":-")));
            rest = after;
        } else {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            names.extend(Some(name).filter(|name| !name.is_empty()));
            rest = after;
        }
    }
    names
}

/// A program that is nowhere.
struct Missing {
    looked: Vec<String>,
    near: Option<String>,
}

/// What starts a program.
fn find(path: &str, directory: &Path, place: &Place<'_>) -> std::result::Result<Program, Missing> {
    if path == BUILTIN {
        return Ok(Program { path: place.executable.to_path_buf(), name: Some(BUILTIN.to_string()), args: Vec::new() });
    }
    let path = expand(path);
    let joined = directory.join(&path);
    let mut looked = vec![format!("there is no file {}", joined.display())];
    let file = if joined.is_file() {
        joined
    } else if !path.contains('/')
        && let Some(found) = place.on_path(&path)
    {
        found
    } else {
        if !path.contains('/') {
            looked.push("it is not in PATH either".to_string());
        }
        return Err(Missing { looked, near: neighbour(&joined) });
    };
    if file.extension().is_some_and(|extension| extension == "py") {
        return Ok(python(file, place));
    }
    if !is_executable(&file) {
        let told = format!("{} is there and is not executable", file.display());
        return Err(Missing { looked: vec![told], near: Some(format!("make it so: ^chmod +x {}", file.display())) });
    }
    Ok(match place.uv {
        true => Program { path: "uv".into(), name: None, args: vec!["run".into(), file.into()] },
        false => Program { path: file, name: None, args: Vec::new() },
    })
}

fn python(file: PathBuf, place: &Place<'_>) -> Program {
    let args = |before: &[&str]| {
        let before = before.iter().map(OsString::from);
        before.chain([file.clone().into_os_string()]).collect()
    };
    if place.uv {
        return Program { path: "uv".into(), name: None, args: args(&["run", "python", "-u"]) };
    }
    Program { path: place.interpreter(), name: None, args: args(&["-u"]) }
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// A file beside the missing one whose name is near.
fn neighbour(missing: &Path) -> Option<String> {
    let wanted = missing.file_name()?.to_string_lossy().into_owned();
    let entries = std::fs::read_dir(missing.parent()?).ok()?;
    let names: Vec<String> =
        entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect();
    did_you_mean(&wanted, names.iter().map(String::as_str))
}

/// Replaces `~`, `$HOME` and the few other variables that dora allows in a path.
fn expand(path: &str) -> String {
    let home = std::env::var("HOME").unwrap_or_default();
    let mut path = match path.strip_prefix("~/") {
        Some(rest) if !home.is_empty() => format!("{home}/{rest}"),
        _ => path.to_string(),
    };
    for variable in ["HOME", "USER", "DORA_WORKSPACE", "CARGO_MANIFEST_DIR", "PWD"] {
        if let Ok(value) = std::env::var(variable) {
            path = path.replace(&format!("${{{variable}}}"), &value);
            // Only the whole word: `$HOMER` is another variable.
            let bare = format!("${variable}");
            if let Some(rest) = path.strip_prefix(&bare).filter(|rest| rest.is_empty() || rest.starts_with('/')) {
                path = format!("{value}{rest}");
            }
        }
    }
    path
}

/// Makes the plan of a descriptor that passed all checks.
pub fn plan(descriptor: Descriptor, place: &Place<'_>) -> Result<Plan> {
    let value = serde_yaml::to_value(&descriptor).map_err(|error| {
        Diagnostic::new(codes::INVALID_DATAFLOW, "the dataflow cannot be handed to its nodes").cause(error.to_string())
    })?;
    let mut notices = Vec::new();
    let common = descriptor.env.clone().unwrap_or_default();
    let nodes =
        descriptor.nodes.into_iter().map(|node| planned(node, &common, place, &mut notices)).collect::<Result<_>>()?;
    Ok(Plan {
        nodes,
        exit_when_nodes_finish: descriptor.exit_when_nodes_finish.unwrap_or(false),
        descriptor: value,
        notices,
    })
}

/// Makes the plan of one node that passed all checks; `common` are the variables of its dataflow.
pub fn plan_node(node: Node, common: &BTreeMap<String, EnvValue>, place: &Place<'_>) -> Result<PlannedNode> {
    planned(node, common, place, &mut Vec::new())
}

/// Finds the program of a node that has been built.
pub fn program(planned: &PlannedNode, place: &Place<'_>) -> Result<Option<Program>> {
    if planned.dynamic {
        return Ok(None);
    }
    if !planned.operators.is_empty() {
        return Ok(Some(operator_runtime(place)));
    }
    if planned.source == SHELL {
        return Ok(Some(Program { path: "/bin/sh".into(), name: None, args: vec!["-c".into()] }));
    }
    let fetched = planned.fetched.as_ref().map(|file| file.display().to_string());
    find(fetched.as_deref().unwrap_or(&planned.source), &planned.working_dir, place).map(Some).map_err(|missing| {
        let message = format!("the program of node `{}` was not found: `{}`", planned.id, planned.source);
        let mut diagnostic = Diagnostic::new(codes::PROGRAM_NOT_FOUND, message);
        diagnostic.help = missing.near;
        missing.looked.into_iter().fold(diagnostic, |diagnostic, looked| diagnostic.cause(looked))
    })
}

/// What runs the operators of a node: all of them share one process of dora's Python package.
fn operator_runtime(place: &Place<'_>) -> Program {
    let start = "import dora; dora.start_runtime()";
    match place.uv {
        true => {
            Program { path: "uv".into(), name: None, args: ["run", "python", "-uc", start].map(OsString::from).into() }
        }
        false => Program { path: place.interpreter(), name: None, args: ["-uc", start].map(OsString::from).into() },
    }
}

fn planned(
    mut node: Node,
    common: &BTreeMap<String, EnvValue>,
    place: &Place<'_>,
    notices: &mut Vec<String>,
) -> Result<PlannedNode> {
    let id = node.id.clone();
    let directory = node.deploy.as_ref().and_then(|deploy| deploy.working_dir.as_deref());
    let working_dir = directory.map_or_else(|| place.working_dir.to_path_buf(), |dir| place.working_dir.join(dir));
    let own = node.env.take().unwrap_or_default();
    let expanded = |(variable, value): (&String, &EnvValue)| (variable.clone(), value.to_string());
    let mut env: BTreeMap<String, String> = common.iter().map(expanded).collect();
    // As in dora-rs: the caller speaks for the whole dataflow, and a node has the last word on itself.
    env.extend(place.env.clone());
    env.extend(own.iter().map(expanded));
    for variable in env.keys().filter(|variable| !crate::supervisor::process::may_set(variable)) {
        notices
            .push(format!("the environment variable `{variable}` of node `{id}` is the runtime's own and was not set"));
    }
    let restart = RestartRules {
        policy: node.restart_policy,
        max: node.max_restarts,
        delay: duration(node.restart_delay).unwrap_or(Duration::ZERO),
        max_delay: duration(node.max_restart_delay),
        window: duration(node.restart_window),
    };
    let health = HealthRules {
        startup: duration(node.startup_timeout),
        silence: duration(node.health_check_timeout),
        finish: duration(node.finish_grace_secs).unwrap_or_else(HealthRules::default_finish),
    };
    let cpu_affinity = node.cpu_affinity.take().unwrap_or_default();
    let operators: Vec<OperatorDefinition> = match (node.operator.take(), node.operators.take()) {
        (Some(single), _) => {
            let id = single.id.unwrap_or_else(|| OperatorId::from(SINGLE_OPERATOR.to_string()));
            vec![OperatorDefinition { id, config: single.config }]
        }
        (None, Some(all)) => all.operators,
        (None, None) => Vec::new(),
    };
    let logs = log_rules(&node, &operators);
    let build = build(&node, &operators, place);
    let source = match operators.as_slice() {
        [] => node.path.take().unwrap_or_default(),
        operators => operators.iter().map(|operator| operator.id.to_string()).collect::<Vec<_>>().join(", "),
    };
    let args = node.args.take().unwrap_or_default();
    let args = match source == SHELL {
        true => vec![args.into()],
        false => shell_words::split(&args).unwrap_or_default().into_iter().map(OsString::from).collect(),
    };
    let (run_config, inputs) = wires(node, &operators);
    let mut planned = PlannedNode {
        fetched: None,
        id,
        dynamic: operators.is_empty() && source == DYNAMIC,
        source,
        program: None,
        args,
        build,
        env,
        working_dir,
        run_config,
        operators,
        inputs,
        restart,
        health,
        cpu_affinity,
        logs,
    };
    planned.program = match program(&planned, place) {
        // A build has still to make it.
        Err(_) if !planned.build.is_empty() => None,
        found => found?,
    };
    Ok(planned)
}

/// What a node is fed with and gives, with that of its operators.
fn wires(node: Node, operators: &[OperatorDefinition]) -> (NodeRunConfig, Vec<PlannedInput>) {
    let mut run_config = NodeRunConfig::default();
    let mut inputs = Vec::new();
    for operator in operators {
        let full = |id: &DataId| format!("{}/{id}", operator.id).parse::<DataId>().ok();
        run_config.outputs.extend(operator.config.outputs.iter().filter_map(full));
        for (id, input) in &operator.config.inputs {
            let Some(id) = full(id) else { continue };
            inputs.push(planned_input(id.clone(), input));
            run_config.inputs.insert(id, input.clone());
        }
    }
    if operators.is_empty() {
        run_config.outputs = node.outputs;
        run_config.output_types = node.output_types;
        run_config.output_framing = node.output_framing;
        run_config.input_types = node.input_types;
        run_config.shared_memory_pool_size = node.shared_memory_pool_size;
        run_config.inputs = node.inputs;
        inputs = run_config.inputs.iter().map(|(id, input)| planned_input(id.clone(), input)).collect();
    }
    (run_config, inputs)
}

/// Whether a `path` is to be fetched.
pub fn is_web_address(path: &str) -> bool {
    path.starts_with("http://") || path.starts_with("https://")
}

/// What is to be built: the node itself, then its operators in their order.
fn build(node: &Node, operators: &[OperatorDefinition], place: &Place<'_>) -> Build {
    let revision = match (&node.branch, &node.tag, &node.rev) {
        (Some(branch), ..) => Revision::Branch(branch.clone()),
        (_, Some(tag), _) => Revision::Tag(tag.clone()),
        (.., Some(rev)) => Revision::Commit(rev.clone()),
        _ => Revision::Head,
    };
    let git = node.git.as_deref().map(|url| GitSource { url: repository(url, place), revision });
    let texts = node.build.iter().chain(operators.iter().filter_map(|operator| operator.config.build.as_ref()));
    let lines = texts.flat_map(|text| text.lines()).map(str::trim).filter(|line| !line.is_empty());
    let command = |line: &str| BuildCommand { line: line.to_string(), words: words(line, place.uv) };
    let download = node
        .path
        .as_deref()
        .filter(|path| is_web_address(path))
        .map(|url| Download { url: url.to_string(), sha256: node.path_sha256.as_deref().map(str::to_lowercase) });
    Build { git, download, commands: lines.map(command).collect() }
}

/// A build command in words. `uv` has a `pip` of its own, as upstream knows it too.
fn words(line: &str, uv: bool) -> Vec<String> {
    let mut words = shell_words::split(line).unwrap_or_default();
    if uv && matches!(words.first().map(String::as_str), Some("pip" | "pip3")) {
        words.splice(..1, ["uv".to_string(), "pip".to_string()]);
    }
    words
}

/// The address of a repository; a path of this machine is made whole.
fn repository(url: &str, place: &Place<'_>) -> String {
    let before_slash = url.split('/').next().unwrap_or_default();
    if url.contains("://") || before_slash.contains(':') {
        return url.to_string();
    }
    place.working_dir.join(expand(url)).display().to_string()
}

fn planned_input(id: DataId, input: &Input) -> PlannedInput {
    PlannedInput {
        id,
        mapping: input.mapping.clone(),
        queue_size: input.queue_size.unwrap_or(DEFAULT_QUEUE_SIZE),
        policy: match input.queue_policy.unwrap_or_default() {
            TheirPolicy::DropOldest => QueuePolicy::DropOldest,
            TheirPolicy::Backpressure => QueuePolicy::Backpressure,
        },
        timeout: duration(input.input_timeout),
    }
}

fn log_rules(node: &Node, operators: &[OperatorDefinition]) -> LogRules {
    // The first operator that asks for something decides for the process they share.
    let of_operators = |get: fn(&OperatorDefinition) -> Option<String>| operators.iter().find_map(get);
    let output = |own: &Option<String>, of: fn(&OperatorDefinition) -> Option<String>| {
        own.clone().or_else(|| of_operators(of)).and_then(|name| name.parse().ok())
    };
    let level = node.min_log_level.clone().or_else(|| of_operators(|operator| operator.config.min_log_level.clone()));
    let size = node.max_log_size.clone().or_else(|| of_operators(|operator| operator.config.max_log_size.clone()));
    LogRules {
        send_stdout_as: output(&node.send_stdout_as, |operator| {
            Some(format!("{}/{}", operator.id, operator.config.send_stdout_as.as_ref()?))
        }),
        send_logs_as: output(&node.send_logs_as, |operator| {
            Some(format!("{}/{}", operator.id, operator.config.send_logs_as.as_ref()?))
        }),
        min_level: level.and_then(|level| level.to_lowercase().parse().ok()),
        max_size: size.and_then(|size| parse_byte_count(&size).ok()),
        max_rotated: node
            .max_rotated_files
            .or_else(|| operators.iter().find_map(|operator| operator.config.max_rotated_files)),
    }
}

fn duration(seconds: Option<f64>) -> Option<Duration> {
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}
