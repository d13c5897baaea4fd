use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::prelude::*;

pub static DU: Command = Command {
    name: "du",
    category: Category::Files,
    summary: "Tells how much room directories and files take on the disk, with all that lies in them",
    details: "`apparent` is what the files' lengths say, `physical` what the disk holds for them. A file with several names \
              counts once.",
    params: &[
        Param::rest("paths", Takes::Path, "Directories, files or patterns; the current directory by default"),
        Param::switch("long", Some('l'), "With the directories and files in each"),
        Param::switch("deref", Some('r'), "Follow symbolic links"),
        Param::flag("exclude", Some('x'), Takes::Type("string"), "A pattern of names to leave out"),
        Param::flag("max-depth", Some('d'), Takes::Type("int"), "How many levels of directories --long shows"),
        Param::flag("min-size", Some('m'), Takes::Type("filesize"), "Files smaller than this are left out"),
    ],
    io: &[("nothing", "table<path: string, apparent: filesize, physical: filesize>")],
    examples: &[
        try_it("The largest here", "du * | sort-by physical --reverse | first 5"),
        try_it("Without what is built", "du --exclude target"),
    ],
    search: &["disk", "usage", "size", "space"],
    infer: Some(|shape| {
        let long =
            "table<path: string, apparent: filesize, physical: filesize, directories: list<any>, files: list<any>>";
        shape.switch("long").then(|| Type::parse(long).ok()).flatten()
    }),
    run,
    ..Command::DEFAULT
};

/// What is measured how.
struct Measure<'a> {
    call: &'a Call<'a>,
    deref: bool,
    exclude: Option<regex::Regex>,
    smallest: u64,
    /// Files with several names that have been counted: device and inode.
    seen: HashSet<(u64, u64)>,
}

/// How much room something takes, and the rows of what is in it.
#[derive(Default)]
struct Room {
    apparent: u64,
    physical: u64,
    directories: Vec<Value>,
    files: Vec<Value>,
}

fn run(call: &mut Call<'_>, _: Data) -> Result<Data> {
    let place = call.span("paths");
    let exclude: Option<String> = call.optional("exclude")?;
    let exclude = exclude.map(|pattern| super::glob::part_pattern(&pattern)).transpose();
    let exclude = exclude.map_err(|error| error.label(call.span("exclude"), "this pattern"))?;
    let smallest: i64 = match call.value("min-size") {
        Some(Value::Filesize(bytes)) => *bytes,
        _ => 0,
    };
    let depth = if call.switch("long") { crate::rows::count(call, "max-depth")?.unwrap_or(usize::MAX) } else { 0 };
    let mut paths: Vec<String> = call.rest("paths")?;
    if paths.is_empty() {
        paths.push(".".into());
    }
    let long = call.switch("long");
    let smallest = u64::try_from(smallest).unwrap_or(0);
    let mut measure = Measure { call, deref: call.switch("deref"), exclude, smallest, seen: HashSet::new() };
    let mut rows = Vec::new();
    for shown in &paths {
        let path = call.env().resolve(shown);
        if super::glob::is_pattern(shown) && !path.exists() {
            let found = super::glob::matching(call.env().cwd(), shown, false);
            for (shown, path) in found.map_err(|error| error.label(place, "this pattern"))? {
                rows.push(measure.top(&shown, &path, depth, long)?);
            }
        } else {
            rows.push(measure.top(shown, &path, depth, long)?);
        }
    }
    Ok(Data::Value(Value::list(rows)))
}

impl Measure<'_> {
    fn top(&mut self, shown: &str, path: &Path, depth: usize, long: bool) -> Result<Value> {
        // The place that was asked for is followed, as everybody expects of a link to a directory.
        let meta = std::fs::metadata(path)
            .map_err(|error| super::open::missing(shown, path, &error).label(self.call.span("paths"), "this path"))?;
        let room = if meta.is_dir() { self.directory(path, shown, depth, meta)? } else { self.file(&meta) };
        Ok(row(shown, room, long))
    }

    fn directory(&mut self, path: &Path, shown: &str, depth: usize, meta: std::fs::Metadata) -> Result<Room> {
        self.call.interrupt().check()?;
        let mut room = Room { apparent: meta.len(), physical: meta.blocks() * 512, ..Room::default() };
        // What may not be read, or has gone meanwhile, takes no room that could be told.
        let Ok(entries) = path.read_dir() else { return Ok(room) };
        let mut entries: Vec<_> = entries.filter_map(std::result::Result::ok).collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            if self.exclude.as_ref().is_some_and(|exclude| exclude.is_match(&name)) {
                continue;
            }
            let inner = entry.path();
            let meta = if self.deref { std::fs::metadata(&inner) } else { std::fs::symlink_metadata(&inner) };
            let Ok(meta) = meta else { continue };
            let shown = format!("{}/{name}", shown.trim_end_matches('/'));
            let is_dir = meta.is_dir();
            if is_dir && !self.is_new(&meta) || !is_dir && meta.len() < self.smallest {
                continue;
            }
            let one = match is_dir {
                true => self.directory(&inner, &shown, depth.saturating_sub(1), meta)?,
                false => self.file(&meta),
            };
            room.apparent = room.apparent.saturating_add(one.apparent);
            room.physical = room.physical.saturating_add(one.physical);
            if depth > 0 {
                let list = if is_dir { &mut room.directories } else { &mut room.files };
                list.push(row(&shown, one, is_dir));
            }
        }
        Ok(room)
    }

    fn file(&mut self, meta: &std::fs::Metadata) -> Room {
        match meta.nlink() > 1 && !self.is_new(meta) {
            true => Room::default(),
            false => Room { apparent: meta.len(), physical: meta.blocks() * 512, ..Room::default() },
        }
    }

    /// Whether it has not been met before: links may lead in circles, and files have several names.
    fn is_new(&mut self, meta: &std::fs::Metadata) -> bool {
        self.seen.insert((meta.dev(), meta.ino()))
    }
}

fn row(shown: &str, room: Room, long: bool) -> Value {
    let size = |bytes: u64| Value::Filesize(i64::try_from(bytes).unwrap_or(i64::MAX));
    let mut row = Record::new();
    row.insert("path", Value::from(shown));
    row.insert("apparent", size(room.apparent));
    row.insert("physical", size(room.physical));
    if long {
        row.insert("directories", Value::list(room.directories));
        row.insert("files", Value::list(room.files));
    }
    Value::record(row)
}
