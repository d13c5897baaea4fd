use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use notify::event::{ModifyKind, RenameMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::prelude::*;

/// How often a wait looks whether it is interrupted.
const LOOK: Duration = Duration::from_millis(20);
/// How long a place must be quiet until its changes are told, when nothing else is asked for.
const QUIET: Duration = Duration::from_millis(100);

pub static WATCH: Command = Command {
    name: "watch",
    category: Category::Files,
    summary: "Calls a closure whenever something changes in a place, or gives the changes as rows",
    details: "The closure gets the operation – `Create`, `Write`, `Rename` or `Remove` –, the path, and for a renamed file \
              the new path. Changes of the same file close behind each other are one. A closure that fails is told of, \
              and watching goes on.",
    params: &[
        Param::required("path", Takes::Path, "The file or directory"),
        Param::optional("closure", Takes::Type("closure"), "What to do with each change"),
        Param::flag(
            "debounce",
            Some('d'),
            Takes::Type("duration"),
            "How long it must be quiet before a change is told; 100ms by default",
        ),
        Param::flag("glob", Some('g'), Takes::Type("string"), "Only names like this, such as `*.yml`"),
        Param::flag(
            "recursive",
            Some('r'),
            Takes::Type("bool"),
            "Whether directories inside are watched, too; they are by default",
        ),
        Param::switch("quiet", Some('q'), "Do not say that it watches"),
    ],
    io: &[(
        "nothing",
        "table<operation: string@[Create Write Rename Remove], path: string, new_path: oneof<string, nothing>>",
    )],
    examples: &[
        try_it("Validate what changes", "watch flows --glob *.yml {|op, path| dataflow validate $path }"),
        try_it("The next change", "watch . | first 1"),
    ],
    search: &["inotify", "notify", "changes", "reload", "entr"],
    infer: Some(|shape| shape.argument("closure").map(|_| Type::Nothing)),
    run,
    ..Command::DEFAULT
};

/// One change, as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    operation: &'static str,
    path: PathBuf,
    new_path: Option<PathBuf>,
}

fn run(call: &mut Call<'_>, _: Data) -> Result<Data> {
    let shown: String = call.required("path")?;
    let path = call.env().resolve(&shown);
    let place = call.span("path");
    if let Err(error) = std::fs::metadata(&path) {
        return Err(super::open::missing(&shown, &path, &error).label(place, "this path"));
    }
    let glob: Option<String> = call.optional("glob")?;
    let glob = glob.map(|pattern| super::glob::part_pattern(&pattern)).transpose();
    let glob = glob.map_err(|error| error.label(call.span("glob"), "this pattern"))?;
    let quiet = call.optional::<Duration>("debounce")?.unwrap_or(QUIET);
    let mode = match call.optional::<bool>("recursive")? {
        Some(false) => RecursiveMode::NonRecursive,
        _ => RecursiveMode::Recursive,
    };
    let (sender, events) = channel();
    let failed = |error: notify::Error| {
        Diagnostic::new(codes::CANNOT_READ, format!("`{shown}` cannot be watched: {error}"))
            .label(place, "this path")
            .help("on Linux `fs.inotify.max_user_watches` says how many directories may be watched")
    };
    let mut watcher = notify::recommended_watcher(move |event| {
        // Nobody listens any more when watching has ended.
        let _ = sender.send(event);
    })
    .map_err(failed)?;
    watcher.watch(&path, mode).map_err(failed)?;
    if !call.switch("quiet") && call.context().ui().is_interactive() {
        call.context().ui().notice(&format!("watching {shown}; ctrl-c ends it"));
    }
    let mut changes = Changes { _watcher: watcher, events, quiet, glob, ready: VecDeque::new(), pending: Vec::new() };
    let interrupt = call.interrupt().clone();
    let Some(closure) = call.optional::<ClosureValue>("closure")? else {
        let rows = std::iter::from_fn(move || match changes.next(&interrupt) {
            Ok(change) => change.map(|change| Ok(change.row())),
            Err(error) => Some(Err(error)),
        });
        return Ok(Data::Stream(Stream::new(rows).endless()));
    };
    let mut runner = call.runner(&closure);
    while let Some(change) = changes.next(&interrupt)? {
        let arguments = change.arguments();
        let shown = runner.run(&arguments, Data::Value(change.row())).and_then(|data| call.context().ui().show(data));
        match shown {
            Err(error) if error.code == codes::INTERRUPTED || error.code == codes::EXIT => return Err(error),
            Err(error) => call.context().ui().notice(&format!("[{}] {}", error.code.id(), error.message)),
            Ok(()) => {}
        }
    }
    Ok(Data::Empty)
}

impl Change {
    fn arguments(&self) -> [Value; 3] {
        let text = |path: &Path| Value::string(path.to_string_lossy());
        [Value::from(self.operation), text(&self.path), self.new_path.as_deref().map_or(Value::Nothing, text)]
    }

    fn row(&self) -> Value {
        Value::record(["operation", "path", "new_path"].into_iter().zip(self.arguments()).collect())
    }
}

/// Changes as they settle.
struct Changes {
    /// Watches as long as it lives.
    _watcher: RecommendedWatcher,
    events: Receiver<notify::Result<notify::Event>>,
    quiet: Duration,
    glob: Option<regex::Regex>,
    ready: VecDeque<Change>,
    /// What has changed and may still be changing, with when it last did.
    pending: Vec<(Change, Instant)>,
}

impl Changes {
    /// Waits for the next change; `None` when there will be none any more.
    fn next(&mut self, interrupt: &value::Interrupt) -> Result<Option<Change>> {
        loop {
            interrupt.check()?;
            let settled = self.pending.iter().take_while(|(_, at)| at.elapsed() >= self.quiet).count();
            self.ready.extend(self.pending.drain(..settled).map(|(change, _)| change));
            if let Some(change) = self.ready.pop_front() {
                return Ok(Some(change));
            }
            match self.events.recv_timeout(LOOK) {
                Ok(Ok(event)) => self.note(event),
                // One place that cannot be watched does not end the others.
                Ok(Err(_)) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }

    fn note(&mut self, event: notify::Event) {
        let Some(change) = change(event) else { return };
        let is_wanted = |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            self.glob.as_ref().is_none_or(|glob| glob.is_match(&name))
        };
        if !is_wanted(&change.path) && !change.new_path.as_deref().is_some_and(is_wanted) {
            return;
        }
        // A file that is made and written is made; one that is written many times is written once.
        let before = self.pending.iter().position(|(known, _)| known.path == change.path);
        match (before, change.operation) {
            (Some(at), "Write") => {
                let (known, _) = self.pending.remove(at);
                self.pending.push((known, Instant::now()));
            }
            (Some(at), "Remove") if self.pending[at].0.operation == "Create" => {
                self.pending.remove(at);
            }
            (Some(at), operation) if self.pending[at].0.operation == operation => self.pending[at].1 = Instant::now(),
            _ => self.pending.push((change, Instant::now())),
        }
    }
}

/// What an event of the system tells; `None` for what changes nothing in a file.
fn change(event: notify::Event) -> Option<Change> {
    let operation = match event.kind {
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => "Create",
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => "Rename",
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) | EventKind::Remove(_) => "Remove",
        EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) => "Write",
        _ => return None,
    };
    let mut paths = event.paths.into_iter();
    Some(Change { operation, path: paths.next()?, new_path: paths.next() })
}
