//! A printed line made a record.

use std::collections::BTreeMap;

use dora_message::common::LogLevelOrStdout;
use serde::Deserialize;
use serde_json::Value;

use crate::model::{LogLevel, LogStream, UnixNanos};

/// The longest line that is kept; the rest of a longer one is cut off and said to be.
pub const LONGEST: usize = 1 << 20;

/// What one line says.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// When it was said, if the line itself says so.
    pub time: Option<UnixNanos>,
    pub level: LogLevel,
    pub target: Option<String>,
    pub message: String,
    pub fields: BTreeMap<String, String>,
}

impl Line {
    /// Reads a line of a process's output by itself. JSON with `level`, `timestamp` and a message, as dora's own logging writes it, keeps its
    /// structure; of any other line only the level is looked for.
    pub fn parse(text: &str) -> Self {
        if text.starts_with('{')
            && let Ok(record) = serde_json::from_str::<Record>(text)
            && let Some(line) = Self::structured(record)
        {
            return line;
        }
        Line {
            time: None,
            level: find_level(text).unwrap_or(LogLevel::Stdout),
            target: None,
            message: text.to_string(),
            fields: BTreeMap::new(),
        }
    }

    fn structured(record: Record) -> Option<Self> {
        let level = match record.level.to_lowercase().as_str() {
            "warning" => LogLevel::Warn,
            word => word.parse().ok()?,
        };
        let time = record.timestamp.parse::<chrono::DateTime<chrono::Utc>>().ok()?;
        let mut fields: BTreeMap<String, String> =
            record.fields.into_iter().filter_map(|(name, value)| Some((name, shown(value)?))).collect();
        for (name, value) in [("file", record.file), ("line", record.line)] {
            if let Some(value) = value.and_then(shown) {
                fields.entry(name.to_string()).or_insert(value);
            }
        }
        let message = fields.remove("message");
        let target = fields.remove("target");
        Some(Line {
            time: time.timestamp_nanos_opt().map(UnixNanos),
            level,
            // The runtime's own name for all Python loggers says less than the logger's.
            target: target.or(record.target).or(record.module_path),
            message: record.message.or(message)?,
            fields,
        })
    }
}

/// Reads what a process writes to one of its streams. What it writes to standard error and gives no level is `info`,
/// and each line of a Python traceback is an error.
pub struct Reader {
    stream: LogStream,
    in_traceback: bool,
}

/// How Python begins to tell of an exception.
const TRACEBACK: &str = "Traceback (most recent call last)";
/// What stands between the tracebacks of exceptions that led to each other.
const CHAINS: [&str; 2] =
    ["During handling of the above exception", "The above exception was the direct cause of the following"];

impl Reader {
    pub fn new(stream: LogStream) -> Self {
        Reader { stream, in_traceback: false }
    }

    /// Reads the next line.
    pub fn read(&mut self, text: &str) -> Line {
        let line = Line::parse(text);
        if self.stream != LogStream::Stderr || line.level != LogLevel::Stdout && !text.starts_with(TRACEBACK) {
            return line;
        }
        let level = if self.is_of_traceback(text) { LogLevel::Error } else { LogLevel::Info };
        Line { level, ..line }
    }

    /// Whether the line belongs to a traceback: its title, the indented lines below, and the exception, which ends it.
    fn is_of_traceback(&mut self, text: &str) -> bool {
        let goes_on = self.in_traceback;
        if text.trim_start().starts_with(TRACEBACK) {
            self.in_traceback = true;
        } else if !text.starts_with([' ', '\t']) && !text.is_empty() {
            self.in_traceback = false;
        }
        goes_on || self.in_traceback || CHAINS.iter().any(|chain| text.starts_with(chain))
    }
}

/// A line of a structured log, as dora's nodes write it from Rust and Python.
#[derive(Deserialize)]
struct Record {
    level: String,
    timestamp: String,
    message: Option<String>,
    target: Option<String>,
    module_path: Option<String>,
    file: Option<Value>,
    line: Option<Value>,
    #[serde(default)]
    fields: BTreeMap<String, Value>,
}

fn shown(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

/// Dora's level as ours.
pub fn level(level: &LogLevelOrStdout) -> LogLevel {
    use dora_message::common::LogLevel as Theirs;
    match level {
        LogLevelOrStdout::Stdout => LogLevel::Stdout,
        LogLevelOrStdout::LogLevel(Theirs::Error) => LogLevel::Error,
        LogLevelOrStdout::LogLevel(Theirs::Warn) => LogLevel::Warn,
        LogLevelOrStdout::LogLevel(Theirs::Info) => LogLevel::Info,
        LogLevelOrStdout::LogLevel(Theirs::Debug) => LogLevel::Debug,
        LogLevelOrStdout::LogLevel(Theirs::Trace) => LogLevel::Trace,
    }
}

/// The level a line names near its beginning in capitals, as loggers write it: `WARNING:root:low battery`,
/// `[2026-11-20 10:00:00] ERROR camera: gone`. A word in running text is none.
fn find_level(text: &str) -> Option<LogLevel> {
    let words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    // Date, time and a logger's name come before the level at most.
    for word in words.take(4) {
        let found = match word {
            "ERROR" | "CRITICAL" | "FATAL" => LogLevel::Error,
            "WARN" | "WARNING" => LogLevel::Warn,
            "INFO" => LogLevel::Info,
            "DEBUG" => LogLevel::Debug,
            "TRACE" => LogLevel::Trace,
            _ => continue,
        };
        return Some(found);
    }
    // Python says this before anything else when it dies.
    text.starts_with(TRACEBACK).then_some(LogLevel::Error)
}

/// Splits what a pipe yields into lines of at most [`LONGEST`] bytes.
#[derive(Default)]
pub struct Splitter {
    rest: Vec<u8>,
    /// The line goes on past the limit and is being skipped.
    skipping: bool,
}

impl Splitter {
    /// Takes what was read and gives each line that is complete to `each`.
    pub fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(String)) {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            let (line, after) = bytes.split_at(end);
            self.take(line);
            bytes = after.get(1..).unwrap_or_default();
            self.finish(&mut each);
        }
        self.take(bytes);
    }

    /// Gives a last line that has no end.
    pub fn end(&mut self, mut each: impl FnMut(String)) {
        if !self.rest.is_empty() {
            self.finish(&mut each);
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let room = LONGEST.saturating_sub(self.rest.len());
        self.skipping |= bytes.len() > room;
        self.rest.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn finish(&mut self, each: &mut impl FnMut(String)) {
        let line = self.rest.strip_suffix(b"\r").unwrap_or(&self.rest);
        let mut line = String::from_utf8_lossy(line).into_owned();
        if std::mem::take(&mut self.skipping) {
            line.push_str(" … (cut at 1 MiB)");
        }
        self.rest.clear();
        each(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_a_dora_logger_keeps_its_structure() {
        let line = Line::parse(
            r#"{"timestamp":"2026-11-20T10:00:00.5Z","level":"WARN","message":"low","target":"cam","fields":{"volts":"11"}}"#,
        );
        assert_eq!((line.level, line.message.as_str()), (LogLevel::Warn, "low"));
        assert_eq!(line.target.as_deref(), Some("cam"));
        assert_eq!(line.fields["volts"], "11");
        assert_eq!(line.time, Some(UnixNanos(1_795_168_800_500_000_000)));
    }

    #[test]
    fn what_pythons_logging_writes_through_dora_is_a_record() {
        let line = Line::parse(
            r#"{"timestamp":"2026-11-21T01:55:18.335534Z","level":"WARN","fields":{"file":"t.py","line":23,"target":"root","message":"done"},"target":"dora","spans":[{"line":23}]}"#,
        );
        assert_eq!((line.level, line.message.as_str()), (LogLevel::Warn, "done"));
        assert_eq!(line.target.as_deref(), Some("root"));
        assert_eq!(line.fields["line"], "23");
    }

    #[test]
    fn json_that_is_no_record_is_plain_output() {
        let line = Line::parse(r#"{"value": 3}"#);
        assert_eq!((line.level, line.message.as_str()), (LogLevel::Stdout, r#"{"value": 3}"#));
    }

    #[test]
    fn levels_are_read_where_loggers_write_them() {
        for (text, expected) in [
            ("WARNING:root:low battery", LogLevel::Warn),
            ("2026-11-20 10:00:00,123 ERROR camera gone", LogLevel::Error),
            ("[INFO] ready", LogLevel::Info),
            ("Traceback (most recent call last):", LogLevel::Error),
            ("there was no error", LogLevel::Stdout),
            ("the word one two three ERROR comes late", LogLevel::Stdout),
        ] {
            assert_eq!(Line::parse(text).level, expected, "{text}");
        }
    }

    #[test]
    fn lines_of_standard_error_are_info_and_a_traceback_is_an_error_to_its_end() {
        let mut reader = Reader::new(LogStream::Stderr);
        for (text, expected) in [
            ("loading the model", LogLevel::Info),
            ("WARNING:root:low battery", LogLevel::Warn),
            ("Traceback (most recent call last):", LogLevel::Error),
            ("  File \"cam.py\", line 3, in <module>", LogLevel::Error),
            ("    raise ValueError(\"no camera\")", LogLevel::Error),
            ("ValueError: no camera on /dev/video0", LogLevel::Error),
            ("", LogLevel::Info),
            ("During handling of the above exception, another exception occurred:", LogLevel::Error),
            ("Traceback (most recent call last):", LogLevel::Error),
            ("KeyboardInterrupt", LogLevel::Error),
            ("shutting down", LogLevel::Info),
        ] {
            assert_eq!(reader.read(text).level, expected, "{text}");
        }
        let mut reader = Reader::new(LogStream::Stdout);
        assert_eq!(reader.read("plain").level, LogLevel::Stdout);
    }

    #[test]
    fn lines_come_out_however_they_are_cut() {
        let mut lines = Vec::new();
        let mut splitter = Splitter::default();
        for part in ["a", "b\r\nc\n\nd", "e"] {
            splitter.feed(part.as_bytes(), |line| lines.push(line));
        }
        splitter.end(|line| lines.push(line));
        assert_eq!(lines, ["ab", "c", "", "de"]);
    }

    #[test]
    fn an_endless_line_costs_no_more_than_its_limit() {
        let mut splitter = Splitter::default();
        for _ in 0..5 {
            splitter.feed(&vec![b'x'; LONGEST / 2], |_| panic!("the line has not ended"));
        }
        assert!(splitter.rest.len() <= LONGEST);
        let mut lines = Vec::new();
        splitter.feed(b"\nnext\n", |line| lines.push(line));
        assert!(lines[0].ends_with("(cut at 1 MiB)"));
        assert_eq!(lines[1], "next");
    }
}
