use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::prelude::*;

pub static LS: Command = Command {
    name: "ls",
    category: Category::Files,
    summary: "Lists files and directories",
    params: &[
        Param::rest(
            "paths",
            Takes::Path,
            "Directories, files or patterns such as `*.csv`; the current directory by default",
        ),
        Param::switch("all", Some('a'), "Hidden ones too"),
        Param::switch("long", Some('l'), "With owner, mode and links"),
        Param::switch("short-names", Some('s'), "Names without their directories"),
        Param::switch("directory", Some('D'), "A directory itself rather than what is in it"),
    ],
    io: &[(
        "nothing",
        "table<name: string, type: string@[file dir symlink pipe socket device], size: filesize, modified: datetime>",
    )],
    examples: &[try_it("Large files", "ls | where size > 1mb | sort-by size"), try_it("By a pattern", "ls *.yml")],
    search: &["dir", "files", "list"],
    infer: Some(infer),
    run,
    ..Command::DEFAULT
};

fn infer(shape: &Shape<'_>) -> Option<Type> {
    if !shape.switch("long") {
        return None;
    }
    let long = "table<name: string, type: string@[file dir symlink pipe socket device], size: filesize, modified: datetime, \
                target: oneof<string, nothing>, mode: string, uid: int, gid: int, links: int, readonly: bool, inode: int>";
    Type::parse(long).ok()
}

fn run(call: &mut Call<'_>, _: Data) -> Result<Data> {
    let (all, long, short, itself) =
        (call.switch("all"), call.switch("long"), call.switch("short-names"), call.switch("directory"));
    let mut paths: Vec<String> = call.rest("paths")?;
    if paths.is_empty() {
        paths.push(String::new());
    }
    let mut rows = Vec::new();
    for shown in &paths {
        let place = call.span("paths");
        let path = call.env().resolve(shown);
        if super::glob::is_pattern(shown) && !path.exists() {
            let found = matching(call.env().cwd(), shown, all).map_err(|error| error.label(place, "this pattern"))?;
            if found.is_empty() {
                return Err(Diagnostic::new(codes::FILE_UNREADABLE, format!("nothing matches `{shown}`"))
                    .label(place, "this pattern"));
            }
            for (name, path) in found {
                rows.push(row(&name, &path, long)?);
            }
            continue;
        }
        if !path.is_dir() || itself {
            let name = if shown.is_empty() { "." } else { shown };
            match std::fs::symlink_metadata(&path) {
                Ok(_) => rows.push(row(name, &path, long)?),
                Err(error) => return Err(super::open::missing(shown, &path, &error).label(place, "this path")),
            }
            continue;
        }
        let entries = std::fs::read_dir(&path)
            .map_err(|error| super::open::missing(shown, &path, &error).label(place, "this path"))?;
        let mut names: Vec<(String, PathBuf)> = entries
            .filter_map(std::result::Result::ok)
            .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
            .filter(|(name, _)| all || !name.starts_with('.'))
            .collect();
        names.sort();
        for (name, entry) in names {
            call.interrupt().check()?;
            let name = if shown.is_empty() || short {
                name
            } else {
                Path::new(shown).join(name).to_string_lossy().into_owned()
            };
            // One that is gone since is no error.
            if let Ok(row) = row(&name, &entry, long) {
                rows.push(row);
            }
        }
    }
    Ok(Data::Value(Value::list(rows)))
}

fn row(name: &str, path: &Path, long: bool) -> Result<Value> {
    let meta = std::fs::symlink_metadata(path).map_err(|error| super::open::missing(name, path, &error))?;
    let kind = meta.file_type();
    let word = match () {
        () if kind.is_symlink() => "symlink",
        () if kind.is_dir() => "dir",
        () if kind.is_file() => "file",
        () if kind.is_fifo() => "pipe",
        () if kind.is_socket() => "socket",
        () => "device",
    };
    let modified = meta.mtime().checked_mul(1_000_000_000).and_then(|nanos| nanos.checked_add(meta.mtime_nsec()));
    let modified = modified.map(|nanos| Value::DateTime(super::local(nanos)));
    let size = Value::Filesize(i64::try_from(meta.len()).unwrap_or(i64::MAX));
    let mut record = Record::new();
    record.insert("name", Value::from(name));
    record.insert("type", Value::from(word));
    record.insert("size", size);
    record.insert("modified", modified.unwrap_or(Value::Nothing));
    if long {
        let target = std::fs::read_link(path).ok().map(|target| Value::string(target.to_string_lossy()));
        record.insert("target", target.unwrap_or(Value::Nothing));
        record.insert("mode", Value::string(format!("{:o}", meta.permissions().mode() & 0o7777)));
        record.insert("uid", Value::Int(meta.uid().into()));
        record.insert("gid", Value::Int(meta.gid().into()));
        record.insert("links", Value::Int(i64::try_from(meta.nlink()).unwrap_or(i64::MAX)));
        record.insert("readonly", Value::Bool(meta.permissions().readonly()));
        record.insert("inode", Value::Int(i64::try_from(meta.ino()).unwrap_or(i64::MAX)));
    }
    Ok(Value::record(record))
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
            if !super::glob::is_pattern(part) {
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
