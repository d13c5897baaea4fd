//! Structured lines on stdout, as dora reads them: JSON with a level, a timestamp, a message and fields.

use std::io::Write;

use serde_json::{Map, Value, json};

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Error => "ERROR",
            Level::Warn => "WARN",
            Level::Info => "INFO",
            Level::Debug => "DEBUG",
        }
    }
}

/// Writes one line. A stdout that is closed is not this node's trouble: its work goes on.
pub fn line(level: Level, target: &str, message: &str, fields: &[(&str, String)]) {
    let text = format!("{}\n", record(level, target, message, fields));
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}

fn record(level: Level, target: &str, message: &str, fields: &[(&str, String)]) -> Value {
    let fields: Map<String, Value> =
        fields.iter().map(|(name, value)| ((*name).to_string(), Value::String(value.clone()))).collect();
    json!({
        "timestamp": jiff::Timestamp::now().to_string(),
        "level": level.name(),
        "target": target,
        "message": message,
        "fields": fields,
    })
}

#[cfg(test)]
mod tests {
    use dora_message::common::{LogLevelOrStdout, LogMessage, LogMessageHelper};

    use super::*;

    #[test]
    fn dora_reads_a_line_as_a_structured_record() {
        let line = record(Level::Warn, "sink", "late", &[("input", "a".to_string())]).to_string();
        let read: LogMessage = serde_json::from_str::<LogMessageHelper>(&line).unwrap().into();
        assert_eq!(read.message, "late");
        assert!(matches!(read.level, LogLevelOrStdout::LogLevel(level) if level.to_string() == "WARN"));
        assert_eq!(read.fields.unwrap().get("input").map(String::as_str), Some("a"));
    }
}
