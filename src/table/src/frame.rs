//! Tables in columns: a polars query over memory or files, and our schema beside it.

use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::SystemTime;

use diag::{Diagnostic, Result, codes};
use polars::prelude::{DataFrame, Engine, IdxSize, IntoLazy as _, LazyFrame, PlanCallback, PolarsResult};
use value::interrupt;
use value::{Fields, Resource, Stage, Table, TableRef, Value};

use crate::column::{to_rows, to_values};
use crate::kind::{Columns, fields_of};
use crate::lower::column;
use crate::run::{GLANCE, caught, failed, run};

/// Columns, in memory or still to be read.
#[derive(Clone)]
pub struct Frame {
    pub(crate) query: LazyFrame,
    /// The rows themselves, when the query is nothing but them.
    held: Option<DataFrame>,
    pub(crate) columns: Arc<Columns>,
    /// The files that the query will read, as they were when it was made.
    pins: Arc<[Pin]>,
    pub(crate) resource: Option<Resource>,
    /// Whether the query puts rows of two queries under each other.
    pub(crate) united: bool,
    /// Whether the query sorts.
    pub(crate) sorted: bool,
    /// Whether it passes over some of what it has sorted. The engine that streams does that by a heap with room for all
    /// the rows that there could ever be.
    pub(crate) passes: bool,
    /// What the query does last, if that is sorting.
    pub(crate) order: Option<Arc<Order>>,
}

/// A sorting that has been asked for, and what is to be sorted: whoever asks for the first or last rows next does not
/// need all in order.
#[derive(Clone)]
pub(crate) struct Order {
    /// With the columns to sort by after the table's own.
    pub query: LazyFrame,
    /// Columns, and whether the larger come first; null comes last.
    pub by: Vec<(Arc<str>, bool)>,
    /// Whether what is to be sorted was sorted before.
    pub again: bool,
}

/// A file as it was when a table over it was made.
#[derive(Clone)]
pub struct Pin {
    path: PathBuf,
    size: u64,
    modified: Option<SystemTime>,
    /// What is dropped with the last table over the file: a copy that was made for it.
    _kept: Option<Arc<dyn Any + Send + Sync>>,
}

impl Pin {
    /// Notes a file's size and time.
    ///
    /// # Errors
    /// `FILE_UNREADABLE` when there is no such file, or it is no file.
    pub fn new(path: &Path) -> Result<Pin> {
        let unreadable =
            |why: &str| Diagnostic::new(codes::FILE_UNREADABLE, format!("`{}` cannot be read: {why}", path.display()));
        let about = std::fs::metadata(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => unreadable("there is no such file"),
            std::io::ErrorKind::PermissionDenied => unreadable("permission denied"),
            _ => unreadable(&error.to_string()),
        })?;
        if about.is_dir() {
            return Err(unreadable("it is a directory"));
        }
        Ok(Pin { path: path.to_path_buf(), size: about.len(), modified: about.modified().ok(), _kept: None })
    }

    /// The same, which keeps something as long as a table needs the file.
    pub(crate) fn keeping(self, kept: Option<Arc<dyn Any + Send + Sync>>) -> Pin {
        Pin { _kept: kept, ..self }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn check(&self) -> Result<()> {
        let now = Pin::new(&self.path)?;
        if (now.size, now.modified) == (self.size, self.modified) {
            return Ok(());
        }
        Err(Diagnostic::new(
            codes::FILE_CHANGED,
            format!("`{}` changed after it was opened and before its rows were read", self.path.display()),
        )
        .help("open it again, or read all of it at once: `open … | collect`"))
    }
}

impl Frame {
    /// Holds a frame whose columns are stored as these kinds are.
    pub(crate) fn held(frame: DataFrame, columns: Columns, resource: Option<Resource>) -> Self {
        Frame {
            query: frame.clone().lazy(),
            held: Some(frame),
            columns: Arc::new(columns),
            pins: Arc::new([]),
            resource,
            united: false,
            sorted: false,
            passes: false,
            order: None,
        }
    }

    /// A query over files, if any.
    pub(crate) fn over(query: LazyFrame, columns: Columns, pins: Vec<Pin>) -> Self {
        Frame {
            query,
            held: None,
            columns: Arc::new(columns),
            pins: pins.into(),
            resource: None,
            united: false,
            sorted: false,
            passes: false,
            order: None,
        }
    }

    /// The same sources with another query on them.
    pub(crate) fn then(&self, query: LazyFrame, columns: Columns) -> Self {
        Frame { query, held: None, columns: Arc::new(columns), order: None, ..self.clone() }
    }

    /// A query over these sources and another frame's.
    pub(crate) fn with(&self, other: &Frame, query: LazyFrame, columns: Columns) -> Self {
        let pins = self.pins.iter().chain(other.pins.iter()).cloned().collect();
        let (united, sorted) = (self.united || other.united, self.sorted || other.sorted);
        Frame { pins, united, sorted, passes: self.passes || other.passes, ..self.then(query, columns) }
    }

    /// Whether files are read when rows are asked for.
    pub fn is_lazy(&self) -> bool {
        !self.pins.is_empty()
    }

    /// Runs a query over the same sources; files must be what they were, before and after.
    pub(crate) fn fetch(&self, query: LazyFrame) -> Result<DataFrame> {
        self.fetch_by(self.passes, query)
    }

    /// What is read from files need not all lie in memory, unless the query passes over some of what it sorts.
    fn fetch_by(&self, passes: bool, query: LazyFrame) -> Result<DataFrame> {
        let engine = if self.is_lazy() && !passes { Engine::Streaming } else { Engine::InMemory };
        self.check_sources()?;
        let frame =
            run(move || Ok(query.collect_with_engine(engine)?.unwrap_single())).map_err(|error| self.at_file(error))?;
        self.check_sources()?;
        Ok(frame)
    }

    pub(crate) fn check_sources(&self) -> Result<()> {
        self.pins.iter().try_for_each(Pin::check)
    }

    /// Names the file in errors about its content.
    fn at_file(&self, mut error: Box<Diagnostic>) -> Box<Diagnostic> {
        let of_file = error.code == codes::BAD_CONTENT || error.code == codes::FILE_UNREADABLE;
        if let (true, Some(pin)) = (of_file, self.pins.first()) {
            error.message = format!("`{}`: {}", pin.path.display(), error.message);
        }
        error
    }

    pub(crate) fn frame(&self) -> Result<DataFrame> {
        match &self.held {
            Some(frame) => Ok(frame.clone()),
            None => self.fetch(self.query.clone()),
        }
    }

    fn rows_of(&self, frame: &DataFrame) -> Result<Vec<Value>> {
        caught(|| to_rows(frame, &self.columns, self.resource))
    }

    /// The query for the streaming engine; what it would not do well is done beforehand.
    pub(crate) fn streamable(&self) -> Result<LazyFrame> {
        if self.passes { Ok(self.frame()?.lazy()) } else { Ok(self.query.clone()) }
    }

    /// The rows in frames of a moderate size, in order.
    fn frames(&self) -> Box<dyn Iterator<Item = Result<DataFrame>> + Send> {
        const BATCH: usize = 8192;
        if let Some(frame) = self.held.clone() {
            let starts = (0..frame.height()).step_by(BATCH);
            return Box::new(starts.map(move |start| Ok(frame.slice(i64::try_from(start).unwrap_or(i64::MAX), BATCH))));
        }
        match self.stream() {
            Ok(frames) => Box::new(frames),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    /// Sends the rows in frames of a moderate size, in order, as the engine makes them; `take` says when it has
    /// had enough.
    pub(crate) fn stream(&self) -> Result<Frames> {
        self.check_sources()?;
        let (send, receive) = sync_channel::<Result<DataFrame>>(1);
        let query = self.streamable()?;
        let worker = std::thread::Builder::new().name("query".into()).spawn(move || {
            let rows = send.clone();
            let result = caught(move || {
                query
                    .sink_batches(PlanCallback::new(move |frame| Ok(rows.send(Ok(frame)).is_err())), true, None)?
                    .collect_with_engine(Engine::Streaming)
                    .map(|_| ())
            });
            if let Err(error) = result {
                // The reader may have gone, which is how it stops the query.
                let _ = send.send(Err(error));
            }
        });
        worker.map_err(|error| failed(&format!("no thread could be started: {}", diag::os_reason(&error))))?;
        Ok(Frames { frame: self.clone(), receive: Some(receive) })
    }
}

/// Frames of a running query. Dropping this stops the query at its next frame.
pub(crate) struct Frames {
    frame: Frame,
    receive: Option<Receiver<Result<DataFrame>>>,
}

impl Iterator for Frames {
    type Item = Result<DataFrame>;

    fn next(&mut self) -> Option<Self::Item> {
        let receive = self.receive.as_ref()?;
        let item = loop {
            match receive.recv_timeout(GLANCE) {
                Ok(Ok(frame)) => return Some(Ok(frame)),
                Ok(Err(error)) => break Some(Err(self.frame.at_file(error))),
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(error) = interrupt::check() {
                        break Some(Err(error));
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break self.frame.check_sources().err().map(Err),
            }
        };
        self.receive = None;
        item
    }
}

/// A count of rows as polars counts them.
pub(crate) fn count(rows: usize) -> IdxSize {
    IdxSize::try_from(rows).unwrap_or(IdxSize::MAX)
}

impl Table for Frame {
    fn schema(&self) -> Result<Fields> {
        Ok(fields_of(&self.columns, self.resource))
    }

    fn len(&self) -> Result<usize> {
        if let Some(frame) = &self.held {
            return Ok(frame.height());
        }
        if let (true, Some((name, _))) = (self.united, self.columns.first()) {
            // polars would add up the counts of both parts in a type that is not built in.
            return Ok(self.fetch(self.query.clone().select([column(name)]))?.height());
        }
        let counted = self.fetch(self.query.clone().select([polars::prelude::len()]))?;
        let cell = counted.columns().first().and_then(|column| column.get(0).ok());
        cell.and_then(|cell| cell.extract::<usize>()).ok_or_else(|| failed("it could not count"))
    }

    fn rows(&self) -> Result<Vec<Value>> {
        self.rows_of(&self.frame()?)
    }

    fn slice(&self, offset: usize, limit: usize) -> Result<Vec<Value>> {
        let start = i64::try_from(offset).unwrap_or(i64::MAX);
        let frame = match &self.held {
            Some(frame) => frame.slice(start, limit),
            None => {
                let query = self.query.clone().slice(start, count(limit));
                let passes = self.passes || self.sorted && (offset > 0 || limit > crate::query::TOP);
                self.fetch_by(passes, query)?
            }
        };
        self.rows_of(&frame)
    }

    fn column(&self, name: &str) -> Result<Vec<Value>> {
        let Some((_, kind)) = self.columns.iter().find(|(known, _)| &**known == name) else {
            return Err(value::cell_path::unknown_column(name, self.columns.iter().map(|(name, _)| &**name)));
        };
        let frame = match &self.held {
            Some(frame) => frame.clone(),
            None => self.fetch(self.query.clone().select([column(name)]))?,
        };
        caught(|| to_values(frame.column(name)?, kind))
    }

    fn batches(&self) -> Box<dyn Iterator<Item = Result<Vec<Value>>> + Send> {
        let this = self.clone();
        Box::new(self.frames().map(move |frame| this.rows_of(&frame?)))
    }

    fn column_batches(&self, name: &str) -> Box<dyn Iterator<Item = Result<Vec<Value>>> + Send> {
        let Some((name, kind)) = self.columns.iter().find(|(known, _)| &**known == name).cloned() else {
            let error = value::cell_path::unknown_column(name, self.columns.iter().map(|(name, _)| &**name));
            return Box::new(std::iter::once(Err(error)));
        };
        Box::new(self.frames().map(move |frame| {
            let frame = frame?;
            caught(|| to_values(frame.column(&name)?, &kind))
        }))
    }

    fn stage(&self, stage: &Stage) -> Result<Option<TableRef>> {
        crate::query::stage(self, stage)
    }

    fn collect(&self) -> Result<TableRef> {
        let frame = self.frame()?;
        Ok(Arc::new(Frame::held(frame, (*self.columns).clone(), self.resource)))
    }

    fn with_resource(&self, resource: Option<Resource>) -> TableRef {
        Arc::new(Frame { resource, ..self.clone() })
    }

    fn plan(&self) -> Result<String> {
        if let Some(frame) = &self.held {
            return Ok(format!("{} rows in memory, in columns", frame.height()));
        }
        let query = self.query.clone();
        caught(move || -> PolarsResult<String> { query.describe_optimized_plan() })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
