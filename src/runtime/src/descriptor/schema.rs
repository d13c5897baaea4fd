//! Which keys a dataflow has, and a configuration, and the types of their values.

use diag::suggest::{did_you_mean, nearest};

use super::Problems;
use super::yaml::{Node, Value};
use crate::model::LogLevel;

/// What a value must be.
#[derive(Clone, Copy)]
enum Type {
    Text,
    Boolean,
    /// From the first number to the second.
    Integer(i128, i128),
    /// Seconds, zero or more.
    Seconds,
    /// Seconds, more than zero.
    Period,
    /// A number of bytes, or text with a unit.
    Bytes,
    /// A number of bytes as text, with or without a unit.
    Size,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A log level, in any case.
    Level,
    List(&'static Type),
    /// A map from any name.
    Map(&'static Type),
    /// A map of these keys.
    Keys(&'static [Key]),
    /// Text, a number or a boolean, as environment variables have.
    Scalar,
    /// `node/output`, or a map of it and its options.
    Input,
    /// A file, or a map of it and a conda environment.
    Python,
    /// The IP address of an interface.
    Address,
    /// Checked by whoever runs it.
    Anything,
}

struct Key {
    name: &'static str,
    of: Type,
    required: bool,
}

const fn key(name: &'static str, of: Type) -> Key {
    Key { name, of, required: false }
}

const fn required(name: &'static str, of: Type) -> Key {
    Key { name, of, required: true }
}

const TEXTS: Type = Type::Map(&Type::Text);
const FRAMING: Type = Type::Map(&Type::Word(&["raw", "arrow-ipc"]));
const COUNT: Type = Type::Integer(0, u32::MAX as i128);

const ROOT: &[Key] = &[
    required("nodes", Type::List(&Type::Keys(NODE))),
    key("env", Type::Map(&Type::Scalar)),
    key("deploy", Type::Keys(DEPLOY)),
    key("debug", Type::Keys(&[key("enable_debug_inspection", Type::Boolean)])),
    key("health_check_interval", Type::Period),
    key("strict_types", Type::Boolean),
    key("exit_when_nodes_finish", Type::Boolean),
    key("type_rules", Type::List(&Type::Keys(&[required("from", Type::Text), required("to", Type::Text)]))),
];

const NODE: &[Key] = &[
    required("id", Type::Text),
    key("name", Type::Text),
    key("description", Type::Text),
    key("path", Type::Text),
    key("path_sha256", Type::Text),
    key("args", Type::Text),
    key("env", Type::Map(&Type::Scalar)),
    key("operators", Type::List(&Type::Keys(OPERATOR))),
    key("operator", Type::Keys(OPERATOR)),
    key("ros2", Type::Anything),
    key("outputs", Type::List(&Type::Text)),
    key("output_types", TEXTS),
    key("output_framing", FRAMING),
    key("inputs", Type::Map(&Type::Input)),
    key("input_types", TEXTS),
    key("output_metadata", Type::Map(&Type::List(&Type::Text))),
    key("pattern", Type::Text),
    key("send_stdout_as", Type::Text),
    key("send_logs_as", Type::Text),
    key("min_log_level", Type::Level),
    key("max_log_size", Type::Size),
    key("max_rotated_files", Type::Integer(0, 100)),
    key("build", Type::Text),
    key("git", Type::Text),
    key("hub", Type::Text),
    key("branch", Type::Text),
    key("tag", Type::Text),
    key("rev", Type::Text),
    key("restart_policy", Type::Word(&["never", "on-failure", "always"])),
    key("shared_memory_pool_size", Type::Bytes),
    key("max_restarts", COUNT),
    key("restart_delay", Type::Seconds),
    key("max_restart_delay", Type::Seconds),
    key("restart_window", Type::Seconds),
    key("health_check_timeout", Type::Seconds),
    key("finish_grace_secs", Type::Seconds),
    key("startup_timeout", Type::Seconds),
    key("module", Type::Text),
    key("params", TEXTS),
    key("cpu_affinity", Type::List(&COUNT)),
    key("deploy", Type::Keys(DEPLOY)),
];

const OPERATOR: &[Key] = &[
    key("id", Type::Text),
    key("name", Type::Text),
    key("description", Type::Text),
    key("inputs", Type::Map(&Type::Input)),
    key("outputs", Type::List(&Type::Text)),
    key("output_types", TEXTS),
    key("output_framing", FRAMING),
    key("input_types", TEXTS),
    key("output_metadata", Type::Map(&Type::List(&Type::Text))),
    key("pattern", Type::Text),
    key("python", Type::Python),
    key("shared-library", Type::Text),
    key("wasm", Type::Text),
    key("build", Type::Text),
    key("send_stdout_as", Type::Text),
    key("send_logs_as", Type::Text),
    key("min_log_level", Type::Level),
    key("max_log_size", Type::Size),
    key("max_rotated_files", Type::Integer(0, 100)),
];

const DEPLOY: &[Key] = &[
    key("machine", Type::Text),
    key("working_dir", Type::Text),
    key("labels", TEXTS),
    key("distribute", Type::Word(&["local", "scp", "http"])),
];

const INPUT: &[Key] = &[
    required("source", Type::Text),
    key("queue_size", Type::Integer(0, 1 << 32)),
    key("queue_policy", Type::Word(&["drop_oldest", "backpressure"])),
    key("input_timeout", Type::Seconds),
];

const PYTHON: &[Key] = &[required("source", Type::Text), key("conda_env", Type::Text)];

const MODULE_HEADER: &[Key] = &[
    required("name", Type::Text),
    key("inputs", Type::List(&Type::Text)),
    key("inputs_optional", Type::List(&Type::Text)),
    key("outputs", Type::List(&Type::Text)),
];

const MODULE: &[Key] = &[
    required("module", Type::Keys(MODULE_HEADER)),
    required("nodes", Type::List(&Type::Keys(NODE))),
    key("build", Type::Text),
];

/// Of the configuration of a home.
const CONFIG: &[Key] = &[
    key("runtime", Type::Word(&["embedded", "daemon"])),
    key("grace_period", Type::Seconds),
    key("allow_shell_nodes", Type::Boolean),
    key("log_size", Type::Bytes),
    key("log_files", Type::Integer(0, 1000)),
    key("daemon", Type::Keys(DAEMON)),
];

const DAEMON: &[Key] =
    &[key("port", Type::Integer(0, 65535)), key("interface", Type::Address), key("log_level", Type::Level)];

/// Checks keys and types of the configuration of a home. An empty one has none.
pub fn check_config(root: &Node, problems: &mut Problems<'_>) {
    match &root.value {
        Value::Map(_) => keys(root, CONFIG, "the configuration", problems),
        Value::Null => {}
        _ => {
            let message = format!("a configuration is a map of its keys, and this is {}", root.kind());
            problems.add(root.span.start_point(), "a map is expected", message);
        }
    }
}

/// Whether a node can have this key.
pub fn is_node_key(name: &str) -> bool {
    NODE.iter().any(|key| key.name == name)
}

/// Checks keys and types of a module's file.
pub fn check_module(root: &Node, problems: &mut Problems<'_>) {
    match &root.value {
        Value::Map(_) => keys(root, MODULE, "a module", problems),
        _ => {
            let message = format!("a module is a map with `module` and `nodes`, and this is {}", root.kind());
            problems.add(root.span.start_point(), "a map is expected", message);
        }
    }
}

/// Checks keys and types of a whole dataflow.
pub fn check(root: &Node, problems: &mut Problems<'_>) {
    match &root.value {
        Value::Map(_) => keys(root, ROOT, "a dataflow", problems),
        Value::Null => {
            problems.add(root.span, "nothing is here", "the dataflow is empty: it needs `nodes`");
        }
        _ => {
            let message = format!("a dataflow is a map with `nodes`, and this is {}", root.kind());
            problems.add(root.span.start_point(), "a map is expected", message);
        }
    }
}

/// Checks keys and types of one node.
pub fn check_node(node: &Node, problems: &mut Problems<'_>) {
    match &node.value {
        Value::Map(_) => keys(node, NODE, "a node", problems),
        _ => {
            let message = format!("a node is a map with an `id` and a `path`, and this is {}", node.kind());
            problems.add(node.span.start_point(), "a map is expected", message);
        }
    }
}

fn keys(node: &Node, known: &'static [Key], whose: &str, problems: &mut Problems<'_>) {
    let mut meant = Vec::new();
    for entry in node.entries() {
        let Some(key) = known.iter().find(|key| key.name == entry.key) else {
            let names = || known.iter().map(|key| key.name);
            meant.extend(nearest(&entry.key, names(), 1));
            let hint = did_you_mean(&entry.key, names());
            let moved = moved(&entry.key);
            let problem =
                problems.add(entry.key_span, "this key is unknown", format!("`{}` is not a key of {whose}", entry.key));
            problem.help = hint.or(moved);
            continue;
        };
        if entry.node.is_null() && !key.required {
            continue;
        }
        value(&entry.node, key.of, &entry.key, problems);
    }
    for key in known.iter().filter(|key| key.required) {
        // A key that is only misspelled has been told of.
        if !meant.contains(&key.name) && !node.entries().iter().any(|entry| entry.key == key.name) {
            problems.add(
                node.span.start_point(),
                format!("`{}` is missing", key.name),
                format!("{whose} needs `{}`", key.name),
            );
        }
    }
}

/// Where keys of dora's earlier versions went.
fn moved(key: &str) -> Option<String> {
    Some(match key {
        "custom" => {
            "`custom` is gone since dora 1.0: write `path`, `inputs` and `outputs` in the node itself".to_string()
        }
        "source" => "since dora 1.0 the program of a node is its `path`".to_string(),
        "_unstable_deploy" => "it is called `deploy` since dora 1.0".to_string(),
        "_unstable_debug" => "it is called `debug` since dora 1.0".to_string(),
        _ => return None,
    })
}

fn value(node: &Node, of: Type, name: &str, problems: &mut Problems<'_>) {
    let expected = match (of, &node.value) {
        (Type::Anything, _) | (Type::Text, Value::String(_)) | (Type::Boolean, Value::Bool(_)) => return,
        (Type::Text, _) => "text".to_string(),
        (Type::Boolean, _) => "`true` or `false`".to_string(),
        (Type::Integer(least, most), Value::Integer(number)) if (least..=most).contains(number) => return,
        (Type::Integer(least, most), _) => format!("a whole number from {least} to {most}"),
        (Type::Seconds, _) if seconds(node).is_some_and(|seconds| seconds >= 0.0) => return,
        (Type::Seconds, _) => "a number of seconds, zero or more".to_string(),
        (Type::Period, _) if seconds(node).is_some_and(|seconds| seconds >= 1e-9) => return,
        (Type::Period, _) => "a number of seconds above zero".to_string(),
        (Type::Bytes, Value::Integer(0..)) => return,
        (Type::Bytes, Value::String(text)) if dora_message::config::parse_byte_count(text).is_ok() => return,
        (Type::Bytes, _) => "a number of bytes, or one with a unit such as `64MB`".to_string(),
        (Type::Size, Value::String(text)) if dora_message::config::parse_byte_count(text).is_ok() => return,
        (Type::Size, _) => "text such as `10MB`".to_string(),
        (Type::Word(words), Value::String(text)) if words.contains(&text.as_str()) => return,
        (Type::Level, Value::String(text)) if text.to_lowercase().parse::<LogLevel>().is_ok() => return,
        (Type::Address, Value::String(text)) if text.parse::<std::net::IpAddr>().is_ok() => return,
        (Type::Address, _) => "an IP address such as `127.0.0.1`".to_string(),
        (Type::Level, found) => {
            let words = LogLevel::ALL.iter().map(|level| level.as_str()).collect::<Vec<_>>();
            return one_of(node, name, &words, found, problems);
        }
        (Type::Word(words), found) => return one_of(node, name, words, found, problems),
        (Type::Scalar, Value::String(_) | Value::Bool(_) | Value::Integer(_) | Value::Float(_)) => return,
        (Type::Scalar, _) => "text, a number, or `true` or `false`".to_string(),
        (Type::List(of), Value::List(items)) => {
            return items.iter().for_each(|item| value(item, *of, name, problems));
        }
        (Type::List(_), _) => "a list".to_string(),
        (Type::Map(of), Value::Map(entries)) => {
            return entries.iter().for_each(|entry| value(&entry.node, *of, &entry.key, problems));
        }
        (Type::Map(_), _) => "a map".to_string(),
        (Type::Keys(known), Value::Map(_)) => {
            let whose = match name {
                "nodes" => "a node".to_string(),
                "operator" | "operators" => "an operator".to_string(),
                _ => format!("`{name}`"),
            };
            return keys(node, known, &whose, problems);
        }
        (Type::Keys(_), _) => "a map".to_string(),
        (Type::Input, Value::String(_)) | (Type::Python, Value::String(_)) => return,
        (Type::Input, Value::Map(_)) => return keys(node, INPUT, &format!("input `{name}`"), problems),
        (Type::Input, _) => "`node/output`, or a map with `source`".to_string(),
        (Type::Python, Value::Map(_)) => return keys(node, PYTHON, "`python`", problems),
        (Type::Python, _) => "a file, or a map with `source`".to_string(),
    };
    let message = format!("`{name}` must be {expected}, and this is {}", node.kind());
    let problem = problems.add(node.span, format!("{expected} is expected"), message);
    // `rev: 1234567` and `rev: 12e4567` are numbers to YAML, whatever was meant.
    if matches!(of, Type::Text) && matches!(node.value, Value::Bool(_) | Value::Integer(_) | Value::Float(_)) {
        problem.help = Some("what is in quotes is text".to_string());
    }
}

fn one_of(node: &Node, name: &str, words: &[&str], found: &Value, problems: &mut Problems<'_>) {
    let hint = match found {
        Value::String(text) => did_you_mean(text, words.iter().copied()),
        _ => None,
    };
    let message = format!("`{name}` must be one of {}", words.join(", "));
    problems.add(node.span, "this is none of them", message).help = hint;
}

fn seconds(node: &Node) -> Option<f64> {
    let seconds = match node.value {
        Value::Integer(number) => number as f64,
        Value::Float(number) => number,
        _ => return None,
    };
    // As far as a duration reaches.
    std::time::Duration::try_from_secs_f64(seconds).is_ok().then_some(seconds)
}
