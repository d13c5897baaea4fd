//! The guard: a process that outlives its runtime by a moment, to kill the nodes it leaves behind.
//!
//! A runtime that is killed outright can clean up nothing. The guard is our own executable in a session of its
//! own, so that what ends the shell's session does not end it; it holds the read end of a pipe whose other end
//! only the runtime has, and the ids of the process groups it is told of. When the pipe closes, the runtime is
//! gone, and every group still listed is killed. A runtime that did not say goodbye may have died between starting a
//! process and telling of it: then everything that bears its [`MARK`] is killed too. A guard that is killed itself is
//! replaced at once.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Set in the environment of the executable that is to be the guard, to the groups it is to begin with: `10,20`. Those
/// that its predecessor was told are so known to it from its first moment.
pub const ENVIRONMENT: &str = "DORA_GUARD";

/// In the environment of all that a runtime starts: the runtime's process id. dora's own, which nodes look at, too.
pub const MARK: &str = "DORA_RUN_PARENT_PID";

/// How long a process that is being started may take to show its environment.
const SETTLE: std::time::Duration = std::time::Duration::from_millis(50);

/// What a runtime says that ends in an orderly way.
const GOODBYE: &str = "goodbye";

/// The runtime's side of its guard. Dropping it ends the guard, which kills what is still listed.
pub struct Guard {
    told: Arc<Told>,
    watcher: Option<JoinHandle<()>>,
}

/// What the guard is to know, kept to tell it to a successor.
#[derive(Default)]
struct Told(Mutex<State>);

#[derive(Default)]
struct State {
    /// `None` once the guard is no longer wanted, or could not be replaced.
    pipe: Option<ChildStdin>,
    groups: BTreeSet<u32>,
}

/// A guard process and the pipes to and from it.
struct Process {
    child: Child,
    output: ChildStdout,
}

impl Guard {
    /// Starts the guard and waits until it has a session of its own.
    pub fn start(executable: &Path) -> io::Result<Self> {
        let (process, pipe) = launch(executable, &BTreeSet::new())?;
        let told = Arc::new(Told::default());
        told.lock().pipe = Some(pipe);
        let watcher = std::thread::Builder::new().name("dora-guard".into()).stack_size(256 * 1024).spawn({
            let (told, executable) = (told.clone(), executable.to_path_buf());
            move || told.watch(&executable, process)
        })?;
        Ok(Guard { told, watcher: Some(watcher) })
    }

    /// Puts a process group under guard.
    pub fn add(&self, group: u32) -> io::Result<()> {
        let mut state = self.told.lock();
        state.groups.insert(group);
        state.tell(format_args!("+{group}\n"))
    }

    /// Releases a group that has ended.
    pub fn remove(&self, group: u32) -> io::Result<()> {
        let mut state = self.told.lock();
        state.groups.remove(&group);
        state.tell(format_args!("-{group}\n"))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.told.lock().pipe.take() {
            // A guard that is gone needs no goodbye.
            let _ = writeln!(pipe, "{GOODBYE}");
        }
        if let Some(watcher) = self.watcher.take() {
            let _ = watcher.join();
        }
    }
}

impl State {
    fn tell(&mut self, line: std::fmt::Arguments<'_>) -> io::Result<()> {
        let pipe = self.pipe.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        // One write, which a pipe takes whole. It fails only when the guard has been killed: then its successor
        // is told.
        let _ = pipe.write_all(line.to_string().as_bytes());
        Ok(())
    }
}

impl Told {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the end of the guard, and replaces one that was not to end.
    fn watch(&self, executable: &Path, mut process: Process) {
        loop {
            // A guard writes one byte, which has been read; its end closes the pipe.
            let _ = process.output.read(&mut [0]);
            let _ = process.child.wait();
            // Held until there is a successor, so that no group is added in between.
            let mut state = self.lock();
            if state.pipe.take().is_none() {
                return;
            }
            // Without a guard the next node that is started says so.
            let Ok((successor, pipe)) = launch(executable, &state.groups) else { return };
            state.pipe = Some(pipe);
            process = successor;
        }
    }
}

fn launch(executable: &Path, groups: &BTreeSet<u32>) -> io::Result<(Process, ChildStdin)> {
    if is_wanted() {
        // Otherwise an executable that does not know the variable would start guards without end.
        return Err(io::Error::other(format!("this process was itself started to be a guard, by {ENVIRONMENT}")));
    }
    let groups: Vec<String> = groups.iter().map(u32::to_string).collect();
    let mut child = Command::new(executable)
        .env(ENVIRONMENT, groups.join(","))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let (Some(pipe), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let told = output.read(&mut [0]);
    if matches!(told, Ok(1)) {
        return Ok((Process { child, output }, pipe));
    }
    drop(pipe);
    let _ = child.wait();
    Err(told.err().unwrap_or_else(|| io::Error::other("the guard process ended at once")))
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
    let runtime = rustix::process::getppid();
    // A runtime that no longer reads this is dead, and its nodes are to be killed all the more.
    let _ = io::stdout().write_all(b".").and_then(|()| io::stdout().flush());
    let first = std::env::var(ENVIRONMENT).unwrap_or_default();
    let first = first.split(',').filter_map(|group| group.parse().ok()).collect();
    let (groups, orderly) = listed(first, io::stdin().lock());
    for group in groups {
        kill_group(group, Signal::KILL);
    }
    if let (false, Some(runtime)) = (orderly, runtime) {
        kill_marked(runtime.as_raw_nonzero().get());
    }
    ExitCode::SUCCESS
}

/// Kills what bears the mark of a runtime that is gone, until there is none: what was being started while it died
/// becomes visible a moment later.
fn kill_marked(runtime: i32) {
    let mark = format!("{MARK}={runtime}");
    let guard = format!("{ENVIRONMENT}=");
    let marked = |process: Pid| {
        let variables = std::fs::read(format!("/proc/{}/environ", process.as_raw_nonzero())).unwrap_or_default();
        let mut variables = variables.split(|byte| *byte == 0);
        // The guard of a runtime within a node looks after that one's processes.
        variables.clone().any(|variable| variable == mark.as_bytes())
            && !variables.any(|variable| variable.starts_with(guard.as_bytes()))
    };
    for _ in 0..10 {
        std::thread::sleep(SETTLE);
        let Ok(all) = std::fs::read_dir("/proc") else { return };
        let all = all.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw));
        let found: Vec<Pid> = all.filter(|process| marked(*process)).collect();
        if found.is_empty() {
            return;
        }
        for process in found {
            // One that has ended meanwhile is as good as killed.
            let _ = kill_process(process, Signal::KILL);
        }
    }
}

/// Reads to the end of the pipe; returns the groups that were there or added, and not removed, and whether the runtime
/// said goodbye.
fn listed(mut groups: BTreeSet<u32>, mut pipe: impl BufRead) -> (BTreeSet<u32>, bool) {
    let mut orderly = false;
    let mut line = String::new();
    // A line without an end was cut by the runtime's death and may name another group than was meant.
    while pipe.read_line(&mut line).is_ok_and(|_| line.ends_with('\n')) {
        let told = line.trim_end();
        if let Some(group) = told.strip_prefix('+').and_then(|group| group.parse().ok()) {
            groups.insert(group);
        } else if let Some(group) = told.strip_prefix('-').and_then(|group| group.parse::<u32>().ok()) {
            groups.remove(&group);
        } else if told == GOODBYE {
            orderly = true;
        }
        line.clear();
    }
    (groups, orderly)
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
    fn what_bears_the_mark_of_a_dead_runtime_is_killed_and_guards_are_left() {
        // Above every id that this kernel gives.
        let runtime = 1 << 23;
        let start = |variables: &[(&str, String)]| {
            Command::new("sleep").arg("60").envs(variables.iter().map(|(name, value)| (name, value))).spawn().unwrap()
        };
        let mark = (MARK, runtime.to_string());
        let mut told = start(std::slice::from_ref(&mark));
        let mut guard = start(&[mark, (ENVIRONMENT, String::new())]);
        let mut other = start(&[(MARK, "1".into())]);
        kill_marked(runtime);
        let signal = std::os::unix::process::ExitStatusExt::signal(&told.wait().unwrap());
        assert_eq!(signal, Some(Signal::KILL.as_raw()));
        for left in [&mut guard, &mut other] {
            assert!(left.try_wait().unwrap().is_none());
            left.kill().unwrap();
            left.wait().unwrap();
        }
    }

    #[test]
    fn what_was_added_and_not_removed_is_listed_and_a_cut_line_is_not() {
        let told = "+10\n+20\n-10\n-8\n+nonsense\n+3";
        assert_eq!(listed([7, 8].into(), told.as_bytes()), ([7, 20].into(), false));
        assert_eq!(listed([7].into(), "-7\ngoodbye\n".as_bytes()), ([].into(), true));
    }
}
