//! Every change of state of a dataflow or node, with its reason, in order.

use diag::Result;
use jiff::Timestamp;
use rusqlite::{Row, named_params};
use uuid::Uuid;

use crate::database::Store;
use crate::sql::{Columns, from_timestamp};

/// Something that happened to a dataflow or one of its nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub time: Timestamp,
    pub dataflow: Uuid,
    pub dataflow_name: String,
    /// Grows by one with every event of the dataflow.
    pub sequence: u64,
    /// The node, or the dataflow itself when absent.
    pub node: Option<String>,
    pub kind: EventKind,
    /// Why, in a sentence; empty when the kind says it all.
    pub why: String,
}

/// What happened, in the runtime's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    Transition {
        from: String,
        to: String,
    },
    /// Something worth knowing that changes no status.
    Notice {
        level: String,
        count: u64,
    },
    /// The record and logs of the dataflow were deleted.
    Removed,
}

/// A recorded event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Grows with every event of the home and is never given twice.
    pub id: i64,
    pub event: Event,
}

/// Which events to read; the default is all of them.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    pub dataflow: Option<Uuid>,
    pub node: Option<String>,
    pub since: Option<Timestamp>,
    /// Only events with a greater id.
    pub after: Option<i64>,
    /// At most so many, the latest ones.
    pub last: Option<usize>,
}

impl Store {
    /// Appends events in one transaction, in their order; returns the id of the last.
    pub fn record_events(&self, events: &[Event]) -> Result<i64> {
        self.write(|connection| {
            let mut insert = connection.prepare_cached(
                "INSERT INTO events (time, dataflow, dataflow_name, sequence, node, kind, was, became, level, count, why)
                 VALUES (:time, :dataflow, :dataflow_name, :sequence, :node, :kind, :was, :became, :level, :count, :why)",
            )?;
            for event in events {
                let (kind, from, to, level, count) = match &event.kind {
                    EventKind::Transition { from, to } => ("transition", Some(from), Some(to), None, None),
                    EventKind::Notice { level, count } => ("notice", None, None, Some(level), Some(*count)),
                    EventKind::Removed => ("removed", None, None, None, None),
                };
                insert.execute(named_params! {
                    ":time": from_timestamp(event.time),
                    ":dataflow": event.dataflow.to_string(),
                    ":dataflow_name": event.dataflow_name,
                    ":sequence": event.sequence.cast_signed(),
                    ":node": event.node,
                    ":kind": kind,
                    ":was": from,
                    ":became": to,
                    ":level": level,
                    ":count": count.map(u64::cast_signed),
                    ":why": event.why,
                })?;
            }
            Ok(connection.last_insert_rowid())
        })
    }

    /// Reads events, oldest first.
    pub fn events(&self, query: &EventQuery) -> Result<Vec<EventRow>> {
        self.with(|connection| {
            let rows: rusqlite::Result<Vec<EventRow>> = connection
                .prepare_cached(
                    "SELECT * FROM events
                     WHERE (:dataflow IS NULL OR dataflow = :dataflow)
                       AND (:node IS NULL OR node = :node)
                       AND (:since IS NULL OR time >= :since)
                       AND (:after IS NULL OR id > :after)
                     ORDER BY id DESC LIMIT :last",
                )?
                .query_map(
                    named_params! {
                        ":dataflow": query.dataflow.map(|id| id.to_string()),
                        ":node": query.node,
                        ":since": query.since.map(from_timestamp),
                        ":after": query.after,
                        ":last": query.last.and_then(|n| i64::try_from(n).ok()).unwrap_or(-1),
                    },
                    read,
                )?
                .collect();
            rows.map(|mut rows| {
                rows.reverse();
                rows
            })
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<EventRow> {
    let kind: String = row.get("kind")?;
    let kind = match kind.as_str() {
        "transition" => EventKind::Transition { from: row.get("was")?, to: row.get("became")? },
        "notice" => EventKind::Notice { level: row.get("level")?, count: row.get::<_, i64>("count")?.cast_unsigned() },
        "removed" => EventKind::Removed,
        _ => return row.named("kind", |_| None),
    };
    Ok(EventRow {
        id: row.get("id")?,
        event: Event {
            time: row.timestamp("time")?,
            dataflow: row.uuid("dataflow")?,
            dataflow_name: row.get("dataflow_name")?,
            sequence: row.get::<_, i64>("sequence")?.cast_unsigned(),
            node: row.get("node")?,
            kind,
            why: row.get("why")?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Home;

    #[test]
    fn a_kind_that_nobody_knows_is_an_error_and_no_removal() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Home::at(root.path()));
        let removed = Event {
            time: Timestamp::now(),
            dataflow: Uuid::now_v7(),
            dataflow_name: "demo".to_string(),
            sequence: 1,
            node: None,
            kind: EventKind::Removed,
            why: String::new(),
        };
        store.record_events(&[removed]).unwrap();
        store
            .with(|connection| {
                connection.pragma_update(None, "ignore_check_constraints", true)?;
                connection.execute("UPDATE events SET kind = 'paused'", [])
            })
            .unwrap();
        assert!(store.events(&EventQuery::default()).is_err());
    }

    #[test]
    fn a_reader_can_go_on_after_the_last_event_it_saw() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Home::at(root.path()));
        let dataflow = Uuid::now_v7();
        let event = |sequence, node: Option<&str>, kind| Event {
            time: Timestamp::now(),
            dataflow,
            dataflow_name: "demo".to_string(),
            sequence,
            node: node.map(str::to_string),
            kind,
            why: "asked".to_string(),
        };
        let transition = |from: &str, to: &str| EventKind::Transition { from: from.into(), to: to.into() };
        let all = [
            event(1, None, transition("created", "starting")),
            event(2, Some("camera"), EventKind::Notice { level: "warn".into(), count: 7 }),
            event(3, None, EventKind::Removed),
        ];
        let seen = store.record_events(&all[..1]).unwrap();
        store.record_events(&all[1..]).unwrap();
        let read = |query| store.events(&query).unwrap().into_iter().map(|row| row.event).collect::<Vec<_>>();
        assert_eq!(read(EventQuery::default()), all);
        assert_eq!(read(EventQuery { after: Some(seen), ..Default::default() }), all[1..]);
        assert_eq!(read(EventQuery { last: Some(1), ..Default::default() }), all[2..]);
        assert_eq!(read(EventQuery { node: Some("camera".into()), ..Default::default() }), all[1..2]);
        assert_eq!(read(EventQuery { dataflow: Some(Uuid::now_v7()), ..Default::default() }), []);
    }
}
