//! What is asked of dataflows, running or ended.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use diag::{Diagnostic, Result, codes};
use futures::stream::{self, BoxStream, StreamExt};
use store::dataflows::DataflowRow;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use super::shared::Shared;
use super::{log_dir, runtime_name};
use crate::logs::query::Logs;
use crate::model::{
    DataflowDetails, DataflowId, DataflowInfo, DataflowRef, Event, EventKind, EventQuery, LogQuery, NodeId, NodeInfo,
    NodeQuery, RuntimeState, Status, StopOptions, TopicInfo, TopicQuery, UnixNanos, WaitCondition,
};
use crate::records;
use crate::supervisor::dataflow::Dataflow;
use crate::telemetry::processes;

/// How many ended dataflows a list shows at most.
const ENDED: usize = 1000;

/// What a reference meant.
pub(super) enum Found {
    Here(Arc<Dataflow>),
    Stored(Box<DataflowRow>),
}

impl Shared {
    /// Finds what a reference means: a dataflow of this process, or a row of the store.
    pub(super) fn find(&self, reference: &DataflowRef) -> Result<Found> {
        let own = |id: Uuid| self.dataflows().get(&DataflowId(id)).cloned();
        let text = reference.0.as_str();
        let found = |row: DataflowRow| match own(row.id) {
            Some(flow) => Found::Here(flow),
            None => Found::Stored(Box::new(row)),
        };
        if let Ok(id) = Uuid::parse_str(text) {
            if let Some(flow) = own(id) {
                return Ok(Found::Here(flow));
            }
            if let Some(row) = self.store().dataflow(id)? {
                return Ok(found(row));
            }
        }
        if let Some(row) = self.store().dataflow_named(text)? {
            return Ok(found(row));
        }
        let hexadecimal = text.len() >= 4 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        let mut fitting = if hexadecimal { self.store().dataflows_by_id_prefix(text, 2)? } else { Vec::new() };
        match (fitting.pop(), fitting.pop()) {
            (Some(row), None) => Ok(found(row)),
            (Some(_), Some(_)) => Err(Diagnostic::new(
                codes::AMBIGUOUS_DATAFLOW,
                format!("more than one dataflow has an id that begins with `{text}`"),
            )
            .help("type more of the id, or the name")
            .next("dataflow list --all")),
            _ => Err(self.unknown(text)),
        }
    }

    pub(super) fn unknown(&self, text: &str) -> Box<Diagnostic> {
        let live = self.store().live_dataflows().unwrap_or_default();
        let ended = self.store().ended_dataflows(ENDED).unwrap_or_default();
        let names: BTreeSet<String> = live.into_iter().chain(ended).map(|row| row.name).collect();
        let diagnostic = Diagnostic::new(codes::DATAFLOW_NOT_FOUND, format!("there is no dataflow `{text}`"))
            .next("dataflow list --all");
        match diag::suggest::did_you_mean(text, names.iter().map(String::as_str)) {
            Some(hint) => diagnostic.help(hint),
            None => diagnostic,
        }
    }

    /// Finds a dataflow of this process.
    pub(super) fn here(&self, reference: &DataflowRef) -> Result<Arc<Dataflow>> {
        match self.find(reference)? {
            Found::Here(flow) => Ok(flow),
            Found::Stored(row) if row.ended.is_some() => Err(already_ended(&row.name, &row.status)),
            Found::Stored(row) => Err(elsewhere(&row)),
        }
    }

    pub(super) fn list(&self, all: bool) -> Result<Vec<DataflowInfo>> {
        let mut rows: Vec<DataflowInfo> = self.live().iter().map(|flow| flow.info()).collect();
        if all {
            let known: Vec<DataflowId> = rows.iter().map(|row| row.id).collect();
            for row in self.store().ended_dataflows(ENDED)? {
                if !known.contains(&DataflowId(row.id)) {
                    rows.push(records::info(&row, self.runtime_of(&row)));
                }
            }
            rows.sort_by_key(|row| (row.created, row.id));
        }
        Ok(rows)
    }

    pub(super) fn runtime_of(&self, row: &DataflowRow) -> String {
        let found = self.store().runtime(row.runtime).ok().flatten();
        found.map_or_else(|| row.runtime.to_string(), |runtime| runtime_name(&runtime))
    }

    pub(super) async fn remove(&self, reference: &DataflowRef, force: bool) -> Result<DataflowInfo> {
        let (info, sequence) = match self.find(reference)? {
            Found::Here(flow) => {
                if !flow.status().is_ended() {
                    if !force {
                        return Err(still_runs(&flow.name));
                    }
                    self.stop(&flow.id.into(), StopOptions { grace: None, force: true }).await?;
                }
                self.dataflows().remove(&flow.id);
                (flow.info(), flow.details().history.last().map_or(0, |event| event.sequence))
            }
            Found::Stored(row) if row.ended.is_none() => {
                return Err(if force { elsewhere(&row) } else { still_runs(&row.name) });
            }
            Found::Stored(row) => {
                let query = store::events::EventQuery { dataflow: Some(row.id), last: Some(1), ..Default::default() };
                let last = self.store().events(&query)?.pop().map_or(0, |row| row.event.sequence);
                (records::info(&row, self.runtime_of(&row)), last)
            }
        };
        if !self.store().remove_dataflow(info.id.0)? {
            return Err(self.unknown(&reference.0));
        }
        let directory = log_dir(self.store().home(), info.id);
        match std::fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Diagnostic::new(
                    codes::RUNTIME_FAILED,
                    format!("dataflow `{}` is removed, but its logs in {} are not", info.name, directory.display()),
                )
                .cause(error.to_string()));
            }
            _ => {}
        }
        let event = Event {
            sequence: sequence + 1,
            time: UnixNanos::now(),
            dataflow: info.id,
            dataflow_name: info.name.clone(),
            node: None,
            kind: EventKind::Removed,
            why: String::new(),
        };
        self.store().record_events(&[records::event(&event)])?;
        let _ = self.events.send(event);
        Ok(info)
    }

    pub(super) fn inspect(&self, reference: &DataflowRef) -> Result<DataflowDetails> {
        match self.find(reference)? {
            Found::Here(flow) => Ok(flow.details()),
            Found::Stored(row) if row.ended.is_none() => Err(elsewhere(&row)),
            Found::Stored(row) => {
                let directory = log_dir(self.store().home(), DataflowId(row.id));
                records::details(self.store(), &row, self.runtime_of(&row), directory)
            }
        }
    }

    pub(super) fn nodes(&self, query: &NodeQuery) -> Result<Vec<NodeInfo>> {
        if let Some(reference) = &query.dataflow {
            return match self.find(reference)? {
                Found::Here(flow) => Ok(flow.nodes()),
                Found::Stored(row) if row.ended.is_none() => Err(elsewhere(&row)),
                Found::Stored(row) => records::nodes(self.store(), &row),
            };
        }
        let live = self.live();
        let mut nodes: Vec<NodeInfo> = live.iter().flat_map(|flow| flow.nodes()).collect();
        if query.all {
            for row in self.store().ended_dataflows(ENDED)? {
                if !live.iter().any(|flow| flow.id.0 == row.id) {
                    nodes.extend(records::nodes(self.store(), &row)?);
                }
            }
        }
        Ok(nodes)
    }

    pub(super) fn topics(&self, query: &TopicQuery) -> Result<Vec<TopicInfo>> {
        match &query.dataflow {
            Some(reference) => Ok(self.here(reference)?.topics()),
            None => Ok(self.live().iter().flat_map(|flow| flow.topics()).collect()),
        }
    }

    /// All that this runtime knows of itself.
    pub(super) fn state(&self) -> RuntimeState {
        let config = self.settings.get().map(|config| config.settings()).unwrap_or_default();
        RuntimeState {
            name: self.name(),
            pid: self.row().process.pid,
            version: self.row().version.clone(),
            started: UnixNanos(i64::try_from(self.row().started.as_nanosecond()).unwrap_or(i64::MAX)),
            config: config.into_iter().map(|setting| (setting.key.to_string(), setting.value.to_string())).collect(),
            tasks: tokio::runtime::Handle::try_current().map_or(0, |tokio| tokio.metrics().num_alive_tasks() as u64),
            connections: self.connections() as u64,
            process: processes::own_state(),
            dataflows: self.live().iter().map(|flow| flow.details()).collect(),
        }
    }

    pub(super) fn logs(&self, query: &LogQuery) -> Result<Logs> {
        let (logs, nodes) = match self.find(&query.dataflow)? {
            Found::Here(flow) => {
                let logs = Logs {
                    dataflow: flow.id,
                    dataflow_name: flow.name.clone(),
                    directory: flow.journal.directory.clone(),
                    journal: Some(flow.journal.clone()),
                };
                (logs, flow.nodes())
            }
            // What another runtime writes can be read up to now; who wants to follow asks that runtime.
            Found::Stored(row) => {
                let logs = Logs {
                    dataflow: DataflowId(row.id),
                    dataflow_name: row.name.clone(),
                    directory: log_dir(self.store().home(), DataflowId(row.id)),
                    journal: None,
                };
                (logs, records::nodes(self.store(), &row)?)
            }
        };
        // A node that was removed has left its log.
        let left = crate::logs::files::list(&logs.directory).unwrap_or_default();
        let is_known = |node: &NodeId| {
            let of_log = |(of, _): &(Option<String>, _)| of.as_deref() == Some(node.as_ref());
            nodes.iter().any(|info| info.node == *node) || left.iter().any(of_log)
        };
        match query.nodes.iter().find(|node| !is_known(node)) {
            Some(unknown) => Err(super::orders::none_of(&logs.dataflow_name, &nodes, unknown)),
            None => Ok(logs),
        }
    }

    /// What this runtime tells of itself.
    pub(super) fn own_logs(&self) -> Result<Logs> {
        let journal = self.options.journal.clone().ok_or_else(|| {
            Diagnostic::new(codes::NOT_SUPPORTED, "the runtime of a shell keeps no log of itself").next("daemon logs")
        })?;
        Ok(Logs {
            dataflow: journal.dataflow,
            dataflow_name: journal.dataflow_name.clone(),
            directory: journal.directory.clone(),
            journal: Some(journal),
        })
    }

    pub(super) fn events(&self, query: &EventQuery) -> Result<BoxStream<'static, Result<Event>>> {
        let only = match &query.dataflow {
            None => None,
            Some(reference) => Some(match self.find(reference)? {
                Found::Here(flow) => flow.id,
                Found::Stored(row) => DataflowId(row.id),
            }),
        };
        // First listen, then read, so that nothing falls in between.
        let live = query.follow.then(|| self.events.subscribe());
        let mut before = Vec::new();
        if query.history {
            let stored = store::events::EventQuery { dataflow: only.map(|id| id.0), ..Default::default() };
            before = self.store().events(&stored)?.into_iter().map(|row| records::event_of(row.event)).collect();
        }
        let mut last: HashMap<DataflowId, u64> = HashMap::new();
        for event in &before {
            last.insert(event.dataflow, event.sequence);
        }
        let history = stream::iter(before.into_iter().map(Ok));
        let Some(live) = live else { return Ok(history.boxed()) };
        let finished =
            only.and_then(|id| self.dataflows().get(&id).cloned()).is_none_or(|flow| flow.status().is_ended());
        if only.is_some() && finished {
            return Ok(history.boxed());
        }
        Ok(history.chain(follow(live, only, last)).boxed())
    }

    /// Waits for a condition, for at most so long.
    pub(super) async fn wait(
        &self,
        reference: &DataflowRef,
        condition: WaitCondition,
        limit: Option<Duration>,
    ) -> Result<DataflowInfo> {
        let flow = match self.find(reference)? {
            Found::Here(flow) => flow,
            Found::Stored(row) if row.ended.is_none() => return Err(elsewhere(&row)),
            Found::Stored(row) => return Ok(records::info(&row, self.runtime_of(&row))),
        };
        let reached = |status: &Status| {
            status.is_ended()
                || match condition {
                    WaitCondition::Running => *status == Status::Running,
                    WaitCondition::Paused => *status == Status::Paused,
                    WaitCondition::Ended => false,
                }
        };
        let mut statuses = flow.watch();
        // The sender lives as long as the dataflow, which we hold.
        let wait = statuses.wait_for(reached);
        if let Some(limit) = limit {
            tokio::time::timeout(limit, wait).await.map_err(|_| late(reference, limit))?.ok();
        } else {
            wait.await.ok();
        }
        Ok(flow.info())
    }
}

fn late(reference: &DataflowRef, limit: Duration) -> Box<Diagnostic> {
    Diagnostic::new(codes::WAITED_TOO_LONG, format!("dataflow `{reference}` has not got there within the time given"))
        .elapsed(limit)
        .retryable()
}

fn follow(
    live: broadcast::Receiver<Event>,
    only: Option<DataflowId>,
    last: HashMap<DataflowId, u64>,
) -> impl futures::Stream<Item = Result<Event>> + Send + 'static {
    stream::unfold(Some((live, last)), move |state| async move {
        let (mut live, last) = state?;
        loop {
            match live.recv().await {
                Ok(event) => {
                    let known = last.get(&event.dataflow).is_some_and(|last| event.sequence <= *last);
                    if known || only.is_some_and(|only| only != event.dataflow) {
                        continue;
                    }
                    let over = only.is_some()
                        && event.node.is_none()
                        && matches!(event.kind, EventKind::Transition { to, .. } if to.is_ended());
                    return Some((Ok(event), (!over).then_some((live, last))));
                }
                Err(RecvError::Closed) => return None,
                Err(RecvError::Lagged(count)) => {
                    let error = Diagnostic::new(
                        codes::RUNTIME_FAILED,
                        format!("{count} events came faster than they were read and were passed over"),
                    )
                    .help("all of them are in the history");
                    return Some((Err(error), Some((live, last))));
                }
            }
        }
    })
}

pub(super) fn already_ended(name: &str, status: &str) -> Box<Diagnostic> {
    Diagnostic::new(codes::DATAFLOW_ENDED, format!("dataflow `{name}` has ended already: it is {status}"))
        .next(format!("dataflow inspect {name}"))
}

/// The error of what is done to ended dataflows only.
pub fn still_runs(name: &str) -> Box<Diagnostic> {
    Diagnostic::new(codes::DATAFLOW_RUNS, format!("dataflow `{name}` still runs"))
        .help("stop it first, or remove it with --force, which kills it")
        .next(format!("dataflow stop {name}"))
}

pub(super) fn elsewhere(row: &DataflowRow) -> Box<Diagnostic> {
    Diagnostic::new(
        codes::OTHER_RUNTIME,
        format!("dataflow `{}` runs in another process, which does not answer", row.name),
    )
    .help("use it from the shell that started it")
}
