//! The guard: a process that outlives its runtime by a moment, to kill the nodes it leaves behind.
//!
//! A runtime that is killed outright can clean up nothing. The guard is our own executable in a session of its
//! own, so that what ends the shell's session does not end it; it holds the read end of a pipe whose other end
//! only the runtime has, and the ids of the process groups it is told of. When the pipe closes, the runtime is
//! gone, and every group still listed is killed.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

/// Set in the environment of the executable that is to be the guard.
pub const ENVIRONMENT: &str = "DORA_GUARD";

/// The runtime's side of its guard. Dropping it ends the guard, which kills what is still listed.
pub struct Guard {
    child: Child,
    pipe: Mutex<Option<ChildStdin>>,
}

impl Guard {
    /// Starts the guard and waits until it has a session of its own.
    pub fn start(executable: &Path) -> io::Result<Self> {
        if is_wanted() {
            // Otherwise an executable that does not know the variable would start guards without end.
            return Err(io::Error::other(format!("this process was itself started to be a guard, by {ENVIRONMENT}")));
        }
        let mut child = Command::new(executable)
            .env(ENVIRONMENT, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let pipe = Mutex::new(child.stdin.take());
        let mut ready = [0];
        let told = child.stdout.take().map(|mut out| out.read(&mut ready));
        let guard = Guard { child, pipe };
        match told {
            Some(Ok(1)) => Ok(guard),
            Some(Err(error)) => Err(error),
            _ => Err(io::Error::other("the guard process ended at once")),
        }
    }

    /// Puts a process group under guard.
    pub fn add(&self, group: u32) -> io::Result<()> {
        self.tell(format_args!("+{group}\n"))
    }

    /// Releases a group that has ended.
    pub fn remove(&self, group: u32) -> io::Result<()> {
        self.tell(format_args!("-{group}\n"))
    }

    fn tell(&self, line: std::fmt::Arguments<'_>) -> io::Result<()> {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        let pipe = pipe.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        // One write, which a pipe takes whole.
        pipe.write_all(line.to_string().as_bytes())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.pipe.lock().unwrap_or_else(PoisonError::into_inner).take();
        let _ = self.child.wait();
    }
}

/// Whether this process was started to be a guard.
pub fn is_wanted() -> bool {
    std::env::var_os(ENVIRONMENT).is_some()
}

/// Is the guard: returns when the runtime is gone and its nodes are killed.
pub fn main() -> ExitCode {
    if let Err(error) = rustix::process::setsid() {
        // A leader of its own group has no session to leave; then it is one already.
        if error != rustix::io::Errno::PERM {
            return ExitCode::FAILURE;
        }
    }
    if io::stdout().write_all(b".").and_then(|()| io::stdout().flush()).is_err() {
        return ExitCode::FAILURE;
    }
    for group in listed(io::stdin().lock()) {
        kill_group(group, Signal::KILL);
    }
    ExitCode::SUCCESS
}

/// Reads to the end of the pipe; returns the groups that were added and not removed.
fn listed(mut pipe: impl BufRead) -> BTreeSet<u32> {
    let mut groups = BTreeSet::new();
    let mut line = String::new();
    // A line without an end was cut by the runtime's death and may name another group than was meant.
    while pipe.read_line(&mut line).is_ok_and(|_| line.ends_with('\n')) {
        let told = line.trim_end();
        if let Some(group) = told.strip_prefix('+').and_then(|group| group.parse().ok()) {
            groups.insert(group);
        } else if let Some(group) = told.strip_prefix('-').and_then(|group| group.parse::<u32>().ok()) {
            groups.remove(&group);
        }
        line.clear();
    }
    groups
}

/// Signals a process group; one that is gone already is as good as signalled.
pub fn kill_group(group: u32, signal: Signal) {
    // Group 1 and 0 would be everybody and ourselves.
    if let Some(group) = i32::try_from(group).ok().filter(|&group| group > 1).and_then(Pid::from_raw) {
        let _ = kill_process_group(group, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_and_not_removed_is_listed_and_a_cut_line_is_not() {
        assert_eq!(listed("+10\n+20\n-10\n+nonsense\n+3".as_bytes()), [20].into());
    }
}
