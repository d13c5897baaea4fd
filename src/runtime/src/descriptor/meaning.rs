//! What a dataflow says: ids, what runs, and who is fed by whom.

use diag::codes;
use diag::suggest::did_you_mean;
use dora_message::config::InputMapping;
use dora_message::id::{DataId, NodeId};

use super::Problems;
use super::plan::Plan;
use super::resolve::is_web_address;
use super::yaml::{Node, Value};
use crate::model::LogLevel;

/// The id of an operator that is the only one and has none.
pub const SINGLE_OPERATOR: &str = "op";

/// The `path` of a node that is a command line.
pub const SHELL: &str = "shell";
/// The `path` of a node that somebody else starts.
pub const DYNAMIC: &str = "dynamic";

/// A node that has an id, with its place in the text.
pub struct Named<'a> {
    pub id: &'a str,
    pub node: &'a Node,
    /// The outputs it declares, those of operators as `operator/output`.
    outputs: Vec<String>,
}

impl Named<'_> {
    /// Its build commands and those of its operators.
    pub fn builds(&self) -> impl Iterator<Item = &Node> {
        let of_operators = operators(self.node).into_iter().filter_map(|(_, operator)| operator.get("build"));
        self.node.get("build").into_iter().chain(of_operators)
    }
}

/// Checks all that can be said of a dataflow without looking at the disk.
pub fn check<'a>(root: &'a Node, problems: &mut Problems<'_>) -> Vec<Named<'a>> {
    let items = root.get("nodes").map(Node::items).unwrap_or_default();
    let mut nodes: Vec<Named<'a>> = Vec::new();
    for node in items {
        let Some(id) = node.get("id") else { continue };
        let Some(text) = id.text() else { continue };
        if let Err(error) = text.parse::<NodeId>() {
            problems.add(id.span, "this id", format!("`{text}` cannot be the id of a node: {error}"));
        }
        if let Some(first) = nodes.iter().find(|named| named.id == text) {
            let first = first.node.get("id").map(|id| id.span);
            let problem = problems.add(id.span, "the same id again", format!("two nodes have the id `{text}`"));
            problem.labels.extend(first.map(|span| diag::Label { span, text: "the first one".into() }));
            continue;
        }
        nodes.push(Named { id: text, node, outputs: outputs(node, problems) });
    }
    if items.is_empty()
        && let Some(list) = root.get("nodes")
        && matches!(list.value, Value::List(_))
    {
        problems.add(list.span, "this list is empty", "the dataflow has no nodes");
    }
    deploy(root, problems);
    let feeders: Vec<Feeder<'_>> =
        nodes.iter().map(|named| Feeder { id: named.id, outputs: named.outputs.clone() }).collect();
    for named in &nodes {
        check_one(named, &feeders, problems);
    }
    nodes
}

/// Checks one node that is to join a dataflow that runs; `None` when it has no id.
pub fn check_node<'a>(node: &'a Node, plan: &Plan, problems: &mut Problems<'_>) -> Option<Named<'a>> {
    let id = node.get("id")?;
    let text = id.text()?;
    if let Err(error) = text.parse::<NodeId>() {
        problems.add(id.span, "this id", format!("`{text}` cannot be the id of a node: {error}"));
    }
    let named = Named { id: text, node, outputs: outputs(node, problems) };
    let others = plan.nodes.iter().filter(|planned| AsRef::<str>::as_ref(&planned.id) != text);
    let mut feeders: Vec<Feeder<'_>> = others
        .map(|planned| Feeder {
            id: planned.id.as_ref(),
            outputs: planned.run_config.outputs.iter().map(ToString::to_string).collect(),
        })
        .collect();
    feeders.push(Feeder { id: text, outputs: named.outputs.clone() });
    check_one(&named, &feeders, problems);
    Some(named)
}

/// A node that inputs can name.
struct Feeder<'a> {
    id: &'a str,
    outputs: Vec<String>,
}

fn check_one(named: &Named<'_>, feeders: &[Feeder<'_>], problems: &mut Problems<'_>) {
    program(named, problems);
    deploy(named.node, problems);
    for (owner, inputs) in inputs_of(named.node) {
        let owner = owner.as_deref().unwrap_or(named.id);
        for entry in inputs.entries() {
            if let Err(error) = entry.key.parse::<DataId>() {
                let message = format!("`{}` cannot be the id of an input: {error}", entry.key);
                problems.add(entry.key_span, "this id", message);
            }
            input(owner, &entry.node, feeders, problems);
        }
    }
}

/// The operators of a node, with their ids.
fn operators(node: &Node) -> Vec<(String, &Node)> {
    if let Some(single) = node.get("operator") {
        let id = single.get("id").and_then(Node::text).unwrap_or(SINGLE_OPERATOR);
        return vec![(id.to_string(), single)];
    }
    let all = node.get("operators").map(Node::items).unwrap_or_default();
    all.iter()
        .map(|operator| (operator.get("id").and_then(Node::text).unwrap_or_default().to_string(), operator))
        .collect()
}

/// A node and its operators, whatever has inputs and outputs, each with what it is called: `node`, `node/operator`.
pub fn owners(node: &Node) -> Vec<(String, &Node)> {
    let id = node.get("id").and_then(Node::text).unwrap_or_default();
    let of_operators = operators(node).into_iter().map(|(operator, node)| (format!("{id}/{operator}"), node));
    std::iter::once((id.to_string(), node)).chain(of_operators).collect()
}

fn inputs_of(node: &Node) -> Vec<(Option<String>, &Node)> {
    let own = node.get("inputs").map(|inputs| (None, inputs));
    let id = node.get("id").and_then(Node::text).unwrap_or_default();
    let of_operators = operators(node)
        .into_iter()
        .filter_map(|(operator, node)| Some((Some(format!("{id}/{operator}")), node.get("inputs")?)));
    own.into_iter().chain(of_operators).collect()
}

/// The outputs that a node declares, those of its operators as `operator/output`, whether or not they are valid.
pub fn outputs_of(node: &Node) -> impl Iterator<Item = String> {
    let of = |prefix: String, node: &Node| {
        let list = node.get("outputs").map(Node::items).unwrap_or_default();
        list.iter().filter_map(|item| Some(format!("{prefix}{}", item.text()?))).collect::<Vec<_>>()
    };
    let of_operators = operators(node).into_iter().flat_map(move |(id, operator)| of(format!("{id}/"), operator));
    of(String::new(), node).into_iter().chain(of_operators).collect::<Vec<_>>().into_iter()
}

fn outputs(node: &Node, problems: &mut Problems<'_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |prefix: &str, list: Option<&Node>| {
        for item in list.map(Node::items).unwrap_or_default() {
            let Some(text) = item.text() else { continue };
            let full = format!("{prefix}{text}");
            if let Err(error) = text.parse::<DataId>() {
                problems.add(item.span, "this id", format!("`{text}` cannot be the id of an output: {error}"));
            } else if found.contains(&full) {
                problems.add(item.span, "the same output again", format!("the output `{text}` is declared twice"));
            } else {
                found.push(full);
            }
        }
    };
    add("", node.get("outputs"));
    for (operator, node) in operators(node) {
        add(&format!("{operator}/"), node.get("outputs"));
    }
    found
}

/// What can stand for the program of a node.
const PROGRAMS: &[&str] = &["path", "operator", "operators", "module", "hub", "ros2"];

fn program(named: &Named<'_>, problems: &mut Problems<'_>) {
    let node = named.node;
    let given: Vec<_> =
        node.entries().iter().filter(|entry| PROGRAMS.contains(&entry.key.as_str()) && !entry.node.is_null()).collect();
    match given.as_slice() {
        [] => {
            let place = node.get("id").map_or(node.span.start_point(), |id| id.span);
            problems.add(place, "this node", format!("node `{}` does not say what to run", named.id)).help =
                Some("give it a `path` to a program or a Python file".to_string());
        }
        [_] => {}
        [first, second, ..] => {
            let message =
                format!("node `{}` has both `{}` and `{}`, and can run only one", named.id, first.key, second.key);
            let problem = problems.add(second.key_span, "the second one", message);
            problem.labels.push(diag::Label { span: first.key_span, text: "the first one".into() });
        }
    }
    for (key, help) in [
        ("hub", "install the package and give the `path` of its program"),
        ("ros2", "run the bridge as a node of its own and give its `path`"),
        ("module", "add the nodes of the module one after the other"),
    ] {
        if let Some(entry) = node.entries().iter().find(|entry| entry.key == key && !entry.node.is_null()) {
            unsupported(entry.key_span, &format!("`{key}`"), help, problems);
        }
    }
    git(named, problems);
    let fetched = node.get("path").and_then(Node::text).is_some_and(is_web_address);
    if let Some(sum) = node.get("path_sha256") {
        let is_sum = |text: &str| text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit());
        if !fetched {
            let message = "`path_sha256` belongs to a `path` that is a web address";
            problems.add(sum.span, "there is nothing to check", message);
        } else if sum.text().is_some_and(|text| !is_sum(text)) {
            problems.add(sum.span, "64 hexadecimal digits are expected", "`path_sha256` is no SHA-256");
        }
    }
    let mut seen: Vec<String> = Vec::new();
    for (id, operator) in operators(node) {
        if node.get("operators").is_some() && id.is_empty() {
            problems.add(operator.span.start_point(), "`id` is missing", "one of several operators needs an `id`");
        } else if id.contains('/') || id.parse::<DataId>().is_err() {
            let place = operator.get("id").map_or(operator.span.start_point(), |id| id.span);
            problems.add(place, "this id", format!("`{id}` cannot be the id of an operator"));
        } else if seen.contains(&id) {
            let place = operator.get("id").map_or(operator.span.start_point(), |id| id.span);
            problems.add(
                place,
                "the same id again",
                format!("two operators of node `{}` have the id `{id}`", named.id),
            );
        }
        seen.push(id);
        for key in ["shared-library", "wasm"] {
            if let Some(entry) = operator.entries().iter().find(|entry| entry.key == key) {
                unsupported(
                    entry.key_span,
                    &format!("an operator that is a {key}"),
                    "make it a node, or a Python operator",
                    problems,
                );
            }
        }
        if !operator.entries().iter().any(|entry| ["python", "shared-library", "wasm"].contains(&entry.key.as_str())) {
            problems.add(operator.span.start_point(), "this operator", "the operator does not say what to run").help =
                Some("give it `python` with the file of its code".to_string());
        }
    }
}

/// The names a commit can have, and the repository they need.
fn git(named: &Named<'_>, problems: &mut Problems<'_>) {
    let node = named.node;
    let names = ["branch", "tag", "rev"];
    let given: Vec<_> =
        node.entries().iter().filter(|entry| names.contains(&entry.key.as_str()) && !entry.node.is_null()).collect();
    if let [first, second, ..] = given.as_slice() {
        let message = format!("node `{}` has both `{}` and `{}`, and one is enough", named.id, first.key, second.key);
        let problem = problems.add(second.key_span, "the second one", message);
        problem.labels.push(diag::Label { span: first.key_span, text: "the first one".into() });
    }
    let source = node.entries().iter().find(|entry| entry.key == "git" && !entry.node.is_null());
    match (source, given.first()) {
        (None, Some(name)) => {
            let message = format!("node `{}` has a `{}` and no `git` that it belongs to", named.id, name.key);
            problems.add(name.key_span, "of which repository?", message);
        }
        (Some(source), _) if node.get("path").is_none() => {
            let message = format!("node `{}` has a `git` and no `path` in it", named.id);
            problems.add(source.key_span, "only a node with a `path` can have it", message);
        }
        (Some(source), _) if source.node.text().is_some_and(|url| url.is_empty() || url.starts_with('-')) => {
            problems.add(source.node.span, "this address", "this cannot be the address of a repository");
        }
        _ => {}
    }
}

fn deploy(node: &Node, problems: &mut Problems<'_>) {
    let Some(deploy) = node.get("deploy") else { return };
    for entry in deploy.entries() {
        let remote = match entry.key.as_str() {
            "machine" => !matches!(entry.node.text(), Some("" | "localhost" | "127.0.0.1")),
            "labels" => !entry.node.entries().is_empty(),
            "distribute" => entry.node.text() != Some("local"),
            _ => false,
        };
        if remote && !entry.node.is_null() {
            unsupported(
                entry.key_span,
                "deployment to other machines",
                "leave `deploy` out to run everything here",
                problems,
            );
        }
    }
}

fn unsupported(span: diag::Span, what: &str, help: &str, problems: &mut Problems<'_>) {
    let message = format!("{what} is not supported by this runtime");
    problems.add_as(codes::UNSUPPORTED_IN_DATAFLOW, span, "not supported", message).help = Some(help.to_string());
}

fn input(owner: &str, value: &Node, nodes: &[Feeder<'_>], problems: &mut Problems<'_>) {
    let source = match &value.value {
        Value::Map(_) => value.get("source"),
        _ => Some(value),
    };
    let Some(source) = source else { return };
    let Some(text) = source.text() else { return };
    if let Some(rest) = text.strip_prefix("dora/") {
        return virtual_input(source, text, rest, nodes, problems);
    }
    let Some((node, output)) = text.split_once('/') else {
        let problem = problems.add(source.span, "`node/output` is expected", format!("`{text}` names no output"));
        problem.help = nodes.iter().find(|named| named.id == text).map(|named| match named.outputs.as_slice() {
            [] => format!("node `{text}` has no outputs"),
            outputs => format!("node `{text}` has {}: write `{text}/{}`", listed(outputs), outputs[0]),
        });
        return;
    };
    let Some(feeding) = nodes.iter().find(|named| named.id == node) else {
        let message = format!("`{owner}` is to be fed by node `{node}`, and there is no such node");
        let hint = did_you_mean(node, nodes.iter().map(|named| named.id));
        problems.add(source.span, "no such node", message).help = hint;
        return;
    };
    if !feeding.outputs.iter().any(|declared| declared == output) {
        let message = format!("`{owner}` is to be fed by `{text}`, and node `{node}` has no output `{output}`");
        let problem = problems.add(source.span, "no such output", message);
        let hint = did_you_mean(output, feeding.outputs.iter().map(String::as_str));
        problem.help = hint.or_else(|| match feeding.outputs.as_slice() {
            [] => Some(format!("node `{node}` declares no outputs: add `{output}` to its `outputs`")),
            outputs => Some(format!("it has {}", listed(outputs))),
        });
    } else if let Err(error) = text.parse::<InputMapping>() {
        problems.add(source.span, "this input", error);
    }
}

fn virtual_input(source: &Node, text: &str, rest: &str, nodes: &[Feeder<'_>], problems: &mut Problems<'_>) {
    let kind = rest.split('/').next().unwrap_or_default();
    if !["timer", "logs"].contains(&kind) {
        let problem = problems.add(source.span, "no such input", format!("there is no built-in input `{text}`"));
        problem.help = did_you_mean(kind, ["timer", "logs"]).or_else(|| {
            Some("there are `dora/timer/millis/100` (also secs, micros, nanos, hz) and `dora/logs`".to_string())
        });
        return;
    }
    if let Err(error) = text.parse::<InputMapping>() {
        let problem = problems.add(source.span, "this input", format!("`{text}` is not valid: {error}"));
        let word = rest.split('/').nth(1).unwrap_or_default();
        problem.help = match kind {
            "timer" => did_you_mean(word, ["secs", "millis", "micros", "nanos", "hz"])
                .or_else(|| Some("write for instance `dora/timer/millis/100` or `dora/timer/hz/30`".to_string())),
            _ => did_you_mean(word, LogLevel::ALL.iter().map(|level| level.as_str()))
                .filter(|_| word.parse::<LogLevel>().is_err()),
        };
        return;
    }
    if kind == "logs"
        && let Some(node) = rest.split('/').nth(2)
        && !nodes.iter().any(|named| named.id == node)
    {
        let hint = did_you_mean(node, nodes.iter().map(|named| named.id));
        problems
            .add(
                source.span,
                "no such node",
                format!("the logs of node `{node}` are asked for, and there is no such node"),
            )
            .help = hint;
    }
}

fn listed(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
