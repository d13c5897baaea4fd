//! Making, moving and removing files.

use std::path::Path;

use crate::prelude::*;

pub static MKDIR: Command = Command {
    name: "mkdir",
    category: Category::Files,
    summary: "Makes directories, with those above them",
    params: &[Param::rest("paths", Takes::Path, "What to make")],
    io: &[("nothing", "nothing")],
    examples: &[try_it("Two levels", "mkdir runs/today")],
    infer: Some(|_| Some(Type::Nothing)),
    run: |call, _| {
        for shown in call.rest::<String>("paths")? {
            let path = call.env().resolve(&shown);
            std::fs::create_dir_all(&path).map_err(|error| failed(call, &shown, "made", &error))?;
        }
        Ok(Data::Empty)
    },
    ..Command::DEFAULT
};

pub static TOUCH: Command = Command {
    name: "touch",
    category: Category::Files,
    summary: "Makes files that are not there and gives the others the time of now",
    params: &[Param::rest("paths", Takes::Path, "The files")],
    io: &[("nothing", "nothing")],
    examples: &[try_it("A file", "touch notes.txt")],
    infer: Some(|_| Some(Type::Nothing)),
    run: |call, _| {
        for shown in call.rest::<String>("paths")? {
            let path = call.env().resolve(&shown);
            let touched = std::fs::OpenOptions::new().create(true).append(true).open(&path);
            touched
                .and_then(|file| file.set_modified(std::time::SystemTime::now()))
                .map_err(|error| failed(call, &shown, "touched", &error))?;
        }
        Ok(Data::Empty)
    },
    ..Command::DEFAULT
};

pub static MV: Command = Command {
    name: "mv",
    category: Category::Files,
    summary: "Moves or renames files and directories",
    params: &[
        Param::required("from", Takes::Path, "What to move, or a pattern"),
        Param::required("to", Takes::Path, "Where to: a new name, or a directory"),
        Param::switch("force", Some('f'), "Replace what is there"),
    ],
    io: &[("nothing", "nothing")],
    examples: &[try_it("Rename", "mv a.txt b.txt")],
    infer: Some(|_| Some(Type::Nothing)),
    run: |call, _| {
        transfer(call, "moved", |from, to| match std::fs::rename(from, to) {
            // Another disk: copy, then remove.
            Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => {
                copy(from, to)?;
                if from.is_dir() { std::fs::remove_dir_all(from) } else { std::fs::remove_file(from) }
            }
            result => result,
        })
    },
    ..Command::DEFAULT
};

pub static CP: Command = Command {
    name: "cp",
    category: Category::Files,
    summary: "Copies files, and with `--recursive` directories",
    params: &[
        Param::required("from", Takes::Path, "What to copy, or a pattern"),
        Param::required("to", Takes::Path, "Where to: a new name, or a directory"),
        Param::switch("recursive", Some('r'), "Directories too"),
        Param::switch("force", Some('f'), "Replace what is there"),
    ],
    io: &[("nothing", "nothing")],
    examples: &[try_it("A copy", "cp a.txt b.txt")],
    infer: Some(|_| Some(Type::Nothing)),
    run: |call, _| {
        let recursive = call.switch("recursive");
        transfer(call, "copied", move |from, to| {
            if from.is_dir() && !recursive {
                return Err(std::io::Error::other("it is a directory; `--recursive` copies those"));
            }
            copy(from, to)
        })
    },
    ..Command::DEFAULT
};

pub static RM: Command = Command {
    name: "rm",
    category: Category::Files,
    summary: "Removes files, and with `--recursive` directories",
    params: &[
        Param::rest("paths", Takes::Path, "What to remove, or patterns"),
        Param::switch("recursive", Some('r'), "Directories and what is in them"),
        Param::switch("force", Some('f'), "Pass over what is not there"),
    ],
    io: &[("nothing", "nothing")],
    examples: &[try_it("A file", "rm notes.txt")],
    search: &["delete", "remove"],
    infer: Some(|_| Some(Type::Nothing)),
    run: |call, _| {
        let recursive = call.switch("recursive");
        for shown in call.rest::<String>("paths")? {
            for (shown, path) in meant(call, &shown)? {
                let meta = match std::fs::symlink_metadata(&path) {
                    Ok(meta) => meta,
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound && call.switch("force") => continue,
                    Err(error) => {
                        return Err(super::open::missing(&shown, &path, &error).label(call.span("paths"), "this path"));
                    }
                };
                if path == Path::new("/") {
                    return Err(Diagnostic::new(codes::BAD_ARGUMENT, "the root of all files is not removed")
                        .label(call.span("paths"), "here"));
                }
                let removed = match (meta.is_dir(), recursive) {
                    (true, true) => std::fs::remove_dir_all(&path),
                    (true, false) => std::fs::remove_dir(&path),
                    (false, _) => std::fs::remove_file(&path),
                };
                removed.map_err(|error| {
                    let failure = failed(call, &shown, "removed", &error);
                    if meta.is_dir() && !recursive {
                        failure.help("`--recursive` removes what is in it too")
                    } else {
                        failure
                    }
                })?;
            }
        }
        Ok(Data::Empty)
    },
    ..Command::DEFAULT
};

fn failed(call: &Call<'_>, shown: &str, done: &str, error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::new(codes::FILE_UNWRITABLE, format!("`{shown}` cannot be {done}: {}", diag::os_reason(error)))
        .label(call.head, "")
}

/// The files that a word means: itself, or what matches it as a pattern.
fn meant(call: &Call<'_>, shown: &str) -> Result<Vec<(String, std::path::PathBuf)>> {
    let path = call.env().resolve(shown);
    if super::glob::is_pattern(shown) && !path.exists() {
        return super::glob::matching(call.env().cwd(), shown, false);
    }
    Ok(vec![(shown.to_string(), path)])
}

fn transfer(call: &mut Call<'_>, done: &str, act: impl Fn(&Path, &Path) -> std::io::Result<()>) -> Result<Data> {
    let (from, to): (String, String) = (call.required("from")?, call.required("to")?);
    let target = call.env().resolve(&to);
    let sources = meant(call, &from)?;
    if sources.is_empty() {
        return Err(Diagnostic::new(codes::FILE_UNREADABLE, format!("nothing matches `{from}`"))
            .label(call.span("from"), "this pattern"));
    }
    for (shown, path) in sources {
        if let Err(error) = std::fs::symlink_metadata(&path) {
            return Err(super::open::missing(&shown, &path, &error).label(call.span("from"), "this path"));
        }
        let target = match path.file_name() {
            Some(name) if target.is_dir() => target.join(name),
            _ => target.clone(),
        };
        if target.exists() && !call.switch("force") {
            return Err(Diagnostic::new(codes::FILE_EXISTS, format!("`{}` exists already", target.display()))
                .label(call.span("to"), "would be replaced")
                .help("`--force` replaces it"));
        }
        act(&path, &target).map_err(|error| failed(call, &shown, done, &error))?;
    }
    Ok(Data::Empty)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        return std::fs::copy(from, to).map(|_| ());
    }
    // Before the copy is made: it may lie inside what is copied.
    let entries: Vec<_> = from.read_dir()?.collect::<std::io::Result<_>>()?;
    std::fs::create_dir_all(to)?;
    for entry in entries {
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
