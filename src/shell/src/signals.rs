//! Ctrl-C and Ctrl-Z.

use std::sync::OnceLock;

static RAISE: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();

extern "C" fn handler(_: libc::c_int) {
    if let Some(raise) = RAISE.get() {
        raise();
    }
}

/// Calls `raise` on SIGINT. It may only set flags: it runs in a signal handler. The first call wins.
pub fn on_interrupt(raise: impl Fn() + Send + Sync + 'static) {
    if RAISE.set(Box::new(raise)).is_err() {
        return;
    }
    let handler: extern "C" fn(libc::c_int) = handler;
    // SAFETY: `handler` is an `extern "C" fn(c_int)` as SIGINT's disposition wants it; it only reads an initialised
    // `OnceLock` and stores to an atomic, both of which are safe in a signal handler. SIGPIPE is left ignored, as
    // Rust sets it, so that a closed pipe is an error that can be told apart.
    unsafe {
        libc::signal(libc::SIGINT, handler as libc::sighandler_t);
    }
}

/// Takes no notice of ctrl-z, neither here nor in the programs that are started: there is no shell above that could
/// wake a stopped program again, and dataflows in this process must not stand still.
pub fn ignore_stop() {
    // SAFETY: only the disposition of one signal is set, to one that runs no code.
    unsafe {
        libc::signal(libc::SIGTSTP, libc::SIG_IGN);
    }
}
