use std::io::{self, Cursor, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use engine::{Bytes, ClosureValue};

use crate::prelude::*;

pub static TEE: Command = Command {
    name: "tee",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Calls a closure with the input and gives the input on",
    details: "What comes bit by bit goes to both sides as it comes; the closure then runs beside what follows.",
    params: &[Param::required("closure", Takes::Closure, "What else to do with it")],
    io: &[("any", "any")],
    examples: &[
        example("Look on the way", "[1 2] | tee { length } | math sum", "3"),
        try_it("Keep what a program writes", "^make | tee { save make.log } | lines | where $it =~ warning"),
    ],
    infer: Some(|shape| Some(shape.input.clone())),
    run: |call, input| match crate::rows::plain(input)? {
        Data::Stream(stream) => {
            let (resource, endless) = (stream.resource, stream.endless);
            let side = Side::begin(call, move |from: Receiver<Result<Value>>| {
                Data::Stream(Stream::new(from.into_iter()).with_resource(resource).endless_if(endless))
            })?;
            let items = Items { items: stream, side };
            Ok(Data::Stream(Stream::new(items).with_resource(resource).endless_if(endless)))
        }
        Data::Bytes(Bytes { reader, program }) => {
            let side = Side::begin(call, |from| {
                Data::Bytes(Bytes { reader: Box::new(Pieces { from, piece: Cursor::default() }), program: None })
            })?;
            Ok(Data::Bytes(Bytes { reader: Box::new(Watched { reader, side }), program }))
        }
        other => {
            let value = call.collect(other)?;
            call.runner(&call.required("closure")?).value(&[], value.clone())?;
            Ok(Data::Value(value))
        }
    },
    ..Command::DEFAULT
};

/// Pieces that wait for the closure before what follows waits for it too.
const ROOM: usize = 64;

/// The closure in a thread of its own, which takes what passes.
struct Side<T> {
    /// Nothing once it wants no more.
    to: Option<SyncSender<T>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl<T: Send + 'static> Side<T> {
    fn begin(call: &Call<'_>, input: impl FnOnce(Receiver<T>) -> Data) -> Result<Self> {
        let closure: ClosureValue = call.required("closure")?;
        let mut runner = call.runner(&closure);
        let interrupt = call.interrupt().clone();
        let (to, from) = sync_channel(ROOM);
        let input = input(from);
        let work = move || value::interrupt::with_interrupt(&interrupt, || runner.run_to_end(input));
        let thread = engine::thread::named("dora-tee").spawn(work);
        let thread = thread.map_err(|error| engine::thread::refused(&error).label(call.head, ""))?;
        Ok(Side { to: Some(to), thread: Some(thread) })
    }
}

impl<T> Side<T> {
    /// Hands a piece on. A closure that has ended gets no more; one that has failed fails the pipeline.
    fn take(&mut self, piece: impl FnOnce() -> T) -> Result<()> {
        match &self.to {
            Some(to) if to.send(piece()).is_err() => self.end(),
            _ => Ok(()),
        }
    }

    /// Says that there is no more, and waits until the closure is done with what there was.
    fn end(&mut self) -> Result<()> {
        self.to = None;
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(Diagnostic::new(codes::INTERNAL, "the thread of `tee` ended early")),
        }
    }
}

impl<T> Drop for Side<T> {
    fn drop(&mut self) {
        // Whoever wanted no more of the input has no use for this either.
        let _ = self.end();
    }
}

/// Items that go to both sides.
struct Items {
    items: Stream,
    side: Side<Result<Value>>,
}

impl Iterator for Items {
    type Item = Result<Value>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.items.next() {
            Some(item) => Some(self.side.take(|| item.clone()).and(item)),
            None => self.side.end().err().map(Err),
        }
    }
}

/// Bytes that go to both sides.
struct Watched {
    reader: Box<dyn Read + Send>,
    side: Side<Vec<u8>>,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let taken = if read == 0 { self.side.end() } else { self.side.take(|| buffer[..read].to_vec()) };
        taken.map(|()| read).map_err(|error| io::Error::other(*error))
    }
}

/// What the closure reads.
struct Pieces {
    from: Receiver<Vec<u8>>,
    piece: Cursor<Vec<u8>>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.piece.read(buffer)? {
                0 if !buffer.is_empty() => match self.from.recv() {
                    Ok(piece) => self.piece = Cursor::new(piece),
                    Err(_) => return Ok(0),
                },
                read => return Ok(read),
            }
        }
    }
}
