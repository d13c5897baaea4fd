//! Values and diagnostics as text for people.
//!
//! [`value_to_text`] draws any value: tables with a width solver, records, lists, plain scalars.
//! [`TableStream`] draws rows as they arrive. [`diagnostic_to_text`] shows a failure with the source excerpt,
//! [`diagnostic_to_json`] tells it to machines. All of them look at [`Options`] alone, never at the process:
//! [`Options::for_stream`] is the one place that asks what is on the other side. On a terminal (a width is
//! known) long things are shortened to fit; off one everything is written whole, without colours.
//!
//! - [`options`] – how wide, which colours, how many rows
//! - [`theme`] – colours by type and by word
//! - [`table`] – a value as text
//! - [`chart`] – values that are drawn instead of listed
//! - [`page`] – one screen of many rows
//! - [`stream`] – rows as they arrive
//! - [`diagnostic`] – a failure as text
//! - [`diagnostic_json`] – a failure as JSON
//! - `cell`, `fit`, `width`, `grid`, `excerpt`: one value in a cell; text cut and padded to columns; who gets how
//!   many columns; the frame around cells; the lines of a source that a diagnostic shows

mod cell;
pub mod chart;
pub mod diagnostic;
pub mod diagnostic_json;
mod excerpt;
mod fit;
mod grid;
pub mod options;
pub mod page;
pub mod stream;
pub mod table;
pub mod theme;
mod width;

pub use cell::grouped;
pub use diagnostic::{diagnostic_to_text, mention_to_text, warning_to_text};
pub use diagnostic_json::diagnostic_to_json;
pub use fit::{escape, text_width, truncate};
pub use options::Options;
pub use stream::TableStream;
pub use table::{no_rows, value_to_text};
pub use theme::Theme;
