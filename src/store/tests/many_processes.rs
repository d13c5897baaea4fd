//! One home, many processes: this test binary starts itself again as each of them.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use store::history::{HistoryLine, HistoryQuery};
use store::{Home, Store};

/// Set in a child: the root of the home it writes to.
const ROOT: &str = "STORE_TEST_ROOT";
/// Set in a child: how many lines it writes; it writes on and on without it.
const LINES: &str = "STORE_TEST_LINES";

fn writer(root: &std::path::Path, lines: Option<usize>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "one_writer", "--nocapture", "--test-threads=1"]).env(ROOT, root).stdout(Stdio::piped());
    if let Some(lines) = lines {
        command.env(LINES, lines.to_string());
    }
    command.spawn().unwrap()
}

/// What a child does; among the tests of the parent it does nothing.
#[test]
fn one_writer() {
    let Some(root) = std::env::var_os(ROOT) else { return };
    let lines: usize = std::env::var(LINES).map_or(usize::MAX, |count| count.parse().unwrap());
    let store = Store::open(Home::at(root));
    for _ in 0..lines {
        let line = HistoryLine { line: "line".to_string(), ..Default::default() };
        println!("\nwrote {}", store.append_history(&line).unwrap());
    }
}

fn told(child: &mut Child) -> impl Iterator<Item = i64> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.filter_map(|line| line.ok()?.strip_prefix("wrote ")?.parse().ok())
}

#[test]
fn processes_that_meet_on_a_fresh_home_all_get_to_write() {
    let root = tempfile::tempdir().unwrap();
    let mut writers: Vec<Child> = (0..6).map(|_| writer(root.path(), Some(20))).collect();
    for child in &mut writers {
        assert_eq!(told(child).count(), 20);
        assert!(child.wait().unwrap().success());
    }
    let store = Store::open(Home::at(root.path()));
    assert_eq!(store.count_history(&HistoryQuery::default()).unwrap(), 120);
}

#[test]
fn what_was_told_as_written_survives_kill_9() {
    let root = tempfile::tempdir().unwrap();
    let mut child = writer(root.path(), None);
    let mut ids = told(&mut child);
    let mut known: Vec<i64> = ids.by_ref().take(30).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    known.extend(ids);
    let store = Store::open(Home::at(root.path()));
    for id in &known {
        assert!(store.history_line(*id).unwrap().is_some(), "line {id} was told as written and is gone");
    }
    let next = store.append_history(&HistoryLine::default()).unwrap();
    assert!(next > *known.last().unwrap());
}
