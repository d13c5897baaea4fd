//! Whether the types that outputs and inputs declare fit each other.
//!
//! The rules are dora-rs's. Declaring types is up to whoever writes a node: nothing is said of an edge one of whose
//! ends declares none. What types there are is in dora-rs's own list and in the directory `types` beside the dataflow,
//! whose file `a/b/v1.yml` with `types: {Thing: …}` makes the type `a/b/v1/Thing`.

use std::collections::BTreeMap;
use std::path::Path;

use diag::suggest::did_you_mean;
use diag::{Diagnostic, Sources, Span, codes};

use super::Problems;
use super::meaning::{self, Named};
use super::yaml::{self, Node, Value};

/// dora-rs's own types, behind `std/`.
const STANDARD: &[&str] = &[
    "core/v1/Float32",
    "core/v1/Float64",
    "core/v1/Int8",
    "core/v1/Int16",
    "core/v1/Int32",
    "core/v1/Int64",
    "core/v1/UInt8",
    "core/v1/UInt16",
    "core/v1/UInt32",
    "core/v1/UInt64",
    "core/v1/String",
    "core/v1/Bytes",
    "core/v1/Bool",
    "math/v1/Vector3",
    "math/v1/Quaternion",
    "math/v1/Pose",
    "math/v1/Transform",
    "control/v1/Twist",
    "control/v1/JointState",
    "control/v1/Odometry",
    "media/v1/Image",
    "media/v1/CompressedImage",
    "media/v1/PointCloud",
    "media/v1/AudioFrame",
    "vision/v1/BoundingBox",
    "vision/v1/Detection",
    "vision/v1/Segmentation",
];

/// What the names of dora-rs's own types begin with.
const RESERVED: &str = "std/";
/// Takes everything.
const BYTES: &str = "std/core/v1/Bytes";
/// What timers give.
const TICK: &str = "std/core/v1/UInt64";
/// Numbers that get wider without loss.
const WIDER: &[(&str, &str)] = &[
    ("std/core/v1/UInt8", "std/core/v1/UInt32"),
    ("std/core/v1/UInt32", "std/core/v1/UInt64"),
    ("std/core/v1/Int32", "std/core/v1/Int64"),
    ("std/core/v1/Float32", "std/core/v1/Float64"),
];
/// How many rules may follow one another.
const STEPS: usize = 3;
/// How deep directories of types are looked through.
const DEEPEST: usize = 8;

/// Checks the declared types of all nodes: problems when types are strict, else notices.
///
/// `directory` is where the dataflow is. A file of types that cannot be read is a problem in any case.
pub fn check(
    root: &Node,
    nodes: &[Named<'_>],
    directory: &Path,
    strict: bool,
    sources: &Sources,
    problems: &mut Problems<'_>,
) -> Vec<String> {
    if !nodes.iter().any(|named| declares(named.node)) {
        return Vec::new();
    }
    let mut types: Vec<String> = STANDARD.iter().map(|name| format!("std/{name}")).collect();
    own_types(&directory.join("types"), &mut String::new(), DEEPEST, sources, problems, &mut types);
    let strict = strict || root.get("strict_types").is_some_and(|node| node.boolean() == Some(true));
    let mut found = Vec::new();
    let rules = rules(root);
    let mut declared: BTreeMap<String, &Node> = BTreeMap::new();
    for named in nodes {
        for (owner, node) in meaning::owners(named.node) {
            let outputs: Vec<&str> =
                node.get("outputs").map(Node::items).unwrap_or_default().iter().filter_map(Node::text).collect();
            for entry in node.get("output_types").map(Node::entries).unwrap_or_default() {
                port(&entry.key, entry.key_span, &outputs, "output", &mut found);
                known(&entry.node, &types, &mut found);
                declared.insert(format!("{owner}/{}", entry.key), &entry.node);
            }
        }
    }
    for named in nodes {
        for (owner, node) in meaning::owners(named.node) {
            let inputs = node.get("inputs").map(Node::entries).unwrap_or_default();
            let names: Vec<&str> = inputs.iter().map(|entry| entry.key.as_str()).collect();
            for entry in node.get("input_types").map(Node::entries).unwrap_or_default() {
                port(&entry.key, entry.key_span, &names, "input", &mut found);
                known(&entry.node, &types, &mut found);
                let input = inputs.iter().find(|input| input.key == entry.key);
                let source =
                    input.and_then(|input| input.node.get("source").or(Some(&input.node))).and_then(Node::text);
                let Some((source, wanted)) = source.zip(entry.node.text()) else { continue };
                let timer = source.starts_with("dora/timer/");
                let given = declared.get(source).copied();
                let Some(gives) = (if timer { Some(TICK) } else { given.and_then(Node::text) }) else { continue };
                if fits(gives, wanted, &rules) {
                    continue;
                }
                let message =
                    format!("`{owner}` takes `{wanted}` at its input `{}`, and `{source}` gives `{gives}`", entry.key);
                let mut problem = *Diagnostic::new(codes::TYPE_MISMATCH, message).label(entry.node.span, "this type");
                problem.labels.extend(given.map(|node| diag::Label { span: node.span, text: "the other one".into() }));
                problem.help =
                    Some("a rule in `type_rules` can say that the one may be taken for the other".to_string());
                found.push(problem);
            }
        }
    }
    if strict {
        problems.found.extend(found);
        return Vec::new();
    }
    found.iter().map(|problem| notice(problem, sources)).collect()
}

/// A problem as a sentence with its place.
fn notice(problem: &Diagnostic, sources: &Sources) -> String {
    let place = problem.labels.first().and_then(|label| {
        let source = sources.get(label.span.source)?;
        let (line, _) = source.line_column(label.span.start as usize);
        Some(format!(" (line {line} of {})", source.name))
    });
    let help = problem.help.as_deref().filter(|help| help.ends_with('?')).map(|help| format!("; {help}"));
    format!("{}{}{}", problem.message, place.unwrap_or_default(), help.unwrap_or_default())
}

/// Tells of a type for what is not there.
fn port(name: &str, span: Span, known: &[&str], what: &str, found: &mut Vec<Diagnostic>) {
    if !known.contains(&name) {
        let message = format!("there is a type for the {what} `{name}`, and no such {what}");
        let mut problem = *Diagnostic::new(codes::TYPE_MISMATCH, message).label(span, format!("no such {what}"));
        problem.help = did_you_mean(name, known.iter().copied());
        found.push(problem);
    }
}

/// Whether a node says of any output or input what type it has.
fn declares(node: &Node) -> bool {
    let owners = meaning::owners(node);
    owners.iter().any(|(_, node)| ["output_types", "input_types"].iter().any(|key| node.get(key).is_some()))
}

/// Tells of a type that nobody has defined.
fn known(node: &Node, types: &[String], found: &mut Vec<Diagnostic>) {
    let Some(name) = node.text().map(base) else { return };
    if !types.iter().any(|known| known == name) {
        let message = match name.starts_with(RESERVED) {
            true => format!("`{name}` is no type of dora's"),
            false => format!("`{name}` is no type: neither dora's nor defined in `types` beside the dataflow"),
        };
        let mut problem = *Diagnostic::new(codes::TYPE_MISMATCH, message).label(node.span, "this type");
        problem.help = did_you_mean(name, types.iter().map(String::as_str));
        found.push(problem);
    }
}

/// Adds the types that the files of a directory define, behind a prefix.
fn own_types(
    directory: &Path,
    prefix: &mut String,
    deepest: usize,
    sources: &Sources,
    problems: &mut Problems<'_>,
    types: &mut Vec<String>,
) {
    // That there is no such directory is the rule.
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<_> =
        entries.map(|entry| (entry.path(), entry.file_type().is_ok_and(|kind| kind.is_dir()))).collect();
    paths.sort();
    for (path, is_directory) in paths {
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        let kept = prefix.len();
        prefix.push_str(stem);
        prefix.push('/');
        if prefix == RESERVED {
            let source = sources.add(path.display().to_string(), "");
            let message = format!("{} would define types of dora's own", path.display());
            problems.add(Span::new(source.id, 0, 0), "rename this", message);
        } else if is_directory && deepest > 0 {
            own_types(&path, prefix, deepest - 1, sources, problems, types);
        } else if !is_directory && path.extension().is_some_and(|extension| extension == "yml") {
            types.extend(defined(&path, sources, problems).into_iter().map(|name| format!("{prefix}{name}")));
        }
        prefix.truncate(kept);
    }
}

/// The names of the types that a file defines.
fn defined(path: &Path, sources: &Sources, problems: &mut Problems<'_>) -> Vec<String> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let source = sources.add(path.display().to_string(), "");
            let message = format!("the types in {} cannot be read: {error}", path.display());
            problems.add(Span::new(source.id, 0, 0), "this file", message);
            return Vec::new();
        }
    };
    let source = sources.add(path.display().to_string(), text);
    let tree = match yaml::parse(&source) {
        Ok(tree) => tree,
        Err(error) => {
            problems.add(Span::new(source.id, error.at, error.at + 1), "this is not YAML", error.text);
            return Vec::new();
        }
    };
    let Some(Value::Map(entries)) = tree.get("types").map(|types| &types.value) else {
        problems
            .add(tree.span, "no `types` here", format!("{} defines no types", path.display()))
            .help
            .replace("a file of types has a map `types` of names to definitions".to_string());
        return Vec::new();
    };
    entries.iter().map(|entry| entry.key.clone()).collect()
}

fn rules(root: &Node) -> Vec<(String, String)> {
    let rules = root.get("type_rules").map(Node::items).unwrap_or_default();
    let own = rules.iter().filter_map(|rule| Some((rule.get("from")?.text()?.into(), rule.get("to")?.text()?.into())));
    WIDER.iter().map(|(from, to)| (from.to_string(), to.to_string())).chain(own).collect()
}

/// A type without what stands in brackets behind it.
fn base(name: &str) -> &str {
    name.split('[').next().unwrap_or(name)
}

/// What stands in brackets behind a type.
fn parameters(name: &str) -> BTreeMap<&str, &str> {
    let inner = name.split_once('[').and_then(|(_, rest)| rest.strip_suffix(']')).unwrap_or_default();
    inner.split(',').filter_map(|pair| pair.split_once('=')).map(|(key, value)| (key.trim(), value.trim())).collect()
}

/// Whether what is given can be taken for what is wanted.
fn fits(given: &str, wanted: &str, rules: &[(String, String)]) -> bool {
    if wanted == BYTES {
        return true;
    }
    if base(given) == base(wanted) {
        let (given, wanted) = (parameters(given), parameters(wanted));
        return given.iter().all(|(key, value)| wanted.get(key).is_none_or(|other| other == value));
    }
    let mut reached = vec![base(given)];
    for _ in 0..STEPS {
        let next = rules.iter().filter(|(from, _)| reached.contains(&from.as_str())).map(|(_, to)| to.as_str());
        let next: Vec<&str> = next.filter(|to| !reached.contains(to)).collect();
        reached.extend(next);
    }
    reached.contains(&base(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(given: &str, wanted: &str) -> bool {
        let rules = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e")];
        let own = rules.iter().map(|(from, to)| (from.to_string(), to.to_string()));
        let rules: Vec<_> = WIDER.iter().map(|(from, to)| (from.to_string(), to.to_string())).chain(own).collect();
        fits(given, wanted, &rules)
    }

    #[test]
    fn types_fit_as_in_dora_rs() {
        for (given, wanted) in [
            ("std/core/v1/UInt8", "std/core/v1/UInt64"),
            ("std/core/v1/Float32", "std/core/v1/Float64"),
            ("std/media/v1/Image", "std/core/v1/Bytes"),
            ("std/media/v1/Image[encoding=jpeg]", "std/media/v1/Image"),
            ("x/T[a=1]", "x/T[b=2]"),
            ("a", "d"),
        ] {
            assert!(fit(given, wanted), "{given} fits {wanted}");
        }
        for (given, wanted) in [
            ("std/core/v1/UInt64", "std/core/v1/UInt8"),
            ("std/core/v1/Int8", "std/core/v1/Int16"),
            ("std/core/v1/UInt8", "std/core/v1/Int32"),
            ("x/T[a=1]", "x/T[a=2]"),
            ("a", "e"),
        ] {
            assert!(!fit(given, wanted), "{given} does not fit {wanted}");
        }
    }
}
