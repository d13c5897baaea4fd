//! The runtime as its callers and its nodes see it.
//!
//! Flows with real nodes need Python with the packages `dora-rs`, `numpy` and `pyarrow`: the interpreter is
//! `$DORA_TEST_PYTHON`, else `python3`.

// Helpers of tests are not tests themselves, and may fail like them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod crash;
mod descriptor;
mod errors;
mod lifecycle;
mod protocol;
mod stock_nodes;
mod world;
