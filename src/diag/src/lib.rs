//! What can go wrong, and where in whose text.
//!
//! Every crate reports a failure as one [`Diagnostic`]: a stable [`Code`], a sentence for the person at the
//! prompt, labelled [`Span`]s into registered [`Sources`], help, commands to type next, and causes. This
//! crate knows no terminal: `render` draws diagnostics, `engine` hands them to programs as records.
//!
//! - [`source`] – texts and positions in them
//! - [`diagnostic`] – the error type
//! - [`codes`] – every code, with its page and the exit code it leads to
//! - [`reason`] – why the operating system refused
//! - [`suggest`] – did-you-mean

pub mod codes;
pub mod diagnostic;
pub mod reason;
pub mod source;
pub mod suggest;

pub use codes::{Code, Exit};
pub use diagnostic::{Cause, Diagnostic, Label, Result};
pub use reason::os_reason;
pub use source::{Source, SourceId, Sources, Span};
