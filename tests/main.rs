//! End to end: the `dora` binary as its users have it, the house's walls, and the documents' promises.
//!
//! One binary, so that everything is linked once. `DORA_TEST_PYTHON` names a Python that has the PyPI package
//! `dora-rs`; `scripts/test` makes one.

mod background;
mod builds;
mod codes;
mod commands_from_bash;
mod contexts;
mod daemon;
mod dataflows;
mod grammars;
mod layers;
mod mistakes;
mod network;
mod programs;
mod prompt;
mod reference;
mod telemetry;
mod topics;
mod world;
