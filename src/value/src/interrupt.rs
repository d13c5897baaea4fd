//! The flag that ctrl-c raises and every loop looks at.

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
