//! Repairs what runtimes left that died without saying so.

use diag::Result;
use rustix::process::Signal;
use store::dataflows::DataflowEnd;
use store::runtimes::RuntimeKind;
use store::{ProcessId, Store};

use crate::guard::kill_group;
use crate::model::Status;
use crate::records;
use crate::telemetry::page;

/// Kills nodes whose runtime is gone, and ends its dataflows in the records. The guard has normally done the
/// killing long before.
pub fn sweep(store: &Store) -> Result<()> {
    page::sweep();
    let dead: Vec<_> = store.runtimes()?.into_iter().filter(|runtime| !runtime.process.is_alive()).collect();
    if dead.is_empty() {
        return Ok(());
    }
    let orphans: Vec<_> = store
        .live_dataflows()?
        .into_iter()
        .filter(|flow| dead.iter().any(|runtime| runtime.id == flow.runtime))
        .collect();
    let now = jiff::Timestamp::now();
    for process in store.live_node_processes()? {
        if !orphans.iter().any(|flow| flow.id == process.dataflow) {
            continue;
        }
        // The group is known to be the node's only while its leader is the process that was recorded.
        if ProcessId::of(process.process.pid) == Some(process.process) {
            kill_group(process.pgid, Signal::KILL);
        }
        store.end_node_process(process.dataflow, process.process, now, None, None)?;
    }
    for flow in orphans {
        let why = "its runtime was killed".to_string();
        let end = DataflowEnd {
            status: Status::Failed.to_string(),
            at: now,
            restarts: flow.restarts,
            cause: Some(why.clone()),
            culprit: None,
            snapshot: None,
        };
        if !store.end_dataflow(flow.id, &end)? {
            continue;
        }
        let of_daemon = dead.iter().any(|runtime| runtime.id == flow.runtime && runtime.kind == RuntimeKind::Daemon);
        if of_daemon && records::kept(&flow).is_some_and(|kept| kept.recovers) {
            store.interrupt_dataflow(flow.id, &flow.status)?;
        }
        let last = store::events::EventQuery { dataflow: Some(flow.id), last: Some(1), ..Default::default() };
        let sequence = store.events(&last)?.pop().map_or(0, |row| row.event.sequence) + 1;
        let kind = store::events::EventKind::Transition { from: flow.status, to: Status::Failed.to_string() };
        let dataflow_name = flow.name;
        store.record_events(&[store::events::Event {
            time: now,
            dataflow: flow.id,
            dataflow_name,
            sequence,
            node: None,
            kind,
            why,
        }])?;
    }
    for runtime in dead {
        store.end_runtime(runtime.id, now)?;
    }
    Ok(())
}
