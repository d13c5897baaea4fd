//! What the parser makes of texts: trees, errors, and what holds for every text.

use std::sync::Arc;

use diag::{Source, Sources};

use crate::{Parsed, parse};

mod errors;
mod format;
mod grammar;
mod properties;
mod trees;

fn source(text: &str) -> Arc<Source> {
    Sources::new().add("test", text)
}

fn parsed(text: &str) -> Parsed {
    parse(&source(text))
}
