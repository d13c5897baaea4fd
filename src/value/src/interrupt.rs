//! The flag that ctrl-c raises and every loop looks at.
//!
//! Each thread that runs programs has one in force, so that long work finds it without being handed it.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use diag::{Diagnostic, Result, codes};

/// Tells everything that works for one pipeline to stop. Clones share the flag.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Fails with `INTERRUPTED` once the flag is raised.
    pub fn check(&self) -> Result<()> {
        if self.is_raised() { Err(Diagnostic::new(codes::INTERRUPTED, "interrupted")) } else { Ok(()) }
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Interrupt>> = const { RefCell::new(None) };
}

/// Runs `work` so that all long work in it, in this thread, stops when `interrupt` is raised.
pub fn with_interrupt<T>(interrupt: &Interrupt, work: impl FnOnce() -> T) -> T {
    /// Puts the outer interrupt back, also when `work` panics.
    struct Restore(Option<Interrupt>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let outer = self.0.take();
            CURRENT.with(|current| *current.borrow_mut() = outer);
        }
    }
    let _restore = Restore(CURRENT.with(|current| current.borrow_mut().replace(interrupt.clone())));
    work()
}

/// The interrupt in force in this thread, if any.
pub fn current() -> Option<Interrupt> {
    CURRENT.with(|current| current.borrow().clone())
}

/// Fails with `INTERRUPTED` once the interrupt in force is raised.
pub fn check() -> Result<()> {
    CURRENT.with(|current| current.borrow().as_ref().map_or(Ok(()), Interrupt::check))
}
