//! Where things are kept.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use diag::{Diagnostic, Result, codes};

/// The directories of one installation. Making one touches no disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: Option<PathBuf>,
    config: PathBuf,
    data: PathBuf,
    state: PathBuf,
    cache: PathBuf,
}

impl Home {
    /// Finds the home: `$DORA_HOME` when set, else the platform's directories for `dora`.
    pub fn locate() -> Result<Home> {
        Self::choose(std::env::var_os("DORA_HOME"))
    }

    fn choose(dora_home: Option<OsString>) -> Result<Home> {
        if let Some(root) = dora_home.filter(|root| !root.is_empty()) {
            // A relative home would move with every `cd`.
            let root = std::path::absolute(&root).unwrap_or_else(|_| PathBuf::from(root));
            return Ok(Self::at(root));
        }
        let found = (|| {
            Some(Home {
                root: None,
                config: dirs::config_dir()?.join("dora"),
                data: dirs::data_local_dir()?.join("dora"),
                state: dirs::state_dir().or_else(dirs::data_local_dir)?.join("dora"),
                cache: dirs::cache_dir()?.join("dora"),
            })
        })();
        found.ok_or_else(no_home)
    }

    /// The home with all four directories under `root`.
    pub fn at(root: impl AsRef<Path>) -> Home {
        let root = root.as_ref();
        Home {
            root: Some(root.to_path_buf()),
            config: root.join("config"),
            data: root.join("data"),
            state: root.join("state"),
            cache: root.join("cache"),
        }
    }

    /// The one directory it is in, which another process is told as `DORA_HOME`; `None` when it is in the
    /// platform's directories, where another process looks by itself.
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// What the user writes: `config.yml`, `init.dora`.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// What must not be lost: the database, recordings, logs, backups.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// What belongs to this machine and this moment: tokens, locks.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// What can be thrown away.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// Logs of dataflows and of the daemon.
    pub fn logs(&self) -> PathBuf {
        self.data.join("logs")
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.data.join("dora.db")
    }

    /// Makes a directory of this home, with its parents, readable by the owner alone.
    ///
    /// A directory that exists keeps the mode it has.
    pub fn create(directory: &Path) -> Result<()> {
        create_private(directory).map_err(|error| {
            Diagnostic::new(codes::STATE_UNWRITABLE, format!("the directory {} cannot be made", directory.display()))
                .cause(error.to_string())
                .help("dora keeps its state there: give this user the right to write, or name another place")
                .next("export DORA_HOME=/path/to/directory")
        })
    }
}

fn no_home() -> Box<Diagnostic> {
    Diagnostic::new(codes::NO_HOME, "there is no place to keep dora's state: this user has no home directory")
        .help("name a directory for it in the environment")
        .next("export DORA_HOME=/path/to/directory")
}

fn create_private(directory: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_dora_home_is_made_absolute() {
        let home = Home::choose(Some("here".into())).unwrap();
        assert!(home.data().is_absolute(), "{}", home.data().display());
        assert!(home.database().ends_with("here/data/dora.db"));
    }

    #[test]
    fn an_empty_dora_home_counts_as_unset() {
        let home = Home::choose(Some(OsString::new())).unwrap();
        assert!(home.data().ends_with("dora"), "{}", home.data().display());
    }

    #[test]
    fn a_user_without_a_home_is_told_to_name_a_place() {
        // The account database may know a home even when the environment does not, so the error itself is held.
        let error = no_home();
        assert_eq!(error.code, codes::NO_HOME);
        assert!(error.next[0].contains("DORA_HOME"));
    }

    #[cfg(unix)]
    #[test]
    fn directories_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let home = Home::at(root.path().join("a"));
        Home::create(&home.logs()).unwrap();
        for made in [home.data(), &home.logs()] {
            assert_eq!(made.metadata().unwrap().permissions().mode() & 0o777, 0o700, "{}", made.display());
        }
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_told_by_name() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = Home::create(&file.join("data")).unwrap_err();
        assert_eq!(error.code, codes::STATE_UNWRITABLE);
        assert!(error.message.contains("file/data"), "{error:?}");
    }
}
