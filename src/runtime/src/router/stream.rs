//! The connection a node reads its events from.
//!
//! The node asks with a long poll and gets one answer, which holds all that waits for it. Whoever brings an event
//! looks by itself whether the node has asked, and answers from its own thread: a message then passes with a single
//! wake-up. The connection's thread sleeps meanwhile, and is woken only for what nobody else is there for: a question
//! that is yet to come, the rest of an answer, the end of the connection.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use dora_message::node_to_daemon::DaemonRequest;
use dora_message::uhlc::HLC;

use super::message::Message;
use crate::node_protocol::frames::FrameReader;
use crate::node_protocol::waker::{Interest, Waker};
use crate::node_protocol::wire;

/// The connection a node reads its events from.
pub struct Stream {
    socket: TcpStream,
    reader: FrameReader,
    waker: Arc<Waker>,
    clock: Arc<HLC>,
    /// The node waits for an answer.
    polled: bool,
    /// Something waits for a question, which the connection's thread is to look out for.
    expecting: bool,
    unsent: Option<Outgoing>,
    /// What the node has asked besides.
    requests: VecDeque<DaemonRequest>,
    ended: Option<io::Result<()>>,
}

/// A frame that is being written.
pub struct Outgoing {
    head: Vec<u8>,
    /// Where in `head` a message's own bytes come in between.
    inserts: Vec<(usize, Arc<Message>)>,
    written: usize,
    length: usize,
}

/// What the thread of a connection has to do.
pub enum Work {
    /// Answers this.
    Request(DaemonRequest),
    /// Waits for this, then asks again.
    Wait(Interest),
    /// The node is gone.
    End,
}

impl Stream {
    /// Takes over a connection that does not block; `waker` wakes the thread that serves it.
    pub fn new(socket: TcpStream, reader: FrameReader, waker: Arc<Waker>, clock: Arc<HLC>) -> Self {
        Stream {
            socket,
            reader,
            waker,
            clock,
            polled: false,
            expecting: false,
            unsent: None,
            requests: VecDeque::new(),
            ended: None,
        }
    }

    /// Whether the node waits for an answer.
    pub fn is_polled(&mut self) -> bool {
        // While the connection's thread looks out for the question, it reads it too.
        while !self.polled && !self.expecting && self.read() {}
        self.polled
    }

    /// Has the connection's thread look out for a question.
    pub fn expect_poll(&mut self) {
        if !std::mem::replace(&mut self.expecting, true) {
            self.waker.wake();
        }
    }

    /// Answers the question that was asked.
    pub fn answer(&mut self, outgoing: Outgoing) {
        self.polled = false;
        self.unsent = Some(outgoing);
        self.write();
        if self.unsent.is_some() {
            self.waker.wake();
        }
    }

    /// Reads and writes what can be.
    pub fn proceed(&mut self) {
        self.write();
        while self.read() {}
    }

    /// Tells the connection's thread what there is to do.
    ///
    /// # Errors
    /// The connection failed, or the node broke the protocol.
    pub fn work(&mut self) -> io::Result<Work> {
        if let Some(request) = self.requests.pop_front() {
            return Ok(Work::Request(request));
        }
        match self.ended.take() {
            Some(Ok(())) => Ok(Work::End),
            Some(Err(error)) => Err(error),
            None => Ok(Work::Wait(Interest { reading: self.expecting, writing: self.unsent.is_some() })),
        }
    }

    /// Reads a request; `false` when nothing more has come.
    fn read(&mut self) -> bool {
        if self.ended.is_some() {
            return false;
        }
        match self.next() {
            Ok(None) => return false,
            Ok(Some(DaemonRequest::NextEvent)) => {
                (self.polled, self.expecting) = (true, false);
                return true;
            }
            Ok(Some(request)) => self.requests.push_back(request),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => self.ended = Some(Ok(())),
            Err(error) => self.ended = Some(Err(error)),
        }
        self.waker.wake();
        self.ended.is_none()
    }

    fn next(&mut self) -> io::Result<Option<DaemonRequest>> {
        let Some(frame) = self.reader.next_now(&self.socket)? else { return Ok(None) };
        wire::decode_request(frame, &self.clock).map(Some)
    }

    /// Writes what the socket takes now.
    fn write(&mut self) {
        let Some(outgoing) = &mut self.unsent else { return };
        match outgoing.write(&self.socket) {
            Ok(true) => return,
            Ok(false) => {}
            // Reading meets the same error.
            Err(_) => drop(self.socket.shutdown(Shutdown::Both)),
        }
        self.unsent = None;
    }
}

impl Outgoing {
    /// A frame whose `head` is whole but for the messages that come in between.
    pub fn new(head: Vec<u8>, inserts: Vec<(usize, Arc<Message>)>) -> Self {
        let length = head.len() + inserts.iter().map(|(_, message)| message.body().len()).sum::<usize>();
        Outgoing { head, inserts, written: 0, length }
    }

    /// Writes what the socket takes now; `true` when something is left.
    fn write(&mut self, mut socket: &TcpStream) -> io::Result<bool> {
        while self.written < self.length {
            let result = if self.inserts.is_empty() {
                socket.write(self.head.get(self.written..).unwrap_or_default())
            } else {
                socket.write_vectored(&self.rest())
            };
            match result {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// What is left to write, as far as one system call takes it.
    fn rest(&self) -> Vec<IoSlice<'_>> {
        let mut slices = Vec::with_capacity(2 * self.inserts.len() + 1);
        let mut skip = self.written;
        let mut add = |bytes: &'_ [u8]| -> Option<(usize, usize)> {
            if skip >= bytes.len() {
                skip -= bytes.len();
                None
            } else {
                Some((std::mem::take(&mut skip), bytes.len()))
            }
        };
        let mut from = 0;
        for (at, message) in &self.inserts {
            let (part, body) = (self.head.get(from..*at).unwrap_or_default(), message.body());
            from = *at;
            for bytes in [part, body] {
                if let Some((start, end)) = add(bytes) {
                    slices.push(IoSlice::new(&bytes[start..end]));
                }
            }
        }
        let tail = self.head.get(from..).unwrap_or_default();
        if let Some((start, end)) = add(tail) {
            slices.push(IoSlice::new(&tail[start..end]));
        }
        slices.truncate(512);
        slices
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use dora_message::common::Timestamped;

    use super::*;
    use crate::node_protocol::buffers::Pool;
    use crate::node_protocol::frames::write_frame;

    struct Pair {
        node: TcpStream,
        ours: TcpStream,
        stream: Stream,
        waker: Arc<Waker>,
    }

    impl Pair {
        fn new() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let node = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let ours = listener.accept().unwrap().0;
            ours.set_nonblocking(true).unwrap();
            let waker = Arc::new(Waker::new().unwrap());
            let reader = FrameReader::new(Pool::default());
            let stream = Stream::new(ours.try_clone().unwrap(), reader, waker.clone(), Arc::default());
            Pair { node, ours, stream, waker }
        }

        fn asks(&self, request: DaemonRequest) {
            let timestamp = HLC::default().new_timestamp();
            let bytes = dora_message::encode(&Timestamped { inner: request, timestamp }).unwrap();
            write_frame(&self.node, &bytes).unwrap();
        }

        /// What the connection's thread has to do, after it has waited as it was told.
        fn works(&mut self) -> io::Result<Work> {
            loop {
                self.stream.proceed();
                match self.stream.work()? {
                    Work::Wait(interest) if !self.stream.polled => self.waker.wait(&self.ours, interest)?,
                    work => return Ok(work),
                }
            }
        }
    }

    #[test]
    fn who_brings_an_event_finds_the_question_and_answers_it() {
        let mut pair = Pair::new();
        assert!(!pair.stream.is_polled());
        pair.asks(DaemonRequest::NextEvent);
        while !pair.stream.is_polled() {}
        pair.stream.answer(Outgoing::new(b"answer".to_vec(), Vec::new()));
        assert!(!pair.stream.is_polled());
        let mut answer = [0; 6];
        pair.node.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"answer");
    }

    #[test]
    fn the_thread_waits_for_a_question_only_when_something_waits_for_it() {
        let mut pair = Pair::new();
        let idle = Interest { reading: false, writing: false };
        assert!(matches!(pair.stream.work(), Ok(Work::Wait(interest)) if interest == idle));
        pair.stream.expect_poll();
        assert!(matches!(pair.stream.work(), Ok(Work::Wait(Interest::READING))));
        pair.asks(DaemonRequest::NextEvent);
        assert!(matches!(pair.works(), Ok(Work::Wait(interest)) if interest == idle));
        assert!(pair.stream.is_polled());
    }

    #[test]
    fn other_requests_are_left_to_the_thread_whoever_reads_them() {
        let mut pair = Pair::new();
        pair.asks(DaemonRequest::OutputsDone);
        pair.asks(DaemonRequest::NextEvent);
        while !pair.stream.is_polled() {}
        assert!(matches!(pair.works(), Ok(Work::Request(DaemonRequest::OutputsDone))));
    }

    #[test]
    fn the_end_is_noticed_while_a_question_waits_and_what_is_no_request_is_an_error() {
        let mut pair = Pair::new();
        pair.asks(DaemonRequest::NextEvent);
        while !pair.stream.is_polled() {}
        pair.node.shutdown(Shutdown::Both).unwrap();
        let idle = Interest { reading: false, writing: false };
        pair.waker.wait(&pair.ours, idle).unwrap();
        pair.stream.proceed();
        assert!(matches!(pair.stream.work(), Ok(Work::End)));

        let mut pair = Pair::new();
        write_frame(&pair.node, &[250; 40]).unwrap();
        pair.stream.expect_poll();
        assert_eq!(pair.works().err().map(|error| error.kind()), Some(io::ErrorKind::InvalidData));
    }
}
