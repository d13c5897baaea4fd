use std::path::{Path, PathBuf};

use crate::prelude::*;

pub static GLOB: Command = Command {
    name: "glob",
    category: Category::Files,
    summary: "Lists the paths that match a pattern; `**` goes through all directories",
    params: &[
        Param::required("pattern", Takes::Type("string"), "The pattern"),
        Param::switch("all", Some('a'), "Hidden ones too"),
    ],
    io: &[("nothing", "list<string>")],
    examples: &[try_it("All dataflows below", "glob **/*.yml")],
    search: &["find", "files", "pattern"],
    run: |call, _| {
        let pattern: String = call.required("pattern")?;
        let found = matching(call.env().cwd(), &pattern, call.switch("all"))
            .map_err(|error| error.label(call.span("pattern"), "this pattern"))?;
        let paths = found.into_iter().map(|(_, path)| Value::string(path.to_string_lossy()));
        Ok(Data::Value(Value::list(paths.collect::<Vec<_>>())))
    },
    ..Command::DEFAULT
};

/// Whether a text that names files may name several.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// The files whose names match a pattern, level by level: `*` and `?` stay within one, `**` goes through all.
pub(crate) fn matching(cwd: &Path, pattern: &str, all: bool) -> Result<Vec<(String, PathBuf)>> {
    let absolute = pattern.starts_with('/');
    let mut found: Vec<(String, PathBuf)> =
        vec![if absolute { ("/".to_string(), PathBuf::from("/")) } else { (String::new(), cwd.to_path_buf()) }];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        if part == "**" {
            for start in &found {
                descend(start, all, &mut next);
            }
            found = next;
            continue;
        }
        let wanted = part_pattern(part)?;
        for (shown, dir) in &found {
            if !is_pattern(part) {
                let path = dir.join(part);
                if path.exists() {
                    next.push((joined(shown, part), path));
                }
                continue;
            }
            next.extend(
                children(dir)
                    .into_iter()
                    .filter(|(name, _)| {
                        (all || part.starts_with('.') || !name.starts_with('.')) && wanted.is_match(name)
                    })
                    .map(|(name, path)| (joined(shown, &name), path)),
            );
        }
        found = next;
    }
    Ok(found)
}

fn descend(start: &(String, PathBuf), all: bool, into: &mut Vec<(String, PathBuf)>) {
    into.push(start.clone());
    for (name, path) in children(&start.1) {
        let is_dir = std::fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir());
        if is_dir && (all || !name.starts_with('.')) {
            descend(&(joined(&start.0, &name), path), all, into);
        }
    }
}

fn children(dir: &Path) -> Vec<(String, PathBuf)> {
    let mut children: Vec<(String, PathBuf)> = dir
        .read_dir()
        .map(|entries| {
            let entries = entries.filter_map(std::result::Result::ok);
            entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())).collect()
        })
        .unwrap_or_default();
    children.sort();
    children
}

fn joined(shown: &str, name: &str) -> String {
    match shown {
        "" => name.to_string(),
        "/" => format!("/{name}"),
        shown => format!("{shown}/{name}"),
    }
}

pub(crate) fn part_pattern(part: &str) -> Result<regex::Regex> {
    let mut pattern = String::from("^(?s)");
    let mut chars = part.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' => pattern.push_str(".*"),
            '?' => pattern.push('.'),
            '[' => {
                pattern.push('[');
                for c in chars.by_ref() {
                    match c {
                        '!' if pattern.ends_with('[') => pattern.push('^'),
                        '\\' => pattern.push_str("\\\\"),
                        c => pattern.push(c),
                    }
                    if c == ']' {
                        break;
                    }
                }
            }
            c => pattern.push_str(&regex::escape(&c.to_string())),
        }
    }
    pattern.push('$');
    value::ops::compile_regex(&pattern)
        .map_err(|_| Diagnostic::new(codes::BAD_PATTERN, format!("`{part}` is not a pattern of names")))
}
