//! Threads that run programs.

use std::io;
use std::thread::Builder;

use diag::{Diagnostic, codes};

/// Stack of every thread that runs programs: room for [`MAX_DEPTH`](crate::run::MAX_DEPTH) calls inside calls. Only
/// what is used of it is ever given to the process.
pub const STACK: usize = 512 << 20;

/// A thread of that size, to be started with what it runs. What it runs looks at the interrupt that is put in force
/// with [`value::interrupt::with_interrupt`].
pub fn named(name: impl Into<String>) -> Builder {
    Builder::new().name(name.into()).stack_size(STACK)
}

/// The error of a thread that the system does not give.
pub fn refused(error: &io::Error) -> Box<Diagnostic> {
    Diagnostic::new(codes::INTERNAL, format!("no thread can be started: {}", diag::os_reason(error)))
}
