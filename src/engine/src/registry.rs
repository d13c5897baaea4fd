//! All declared commands, found by name and by verb.

use std::collections::HashMap;

use value::Resource;

use crate::command::Command;

/// The commands of a session.
pub struct Registry {
    commands: Vec<&'static Command>,
    by_name: HashMap<&'static str, &'static Command>,
    aliases: HashMap<&'static str, Alias>,
    resources: Vec<Resource>,
}

/// Another name for a command: an old one, or another tool's.
#[derive(Debug, Clone, Copy)]
pub struct Alias {
    pub name: &'static str,
    pub target: &'static str,
    /// Whether using it says, once, what to type instead.
    pub hint: bool,
}

impl Registry {
    /// Gathers declarations. The later of two with one name wins; a test of `commands` sees that there are none.
    pub fn new(commands: &[&'static Command], aliases: &[Alias]) -> Self {
        let mut resources: Vec<Resource> = commands.iter().filter_map(|command| command.yields).collect();
        resources.sort_unstable();
        resources.dedup();
        Registry {
            commands: commands.to_vec(),
            by_name: commands.iter().map(|command| (command.name, *command)).collect(),
            aliases: aliases.iter().map(|alias| (alias.name, *alias)).collect(),
            resources,
        }
    }

    pub fn commands(&self) -> &[&'static Command] {
        &self.commands
    }

    pub fn get(&self, name: &str) -> Option<&'static Command> {
        self.by_name.get(name).copied()
    }

    /// The alias of this name, unless it is a command itself.
    pub fn alias(&self, name: &str) -> Option<Alias> {
        self.aliases.get(name).copied().filter(|_| !self.by_name.contains_key(name))
    }

    pub fn aliases(&self) -> impl Iterator<Item = &Alias> {
        self.aliases.values()
    }

    /// The longest declared name, or alias, that the words start with, and how many words it takes.
    pub fn longest(&self, words: &[&str]) -> Option<(&'static Command, usize, Option<Alias>)> {
        (1..=words.len().min(3)).rev().find_map(|count| {
            let name = words[..count].join(" ");
            let alias = self.alias(&name);
            let command = self.get(alias.map_or(name.as_str(), |alias| alias.target))?;
            Some((command, count, alias))
        })
    }

    /// Whether some command's name starts with this word and goes on.
    pub fn is_noun(&self, word: &str) -> bool {
        self.commands.iter().any(|command| command.noun().is_some_and(|(noun, _)| noun == word))
    }

    /// The verbs that rows of a resource understand: `stop` for `dataflow stop`. Words that are commands of their
    /// own never dispatch.
    pub fn verb(&self, resource: &str, verb: &str) -> Option<&'static Command> {
        if self.by_name.contains_key(verb) || self.is_noun(verb) || !self.resources.contains(&resource) {
            return None;
        }
        self.get(&format!("{resource} {verb}"))
    }

    pub fn verbs(&self, resource: &str) -> Vec<(&'static str, &'static Command)> {
        let noun = self.commands.iter().filter_map(|command| {
            let (noun, verb) = command.noun()?;
            (noun == resource && self.verb(resource, verb).is_some()).then_some((verb, *command))
        });
        noun.collect()
    }

    /// The resources whose rows understand a verb.
    pub fn resources_with(&self, verb: &str) -> Vec<Resource> {
        self.resources.iter().copied().filter(|resource| self.verb(resource, verb).is_some()).collect()
    }
}
