//! Programs from a web address.
//!
//! One that was fetched stays in the cache, in a directory named for its address, and is fetched again only when all is
//! to be built anew, or when it is not what its sum says.

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use diag::{Diagnostic, Result, codes};
use sha2::{Digest, Sha256};
use store::Home;

use super::command::Workshop;
use crate::descriptor::plan::Download;
use crate::model::{BuildMode, LogLevel};

/// How long a server may take to say anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program that is there.
pub struct Fetched {
    pub file: PathBuf,
    pub is_new: bool,
}

/// Gives the file of a program, fetched if need be.
pub async fn fetch(workshop: &Workshop<'_>, source: &Download, mode: BuildMode) -> Result<Fetched> {
    let file = place(workshop.shared.store().home(), &source.url);
    let is_there = file.is_file() && source.sha256.as_ref().is_none_or(|sum| sum_of(&file).as_ref() == Some(sum));
    match mode {
        BuildMode::Needed | BuildMode::Never if is_there => return Ok(Fetched { file, is_new: false }),
        BuildMode::Never => {
            let error = Diagnostic::new(codes::NODE_BUILD_FAILED, format!("{} was never fetched", source.url));
            return Err(error.help("leave `--no-build` out, so that it is"));
        }
        _ => {}
    }
    workshop.say(LogLevel::Info, format!("fetches {}", source.url));
    let sum = download(source, &file).await.map_err(|why| {
        let message = format!("node `{}` could not be built: {} could not be fetched", workshop.node, source.url);
        Diagnostic::new(codes::NODE_BUILD_FAILED, message).cause(why)
    })?;
    workshop.say(LogLevel::Info, format!("fetched {}, SHA-256 {sum}", file.display()));
    Ok(Fetched { file, is_new: true })
}

/// Fetches a program into its place, which it takes when it is whole. Gives its sum, or why it could not.
async fn download(source: &Download, file: &Path) -> Result<String, String> {
    // Its own causes say more than it does.
    let told = |error: reqwest::Error| {
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(deeper) = cause {
            text = format!("{text}: {deeper}");
            cause = deeper.source();
        }
        text
    };
    let written = |error: std::io::Error| format!("{} cannot be written: {}", file.display(), diag::os_reason(&error));
    let client = reqwest::Client::builder().connect_timeout(PATIENCE).read_timeout(PATIENCE).build().map_err(told)?;
    let answer = client.get(&source.url).send().await.and_then(reqwest::Response::error_for_status);
    let mut answer = answer.map_err(told)?;
    let directory = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory).map_err(written)?;
    let mut part = tempfile::NamedTempFile::new_in(directory).map_err(written)?;
    let mut hash = Sha256::new();
    while let Some(chunk) = answer.chunk().await.map_err(told)? {
        hash.update(&chunk);
        part.write_all(&chunk).map_err(written)?;
    }
    let sum = hexadecimal(hash);
    if let Some(wanted) = source.sha256.as_ref().filter(|wanted| **wanted != sum) {
        return Err(format!("its SHA-256 is {sum}, and `path_sha256` is {wanted}"));
    }
    part.as_file().set_permissions(Permissions::from_mode(0o755)).map_err(written)?;
    part.as_file().sync_all().map_err(written)?;
    part.persist(file).map_err(|error| written(error.error))?;
    Ok(sum)
}

/// Where the program of an address is kept, under the name that it has there.
fn place(home: &Home, url: &str) -> PathBuf {
    let path = url.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or_default();
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
    let name = if name.trim_matches('.').is_empty() { "program".to_string() } else { name };
    let hash = hexadecimal(Sha256::new_with_prefix(url));
    home.cache().join("downloads").join(hash.get(..16).unwrap_or_default()).join(name)
}

fn sum_of(file: &Path) -> Option<String> {
    let (mut hash, mut file) = (Sha256::new(), File::open(file).ok()?);
    let mut part = [0; 16 * 1024];
    loop {
        match file.read(&mut part).ok()? {
            0 => return Some(hexadecimal(hash)),
            count => hash.update(part.get(..count)?),
        }
    }
}

fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_keeps_its_name_and_two_addresses_never_share_a_file() {
        let home = Home::at("/home/of/tests");
        let name = |url: &str| place(&home, url).file_name().map(|name| name.to_string_lossy().into_owned());
        assert_eq!(name("https://a.example/nodes/camera.py?raw=1").as_deref(), Some("camera.py"));
        assert_eq!(name("https://a.example/..").as_deref(), Some("program"));
        assert_ne!(place(&home, "https://a.example/x.py"), place(&home, "https://b.example/x.py"));
    }
}
