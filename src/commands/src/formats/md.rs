//! Markdown: a document becomes a row per block, rows become a Markdown table.

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd};
use value::interrupt;

use crate::prelude::*;
use crate::rows;

pub static FROM: Command = Command {
    name: "from md",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Reads Markdown: a row for each block of the document",
    details: "`element` says what a block is: `front-matter`, `heading`, `paragraph`, `quote`, `item`, `code`, `table`, \
              `html`, `math`, `footnote` or `rule`. `level` is a heading's, or how deep an item lies in lists, from 1. \
              `content` is the block's text without marks; a table has `rows` instead, of strings. `attributes` has what \
              only some blocks have: a code block's `lang`, whether an item is `ordered` or `checked`. `links` are the \
              block's links and images.",
    io: &[("string", BLOCKS), ("nothing", BLOCKS)],
    examples: &[
        example(
            "The headings",
            "\"# A\\ntext\\n## B *c*\" | from md | where element == heading | select level content",
            "[[level content]; [1 A] [2 'B c']]",
        ),
        example("A table", "\"| a | b |\\n|---|---|\\n| 1 | x |\" | from md | get 0.rows", "[[a b]; ['1' x]]"),
        example("Where links lead", "'[here](./a.md)' | from md | get links | flatten | get url", "['./a.md']"),
    ],
    search: &["markdown", "headings", "links"],
    run: |call, input| {
        let text = super::text_of(call, input)?;
        read(&text).map(Data::Value)
    },
    ..Command::DEFAULT
};

/// The type of what `from md` gives.
const BLOCKS: &str = "table<element: string, level: int, content: string, rows: any, attributes: record, links: list, \
                      line: int>";

pub static TO: Command = Command {
    name: "to md",
    category: Category::Formats,
    effect: Effect::Computes,
    summary: "Writes rows as a Markdown table, a list as one",
    params: &[Param::switch("pretty", Some('p'), "Make columns equally wide")],
    io: &[("any", "string")],
    examples: &[example("A table", "[[a b]; [1 x]] | to md", "\"| a | b |\\n| --- | --- |\\n| 1 | x |\"")],
    search: &["markdown"],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| {
        let value = rows::value(call, input)?;
        write(&value, call.switch("pretty")).map(|text| Data::Value(Value::string(text)))
    },
    ..Command::DEFAULT
};

/// What is known of a block while it is read.
#[derive(Default)]
struct Block {
    element: &'static str,
    level: Option<i64>,
    content: String,
    /// The cells of a table, its titles first.
    cells: Vec<Vec<String>>,
    attributes: Vec<(&'static str, Value)>,
    links: Vec<Value>,
    /// The byte it begins at.
    start: usize,
}

impl Block {
    /// Where text goes: a table's into its last cell.
    fn text(&mut self) -> &mut String {
        match self.cells.last_mut().and_then(|row| row.last_mut()) {
            Some(cell) => cell,
            None => &mut self.content,
        }
    }
}

/// A link or an image that is being read, with the length of the text before it.
struct Link {
    url: String,
    image: bool,
    from: usize,
}

/// The blocks of a document, as rows.
fn read(text: &str) -> Result<Value> {
    let mut reader = Reader::default();
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_MATH
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        interrupt::check()?;
        reader.take(event, range.start);
    }
    let mut line = 1;
    let mut counted = 0;
    let rows = reader.done.into_iter().map(|block| {
        // An item is begun before the blocks within it, so that starts only grow.
        line += text.get(counted..block.start).unwrap_or_default().matches('\n').count();
        counted = counted.max(block.start);
        row(block, line)
    });
    Ok(Value::list(rows.collect::<Vec<_>>()))
}

fn row(block: Block, line: usize) -> Value {
    let mut cells = block.cells.into_iter();
    let rows = cells.next().map(|titles| {
        let row = |cells: Vec<String>| {
            let cells = cells.into_iter().chain(std::iter::repeat(String::new()));
            Value::record(titles.iter().zip(cells).map(|(title, cell)| (title.as_str(), Value::from(cell))).collect())
        };
        Value::list(cells.map(row).collect::<Vec<_>>())
    });
    let fields = [
        ("element", Value::from(block.element)),
        ("level", block.level.map_or(Value::Nothing, Value::Int)),
        ("content", Value::from(block.content.trim_end_matches('\n'))),
        ("rows", rows.unwrap_or(Value::Nothing)),
        ("attributes", Value::record(block.attributes.into_iter().collect())),
        ("links", Value::list(block.links)),
        ("line", Value::Int(i64::try_from(line).unwrap_or(i64::MAX))),
    ];
    Value::record(fields.into_iter().collect())
}

#[derive(Default)]
struct Reader {
    done: Vec<Block>,
    /// Whether each list that is open counts its items.
    lists: Vec<bool>,
    quotes: usize,
    /// The footnote that is being read.
    footnote: Option<String>,
    links: Vec<Link>,
    /// Whether the last block still takes text.
    open: bool,
}

impl Reader {
    fn begin(&mut self, element: &'static str, start: usize) -> &mut Block {
        self.open = true;
        self.done.push(Block { element, start, ..Block::default() });
        let last = self.done.len() - 1;
        &mut self.done[last]
    }

    /// The block that takes text.
    fn block(&mut self) -> Option<&mut Block> {
        if self.open { self.done.last_mut() } else { None }
    }

    fn text(&mut self, text: &str) {
        if let Some(block) = self.block() {
            block.text().push_str(text);
        }
    }

    fn take(&mut self, event: Event<'_>, start: usize) {
        match event {
            Event::Start(tag) => self.start(tag, start),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::InlineHtml(text) => {
                self.text(&text)
            }
            Event::Html(text) => self.text(&text),
            Event::FootnoteReference(name) => self.text(&format!("[^{name}]")),
            Event::DisplayMath(text) => self.display(&text, start),
            Event::SoftBreak => self.text(" "),
            Event::HardBreak => self.text("\n"),
            Event::Rule => {
                self.begin("rule", start);
                self.open = false;
            }
            Event::TaskListMarker(checked) => {
                if let Some(block) = self.block() {
                    block.attributes.push(("checked", Value::Bool(checked)));
                }
            }
        }
    }

    /// Mathematics of its own lines: a block when the paragraph has nothing else so far.
    fn display(&mut self, text: &CowStr<'_>, start: usize) {
        match self.block() {
            Some(block) if block.element == "paragraph" && block.content.is_empty() => {
                block.element = "math";
                block.content = text.trim().to_string();
            }
            Some(_) => self.text(text),
            None => self.begin("math", start).content = text.trim().to_string(),
        }
    }

    fn start(&mut self, tag: Tag<'_>, start: usize) {
        match tag {
            Tag::Heading { level, .. } => self.begin("heading", start).level = Some(level as i64),
            Tag::Paragraph => self.paragraph(start),
            Tag::BlockQuote(_) => self.quotes += 1,
            Tag::CodeBlock(kind) => {
                let block = self.begin("code", start);
                // What is after the first word of the line is for whoever shows the code.
                if let CodeBlockKind::Fenced(info) = kind
                    && let Some(lang) = info.split([' ', ',']).find(|word| !word.is_empty())
                {
                    block.attributes.push(("lang", Value::from(lang)));
                }
            }
            Tag::HtmlBlock => drop(self.begin("html", start)),
            Tag::List(first) => {
                self.lists.push(first.is_some());
                self.open = false;
            }
            Tag::Item => {
                let (depth, ordered) = (self.lists.len(), self.lists.last().copied().unwrap_or(false));
                let block = self.begin("item", start);
                block.level = i64::try_from(depth).ok();
                block.attributes.push(("ordered", Value::Bool(ordered)));
            }
            Tag::FootnoteDefinition(name) => self.footnote = Some(name.to_string()),
            Tag::Table(_) => drop(self.begin("table", start)),
            Tag::TableHead | Tag::TableRow => {
                if let Some(block) = self.block() {
                    block.cells.push(Vec::new());
                }
            }
            Tag::TableCell => {
                if let Some(row) = self.block().and_then(|block| block.cells.last_mut()) {
                    row.push(String::new());
                }
            }
            Tag::Link { dest_url, .. } => self.link(&dest_url, false),
            Tag::Image { dest_url, .. } => self.link(&dest_url, true),
            Tag::MetadataBlock(_) => drop(self.begin("front-matter", start)),
            // What only changes how text looks, and what is not read as anything of its own.
            _ => {}
        }
    }

    /// A paragraph is what its surroundings make of it: the first of an item is the item's text.
    fn paragraph(&mut self, start: usize) {
        if self.block().is_some_and(|block| block.element == "item" && block.content.is_empty()) {
            return;
        }
        if let Some(name) = self.footnote.take() {
            self.begin("footnote", start).attributes.push(("name", Value::from(name)));
            return;
        }
        let (element, depth) = if self.quotes > 0 { ("quote", self.quotes) } else { ("paragraph", 0) };
        self.begin(element, start).level = i64::try_from(depth).ok().filter(|depth| *depth > 0);
    }

    fn link(&mut self, url: &str, image: bool) {
        let from = self.block().map_or(0, |block| block.text().len());
        self.links.push(Link { url: url.to_string(), image, from });
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Link | TagEnd::Image => {
                let (link, block) = (self.links.pop(), self.block());
                if let (Some(link), Some(block)) = (link, block) {
                    let text = block.text().get(link.from..).unwrap_or_default().into();
                    let fields = [("text", text), ("url", link.url.into()), ("image", Value::Bool(link.image))];
                    block.links.push(Value::record(fields.into_iter().collect()));
                }
            }
            TagEnd::BlockQuote(_) => self.quotes = self.quotes.saturating_sub(1),
            TagEnd::List(_) => {
                self.lists.pop();
                self.open = false;
            }
            TagEnd::FootnoteDefinition => self.footnote = None,
            TagEnd::Heading(_)
            | TagEnd::Paragraph
            | TagEnd::CodeBlock
            | TagEnd::HtmlBlock
            | TagEnd::Item
            | TagEnd::Table
            | TagEnd::MetadataBlock(_) => self.open = false,
            _ => {}
        }
    }
}

/// The value as Markdown.
pub(crate) fn write(value: &Value, pretty: bool) -> Result<String> {
    let rows = match value {
        Value::Record(_) => Arc::new(vec![value.clone()]),
        table if table.is_table() => table.items()?,
        Value::List(items) => {
            let lines = items.iter().map(|item| interrupt::check().map(|()| format!("* {}", cell(item))));
            return Ok(lines.collect::<Result<Vec<_>>>()?.join("\n"));
        }
        other => return Ok(value::text::to_text(other)),
    };
    let mut names: Vec<Arc<str>> = Vec::new();
    for row in rows.iter().filter_map(Value::as_record) {
        interrupt::check()?;
        for name in row.columns().iter() {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    let mut lines: Vec<Vec<String>> = vec![names.iter().map(|name| escape(name)).collect()];
    for row in rows.iter().filter_map(Value::as_record) {
        interrupt::check()?;
        lines.push(names.iter().map(|name| row.get(name).map(cell).unwrap_or_default()).collect());
    }
    let widths: Vec<usize> = (0..names.len())
        .map(|at| if pretty { lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0).max(3) } else { 0 })
        .collect();
    let draw = |cells: &[String]| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("| {} |", padded.join(" | "))
    };
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat((*width).max(3))).collect();
    let mut text = format!("{}\n{}", draw(&lines[0]), draw(&rule));
    for line in &lines[1..] {
        interrupt::check()?;
        text.push('\n');
        text.push_str(&draw(line));
    }
    Ok(text)
}

fn cell(value: &Value) -> String {
    escape(&value::text::to_text(value))
}

fn escape(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', "<br>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(text: &str) -> Vec<String> {
        let blocks = read(text).expect("nothing interrupts it").items().expect("a list");
        blocks.iter().map(value::literal::to_literal).collect()
    }

    fn block(element: &str, level: &str, content: &str, rest: &str) -> String {
        format!("{{element: {element}, level: {level}, content: {content}, {rest}}}")
    }

    #[test]
    fn each_block_is_a_row_with_its_line() {
        let text = "---\ntitle: x\n---\n# Head *em* `c`\n\none\ntwo\n\n> said\n\n***\n\n```rust,ignore\nfn main() {}\n```\n<p>x</p>\n";
        let bare = |line: usize| format!("rows: null, attributes: {{}}, links: [], line: {line}");
        assert_eq!(
            blocks(text),
            [
                block("front-matter", "null", "\"title: x\"", &bare(1)),
                block("heading", "1", "\"Head em c\"", &bare(4)),
                block("paragraph", "null", "\"one two\"", &bare(6)),
                block("quote", "1", "said", &bare(9)),
                block("rule", "null", "\"\"", &bare(11)),
                block("code", "null", "\"fn main() {}\"", "rows: null, attributes: {lang: rust}, links: [], line: 13"),
                block("html", "null", "\"<p>x</p>\"", &bare(16)),
            ]
        );
    }

    #[test]
    fn items_say_how_deep_they_lie_and_whether_they_are_done() {
        let item = |level: &str, content: &str, attributes: &str, line: usize| {
            block("item", level, content, &format!("rows: null, attributes: {attributes}, links: [], line: {line}"))
        };
        assert_eq!(
            blocks("- [x] a\n  1. b\n- [ ] c\n\n- d\n\n  more\n"),
            [
                item("1", "a", "{ordered: false, checked: true}", 1),
                item("2", "b", "{ordered: true}", 2),
                item("1", "c", "{ordered: false, checked: false}", 3),
                item("1", "d", "{ordered: false}", 5),
                block("paragraph", "null", "more", "rows: null, attributes: {}, links: [], line: 7"),
            ]
        );
    }

    #[test]
    fn tables_have_rows_and_links_where_they_lead() {
        let read = blocks("| a | b |\n|---|---|\n| 1 | [x](u) |\n| 2 |\n\nsee ![pic](p.png) [^n]\n\n[^n]: so\n");
        assert!(read[0].contains("rows: [[a, b]; [\"1\", x], [\"2\", \"\"]]"), "{}", read[0]);
        assert!(read[0].contains("links: [[text, url, image]; [x, u, false]]"), "{}", read[0]);
        assert!(read[1].contains("content: \"see pic [^n]\"") && read[1].contains("[pic, p.png, true]"), "{}", read[1]);
        assert!(read[2].starts_with("{element: footnote") && read[2].contains("{name: n}"), "{}", read[2]);
        assert!(blocks("").is_empty());
        assert!(blocks("$$\ny\n$$")[0].starts_with("{element: math, level: null, content: y"));
    }
}
