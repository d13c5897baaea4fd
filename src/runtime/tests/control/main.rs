//! Runtimes seen from other processes: control socket, fleet, daemon.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod builtin;
mod coordinator;
mod daemon;
mod dora_cli;
mod faults;
mod fleet;
mod many;
mod security;
mod socket;
mod topics;
mod world;
