//! What the processes of nodes use: processor time and memory of a node's own process and of all that descend from it,
//! as those of a Python pool, of `uv run`, or of a shell's command.

use std::collections::{HashMap, HashSet};

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Descendants are looked for with every so many samples, and when a node has a new process. Looking means to read of
/// every process on the machine whose child it is.
const LOOK_EVERY: u32 = 5;

/// What a process and its descendants use.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Usage {
    /// Share of one processor, 1.0 being all of it.
    pub cpu: f64,
    /// Resident bytes. What several of them share is counted for each.
    pub memory: u64,
    pub processes: u32,
}

/// Samples processes. Processor time is told of the time since the sample before.
pub struct Processes {
    system: System,
    /// The descendants of each process that is watched.
    descendants: HashMap<u32, Vec<Pid>>,
    samples: u32,
}

impl Processes {
    /// `None` where the system tells nothing of processes.
    pub fn new() -> Option<Self> {
        let system = System::new().ok()?;
        Some(Processes { system, descendants: HashMap::new(), samples: 0 })
    }

    /// What these processes use, each with its descendants. One that is gone is left out.
    pub fn sample(&mut self, watched: &[u32]) -> HashMap<u32, Usage> {
        let known =
            watched.len() == self.descendants.len() && watched.iter().all(|pid| self.descendants.contains_key(pid));
        if !known || self.samples % LOOK_EVERY == 0 {
            self.look(watched);
        }
        self.samples = self.samples.wrapping_add(1);
        let own = watched.iter().map(|pid| Pid::from_u32(*pid));
        let all: Vec<Pid> = own.chain(self.descendants.values().flatten().copied()).collect();
        let what = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&all), true, what);
        watched.iter().filter_map(|pid| Some((*pid, self.usage(*pid)?))).collect()
    }

    fn usage(&self, pid: u32) -> Option<Usage> {
        self.system.process(Pid::from_u32(pid))?;
        let descendants = self.descendants.get(&pid).into_iter().flatten().copied();
        let mut usage = Usage::default();
        for process in descendants.chain([Pid::from_u32(pid)]).filter_map(|pid| self.system.process(pid)) {
            usage.cpu += f64::from(process.cpu_usage()) / 100.0;
            usage.memory += process.memory();
            usage.processes += 1;
        }
        Some(usage)
    }

    fn look(&mut self, watched: &[u32]) {
        // Those that are not watched keep what was sampled of them, for the next look costs no more that way.
        self.system.refresh_processes_specifics(
            ProcessesToUpdate::All,
            true,
            ProcessRefreshKind::nothing().without_tasks(),
        );
        let mut children: HashMap<Pid, Vec<Pid>> = HashMap::new();
        for (pid, process) in self.system.processes() {
            if let Some(parent) = process.parent() {
                children.entry(parent).or_default().push(*pid);
            }
        }
        self.descendants = watched.iter().map(|pid| (*pid, under(Pid::from_u32(*pid), &children))).collect();
    }
}

/// All that descend from a process.
fn under(pid: Pid, children: &HashMap<Pid, Vec<Pid>>) -> Vec<Pid> {
    // Pids are reused while they are read, so that what is read may go in a circle.
    let mut seen = HashSet::from([pid]);
    let mut found = Vec::new();
    let mut open = vec![pid];
    while let Some(parent) = open.pop() {
        for child in children.get(&parent).into_iter().flatten() {
            if seen.insert(*child) {
                found.push(*child);
                open.push(*child);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_is_counted_with_its_children_and_theirs() {
        let mut shell = Command::new("sh")
            .args(["-c", "sh -c 'sleep 60 & echo ready; wait' & wait"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut processes = Processes::new().unwrap();
        let usage = processes.sample(&[shell.id()])[&shell.id()];
        assert_eq!(usage.processes, 3, "the shell, its child, and sleep");
        let alone = processes.sample(&[std::process::id()])[&std::process::id()];
        assert!(alone.memory > 0 && alone.processes > 3, "{alone:?}");
        let group = under(Pid::from_u32(shell.id()), &HashMap::new());
        assert!(group.is_empty());
        for pid in processes_of(&mut processes, shell.id()) {
            rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL)
                .unwrap();
        }
        shell.wait().unwrap();
        assert!(processes.sample(&[shell.id()]).is_empty());
    }

    fn processes_of(processes: &mut Processes, pid: u32) -> Vec<i32> {
        processes.look(&[pid]);
        let descendants = processes.descendants[&pid].iter().map(|pid| pid.as_u32());
        descendants.chain([pid]).map(|pid| pid as i32).collect()
    }
}
