//! XML, to and from: an element is `{tag, attributes, content}`, a text `{tag: null, attributes: null, content: text}`.

use quick_xml::Reader;
use quick_xml::escape::{escape, partial_escape};
use quick_xml::events::{BytesEnd, BytesPI, BytesStart, BytesText, Event};
use quick_xml::writer::Writer;

use crate::prelude::*;
use crate::rows;

/// How deep elements may lie in each other: more is an attack.
const DEEPEST: usize = 256;

pub static FROM: Command = Command {
    name: "from xml",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Reads XML: each element is a record of `tag`, `attributes` and `content`",
    details: "A text has neither tag nor attributes. Comments have the tag `!`, and instructions a tag that begins with `?`; \
              both are left out unless kept. Entities that a document declares itself are not known.",
    params: &[
        Param::switch("keep-comments", None, "Comments too"),
        Param::switch("keep-pi", None, "Processing instructions too"),
        Param::switch("allow-dtd", None, "Documents may declare their type; nothing is read from the declaration"),
    ],
    io: &[("string", "record"), ("nothing", "nothing")],
    examples: &[example("An element", "'<a b=\"1\">c</a>' | from xml | get attributes.b", "\"1\"")],
    search: &["html", "rss", "svg"],
    infer: Some(|shape| matches!(shape.input, Type::String).then(|| Type::Record(Fields::open()))),
    run: |call, input| {
        let text = super::text_of(call, input)?;
        let keep = Keep {
            comments: call.switch("keep-comments"),
            instructions: call.switch("keep-pi"),
            doctype: call.switch("allow-dtd"),
        };
        read(&text, keep).map(Data::Value).map_err(|(at, why)| {
            let before = text.get(..at).unwrap_or(&text);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            super::unreadable(call, "XML", &text, line, column, &why)
        })
    },
    ..Command::DEFAULT
};

#[derive(Clone, Copy)]
struct Keep {
    comments: bool,
    instructions: bool,
    doctype: bool,
}

/// An element that is being read.
struct Open {
    tag: String,
    attributes: Value,
    content: Vec<Value>,
}

fn element(tag: Value, attributes: Value, content: Value) -> Value {
    Value::record([("tag", tag), ("attributes", attributes), ("content", content)].into_iter().collect())
}

/// Reads a document; what is wrong, and at which byte.
fn read(text: &str, keep: Keep) -> std::result::Result<Value, (usize, String)> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    // Texts and references to characters come one by one.
    let mut pending = String::new();
    loop {
        let event = reader.read_event();
        let at = usize::try_from(reader.error_position().max(reader.buffer_position())).unwrap_or(text.len());
        let event = event.map_err(|error| (at, error.to_string()))?;
        let failed = |error: &dyn std::fmt::Display| (at, error.to_string());
        if !matches!(event, Event::Text(_) | Event::GeneralRef(_)) {
            let content = std::mem::take(&mut pending);
            match open.last_mut() {
                Some(parent) if !content.trim().is_empty() => {
                    parent.content.push(element(Value::Nothing, Value::Nothing, Value::string(content.trim())));
                }
                None if !content.trim().is_empty() => return Err((at, "text stands outside of any element".into())),
                _ => {}
            }
        }
        let done = match event {
            Event::Start(start) => {
                if open.len() >= DEEPEST {
                    return Err((at, format!("elements lie more than {DEEPEST} deep in each other")));
                }
                open.push(begin(&start, &reader).map_err(|why| (at, why))?);
                continue;
            }
            Event::Empty(start) => {
                let Open { tag, attributes, .. } = begin(&start, &reader).map_err(|why| (at, why))?;
                element(Value::string(tag), attributes, Value::list(Vec::new()))
            }
            Event::End(_) => match open.pop() {
                Some(Open { tag, attributes, content }) => {
                    element(Value::string(tag), attributes, Value::list(content))
                }
                None => return Err((at, "an element ends that never began".into())),
            },
            Event::Text(text) => {
                pending.push_str(&text.decode().map_err(|error| failed(&error))?);
                continue;
            }
            Event::GeneralRef(reference) => {
                let name = reference.decode().map_err(|error| failed(&error))?;
                let character = reference.resolve_char_ref().map_err(|error| failed(&error))?;
                match (character, quick_xml::escape::resolve_xml_entity(&name)) {
                    (Some(character), _) => pending.push(character),
                    (None, Some(known)) => pending.push_str(known),
                    (None, None) => return Err((at, format!("the entity `&{name};` is not known"))),
                }
                continue;
            }
            Event::CData(data) => {
                let text = data.decode().map_err(|error| failed(&error))?;
                element(Value::Nothing, Value::Nothing, Value::string(text))
            }
            Event::Comment(comment) if keep.comments => {
                let text = comment.decode().map_err(|error| failed(&error))?;
                element(Value::from("!"), Value::Nothing, Value::string(text))
            }
            Event::PI(instruction) if keep.instructions => {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let content = text(instruction.content()).trim().to_string();
                let content = if content.is_empty() { Value::Nothing } else { Value::string(content) };
                element(Value::string(format!("?{}", text(instruction.target()))), Value::Nothing, content)
            }
            Event::DocType(_) if !keep.doctype => {
                return Err((at, "it declares a type, which may hide an attack; `--allow-dtd` passes over it".into()));
            }
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) | Event::DocType(_) => continue,
            Event::Eof => match (open.pop(), root) {
                (Some(open), _) => return Err((at, format!("`<{}>` never ends", open.tag))),
                (None, None) => return Err((at, "there is no element".into())),
                (None, Some(root)) => return Ok(root),
            },
        };
        match open.last_mut() {
            Some(parent) => parent.content.push(done),
            // Comments and instructions may stand around the one element.
            None if matches!(done.as_record().and_then(|done| done.get("tag")), Some(Value::String(tag)) if tag.starts_with(['!', '?'])) =>
                {}
            None if root.is_some() => return Err((at, "a second element stands beside the first".into())),
            None => root = Some(done),
        }
    }
}

fn begin(start: &BytesStart<'_>, reader: &Reader<&[u8]>) -> std::result::Result<Open, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut attributes = Record::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = attribute.decode_and_unescape_value(reader.decoder()).map_err(|error| error.to_string())?;
        attributes.insert(text(attribute.key.as_ref()), Value::string(value));
    }
    Ok(Open { tag: text(start.name().as_ref()), attributes: Value::record(attributes), content: Vec::new() })
}

pub static TO: Command = Command {
    name: "to xml",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Writes records of `tag`, `attributes` and `content` as XML",
    details: "A text may stand for `{tag: null, attributes: null, content: text}`, and what is empty may be left out.",
    params: &[
        Param::flag("indent", Some('i'), Takes::Type("int"), "Over several lines, each level by so many blanks"),
        Param::switch("partial-escape", Some('p'), "Write quotes as they are where nothing forbids it"),
        Param::switch("self-closed", Some('s'), "Write `<a/>` for what is empty"),
    ],
    io: &[("record", "string")],
    examples: &[example("An element", "{tag: a, attributes: {b: '1'}, content: [c]} | to xml", "'<a b=\"1\">c</a>'")],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| {
        let value = rows::value(call, input)?;
        let writer = match rows::count(call, "indent")? {
            Some(indent) => Writer::new_with_indent(Vec::new(), b' ', indent.min(32)),
            None => Writer::new(Vec::new()),
        };
        let mut to =
            To { writer, partial: call.switch("partial-escape"), self_closed: call.switch("self-closed"), depth: 0 };
        rows::here(call, to.write(&value, true))?;
        Ok(Data::Value(Value::string(String::from_utf8_lossy(&to.writer.into_inner()))))
    },
    ..Command::DEFAULT
};

struct To {
    writer: Writer<Vec<u8>>,
    partial: bool,
    self_closed: bool,
    depth: usize,
}

impl To {
    fn put(&mut self, event: Event<'_>) -> Result<()> {
        // Into memory, which does not fail.
        self.writer.write_event(event).map_err(|error| Diagnostic::new(codes::NO_FORM, error.to_string()))
    }

    fn escaped(&self, text: &str) -> String {
        if self.partial { partial_escape(text).into_owned() } else { escape(text).into_owned() }
    }

    fn write(&mut self, value: &Value, root: bool) -> Result<()> {
        let wrong = |what: &str| {
            Diagnostic::new(codes::NO_FORM, format!("this is no element of XML: {what}"))
                .help("an element is a record of `tag`, `attributes` and `content`")
        };
        let record = match value {
            Value::Record(record) => record,
            Value::String(text) if !root => return self.put(Event::Text(BytesText::from_escaped(self.escaped(text)))),
            other => return Err(wrong(&format!("it is {}", other.type_of()))),
        };
        if let Some(other) = record.names().find(|name| !["tag", "attributes", "content"].contains(name)) {
            return Err(wrong(&format!("it has a field `{other}`")));
        }
        let given = |name: &str| record.get(name).filter(|value| !value.is_nothing());
        let content = given("content");
        let tag = match given("tag") {
            None => match content {
                Some(Value::String(text)) if !root => {
                    return self.put(Event::Text(BytesText::from_escaped(self.escaped(text))));
                }
                _ => return Err(wrong("it has no tag")),
            },
            Some(Value::String(tag)) => tag.as_str(),
            Some(other) => return Err(wrong(&format!("its tag is {}", other.type_of()))),
        };
        let text = || content.and_then(Value::as_str).unwrap_or_default();
        if tag == "!" {
            return self.put(Event::Comment(BytesText::from_escaped(text())));
        }
        if let Some(target) = tag.strip_prefix('?') {
            return self.put(Event::PI(BytesPI::new(format!("{target} {}", text()))));
        }
        if tag.is_empty() || tag.contains(|c: char| c.is_whitespace() || "<>&\"'/=".contains(c)) {
            return Err(wrong(&format!("`{tag}` cannot be a tag")));
        }
        let mut start = BytesStart::new(tag.to_string());
        match given("attributes") {
            None => {}
            Some(Value::Record(attributes)) => {
                for (name, value) in attributes.iter() {
                    let Some(value) = value.as_str() else {
                        return Err(wrong(&format!("its attribute `{name}` is {}", value.type_of())));
                    };
                    start.push_attribute((name.as_bytes(), self.escaped(value).as_bytes()));
                }
            }
            Some(other) => return Err(wrong(&format!("its attributes are {}", other.type_of()))),
        }
        let items = match content {
            None => Arc::default(),
            Some(content @ (Value::List(_) | Value::Table(_))) => content.items()?,
            Some(text @ Value::String(_)) => Arc::new(vec![text.clone()]),
            Some(other) => return Err(wrong(&format!("its content is {}", other.type_of()))),
        };
        if items.is_empty() && self.self_closed {
            return self.put(Event::Empty(start));
        }
        if self.depth >= DEEPEST {
            return Err(wrong("it lies too deep"));
        }
        self.put(Event::Start(start))?;
        self.depth += 1;
        for item in items.iter() {
            self.write(item, false)?;
        }
        self.depth -= 1;
        self.put(Event::End(BytesEnd::new(tag)))
    }
}
