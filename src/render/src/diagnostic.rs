//! A failure as text.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use diag::{Cause, Diagnostic, Label, Sources};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use nu_ansi_term::{Color, Style};
use value::units::format_duration;

use crate::excerpt::Excerpt;
use crate::fit::{escape, without_sequences, wrap};
use crate::options::Options;

/// Columns of the text off a terminal.
const WIDTH: usize = 100;
/// Below this nothing readable can be drawn.
const NARROWEST: usize = 40;

/// Draws a diagnostic and all related ones: code, message, causes, the marked source, help, and commands to type
/// next, which are never broken over lines so that they can be pasted. A line that counts them follows when there
/// are several. The text ends with a line break.
pub fn diagnostic_to_text(diagnostic: &Diagnostic, sources: &Sources, options: &Options) -> String {
    let all = flatten(diagnostic);
    let painter = Painter::new(sources, options);
    let mut text = String::new();
    for (at, one) in all.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        text.push_str(&painter.draw(one));
    }
    if all.len() > 1 {
        let line = format!("{} errors", all.len());
        text.push('\n');
        text.push_str(&painter.paint(Color::Red.bold(), &line));
        text.push('\n');
    }
    text
}

/// A warning in a line, and how to say it instead.
pub fn warning_to_text(warning: &Diagnostic, options: &Options) -> String {
    let words = match &warning.help {
        Some(help) => format!("{}: {help}", warning.message),
        None => warning.message.clone(),
    };
    mention_to_text(&words, options)
}

/// Words that are no error, after a mark.
pub fn mention_to_text(words: &str, options: &Options) -> String {
    let mark = if options.theme.colors { Color::Yellow.bold().paint("⚠").to_string() } else { "⚠".into() };
    let words = escape(words).replace('\n', " ");
    let lines = wrap(&words, options.width.unwrap_or(usize::MAX).saturating_sub(3));
    format!("{mark} {}\n", lines.join("\n  "))
}

/// The diagnostic and all that is related to it, in order.
pub(crate) fn flatten(diagnostic: &Diagnostic) -> Vec<&Diagnostic> {
    let mut all = vec![diagnostic];
    for other in &diagnostic.related {
        all.extend(flatten(other));
    }
    all
}

/// Steps that failed sooner do not say how long they ran.
const WORTH_TELLING: Duration = Duration::from_millis(100);

struct Painter<'a> {
    sources: &'a Sources,
    handler: GraphicalReportHandler,
    width: usize,
    colors: bool,
}

impl<'a> Painter<'a> {
    fn new(sources: &'a Sources, options: &Options) -> Painter<'a> {
        let colors = options.theme.colors;
        let width = options.width.unwrap_or(WIDTH).max(NARROWEST);
        let mut theme = if colors { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        // The second one is yellow, which a light background swallows.
        if colors && theme.styles.highlights.len() > 2 {
            theme.styles.highlights.remove(1);
        }
        let handler =
            GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false).without_syntax_highlighting();
        Painter { sources, handler, width, colors }
    }

    fn draw(&self, diagnostic: &Diagnostic) -> String {
        let mut text = String::new();
        let mut pieces = self.excerpts(&diagnostic.labels).into_iter();
        let first = Piece {
            code: Some(diagnostic.code.id()),
            message: escape(&diagnostic.message).into_owned(),
            causes: Chain::of(&diagnostic.causes),
            excerpt: pieces.next(),
        };
        text.push_str(&self.render(&first));
        for excerpt in pieces {
            let piece = Piece { code: None, message: String::new(), causes: None, excerpt: Some(excerpt) };
            // The marked source alone: its first line would be an empty message.
            let drawn = self.render(&piece);
            text.push_str(drawn.split_once('\n').map_or("", |(_, frame)| frame));
        }
        if let Some(help) = &diagnostic.help {
            self.note(&mut text, "help", help);
        }
        self.commands(&mut text, &diagnostic.next);
        if diagnostic.retryable {
            self.note(&mut text, "note", "the same command may succeed later");
        }
        if let Some(elapsed) = diagnostic.elapsed.filter(|elapsed| *elapsed >= WORTH_TELLING) {
            let millis = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX).saturating_mul(1_000_000);
            self.note(&mut text, "after", &format_duration(millis));
        }
        text
    }

    fn render(&self, piece: &Piece) -> String {
        let mut text = String::new();
        if self.handler.render_report(&mut text, piece).is_err() {
            // The drawing must not hide what it was to show.
            text = format!("{}\n", piece.message);
        }
        // An empty piece of gutter leaves blanks at line ends.
        let lines: Vec<&str> = text.trim_matches('\n').lines().map(str::trim_end).collect();
        lines.join("\n") + "\n"
    }

    /// Labels grouped so that no group holds two sources or marks that overlap, which miette would misplace. The
    /// primary label is in the first group.
    fn excerpts(&self, labels: &[Label]) -> Vec<(Excerpt, Vec<String>)> {
        let mut groups: Vec<Vec<&Label>> = Vec::new();
        for label in labels {
            let clashes = |other: &&Label| {
                let (a, b) = (label.span, other.span);
                a.source != b.source || a.start < b.end && b.start < a.end || a.start == b.start
            };
            match groups.iter_mut().find(|group| !group.iter().any(clashes)) {
                Some(group) => group.push(label),
                None => groups.push(vec![label]),
            }
        }
        let longest = self.width.saturating_sub(12).max(NARROWEST);
        let excerpt = |group: Vec<&Label>| {
            let source = self.sources.get(group.first()?.span.source)?;
            let texts = group.iter().map(|label| escape(&label.text).replace('\n', " ")).collect();
            Some((Excerpt::of(&source, &group, longest), texts))
        };
        groups.into_iter().filter_map(excerpt).collect()
    }

    /// A named line below the source, wrapped under itself.
    fn note(&self, text: &mut String, name: &str, words: &str) {
        let indent = name.len() + 4;
        let words = escape(words);
        let lines = words.lines().flat_map(|line| wrap(line, self.width.saturating_sub(indent)));
        for (at, line) in lines.enumerate() {
            if at == 0 {
                text.push_str(&format!("  {} {line}\n", self.paint(Color::Cyan.normal(), &format!("{name}:"))));
            } else {
                text.push_str(format!("{}{line}", " ".repeat(indent)).trim_end());
                text.push('\n');
            }
        }
    }

    /// Commands, one on a line, whole.
    fn commands(&self, text: &mut String, commands: &[String]) {
        for (at, command) in commands.iter().enumerate() {
            let name = if at == 0 { self.paint(Color::Cyan.normal(), "next:") } else { "     ".into() };
            text.push_str(&format!("  {name} {}\n", self.paint(Style::new().bold(), &escape(command))));
        }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.colors { style.paint(text).to_string() } else { text.to_string() }
    }
}

/// What miette draws at once.
#[derive(Debug)]
struct Piece {
    code: Option<&'static str>,
    message: String,
    causes: Option<Chain>,
    excerpt: Option<(Excerpt, Vec<String>)>,
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Piece {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.causes.as_ref().map(|chain| chain as &(dyn Error + 'static))
    }
}

impl miette::Diagnostic for Piece {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.map(|code| Box::new(code) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|(excerpt, _)| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (excerpt, texts) = self.excerpt.as_ref()?;
        let label = |(at, (mark, text)): (usize, (&std::ops::Range<usize>, &String))| {
            let text = (!text.is_empty()).then(|| text.clone());
            let span = mark.start..mark.end.max(mark.start);
            if at == 0 {
                LabeledSpan::new_primary_with_span(text, span)
            } else {
                LabeledSpan::new_with_span(text, span)
            }
        };
        Some(Box::new(excerpt.marks.iter().zip(texts).enumerate().map(label)))
    }
}

/// Causes as a chain of errors, each with the lines that show it below its title.
#[derive(Debug)]
struct Chain {
    text: String,
    next: Option<Box<Chain>>,
}

impl Chain {
    fn of(causes: &[Cause]) -> Option<Chain> {
        let (first, rest) = causes.split_first()?;
        let mut text = escape(&first.title).into_owned();
        for line in &first.detail {
            text.push_str("\n  ");
            text.push_str(&escape(&without_sequences(line)).replace('\n', "\n  "));
        }
        Some(Chain { text, next: Chain::of(rest).map(Box::new) })
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Chain {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.next.as_deref().map(|chain| chain as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diag::{Span, codes};

    fn text(diagnostic: &Diagnostic, sources: &Sources, colors: bool) -> String {
        diagnostic_to_text(diagnostic, sources, &Options::terminal(80, colors)).replace('\u{1b}', "␛")
    }

    fn sample(sources: &Sources) -> Box<Diagnostic> {
        let line = "dataflow list | where stauts == running | get 0";
        let source = sources.add("<prompt>", line);
        let at = |word: &str| {
            let start = line.find(word).unwrap();
            Span::new(source.id, start, start + word.len())
        };
        Diagnostic::new(codes::NO_SUCH_COLUMN, "this table has no column `stauts`")
            .label(at("stauts"), "no such column")
            .label(at("dataflow list"), "its columns are name, id, status, nodes and uptime")
            .help("did you mean `status`?")
            .next("dataflow list | columns")
            .next("help dataflow list")
    }

    #[test]
    fn a_mistake_is_shown_in_the_line_that_was_typed() {
        let sources = Sources::new();
        insta::assert_snapshot!(text(&sample(&sources), &sources, false));
    }

    #[test]
    fn on_a_terminal_it_has_colours() {
        let sources = Sources::new();
        insta::assert_snapshot!(text(&sample(&sources), &sources, true));
    }

    #[test]
    fn a_dead_node_shows_its_last_words_and_how_long_it_took() {
        let failure = Diagnostic::new(codes::WRONG_TYPE, "dataflow `demo` did not start")
            .cause("node `camera` ended before the start barrier, with exit code 1")
            .cause_with(
                "its last lines on stderr",
                vec![
                    "Traceback (most recent call last):".into(),
                    "  File \"camera.py\", line 3, in <module>".into(),
                    "\u{1b}[31mModuleNotFoundError\u{1b}[0m: No module named 'cv2'".into(),
                ],
            )
            .help("install what the node imports, then start the dataflow again; its whole log says what came before")
            .next("dataflow logs demo --node camera")
            .elapsed(Duration::from_millis(1_234))
            .retryable();
        insta::assert_snapshot!(text(&failure, &Sources::new(), false));
    }

    #[test]
    fn a_warning_is_a_line() {
        let warning = Diagnostic::new(codes::UNKNOWN_COMMAND, "`ps` is now `dataflow list`");
        let on = |colors| warning_to_text(&warning, &Options::terminal(80, colors));
        assert_eq!(on(false), "⚠ `ps` is now `dataflow list`\n");
        assert!(on(true).starts_with("\u{1b}[1;33m⚠"), "{:?}", on(true));
    }

    #[test]
    fn overlapping_labels_are_each_shown_where_they_are() {
        let sources = Sources::new();
        let source = sources.add("a.dora", "let x = 1\n1 + \"a\" * 2\nlet y = 2\n");
        let span = |start, end| Span::new(source.id, start, end);
        let failure = Diagnostic::new(codes::WRONG_OPERANDS, "`*` cannot join string and int")
            .label(span(18, 19), "here")
            .label(span(14, 21), "in this sum")
            .label(span(10, 11), "an int");
        insta::assert_snapshot!(text(&failure, &sources, false));
    }

    #[test]
    fn labels_in_two_files_show_both_files() {
        let sources = Sources::new();
        let a = sources.add("a.dora", "use b.dora\nf 1\n");
        let b = sources.add("b.dora", "# comment\nexport def f [x: string] { $x }\n");
        let failure = Diagnostic::new(codes::WRONG_TYPE, "`f` takes a string")
            .label(Span::new(a.id, 13, 14), "this is an int")
            .label(Span::new(b.id, 24, 33), "declared here");
        insta::assert_snapshot!(text(&failure, &sources, false));
    }

    #[test]
    fn several_problems_are_all_told_and_counted() {
        let sources = Sources::new();
        let source = sources.add("flow.yml", "nodes:\n  - id: a\n    paht: x\n  - id: a\n");
        let span = |start, end| Span::new(source.id, start, end);
        let failure = Diagnostic::new(codes::NO_SUCH_PATH, "unknown key `paht`").label(span(21, 25), "unknown key");
        let other = Diagnostic::new(codes::NO_SUCH_ROW, "two nodes are called `a`").label(span(37, 38), "again here");
        insta::assert_snapshot!(text(&failure.related(*other), &sources, false));
    }

    #[test]
    fn what_is_missing_at_the_end_of_a_text_is_marked_there() {
        let sources = Sources::new();
        let source = sources.add("<prompt>", "[1, 2");
        let failure = Diagnostic::new(codes::BAD_RANGE, "this list is not closed")
            .label(Span::new(source.id, 5, 5), "expected `]`")
            .label(Span::new(source.id, 0, 1), "opened here");
        insta::assert_snapshot!(text(&failure, &sources, false));
    }

    #[test]
    fn a_very_long_line_is_shown_around_the_mistake() {
        let sources = Sources::new();
        let line = format!("[{}, oops{}]", "1, ".repeat(1000), ", 2".repeat(1000));
        let at = line.find("oops").unwrap();
        let source = sources.add("big.dora", line);
        let failure =
            Diagnostic::new(codes::WRONG_TYPE, "not a number").label(Span::new(source.id, at, at + 4), "this word");
        let drawn = text(&failure, &sources, false);
        assert!(drawn.lines().all(|line| crate::fit::text_width(line) <= 80), "{drawn}");
        assert!(drawn.contains(&format!("big.dora:1:{}", at + 1)) && drawn.contains("oops"), "{drawn}");
    }

    #[test]
    fn a_label_without_its_source_does_not_hide_the_message() {
        let failure = Diagnostic::new(codes::WRONG_TYPE, "no source").label(Span::default(), "here");
        assert!(text(&failure, &Sources::new(), false).contains("no source"));
    }

    proptest::proptest! {
        #[test]
        fn any_labels_can_be_drawn(body in "[a-c{} \t\n日]{0,60}",
                                   labels in proptest::collection::vec((0usize..70, 0usize..30), 0..5)) {
            let sources = Sources::new();
            let source = sources.add("x", body);
            let mut failure = Diagnostic::new(codes::WRONG_TYPE, "message");
            for (at, (start, len)) in labels.into_iter().enumerate() {
                failure = failure.label(Span::new(source.id, start, start + len), format!("label {at}"));
            }
            let drawn = text(&failure, &sources, false);
            for at in 0..failure.labels.len() {
                let label = format!("label {}", at);
                proptest::prop_assert!(drawn.contains(&label), "{}", drawn);
            }
        }
    }
}
