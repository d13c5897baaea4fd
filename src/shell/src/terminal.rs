//! Standard input, output and error, as commands and programs see them.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use diag::{Diagnostic, Result, Sources, codes};
use engine::{Ask, Data, Progress, Ui};
use render::Options;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use value::{Interrupt, Value};

use crate::progress::Shown;

/// How often a wait for an answer looks at the interrupt.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// How results and errors are written.
#[derive(Debug, Clone, Default)]
pub struct Format {
    /// `--output`: a data format; none is a table.
    pub output: Option<commands::formats::Format>,
    /// `--quiet`: names only.
    pub quiet: bool,
    pub errors: ErrorFormat,
}

/// `--error-format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one object a line.
    Json,
}

impl ErrorFormat {
    pub const NAMES: [&str; 2] = ["text", "json"];

    pub fn named(name: &str) -> Option<Self> {
        match name {
            "text" => Some(ErrorFormat::Text),
            "json" => Some(ErrorFormat::Json),
            _ => None,
        }
    }
}

/// The process's own streams.
#[derive(Default)]
pub struct Terminal {
    format: Format,
    /// One writer at a time, so that notices of other threads do not cut a table in two.
    writing: Mutex<()>,
    /// The session's, so that ctrl-c ends what is being written.
    interrupt: OnceLock<Interrupt>,
    /// Whether the last rows ended with a frame that was closed over the terminal's `^C`.
    closed_over: AtomicBool,
    /// Whether anything was written since the last stream began.
    wrote: AtomicBool,
    /// Whether programs get the terminal to themselves.
    job_control: AtomicBool,
}

impl Terminal {
    pub fn new(format: Format) -> Self {
        Terminal { format, ..Terminal::default() }
    }

    /// Ends what is being written whenever `interrupt` is raised. The first call wins.
    pub fn obey(&self, interrupt: Interrupt) {
        let _ = self.interrupt.set(interrupt);
    }

    fn interrupt(&self) -> Interrupt {
        self.interrupt.get().cloned().unwrap_or_default()
    }

    /// Whether results are written whole once they are complete, rather than row by row.
    pub(crate) fn collects(&self) -> bool {
        self.format.quiet || self.format.output.is_some()
    }

    /// Shows an error, and those related to it, on standard error.
    pub fn error(&self, error: &Diagnostic, sources: &Sources) {
        let text = match self.format.errors {
            ErrorFormat::Json => render::diagnostic_to_json(error, sources),
            // Whoever pressed ctrl-c knows; only the line with the terminal's `^C` is to be ended.
            ErrorFormat::Text if error.code == codes::INTERRUPTED && std::io::stderr().is_terminal() => {
                if self.closed_over.swap(false, Ordering::Relaxed) { String::new() } else { "\n".into() }
            }
            ErrorFormat::Text => render::diagnostic_to_text(error, sources, &Options::for_stream(&std::io::stderr())),
        };
        // A closed standard error leaves nobody to tell.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    /// Writes a text as it is.
    pub fn tell(&self, text: &str) -> Result<()> {
        self.write(text)
    }

    /// Says something on standard error that is no error, in a line.
    pub fn mention(&self, line: &str) {
        let text = render::mention_to_text(line, &Options::for_stream(&std::io::stderr()));
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    /// Shows what may be meant otherwise, on standard error.
    pub fn warning(&self, warning: &Diagnostic, sources: &Sources) {
        let text = match self.format.errors {
            ErrorFormat::Json => render::diagnostic_to_json(warning, sources),
            ErrorFormat::Text => render::warning_to_text(warning, &Options::for_stream(&std::io::stderr())),
        };
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    fn write(&self, text: &str) -> Result<()> {
        let _alone = self.writing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.wrote.store(true, Ordering::Relaxed);
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| closed(&error))
    }

    fn line(&self, text: &str) -> Result<()> {
        if text.ends_with('\n') { self.write(text) } else { self.write(&format!("{text}\n")) }
    }

    fn show_value(&self, value: Value) -> Result<()> {
        if let (Value::Binary(bytes), false) = (&value, std::io::stdout().is_terminal()) {
            return std::io::stdout().write_all(bytes).map_err(|error| closed(&error));
        }
        self.line(&render::value_to_text(&value, &Options::for_stream(&std::io::stdout()))?)
    }

    fn show_stream(&self, stream: engine::Stream) -> Result<()> {
        let options = Options::for_stream(&std::io::stdout());
        self.wrote.store(false, Ordering::Relaxed);
        let any = crate::rows::show(stream, &options, &self.interrupt(), |text| {
            self.closed_over.store(text.starts_with('\r'), Ordering::Relaxed);
            self.write(text)
        })?;
        // What was printed on the way is answer enough.
        if !any && options.width.is_some() && !self.wrote.load(Ordering::Relaxed) {
            self.line(&render::no_rows(&options))?;
        }
        Ok(())
    }
}

impl Ui for Terminal {
    fn is_interactive(&self) -> bool {
        std::io::stdin().is_terminal()
            && std::io::stderr().is_terminal()
            && std::env::var_os("CI").is_none_or(|ci| ci.is_empty())
    }

    fn confirm(&self, question: &str) -> Result<bool> {
        eprint!("{question} [y/N] ");
        let _ = std::io::stderr().flush();
        let answer = self.line_of_input()?.unwrap_or_default();
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    fn show(&self, data: Data) -> Result<()> {
        let interrupt = self.interrupt();
        match data {
            Data::Empty | Data::Value(Value::Nothing) => Ok(()),
            Data::Bytes(mut bytes) => {
                std::io::copy(&mut bytes.reader, &mut std::io::stdout()).map_err(|error| closed(&error))?;
                std::io::stdout().flush().map_err(|error| closed(&error))?;
                bytes.program.map_or(Ok(()), engine::external::Program::finish)
            }
            data if self.format.quiet => self.names(data.into_value(&interrupt)?),
            data => match (self.format.output, data) {
                // What never ends has no whole: each row is a line, as it comes.
                (Some(commands::formats::Format::Json | commands::formats::Format::Ndjson), Data::Stream(stream))
                    if stream.endless =>
                {
                    for row in stream {
                        interrupt.check()?;
                        self.line(&commands::formats::encode(
                            commands::formats::Format::Ndjson,
                            &Value::list(vec![row?]),
                        )?)?;
                    }
                    Ok(())
                }
                (Some(format), data) => self.line(&commands::formats::encode(format, &data.into_value(&interrupt)?)?),
                // A column is there as a whole, and as long as others that a terminal shows the ends of.
                (None, Data::Stream(stream)) if stream.column().is_none() => self.show_stream(stream),
                (None, data) => self.show_value(data.into_value(&interrupt)?),
            },
        }
    }

    fn explore(&self, what: engine::Explored<'_>) -> Result<Vec<String>> {
        crate::explore::explore(what, &self.interrupt())
    }

    fn plain(&self, value: &Value) -> Result<String> {
        render::value_to_text(value, &Options::whole())
    }

    fn notice(&self, line: &str) {
        let _ = writeln!(std::io::stderr(), "{line}");
    }

    fn width(&self) -> Option<usize> {
        Options::for_stream(&std::io::stdout()).width
    }

    fn size(&self) -> Option<(u16, u16)> {
        let is_terminal = std::io::stdout().is_terminal() || std::io::stderr().is_terminal();
        if is_terminal { crossterm::terminal::size().ok() } else { None }
    }

    fn has_job_control(&self) -> bool {
        self.job_control.load(Ordering::Relaxed) && std::io::stdin().is_terminal()
    }

    fn read_line(&self, ask: &Ask<'_>) -> Result<Option<String>> {
        let is_terminal = std::io::stdin().is_terminal();
        if is_terminal {
            let _ = write!(std::io::stderr(), "{}", ask.prompt).and_then(|()| std::io::stderr().flush());
        }
        match (is_terminal, ask.hidden, ask.characters) {
            (true, false, None) | (false, ..) => self.line_of_input().map(|line| {
                let line = line?;
                Some(match ask.characters {
                    Some(count) => line.chars().take(count).collect(),
                    None => line,
                })
            }),
            (true, ..) => crate::keys::typed(ask, &self.interrupt()).map(Some),
        }
    }

    fn progress(&self, what: &str, waited: Duration) -> Option<Box<dyn Progress>> {
        Shown::begin(what, waited).map(|shown| Box::new(shown) as Box<dyn Progress>)
    }
}

impl Terminal {
    /// From now on programs get the terminal to themselves.
    pub fn begin_job_control(&self) {
        self.job_control.store(true, Ordering::Relaxed);
    }

    /// The next line of standard input without its end; `None` when there is none any more.
    fn line_of_input(&self) -> Result<Option<String>> {
        let unreadable = |error: std::io::Error| {
            Diagnostic::new(codes::CANNOT_READ, format!("the answer cannot be read: {}", diag::os_reason(&error)))
        };
        let interrupt = self.interrupt();
        let stdin = std::io::stdin();
        let mut line = Vec::new();
        loop {
            // Reading itself would begin anew after ctrl-c.
            interrupt.check()?;
            let mut waits = [PollFd::new(&stdin, PollFlags::IN)];
            match rustix::event::poll(&mut waits, Some(&LOOK)) {
                Ok(0) | Err(Errno::INTR) => continue,
                Ok(_) => {}
                Err(error) => return Err(unreadable(error.into())),
            }
            // Byte by byte: what comes after the line is for whoever reads next.
            let mut byte = [0];
            match rustix::io::read(&stdin, &mut byte) {
                Ok(0) if line.is_empty() => return Ok(None),
                Ok(0) => break,
                Ok(_) if byte == *b"\n" => break,
                Ok(_) => line.extend_from_slice(&byte),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(unreadable(error.into())),
            }
        }
        let line = String::from_utf8_lossy(&line);
        Ok(Some(line.trim_end_matches('\r').to_string()))
    }

    /// `--quiet`: the name of each row, a line each.
    fn names(&self, value: Value) -> Result<()> {
        let rows = match &value {
            Value::List(_) | Value::Table(_) => value.items()?,
            other => std::sync::Arc::new(vec![other.clone()]),
        };
        let mut text = String::new();
        for row in rows.iter() {
            let name = row
                .as_record()
                .and_then(|row| row.get("name").or_else(|| row.get("id")).or_else(|| row.values().first()));
            text.push_str(&value::text::to_text(name.unwrap_or(row)));
            text.push('\n');
        }
        self.write(&text)
    }
}

/// A closed standard output ends everything quietly, as it does for other tools.
fn closed(error: &std::io::Error) -> Box<Diagnostic> {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        return engine::error_value::exit_request(0);
    }
    Diagnostic::new(codes::CANNOT_WRITE, format!("standard output cannot be written: {}", diag::os_reason(error)))
}
