//! Files of programs, found and read.

use std::path::{Path, PathBuf};

use diag::{Diagnostic, Result, codes};

/// Directories that hold what others made.
const PASSED_OVER: &[&str] = &["target", "node_modules"];

/// A file itself, or all files with an extension below a directory, in the order of their names. Hidden directories
/// and those of build tools are passed over.
///
/// # Errors
/// `NO_SCRIPT` when there is no such file.
pub fn below(path: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let kind = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !kind.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut found = Vec::new();
    search(path, extension, &mut found);
    found.sort();
    Ok(found)
}

fn search(directory: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    // What may not be looked into holds nothing that could be run.
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let path = if directory == Path::new(".") { PathBuf::from(entry.file_name()) } else { entry.path() };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !name.starts_with('.') && !PASSED_OVER.contains(&&*name) => {
                search(&path, extension, found);
            }
            Ok(kind) if kind.is_file() && path.extension().is_some_and(|of| of == extension) => found.push(path),
            _ => {}
        }
    }
}

/// The text of a file.
///
/// # Errors
/// `NO_SCRIPT` when it cannot be read as text.
pub fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::new(codes::NO_SCRIPT, format!("`{}` cannot be read: {}", path.display(), diag::os_reason(error)))
}
