//! Buffers for large messages, kept for the next one.
//!
//! A fresh buffer of some megabytes is pages the kernel has to clear and map at first touch, which costs more
//! than the copy into it. Small buffers come from the allocator, which keeps them anyway.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

/// From this size on buffers are kept.
const KEEP_FROM: usize = 16 * 1024;
/// How many bytes are kept at most.
const KEEP_BYTES: usize = 256 * 1024 * 1024;

/// Buffers that nobody uses now. Clones share them.
#[derive(Clone, Default)]
pub struct Pool(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

impl Pool {
    /// A buffer of `length` bytes, whose content is whatever was there.
    pub fn take(&self, length: usize) -> Buffer {
        let mut bytes = if length < KEEP_FROM { Vec::new() } else { self.find(length) };
        if bytes.len() < length {
            bytes.resize(length, 0);
        }
        Buffer { bytes, length, home: self.clone() }
    }

    /// The smallest kept buffer that is large enough, else the largest one, which will grow.
    fn find(&self, length: usize) -> Vec<u8> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = (0..kept.buffers.len())
            .filter(|&at| kept.buffers[at].len() >= length)
            .min_by_key(|&at| kept.buffers[at].len());
        let Some(at) = fits.or_else(|| kept.buffers.len().checked_sub(1)) else {
            return Vec::new();
        };
        let buffer = kept.buffers.swap_remove(at);
        kept.bytes -= buffer.len();
        buffer
    }
}

/// Bytes on loan from a [`Pool`], given back when dropped.
pub struct Buffer {
    /// Its length is that of everything ever written to it, so that it is cleared only once.
    bytes: Vec<u8>,
    length: usize,
    home: Pool,
}

impl Buffer {
    /// The bytes, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.bytes.len() < KEEP_FROM {
            return;
        }
        let mut kept = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes + self.bytes.len() <= KEEP_BYTES {
            kept.bytes += self.bytes.len();
            kept.buffers.push(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_buffer_serves_again_at_the_length_asked_for() {
        let pool = Pool::default();
        let mut first = pool.take(1 << 20);
        first.bytes_mut().fill(7);
        let address = first.as_ptr();
        drop(first);
        let second = pool.take(300_000);
        assert_eq!((second.as_ptr(), second.len()), (address, 300_000));
    }

    #[test]
    fn small_buffers_are_not_kept() {
        let pool = Pool::default();
        drop(pool.take(1000));
        assert!(pool.0.lock().unwrap().buffers.is_empty());
    }
}
