//! Modules: nodes that stand for the nodes of another file.
//!
//! They are taken in on the tree, before anything is checked, so that what follows sees nodes alone and every value
//! still knows the file and the line it comes from. The rules are dora-rs's: ids get the module's id and a dot before
//! them, `_mod/PORT` becomes what the module's node feeds that port with, and whoever reads an output of the module
//! reads the node behind it. `env`, `deploy`, `build` and `params` of the module's node reach all of its nodes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use diag::suggest::did_you_mean;
use diag::{Diagnostic, Sources, Span, codes};

use super::resolve::{BUILTIN, Place};
use super::yaml::{self, Entry, Node, Value};
use super::{Problems, meaning, schema};

/// How deep modules may be nested, as in dora-rs.
const DEEPEST: usize = 8;
/// How large a module's file may be, as in dora-rs.
const LARGEST: u64 = 1 << 20;
/// What the nodes of a module call its inputs.
const PORTS: &str = "_mod/";
/// What may be said of a module's node; all else belongs to the nodes in it.
const ALLOWED: &[&str] = &["id", "name", "description", "module", "inputs", "params", "env", "build", "deploy"];

/// The nodes that a module was replaced by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    pub id: String,
    pub nodes: Vec<String>,
}

/// A dataflow without modules.
pub struct Expanded {
    pub root: Node,
    /// Those of the dataflow itself, in its order; empty when it has none.
    pub modules: Vec<Module>,
}

/// Replaces all modules of a dataflow by their nodes.
pub fn expand(root: &Node, place: &Place<'_>, sources: &Sources, problems: &mut Problems<'_>) -> Expanded {
    let nodes = root.get("nodes").map(Node::items).unwrap_or_default();
    if !nodes.iter().any(is_module) {
        return Expanded { root: root.clone(), modules: Vec::new() };
    }
    let base = std::fs::canonicalize(place.working_dir).unwrap_or_else(|_| place.working_dir.to_path_buf());
    let mut expander = Expander { place, sources, base: &base, chain: Vec::new(), problems };
    let mut flat = Vec::new();
    let mut known = Known::new();
    let mut modules = Vec::new();
    for node in nodes {
        if !is_module(node) {
            flat.push(node.clone());
            continue;
        }
        let found = expander.module(node, &base);
        if let Some(id) = node.get("id").and_then(Node::text) {
            let ids = found.iter().flat_map(|found| &found.nodes).filter_map(|node| node.get("id")?.text());
            modules.push(Module { id: id.to_string(), nodes: ids.map(str::to_string).collect() });
            known.insert(id.to_string(), Found::known(found.as_ref()));
        }
        flat.extend(found.into_iter().flat_map(|found| found.nodes));
    }
    expander.rewire(&mut flat, &known);
    let mut root = root.clone();
    if let Some(list) = root.get_mut("nodes") {
        list.value = Value::List(flat);
    }
    Expanded { root, modules }
}

fn is_module(node: &Node) -> bool {
    node.get("module").is_some()
}

/// The outputs of modules by the id of their node, each with what it is called without them. `None` for a module that
/// has problems: then nothing is said of who reads it.
type Known = BTreeMap<String, Option<BTreeMap<String, String>>>;

/// What stands for a module.
struct Found {
    nodes: Vec<Node>,
    outputs: BTreeMap<String, String>,
    /// Whether nothing is missing because of problems.
    complete: bool,
}

impl Found {
    /// What those who read it may rely on.
    fn known(found: Option<&Self>) -> Option<BTreeMap<String, String>> {
        found.filter(|found| found.complete).map(|found| found.outputs.clone())
    }
}

struct Expander<'a, 'p, 's> {
    place: &'a Place<'a>,
    sources: &'a Sources,
    /// All modules lie in this directory or below.
    base: &'a Path,
    /// The files that are being read, each because of the one before.
    chain: Vec<PathBuf>,
    problems: &'p mut Problems<'s>,
}

/// What a module says of itself.
struct Header {
    inputs: Vec<String>,
    optional: Vec<String>,
}

impl Expander<'_, '_, '_> {
    fn problem(&mut self, span: Span, label: &str, message: String) -> &mut Diagnostic {
        self.problems.add_as(codes::INVALID_MODULE, span, label, message)
    }

    /// Reads the module of a node and gives its nodes as they are in the dataflow. `None` when it has problems that
    /// leave nothing to give.
    fn module(&mut self, node: &Node, directory: &Path) -> Option<Found> {
        let named = node.get("module")?;
        let id = node.get("id").and_then(Node::text)?.to_string();
        self.check_node(node, &id);
        let file = self.find(named, directory, &id)?;
        if self.chain.contains(&file) {
            let round: Vec<String> =
                self.chain.iter().skip_while(|one| **one != file).map(|one| self.short(one)).collect();
            let message = format!("modules go round in a circle: {} → {}", round.join(" → "), self.short(&file));
            self.problem(named.span, "it is already being read", message);
            return None;
        }
        if self.chain.len() == DEEPEST {
            let message = format!("modules are nested more than {DEEPEST} deep");
            self.problem(named.span, "one too many", message);
            return None;
        }
        let root = self.read(named, &file)?;
        self.chain.push(file.clone());
        let found = self.nodes(node, &id, &root, file.parent().unwrap_or(directory));
        self.chain.pop();
        found
    }

    /// A file as people call it: from the dataflow's directory.
    fn short(&self, file: &Path) -> String {
        file.strip_prefix(self.base).unwrap_or(file).display().to_string()
    }

    /// Checks what is said of a module's node.
    fn check_node(&mut self, node: &Node, id: &str) {
        for entry in
            node.entries().iter().filter(|entry| !ALLOWED.contains(&entry.key.as_str()) && !entry.node.is_null())
        {
            // An unknown key is told of as that.
            if schema::is_node_key(&entry.key) {
                let message = format!("node `{id}` is a module, and `{}` belongs to the nodes in it", entry.key);
                self.problem(entry.key_span, "not allowed here", message);
            }
        }
        let params = node.get("params").map(Node::entries).unwrap_or_default();
        for (at, entry) in params.iter().enumerate() {
            let fits = !entry.key.is_empty() && entry.key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !fits {
                let message =
                    format!("`{}` cannot be the name of a parameter: it is letters, digits and `_`", entry.key);
                self.problem(entry.key_span, "this name", message);
            } else if params[..at].iter().any(|other| other.key.eq_ignore_ascii_case(&entry.key)) {
                let variable = variable(&entry.key);
                let message = format!("two parameters of node `{id}` would both be the variable `{variable}`");
                self.problem(entry.key_span, "the second one", message);
            }
        }
    }

    fn find(&mut self, named: &Node, directory: &Path, id: &str) -> Option<PathBuf> {
        let text = named.text()?;
        if Path::new(text).is_absolute() {
            let message =
                format!("the module of node `{id}` must be named from the directory of its file on: `{text}`");
            self.problem(named.span, "an absolute path", message);
            return None;
        }
        let joined = directory.join(text);
        let file = match std::fs::canonicalize(&joined) {
            Ok(file) => file,
            Err(error) => {
                let message = format!("the module of node `{id}` was not found: `{text}`");
                let near = joined.parent().and_then(|directory| std::fs::read_dir(directory).ok()).map(|entries| {
                    entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect()
                });
                let near: Vec<String> = near.unwrap_or_default();
                let name = joined.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let problem = self.problem(named.span, "not found", message);
                problem.help = did_you_mean(&name, near.iter().map(String::as_str));
                let title = format!("{}: {error}", joined.display());
                problem.causes.push(diag::Cause { title, detail: Vec::new() });
                return None;
            }
        };
        if !file.starts_with(self.base) {
            let message = format!("the module of node `{id}` lies outside the dataflow's directory: `{text}`");
            let help = format!("put it into {} or below", self.base.display());
            self.problem(named.span, "outside", message).help = Some(help);
            return None;
        }
        Some(file)
    }

    fn read(&mut self, named: &Node, file: &Path) -> Option<Node> {
        let text = match file.metadata() {
            Ok(data) if data.len() > LARGEST => Err(std::io::Error::other("it is larger than 1 MiB")),
            _ => std::fs::read_to_string(file),
        };
        let text = match text {
            Ok(text) => text,
            Err(error) => {
                let message = format!("the module {} cannot be read", self.short(file));
                let cause = diag::Cause { title: error.to_string(), detail: Vec::new() };
                self.problem(named.span, "this file", message).causes.push(cause);
                return None;
            }
        };
        let source = self.sources.add(self.short(file), text);
        match yaml::parse(&source) {
            Ok(root) => {
                schema::check_module(&root, self.problems);
                // What has wrong keys can still be taken in; what is no module cannot.
                let is_module = ["module", "nodes"].iter().all(|key| root.get(key).is_some());
                is_module.then_some(root)
            }
            Err(error) => {
                self.problems.add(Span::new(source.id, error.at, error.at + 1), "this is not YAML", error.text);
                None
            }
        }
    }

    /// The nodes of a module's file as they are in the dataflow.
    fn nodes(&mut self, node: &Node, id: &str, root: &Node, directory: &Path) -> Option<Found> {
        let header = self.header(node, id, root);
        let inner = root.get("nodes").map(Node::items).unwrap_or_default();
        let ids: Vec<&str> = inner.iter().filter_map(|node| node.get("id")?.text()).collect();
        let mut nodes = Vec::new();
        let mut known = Known::new();
        // In order: what each node gives, under the module's names for it.
        let mut given: Vec<(String, String)> = Vec::new();
        for own in inner {
            let Some(own_id) = own.get("id").and_then(Node::text) else { continue };
            let full = format!("{id}.{own_id}");
            let mut own = own.clone();
            if let Some(text) = own.get_mut("id") {
                text.value = Value::String(full.clone());
            }
            self.feed(&mut own, node, id, &ids, &header);
            self.hand_down(&mut own, node, root, directory);
            if !is_module(&own) {
                given.extend(meaning::outputs_of(&own).map(|output| {
                    let name = output.rsplit('/').next().unwrap_or_default().to_string();
                    (name, format!("{full}/{output}"))
                }));
                nodes.push(own);
                continue;
            }
            let found = self.module(&own, directory);
            let outputs = found.iter().flat_map(|found| found.outputs.clone());
            given.extend(outputs);
            known.insert(full, Found::known(found.as_ref()));
            nodes.extend(found.into_iter().flat_map(|found| found.nodes));
        }
        self.rewire(&mut nodes, &known);
        let complete = known.values().all(Option::is_some);
        let mut outputs = BTreeMap::new();
        let declared = root.get("module").and_then(|header| header.get("outputs")).map(Node::items).unwrap_or_default();
        for output in declared {
            let Some(name) = output.text() else { continue };
            if let Some((_, full)) = given.iter().find(|(known, _)| known == name) {
                outputs.insert(name.to_string(), full.clone());
            } else if complete {
                let message = format!("the module declares the output `{name}`, and none of its nodes has it");
                let hint = did_you_mean(name, given.iter().map(|(known, _)| known.as_str()));
                self.problem(output.span, "nobody gives this", message).help = hint;
            }
        }
        Some(Found { nodes, outputs, complete })
    }

    /// Reads what a module says of its inputs, and checks that its node gives them.
    fn header(&mut self, node: &Node, id: &str, root: &Node) -> Header {
        let names = |key: &str| -> Vec<String> {
            let list = root.get("module").and_then(|header| header.get(key));
            list.map(Node::items).unwrap_or_default().iter().filter_map(Node::text).map(str::to_string).collect()
        };
        let header = Header { inputs: names("inputs"), optional: names("inputs_optional") };
        let given = node.get("inputs").map(Node::entries).unwrap_or_default();
        let place = node.get("module").map_or(node.span.start_point(), |module| module.span);
        for input in header.inputs.iter().filter(|input| !given.iter().any(|entry| entry.key == **input)) {
            let message = format!("the module of node `{id}` needs the input `{input}`, and the node does not give it");
            self.problem(place, "this module", message).help =
                Some(format!("add `{input}: NODE/OUTPUT` to its `inputs`"));
        }
        for entry in given {
            if !header.has(&entry.key) {
                let message = format!("the module of node `{id}` has no input `{}`", entry.key);
                let hint = did_you_mean(&entry.key, header.all());
                self.problem(entry.key_span, "no such input", message).help = hint;
            }
        }
        header
    }

    /// Says where the inputs of a module's node come from, seen from outside.
    fn feed(&mut self, own: &mut Node, node: &Node, id: &str, siblings: &[&str], header: &Header) {
        for inputs in own.input_maps() {
            let Value::Map(entries) = &mut inputs.value else { continue };
            entries.retain_mut(|entry| {
                let Some(source) = source_mut(&mut entry.node) else { return true };
                let Some(text) = source.text() else { return true };
                let Some(port) = text.strip_prefix(PORTS) else {
                    if let Some(full) = prefixed(text, id, siblings) {
                        source.value = Value::String(full);
                    }
                    return true;
                };
                if let Some(bound) = node.get("inputs").and_then(|inputs| inputs.get(port)) {
                    bind(&mut entry.node, bound);
                    return true;
                }
                if !header.has(port) {
                    let message = format!("the module declares no input `{port}`");
                    let hint = did_you_mean(port, header.all());
                    let span = source.span;
                    self.problems.add_as(codes::INVALID_MODULE, span, "no such input", message).help = hint;
                }
                false
            });
        }
    }

    /// Gives a module's node what its module has for all of its nodes.
    fn hand_down(&mut self, own: &mut Node, node: &Node, root: &Node, directory: &Path) {
        self.relocate(own, directory);
        if own.get("deploy").is_none()
            && let Some(deploy) = node.get("deploy")
        {
            own.set("deploy", deploy.clone());
        }
        let builds = [node.get("build"), root.get("build")];
        let builds: Vec<&Node> = builds.into_iter().flatten().collect();
        build_before(own, &builds);

        let params = node.get("params").map(Node::entries).unwrap_or_default();
        let mut env: Vec<Entry> = own.get("env").map(|env| env.entries().to_vec()).unwrap_or_default();
        let common = node.get("env").map(Node::entries).unwrap_or_default().iter().cloned();
        let missing: Vec<Entry> = common.filter(|entry| !env.iter().any(|own| own.key == entry.key)).collect();
        env.extend(missing);
        for param in params {
            let key = variable(&param.key);
            env.retain(|entry| entry.key != key);
            env.push(Entry { key, key_span: param.key_span, node: param.node.clone() });
        }
        if !env.is_empty() {
            let span = own.get("env").map_or(own.span, |env| env.span);
            own.set("env", Node { span, value: Value::Map(env) });
        }
        let substitute = |node: &mut Node| {
            if let Some(text) = node.text() {
                node.value = Value::String(substituted(text, params));
            }
        };
        own.get_mut("args").into_iter().for_each(substitute);
        if let Some(Node { value: Value::Map(entries), .. }) = own.get_mut("params") {
            entries.iter_mut().map(|entry| &mut entry.node).for_each(substitute);
        }
    }

    /// Names files from the dataflow's directory on, where they are looked for, instead of from the module's.
    fn relocate(&self, own: &mut Node, directory: &Path) {
        if own.get("git").is_none()
            && let Some(path) = own.get_mut("path")
            && let Some(text) = path.text()
            && let Some(moved) = self.moved(text, directory)
        {
            path.value = Value::String(moved);
        }
        for operator in own.operators_mut() {
            let Some(python) = operator.get_mut("python") else { continue };
            let file = match &python.value {
                Value::Map(_) => python.get_mut("source"),
                _ => Some(python),
            };
            if let Some(file) = file
                && let Some(moved) = file.text().and_then(|text| self.moved(text, directory))
            {
                file.value = Value::String(moved);
            }
        }
    }

    /// `None` for what is no file of the module.
    fn moved(&self, path: &str, directory: &Path) -> Option<String> {
        let special = [BUILTIN, meaning::SHELL, meaning::DYNAMIC].contains(&path) || path.contains("://");
        let file = directory.join(path);
        let is_command = !path.contains('/') && !file.exists() && self.place.on_path(path).is_some();
        if special || is_command || path.starts_with(['/', '~', '$']) {
            return None;
        }
        let relative = directory.strip_prefix(self.base).ok()?.join(path);
        let mut clean = PathBuf::new();
        for part in relative.components() {
            match part {
                std::path::Component::CurDir => {}
                std::path::Component::ParentDir if clean.pop() => {}
                part => clean.push(part),
            }
        }
        Some(clean.display().to_string())
    }

    /// Points those who read an output of a module to the node behind it.
    fn rewire(&mut self, nodes: &mut [Node], known: &Known) {
        for node in nodes {
            for inputs in node.input_maps() {
                let Value::Map(entries) = &mut inputs.value else { continue };
                entries.retain_mut(|entry| {
                    let Some(source) = source_mut(&mut entry.node) else { return true };
                    let Some((module, output)) = source.text().and_then(|text| text.split_once('/')) else {
                        return true;
                    };
                    let Some(outputs) = known.get(module) else { return true };
                    let Some(outputs) = outputs else { return false };
                    if let Some(full) = outputs.get(output) {
                        source.value = Value::String(full.clone());
                        return true;
                    }
                    let message = format!("the module `{module}` has no output `{output}`");
                    let hint = did_you_mean(output, outputs.keys().map(String::as_str));
                    let span = source.span;
                    self.problems.add_as(codes::INVALID_MODULE, span, "no such output", message).help = hint;
                    false
                });
            }
        }
    }
}

impl Header {
    fn all(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().chain(&self.optional).map(String::as_str)
    }

    fn has(&self, input: &str) -> bool {
        self.all().any(|known| known == input)
    }
}

/// The value that says what feeds an input.
fn source_mut(input: &mut Node) -> Option<&mut Node> {
    match &input.value {
        Value::Map(_) => input.get_mut("source"),
        _ => Some(input),
    }
}

/// Feeds an input with what its module is fed with. What the input says of its queue wins.
fn bind(input: &mut Node, bound: &Node) {
    let Value::Map(own) = &mut input.value else {
        *input = bound.clone();
        return;
    };
    match &bound.value {
        Value::Map(options) => {
            own.retain(|entry| entry.key != "source");
            let missing: Vec<Entry> =
                options.iter().filter(|option| !own.iter().any(|entry| entry.key == option.key)).cloned().collect();
            own.extend(missing);
        }
        _ => {
            if let Some(source) = own.iter_mut().find(|entry| entry.key == "source") {
                source.node = bound.clone();
            }
        }
    }
}

/// What a source inside a module is called outside; `None` when it is called the same.
fn prefixed(text: &str, id: &str, siblings: &[&str]) -> Option<String> {
    if let Some(rest) = text.strip_prefix("dora/logs/") {
        let (level, node) = rest.split_once('/')?;
        return siblings.contains(&node).then(|| format!("dora/logs/{level}/{id}.{node}"));
    }
    let (node, _) = text.split_once('/')?;
    siblings.contains(&node).then(|| format!("{id}.{text}"))
}

/// The variable that a parameter is for the nodes of its module.
fn variable(param: &str) -> String {
    format!("PARAM_{}", param.to_uppercase())
}

/// Puts parameters into a text: `$PARAM_SPEED` as well as `${_param.speed}`.
fn substituted(text: &str, params: &[Entry]) -> String {
    let mut result = text.to_string();
    for param in params {
        let Some(value) = param.node.text() else { continue };
        let variable = variable(&param.key);
        result =
            result.replace(&format!("${{_param.{}}}", param.key), value).replace(&format!("${{{variable}}}"), value);
        let mut rest = std::mem::take(&mut result);
        let bare = format!("${variable}");
        while let Some(at) = rest.find(&bare) {
            let after = rest.split_off(at + bare.len());
            rest.truncate(at);
            result.push_str(&rest);
            // Only the whole word: `$PARAM_SPEEDS` is another variable.
            let whole = !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            result.push_str(if whole { value } else { &bare });
            rest = after;
        }
        result.push_str(&rest);
    }
    result
}

/// Puts build commands before those of a node; before those of its first operator when it has operators.
fn build_before(own: &mut Node, builds: &[&Node]) {
    let Some(first) = builds.first() else { return };
    let span = first.span;
    let texts = builds.iter().filter_map(|build| build.text()).map(str::trim_end);
    let before = texts.collect::<Vec<_>>().join("\n");
    let mut operators = own.operators_mut();
    let target = if operators.is_empty() { own } else { operators.swap_remove(0) };
    let text = match target.get("build").and_then(Node::text) {
        Some(after) => format!("{before}\n{after}"),
        None => before,
    };
    let span = target.get("build").map_or(span, |build| build.span);
    target.set("build", Node { span, value: Value::String(text) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_put_in_by_either_spelling_and_as_whole_words_only() {
        let text = |value: &str| Node { span: Span::default(), value: Value::String(value.to_string()) };
        let params = [Entry { key: "speed".into(), key_span: Span::default(), node: text("2.0") }];
        let put = |text: &str| substituted(text, &params);
        assert_eq!(put("--a $PARAM_SPEED --b ${_param.speed} --c ${PARAM_SPEED}"), "--a 2.0 --b 2.0 --c 2.0");
        assert_eq!(put("$PARAM_SPEEDS $PARAM_SPEED$PARAM_SPEED $OTHER"), "$PARAM_SPEEDS 2.02.0 $OTHER");
    }
}
