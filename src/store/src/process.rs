//! Processes, named so that a reused pid is not mistaken for the one that was meant.

/// A process by pid and the moment it started.
///
/// The kernel gives a pid to another process sooner or later, never with the same start time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProcessId {
    pub pid: u32,
    /// Clock ticks from boot to the start of the process, as the kernel counts them.
    pub started: u64,
}

impl ProcessId {
    /// The process that calls.
    pub fn current() -> ProcessId {
        let pid = std::process::id();
        // A process can always read its own entry unless /proc is not mounted; then nothing else can be
        // checked either, and every record looks dead, which the sweep treats as "do not kill".
        ProcessId::of(pid).unwrap_or(ProcessId { pid, started: 0 })
    }

    /// The process that has this pid now; `None` when there is none, or when it has ended and waits to be reaped.
    pub fn of(pid: u32) -> Option<ProcessId> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let started = start_time(&stat)?;
        Some(ProcessId { pid, started })
    }

    /// Whether this very process still runs.
    pub fn is_alive(self) -> bool {
        ProcessId::of(self.pid) == Some(self)
    }
}

/// Field 22 of `/proc/PID/stat`, unless the process has ended.
fn start_time(stat: &str) -> Option<u64> {
    // The name, field 2, is in parentheses and may contain anything, closing parentheses too.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace();
    let state = fields.next()?;
    let threads: u32 = fields.nth(16)?.parse().ok()?;
    // This is the state of the first thread. As long as there are others the process holds its files, locks
    // and ports, whatever has become of the first.
    if matches!(state, "Z" | "X" | "x") && threads <= 1 {
        return None;
    }
    fields.nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_one_that_started_earlier_under_its_pid_does_not() {
        let me = ProcessId::current();
        assert!(me.is_alive());
        assert!(!ProcessId { started: me.started.wrapping_sub(1), ..me }.is_alive());
    }

    #[test]
    fn a_child_is_dead_once_it_is_killed_even_before_it_is_reaped() {
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let id = ProcessId::of(child.id()).unwrap();
        assert!(id.is_alive());
        child.kill().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while id.is_alive() {
            assert!(std::time::Instant::now() < deadline, "a killed process still counts as alive");
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let numbers: Vec<String> = (4..=30).map(|n| n.to_string()).collect();
        let stat = format!("7 (a) b) S {}", numbers.join(" "));
        assert_eq!(start_time(&stat), Some(22));
    }

    #[test]
    fn a_process_whose_first_thread_is_dead_lives_until_the_last_one_is() {
        let stat = |threads: u32| {
            let mut numbers: Vec<String> = (4..=30).map(|n| n.to_string()).collect();
            numbers[16] = threads.to_string();
            format!("7 (a) Z {}", numbers.join(" "))
        };
        assert_eq!(start_time(&stat(2)), Some(22));
        assert_eq!(start_time(&stat(1)), None);
    }

    #[test]
    fn a_cut_stat_line_is_no_process() {
        assert_eq!(start_time("7 (a) S 1 2"), None);
        assert_eq!(start_time(""), None);
    }
}
