//! A directory for each commit that a node is to run from.
//!
//! Each repository has a place in the home's cache: `repository`, which is fetched into, and a clone for each commit,
//! named for it. A clone never changes once it is there, so that a node that runs from it keeps its files whatever
//! becomes of the branch.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use diag::{Diagnostic, Result, codes};
use sha2::{Digest, Sha256};
use store::Home;

use super::command::{Failed, Workshop};
use crate::descriptor::plan::{GitSource, Revision};
use crate::model::{BuildMode, LogLevel};

/// How often a lock that another process holds is tried again.
const RETRY: Duration = Duration::from_millis(50);

/// Where the commit of a dataflow's and everybody's `HEAD` is kept in `repository`.
const HEAD: &str = "refs/dora/head";

/// What git must not hear from the process it is started by, for instance a hook of git.
const SCRUBBED: &[&str] = &["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"];

/// A commit as files.
pub struct Checkout {
    pub directory: PathBuf,
    /// Whether it was not there before.
    pub is_new: bool,
}

/// A directory that is removed unless it is finished.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Gives the commit that is wanted of a repository. A branch is fetched again each time, and so is everything when all
/// is to be built anew.
pub async fn checkout(workshop: &Workshop<'_>, source: &GitSource, mode: BuildMode) -> Result<Checkout> {
    let store = workshop.shared.store();
    let wanted = named(&source.revision);
    let place = place(store.home(), &source.url);
    let known = store.fetched(&source.url, &wanted)?;
    let there = known.as_ref().map(|hash| place.join(hash)).filter(|clone| clone.is_dir());
    let may_move = matches!(source.revision, Revision::Head | Revision::Branch(_));
    match (mode, there) {
        (BuildMode::Never, Some(directory)) => return Ok(Checkout { directory, is_new: false }),
        (BuildMode::Never, None) => {
            let message = format!("{wanted} of {} was never fetched", source.url);
            return Err(Diagnostic::new(codes::GIT_FAILED, message).help("leave `--no-build` out, so that it is"));
        }
        (BuildMode::Needed, Some(directory)) if !may_move => return Ok(Checkout { directory, is_new: false }),
        _ => {}
    }
    Home::create(&place)?;
    let _lock = lock(&place).await.map_err(|error| {
        Diagnostic::new(codes::GIT_FAILED, format!("the clones in {} cannot be changed", place.display()))
            .cause(error.to_string())
    })?;
    let git = Git { workshop, place: &place, source, environment: environment(workshop) };
    let hash = git.fetch(&wanted).await?;
    let directory = place.join(&hash);
    let is_new = !directory.is_dir();
    if is_new {
        git.clone_at(&hash, &directory).await?;
    }
    store.record_fetch(&source.url, &wanted, &hash, jiff::Timestamp::now())?;
    workshop.say(LogLevel::Info, format!("its source is {wanted} of {}, commit {hash}", source.url));
    Ok(Checkout { directory, is_new })
}

/// What people call what is wanted.
fn named(revision: &Revision) -> String {
    match revision {
        Revision::Head => "the default branch".to_string(),
        Revision::Branch(name) => format!("branch `{name}`"),
        Revision::Tag(name) => format!("tag `{name}`"),
        Revision::Commit(name) => format!("revision `{name}`"),
    }
}

/// The place of a repository in the cache, named so that people know it again.
fn place(home: &Home, url: &str) -> PathBuf {
    let name = url.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default().trim_end_matches(".git");
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(40).collect();
    let hash: String = Sha256::digest(url).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    home.cache().join("git").join(format!("{name}-{hash}"))
}

/// Waits until no other process changes the clones of a repository.
async fn lock(place: &Path) -> std::io::Result<File> {
    let file = File::create(place.join("lock"))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            // Nothing tells when a lock of another process is free.
            Err(TryLockError::WouldBlock) => tokio::time::sleep(RETRY).await,
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

fn environment(workshop: &Workshop<'_>) -> BTreeMap<String, String> {
    let mut variables: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| !SCRUBBED.contains(&name.as_str()))
        .collect();
    variables.extend(workshop.flow.options.env.clone());
    // Nobody is there to be asked for a password.
    variables.insert("GIT_TERMINAL_PROMPT".to_string(), "0".to_string());
    variables
}

struct Git<'a> {
    workshop: &'a Workshop<'a>,
    place: &'a Path,
    source: &'a GitSource,
    environment: BTreeMap<String, String>,
}

impl Git<'_> {
    async fn run(&self, args: &[&str]) -> Result<Vec<String>, Failed> {
        let words: Vec<String> = std::iter::once("git").chain(args.iter().copied()).map(str::to_string).collect();
        self.workshop.run(&words, self.place, &self.environment).await
    }

    /// Brings the repository up to date; gives the hash of the commit that is wanted.
    async fn fetch(&self, wanted: &str) -> Result<String> {
        let url = self.source.url.as_str();
        let failed = |failed| self.failed(format!("{wanted} of {url} could not be fetched"), failed);
        self.run(&["init", "--quiet", "--bare", "repository"]).await.map_err(failed)?;
        let refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", &format!("+HEAD:{HEAD}")];
        let fetch = ["--git-dir", "repository", "fetch", "--quiet", "--prune", "--no-auto-gc", "--", url];
        self.run(&[fetch.as_slice(), refs.as_slice()].concat()).await.map_err(failed)?;
        let name = match &self.source.revision {
            Revision::Head => HEAD.to_string(),
            Revision::Branch(name) => format!("refs/heads/{name}"),
            Revision::Tag(name) => format!("refs/tags/{name}"),
            Revision::Commit(name) => name.clone(),
        };
        let commit = format!("{name}^{{commit}}");
        let parse = ["--git-dir", "repository", "rev-parse", "--verify", "--end-of-options", &commit];
        let found = self.run(&parse).await;
        let found = found.map_err(|failed| self.failed(format!("the repository {url} has no {wanted}"), failed))?;
        // With `--end-of-options` before it, older versions of git print that as well.
        found.into_iter().find(|line| line.len() >= 40).ok_or_else(|| {
            Diagnostic::new(codes::GIT_FAILED, format!("git does not say which commit {wanted} of {url} is"))
        })
    }

    /// Makes the clone of a commit.
    async fn clone_at(&self, hash: &str, directory: &Path) -> Result<()> {
        let failed =
            |failed| self.failed(format!("commit {hash} of {} could not be checked out", self.source.url), failed);
        let name = format!("unfinished-{hash}-{}", std::process::id());
        let unfinished = Unfinished(self.place.join(&name));
        self.run(&["clone", "--quiet", "--no-checkout", "--", "repository", &name]).await.map_err(failed)?;
        self.run(&["-C", &name, "checkout", "--quiet", "--detach", hash]).await.map_err(failed)?;
        self.run(&["-C", &name, "remote", "set-url", "--", "origin", &self.source.url]).await.map_err(failed)?;
        std::fs::rename(&unfinished.0, directory).map_err(|error| {
            Diagnostic::new(codes::GIT_FAILED, format!("the clone {} cannot be made", directory.display()))
                .cause(error.to_string())
        })
    }

    fn failed(&self, message: String, failed: Failed) -> Box<Diagnostic> {
        let error = Diagnostic::new(codes::GIT_FAILED, format!("{message}: git {}", failed.how));
        let error = match failed.stderr.is_empty() {
            true => error,
            false => error.cause_with("what git printed", failed.stderr),
        };
        error.next(format!("dataflow logs {} --node {}", self.workshop.flow.id, self.workshop.node))
    }
}
