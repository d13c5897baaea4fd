//! Processes found in the system itself, by a variable that those they descend from were given.

use std::process::Command;
use std::time::{Duration, Instant};

use uuid::Uuid;

const VARIABLE: &str = "DORA_FAULT_MARK";

/// The processes that descend from the ones that were marked, wherever they have got to.
pub struct Marked(String);

impl Marked {
    pub fn new() -> Marked {
        Marked(Uuid::new_v4().to_string())
    }

    pub fn mark(&self, command: &mut Command) {
        command.env(VARIABLE, &self.0);
    }

    /// Fails when one of them lives that is not among these.
    pub fn none_but(&self, known: &[u32]) {
        self.gone_within(Duration::from_secs(2), known);
    }

    pub fn gone_within(&self, limit: Duration, known: &[u32]) {
        let deadline = Instant::now() + limit;
        loop {
            let left: Vec<u32> = self.alive().into_iter().filter(|pid| !known.contains(pid)).collect();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "orphans: {:?}", left.iter().map(|pid| told(*pid)).collect::<Vec<_>>());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn alive(&self) -> Vec<u32> {
        // A process that has ended has no environment any more, though its entry stays until it is reaped.
        pids().filter(|pid| variable(*pid, VARIABLE).as_deref() == Some(self.0.as_str())).collect()
    }
}

impl Drop for Marked {
    fn drop(&mut self) {
        self.alive().into_iter().for_each(|pid| signal(pid, "KILL"));
    }
}

fn pids() -> impl Iterator<Item = u32> {
    std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn told(pid: u32) -> String {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    format!("{pid} {}", read("cmdline").replace('\0', " "))
}

/// A variable in the environment of a process.
pub fn variable(pid: u32, name: &str) -> Option<String> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment.split(|&byte| byte == 0).find_map(|entry| {
        let entry = std::str::from_utf8(entry).ok()?;
        Some(entry.strip_prefix(name)?.strip_prefix('=')?.to_string())
    })
}

pub fn children(parent: u32) -> Vec<u32> {
    pids()
        .filter(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
            fields.split_ascii_whitespace().nth(1).and_then(|text| text.parse().ok()) == Some(parent)
        })
        .collect()
}

pub fn signal(pid: u32, name: &str) {
    // One that has just ended by itself cannot be signalled any more.
    let _ = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).output();
}
