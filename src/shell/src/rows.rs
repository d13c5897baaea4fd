//! Rows of a stream on their way to the terminal.
//!
//! Rows are shown when they are there: a thread takes them out of the stream while this one draws what has come
//! and waits no longer than [`GATHER`] for more. What ends within that time is drawn as one table.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use diag::{Diagnostic, Result, codes};
use render::{Options, TableStream};
use value::{Interrupt, Value};

/// How long the first rows wait for others, so that columns fit more than the very first row.
const GATHER: Duration = Duration::from_millis(40);
/// How often a wait for rows looks at the interrupt.
const LOOK: Duration = Duration::from_millis(20);
/// Rows drawn at once.
const BATCH: usize = 1000;

/// Draws a stream with `write`, row by row as they come. Off a terminal, what has an end is drawn when it has come,
/// as one table. Gives whether there was any row.
pub fn show(
    stream: engine::Stream,
    options: &Options,
    interrupt: &Interrupt,
    mut write: impl FnMut(&str) -> Result<()>,
) -> Result<bool> {
    let endless = stream.endless;
    let over = if options.width.is_some() { "\r" } else { "" };
    std::thread::scope(|scope| {
        let (sender, rows) = sync_channel(BATCH);
        // Closures of the stream run there, as deeply as anywhere.
        let send = move || {
            for item in stream {
                let failed = item.is_err();
                // The other side has gone: nobody wants more.
                if sender.send(item).is_err() || failed {
                    return;
                }
            }
        };
        let pull = move || value::interrupt::with_interrupt(interrupt, send);
        engine::thread::named("dora-rows").spawn_scoped(scope, pull).map_err(|error| {
            Diagnostic::new(
                codes::INTERNAL,
                format!("a thread for the rows cannot be started: {}", diag::os_reason(&error)),
            )
        })?;
        let rows = Rows { rows, interrupt };
        let (limit, time) = match options.width.is_none() && !endless {
            true => (usize::MAX, None),
            false => (BATCH, Some(GATHER)),
        };
        let first = rows.gather(limit, time)?;
        if first.ended {
            let any = !first.rows.is_empty();
            if any {
                write(&whole(first.rows, options)?)?;
            }
            return first.failure.map_or(Ok(any), Err);
        }
        let mut table = TableStream::new(options.clone());
        write(&table.push(&first.rows))?;
        loop {
            let next = rows.gather(BATCH, Some(Duration::ZERO));
            let text = next.as_ref().map_or(String::new(), |next| table.push(&next.rows));
            if !text.is_empty() {
                write(&text)?;
            }
            let failure = match next {
                Ok(next) if !next.ended => continue,
                Ok(next) => next.failure,
                Err(interrupted) => Some(interrupted),
            };
            // The frame is closed before anything else is said, over the `^C` that a terminal has written.
            let over = if failure.as_ref().is_some_and(|error| error.code == codes::INTERRUPTED) { over } else { "" };
            write(&format!("{over}{}", table.finish()))?;
            return failure.map_or(Ok(true), Err);
        }
    })
}

fn whole(rows: Vec<Value>, options: &Options) -> Result<String> {
    let mut text = render::value_to_text(&Value::list(rows), &Options { rows: None, ..options.clone() })?;
    text.push('\n');
    Ok(text)
}

struct Rows<'a> {
    rows: Receiver<Result<Value>>,
    interrupt: &'a Interrupt,
}

/// Rows that have come.
struct Gathered {
    rows: Vec<Value>,
    ended: bool,
    failure: Option<Box<Diagnostic>>,
}

impl Rows<'_> {
    /// Waits for a row, and then for others, at most `limit` in all and no longer than `time` after the first.
    fn gather(&self, limit: usize, time: Option<Duration>) -> Result<Gathered> {
        let mut gathered = Gathered { rows: Vec::new(), ended: false, failure: None };
        let mut until: Option<Instant> = None;
        while gathered.rows.len() < limit {
            self.interrupt.check()?;
            let wait = until.map_or(LOOK, |until| until.saturating_duration_since(Instant::now()).min(LOOK));
            match self.rows.recv_timeout(wait) {
                Ok(Ok(row)) => {
                    gathered.rows.push(row);
                    if until.is_none() {
                        until = time.map(|time| Instant::now() + time);
                    }
                }
                Ok(Err(failure)) => {
                    gathered.failure = Some(failure);
                    gathered.ended = true;
                    break;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    gathered.ended = true;
                    break;
                }
                Err(RecvTimeoutError::Timeout) if until.is_some_and(|until| Instant::now() >= until) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        Ok(gathered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    fn row(n: i64) -> Value {
        Value::record([("n", Value::Int(n))].into_iter().collect())
    }

    fn shown(stream: engine::Stream, options: &Options) -> (String, Result<bool>) {
        let mut text = String::new();
        let result = show(stream, options, &Interrupt::new(), |piece| {
            text.push_str(piece);
            Ok(())
        });
        (text, result)
    }

    #[test]
    fn what_ends_at_once_is_one_table() {
        let rows: Vec<Result<Value>> = vec![Ok(row(1)), Ok(row(100_000))];
        let (text, result) = shown(engine::Stream::new(rows.into_iter()), &Options::terminal(40, false));
        result.unwrap();
        assert_eq!(text.matches('╭').count(), 1, "{text}");
        assert!(text.ends_with("╯\n"), "{text}");
    }

    #[test]
    fn a_row_is_shown_before_the_next_one_comes() {
        let (send, receive) = channel::<i64>();
        send.send(1).unwrap();
        let stream = engine::Stream::new(receive.into_iter().map(|n| Ok(row(n))));
        let mut send = Some(send);
        let mut pieces = Vec::new();
        // The second row exists only once the first has been written.
        let result = show(stream, &Options::terminal(40, false), &Interrupt::new(), |piece| {
            pieces.push(piece.to_string());
            if let Some(send) = send.take() {
                send.send(2).unwrap();
            }
            Ok(())
        });
        result.unwrap();
        assert!(pieces[0].contains('1') && !pieces[0].contains('2'), "{pieces:?}");
        assert!(pieces[1].contains('2'), "{pieces:?}");
    }

    #[test]
    fn a_failure_comes_after_the_rows_before_it() {
        let failure = Diagnostic::new(codes::DIVISION_BY_ZERO, "no");
        let rows: Vec<Result<Value>> = vec![Ok(row(7)), Err(failure), Ok(row(8))];
        let (text, result) = shown(engine::Stream::new(rows.into_iter()), &Options::whole());
        assert_eq!(result.unwrap_err().code, codes::DIVISION_BY_ZERO);
        assert!(text.contains('7') && !text.contains('8'), "{text}");
    }

    #[test]
    fn an_interrupt_ends_a_stream_that_waits() {
        let interrupt = Interrupt::new();
        let (inner, raise) = (interrupt.clone(), interrupt.clone());
        let endless = std::iter::from_fn(move || {
            std::thread::yield_now();
            (!inner.is_raised()).then(|| Ok(row(1)))
        });
        let result = show(engine::Stream::new(endless).endless(), &Options::whole(), &interrupt, |_| {
            raise.raise();
            Ok(())
        });
        assert_eq!(result.unwrap_err().code, codes::INTERRUPTED);
    }
}
