//! Wakes a thread that waits in `poll` for a socket.

use std::io;
use std::net::TcpStream;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

/// A counter the kernel can wait for.
pub struct Waker(OwnedFd);

/// What of a socket is waited for, besides its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interest {
    pub reading: bool,
    pub writing: bool,
}

impl Interest {
    pub const READING: Interest = Interest { reading: true, writing: false };
}

impl Waker {
    pub fn new() -> io::Result<Self> {
        Ok(Waker(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    /// Ends the present or the next wait.
    pub fn wake(&self) {
        // The only failure of a nonblocking counter is that it is full, and then the waiter is awake already.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    /// Waits until what is of interest can be done with `socket`, its peer has closed it, or somebody wakes.
    pub fn wait(&self, socket: &impl AsFd, interest: Interest) -> io::Result<()> {
        let mut flags = PollFlags::RDHUP;
        flags.set(PollFlags::IN, interest.reading);
        flags.set(PollFlags::OUT, interest.writing);
        let mut both = [PollFd::new(socket, flags), PollFd::new(&self.0, PollFlags::IN)];
        loop {
            match poll(&mut both, None) {
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if both[1].revents().contains(PollFlags::IN) {
            let mut count = [0; 8];
            let _ = rustix::io::read(&self.0, &mut count);
        }
        Ok(())
    }
}

/// Waits until `socket` can be read; `false` when `limit` is over first.
pub fn readable_within(socket: &TcpStream, limit: std::time::Duration) -> io::Result<bool> {
    let limit = rustix::event::Timespec {
        tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: limit.subsec_nanos().into(),
    };
    match poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&limit)) {
        Ok(count) => Ok(count > 0),
        Err(rustix::io::Errno::INTR) => Ok(true),
        Err(error) => Err(error.into()),
    }
}
