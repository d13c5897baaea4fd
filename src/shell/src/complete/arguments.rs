//! Arguments: flags, and what a parameter takes.

use engine::command::Kind;
use engine::{Command, Takes};
use value::Type;

use super::{Completion, Found, Wanted, WantedType};

impl Completion<'_> {
    /// What a command with these parameters takes at the cursor, after the words `given`.
    pub(super) fn argument(&self, found: &mut Found<'_>, wanted: &[Wanted], given: &[&str]) {
        let current = self.place.current.text.as_str();
        if let Some((flag, _)) = current.split_once('=').filter(|(flag, _)| flag.starts_with("--")) {
            let param = flag_of(wanted, flag).filter(|param| matches!(param.kind, Kind::Flag(_)));
            let start = self.place.current.start + flag.len() + 1;
            return param.into_iter().for_each(|param| self.value_at(found, param, start, &[]));
        }
        if current.starts_with('-') && self.place.quote.is_none() {
            return self.flags(found, wanted, given);
        }
        let start = self.place.current.start;
        if let Some(param) =
            given.last().and_then(|last| flag_of(wanted, last)).filter(|param| matches!(param.kind, Kind::Flag(_)))
        {
            return self.value_at(found, param, start, &[]);
        }
        let positional = positional_words(wanted, given);
        let mut params = wanted.iter().filter(|param| !param.kind.is_flag());
        let param = params.clone().nth(positional.len()).or_else(|| params.find(|param| param.kind == Kind::Rest));
        // A condition takes all the words that follow.
        let condition = wanted.iter().find(|param| matches!(param.takes, WantedType::Declared(Takes::Condition)));
        match condition.or(param) {
            Some(param) => self.value_at(found, param, start, &positional),
            None => self.flags(found, wanted, given),
        }
        if found.list.is_empty() && current.is_empty() {
            self.flags(found, wanted, given);
        }
    }

    fn flags(&self, found: &mut Found<'_>, wanted: &[Wanted], given: &[&str]) {
        for param in wanted {
            let (Kind::Flag(short) | Kind::Switch(short)) = param.kind else { continue };
            let name = format!("--{}", param.name);
            let is_given = given.iter().any(|word| word.split('=').next() == Some(&name));
            if !is_given {
                let about = match short {
                    Some(short) => format!("-{short}  {}", param.about),
                    None => param.about.clone(),
                };
                found.add(name, about, true);
            }
        }
        found.add("--help", "How to use it", true);
    }

    fn value_at(&self, found: &mut Found<'_>, param: &Wanted, start: usize, given: &[&str]) {
        match &param.takes {
            WantedType::Typed(of) => typed(found, start, of),
            WantedType::Declared(takes) => match takes {
                Takes::Words(words) => words.iter().for_each(|word| found.add_at(start, *word, "", true)),
                Takes::WordList(words) => {
                    let typed = self.place.current.text.get(start - self.place.current.start..).unwrap_or("");
                    let start = typed.rfind(',').map_or(start, |comma| start + comma + 1);
                    let known: Vec<&str> = typed.split(',').rev().skip(1).collect();
                    let missing = words.iter().filter(|word| !known.contains(word));
                    missing.for_each(|word| found.add_at(start, *word, "", false));
                }
                Takes::CommandName => self.command_words(found, start, given),
                Takes::Type("path" | "glob") | Takes::Path => self.files_at(found, start, false),
                Takes::Type("directory") | Takes::Directory => self.files_at(found, start, true),
                Takes::Type(text) => {
                    if let Ok(of) = Type::parse(text) {
                        typed(found, start, &of);
                    }
                }
                Takes::Column | Takes::ColumnOrClosure => self.columns(found, start, given),
                Takes::Condition => self.condition(found),
                Takes::Name(resource) => {
                    // Names within something are for who has begun to name that.
                    let within = self.place.current.text.contains('/');
                    let names = self.session.context().live().names(resource);
                    let short = |name: &str| {
                        name.split_once('/').is_none_or(|(_, inner)| !names.iter().any(|(other, _)| other == inner))
                    };
                    for (name, about) in names.iter() {
                        if !given.contains(&name.as_str()) && (within || short(name)) {
                            found.add_at(start, value::literal::bare_or_quoted(name), about, true);
                        }
                    }
                }
                _ => {}
            },
        }
    }

    /// The words that may go on the name of a command after those that were given.
    fn command_words(&self, found: &mut Found<'_>, start: usize, given: &[&str]) {
        let mut commands: Vec<&'static Command> = self.session.context().registry().commands().to_vec();
        commands.sort_by_key(|command| command.name);
        for command in commands {
            let words: Vec<&str> = command.name.split(' ').collect();
            let Some(rest) = words.strip_prefix(given) else { continue };
            match rest {
                [] => {}
                [last] => found.add_at(start, *last, command.summary, true),
                [next, ..] => found.add_at(start, *next, format!("commands of `{next}`"), true),
            }
        }
    }

    /// The columns of what flows in, without those that were named already.
    pub(super) fn columns(&self, found: &mut Found<'_>, start: usize, given: &[&str]) {
        let input = self.input();
        let Some(fields) = input.fields() else { return };
        for (column, of) in &fields.columns {
            if !given.contains(&&**column) {
                found.add_at(start, value::literal::bare_or_quoted(column), of.to_string(), true);
            }
        }
    }
}

/// Values of a type that has few.
pub(super) fn typed(found: &mut Found<'_>, start: usize, of: &Type) {
    match of {
        Type::Word(words) => words.iter().for_each(|word| found.add_at(start, &**word, "", true)),
        Type::Bool => ["true", "false"].into_iter().for_each(|word| found.add_at(start, word, "", true)),
        Type::OneOf(all) => all.iter().for_each(|of| typed(found, start, of)),
        _ => {}
    }
}

fn flag_of<'a>(wanted: &'a [Wanted], word: &str) -> Option<&'a Wanted> {
    if let Some(name) = word.strip_prefix("--") {
        return wanted.iter().find(|param| param.kind.is_flag() && param.name == name);
    }
    // In a group of letters the last one may take a value.
    let letters = word.strip_prefix('-').filter(|letters| letters.starts_with(char::is_alphabetic))?;
    wanted.iter().find(|param| param.kind.short().is_some_and(|short| letters.ends_with(short)))
}

/// The words that are neither flags nor their values.
fn positional_words<'a>(wanted: &[Wanted], given: &[&'a str]) -> Vec<&'a str> {
    let mut words = Vec::new();
    let mut given = given.iter();
    while let Some(word) = given.next() {
        match flag_of(wanted, word) {
            Some(param) if matches!(param.kind, Kind::Flag(_)) => {
                given.next();
            }
            Some(_) => {}
            None if word.starts_with("--") => {}
            None => words.push(*word),
        }
    }
    words
}
