//! Files and directories.

use std::time::{Duration, Instant};

use super::{Completion, Found};

/// A directory on a slow disk must not hold up the prompt.
const BUDGET: Duration = Duration::from_millis(40);

impl Completion<'_> {
    /// Paths that go on from the current word.
    pub(super) fn files(&self, found: &mut Found<'_>, only_directories: bool) {
        self.files_at(found, self.place.current.start, only_directories);
    }

    pub(super) fn files_at(&self, found: &mut Found<'_>, start: usize, only_directories: bool) {
        let typed = self.place.current.text.get(start - self.place.current.start..).unwrap_or("");
        let typed = match self.place.quote {
            Some(quote) => typed.strip_prefix(quote).unwrap_or(typed),
            None => typed,
        };
        let (directory, base) = match typed.rfind('/') {
            Some(at) => typed.split_at(at + 1),
            None => ("", typed),
        };
        let from = self.session.env().resolve(if directory.is_empty() { "." } else { directory });
        let Ok(entries) = from.read_dir() else { return };
        let begun = Instant::now();
        let mut names: Vec<(String, bool)> = Vec::new();
        for entry in entries.flatten() {
            if begun.elapsed() > BUDGET {
                break;
            }
            let Ok(name) = entry.file_name().into_string() else { continue };
            // Hidden files are offered to who asks for them.
            if name.starts_with('.') && !base.starts_with('.') || !name.to_lowercase().starts_with(&base.to_lowercase())
            {
                continue;
            }
            // A link to a directory is one for the user.
            let is_directory = entry.path().is_dir();
            if is_directory || !only_directories {
                names.push((name, is_directory));
            }
        }
        names.sort();
        for (name, is_directory) in names {
            let path = format!("{directory}{name}{}", if is_directory { "/" } else { "" });
            found.add_at(
                start,
                quoted(&path, self.place.quote, is_directory),
                if is_directory { "directory" } else { "" },
                !is_directory,
            );
        }
    }
}

/// The path as it can be typed; a directory's quote stays open, for it goes on.
fn quoted(path: &str, quote: Option<char>, goes_on: bool) -> String {
    let special = |c: char| c.is_whitespace() || c.is_control() || "'\"`|;()[]{}$#,".contains(c);
    let quote = match quote {
        Some(quote) => quote,
        None if !path.contains(special) => return path.to_string(),
        None => '"',
    };
    let mut text = String::from(quote);
    for c in path.chars() {
        if quote == '"' && matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    if !goes_on {
        text.push(quote);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_need_it_are_quoted() {
        assert_eq!(quoted("a/b-1.csv", None, false), "a/b-1.csv");
        assert_eq!(quoted("a b", None, false), "\"a b\"");
        assert_eq!(quoted("a b/", None, true), "\"a b/");
        assert_eq!(quoted("say \"x\"", Some('\''), false), "'say \"x\"'");
        assert_eq!(quoted("say \"x\"", None, false), "\"say \\\"x\\\"\"");
    }
}
