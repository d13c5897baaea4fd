//! Paths as texts: taken apart and put together. Only `exists`, `type` and `expand` look at the disk.

use std::path::{Component, Path, PathBuf};

use crate::cells::{self, COLUMNS};
use crate::prelude::*;

/// What commands over paths declare alike.
const PATHS: Command = Command {
    category: Category::Files,
    effect: Effect::Computes,
    params: &[COLUMNS],
    io: &[("string", "any"), ("list<any>", "any"), ("table", "table"), ("record", "any")],
    ..Command::DEFAULT
};

fn each(call: &Call<'_>, input: Data, of: impl Fn(&str) -> Result<Value> + Send + 'static) -> Result<Data> {
    let name = call.command.name;
    cells::change(call, input, move |value| cells::on_text(name, value, &of))
}

fn text(path: impl AsRef<Path>) -> Value {
    Value::string(path.as_ref().to_string_lossy())
}

pub static BASENAME: Command = Command {
    name: "path basename",
    summary: "Gives the last part of a path, or replaces it",
    params: &[COLUMNS, Param::flag("replace", Some('r'), Takes::Type("string"), "What to put in its place")],
    examples: &[example("A file", "'/home/joe/test.txt' | path basename", "\"test.txt\"")],
    run: |call, input| {
        let replace: Option<String> = call.optional("replace")?;
        each(call, input, move |path| {
            let path = Path::new(path);
            Ok(match &replace {
                Some(name) => text(path.with_file_name(name)),
                None => path.file_name().map_or_else(|| Value::from(""), text),
            })
        })
    },
    ..PATHS
};

pub static DIRNAME: Command = Command {
    name: "path dirname",
    summary: "Gives the directory of a path, or replaces it",
    params: &[
        COLUMNS,
        Param::flag("replace", Some('r'), Takes::Type("string"), "What to put in its place"),
        Param::flag("num-levels", Some('n'), Takes::Type("int"), "How many levels up; 1 by default"),
    ],
    examples: &[example("A file's", "'/home/joe/test.txt' | path dirname", "\"/home/joe\"")],
    run: |call, input| {
        let replace: Option<String> = call.optional("replace")?;
        let levels: usize = call.optional("num-levels")?.unwrap_or(1);
        each(call, input, move |path| {
            // Above the root there is nothing, however many levels are asked for.
            let whole = Path::new(path);
            let dir = whole.ancestors().take(levels.saturating_add(1)).last().unwrap_or(whole);
            Ok(match &replace {
                Some(new) => match Path::new(path).strip_prefix(dir) {
                    Ok(rest) if !rest.as_os_str().is_empty() => text(Path::new(new).join(rest)),
                    _ => Value::from(new.as_str()),
                },
                None => text(dir),
            })
        })
    },
    ..PATHS
};

pub static JOIN: Command = Command {
    name: "path join",
    summary: "Puts parts together into a path: a list, the parts of `path parse`, or what follows",
    params: &[Param::rest("parts", Takes::Type("string"), "Parts to add")],
    io: &[("string", "string"), ("list<any>", "string"), ("record", "string"), ("table", "list<string>")],
    examples: &[
        example("Add parts", "'/home' | path join joe test.txt", "\"/home/joe/test.txt\""),
        example("A list", "['/' home joe] | path join", "\"/home/joe\""),
    ],
    run: |call, input| {
        let more: Vec<String> = call.rest("parts")?;
        let value = call.collect(input)?;
        let mut path = match &value {
            Value::String(start) => PathBuf::from(start.as_str()),
            Value::List(parts) if parts.iter().all(|part| matches!(part, Value::Record(_))) && !parts.is_empty() => {
                let paths = parts.iter().filter_map(Value::as_record).map(|parts| text(of_parts(parts)));
                return Ok(Data::Value(Value::list(paths.collect::<Vec<_>>())));
            }
            Value::List(parts) => parts.iter().map(value::text::to_text).collect(),
            Value::Record(parts) => of_parts(parts),
            other => return Err(call.wrong_input(&other.type_of(), "a path or its parts")),
        };
        path.extend(more);
        Ok(Data::Value(text(path)))
    },
    ..PATHS
};

fn of_parts(parts: &Record) -> PathBuf {
    let part = |name: &str| parts.get(name).map(value::text::to_text).filter(|text| !text.is_empty());
    let mut path: PathBuf = part("parent").unwrap_or_default().into();
    match (part("stem"), part("extension")) {
        (Some(stem), Some(extension)) => path.push(format!("{stem}.{extension}")),
        (Some(stem), None) => path.push(stem),
        _ => {}
    }
    path
}

pub static PARSE: Command = Command {
    name: "path parse",
    summary: "Takes a path apart: parent, stem and extension",
    params: &[COLUMNS, Param::flag("extension", Some('e'), Takes::Type("string"), "The extension, when it has dots")],
    examples: &[example("A file", "'/home/spam.txt' | path parse", "{parent: /home, stem: spam, extension: txt}")],
    run: |call, input| {
        let given: Option<String> = call.optional("extension")?;
        each(call, input, move |path| {
            let path = Path::new(path);
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let by_given = given.as_ref().and_then(|extension| {
                let extension = extension.trim_start_matches('.');
                Some((name.strip_suffix(&format!(".{extension}"))?.to_string(), extension.to_string()))
            });
            let (stem, extension) = match by_given {
                Some(both) => both,
                None if given.is_some() => (name, String::new()),
                None => {
                    let part = |part: Option<&std::ffi::OsStr>| {
                        part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default()
                    };
                    (part(path.file_stem()), part(path.extension()))
                }
            };
            let parent = path.parent().map(|parent| parent.to_string_lossy().into_owned()).unwrap_or_default();
            let fields = [("parent", parent), ("stem", stem), ("extension", extension)];
            Ok(Value::record(fields.into_iter().map(|(name, text)| (name, Value::string(text))).collect()))
        })
    },
    ..PATHS
};

pub static SPLIT: Command = Command {
    name: "path split",
    summary: "Takes a path apart into its levels",
    examples: &[example("A file", "'/home/spam.txt' | path split", "['/' home spam.txt]")],
    run: |call, input| {
        each(call, input, |path| Ok(Value::list(Path::new(path).components().map(text).collect::<Vec<_>>())))
    },
    ..PATHS
};

pub static EXISTS: Command = Command {
    name: "path exists",
    effect: Effect::Acts,
    summary: "Tells whether there is a file or directory",
    examples: &[example("The root", "'/' | path exists", "true")],
    infer: Some(|shape| cells::changed_type(shape, Type::Bool)),
    run: |call, input| {
        let env = call.env().clone();
        each(call, input, move |path| Ok(Value::Bool(!path.is_empty() && env.resolve(path).exists())))
    },
    ..PATHS
};

pub static TYPE: Command = Command {
    name: "path type",
    effect: Effect::Acts,
    summary: "Tells what there is: file, dir, symlink, or null for nothing",
    examples: &[example("The root", "'/' | path type", "\"dir\"")],
    run: |call, input| {
        let env = call.env().clone();
        each(call, input, move |path| {
            if path.is_empty() {
                return Ok(Value::Nothing);
            }
            Ok(match std::fs::symlink_metadata(env.resolve(path)) {
                Ok(meta) if meta.is_symlink() => Value::from("symlink"),
                Ok(meta) if meta.is_dir() => Value::from("dir"),
                Ok(meta) if meta.is_file() => Value::from("file"),
                Ok(_) => Value::from("device"),
                Err(_) => Value::Nothing,
            })
        })
    },
    ..PATHS
};

pub static EXPAND: Command = Command {
    name: "path expand",
    effect: Effect::Acts,
    summary: "Makes a path absolute, without `.`, `..` and links",
    params: &[
        COLUMNS,
        Param::switch("strict", Some('s'), "Fail when there is no such file"),
        Param::switch("no-symlink", Some('n'), "Keep links"),
    ],
    examples: &[example("Up and down", "'/home/joe/../ann' | path expand --no-symlink", "\"/home/ann\"")],
    infer: Some(|shape| cells::changed_type(shape, Type::String)),
    run: |call, input| {
        let env = call.env().clone();
        let (strict, links) = (call.switch("strict"), call.switch("no-symlink"));
        each(call, input, move |shown| {
            let path = env.resolve(shown);
            if !links || strict {
                match path.canonicalize() {
                    Ok(real) if !links => return Ok(text(real)),
                    Err(error) if strict => return Err(super::open::missing(shown, &path, &error)),
                    _ => {}
                }
            }
            let mut clean = PathBuf::new();
            for part in path.components() {
                match part {
                    Component::ParentDir => {
                        clean.pop();
                    }
                    Component::CurDir => {}
                    other => clean.push(other),
                }
            }
            Ok(text(clean))
        })
    },
    ..PATHS
};

pub static RELATIVE_TO: Command = Command {
    name: "path relative-to",
    summary: "Leaves off the beginning of paths",
    params: &[Param::required("base", Takes::Type("string"), "The beginning"), COLUMNS],
    examples: &[example("A file in a home", "'/home/joe/a.txt' | path relative-to /home/joe", "\"a.txt\"")],
    infer: Some(|shape| cells::changed_type(shape, Type::String)),
    run: |call, input| {
        let base: String = call.required("base")?;
        each(call, input, move |path| match Path::new(path).strip_prefix(&base) {
            Ok(rest) => Ok(text(rest)),
            Err(_) => Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("`{path}` does not lie in `{base}`"))),
        })
    },
    ..PATHS
};
