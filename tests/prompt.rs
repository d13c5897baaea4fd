//! The interactive shell at a real pseudo-terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};

use crate::world::{World, root};

/// Told by the shell after each line: an output has ended, with this code.
const END: &str = "\x1b]133;D;";
/// Told by the shell before each prompt.
const PROMPT: &str = "\x1b]133;A";
/// Told by the shell when it begins to read keys, and when it stops.
const READS: &str = "\x1b[?2004h";
const READS_NO_MORE: &str = "\x1b[?2004l";

/// A terminal of 100 columns with `dora` in it. It answers, as terminals do, where its cursor is.
struct Terminal {
    process: Child,
    keys: File,
    screen: Arc<(Mutex<String>, Condvar)>,
    /// Lines that have ended so far.
    ended: usize,
}

impl Terminal {
    fn open(world: &World) -> Terminal {
        let dora = world.command(&[]);
        let mut command = Command::new("sh");
        command.args(["-c", "stty rows 30 cols 100 && exec \"$0\""]).arg(dora.get_program());
        command.current_dir(world.path()).env("TERM", "xterm-256color").env_remove("NO_COLOR").env_remove("CI");
        for (name, value) in dora.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        let (process, mut keys) = at_a_terminal(command);
        let mut output = keys.try_clone().expect("its handle");
        let screen = Arc::new((Mutex::new(String::new()), Condvar::new()));
        let (shared, mut answers) = (screen.clone(), keys.try_clone().expect("its handle"));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Reading fails when the process has ended and closed its side.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
                for _ in text.matches("\x1b[6n") {
                    let _ = answers.write_all(b"\x1b[1;1R");
                }
                shared.0.lock().unwrap().push_str(&text);
                shared.1.notify_all();
            }
        });
        keys.flush().expect("a terminal");
        let terminal = Terminal { process, keys, screen, ended: 0 };
        terminal.wait_for("\x1b]133;A");
        terminal
    }

    /// How many prompts there have been.
    fn prompts(&self) -> usize {
        self.screen.0.lock().unwrap().matches(PROMPT).count()
    }

    /// Types at the prompt, once it is there: keys that come while a line still runs are the terminal's to read.
    fn write(&mut self, keys: &str) {
        self.wait("a prompt", |text| text.rfind(READS) > text.rfind(READS_NO_MORE));
        self.press(keys);
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Types a line and waits until it has ended; gives what it wrote, without escape sequences, and its code.
    fn run(&mut self, line: &str) -> (String, i32) {
        self.write(&format!("{line}\r"));
        self.next_end()
    }

    fn next_end(&mut self) -> (String, i32) {
        let nth = self.ended;
        let text = self.wait("the line to end", |text| {
            text.match_indices(END).nth(nth).is_some_and(|(at, _)| text[at..].contains("\x1b\\"))
        });
        let (at, _) = text.match_indices(END).nth(nth).expect("was found");
        let begin = text[..at].rfind("\x1b]133;C").unwrap_or(0);
        let code = text[at + END.len()..].split('\x1b').next().and_then(|code| code.parse().ok()).expect("a code");
        self.ended += 1;
        (plain(&text[begin..at]), code)
    }

    fn wait_for(&self, wanted: &str) -> String {
        self.wait(wanted, |text| text.contains(wanted) || plain(text).contains(wanted))
    }

    fn wait(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut text = self.screen.0.lock().unwrap();
        loop {
            if holds(&text) {
                return text.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited 30 s for {what:?}; the screen has {text:?}");
            text = self.screen.1.wait_timeout(text, left).unwrap().0;
        }
    }

    /// Waits for the shell to end; gives its exit code.
    fn code(mut self) -> i32 {
        let status = self.process.wait().expect("it ends");
        status.code().unwrap_or_else(|| panic!("{status}"))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts a command with a pseudo-terminal of its own; gives it and the terminal's other side.
fn at_a_terminal(mut command: Command) -> (Child, File) {
    let (mut ours, mut theirs) = (0, 0);
    // SAFETY: both are places for a descriptor; no name, settings or size is asked for.
    let opened = unsafe {
        libc::openpty(&mut ours, &mut theirs, std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut())
    };
    assert_eq!(opened, 0, "a pseudo-terminal");
    // SAFETY: `openpty` has just opened them, and nobody else knows them.
    let (ours, theirs) = unsafe { (OwnedFd::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) };
    let side = || Stdio::from(theirs.try_clone().expect("its other side"));
    command.stdin(side()).stdout(side()).stderr(side());
    // SAFETY: only system calls that are safe between fork and exec.
    unsafe {
        command.pre_exec(|| {
            if libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 {
                return Err(std::io::Error::last_os_error());
            }
            Ok(())
        });
    }
    (command.spawn().expect("the shell starts"), File::from(ours))
}

/// The text without escape sequences.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => match chars.next() {
                Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                Some(']') => while chars.next().is_some_and(|c| c != '\\' && c != '\x07') {},
                _ => {}
            },
            '\r' => {}
            c => plain.push(c),
        }
    }
    plain
}

#[test]
fn a_line_is_run_and_shown_and_ctrl_d_leaves_with_its_code() {
    let world = World::new();
    let mut terminal = Terminal::open(&world);
    let (shown, code) = terminal.run("[[a b]; [1 x] [22 y]] | where a > 1");
    assert!(shown.contains("│ 0 │ 22 │ y │") && code == 0, "{shown}");
    let (shown, code) = terminal.run("let x = 20; $x + 1");
    assert!(shown.contains("21") && code == 0, "{shown}");
    let (shown, code) = terminal.run("dataflow lst");
    assert!(shown.contains("DORA_E") && shown.contains("list") && code == 2, "{shown}");
    terminal.write("\x04");
    assert_eq!(terminal.code(), 2);
}

#[test]
fn exit_leaves_with_the_code_asked_for() {
    let world = World::new();
    let mut terminal = Terminal::open(&world);
    assert_eq!(terminal.run("exit 7").1, 7);
    assert_eq!(terminal.code(), 7);
}

#[test]
fn ctrl_c_clears_a_line_and_ends_a_pipeline_and_the_shell_stays() {
    let world = World::new();
    let mut terminal = Terminal::open(&world);
    terminal.write("exit 3");
    terminal.wait_for("exit 3");
    let prompts = terminal.prompts();
    terminal.press("\x03");
    terminal.wait("another prompt", |text| text.matches(PROMPT).count() > prompts);
    assert!(terminal.run("1 + 1").0.contains('2'));
    for endless in ["loop { }", "1..1000000000 | each {|n| $n } | last", "^sleep 60", "1.. | each {|n| $n }"] {
        terminal.write(&format!("{endless}\r"));
        let nth = terminal.ended;
        terminal.wait("the line to begin", |text| text.matches("\x1b]133;C").count() > nth);
        let pressed = Instant::now();
        terminal.press("\x03");
        let (_, code) = terminal.next_end();
        let took = pressed.elapsed();
        assert!(code != 0 && took < Duration::from_secs(2), "{endless}: code {code} after {took:?}");
    }
    assert!(terminal.run("20 + 22").0.contains("42"));
}

#[test]
fn an_open_bracket_goes_on_in_the_next_line() {
    let world = World::new();
    let mut terminal = Terminal::open(&world);
    terminal.write("[1 2\r");
    terminal.wait_for("… ");
    let (shown, code) = terminal.run("3] | length");
    assert!(shown.contains('3') && code == 0, "{shown}");
}

#[test]
fn tab_completes_commands_and_columns() {
    let world = World::new();
    let mut terminal = Terminal::open(&world);
    terminal.write("dataflow rem\t");
    terminal.wait_for("dataflow remove");
    let (shown, code) = terminal.run("--help");
    assert!(shown.contains("dataflow remove") && code == 0, "{shown}");
    terminal.write("[[alpha beta]; [1 2]] | get alp\t");
    terminal.wait_for("get alpha");
    assert_eq!(terminal.run("").1, 0);
}

#[test]
fn tab_completes_topics_of_what_runs() {
    let world = World::new();
    let flow = "nodes:\n  - {id: counter, path: dora-builtin, args: counter --rate 50, outputs: [number]}\n";
    world.write("flow.yml", flow);
    let mut terminal = Terminal::open(&world);
    assert_eq!(terminal.run("dataflow start flow.yml | ignore").1, 0);
    terminal.write("topic echo count\t");
    terminal.wait_for("topic echo counter/number");
    let (shown, code) = terminal.run("| first | get topic | str upcase");
    assert!(shown.contains("COUNTER/NUMBER") && code == 0, "{shown}");
}

#[test]
fn lines_are_remembered_by_later_sessions() {
    let world = World::new();
    let mut first = Terminal::open(&world);
    first.run("print first-line");
    first.write("\x04");
    first.code();
    let mut second = Terminal::open(&world);
    // Up, then Enter.
    second.write("\x1b[A");
    second.wait_for("print first-line");
    let (shown, _) = second.run("");
    assert!(shown.contains("first-line"), "{shown}");
}

#[test]
fn leaving_with_a_dataflow_asks_and_stopping_leaves_none_behind() {
    let world = World::new();
    let mut terminal = Terminal::open(&world);
    let demo = root().join("scripts/dataflows/demo.yml");
    let (shown, code) = terminal.run(&format!("dataflow start {} --name demo", demo.display()));
    assert_eq!(code, 0, "{shown}");
    terminal.wait_for("▶ demo");
    terminal.write("\x04");
    terminal.wait_for("[c]ancel?");
    terminal.press("c");
    let (shown, _) = terminal.run("dataflow list | get status.0");
    assert!(shown.contains("running"), "{shown}");
    terminal.write("exit\r");
    terminal.next_end();
    terminal.wait("the question again", |text| text.matches("[c]ancel?").count() == 2);
    terminal.press("s");
    terminal.code();
    assert_eq!(world.eval("dataflow list | length"), "0");
}

#[test]
fn tab_completes_the_word_and_takes_nothing_from_lines_typed_before() {
    let world = World::new();
    let mut terminal = Terminal::open(&world);
    assert_eq!(terminal.run("ls | where nosuch == 1").1, 2);
    assert_eq!(terminal.run("ls | where size > 1pb").1, 0);
    terminal.write("ls | wher\t");
    terminal.wait_for("ls | where ");
    // What is run is what was completed: a condition is missing.
    let (shown, code) = terminal.run("");
    assert!(shown.contains("<condition>") && code == 2, "{shown}");
}

#[test]
fn ctrl_c_at_a_question_ends_the_line() {
    let world = World::new();
    let mut terminal = Terminal::open(&world);
    let demo = root().join("scripts/dataflows/demo.yml");
    assert_eq!(terminal.run(&format!("dataflow start {} --name demo", demo.display())).1, 0);
    let (shown, code) = terminal.run("dataflow remove demo");
    assert!(shown.contains("still runs") && !shown.contains("[y/N]") && code != 0, "{shown}");
    assert_eq!(terminal.run("dataflow stop demo").1, 0);
    terminal.write("dataflow remove demo\r");
    terminal.wait_for("[y/N]");
    terminal.press("\x03");
    assert_eq!(terminal.next_end().1, 130);
    assert!(terminal.run("dataflow list --all | length").0.contains('1'));
}

#[test]
fn a_stray_bracket_is_told_at_once() {
    let world = World::new();
    let mut terminal = Terminal::open(&world);
    let (shown, code) = terminal.run("[1 2)");
    assert!(shown.contains("closes nothing") && code == 2, "{shown}");
}

#[test]
fn a_node_that_fails_is_told_at_a_prompt_and_counted_in_it() {
    let world = World::new();
    let mut terminal = Terminal::open(&world);
    let demo = root().join("scripts/dataflows/demo.yml");
    assert_eq!(terminal.run(&format!("dataflow start {} --name demo", demo.display())).1, 0);
    let (pid, _) = terminal.run("node list | where name == imu | get pid.0");
    let pid: i32 = pid.split_whitespace().find_map(|word| word.parse().ok()).expect("a pid");
    // SAFETY: only asks the system to end a process that this test has started.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGKILL) }, 0);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !plain(&terminal.screen.0.lock().unwrap()).contains("▶ demo 4/5") {
        assert!(Instant::now() < deadline, "the prompt never counts the failed node");
        terminal.run("null");
    }
    terminal.wait_for("node `demo/imu` has failed");
}

#[test]
fn a_view_is_drawn_in_one_place_until_q_is_pressed() {
    let world = World::new();
    let mut terminal = Terminal::open(&world);
    terminal.write("dataflow list --watch --interval 50ms | length\r");
    // Each frame begins with what takes the cursor back to where the view began.
    terminal.wait("three frames", |text| text.matches("\x1b[2A").count() >= 3);
    terminal.wait_for("every 50ms");
    terminal.press("q");
    assert_eq!(terminal.next_end().1, 0);
    // Keys are shown again, and lines edited.
    let (text, code) = terminal.run("1 + 1");
    assert!(code == 0 && text.contains('2'), "{text}");
    terminal.write("dataflow list --watch\r");
    terminal.wait_for("every 1sec");
    terminal.press("\x03");
    assert_eq!(terminal.next_end().1, 0);
}

#[test]
fn a_start_that_takes_a_while_shows_how_far_its_nodes_are() {
    let world = World::new();
    let node = "{id: numbers, path: dora-builtin, args: counter, outputs: [number], build: \"sh said.sh\"}";
    world.write("slow.yml", &format!("nodes:\n  - {node}\n"));
    // It goes on once it has been seen to be shown.
    world.write("said.sh", "echo compiling everything\nuntil [ -e seen ]; do sleep 0.05; done\n");
    let mut terminal = Terminal::open(&world);
    terminal.write("dataflow start slow.yml\r");
    terminal.wait_for("waiting for `dataflow start`");
    terminal.wait_for("building: compiling everything");
    world.write("seen", "");
    let (_, code) = terminal.next_end();
    assert_eq!(code, 0);
    terminal.run("dataflow stop slow");
}
