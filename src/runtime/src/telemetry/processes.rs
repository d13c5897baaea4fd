//! What the processes of nodes use: processor time and memory of a node's own process and of all that descend from it,
//! as those of a Python pool, of `uv run`, or of a shell's command.
//!
//! Descendants are found from the node's process downwards, so that what else runs on the machine costs nothing. One
//! that has made itself independent by a double fork is no longer among them.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::model::ProcessState;

/// What a process and its descendants use.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Usage {
    /// Share of one processor since the sample before, 1.0 being all of it; 0 with the first sample.
    pub cpu: f64,
    /// Resident bytes. What several of them share is counted for each.
    pub memory: u64,
    pub processes: u32,
}

/// Samples processes. Processor time is told of the time since the sample before.
#[derive(Default)]
pub struct Processes {
    before: HashMap<u32, (Instant, Tree)>,
}

impl Processes {
    /// What these processes use, each with its descendants. One that is gone is left out.
    pub fn sample(&mut self, watched: &[u32]) -> HashMap<u32, Usage> {
        let now = Instant::now();
        let trees: HashMap<u32, (Instant, Tree)> =
            watched.iter().filter_map(|pid| Some((*pid, (now, tree(*pid)?)))).collect();
        let before = std::mem::replace(&mut self.before, trees);
        let usage = self.before.iter().map(|(pid, (_, tree))| {
            let known = before.get(pid).filter(|(_, known)| known.root == tree.root);
            let cpu = known.map_or(0.0, |(at, known)| {
                tree.cpu.saturating_sub(known.cpu).as_secs_f64() / now.duration_since(*at).as_secs_f64().max(1e-3)
            });
            (*pid, Usage { cpu, memory: tree.memory, processes: tree.processes })
        });
        usage.collect()
    }
}

/// A process with its descendants.
#[derive(Debug, Clone, Copy)]
struct Tree {
    /// When the first of them started, in the kernel's ticks: a pid may be another process's by now.
    root: u64,
    /// What all of them have used so far, and their children that have ended and were waited for: what ends is not
    /// lost, but moves to who waited for it.
    cpu: Duration,
    memory: u64,
    processes: u32,
}

/// This process as the system tells of it; zeros where it tells nothing.
pub fn own_state() -> ProcessState {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0)
    };
    // The kernel writes `kB` and means 1024 bytes.
    let size = |name: &str| number(name) * 1024;
    ProcessState {
        threads: number("Threads"),
        open_files: fs::read_dir("/proc/self/fd").map_or(0, |files| files.count() as u64),
        resident: size("VmRSS"),
        peak: size("VmHWM"),
        private: size("RssAnon"),
        files: size("RssFile"),
        shared: size("RssShmem"),
        swapped: size("VmSwap"),
    }
}

fn tree(root: u32) -> Option<Tree> {
    let mut all = process(root)?;
    // Pids are reused while they are read, so that what is read may go in a circle.
    let mut seen = HashSet::from([root]);
    let mut open = vec![root];
    while let Some(parent) = open.pop() {
        for child in children(parent).into_iter().filter(|child| seen.insert(*child)) {
            let Some(one) = process(child) else { continue };
            all.cpu += one.cpu;
            all.memory += one.memory;
            all.processes += 1;
            open.push(child);
        }
    }
    Some(all)
}

/// The children of a process: each thread has its own.
fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let texts = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    texts
        .flat_map(|text| text.split_ascii_whitespace().filter_map(|child| child.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// One process alone, from `/proc/PID/stat`.
fn process(pid: u32) -> Option<Tree> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, field 2, is in parentheses and may contain anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    // One that has ended and waits to be noticed.
    if fields.first() == Some(&"Z") {
        return None;
    }
    // In user mode and in the kernel, its own and that of children that were waited for.
    let ticks = number(14)? + number(15)? + number(16)? + number(17)?;
    Some(Tree {
        root: number(22)?,
        cpu: Duration::from_secs_f64(ticks as f64 / UNITS.ticks as f64),
        memory: number(24)? * UNITS.page,
        processes: 1,
    })
}

/// What the kernel counts in.
struct Units {
    /// In a second.
    ticks: u64,
    /// Bytes of a page.
    page: u64,
}

/// As the kernel tells it to every process it starts: pairs of words, what is told and its value (`getauxval(3)`).
static UNITS: LazyLock<Units> = LazyLock::new(|| {
    const PAGE_SIZE: u64 = 6;
    const CLOCK_TICKS: u64 = 17;
    let told = fs::read("/proc/self/auxv").unwrap_or_default();
    let words: Vec<u64> =
        told.chunks_exact(8).filter_map(|word| Some(u64::from_ne_bytes(word.try_into().ok()?))).collect();
    let value =
        |key| words.chunks_exact(2).find(|pair| pair.first() == Some(&key)).and_then(|pair| pair.get(1)).copied();
    Units { ticks: value(CLOCK_TICKS).unwrap_or(100).max(1), page: value(PAGE_SIZE).unwrap_or(4096) }
});

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A shell that has come to where it says `ready`. It ends with its input.
    fn shell(script: &str) -> Child {
        let mut shell =
            Command::new("sh").args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        shell
    }

    #[test]
    fn a_process_is_counted_with_its_children_and_theirs() {
        let mut shell = shell("sh -c '(echo ready; cat); true'; true");
        let mut processes = Processes::default();
        let usage = processes.sample(&[shell.id()])[&shell.id()];
        assert!((3..=4).contains(&usage.processes), "two shells, a part of the second, and soon `cat`: {usage:?}");
        assert!(usage.memory > process(shell.id()).unwrap().memory, "{usage:?}");
        drop(shell.stdin.take());
        shell.wait().unwrap();
        assert!(processes.sample(&[shell.id()]).is_empty());
    }

    #[test]
    fn what_children_used_that_have_ended_is_not_lost() {
        let work = "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'";
        let mut shell = shell(&format!("{work}; echo ready; read line; {work}; echo ready; read line"));
        let before = tree(shell.id()).unwrap();
        assert!(before.cpu > Duration::ZERO, "{before:?}");
        let mut processes = Processes::default();
        processes.sample(&[shell.id()]);
        std::io::Write::write_all(shell.stdin.as_mut().unwrap(), b"\n").unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let usage = processes.sample(&[shell.id()])[&shell.id()];
        assert!(usage.cpu > 0.1, "it did nothing but work meanwhile: {usage:?}");
        drop(shell.stdin.take());
        shell.wait().unwrap();
    }
}
