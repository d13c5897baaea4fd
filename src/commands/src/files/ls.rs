use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::files::glob::{is_pattern, matching};
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
        if is_pattern(shown) && !path.exists() {
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
