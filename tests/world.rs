//! A home of its own for each test, and the binary run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A directory with a fresh `DORA_HOME`, removed at the end, together with a daemon that a test has left.
pub struct World {
    dir: tempfile::TempDir,
}

/// What a run of `dora` gave.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl World {
    pub fn new() -> Self {
        World { dir: tempfile::tempdir().expect("a temporary directory") }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("a file in the temporary directory");
        path
    }

    /// The command, not yet run: in this world's directory and home, without a terminal.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dora"));
        command.args(args).current_dir(self.path()).env("DORA_HOME", self.path().join("home"));
        command.env("DORA_COORDINATOR_PORT", "0").env_remove("CI").stdin(Stdio::null());
        // Nodes that a YAML calls `python` or by a `.py` file find the package where the tests have it.
        if let Some(python) = std::env::var_os("DORA_TEST_PYTHON") {
            let bin = Path::new(&python).parent().unwrap_or(Path::new("/")).to_path_buf();
            let path = std::env::var("PATH").unwrap_or_default();
            command.env("PATH", format!("{}:{path}", bin.display()));
            command.env("VIRTUAL_ENV", bin.parent().unwrap_or(Path::new("/")));
        }
        command
    }

    pub fn dora(&self, args: &[&str]) -> Ran {
        ran(self.command(args).output().expect("the binary runs"))
    }

    /// `dora -c CODE`, which must succeed; its standard output without the last line break.
    pub fn eval(&self, code: &str) -> String {
        let ran = self.dora(&["-c", code]);
        assert_eq!(ran.code, 0, "{code}\n{}{}", ran.out, ran.err);
        ran.out.trim_end_matches('\n').to_string()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // A daemon outlives the test that started it; one that never ran is no error here.
        let _ = self.command(&["daemon", "stop"]).output();
    }
}

pub fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Looks again and again until `what` holds; fails with what it was waiting for.
pub fn eventually(waiting_for: &str, mut what: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !what() {
        assert!(Instant::now() < deadline, "waited 30 s for {waiting_for}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The directory of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
