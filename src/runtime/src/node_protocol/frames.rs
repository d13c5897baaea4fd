//! Frames: a `u64` little-endian length and so many bytes.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use dora_message::MAX_MESSAGE_BYTES;
use rustix::event::{PollFd, PollFlags, poll};

use super::buffers::{Buffer, Pool};

/// Holds a burst of small messages, so that one read takes many of them.
const CHUNK: usize = 64 * 1024;
/// From this size on a frame is read into a buffer of its own, where the message stays.
const LARGE: usize = 16 * 1024;
/// As much is read at first while large frames come, so that their bodies are not copied.
const TASTE: usize = 512;

/// One frame's body.
pub enum Frame<'a> {
    /// Lies in the reader's chunk and is gone with the next read.
    Small(&'a [u8]),
    /// Has a buffer of its own.
    Large(Buffer),
}

impl Frame<'_> {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Frame::Small(bytes) => bytes,
            Frame::Large(buffer) => buffer,
        }
    }
}

/// Splits what a socket yields into frames.
pub struct FrameReader {
    chunk: Box<[u8]>,
    start: usize,
    end: usize,
    /// The last frame was large, so that the next one is likely to be.
    large: bool,
    pool: Pool,
}

impl FrameReader {
    pub fn new(pool: Pool) -> Self {
        FrameReader { chunk: vec![0; CHUNK].into_boxed_slice(), start: 0, end: 0, large: false, pool }
    }

    /// Whether a whole frame lies ready, so that [`next`](Self::next) will not wait.
    pub fn is_ready(&self) -> bool {
        self.length().is_some_and(|length| self.end - self.start - 8 >= length)
    }

    fn length(&self) -> Option<usize> {
        let prefix = self.chunk[self.start..self.end].first_chunk::<8>()?;
        Some(usize::try_from(u64::from_le_bytes(*prefix)).unwrap_or(usize::MAX))
    }

    /// Waits for the next frame; `None` when the peer has closed between two frames.
    pub fn next(&mut self, socket: &TcpStream) -> io::Result<Option<Frame<'_>>> {
        loop {
            let Some(length) = self.length() else {
                if !self.fill(socket, read)? {
                    return match self.end - self.start {
                        0 => Ok(None),
                        _ => Err(io::ErrorKind::UnexpectedEof.into()),
                    };
                }
                continue;
            };
            if length > MAX_MESSAGE_BYTES {
                let message = format!("a frame of {length} bytes exceeds the limit of {MAX_MESSAGE_BYTES}");
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            self.large = length >= LARGE;
            if self.large {
                return self.large(socket, length).map(|buffer| Some(Frame::Large(buffer)));
            }
            if self.end - self.start >= 8 + length {
                let body = self.start + 8..self.start + 8 + length;
                self.start = body.end;
                return Ok(Some(Frame::Small(&self.chunk[body])));
            }
            if !self.fill(socket, read)? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// The next frame if it has come whole, without waiting. The socket must not block, and carry small frames only.
    ///
    /// # Errors
    /// `UnexpectedEof` when the peer has closed; `InvalidData` when a frame is not small.
    pub fn next_now(&mut self, socket: &TcpStream) -> io::Result<Option<&[u8]>> {
        let length = loop {
            match self.length() {
                Some(length) if length >= LARGE => {
                    let message = format!("a frame of {length} bytes where only requests are expected");
                    return Err(io::Error::new(io::ErrorKind::InvalidData, message));
                }
                Some(length) if self.is_ready() => break length,
                _ => {}
            }
            match self.fill(socket, read_now) {
                Ok(true) => {}
                Ok(false) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        };
        let body = self.start + 8..self.start + 8 + length;
        self.start = body.end;
        Ok(Some(&self.chunk[body]))
    }

    /// Reads more into the chunk; `false` at the end of the stream.
    fn fill(
        &mut self,
        socket: &TcpStream,
        read: impl Fn(&TcpStream, &mut [u8]) -> io::Result<usize>,
    ) -> io::Result<bool> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.start > CHUNK / 2 || self.end == CHUNK {
            self.chunk.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let limit = if self.large { CHUNK.min(self.end + TASTE) } else { CHUNK };
        let count = read(socket, &mut self.chunk[self.end..limit])?;
        self.end += count;
        Ok(count > 0)
    }

    fn large(&mut self, socket: &TcpStream, length: usize) -> io::Result<Buffer> {
        let mut buffer = self.pool.take(length);
        let body = buffer.bytes_mut();
        let have = (self.end - self.start - 8).min(length);
        body[..have].copy_from_slice(&self.chunk[self.start + 8..self.start + 8 + have]);
        self.start += 8 + have;
        let mut filled = have;
        while filled < length {
            match read(socket, &mut body[filled..])? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => filled += count,
            }
        }
        Ok(buffer)
    }
}

/// Reads at least a byte, waiting for it whether or not the socket blocks.
fn read(socket: &TcpStream, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match read_now(socket, into) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait(socket, PollFlags::IN)?,
            result => return result,
        }
    }
}

/// Reads what has come.
fn read_now(mut socket: &TcpStream, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match socket.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn wait(socket: &TcpStream, what: PollFlags) -> io::Result<()> {
    match poll(&mut [PollFd::new(socket, what)], None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Writes a whole frame, waiting for room whether or not the socket blocks.
pub fn write_frame(mut socket: &TcpStream, body: &[u8]) -> io::Result<()> {
    let mut frame = Vec::with_capacity(8 + body.len());
    frame.extend_from_slice(&(body.len() as u64).to_le_bytes());
    frame.extend_from_slice(body);
    let mut rest = frame.as_slice();
    while !rest.is_empty() {
        match socket.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait(socket, PollFlags::OUT)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use proptest::prelude::*;

    use super::*;

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (near, listener.accept().unwrap().0)
    }

    #[test]
    fn frames_of_every_size_come_out_as_they_went_in() {
        let (near, far) = pair();
        let sizes =
            [0, 1, 8, LARGE - 1, LARGE, 5, LARGE + 1, CHUNK - 8, CHUNK - 7, CHUNK, 3, 5 * CHUNK, 17, 600, LARGE, LARGE];
        let writer = std::thread::spawn(move || {
            for size in sizes {
                write_frame(&near, &vec![size as u8; size]).unwrap();
            }
        });
        let mut reader = FrameReader::new(Pool::default());
        for size in sizes {
            let frame = reader.next(&far).unwrap().unwrap();
            assert!(frame.bytes() == vec![size as u8; size], "size {size}");
        }
        assert!(reader.next(&far).unwrap().is_none());
        writer.join().unwrap();
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_anything_is_allocated() {
        let (mut near, far) = pair();
        near.write_all(&u64::MAX.to_le_bytes()).unwrap();
        let error = FrameReader::new(Pool::default()).next(&far).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_stream_that_ends_inside_a_frame_is_an_error() {
        let (mut near, far) = pair();
        near.write_all(&[5, 0, 0, 0, 0, 0, 0, 0, 1, 2]).unwrap();
        drop(near);
        let error = FrameReader::new(Pool::default()).next(&far).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn frames_come_out_whole_however_their_bytes_trickle_in(
            sizes in prop::collection::vec(prop_oneof![0..600_usize, LARGE - 20..LARGE + 20, CHUNK - 20..CHUNK + 20], 1..8),
            cuts in prop::collection::vec(1..9000_usize, 1..8),
        ) {
            let (mut near, far) = pair();
            let mut bytes = Vec::new();
            for (number, size) in sizes.iter().enumerate() {
                bytes.extend((*size as u64).to_le_bytes());
                bytes.extend(std::iter::repeat_n(number as u8, *size));
            }
            let writer = std::thread::spawn(move || {
                let mut rest = &bytes[..];
                for cut in cuts.iter().cycle() {
                    let (now, later) = rest.split_at((*cut).min(rest.len()));
                    near.write_all(now).unwrap();
                    rest = later;
                    if rest.is_empty() {
                        return;
                    }
                }
            });
            let mut reader = FrameReader::new(Pool::default());
            for (number, size) in sizes.into_iter().enumerate() {
                let frame = reader.next(&far).unwrap().unwrap();
                prop_assert_eq!(frame.bytes().len(), size);
                prop_assert!(frame.bytes().iter().all(|&byte| byte == number as u8));
            }
            prop_assert!(reader.next(&far).unwrap().is_none());
            writer.join().unwrap();
        }
    }
}
