//! Records on disk: JSON lines, one file per node, rotated by size.
//!
//! `camera.jsonl` is the file being written, `camera.1.jsonl` the one before it, and so on.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::{LogLevel, LogStream, UnixNanos};

/// How large logs grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// A file that has so many bytes is the last but one.
    pub size: u64,
    /// As many files are kept beside the current one.
    pub files: u32,
}

impl Default for Rotation {
    fn default() -> Self {
        Rotation { size: 64 << 20, files: 5 }
    }
}

/// The file of what the runtime itself says; no node id begins with a dot.
const RUNTIME: &str = ".runtime";

/// A record as it lies on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// Grows with every record of the dataflow.
    pub seq: u64,
    pub time: UnixNanos,
    pub level: LogLevel,
    pub stream: LogStream,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    pub message: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// The number of the last record in a directory; `None` when there is none.
pub fn last_number(directory: &Path) -> io::Result<Option<u64>> {
    let mut last = None;
    for (_, files) in list(directory)? {
        for file in files {
            // A line that a crash cut short is no record; the one before it counts.
            let numbers = Backwards::open(&file)?.filter_map(|line| serde_json::from_slice::<Stored>(&line.ok()?).ok());
            if let Some(record) = { numbers }.next() {
                last = last.max(Some(record.seq));
                break;
            }
        }
    }
    Ok(last)
}

/// Writes the records of one node.
pub struct Writer {
    directory: PathBuf,
    stem: String,
    file: BufWriter<File>,
    size: u64,
    rotation: Rotation,
}

impl Writer {
    /// Goes on with the file of a node, or of the runtime itself.
    pub fn open(directory: &Path, node: Option<&str>, rotation: Rotation) -> io::Result<Self> {
        let stem = node.unwrap_or(RUNTIME).to_string();
        let file = OpenOptions::new().create(true).append(true).open(directory.join(format!("{stem}.jsonl")))?;
        Ok(Writer {
            directory: directory.to_path_buf(),
            size: file.metadata()?.len(),
            file: BufWriter::new(file),
            stem,
            rotation,
        })
    }

    /// Appends a record; it is on disk after [`flush`](Self::flush).
    pub fn append(&mut self, record: &Stored) -> io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.size += line.len() as u64;
        if self.size >= self.rotation.size.max(1) { self.rotate() } else { Ok(()) }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.file.flush()?;
        let name = |number: u32| self.directory.join(rotated_name(&self.stem, number));
        // The oldest is overwritten by the one before it; with none to keep, the current one is.
        for number in (0..self.rotation.files).rev() {
            match std::fs::rename(name(number), name(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.file = BufWriter::new(File::create(name(0))?);
        self.size = 0;
        Ok(())
    }
}

fn rotated_name(stem: &str, number: u32) -> String {
    if number == 0 { format!("{stem}.jsonl") } else { format!("{stem}.{number}.jsonl") }
}

/// The files of one node, the newest first. No node means the runtime itself.
pub type NodeFiles = (Option<String>, Vec<PathBuf>);

/// The files of a dataflow.
pub fn list(directory: &Path) -> io::Result<Vec<NodeFiles>> {
    let mut found: BTreeMap<Option<String>, BTreeMap<u32, PathBuf>> = BTreeMap::new();
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let Some(stem) = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".jsonl"))
        else {
            continue;
        };
        // A node may be called `a.1`; then its `a.1.jsonl` is taken for an older file of `a` only if there is an `a`.
        let (stem, number) = match stem.rsplit_once('.').and_then(|(stem, number)| Some((stem, number.parse().ok()?))) {
            Some((before, number)) if number > 0 && directory.join(format!("{before}.jsonl")).exists() => {
                (before, number)
            }
            _ => (stem, 0),
        };
        let node = (stem != RUNTIME).then(|| stem.to_string());
        found.entry(node).or_default().insert(number, path);
    }
    Ok(found.into_iter().map(|(node, files)| (node, files.into_values().collect())).collect())
}

/// The lines of a file, the last one first, without reading more of it than is asked for.
pub struct Backwards {
    file: File,
    /// Where what was read begins.
    start: u64,
    /// Bytes from there that have not been given out.
    pending: Vec<u8>,
}

impl Backwards {
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let start = file.seek(SeekFrom::End(0))?;
        Ok(Backwards { file, start, pending: Vec::new() })
    }

    fn read_more(&mut self) -> io::Result<()> {
        let step = self.start.min(64 * 1024.max(self.pending.len() as u64));
        self.start -= step;
        self.file.seek(SeekFrom::Start(self.start))?;
        let mut bytes = Vec::with_capacity(self.pending.len() + usize::try_from(step).unwrap_or(0));
        Read::by_ref(&mut self.file).take(step).read_to_end(&mut bytes)?;
        bytes.extend_from_slice(&self.pending);
        self.pending = bytes;
        Ok(())
    }
}

impl Iterator for Backwards {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let body = self.pending.strip_suffix(b"\n").unwrap_or(&self.pending);
            match body.iter().rposition(|&byte| byte == b'\n') {
                Some(end) => {
                    let line = body.get(end + 1..).unwrap_or_default().to_vec();
                    self.pending.truncate(end + 1);
                    return Some(Ok(line));
                }
                None if self.start == 0 => {
                    if self.pending.is_empty() {
                        return None;
                    }
                    let line = body.to_vec();
                    self.pending.clear();
                    return Some(Ok(line));
                }
                None => {
                    if let Err(error) = self.read_more() {
                        return Some(Err(error));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seq: u64, message: &str) -> Stored {
        Stored {
            seq,
            time: UnixNanos(seq as i64),
            level: LogLevel::Info,
            stream: LogStream::Stdout,
            target: None,
            message: message.to_string(),
            fields: Default::default(),
        }
    }

    fn messages(path: &Path) -> Vec<String> {
        let lines = Backwards::open(path).unwrap();
        lines.map(|line| serde_json::from_slice::<Stored>(&line.unwrap()).unwrap().message).collect()
    }

    #[test]
    fn a_file_is_read_from_its_end_whatever_the_length_of_its_lines() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(directory.path(), Some("camera"), Rotation::default()).unwrap();
        let texts: Vec<String> = (0..200).map(|at| format!("{at} {}", "x".repeat(at * 37))).collect();
        for (seq, text) in texts.iter().enumerate() {
            writer.append(&record(seq as u64, text)).unwrap();
        }
        writer.flush().unwrap();
        let mut read = messages(&directory.path().join("camera.jsonl"));
        read.reverse();
        assert!(read == texts);
    }

    #[test]
    fn files_are_rotated_and_the_oldest_is_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(directory.path(), Some("camera"), Rotation { size: 1, files: 2 }).unwrap();
        for seq in 1..=5 {
            writer.append(&record(seq, &seq.to_string())).unwrap();
        }
        writer.flush().unwrap();
        let listed = list(directory.path()).unwrap();
        assert_eq!(listed.len(), 1);
        let (node, files) = &listed[0];
        assert_eq!(node.as_deref(), Some("camera"));
        let kept: Vec<String> = files.iter().flat_map(|file| messages(file)).collect();
        assert_eq!(kept, ["5", "4"]);
    }

    #[test]
    fn a_node_whose_name_ends_in_a_number_keeps_its_own_log() {
        let directory = tempfile::tempdir().unwrap();
        Writer::open(directory.path(), Some("lidar.1"), Rotation::default()).unwrap();
        Writer::open(directory.path(), None, Rotation::default()).unwrap();
        let mut nodes: Vec<_> = list(directory.path()).unwrap().into_iter().map(|(node, _)| node).collect();
        nodes.sort();
        assert_eq!(nodes, [None, Some("lidar.1".to_string())]);
    }
}
