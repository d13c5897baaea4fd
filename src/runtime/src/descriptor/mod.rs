//! From the text of a dataflow to a plan, or to every problem it has.
//!
//! The text is checked on a tree that knows where each value stands, so that all problems are told at once, at
//! their lines. Only what has passed is given to dora's own parser, which has the last word.
//!
//! - [`yaml`] – the tree with places
//! - [`schema`] – which keys there are, and the types of their values
//! - [`module`] – modules replaced by their nodes
//! - [`meaning`] – what is said with them: ids, wiring, timers
//! - [`types`] – whether what outputs give is what inputs take
//! - [`resolve`] – programs and environments
//! - [`plan`] – the result; [`graph`]: what feeds what in it

pub mod graph;
pub mod meaning;
pub mod module;
pub mod plan;
pub mod resolve;
pub mod schema;
pub mod types;
pub mod yaml;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diag::{Code, Diagnostic, Result, Source, Sources, Span, codes};
use dora_message::descriptor::Descriptor;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::model::{DescriptorSource, StartOptions};
use module::Module;
use plan::Plan;

/// A descriptor that can be started.
pub struct Checked {
    pub source: Arc<Source>,
    /// The text without modules, when it has some.
    pub expanded: Option<String>,
    pub modules: Vec<Module>,
    pub plan: Plan,
    pub working_dir: PathBuf,
    /// SHA-256 of the text, without modules, in hexadecimal.
    pub hash: String,
    pub file: Option<PathBuf>,
}

/// Reads and checks the descriptor that is to be started, without starting anything.
pub fn load(options: &StartOptions, executable: &Path, sources: &Sources) -> Result<Checked> {
    let (source, file) = match &options.source {
        DescriptorSource::Text { label, text, file } => (sources.add(label, text.as_str()), file.clone()),
        DescriptorSource::File(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Diagnostic::new(
                    codes::DATAFLOW_UNREADABLE,
                    format!("the dataflow file {} cannot be read", path.display()),
                )
                .cause(error.to_string())
            })?;
            let absolute = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            (sources.add(path.display().to_string(), text), Some(absolute))
        }
    };
    let base = match (&options.working_dir, &file) {
        (Some(directory), _) => directory.clone(),
        (None, Some(file)) => crate::embedded::base_of(file),
        (None, None) => PathBuf::from("."),
    };
    let working_dir = std::path::absolute(&base).unwrap_or(base);
    let place = resolve::Place::of(options, &working_dir, executable);
    let (plan, expanded, modules) = check(&source, &place, options.strict_types, sources)?;
    // What a dataflow is made of is in its modules too.
    let hash = Sha256::digest(expanded.as_deref().unwrap_or(&source.text));
    let hash = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Checked { source, expanded, modules, plan, working_dir, hash, file })
}

/// Checks a text. Gives the plan, and the text without modules when it has some.
fn check(
    source: &Source,
    place: &resolve::Place<'_>,
    strict_types: bool,
    sources: &Sources,
) -> Result<(Plan, Option<String>, Vec<Module>)> {
    let mut problems = Problems::new(source, codes::INVALID_DATAFLOW);
    let tree = parse(source, &mut problems)?;
    schema::check(&tree, &mut problems);
    let module::Expanded { root, modules } = module::expand(&tree, place, sources, &mut problems);
    let nodes = meaning::check(&root, &mut problems);
    resolve::check(&root, &nodes, place, &mut problems);
    let notices = types::check(&root, &nodes, place.working_dir, strict_types, sources, &mut problems);
    if !problems.found.is_empty() {
        return Err(problems.into_diagnostic());
    }
    let plan = |descriptor: Descriptor| -> Result<Plan> {
        let mut plan = resolve::plan(descriptor, place)?;
        plan.notices.extend(notices);
        Ok(plan)
    };
    if modules.is_empty() {
        return Ok((plan(typed::<Descriptor>(source, problems)?)?, None, modules));
    }
    let refused = |error: serde_yaml::Error| {
        let message = format!("{} is not valid once its modules are taken in", source.name);
        Diagnostic::new(codes::INVALID_DATAFLOW, message).cause(error.to_string())
    };
    let value = root.to_value();
    let text = serde_yaml::to_string(&value).map_err(refused)?;
    Ok((plan(serde_yaml::from_value(value).map_err(refused)?)?, Some(text), modules))
}

/// Reads YAML; what is none is the one problem it has.
pub fn parse(source: &Source, problems: &mut Problems<'_>) -> Result<yaml::Node> {
    yaml::parse(source).map_err(|error| {
        let span = Span::new(source.id, error.at, error.at + 1);
        problems.add(span, "this is not YAML", error.text);
        problems.take().into_diagnostic()
    })
}

/// What passed our checks and fails here is a rule we do not know yet; dora's parser says where, too.
fn typed<T: DeserializeOwned>(source: &Source, mut problems: Problems<'_>) -> Result<T> {
    serde_yaml::from_str(&source.text).map_err(|error| {
        let at = error.location().map_or(0, |location| location.index());
        problems.add(Span::new(source.id, at, at + 1), "here", error.to_string());
        problems.into_diagnostic()
    })
}

/// Checks one node, given as YAML, that is to join a dataflow that runs.
pub fn load_node(source: &Source, place: &resolve::Place<'_>, plan: &Plan) -> Result<plan::PlannedNode> {
    let mut problems = Problems::new(source, codes::INVALID_DATAFLOW);
    let tree = parse(source, &mut problems)?;
    schema::check_node(&tree, &mut problems);
    let named = meaning::check_node(&tree, plan, &mut problems);
    resolve::check(&tree, &named, place, &mut problems);
    if !problems.found.is_empty() {
        return Err(problems.into_diagnostic());
    }
    let node = typed(source, problems)?;
    // A map that passed once passes again.
    let common = plan.descriptor.get("env").cloned().and_then(|env| serde_yaml::from_value(env).ok());
    resolve::plan_node(node, &common.unwrap_or_default(), place)
}

/// Problems found so far in a text.
pub struct Problems<'a> {
    source: &'a Source,
    /// What kind of problem a mistake is.
    code: Code,
    found: Vec<Diagnostic>,
}

impl<'a> Problems<'a> {
    /// None so far.
    pub fn new(source: &'a Source, code: Code) -> Self {
        Problems { source, code, found: Vec::new() }
    }

    /// Notes a mistake: what it is, and what to write at the place itself.
    pub fn add(&mut self, span: Span, label: impl Into<String>, message: impl Into<String>) -> &mut Diagnostic {
        self.add_as(self.code, span, label, message)
    }

    /// The error of all that was found, if anything was.
    pub fn into_result(self) -> Result<()> {
        if self.found.is_empty() { Ok(()) } else { Err(self.into_diagnostic()) }
    }

    /// Notes a problem of another kind.
    pub fn add_as(
        &mut self,
        code: Code,
        span: Span,
        label: impl Into<String>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let at = self.found.len();
        self.found.push(*Diagnostic::new(code, message).label(span, label));
        &mut self.found[at]
    }

    fn take(&mut self) -> Self {
        Problems { source: self.source, code: self.code, found: std::mem::take(&mut self.found) }
    }

    /// One diagnostic with all problems in the order of the text.
    fn into_diagnostic(mut self) -> Box<Diagnostic> {
        let place = |problem: &Diagnostic| problem.labels.first().map(|label| (label.span.source, label.span.start));
        self.found.sort_by_key(place);
        let count = self.found.len();
        let name = self.source.name.clone();
        let mut combined =
            Diagnostic::combine(self.found).unwrap_or_else(|| Diagnostic::new(self.code, "the text is not valid"));
        if count > 1 {
            combined
                .causes
                .push(diag::Cause { title: format!("{count} problems were found in {name}"), detail: Vec::new() });
        }
        combined
    }
}
