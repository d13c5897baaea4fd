//! What `dora` remembers between processes: its directories and its SQLite state.
//!
//! A [`Home`] names the four directories of one installation, and a [`Store`] is the database under it,
//! shared by every shell, daemon and command of that home at once. Both are cheap to make and touch no disk
//! until something is asked of them. All SQL over it is in this crate; others see small typed methods,
//! which block for well under a millisecond and may be called from any thread.
//!
//! - [`home`] – `$DORA_HOME` or the platform's directories
//! - [`database`] – opening, migrating, and what is told when that fails
//! - [`process`] – a process named so that a reused pid is not mistaken for it
//! - [`runtimes`] – embedded runtimes and daemons that live, or died without saying so
//! - [`dataflows`] – every dataflow that was started, and who holds its name
//! - [`builds`] – what was built before nodes were started, and from which commits
//! - [`nodes`] – processes of nodes, for the sweep after a crash
//! - [`events`] – every change of state, with its reason
//! - [`contexts`] – coordinators that commands can be sent to
//! - [`history`] – lines typed at the prompt
//! - [`audit`] – what was changed, by whom, and how to undo it

pub mod audit;
pub mod builds;
pub mod contexts;
pub mod database;
pub mod dataflows;
pub mod events;
pub mod history;
pub mod home;
pub mod nodes;
pub mod process;
pub mod runtimes;
mod sql;

pub use database::Store;
pub use home::Home;
pub use process::ProcessId;
