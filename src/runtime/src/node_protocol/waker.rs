//! Wakes a thread that waits in `poll` for a socket.

use std::io;
use std::net::TcpStream;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

/// A counter the kernel can wait for.
pub struct Waker(OwnedFd);

/// What a wait ended with; several may be true.
#[derive(Debug, Clone, Copy)]
pub struct Ready {
    pub readable: bool,
    pub writable: bool,
    pub woken: bool,
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

    /// Waits until `socket` can be read, or with `writing` written, or until somebody wakes.
    pub fn wait(&self, socket: &impl AsFd, writing: bool) -> io::Result<Ready> {
        let interest = if writing { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        let mut both = [PollFd::new(socket, interest), PollFd::new(&self.0, PollFlags::IN)];
        loop {
            match poll(&mut both, None) {
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let (socket, waker) = (both[0].revents(), both[1].revents());
        let ready = Ready {
            // An error or a hang-up is something to be read.
            readable: socket.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR),
            writable: socket.contains(PollFlags::OUT),
            woken: waker.contains(PollFlags::IN),
        };
        if ready.woken {
            let mut count = [0; 8];
            let _ = rustix::io::read(&self.0, &mut count);
        }
        Ok(ready)
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
