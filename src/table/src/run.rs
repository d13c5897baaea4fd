//! Running polars: what it fails with, its panics, and the wait for it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use diag::{Diagnostic, Result, codes, os_reason};
use polars::prelude::{PolarsError, PolarsResult};
use value::interrupt;

/// How often a wait looks at the interrupt: well under the 100 ms that ctrl-c may take.
pub(crate) const GLANCE: Duration = Duration::from_millis(20);

/// Runs a query. When an interrupt is in force the query runs on its own thread, and this one returns within
/// [`GLANCE`] of the interrupt; the query, which polars cannot stop, ends by itself and its result is dropped.
///
/// # Errors
/// `INTERRUPTED`, the diagnostic of a kernel that failed, or what polars' own failure means.
pub(crate) fn run<T: Send + 'static>(query: impl FnOnce() -> PolarsResult<T> + Send + 'static) -> Result<T> {
    let Some(interrupt) = interrupt::current() else { return caught(query) };
    interrupt.check()?;
    let (send, receive) = sync_channel(1);
    let worker = std::thread::Builder::new().name("query".into()).spawn(move || {
        // Nobody listens any more after an interrupt.
        let _ = send.send(caught(query));
    });
    worker.map_err(|error| failed(&format!("no thread could be started: {}", diag::os_reason(&error))))?;
    loop {
        match receive.recv_timeout(GLANCE) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Timeout) => interrupt.check()?,
            Err(RecvTimeoutError::Disconnected) => return Err(failed("its thread ended early")),
        }
    }
}

/// Runs a query in this thread; its panics become errors.
pub(crate) fn caught<T>(query: impl FnOnce() -> PolarsResult<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(query)) {
        Ok(result) => result.map_err(translate),
        Err(_) => Err(failed("it met a case that it does not know")),
    }
}

/// Carries a diagnostic through polars.
pub(crate) fn carried(error: Box<Diagnostic>) -> PolarsError {
    PolarsError::IO { error: std::sync::Arc::new(io::Error::other(*error)), msg: None }
}

/// Says what polars' failure means. Its own text never shows.
pub(crate) fn translate(error: PolarsError) -> Box<Diagnostic> {
    // Whoever makes a test fail wants to know; whoever uses the shell has nothing of it.
    #[cfg(test)]
    eprintln!("polars: {error:?}");
    match error {
        PolarsError::Context { error, .. } | PolarsError::ExprContext { error, .. } => translate(*error),
        PolarsError::IO { error, .. } => match error.get_ref().and_then(|inner| inner.downcast_ref::<Diagnostic>()) {
            Some(diagnostic) => Box::new(diagnostic.clone()),
            None => Diagnostic::new(codes::FILE_UNREADABLE, format!("the file cannot be read: {}", os_reason(&error))),
        },
        PolarsError::ComputeError(text) | PolarsError::SchemaMismatch(text) | PolarsError::InvalidOperation(text) => {
            content(&text)
        }
        PolarsError::SQLSyntax(text) | PolarsError::SQLInterface(text) => {
            let text = text.trim_start_matches("sql parser error: ").trim_end_matches('.').to_string();
            Diagnostic::new(codes::BAD_SQL, format!("the SQL cannot be understood: {text}"))
        }
        PolarsError::NoData(_) => Diagnostic::new(codes::BAD_CONTENT, "there is nothing in the file"),
        PolarsError::ColumnNotFound(text) => no_column(&text),
        _ => failed("it was given something that it cannot do"),
    }
}

/// The column that a query names and its table lacks, with the nearest one that it has.
fn no_column(text: &str) -> Box<Diagnostic> {
    let name = between(text, "unable to find column \"", '"').unwrap_or(text);
    let known = between(text, "valid columns: [", ']').unwrap_or_default();
    value::cell_path::unknown_column(name, known.split(", ").map(|known| known.trim_matches('"')))
}

/// What stands in a text after one part of it and before the next such character.
fn between<'a>(text: &'a str, before: &str, end: char) -> Option<&'a str> {
    let start = text.find(before)? + before.len();
    text[start..].find(end).map(|len| &text[start..start + len])
}

/// A scan that met what its column cannot hold says which text and column; the rest is polars' advice to
/// programmers.
fn content(text: &str) -> Box<Diagnostic> {
    if let Some(cell) = between(text, "could not parse `", '`') {
        let column = between(text, "at column '", '\'').unwrap_or("?");
        let of = match between(text, "as dtype `", '`') {
            Some("i64") => "an int",
            Some("f64") => "a float",
            Some("bool") => "a bool",
            _ => "what the rows before it are",
        };
        return Diagnostic::new(codes::BAD_CONTENT, format!("in column `{column}`, `{cell}` is not {of}"))
            .help("the type was told from the first rows: name it in the schema, or let more rows be looked at");
    }
    let lower = text.to_lowercase();
    if ["ragged", "more fields", "csv", "json", "parquet", "magic", "parse", "footer", "utf-8", "utf8", "thrift"]
        .iter()
        .any(|word| lower.contains(word))
    {
        return Diagnostic::new(codes::BAD_CONTENT, "the file's content is not what its format asks for");
    }
    failed("it was given something that it cannot do")
}

pub(crate) fn failed(why: &str) -> Box<Diagnostic> {
    Diagnostic::new(codes::QUERY_FAILED, format!("the query engine failed: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::Interrupt;

    #[test]
    fn a_panic_in_the_engine_is_an_error() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let result = run::<()>(|| panic!("not yet implemented"));
        std::panic::set_hook(hook);
        assert_eq!(result.unwrap_err().code, codes::QUERY_FAILED);
    }

    #[test]
    fn an_interrupt_ends_the_wait_for_a_query() {
        let interrupt = Interrupt::new();
        let (started, wait) = sync_channel::<()>(0);
        let (release, hold) = sync_channel::<()>(0);
        let raiser = interrupt.clone();
        let ctrl_c = std::thread::spawn(move || {
            let _ = wait.recv();
            raiser.raise();
        });
        let result = interrupt::with_interrupt(&interrupt, || {
            run(move || {
                let _ = started.send(());
                let _ = hold.recv();
                Ok(())
            })
        });
        assert_eq!(result.unwrap_err().code, codes::INTERRUPTED);
        drop(release);
        ctrl_c.join().unwrap();
    }

    #[test]
    fn a_diagnostic_passes_through_polars_unchanged() {
        let error = Diagnostic::new(codes::OVERFLOW, "too much");
        let wrapped = carried(error).context("inside".into());
        let back = translate(wrapped);
        assert_eq!((back.code, back.message.as_str()), (codes::OVERFLOW, "too much"));
    }
}
