//! Built-in nodes.
