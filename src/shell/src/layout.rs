//! `dora fmt`: programs laid out, in their files.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use diag::{Diagnostic, Exit, Result, Sources, codes};

use crate::programs;
use crate::terminal::Terminal;

/// What `dora fmt` was asked for.
#[derive(Debug, Default)]
pub struct Asked {
    /// Files, and directories of them; `-` is standard input.
    pub paths: Vec<PathBuf>,
    /// Only tell which files would change.
    pub check: bool,
}

impl Asked {
    /// Sorts the words behind `dora fmt`.
    pub fn of(words: impl IntoIterator<Item = String>) -> Result<Asked> {
        let mut asked = Asked::default();
        for word in words {
            match word.as_str() {
                "--check" => asked.check = true,
                flag if flag.starts_with('-') && flag != "-" => {
                    return Err(Diagnostic::new(codes::UNKNOWN_FLAG, format!("`dora fmt` has no flag `{flag}`"))
                        .help("its flag is: --check"));
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

/// Lays out all files that were named; gives the exit code. With `--check` it fails when one would change.
pub fn run(terminal: &Terminal, asked: &Asked) -> i32 {
    let sources = Sources::new();
    let mut worst = Exit::Done as i32;
    let mut tell = |error: Box<Diagnostic>| {
        terminal.error(&error, &sources);
        worst = worst.max(error.code.exit() as i32);
    };
    let mut changed = Vec::new();
    for path in &asked.paths {
        if path == Path::new("-") {
            match standard_input(&sources) {
                Ok(text) => drop(terminal.tell(&text)),
                Err(error) => tell(error),
            }
            continue;
        }
        match programs::below(path, "dora") {
            Ok(files) => {
                for file in files {
                    match lay_out(&file, asked.check, &sources) {
                        Ok(true) => changed.push(file),
                        Ok(false) => {}
                        Err(error) => tell(error),
                    }
                }
            }
            Err(error) => tell(error),
        }
    }
    for file in &changed {
        let done = if asked.check { "would be laid out" } else { "laid out" };
        terminal.mention(&format!("{} {done}", file.display()));
    }
    if asked.check && !changed.is_empty() { worst.max(Exit::Failed as i32) } else { worst }
}

/// Lays out one file; whether it changed, or would.
fn lay_out(file: &Path, check: bool, sources: &Sources) -> Result<bool> {
    let text = programs::read(file)?;
    let laid_out = laid_out(&file.display().to_string(), &text, sources)?;
    if laid_out == text || check {
        return Ok(laid_out != text);
    }
    let failed = |error: std::io::Error| {
        Diagnostic::new(
            codes::CANNOT_WRITE,
            format!("`{}` cannot be written: {}", file.display(), diag::os_reason(&error)),
        )
    };
    // Beside it, and then in its place: whoever reads it meanwhile has the one or the other.
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut part = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    part.write_all(laid_out.as_bytes()).map_err(failed)?;
    let permissions = std::fs::metadata(file).map_err(failed)?.permissions();
    std::fs::set_permissions(part.path(), permissions).map_err(failed)?;
    part.persist(file).map_err(|error| failed(error.error))?;
    Ok(true)
}

fn laid_out(name: &str, text: &str, sources: &Sources) -> Result<String> {
    let source = sources.add(name, text);
    match Diagnostic::combine(syntax::parse(&source).errors) {
        Some(error) => Err(error),
        None => Ok(syntax::format(text)),
    }
}

fn standard_input(sources: &Sources) -> Result<String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| {
        Diagnostic::new(codes::CANNOT_READ, format!("standard input cannot be read: {}", diag::os_reason(&error)))
    })?;
    laid_out("<stdin>", &text, sources)
}
