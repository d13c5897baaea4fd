//! What can be typed next.
//!
//! [`candidates`] looks at a line and a cursor through a session and knows no terminal. It asks the checker what
//! flows into the stage, so that columns, closed sets of words and verbs are those of the very rows that will come.

mod arguments;
mod condition;
mod files;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use diag::Sources;
use engine::command::Kind;
use engine::{Command, Session, Takes, external};
use syntax::parse::KEYWORDS;
use value::Type;

use crate::line::Place;

/// One thing that can be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The bytes of the line that it replaces.
    pub span: Range<usize>,
    pub text: String,
    /// A few words on it; may be empty.
    pub about: String,
    /// Whether a blank follows it.
    pub closed: bool,
}

/// More would not be read.
const MOST: usize = 500;

/// What fits at the cursor, best first. Runs nothing, and answers within 50 ms: slow directories are cut short.
pub fn candidates(session: &Session, line: &str, cursor: usize) -> Vec<Candidate> {
    let place = Place::at(line, cursor);
    if place.silent {
        return Vec::new();
    }
    let mut found = Found { place: &place, cursor, list: Vec::new(), seen: HashSet::new() };
    let completion = Completion { session, line, place: &place };
    completion.fill(&mut found);
    found.ranked()
}

/// One question, and what is needed to answer it.
struct Completion<'a> {
    session: &'a Session,
    line: &'a str,
    place: &'a Place,
}

/// A parameter of a command or of a `def`.
struct Wanted {
    name: String,
    kind: Kind,
    takes: WantedType,
    about: String,
}

enum WantedType {
    Declared(Takes),
    Typed(Type),
}

impl Completion<'_> {
    fn fill(&self, found: &mut Found<'_>) {
        let current = self.place.current.text.as_str();
        if current.starts_with('$') {
            return self.variables(found);
        }
        if self.place.words.is_empty() && self.place.quote.is_none() {
            return self.head(found);
        }
        let words = self.place.texts();
        if self.place.words.is_empty() || words[0].starts_with('^') {
            return self.files(found, false);
        }
        if !current.starts_with('-') {
            self.rest_of_name(found, &words);
        }
        match self.callee(&words) {
            Some((wanted, used)) => self.argument(found, &wanted, &words[used..]),
            None if found.list.is_empty() && self.may_be_program(words[0]) => self.files(found, false),
            None => {}
        }
    }

    /// Whether a stage that begins with this word, and calls nothing that is known, may call a program.
    fn may_be_program(&self, first: &str) -> bool {
        !KEYWORDS.contains(&first) && !first.starts_with('$') && !self.session.context().registry().is_noun(first)
    }

    /// What can begin a stage: verbs of what flows in, commands that take it, programs.
    fn head(&self, found: &mut Found<'_>) {
        let current = self.place.current.text.as_str();
        if current.contains('/') || current.starts_with(['.', '~']) {
            return self.files(found, false);
        }
        if let Some(program) = current.strip_prefix('^') {
            for name in external::names(self.session.env()) {
                if name.starts_with(program) {
                    found.add(format!("^{name}"), "program", true);
                }
            }
            return;
        }
        let input = self.input();
        let registry = self.session.context().registry();
        if let Some(resource) = input.resource() {
            let verbs = registry.verbs(resource).into_iter().filter(|(_, command)| takes_input(command, &input));
            for (verb, command) in verbs {
                found.add(verb, command.summary, true);
            }
        }
        for (name, function) in &self.session.names().scope.functions {
            let about = function.signature.doc.lines().next().unwrap_or("").to_string();
            found.add(name.to_string(), about, true);
        }
        let mut commands: Vec<&'static Command> = registry.commands().to_vec();
        commands.retain(|command| !self.place.piped || takes_input(command, &input));
        commands.sort_by_key(|command| command.name);
        for command in commands {
            found.add(command.name, command.summary, true);
        }
        if !self.place.piped {
            for keyword in KEYWORDS {
                found.add(*keyword, "keyword", true);
            }
            // A thousand programs help only who has begun to name one.
            if !current.is_empty() {
                for name in external::names(self.session.env()) {
                    if name.starts_with(current) {
                        found.add(name, "program", true);
                    }
                }
            }
        }
    }

    /// The words that are missing of a command's name, as `list` after `dataflow`.
    fn rest_of_name(&self, found: &mut Found<'_>, words: &[&str]) {
        if words.len() > 2 {
            return;
        }
        let begun = format!("{} ", words.join(" "));
        let mut commands: Vec<&'static Command> = self.session.context().registry().commands().to_vec();
        commands.sort_by_key(|command| command.name);
        for command in commands {
            if let Some(rest) = command.name.strip_prefix(&begun) {
                found.add(rest, command.summary, true);
            }
        }
        for (name, function) in &self.session.names().scope.functions {
            if let Some(rest) = name.strip_prefix(&begun) {
                found.add(rest, function.signature.doc.lines().next().unwrap_or("").to_string(), true);
            }
        }
    }

    /// What the stage's words call: its parameters, and how many words its name has.
    fn callee(&self, words: &[&str]) -> Option<(Vec<Wanted>, usize)> {
        let functions = &self.session.names().scope.functions;
        for count in (1..=words.len().min(3)).rev() {
            let name = words[..count].join(" ");
            if let Some(function) = functions.get(name.as_str()) {
                let wanted = function.signature.params.iter().map(|param| Wanted {
                    name: param.name.to_string(),
                    kind: param.kind,
                    takes: WantedType::Typed(param.of.clone()),
                    about: param.doc.clone(),
                });
                return Some((wanted.collect(), count));
            }
        }
        let registry = self.session.context().registry();
        let (command, used) = match registry.longest(words) {
            Some((command, count, _)) => (command, count),
            None => (registry.verb(self.input().resource()?, words[0])?, 1),
        };
        let wanted = command.params.iter().map(|param| Wanted {
            name: param.name.to_string(),
            kind: param.kind,
            takes: WantedType::Declared(param.takes),
            about: param.doc.to_string(),
        });
        Some((wanted.collect(), used))
    }

    fn variables(&self, found: &mut Found<'_>) {
        let current = self.place.current.text.as_str();
        let scope = &self.session.names().scope;
        if let Some((base, _)) = current.rsplit_once('.') {
            let name = base.trim_start_matches('$');
            if name == "env" {
                let env = self.session.env().to_record();
                env.names().for_each(|variable| found.add(format!("$env.{variable}"), "", false));
            } else if let Some(fields) = scope.vars.get(name).and_then(|var| var.of.fields().cloned()) {
                for (column, of) in &fields.columns {
                    found.add(format!("{base}.{}", value::literal::bare_or_quoted(column)), of.to_string(), false);
                }
            }
            return;
        }
        for local in self.place.locals.iter().rev() {
            found.add(format!("${local}"), "", false);
        }
        let mut vars: Vec<(&Arc<str>, String)> =
            scope.vars.iter().map(|(name, var)| (name, var.of.to_string())).collect();
        vars.sort();
        for (name, of) in vars {
            found.add(format!("${name}"), of, false);
        }
        found.add("$in", "what flows in", false);
        found.add("$env", "environment", false);
    }

    /// The type of what flows into the stage, as the checker knows it.
    fn input(&self) -> Type {
        // A word in place of the one that is being typed makes a stage of an empty place.
        let text = format!("{}x", &self.line[..self.place.current.start]);
        let source = Sources::new().add("<completion>", text);
        let checked = self.session.check(&source);
        let known = checked.inputs.into_iter().rfind(|(span, _)| span.start as usize == self.place.stage);
        known.map_or(Type::Any, |(_, of)| of)
    }
}

/// Whether something of this type may flow into a command.
fn takes_input(command: &Command, input: &Type) -> bool {
    command.io.iter().any(|(from, _)| match Type::parse(from) {
        Ok(Type::Nothing) => false,
        Ok(from) => from.accepts(input),
        Err(_) => true,
    })
}

/// Candidates as they are found.
struct Found<'a> {
    place: &'a Place,
    cursor: usize,
    list: Vec<Candidate>,
    seen: HashSet<String>,
}

impl Found<'_> {
    /// Adds what would stand in place of the current word.
    fn add(&mut self, text: impl Into<String>, about: impl Into<String>, closed: bool) {
        self.add_at(self.place.current.start, text, about, closed);
    }

    fn add_at(&mut self, start: usize, text: impl Into<String>, about: impl Into<String>, closed: bool) {
        let text = text.into();
        if self.seen.insert(text.clone()) {
            self.list.push(Candidate { span: start..self.cursor, text, about: about.into(), closed });
        }
    }

    /// Those that begin with what was typed; when none does, those that have it anywhere.
    fn ranked(self) -> Vec<Candidate> {
        let plain = |text: &str| text.trim_start_matches(['"', '\'', '`']).to_lowercase();
        let typed = |candidate: &Candidate| {
            let from = candidate.span.start - self.place.current.start;
            plain(self.place.current.text.get(from..).unwrap_or(""))
        };
        let begins = |candidate: &&Candidate| plain(&candidate.text).starts_with(&typed(candidate));
        let holds = |candidate: &&Candidate| plain(&candidate.text).contains(&typed(candidate));
        let mut fitting: Vec<Candidate> = self.list.iter().filter(begins).cloned().collect();
        if fitting.is_empty() {
            fitting = self.list.iter().filter(holds).cloned().collect();
        }
        fitting.truncate(MOST);
        fitting
    }
}

#[cfg(test)]
mod tests;
