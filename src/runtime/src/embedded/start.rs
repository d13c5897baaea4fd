//! From options to a dataflow that runs.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use diag::{Diagnostic, Result, codes};
use store::dataflows::{Claim, DataflowEnd, DataflowRow};
use store::{Home, Store};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::log_dir;
use super::shared::{Shared, ended};
use crate::descriptor::{self, Checked};
use crate::logs::journal::Journal;
use crate::model::{DataflowId, DataflowInfo, DescriptorSource, StartOptions, Status, StopOptions, UnixNanos};
use crate::router::Router;
use crate::supervisor::dataflow::{Dataflow, Run};
use crate::supervisor::paths;
use crate::supervisor::task::commands::Command;
use crate::supervisor::task::{self, Ears};
use crate::{limits, records, sweep};

/// A dataflow that can be handed to a supervisor, with what that one listens to.
struct Prepared {
    flow: Arc<Dataflow>,
    ears: Ears,
}

impl Shared {
    pub(super) async fn start(self: &Arc<Self>, options: StartOptions) -> Result<DataflowInfo> {
        let this = self.clone();
        let (wait, ready_within) = (options.wait, options.ready_within);
        let prepared = tokio::task::spawn_blocking(move || this.prepare(options)).await;
        let prepared = prepared.map_err(|error| internal("the start of the dataflow", &error))??;
        let Prepared { flow, ears } = prepared;
        let (started, outcome) = oneshot::channel();
        {
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            // Those that have ended are done with.
            while tasks.try_join_next().is_some() {}
            tasks.spawn(task::supervise(flow.clone(), self.clone(), ears, started));
        }
        if !wait {
            return Ok(flow.info());
        }
        let mut caller = Caller(Some(flow.clone()));
        let outcome = async { outcome.await.unwrap_or_else(|_| Err(ended())) };
        let outcome = match ready_within {
            None => outcome.await,
            Some(limit) => within(&flow, limit, outcome).await,
        };
        caller.0 = None;
        outcome
    }

    /// Reads, checks and claims; nothing is started yet.
    fn prepare(self: &Arc<Self>, options: StartOptions) -> Result<Prepared> {
        let mut options = options;
        let checked = descriptor::load(&options, &self.options.executable, &self.options.sources)?;
        self.start_machinery()?;
        limits::room_for(checked.plan.nodes.len())?;
        let id = DataflowId::generate();
        let created = UnixNanos::now();
        let row = DataflowRow {
            id: id.0,
            name: String::new(),
            runtime: self.row().id,
            status: Status::Created.to_string(),
            descriptor_path: checked.file.clone(),
            descriptor: checked.source.text.clone(),
            descriptor_hash: checked.hash.clone(),
            working_dir: checked.working_dir.clone(),
            nodes: u32::try_from(checked.plan.nodes.len()).unwrap_or(u32::MAX),
            created: records::time(created),
            started: None,
            ended: None,
            restarts: 0,
            cause: None,
            culprit: None,
            snapshot: None,
            options: None,
        };
        // From here on the name is ours; whatever fails must give it back.
        let name = claim(self.store(), row, options.name.take(), &options.source)?;
        // As it is now, whatever becomes of the file.
        options.source = DescriptorSource::Text {
            label: checked.source.name.clone(),
            text: checked.expanded.clone().unwrap_or_else(|| checked.source.text.clone()),
            file: checked.file.clone(),
        };
        options.name = Some(name.clone());
        options.working_dir = Some(checked.working_dir.clone());
        let made = self.make(id, created, options, checked);
        made.inspect_err(|error| {
            let end = DataflowEnd {
                status: Status::Failed.to_string(),
                at: jiff::Timestamp::now(),
                restarts: 0,
                cause: Some(error.message.clone()),
                culprit: None,
                snapshot: None,
            };
            // The failure that is told is the one that came first.
            let _ = self.store().end_dataflow(id.0, &end);
        })
    }

    /// Makes all parts of a dataflow whose name is claimed.
    fn make(&self, id: DataflowId, created: UnixNanos, options: StartOptions, checked: Checked) -> Result<Prepared> {
        let Checked { source, plan, working_dir, hash, file, .. } = checked;
        let name = options.name.clone().unwrap_or_default();
        let failed = |error: std::io::Error| {
            Diagnostic::new(codes::RUNTIME_FAILED, format!("dataflow `{name}` could not be set up"))
                .cause(error.to_string())
        };
        let before = self.store().last_run(file.as_deref(), &hash)?;
        let learned = paths::learn(before.as_ref().map(records::topics).unwrap_or_default());
        let directory = log_dir(self.store().home(), id);
        Home::create(&directory)?;
        let journal =
            Arc::new(Journal::open(id, name.clone(), &directory, self.settings.get()?.rotation).map_err(failed)?);
        for node in &plan.nodes {
            journal.add(&node.id, &node.logs).map_err(failed)?;
        }
        let (reports, heard_reports) = mpsc::unbounded_channel();
        let router = Arc::new(Router::new(&plan, self.clock.clone(), reports));
        let (signals, heard_signals) = mpsc::unbounded_channel();
        let run = Run {
            id,
            name,
            runtime: self.name(),
            file,
            working_dir,
            text: source.text.clone(),
            hash,
            created,
            options,
            learned,
            router,
            journal,
            clock: self.clock.clone(),
            store: self.store().clone(),
            events: self.events.clone(),
        };
        let (flow, commands) = Dataflow::new(run, plan);
        flow.keep_options()?;
        self.admit(flow.clone(), signals);
        Ok(Prepared { flow, ears: Ears { signals: heard_signals, reports: heard_reports, commands } })
    }
}

/// Who waits for a start. When nobody does any more while it is built, there is nothing to build it for.
struct Caller(Option<Arc<Dataflow>>);

impl Drop for Caller {
    fn drop(&mut self) {
        if let Some(flow) = self.0.take().filter(|flow| is_unbuilt(flow.status())) {
            // One that has ended is as good as stopped.
            let _ = flow.commands.send(Command::Stop(StopOptions::default()));
        }
    }
}

fn is_unbuilt(status: Status) -> bool {
    matches!(status, Status::Created | Status::Building)
}

/// Waits for a start, from the end of its build on no longer than this.
async fn within(
    flow: &Dataflow,
    limit: Duration,
    outcome: impl Future<Output = Result<DataflowInfo>>,
) -> Result<DataflowInfo> {
    let mut status = flow.watch();
    let too_late = async {
        // The sender lives as long as the dataflow, which the caller holds.
        let _ = status.wait_for(|status| !is_unbuilt(*status)).await;
        tokio::time::sleep(limit).await;
    };
    tokio::select! {
        biased;
        outcome = outcome => outcome,
        () = too_late => Err(Diagnostic::new(
            codes::WAITED_TOO_LONG,
            format!("the nodes of dataflow `{}` were not ready within {limit:?}", flow.name),
        )
        .help("it goes on starting; `--wait-timeout` waits longer")
        .next(format!("dataflow inspect {}", flow.name))),
    }
}

/// Claims the wanted name, or else the first free one made of the descriptor's.
fn claim(store: &Store, mut row: DataflowRow, wanted: Option<String>, source: &DescriptorSource) -> Result<String> {
    if let Some(name) = wanted {
        row.name = checked_name(name)?;
        let mut claim = store.claim_dataflow(&row)?;
        if let Claim::Taken(_) = claim {
            // Its holder may have died without saying so.
            sweep::sweep(store)?;
            claim = store.claim_dataflow(&row)?;
        }
        return match claim {
            Claim::Granted => Ok(row.name),
            Claim::Taken(holder) => Err(Diagnostic::new(
                codes::NAME_TAKEN,
                format!("another dataflow is called `{}` and is {}", holder.name, holder.status),
            )
            .help("stop that one first, or give this one another name with --name")
            .next(format!("dataflow stop {}", holder.name))),
        };
    }
    let text = |stem: &OsStr| stem.to_string_lossy().into_owned();
    let stem = match source {
        DescriptorSource::File(path) => path.file_stem().map(text),
        DescriptorSource::Text { file, .. } => file.as_deref().and_then(Path::file_stem).map(text),
    };
    let stem = stem.and_then(|stem| checked_name(stem).ok()).unwrap_or_else(|| "dataflow".to_string());
    let mut number = 1;
    loop {
        row.name = if number == 1 { stem.clone() } else { format!("{stem}-{number}") };
        if store.claim_dataflow(&row)? == Claim::Granted {
            return Ok(row.name);
        }
        number += 1;
    }
}

/// A name must be one word, and no id.
fn checked_name(name: String) -> Result<String> {
    let fits = !name.is_empty()
        && name.len() <= 100
        && !name.starts_with('-')
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if fits && Uuid::parse_str(&name).is_err() {
        return Ok(name);
    }
    Err(Diagnostic::new(codes::INVALID_NAME, format!("`{name}` cannot be the name of a dataflow"))
        .help("a name is made of letters, digits, `_`, `-` and `.`, does not begin with `-`, and is not an id"))
}

fn internal(what: &str, error: &dyn std::fmt::Display) -> Box<Diagnostic> {
    Diagnostic::new(codes::RUNTIME_FAILED, format!("{what} failed inside the runtime")).cause(error.to_string())
}
