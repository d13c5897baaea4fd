//! `dora test`: functions that are tests, and the examples in documents.
//!
//! In a program, a `def` without parameters that has the attribute `@test`, or is called `test_…` or `"test …"`, is a
//! test: it fails when it raises an error. Each runs in a session of its own, after the file that it is in.
//!
//! In a Markdown file, each block fenced as ```` ```dora ```` is a test. What follows a statement on lines that begin
//! with `# =>` is the value it must give, as a literal; `# error: DORA_E301` says that it must fail with that code.
//! A block fenced as ```` ```transcript ```` has lines that are typed behind `> `, each followed by what is shown.
//!
//! - [`function`] – tests in programs
//! - [`example`] – blocks of documents

mod example;
mod function;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diag::{Diagnostic, Exit, Result, codes};
use engine::Session;

use crate::programs;
use crate::terminal::Terminal;

/// What `dora test` was asked for.
#[derive(Debug, Default)]
pub struct Asked {
    /// Files, and directories of them.
    paths: Vec<PathBuf>,
    /// Only tests whose name contains this.
    filter: Option<String>,
}

impl Asked {
    /// Sorts the words behind `dora test`.
    pub fn of(words: impl IntoIterator<Item = String>) -> Result<Asked> {
        let mut asked = Asked::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--filter" => match words.next() {
                    Some(text) => asked.filter = Some(text),
                    None => return Err(Diagnostic::new(codes::MISSING_ARGUMENT, "`--filter` needs a part of a name")),
                },
                flag if flag.starts_with('-') => {
                    return Err(Diagnostic::new(codes::UNKNOWN_FLAG, format!("`dora test` has no flag `{flag}`"))
                        .help("its flag is: --filter"));
                }
                path => asked.paths.push(path.into()),
            }
        }
        if asked.paths.is_empty() {
            asked.paths.push(".".into());
        }
        Ok(asked)
    }
}

/// Runs a test in a fresh session.
type Run = Box<dyn FnOnce(&mut Session) -> Result<()>>;

/// One thing that can pass or fail.
struct Test {
    name: String,
    /// Why it is left out, if it is.
    ignored: Option<String>,
    run: Run,
}

/// Runs all tests below the paths; gives the exit code. Failures are told as they come, and a summary at the end.
pub fn run(terminal: &Arc<Terminal>, asked: &Asked) -> i32 {
    let mut counts = Counts::default();
    let began = Instant::now();
    for path in &asked.paths {
        let found = programs::below(path, "dora").and_then(|mut files| {
            if path.is_dir() {
                files.extend(programs::below(path, "md")?);
            }
            Ok(files)
        });
        let files = match found {
            Ok(files) => files,
            Err(error) => {
                terminal.error(&error, &diag::Sources::new());
                return error.code.exit() as i32;
            }
        };
        for file in files {
            let is_document = file.extension().is_some_and(|extension| extension == "md");
            let session = Session::new(crate::app::context(terminal));
            let tests = programs::read(&file).and_then(|text| match is_document {
                true => Ok(example::tests(&file, &text)),
                false => function::tests(&session, &file, &text),
            });
            match tests {
                Ok(tests) => tests.into_iter().for_each(|test| one(terminal, asked, test, &mut counts)),
                Err(error) => {
                    counts.failed += 1;
                    terminal.mention(&format!("FAILED  {}", file.display()));
                    terminal.error(&error, session.context().sources());
                }
            }
        }
    }
    counts.tell(terminal, began.elapsed())
}

fn one(terminal: &Arc<Terminal>, asked: &Asked, test: Test, counts: &mut Counts) {
    if asked.filter.as_ref().is_some_and(|part| !test.name.contains(part.as_str())) {
        counts.left_out += 1;
        return;
    }
    if let Some(why) = test.ignored {
        counts.ignored += 1;
        terminal.mention(&format!("ignored {}: {why}", test.name));
        return;
    }
    let context = crate::app::context(terminal);
    let mut session = Session::new(context);
    let result = (test.run)(&mut session);
    let sources = session.context().sources().clone();
    crate::services::close(session.context());
    match result {
        Ok(()) => counts.passed += 1,
        Err(error) => {
            counts.failed += 1;
            terminal.mention(&format!("FAILED  {}", test.name));
            terminal.error(&error, &sources);
        }
    }
}

#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
    ignored: usize,
    left_out: usize,
}

impl Counts {
    fn tell(&self, terminal: &Terminal, took: Duration) -> i32 {
        let mut told = vec![format!("{} passed", self.passed), format!("{} failed", self.failed)];
        if self.ignored > 0 {
            told.push(format!("{} ignored", self.ignored));
        }
        if self.left_out > 0 {
            told.push(format!("{} left out", self.left_out));
        }
        let took = value::units::format_duration(
            i64::try_from(took.as_millis()).unwrap_or(i64::MAX).saturating_mul(1_000_000),
        );
        // Nobody to tell is no failure.
        let _ = terminal.tell(&format!("{} in {took}\n", told.join(", ")));
        if self.failed > 0 { Exit::Failed as i32 } else { Exit::Done as i32 }
    }
}
