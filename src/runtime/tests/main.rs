//! The runtime as its callers and its nodes see it.
//!
//! Flows with real nodes need Python with the packages `dora-rs`, `numpy` and `pyarrow`: the interpreter is
//! `$DORA_TEST_PYTHON`, else `python3`.

mod crash;
mod descriptor;
mod protocol;
mod stock_nodes;
mod world;
