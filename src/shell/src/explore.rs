//! Looking around in a value on the whole screen.
//!
//! What is done to a value on the way (sorting, filtering, going into a cell) is a stage of a pipeline, run as if it
//! had been typed: so that it means the same, and can be taken along. Each stage makes a view; going back drops it.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, poll, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use data_encoding::BASE64;
use diag::{Diagnostic, Result, codes};
use engine::Explored;
use nu_ansi_term::Style;
use render::Options;
use render::page::Page;
use value::literal::bare_or_quoted;
use value::text::to_text;
use value::{Interrupt, Record, TableRef, Value};

/// How often a wait looks at the interrupt.
const LOOK: Duration = Duration::from_millis(20);
/// Tables with up to so many rows are read once and held; of larger ones each screen is fetched.
const HELD: usize = 2_000_000;
/// Asks for the value again.
const REFRESH: KeyCode = KeyCode::F(5);
/// Rows that a search fetches at a time.
const BATCH: usize = 4096;

const HELP: &str = "arrows move · enter goes in · esc back · s/S sort · f filter · : command · / search · n next · y copy · r again · q end";

/// What a stage makes of a value.
type Run<'a> = &'a mut dyn FnMut(&str, Value) -> Result<Value>;

/// Shows a value until its reader has seen enough; gives the stages that lead to what they saw last.
///
/// # Errors
/// `NO_TERMINAL`, `INTERRUPTED`, and whatever reading the value meets before anything is shown.
pub(crate) fn explore(what: Explored<'_>, interrupt: &Interrupt) -> Result<Vec<String>> {
    use std::io::IsTerminal as _;
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Diagnostic::new(codes::NO_TERMINAL, "there is no terminal"));
    }
    let Explored { value, every, run } = what;
    let mut explorer = Explorer::new(value()?)?;
    let mut due = every.map(|every| Instant::now() + every);
    let gone = |error: std::io::Error| {
        Diagnostic::new(codes::NO_TERMINAL, format!("the terminal is gone: {}", diag::os_reason(&error)))
    };
    let screen = Screen::begin().map_err(gone)?;
    loop {
        let size = crossterm::terminal::size().map_or((80, 24), |(columns, rows)| (columns.into(), rows.into()));
        screen.draw(&explorer.draw(size)).map_err(gone)?;
        let key = loop {
            interrupt.check()?;
            if due.is_some_and(|due| due <= Instant::now()) {
                break Some(KeyEvent::new(REFRESH, KeyModifiers::NONE));
            }
            if !poll(LOOK).map_err(gone)? {
                continue;
            }
            match read().map_err(gone)? {
                Event::Key(key) if key.kind != KeyEventKind::Release => break Some(key),
                Event::Resize(..) => break None,
                _ => {}
            }
        };
        match key.map(|key| explorer.key(key, run)) {
            Some(Next::End) => break,
            Some(Next::Copy(text)) => screen.copy(&text).map_err(gone)?,
            Some(Next::Refresh) => {
                explorer.refresh(value(), run);
                due = every.map(|every| Instant::now() + every);
            }
            Some(Next::Stay) | None => {}
        }
    }
    drop(screen);
    Ok(explorer.views.into_iter().filter_map(|view| view.stage).collect())
}

/// The whole screen as long as this lives, key by key.
struct Screen;

impl Screen {
    fn begin() -> std::io::Result<Screen> {
        enable_raw_mode()?;
        let screen = Screen;
        screen.write("\u{1b}[?1049h\u{1b}[?25l")?;
        Ok(screen)
    }

    fn write(&self, text: &str) -> std::io::Result<()> {
        let mut out = std::io::stdout();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// All lines at once, over what stood there.
    fn draw(&self, lines: &[String]) -> std::io::Result<()> {
        let mut text = String::from("\u{1b}[?2026h\u{1b}[H");
        for (at, line) in lines.iter().enumerate() {
            text.push_str(if at == 0 { "" } else { "\r\n" });
            text.push_str(line);
            text.push_str("\u{1b}[K");
        }
        text.push_str("\u{1b}[J\u{1b}[?2026l");
        self.write(&text)
    }

    /// Puts a text on the clipboard of whoever sits at the terminal, also from far away: OSC 52.
    fn copy(&self, text: &str) -> std::io::Result<()> {
        self.write(&format!("\u{1b}]52;c;{}\u{7}", BASE64.encode(text.as_bytes())))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone needs no order any more.
        let _ = self.write("\u{1b}[?25h\u{1b}[?1049l");
        let _ = disable_raw_mode();
    }
}

/// What comes after a key.
#[derive(Debug, PartialEq)]
enum Next {
    Stay,
    Copy(String),
    Refresh,
    End,
}

struct Explorer {
    /// The value and what was made of it, the last one on the screen; never empty.
    views: Vec<View>,
    /// What is being typed, after what was asked.
    asked: Option<(Question, String)>,
    found: String,
    message: String,
    /// Rows of a screen, as drawn last; all, before that.
    height: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Filter,
    Search,
    Command,
}

impl Question {
    fn prompt(self) -> &'static str {
        match self {
            Question::Filter => "where ",
            Question::Search => "/",
            Question::Command => ": ",
        }
    }
}

/// One value on the screen.
struct View {
    /// What made it of the one before.
    stage: Option<String>,
    value: Value,
    rows: Rows,
    names: Vec<Arc<str>>,
    len: usize,
    /// The first row and column on the screen, and those of the cursor.
    top: usize,
    left: usize,
    row: usize,
    column: usize,
    /// How many columns there was room for; all, before it was drawn.
    shown: usize,
}

/// Where rows come from.
enum Rows {
    Table(TableRef),
    List(Vec<Value>),
    /// The fields of a record, as rows.
    Fields(Vec<Value>),
}

impl View {
    fn of(stage: Option<String>, value: Value) -> Result<View> {
        let (rows, names, len) = match &value {
            Value::Table(table) if table.as_record().is_some() => {
                return View::of(stage, table.as_record().unwrap_or(Ok(Value::Nothing))?);
            }
            Value::Table(table) => {
                let len = table.len()?;
                let table = if len <= HELD { table.collect()? } else { (**table).clone() };
                let names = table.schema()?.columns.into_iter().map(|(name, _)| name).collect();
                (Rows::Table(table), names, len)
            }
            Value::Record(record) => {
                let rows: Vec<Value> = record
                    .iter()
                    .map(|(name, value)| {
                        let fields: Record =
                            [("field", Value::from(name)), ("value", value.clone())].into_iter().collect();
                        Value::record(fields)
                    })
                    .collect();
                let len = rows.len();
                (Rows::Fields(rows), vec!["field".into(), "value".into()], len)
            }
            Value::List(_) | Value::Range(_) => {
                let items = value.items()?.to_vec();
                let mut names: Vec<Arc<str>> = Vec::new();
                if items.iter().all(|item| item.as_record().is_some()) {
                    for name in items.iter().filter_map(Value::as_record).flat_map(Record::names) {
                        if !names.iter().any(|known| **known == *name) {
                            names.push(name.into());
                        }
                    }
                }
                let len = items.len();
                (Rows::List(items), names, len)
            }
            single => (Rows::List(vec![single.clone()]), Vec::new(), 1),
        };
        Ok(View { stage, value, rows, names, len, top: 0, left: 0, row: 0, column: 0, shown: usize::MAX })
    }

    fn slice(&self, from: usize, count: usize) -> Result<Vec<Value>> {
        match &self.rows {
            Rows::Table(table) => table.slice(from, count),
            Rows::List(rows) | Rows::Fields(rows) => Ok(rows.iter().skip(from).take(count).cloned().collect()),
        }
    }

    fn name(&self) -> Option<&Arc<str>> {
        self.names.get(self.column)
    }

    /// The cell under the cursor, and the path to it.
    fn cell(&self) -> Result<Option<(Value, String)>> {
        let Some(row) = self.slice(self.row, 1)?.pop() else { return Ok(None) };
        Ok(match (&self.rows, self.name(), &row) {
            (Rows::Fields(_), _, Value::Record(field)) => {
                let value = field.get("value").cloned().unwrap_or_default();
                field.get("field").map(|name| (value, bare_or_quoted(&to_text(name))))
            }
            (_, Some(name), Value::Record(record)) => {
                let value = record.get(name).cloned().unwrap_or_default();
                Some((value, format!("{}.{}", self.row, bare_or_quoted(name))))
            }
            (_, _, value) => Some((value.clone(), self.row.to_string())),
        })
    }

    fn go(&mut self, row: usize, height: usize) {
        self.row = row.min(self.len.saturating_sub(1));
        self.top = self.top.min(self.row).max((self.row + 1).saturating_sub(height.max(1)));
    }

    fn go_to_column(&mut self, column: usize) {
        self.column = column.min(self.names.len().saturating_sub(1));
        self.left = self.left.min(self.column).max((self.column + 1).saturating_sub(self.shown.max(1)));
    }
}

impl Explorer {
    fn new(value: Value) -> Result<Explorer> {
        let views = vec![View::of(None, value)?];
        Ok(Explorer { views, asked: None, found: String::new(), message: HELP.into(), height: usize::MAX })
    }

    fn view(&mut self) -> &mut View {
        let last = self.views.len() - 1;
        &mut self.views[last]
    }

    /// The stages that lead to what is shown.
    fn pipeline(&self) -> String {
        let stages: Vec<&str> = self.views.iter().filter_map(|view| view.stage.as_deref()).collect();
        stages.join(" | ")
    }

    /// Runs a stage over what is shown, and shows what it gives.
    fn add(&mut self, stage: String, run: Run<'_>) {
        let value = self.view().value.clone();
        match run(&stage, value).and_then(|value| View::of(Some(stage), value)) {
            Ok(view) => {
                self.views.push(view);
                self.message.clear();
            }
            Err(error) => self.message = error.message.clone(),
        }
    }

    /// Puts another value in the place of the first one, and does the same to it. When that fails, all stays as it was.
    fn refresh(&mut self, value: Result<Value>, run: Run<'_>) {
        let again = || -> Result<Vec<View>> {
            let mut views = vec![View::of(None, value?)?];
            for stage in self.views.iter().filter_map(|view| view.stage.clone()) {
                let before = views.last().map(|view| view.value.clone()).unwrap_or_default();
                let value = run(&stage, before)?;
                views.push(View::of(Some(stage), value)?);
            }
            Ok(views)
        };
        match again() {
            Ok(views) => {
                for (new, old) in views.into_iter().zip(&mut self.views) {
                    let place = (old.top, old.left, old.row, old.column, old.shown);
                    *old = new;
                    (old.top, old.left, old.row, old.column, old.shown) = place;
                    old.go(old.row, self.height);
                    old.go_to_column(old.column);
                }
            }
            Err(error) => self.message = error.message.clone(),
        }
    }

    fn key(&mut self, key: KeyEvent, run: Run<'_>) -> Next {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Next::End;
        }
        if key.code == REFRESH {
            return Next::Refresh;
        }
        if let Some((question, text)) = self.asked.take() {
            self.answer(key, question, text, run);
            return Next::Stay;
        }
        self.message.clear();
        let (height, deep) = (self.height, self.views.len() > 1);
        let view = self.view();
        let (row, column, len) = (view.row, view.column, view.len);
        match key.code {
            KeyCode::Char('q') => return Next::End,
            KeyCode::Esc | KeyCode::Backspace | KeyCode::Char('u') if deep => {
                self.views.pop();
            }
            KeyCode::Esc => return Next::End,
            KeyCode::Down | KeyCode::Char('j') => view.go(row + 1, height),
            KeyCode::Up | KeyCode::Char('k') => view.go(row.saturating_sub(1), height),
            KeyCode::PageDown | KeyCode::Char(' ') => view.go(row.saturating_add(height), height),
            KeyCode::PageUp | KeyCode::Char('b') => view.go(row.saturating_sub(height), height),
            KeyCode::Home | KeyCode::Char('g') => view.go(0, height),
            KeyCode::End | KeyCode::Char('G') => view.go(len.saturating_sub(1), height),
            KeyCode::Right | KeyCode::Char('l') | KeyCode::Tab => view.go_to_column(column + 1),
            KeyCode::Left | KeyCode::Char('h') | KeyCode::BackTab => view.go_to_column(column.saturating_sub(1)),
            KeyCode::Char('s' | 'S') => self.sort(key.code == KeyCode::Char('S'), run),
            KeyCode::Char('f') => self.asked = Some((Question::Filter, String::new())),
            KeyCode::Char('/') => self.asked = Some((Question::Search, String::new())),
            KeyCode::Char(':') => self.asked = Some((Question::Command, String::new())),
            KeyCode::Char('n') => self.search(),
            KeyCode::Char('r') => return Next::Refresh,
            KeyCode::Char('y') => {
                let pipeline = self.pipeline();
                self.message = if pipeline.is_empty() { "nothing was done yet".into() } else { "copied".into() };
                return if pipeline.is_empty() { Next::Stay } else { Next::Copy(pipeline) };
            }
            KeyCode::Enter => self.enter(run),
            KeyCode::Char('?') => self.message = HELP.into(),
            _ => {}
        }
        Next::Stay
    }

    fn answer(&mut self, key: KeyEvent, question: Question, mut text: String, run: Run<'_>) {
        match key.code {
            KeyCode::Esc => return,
            KeyCode::Enter => {
                match (question, text.trim()) {
                    (_, "") => {}
                    (Question::Filter, condition) => self.add(format!("where {condition}"), run),
                    (Question::Command, command) => self.add(command.to_string(), run),
                    (Question::Search, wanted) => {
                        self.found = wanted.to_lowercase();
                        self.search();
                    }
                }
                return;
            }
            KeyCode::Backspace => {
                text.pop();
            }
            KeyCode::Char(c) => text.push(c),
            _ => {}
        }
        self.asked = Some((question, text));
    }

    fn sort(&mut self, reverse: bool, run: Run<'_>) {
        let view = self.view();
        let stage = match (&view.rows, view.name()) {
            (Rows::Fields(_), _) => return,
            (_, Some(name)) => format!("sort-by {}", bare_or_quoted(name)),
            (_, None) => "sort".into(),
        };
        self.add(if reverse { stage + " --reverse" } else { stage }, run);
    }

    /// Goes into what the cursor is on, if there is anything in it.
    fn enter(&mut self, run: Run<'_>) {
        match self.view().cell() {
            Ok(Some((Value::Record(_) | Value::List(_) | Value::Table(_) | Value::Range(_), path))) => {
                self.add(format!("get {path}"), run);
            }
            Ok(Some((value, _))) => self.message = to_text(&value),
            Ok(None) => {}
            Err(error) => self.message = error.message.clone(),
        }
    }

    /// Goes to the next row that has the text in one of its cells.
    fn search(&mut self) {
        if self.found.is_empty() {
            self.message = "search for what? type `/` first".into();
            return;
        }
        let (wanted, height) = (self.found.clone(), self.height);
        let view = self.view();
        let mut from = view.row + 1;
        let mut message = format!("no `{wanted}` below");
        while from < view.len {
            let rows = match view.slice(from, BATCH) {
                Ok(rows) if rows.is_empty() => break,
                Ok(rows) => rows,
                Err(error) => {
                    message = error.message.clone();
                    break;
                }
            };
            let has = |value: &Value| to_text(value).to_lowercase().contains(&wanted);
            let found = rows.iter().enumerate().find_map(|(at, row)| match row {
                Value::Record(record) => {
                    record.iter().find(|(_, cell)| has(cell)).map(|(name, _)| (at, Some(name.to_string())))
                }
                other => has(other).then_some((at, None)),
            });
            if let Some((at, name)) = found {
                view.go(from + at, height);
                if let Some(column) = view.names.iter().position(|known| Some(&**known) == name.as_deref()) {
                    view.go_to_column(column);
                }
                message.clear();
                break;
            }
            from += rows.len();
        }
        self.message = message;
    }

    /// The lines of the screen.
    fn draw(&mut self, (columns, lines): (usize, usize)) -> Vec<String> {
        let options = Options { rows: None, ..Options::for_stream(&std::io::stdout()) };
        self.draw_with(&Options { width: Some(columns), ..options }, lines)
    }

    fn draw_with(&mut self, options: &Options, lines: usize) -> Vec<String> {
        let room = lines.saturating_sub(Page::OVERHEAD + 2).max(1);
        self.height = room;
        let view = self.view();
        view.go(view.row, room);
        let mut drawn = match view.slice(view.top, room) {
            Ok(rows) if rows.is_empty() => vec![render::no_rows(options)],
            Ok(rows) => loop {
                let page = Page {
                    rows: &rows,
                    first: view.top,
                    names: view.names.get(view.left..).unwrap_or_default(),
                    cursor: (view.row - view.top, view.column - view.left),
                };
                let (lines, shown) = page.draw(options);
                view.shown = shown;
                // What the cursor is on must be seen.
                if view.column >= view.left.saturating_add(shown) && view.left < view.column {
                    view.left += 1;
                    continue;
                }
                break lines;
            },
            Err(error) => vec![error.message.clone()],
        };
        drawn.truncate(room + Page::OVERHEAD);
        drawn.resize(room + Page::OVERHEAD, String::new());
        let (row, len, names, column) = (view.row, view.len, view.names.len(), view.column);
        let place = match names {
            0 => format!("{} of {}", (row + 1).min(len), render::grouped(len)),
            _ => format!(
                "row {} of {}, column {} of {names}",
                render::grouped((row + 1).min(len)),
                render::grouped(len),
                column + 1
            ),
        };
        let pipeline = self.pipeline();
        let status = if pipeline.is_empty() { place } else { format!("{place} · {pipeline}") };
        let dim = if options.theme.colors { Style::new().dimmed() } else { Style::new() };
        let width = options.width.unwrap_or(80).saturating_sub(1);
        drawn.push(dim.paint(render::truncate(&status, width).into_owned()).to_string());
        drawn.push(match &self.asked {
            Some((question, text)) => format!("{}{text}█", question.prompt()),
            None => render::truncate(&render::escape(&self.message).replace('\n', " "), width).into_owned(),
        });
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(explorer: &mut Explorer, keys: &str, run: Run<'_>) -> Next {
        let mut next = Next::Stay;
        for key in keys.chars() {
            let code = match key {
                '\n' => KeyCode::Enter,
                '\u{1b}' => KeyCode::Esc,
                '→' => KeyCode::Right,
                '↓' => KeyCode::Down,
                '⇟' => KeyCode::PageDown,
                key => KeyCode::Char(key),
            };
            next = explorer.key(KeyEvent::new(code, KeyModifiers::NONE), run);
        }
        next
    }

    fn screen(explorer: &mut Explorer) -> String {
        explorer.draw_with(&Options::terminal(60, false), 12).join("\n")
    }

    #[test]
    fn what_is_done_to_a_table_becomes_a_pipeline() {
        let context = engine::Context::new(
            commands::registry(),
            diag::Sources::new(),
            Arc::new(engine::NoUi),
            Arc::new(engine::NoLive),
        );
        let mut session = engine::Session::new(context);
        let rows =
            "1..1000 | each {|n| {id: $n, name: $\"node-($n)\", size: ($n * 1kb), tags: {even: ($n mod 2 == 0)}} }";
        let value = session.value(rows).unwrap();
        let mut run = |stage: &str, value: Value| {
            session.bind("explored", value);
            session.value(&format!("$explored | {stage}"))
        };
        let mut explorer = Explorer::new(value).unwrap();
        insta::assert_snapshot!("first", screen(&mut explorer));
        press(&mut explorer, "S", &mut run);
        press(&mut explorer, "fsize < 500kb\n", &mut run);
        press(&mut explorer, "⇟↓→", &mut run);
        insta::assert_snapshot!("sorted and filtered", screen(&mut explorer));
        press(&mut explorer, "/node-17\n", &mut run);
        assert_eq!(explorer.view().row, 320, "node-179 comes after node-499 down to it");
        assert_eq!(press(&mut explorer, "y", &mut run), Next::Copy("sort-by id --reverse | where size < 500kb".into()));
        press(&mut explorer, "→→→\n", &mut run);
        insta::assert_snapshot!("a record in a cell", screen(&mut explorer));
        press(&mut explorer, "\u{1b}fnothing == 1\n", &mut run);
        assert!(explorer.message.contains("nothing"), "{}", explorer.message);
        assert_eq!(explorer.pipeline(), "sort-by id --reverse | where size < 500kb");
        assert_eq!(press(&mut explorer, "r", &mut run), Next::Refresh);
        let fewer = run("first 100", explorer.views[0].value.clone());
        explorer.refresh(fewer, &mut run);
        assert_eq!((explorer.view().len, explorer.pipeline().contains("where")), (100, true));
        press(&mut explorer, "\u{1b}\u{1b}", &mut run);
        assert_eq!(explorer.pipeline(), "");
        assert_eq!(press(&mut explorer, "q", &mut run), Next::End);
    }

    #[test]
    fn lists_and_nothing_can_be_looked_at() {
        let mut run = |_: &str, value: Value| Ok(value);
        let mut explorer = Explorer::new(Value::list(vec![Value::Int(1), Value::from("two")])).unwrap();
        press(&mut explorer, "↓↓↓", &mut run);
        insta::assert_snapshot!("list", screen(&mut explorer));
        for value in [Value::list(Vec::new()), Value::Nothing, Value::record(Record::new())] {
            let mut explorer = Explorer::new(value).unwrap();
            press(&mut explorer, "↓→\n/x\nnsG", &mut run);
            assert_eq!(explorer.draw_with(&Options::terminal(60, false), 12).len(), 12);
        }
    }
}
