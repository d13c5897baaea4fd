//! A reader of EBNF, and sentences derived from it at random.

use std::collections::{BTreeMap, BTreeSet};

/// What a rule is made of.
#[derive(Debug)]
pub enum Part {
    Text(String),
    /// `? words ?`: one of the samples that the test knows for these words.
    Told(String),
    Rule(String),
    Sequence(Vec<Part>),
    Choice(Vec<Part>),
    Optional(Box<Part>),
    Repeated(Box<Part>),
}

/// The rules of a grammar.
pub struct Grammar {
    rules: BTreeMap<String, Part>,
    /// How deep the shallowest sentence of each rule nests.
    depth: BTreeMap<String, usize>,
    samples: BTreeMap<&'static str, &'static [&'static str]>,
}

impl Grammar {
    /// Reads a grammar; `samples` are what stands for the rules told in words.
    ///
    /// # Panics
    /// When the grammar is not one: it belongs to the program.
    pub fn read(text: &str, samples: &[(&'static str, &'static [&'static str])]) -> Self {
        let mut reader = Reader { words: words(text), at: 0 };
        let mut rules = BTreeMap::new();
        while let Some(name) = reader.next() {
            assert_eq!(reader.next().as_deref(), Some("="), "after {name}");
            let part = reader.choice();
            assert_eq!(reader.next().as_deref(), Some(";"), "at the end of {name}");
            assert!(rules.insert(name.clone(), part).is_none(), "{name} is defined twice");
        }
        let mut grammar = Grammar { rules, depth: BTreeMap::new(), samples: samples.iter().copied().collect() };
        grammar.measure();
        grammar
    }

    fn measure(&mut self) {
        loop {
            let found: Vec<(String, usize)> = self
                .rules
                .iter()
                .filter_map(|(name, part)| Some((name.clone(), self.shallowest(part)? + 1)))
                .filter(|(name, depth)| self.depth.get(name) != Some(depth))
                .collect();
            if found.is_empty() {
                break;
            }
            self.depth.extend(found);
        }
        for name in self.rules.keys() {
            assert!(self.depth.contains_key(name), "{name} derives no sentence");
        }
    }

    fn shallowest(&self, part: &Part) -> Option<usize> {
        match part {
            Part::Text(_) | Part::Told(_) | Part::Optional(_) | Part::Repeated(_) => Some(0),
            Part::Rule(name) => self.depth.get(name).copied(),
            Part::Sequence(parts) => {
                parts.iter().map(|part| self.shallowest(part)).try_fold(0, |most, one| Some(most.max(one?)))
            }
            Part::Choice(parts) => parts.iter().filter_map(|part| self.shallowest(part)).min(),
        }
    }

    /// Everything written as it stands, anywhere in the grammar.
    pub fn texts(&self) -> BTreeSet<&str> {
        fn gather<'a>(part: &'a Part, into: &mut BTreeSet<&'a str>) {
            match part {
                Part::Text(text) => {
                    into.insert(text);
                }
                Part::Told(_) | Part::Rule(_) => {}
                Part::Sequence(parts) | Part::Choice(parts) => parts.iter().for_each(|part| gather(part, into)),
                Part::Optional(part) | Part::Repeated(part) => gather(part, into),
            }
        }
        let mut texts = BTreeSet::new();
        self.rules.values().for_each(|part| gather(part, &mut texts));
        texts
    }

    /// The names of all rules.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.keys().map(String::as_str)
    }

    /// Rules that no other rule uses.
    pub fn unused(&self) -> Vec<&str> {
        fn uses(part: &Part, wanted: &str) -> bool {
            match part {
                Part::Rule(name) => name == wanted,
                Part::Text(_) | Part::Told(_) => false,
                Part::Sequence(parts) | Part::Choice(parts) => parts.iter().any(|part| uses(part, wanted)),
                Part::Optional(part) | Part::Repeated(part) => uses(part, wanted),
            }
        }
        self.rules.keys().map(String::as_str).filter(|name| !self.rules.values().any(|part| uses(part, name))).collect()
    }

    /// One sentence of a rule that nests at most about `fuel` rules; it ends soon when the budget is used up.
    pub fn sentence(&self, rule: &str, fuel: usize, random: &mut Random) -> String {
        let part = self.rules.get(rule).unwrap_or_else(|| panic!("no rule {rule}"));
        random.derived.insert(rule.to_string());
        let mut words = Vec::new();
        let fuel = if random.budget == 0 { 0 } else { fuel.saturating_sub(1) };
        self.derive(part, fuel, random, &mut words);
        words.retain(|word| !word.is_empty());
        words.join(if rule.chars().any(char::is_lowercase) { " " } else { "" })
    }

    fn derive(&self, part: &Part, fuel: usize, random: &mut Random, words: &mut Vec<String>) {
        match part {
            Part::Text(text) => {
                random.budget = random.budget.saturating_sub(1);
                words.push(text.clone());
            }
            Part::Told(told) => {
                let samples = self.samples.get(told.as_str()).unwrap_or_else(|| panic!("no samples for `{told}`"));
                words.push(samples[random.below(samples.len())].to_string());
            }
            Part::Rule(name) => words.push(self.sentence(name, fuel, random)),
            Part::Sequence(parts) => parts.iter().for_each(|part| self.derive(part, fuel, random, words)),
            Part::Choice(parts) => {
                let fits: Vec<&Part> =
                    parts.iter().filter(|part| self.shallowest(part).is_some_and(|depth| depth <= fuel)).collect();
                let least = parts.iter().min_by_key(|part| self.shallowest(part).unwrap_or(usize::MAX));
                let chosen = if fits.is_empty() { least } else { Some(fits[random.below(fits.len())]) };
                self.derive(chosen.expect("a choice has alternatives"), fuel, random, words);
            }
            Part::Optional(part) => {
                if self.affords(part, fuel) && random.below(2) == 0 {
                    self.derive(part, fuel, random, words);
                }
            }
            Part::Repeated(part) => {
                // Few, for each level of operators may repeat.
                while random.budget > 0 && self.affords(part, fuel) && random.below(3) == 0 {
                    self.derive(part, fuel, random, words);
                }
            }
        }
    }

    fn affords(&self, part: &Part, fuel: usize) -> bool {
        self.shallowest(part).is_some_and(|depth| depth <= fuel)
    }
}

/// Numbers that are the same in every run, so that a failure can be looked at again.
pub struct Random {
    state: u64,
    /// How many texts may still be written before only the shortest ways out are taken.
    budget: usize,
    /// The rules that had a part in it.
    pub derived: BTreeSet<String>,
}

impl Random {
    /// Numbers that follow from `seed`.
    pub fn new(seed: u64) -> Self {
        // Neighbouring seeds would begin alike.
        Random {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            budget: 20 + seed as usize % 120,
            derived: BTreeSet::new(),
        }
    }

    /// A number from 0 to below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) as usize % limit
    }
}

struct Reader {
    words: Vec<String>,
    at: usize,
}

impl Reader {
    fn next(&mut self) -> Option<String> {
        let word = self.words.get(self.at).cloned();
        self.at += 1;
        word
    }

    fn peek(&self) -> &str {
        self.words.get(self.at).map_or("", String::as_str)
    }

    fn choice(&mut self) -> Part {
        let mut parts = vec![self.sequence()];
        while self.peek() == "|" {
            self.at += 1;
            parts.push(self.sequence());
        }
        if parts.len() == 1 { parts.remove(0) } else { Part::Choice(parts) }
    }

    fn sequence(&mut self) -> Part {
        let mut parts = Vec::new();
        while !matches!(self.peek(), "" | "|" | ";" | "]" | "}" | ")") {
            parts.push(self.part());
        }
        if parts.len() == 1 { parts.remove(0) } else { Part::Sequence(parts) }
    }

    fn part(&mut self) -> Part {
        let word = self.next().unwrap_or_default();
        let (part, close) = match word.as_str() {
            "[" => (Part::Optional(Box::new(self.choice())), "]"),
            "{" => (Part::Repeated(Box::new(self.choice())), "}"),
            "(" => (self.choice(), ")"),
            word if word.starts_with(['"', '\'']) => return Part::Text(word[1..word.len() - 1].to_string()),
            word if word.starts_with('?') => return Part::Told(word.trim_matches('?').trim().to_string()),
            _ => return Part::Rule(word),
        };
        assert_eq!(self.next().as_deref(), Some(close), "a group is not closed");
        part
    }
}

fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' if rest.starts_with("(*") => {
                let end = rest.find("*)").expect("a comment is closed");
                rest = rest[end + 2..].trim_start();
                continue;
            }
            '"' | '\'' | '?' => rest[1..].find(first).expect("a text is closed") + 2,
            '=' | '|' | ';' | '[' | ']' | '{' | '}' | '(' | ')' => 1,
            _ => rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_'))).unwrap_or(rest.len()),
        };
        assert!(length > 0, "unexpected: {}", rest.lines().next().unwrap_or_default());
        words.push(rest[..length].to_string());
        rest = rest[length..].trim_start();
    }
    words
}
