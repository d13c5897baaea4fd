//! What runs in the background of a session, and what ctrl-z has frozen.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, kill_process_group};
use value::Interrupt;

use crate::external::Program;

/// How long programs may take to end once they are asked to.
const GRACE: Duration = Duration::from_secs(2);

/// The jobs of a session.
#[derive(Default)]
pub struct Jobs(Mutex<State>);

#[derive(Default)]
struct State {
    last: u64,
    jobs: BTreeMap<u64, Entry>,
}

struct Entry {
    description: Option<String>,
    started: SystemTime,
    work: Work,
}

enum Work {
    Thread(Arc<Job>),
    /// A program that stands still, in a process group of its own.
    Frozen(Box<Program>),
}

/// One that runs on a thread.
pub struct Job {
    pub id: u64,
    /// Raised when the job is to end.
    pub interrupt: Interrupt,
    /// The programs that it has started and not waited for yet; each leads a process group.
    programs: Mutex<Vec<u32>>,
}

/// What `job list` tells of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobInfo {
    pub id: u64,
    pub is_frozen: bool,
    /// Its programs.
    pub pids: Vec<u32>,
    pub description: Option<String>,
    pub started: SystemTime,
}

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a job that is about to run on a thread of its own.
    pub fn begin(&self, description: Option<String>) -> Arc<Job> {
        let mut state = self.lock();
        let job = Arc::new(Job { id: state.next(), interrupt: Interrupt::new(), programs: Mutex::default() });
        state.jobs.insert(job.id, Entry::new(description, Work::Thread(job.clone())));
        job
    }

    /// Strikes off a job that has ended.
    pub fn end(&self, id: u64) {
        self.lock().jobs.remove(&id);
    }

    /// Enters a program that stands still.
    pub(crate) fn freeze(&self, program: Program) -> u64 {
        let mut state = self.lock();
        let id = state.next();
        state.jobs.insert(id, Entry::new(Some(program.name().to_string()), Work::Frozen(Box::new(program))));
        id
    }

    /// Takes out a frozen program: that of an id, or the last one that was frozen. `Err` when the job is not frozen.
    pub(crate) fn thaw(&self, id: Option<u64>) -> Result<Option<Program>, NotFrozen> {
        let mut state = self.lock();
        let frozen = |entry: &Entry| matches!(entry.work, Work::Frozen(_));
        let id = match id {
            Some(id) => match state.jobs.get(&id) {
                None => return Ok(None),
                Some(entry) if frozen(entry) => id,
                Some(_) => return Err(NotFrozen),
            },
            None => match state.jobs.iter().rev().find(|(_, entry)| frozen(entry)) {
                Some((id, _)) => *id,
                None => return Ok(None),
            },
        };
        Ok(state.jobs.remove(&id).and_then(|entry| match entry.work {
            Work::Frozen(program) => Some(*program),
            Work::Thread(_) => None,
        }))
    }

    /// All of them, the oldest first.
    pub fn list(&self) -> Vec<JobInfo> {
        let state = self.lock();
        let told = state.jobs.iter().map(|(id, entry)| JobInfo {
            id: *id,
            is_frozen: matches!(entry.work, Work::Frozen(_)),
            pids: match &entry.work {
                Work::Thread(job) => job.programs().clone(),
                Work::Frozen(program) => vec![program.id()],
            },
            description: entry.description.clone(),
            started: entry.started,
        });
        told.collect()
    }

    /// Ends a job with its programs; whether there was one. It is struck off at once.
    pub fn kill(&self, id: u64) -> bool {
        // What ends must not wait for whoever lists.
        let Some(entry) = self.lock().jobs.remove(&id) else { return false };
        entry.kill();
        true
    }

    /// Ends all of them, as the session does when it ends.
    pub fn kill_all(&self) {
        let jobs = std::mem::take(&mut self.lock().jobs);
        jobs.into_values().for_each(Entry::kill);
    }
}

/// The job runs.
#[derive(Debug)]
pub(crate) struct NotFrozen;

impl State {
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

impl Entry {
    fn new(description: Option<String>, work: Work) -> Entry {
        Entry { description, started: SystemTime::now(), work }
    }

    fn kill(self) {
        match self.work {
            Work::Thread(job) => {
                job.interrupt.raise();
                let programs = job.programs().clone();
                programs.iter().for_each(|pid| signal(*pid, Signal::TERM));
                if programs.is_empty() {
                    return;
                }
                std::thread::spawn(move || {
                    std::thread::sleep(GRACE);
                    // Who has been waited for since is no longer entered.
                    job.programs().iter().for_each(|pid| signal(*pid, Signal::KILL));
                });
            }
            Work::Frozen(program) => {
                // One that stands still would not hear that it is to end.
                signal(program.id(), Signal::KILL);
                std::thread::spawn(move || program.complete());
            }
        }
    }
}

impl Job {
    fn programs(&self) -> MutexGuard<'_, Vec<u32>> {
        self.programs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add_program(&self, pid: u32) {
        self.programs().push(pid);
    }

    pub(crate) fn remove_program(&self, pid: u32) {
        self.programs().retain(|known| *known != pid);
    }
}

/// Signals a process group by its leader, which has not been waited for.
pub(crate) fn signal(leader: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        // It may have ended by itself meanwhile.
        let _ = kill_process_group(pid, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_job_is_interrupted_and_struck_off() {
        let jobs = Jobs::default();
        let (first, second) = (jobs.begin(Some("one".into())), jobs.begin(None));
        assert_eq!(jobs.list().iter().map(|job| job.id).collect::<Vec<_>>(), [first.id, second.id]);
        assert!(jobs.kill(first.id));
        assert!(first.interrupt.is_raised() && !second.interrupt.is_raised());
        assert!(!jobs.kill(first.id));
        jobs.end(second.id);
        assert!(jobs.list().is_empty());
    }

    #[test]
    fn only_what_is_frozen_thaws() {
        let jobs = Jobs::default();
        let job = jobs.begin(None);
        assert!(jobs.thaw(Some(job.id)).is_err());
        assert!(jobs.thaw(None).is_ok_and(|program| program.is_none()));
        assert!(jobs.thaw(Some(77)).is_ok_and(|program| program.is_none()));
    }
}
