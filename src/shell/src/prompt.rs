//! The interactive shell: reads a line, runs it, shows what it gave.
//!
//! - `history`: lines typed before, kept in the store
//! - `text`: what stands left and right of the line
//! - `editor`: the line editor with completion, colours and hints
//! - `menu`: the list that Tab opens
//! - `hint`: how the line may go on, from lines typed before
//! - `news`: what has become of dataflows since the last prompt
//! - `leave`: what becomes of running dataflows when the user goes

mod editor;
mod hint;
mod history;
mod leave;
mod menu;
mod news;
mod text;

use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use diag::{Diagnostic, codes};
use engine::{Context, Data, Session};
use jiff::Timestamp;
use news::News;
use nu_ansi_term::Style;
use reedline::Signal;
use store::Store;
use value::Value;

use crate::app::{Ended, report};
use crate::live;
use crate::services;
use crate::terminal::Terminal;
use history::{LastLine, LineEnd, StoredHistory};
use leave::Leaving;

/// The session, shared with the editor's helpers: they look at it while a line is typed, and it runs in between.
type SharedSession = Arc<Mutex<Session>>;

/// Reads lines and runs them until the user leaves; gives the exit code. Off a terminal, statements are read from
/// standard input.
pub fn run(session: Session, terminal: &Terminal) -> i32 {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return run_input(session, terminal);
    }
    Shell::new(session, terminal).run()
}

fn run_input(mut session: Session, terminal: &Terminal) -> i32 {
    let mut code = 0;
    for statement in Statements::new(std::io::stdin().lock()) {
        let outcome = match statement {
            Ok(text) => session.run("<stdin>", &text, false),
            Err(error) => {
                let error = Diagnostic::new(
                    codes::CANNOT_READ,
                    format!("standard input cannot be read: {}", diag::os_reason(&error)),
                );
                terminal.error(&error, session.context().sources());
                code = error.code.exit() as i32;
                break;
            }
        };
        let ended = report(session.context(), terminal, outcome);
        code = ended.code;
        if ended.leaves {
            break;
        }
    }
    services::close(session.context());
    code
}

/// Texts that can be run one after another, each as soon as it is complete: who writes them may wait for an answer
/// before going on.
struct Statements<R: Read> {
    input: BufReader<R>,
}

impl<R: Read> Statements<R> {
    fn new(input: R) -> Self {
        Statements { input: BufReader::with_capacity(1 << 16, input) }
    }

    /// Whether the next line is here already and goes on with the pipeline.
    fn goes_on(&self) -> bool {
        self.input.buffer().trim_ascii_start().starts_with(b"|")
    }
}

impl<R: Read> Iterator for Statements<R> {
    type Item = std::io::Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut text = String::new();
        loop {
            match self.input.read_line(&mut text) {
                Ok(0) if text.trim().is_empty() => return None,
                Ok(0) => return Some(Ok(text)),
                Ok(_) if text.trim().is_empty() => text.clear(),
                Ok(_) if editor::is_incomplete(&text) || self.goes_on() => {}
                Ok(_) => return Some(Ok(text)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

struct Shell<'a> {
    session: SharedSession,
    context: Context,
    terminal: &'a Terminal,
    /// Where the line's end is written; none without a store.
    last_line: Option<LastLine>,
    /// None without a store.
    news: Option<News>,
    prompt: text::Line,
    /// Whether the terminal understands marks around prompts and outputs.
    marks: bool,
}

impl<'a> Shell<'a> {
    fn new(session: Session, terminal: &'a Terminal) -> Shell<'a> {
        let context = session.context().clone();
        let options = render::Options::for_stream(&std::io::stdout());
        let prompt = text::Line { colors: options.theme.colors, ..text::Line::default() };
        let marks = std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Shell { session: Arc::new(Mutex::new(session)), context, terminal, last_line: None, news: None, prompt, marks }
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn run(mut self) -> i32 {
        crate::signals::ignore_stop();
        self.terminal.begin_job_control();
        self.run_init();
        let history = self.context.service::<Store>().ok().map(|store| StoredHistory::new((*store).clone()));
        self.news = self.context.service::<Store>().ok().map(|store| News::new((*store).clone()));
        self.last_line = history.as_ref().map(StoredHistory::last_line);
        let mut editor = editor::editor(&self.session, history, self.prompt.colors, self.marks);
        self.welcome();
        loop {
            self.refresh_prompt();
            editor = editor.with_cwd(Some(self.session().env().cwd().display().to_string()));
            if let Some(last) = &self.last_line {
                last.forget();
            }
            match editor.read_line(&self.prompt) {
                Ok(Signal::Success(line)) if line.trim().is_empty() => {}
                Ok(Signal::Success(line)) => {
                    let ended = self.run_line(&line);
                    self.prompt.code = ended.code;
                    // Whatever failed in a line that failed has been told.
                    if let Some(news) = self.news.as_mut().filter(|_| ended.code != 0) {
                        let _ = news.skip();
                    }
                    if ended.leaves && self.leave() {
                        return ended.code;
                    }
                }
                Ok(Signal::CtrlD) => {
                    if self.leave() {
                        return self.prompt.code;
                    }
                }
                // The line is given up; the shell stays.
                Ok(_) => {}
                Err(error) => {
                    let error = Diagnostic::new(
                        codes::CANNOT_READ,
                        format!("the terminal cannot be read: {}", diag::os_reason(&error)),
                    );
                    self.terminal.error(&error, self.context.sources());
                    services::close(&self.context);
                    return error.code.exit() as i32;
                }
            }
        }
    }

    /// Says the first words.
    fn welcome(&self) {
        let line =
            format!("dora {}: `help` says where to begin, Tab completes, Ctrl-D leaves", env!("CARGO_PKG_VERSION"));
        let line = if self.prompt.colors { Style::new().dimmed().paint(line).to_string() } else { line };
        let _ = self.terminal.tell(&format!("{line}\n"));
    }

    /// Runs the user's own `init.dora`, if there is one.
    fn run_init(&mut self) {
        let Ok(store) = self.context.service::<Store>() else { return };
        let file = store.home().config().join("init.dora");
        let Ok(text) = std::fs::read_to_string(&file) else { return };
        let outcome = self.session().run(&file.display().to_string(), &text, false);
        report(&self.context, self.terminal, outcome);
    }

    fn run_line(&mut self, line: &str) -> Ended {
        self.context.interrupt().clear();
        let cwd = self.session().env().cwd().display().to_string();
        let (started, begun) = (Timestamp::now(), Instant::now());
        self.mark("133;C");
        let source = self.context.sources().add("<prompt>", line);
        let outcome = live::run(&mut self.session(), self.terminal, |session| session.check(&source));
        let (result_type, result_rows) = outcome.result.as_ref().map_or((None, None), result_of);
        let ended = report(&self.context, self.terminal, outcome);
        self.mark(&format!("133;D;{}", ended.code));
        self.prompt.took = begun.elapsed();
        // A pipeline that was interrupted leaves nothing behind for the next line.
        self.context.interrupt().clear();
        if let Some(last) = &self.last_line {
            let end = LineEnd { started, duration: self.prompt.took, code: ended.code, cwd, result_type, result_rows };
            if let Err(error) = last.ended(end) {
                self.terminal.error(&error, self.context.sources());
            }
        }
        ended
    }

    /// A mark for the terminal: here an output begins, or ends with a code.
    fn mark(&self, mark: &str) {
        if self.marks {
            let mut out = std::io::stdout();
            let _ = write!(out, "\x1b]{mark}\x1b\\").and_then(|()| out.flush());
        }
    }

    fn refresh_prompt(&mut self) {
        let (directory, context) = {
            let session = self.session();
            let home = session.env().get("HOME").and_then(Value::as_str).map(str::to_string);
            let directory = text::short_directory(session.env().cwd(), home.as_deref());
            (directory, services::elsewhere(&self.context, session.env()))
        };
        self.prompt.context = context;
        self.prompt.directory = directory;
        // A store that cannot be read says so to the commands that need it.
        let Some(news) = &mut self.news else { return };
        self.prompt.flows = news.flows().unwrap_or_default();
        for failure in news.failures().unwrap_or_default() {
            self.terminal.mention(&failure);
        }
    }

    /// Whether the shell may end now: its dataflows are stopped or handed over, unless the user would rather stay.
    fn leave(&mut self) -> bool {
        self.context.interrupt().clear();
        self.prompt.took = Duration::ZERO;
        match leave::leave(&self.context) {
            Ok(Leaving::Goes) => {
                services::close(&self.context);
                true
            }
            Ok(Leaving::Stays) => false,
            Err(error) => {
                self.terminal.error(&error, self.context.sources());
                false
            }
        }
    }
}

/// The type and the number of rows of a result, as far as telling them costs nothing.
fn result_of(data: &Data) -> (Option<String>, Option<i64>) {
    let Data::Value(value) = data else { return (None, None) };
    match value {
        Value::Nothing => (None, None),
        Value::List(items) => {
            let kind = if value.is_table() { "table" } else { "list" };
            (Some(kind.into()), i64::try_from(items.len()).ok())
        }
        other => (Some(other.kind().into()), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(input: &str) -> Vec<String> {
        Statements::new(input.as_bytes()).map(|text| text.unwrap()).collect()
    }

    #[test]
    fn statements_end_with_their_lines_unless_something_is_open_or_a_pipe_follows() {
        assert_eq!(statements("a\n\nb"), ["a\n", "b"]);
        assert_eq!(statements("def f [] {\n  1\n}\nf\n"), ["def f [] {\n  1\n}\n", "f\n"]);
        assert_eq!(statements("ls\n  | length\nb\n"), ["ls\n  | length\n", "b\n"]);
        assert_eq!(statements("[1\n2"), ["[1\n2"]);
    }

    #[test]
    fn a_statement_is_there_before_the_next_line_is() {
        struct Lines(Vec<&'static str>);
        impl Read for Lines {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                assert!(!self.0.is_empty(), "a line was asked for that nobody has written yet");
                let line = self.0.remove(0);
                buffer[..line.len()].copy_from_slice(line.as_bytes());
                Ok(line.len())
            }
        }
        let mut statements = Statements::new(Lines(vec!["one\n"]));
        assert_eq!(statements.next().unwrap().unwrap(), "one\n");
    }
}
