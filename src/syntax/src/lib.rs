//! Text to tree: lossless tokens first, then the syntax tree of each element.
//!
//! [`parse()`] reads a whole program or prompt line and never fails: what is wrong is a list of diagnostics, and the
//! tree has all else. Nothing here knows a command, a variable or a file.
//!
//! - [`tokens`][]: text to bracketed tokens; for highlighters and everyone who needs the text as it was
//! - [`ast`][]: the tree
//! - [`expression`][]: operators and how they bind
//! - [`literal`][]: words that are values; escapes
//! - [`mod@parse`][]: tokens to tree
//! - [`visit`][]: walking the tree, and the way down to a place in the text
//! - [`mod@format`][]: the same program, laid out as everybody writes it; [`show`][]: a tree in a line, to compare it
//!
//! What the tree does not say by itself: `{ … }` without `| |` is always [`ast::ExprKind::Block`], wherever it
//! stands, and is a closure when binding or its place makes it one. `{}` is an empty block as an argument, behind
//! `=>` and in keyword forms, and an empty record everywhere else. A word with quotes inside (`a"b c"d`) reads as a
//! string without them, one with `( )` inside as an interpolation; `Positional.text` has it as written.

pub mod ast;
pub mod expression;
pub mod format;
pub mod literal;
pub mod parse;
mod show;
pub mod tokens;
pub mod visit;

#[cfg(test)]
mod tests;

pub use format::format;
pub use parse::{Parsed, parse};
pub use tokens::{TokenKind, Tokens};
