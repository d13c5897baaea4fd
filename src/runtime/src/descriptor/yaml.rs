//! YAML as a tree that knows where each value stands.

use std::collections::HashMap;

use diag::{Source, Span};
use saphyr_parser::{Event, Parser, ScalarStyle, Span as Place};

/// How deep values may be nested. Dora's descriptors need six levels.
const DEEPEST: usize = 64;
/// How many values aliases may add up to, against texts that unfold without end.
const MOST: usize = 200_000;

/// A value and its place.
#[derive(Debug, Clone)]
pub struct Node {
    pub span: Span,
    pub value: Value,
}

/// What a value is.
#[derive(Debug, Clone)]
pub enum Value {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    String(String),
    List(Vec<Node>),
    /// Keys are text in all that concerns us; another key is kept as it is written.
    Map(Vec<Entry>),
}

/// One key with its value.
#[derive(Debug, Clone)]
pub struct Entry {
    pub key: String,
    pub key_span: Span,
    pub node: Node,
}

/// Where a text ceases to be YAML, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotYaml {
    /// A byte of the text.
    pub at: usize,
    pub text: String,
}

impl Node {
    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node).filter(|node| !node.is_null())
    }

    /// The value under a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let Value::Map(entries) = &mut self.value else { return None };
        entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node).filter(|node| !node.is_null())
    }

    /// Puts a value under a key of a map.
    pub fn set(&mut self, key: &str, node: Node) {
        let Value::Map(entries) = &mut self.value else { return };
        match entries.iter_mut().find(|entry| entry.key == key) {
            Some(entry) => entry.node = node,
            None => entries.push(Entry { key: key.to_string(), key_span: node.span, node }),
        }
    }

    /// The operators of a dataflow's node.
    pub fn operators_mut(&mut self) -> Vec<&mut Node> {
        let Value::Map(entries) = &mut self.value else { return Vec::new() };
        let mut operators = Vec::new();
        for Entry { key, node, .. } in entries {
            match key.as_str() {
                "operators" => operators.extend(node.items_mut()),
                "operator" => operators.push(node),
                _ => {}
            }
        }
        operators
    }

    /// The maps of inputs of a dataflow's node: its own and those of its operators.
    pub fn input_maps(&mut self) -> Vec<&mut Node> {
        let Value::Map(entries) = &mut self.value else { return Vec::new() };
        let mut maps = Vec::new();
        for Entry { key, node, .. } in entries {
            match key.as_str() {
                "inputs" => maps.push(node),
                "operators" => maps.extend(node.items_mut().iter_mut().filter_map(|one| one.get_mut("inputs"))),
                "operator" => maps.extend(node.get_mut("inputs")),
                _ => {}
            }
        }
        maps
    }

    fn items_mut(&mut self) -> &mut [Node] {
        match &mut self.value {
            Value::List(items) => items,
            _ => &mut [],
        }
    }

    /// The value without its place.
    pub fn to_value(&self) -> serde_yaml::Value {
        match &self.value {
            Value::Null => serde_yaml::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Integer(value) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(value), _) => value.into(),
                (_, Ok(value)) => value.into(),
                // Too large for any number there is: nothing that is read as one takes it.
                _ => value.to_string().into(),
            },
            Value::Float(value) => (*value).into(),
            Value::String(value) => value.as_str().into(),
            Value::List(items) => serde_yaml::Value::Sequence(items.iter().map(Node::to_value).collect()),
            Value::Map(entries) => {
                let pairs = entries.iter().map(|entry| (entry.key.as_str().into(), entry.node.to_value()));
                serde_yaml::Value::Mapping(pairs.collect())
            }
        }
    }

    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn boolean(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// What people call the kind of value.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::String(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// Parses the first document of a text; an empty one is [`Value::Null`].
pub fn parse(source: &Source) -> Result<Node, NotYaml> {
    let mut builder = Builder {
        source,
        parser: Parser::new_from_str(&source.text),
        offsets: Offsets::new(&source.text),
        anchors: HashMap::new(),
        count: 0,
    };
    loop {
        let (event, place) = builder.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::StreamEnd | Event::DocumentEnd => {
                return Ok(Node { span: Span::new(source.id, 0, 0), value: Value::Null });
            }
            event => {
                let root = builder.node(event, place, 0)?;
                // Errors behind the first document are errors too; a second document is one.
                loop {
                    let (event, place) = builder.next()?;
                    match event {
                        Event::StreamEnd => return Ok(root),
                        Event::DocumentStart(_) => {
                            return Err(NotYaml {
                                at: builder.offsets.byte(place.start.index()),
                                text: "a dataflow is one YAML document, and a second one begins here".to_string(),
                            });
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}

struct Builder<'a> {
    source: &'a Source,
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    offsets: Offsets,
    anchors: HashMap<usize, Node>,
    count: usize,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Place), NotYaml> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                Err(NotYaml { at: self.offsets.byte(error.marker().index()), text: error.info().to_string() })
            }
            None => Ok((Event::StreamEnd, Place::default())),
        }
    }

    fn span(&self, place: Place) -> Span {
        let (start, end) = (self.offsets.byte(place.start.index()), self.offsets.byte(place.end.index()));
        Span::new(self.source.id, start, end.max(start))
    }

    fn node(&mut self, event: Event<'a>, place: Place, depth: usize) -> Result<Node, NotYaml> {
        let span = self.span(place);
        let refuse = |text: &str| NotYaml { at: span.start as usize, text: text.to_string() };
        self.count += 1;
        if self.count > MOST {
            return Err(refuse("there are too many values"));
        }
        if depth > DEEPEST {
            return Err(refuse("values are nested too deeply"));
        }
        let (anchor, node) = match event {
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned().ok_or_else(|| refuse("there is no such anchor"))?;
                self.count += size(&node);
                return Ok(Node { span, ..node });
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let value = if plain { plain_value(&text) } else { Value::String(text.into_owned()) };
                (anchor, Node { span, value })
            }
            Event::SequenceStart(anchor, _) => {
                let mut items = Vec::new();
                let end = loop {
                    let (event, place) = self.next()?;
                    match event {
                        Event::SequenceEnd => break place,
                        event => items.push(self.node(event, place, depth + 1)?),
                    }
                };
                let end = items.last().map_or(self.span(end), |item: &Node| item.span);
                (anchor, Node { span: span.to(end), value: Value::List(items) })
            }
            Event::MappingStart(anchor, _) => {
                let mut entries: Vec<Entry> = Vec::new();
                let end = loop {
                    let (event, place) = self.next()?;
                    if let Event::MappingEnd = event {
                        break place;
                    }
                    let key = self.node(event, place, depth + 1)?;
                    let (event, place) = self.next()?;
                    let node = self.node(event, place, depth + 1)?;
                    let text = match &key.value {
                        Value::String(text) => text.clone(),
                        _ => self.source.slice(key.span).to_string(),
                    };
                    if entries.iter().any(|entry| entry.key == text) {
                        return Err(NotYaml {
                            at: key.span.start as usize,
                            text: format!("the key `{text}` is in this map twice"),
                        });
                    }
                    entries.push(Entry { key: text, key_span: key.span, node });
                };
                let end = entries.last().map_or(self.span(end), |entry| entry.node.span);
                (anchor, Node { span: span.to(end), value: Value::Map(entries) })
            }
            _ => return Err(refuse("a value is missing")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }
}

fn size(node: &Node) -> usize {
    let inner: usize = node.items().iter().map(size).sum();
    let values: usize = node.entries().iter().map(|entry| size(&entry.node)).sum();
    1 + inner + values
}

/// What a word without quotes means, by YAML's core schema.
fn plain_value(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" => return Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        _ => {}
    }
    let unsigned = text.trim_start_matches(['+', '-']);
    if let Some(digits) = unsigned.strip_prefix("0x") {
        if let Ok(value) = i128::from_str_radix(digits, 16) {
            return Value::Integer(if text.starts_with('-') { -value } else { value });
        }
    } else if let Some(digits) = unsigned.strip_prefix("0o")
        && let Ok(value) = i128::from_str_radix(digits, 8)
    {
        return Value::Integer(if text.starts_with('-') { -value } else { value });
    }
    if unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        if let Ok(value) = text.parse() {
            return Value::Integer(value);
        }
        if let Ok(value) = text.parse() {
            return Value::Float(value);
        }
    }
    Value::String(text.to_string())
}

/// The parser counts characters, diagnostics count bytes.
struct Offsets {
    /// The byte each character begins at; empty when both counts agree.
    bytes: Vec<u32>,
    length: usize,
}

impl Offsets {
    fn new(text: &str) -> Self {
        let bytes = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(at, _)| u32::try_from(at).unwrap_or(u32::MAX)).collect()
        };
        Offsets { bytes, length: text.len() }
    }

    fn byte(&self, character: usize) -> usize {
        if self.bytes.is_empty() {
            return character.min(self.length);
        }
        self.bytes.get(character).map_or(self.length, |&at| at as usize)
    }
}

#[cfg(test)]
mod tests {
    use diag::Sources;

    use super::*;

    fn tree(text: &str) -> (std::sync::Arc<Source>, Node) {
        let source = Sources::new().add("test", text);
        let node = parse(&source).unwrap();
        (source, node)
    }

    #[test]
    fn places_are_bytes_even_behind_wide_characters() {
        let (source, root) = tree("name: é€\nnodes:\n  - id: käfer # ü\n");
        let id = root.get("nodes").unwrap().items()[0].get("id").unwrap();
        assert_eq!(source.slice(id.span), "käfer");
        assert_eq!(source.line_column(id.span.start as usize), (3, 9));
    }

    #[test]
    fn an_alias_stands_where_it_is_used_and_means_what_it_names() {
        let (source, root) = tree("a: &x {b: 1}\nc: *x\n");
        let alias = root.get("c").unwrap();
        assert!(matches!(alias.get("b").unwrap().value, Value::Integer(1)));
        assert_eq!(source.slice(alias.span), "*x");
    }

    #[test]
    fn a_text_that_unfolds_without_end_is_refused() {
        let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_string();
        for level in 1..9 {
            let alias = format!("*a{}", level - 1);
            text += &format!("a{level}: &a{level} [{}]\n", vec![alias; 9].join(","));
        }
        let source = Sources::new().add("bomb", text);
        assert_eq!(parse(&source).unwrap_err().text, "there are too many values");
    }

    #[test]
    fn a_key_given_twice_is_told_at_the_second() {
        let source = Sources::new().add("test", "a: 1\na: 2\n");
        assert_eq!(parse(&source).unwrap_err().at, 5);
    }

    #[test]
    fn words_mean_what_yaml_says() {
        for (word, kind) in [
            ("~", "nothing"),
            ("true", "a boolean"),
            ("yes", "text"),
            ("1e3", "a number"),
            ("-7", "a whole number"),
            ("1.2.3", "text"),
        ] {
            assert_eq!(tree(&format!("a: {word}")).1.entries()[0].node.kind(), kind, "{word}");
        }
    }
}
