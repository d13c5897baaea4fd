//! Text to tree: lossless tokens first, then the syntax tree of each element.
//!
//! - [`ast`]: the tree

pub mod ast;
