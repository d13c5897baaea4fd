//! Asking servers.

use engine::Command;

pub(crate) mod http;

/// The commands declared in this folder.
pub static ALL: &[&Command] =
    &[&http::DELETE, &http::GET, &http::HEAD, &http::OPTIONS, &http::PATCH, &http::POST, &http::PUT];
