//! Runtimes seen from other processes: control socket, fleet, daemon.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod builtin;
mod daemon;
mod faults;
mod fleet;
mod many;
mod socket;
mod topics;
mod world;
