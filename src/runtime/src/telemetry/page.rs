//! A page of shared memory that one process writes and many read.
//!
//! It has a header and two places for a snapshot. The writer fills one place while readers copy the other, then says
//! which is the newer; a reader that was so slow that its place was filled anew meanwhile sees it by the count of
//! snapshots, and reads again (H.-J. Boehm, "Can seqlocks get along with programming language memory models?", 2012).
//!
//! The name of a page tells whose it is: the process by pid and start time, in its namespace of pids, and the runtime.
//! So one that a killed process has left is known by its name, whichever home it belonged to.
//!
//! Snapshots are bytes here; all words are read and written as atomics, since the other side may do so at any time.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering, fence};

use shared_memory::{Shmem, ShmemConf, ShmemError};
use store::ProcessId;
use uuid::Uuid;

/// Where the system shows shared memory as files.
const DIRECTORY: &str = "/dev/shm";
/// What the names of all pages begin with.
const PREFIX: &str = "dora-telemetry";
/// As long as the layout and what lies on the page stay the same.
const MAGIC: u64 = u64::from_le_bytes(*b"dora-p01");
/// The longest snapshot. What is not used of a place takes no memory.
pub const PLACE: usize = 8 * 1024 * 1024;
const HEADER: usize = 4096;
const SIZE: usize = HEADER + 2 * PLACE;
/// Memory is asked for in steps of so much.
const STEP: usize = 64 * 1024;
/// A reader that is overtaken so often is on a machine that hangs.
const ATTEMPTS: usize = 1000;

/// Words of the header.
mod at {
    pub const MAGIC: usize = 0;
    /// Two builds may know different rows; a hash of the version.
    pub const VERSION: usize = 1;
    pub const PID: usize = 2;
    pub const STARTED: usize = 3;
    /// How many snapshots there were; the last one lies in the place of its parity.
    pub const COUNT: usize = 4;
    /// The lengths of both places' snapshots, in bytes.
    pub const LENGTHS: [usize; 2] = [5, 6];
}

/// A page, ours or another runtime's.
pub struct Page {
    memory: Shmem,
    /// How much of each place is known to have memory; only of our own.
    backed: usize,
}

// SAFETY: a `Shmem` is a mapping and its descriptor, which are of the process and not of a thread; what it points to is
// only touched as atomics, through `words`.
unsafe impl Send for Page {}

/// Why there is nothing to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// The runtime has no page, or nothing was written there yet.
    Missing,
    /// What lies there is not of this version of `dora`, or not of this runtime.
    Foreign(String),
}

impl Page {
    /// Makes the page of a runtime. Only its own user can read it. It is gone when this is dropped.
    ///
    /// # Errors
    /// The system gives no shared memory, or the runtime has a page.
    pub fn create(runtime: Uuid, process: ProcessId) -> Result<Self, String> {
        let memory =
            ShmemConf::new().size(SIZE).os_id(os_id(runtime, process)).create().map_err(|error| error.to_string())?;
        let mut page = Page { memory, backed: 0 };
        page.back(STEP)?;
        let words = page.words();
        words[at::VERSION].store(version(), Ordering::Relaxed);
        words[at::PID].store(process.pid.into(), Ordering::Relaxed);
        words[at::STARTED].store(process.started, Ordering::Relaxed);
        words[at::MAGIC].store(MAGIC, Ordering::Release);
        Ok(page)
    }

    /// Opens the page of a runtime that another process, this one, runs.
    pub fn open(runtime: Uuid, process: ProcessId) -> Result<Self, Unreadable> {
        let name = os_id(runtime, process);
        let about = fs::metadata(path(&name)).map_err(unreadable)?;
        if about.uid() != rustix::process::geteuid().as_raw() || about.mode() & 0o077 != 0 {
            return Err(Unreadable::Foreign("others can write to it".to_string()));
        }
        // One that is just being made.
        if about.len() == 0 {
            return Err(Unreadable::Missing);
        }
        // It is mapped whole and touched as far as its header says: what is shorter would end this process.
        if about.len() != SIZE as u64 {
            return Err(Unreadable::Foreign(format!("it has {} bytes instead of {SIZE}", about.len())));
        }
        let memory = ShmemConf::new().os_id(name).open().map_err(|error| match error {
            ShmemError::MapOpenFailed(code) => unreadable(io::Error::from_raw_os_error(code.cast_signed())),
            error => Unreadable::Foreign(error.to_string()),
        })?;
        let page = Page { memory, backed: 0 };
        if page.memory.len() != SIZE {
            return Err(Unreadable::Foreign("it was made anew meanwhile".to_string()));
        }
        let words = page.words();
        match words[at::MAGIC].load(Ordering::Acquire) {
            MAGIC => {}
            0 => return Err(Unreadable::Missing),
            _ => return Err(Unreadable::Foreign("another program wrote it".to_string())),
        }
        if words[at::VERSION].load(Ordering::Relaxed) != version() {
            return Err(Unreadable::Foreign("another version of dora wrote it".to_string()));
        }
        let wrote = (words[at::PID].load(Ordering::Relaxed), words[at::STARTED].load(Ordering::Relaxed));
        if wrote != (process.pid.into(), process.started) {
            return Err(Unreadable::Foreign("another process wrote it".to_string()));
        }
        Ok(page)
    }

    /// Publishes a snapshot. One that is longer than a place, or for which the system has no memory, is refused.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        if bytes.len() > PLACE {
            return Err(format!("{} bytes do not fit into {PLACE}", bytes.len()));
        }
        self.back(bytes.len())?;
        let words = self.words();
        let count = words[at::COUNT].load(Ordering::Relaxed) + 1;
        // A reader that sees any of what follows sees, too, that the snapshot before the last is no longer whole.
        fence(Ordering::Release);
        let place = (count % 2) as usize;
        words[at::LENGTHS[place]].store(bytes.len() as u64, Ordering::Relaxed);
        for (word, chunk) in self.place(place).iter().zip(bytes.chunks(8)) {
            let mut whole = [0; 8];
            whole[..chunk.len()].copy_from_slice(chunk);
            word.store(u64::from_le_bytes(whole), Ordering::Relaxed);
        }
        words[at::COUNT].store(count, Ordering::Release);
        Ok(())
    }

    /// Copies the last snapshot.
    pub fn read(&self) -> Result<Vec<u8>, Unreadable> {
        let words = self.words();
        for _ in 0..ATTEMPTS {
            let count = words[at::COUNT].load(Ordering::Acquire);
            if count == 0 {
                return Err(Unreadable::Missing);
            }
            let place = (count % 2) as usize;
            let length = usize::try_from(words[at::LENGTHS[place]].load(Ordering::Relaxed)).unwrap_or(usize::MAX);
            if length > PLACE {
                return Err(Unreadable::Foreign(format!("it claims to have {length} bytes")));
            }
            let mut bytes = Vec::with_capacity(length.next_multiple_of(8));
            for word in self.place(place).iter().take(length.div_ceil(8)) {
                bytes.extend_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
            }
            bytes.truncate(length);
            fence(Ordering::Acquire);
            if words[at::COUNT].load(Ordering::Relaxed) == count {
                return Ok(bytes);
            }
        }
        Err(Unreadable::Foreign("it changes faster than it can be read".to_string()))
    }

    fn place(&self, place: usize) -> &[AtomicU64] {
        &self.words()[(HEADER + place * PLACE) / 8..][..PLACE / 8]
    }

    fn words(&self) -> &[AtomicU64] {
        // SAFETY: the mapping begins at a page of memory, has `SIZE` bytes (`create` asks for them, `open` checks it),
        // lives as long as `memory`, which is borrowed, and nobody touches it but as atomic words.
        unsafe { std::slice::from_raw_parts(self.memory.as_ptr().cast::<AtomicU64>(), SIZE / 8) }
    }

    /// Sees to it that the system has memory for the header and so many bytes of each place: to write where it has
    /// none would kill the process.
    fn back(&mut self, bytes: usize) -> Result<(), String> {
        use rustix::fs::{FallocateFlags, Mode, OFlags, fallocate, open};
        if bytes <= self.backed {
            return Ok(());
        }
        let wanted = bytes.next_multiple_of(STEP);
        let path = path(self.memory.get_os_id());
        let told = |error: rustix::io::Errno| format!("no shared memory: {error}");
        let file = open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).map_err(told)?;
        for (from, length) in [(0, HEADER), (HEADER, wanted), (HEADER + PLACE, wanted)] {
            fallocate(&file, FallocateFlags::empty(), from as u64, length as u64).map_err(told)?;
        }
        self.backed = wanted;
        Ok(())
    }
}

fn unreadable(error: io::Error) -> Unreadable {
    match error.kind() {
        io::ErrorKind::NotFound => Unreadable::Missing,
        _ => Unreadable::Foreign(error.to_string()),
    }
}

/// Removes the pages of processes that are gone.
pub fn sweep() {
    let Ok(entries) = fs::read_dir(DIRECTORY) else { return };
    for name in entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
        if owner(&name).is_some_and(|process| !process.is_alive()) {
            // Another sweep may have removed it meanwhile, and what is another user's is left to them.
            let _ = fs::remove_file(path(&name));
        }
    }
}

fn os_id(runtime: Uuid, process: ProcessId) -> String {
    format!("/{PREFIX}-{}-{}-{}-{}", namespace(), process.pid, process.started, runtime.simple())
}

fn path(os_id: &str) -> PathBuf {
    Path::new(DIRECTORY).join(os_id.trim_start_matches('/'))
}

/// The process whose page a name is, if this process knows it by that pid.
fn owner(name: &str) -> Option<ProcessId> {
    let mut parts = name.strip_prefix(PREFIX)?.strip_prefix('-')?.split('-');
    parts.next().filter(|space| *space == namespace())?;
    Some(ProcessId { pid: parts.next()?.parse().ok()?, started: parts.next()?.parse().ok()? })
}

/// The namespace of pids that this process is in: containers may share memory, and have their own.
fn namespace() -> String {
    let link = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    link.to_string_lossy().chars().filter(char::is_ascii_digit).collect()
}

/// Tells builds apart whose rows may differ.
fn version() -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    fn me() -> ProcessId {
        ProcessId::of(std::process::id()).unwrap()
    }

    #[test]
    fn what_is_written_is_read_and_gone_with_its_writer() {
        let id = Uuid::new_v4();
        assert_eq!(Page::open(id, me()).err(), Some(Unreadable::Missing));
        let mut page = Page::create(id, me()).unwrap();
        let reader = Page::open(id, me()).unwrap();
        assert_eq!(reader.read(), Err(Unreadable::Missing));
        for bytes in [b"one".to_vec(), Vec::new(), vec![7; 100_001]] {
            page.write(&bytes).unwrap();
            assert_eq!(reader.read(), Ok(bytes));
        }
        assert!(page.write(&vec![0; PLACE + 1]).is_err());
        drop(reader);
        assert!(Page::open(id, me()).is_ok(), "a reader takes nothing along");
        drop(page);
        assert_eq!(Page::open(id, me()).err(), Some(Unreadable::Missing));
    }

    #[test]
    fn only_its_user_can_read_it() {
        let id = Uuid::new_v4();
        let _page = Page::create(id, me()).unwrap();
        let mode = fs::metadata(path(&os_id(id, me()))).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_reader_never_sees_half_of_a_snapshot() {
        let id = Uuid::new_v4();
        let mut page = Page::create(id, me()).unwrap();
        page.write(&[0; 4000]).unwrap();
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let reader = Page::open(id, me()).unwrap();
                    while !over.load(Ordering::Relaxed) {
                        let bytes = reader.read().unwrap();
                        assert_eq!(bytes.len(), 4000 + usize::from(bytes[0]));
                        assert!(bytes.iter().all(|byte| *byte == bytes[0]));
                    }
                });
            }
            for number in 0..20_000_u32 {
                let byte = number as u8;
                page.write(&vec![byte; 4000 + usize::from(byte)]).unwrap();
            }
            over.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn what_others_wrote_is_told_and_not_read() {
        let id = Uuid::new_v4();
        let mut page = Page::create(id, me()).unwrap();
        page.write(b"one").unwrap();
        page.words()[at::PID].store(1, Ordering::Relaxed);
        assert!(matches!(Page::open(id, me()), Err(Unreadable::Foreign(why)) if why.contains("another process")));
        page.words()[at::PID].store(me().pid.into(), Ordering::Relaxed);
        page.words()[at::VERSION].store(0, Ordering::Relaxed);
        assert!(matches!(Page::open(id, me()), Err(Unreadable::Foreign(why)) if why.contains("another version")));
        page.words()[at::MAGIC].store(5, Ordering::Relaxed);
        assert!(matches!(Page::open(id, me()), Err(Unreadable::Foreign(why)) if why.contains("another program")));
        page.words()[at::MAGIC].store(MAGIC, Ordering::Relaxed);
        page.words()[at::VERSION].store(version(), Ordering::Relaxed);
        page.words()[at::LENGTHS[1]].store(u64::MAX, Ordering::Relaxed);
        assert!(matches!(Page::open(id, me()).unwrap().read(), Err(Unreadable::Foreign(_))));
    }

    #[test]
    fn what_is_too_short_or_open_to_others_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let id = Uuid::new_v4();
        let file = path(&os_id(id, me()));
        fs::write(&file, [0; 100]).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(Page::open(id, me()), Err(Unreadable::Foreign(why)) if why.contains("bytes instead of")));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        let refused = Page::open(id, me()).err();
        fs::remove_file(&file).unwrap();
        assert_eq!(refused, Some(Unreadable::Foreign("others can write to it".to_string())));
    }

    #[test]
    fn a_page_that_a_dead_process_left_is_removed_and_that_of_a_living_one_stays() {
        let (id, dead) = (Uuid::new_v4(), ProcessId { started: 1, ..me() });
        let living = Page::create(id, me()).unwrap();
        let mut left = Page::create(id, dead).unwrap();
        left.memory.set_owner(false);
        drop(left);
        assert!(Page::open(id, dead).is_ok());
        sweep();
        assert_eq!(Page::open(id, dead).err(), Some(Unreadable::Missing));
        assert!(Page::open(id, me()).is_ok());
        drop(living);
    }
}
