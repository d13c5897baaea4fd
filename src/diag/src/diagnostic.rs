//! The one error type of the house.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::codes::Code;
use crate::source::Span;

/// Boxed, so that a `Result` stays as small as its value.
pub type Result<T, E = Box<Diagnostic>> = std::result::Result<T, E>;

/// A failure, told so that a stranger can act on it.
#[derive(Clone)]
pub struct Diagnostic {
    pub code: Code,
    /// What happened, to which thing: one sentence, without a final full stop.
    pub message: String,
    /// Where; the first is the primary one.
    pub labels: Vec<Label>,
    /// Why, or how to say it instead.
    pub help: Option<String>,
    /// Commands that can be pasted as they are.
    pub next: Vec<String>,
    /// What led to it, nearest first.
    pub causes: Vec<Cause>,
    /// Whether the same command may succeed later, unchanged.
    pub retryable: bool,
    /// How long the failed step ran.
    pub elapsed: Option<Duration>,
    /// Problems found beside this one, each told in full.
    pub related: Vec<Diagnostic>,
    /// What a program gets besides words, for instance the change table of a partly done command.
    pub data: Option<Arc<dyn Any + Send + Sync>>,
}

/// One marked place in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

/// One link of the chain that led to a failure: a title, and what was seen (an OS error, a node's last lines).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    pub title: String,
    pub detail: Vec<String>,
}

impl Diagnostic {
    pub fn new(code: Code, message: impl Into<String>) -> Box<Self> {
        Box::new(Diagnostic {
            code,
            message: message.into(),
            labels: Vec::new(),
            help: None,
            next: Vec::new(),
            causes: Vec::new(),
            retryable: false,
            elapsed: None,
            related: Vec::new(),
            data: None,
        })
    }

    pub fn label(mut self: Box<Self>, span: Span, text: impl Into<String>) -> Box<Self> {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds the primary label unless there is one already: the caller nearest to the text knows best.
    pub fn or_label(self: Box<Self>, span: Span, text: impl Into<String>) -> Box<Self> {
        if self.labels.is_empty() { self.label(span, text) } else { self }
    }

    pub fn help(mut self: Box<Self>, help: impl Into<String>) -> Box<Self> {
        self.help = Some(help.into());
        self
    }

    /// Adds a command to type next.
    pub fn next(mut self: Box<Self>, command: impl Into<String>) -> Box<Self> {
        self.next.push(command.into());
        self
    }

    pub fn cause(mut self: Box<Self>, title: impl Into<String>) -> Box<Self> {
        self.causes.push(Cause { title: title.into(), detail: Vec::new() });
        self
    }

    /// Adds a cause with the lines that show it, such as a node's last words.
    pub fn cause_with(mut self: Box<Self>, title: impl Into<String>, detail: Vec<String>) -> Box<Self> {
        self.causes.push(Cause { title: title.into(), detail });
        self
    }

    pub fn retryable(mut self: Box<Self>) -> Box<Self> {
        self.retryable = true;
        self
    }

    pub fn elapsed(mut self: Box<Self>, elapsed: Duration) -> Box<Self> {
        self.elapsed = Some(elapsed);
        self
    }

    pub fn related(mut self: Box<Self>, other: Diagnostic) -> Box<Self> {
        self.related.push(other);
        self
    }

    pub fn data(mut self: Box<Self>, data: Arc<dyn Any + Send + Sync>) -> Box<Self> {
        self.data = Some(data);
        self
    }

    /// Makes one diagnostic of many: the first leads, the others are related to it. `None` when there are none.
    pub fn combine(all: Vec<Diagnostic>) -> Option<Box<Self>> {
        let mut all = all.into_iter();
        let mut first = all.next()?;
        first.related.extend(all);
        Some(Box::new(first))
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.id(), self.message)?;
        for label in &self.labels {
            write!(f, "\n  at {}..{}: {}", label.span.start, label.span.end, label.text)?;
        }
        for cause in &self.causes {
            write!(f, "\n  because {}", cause.title)?;
            for line in &cause.detail {
                write!(f, "\n    {line}")?;
            }
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        for other in &self.related {
            write!(f, "\n{other:?}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}
