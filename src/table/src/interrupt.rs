//! The interrupt that long work in this thread looks at.

use std::cell::RefCell;

use diag::Result;
use value::Interrupt;

thread_local! {
    static CURRENT: RefCell<Option<Interrupt>> = const { RefCell::new(None) };
}

/// Runs `work` so that all table work in it, in this thread, stops when `interrupt` is raised.
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

/// The interrupt in force, if any.
pub(crate) fn current() -> Option<Interrupt> {
    CURRENT.with(|current| current.borrow().clone())
}

/// Fails with `INTERRUPTED` once it is raised.
pub(crate) fn check() -> Result<()> {
    CURRENT.with(|current| current.borrow().as_ref().map_or(Ok(()), Interrupt::check))
}
