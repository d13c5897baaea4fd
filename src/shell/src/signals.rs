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

/// Takes no notice of ctrl-z: dataflows in this process must not stand still. Programs that have the terminal hear it.
pub fn ignore_stop() {
    // SAFETY: only the dispositions of two signals are set, to one that runs no code.
    unsafe {
        libc::signal(libc::SIGTSTP, libc::SIG_IGN);
        // Taking the terminal back from a program is done from the background.
        libc::signal(libc::SIGTTOU, libc::SIG_IGN);
    }
}
