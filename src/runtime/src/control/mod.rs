//! The remote face of a runtime: how a shell reaches flows that run in another process.
//!
//! Every runtime listens on a WebSocket, `ws://127.0.0.1:PORT/api/control` unless it is told otherwise. It speaks
//! dora-rs's coordinator protocol, so that dora's own CLI can drive it, and under the method `dora-shell` all
//! that [`Handle`](crate::Handle) can do. The store says which runtimes there are.
//!
//! - [`wire`] – the frames of our methods, and diagnostics in them
//! - [`token`] – the secret our methods ask for
//! - [`admission`] – who may connect, and what for
//! - [`server`] – the listening end of a runtime
//! - [`session`] – one peer and what it asks
//! - [`dora`] – requests in dora-rs's own protocol
//! - [`coordinator`] – a real dora-rs coordinator as a `Handle`
//! - [`client`] – a runtime in another process as a `Handle`
//! - [`fleet`] – all runtimes of one home as one `Handle`
//! - [`contexts`] – this home, or one coordinator
//! - [`daemon`] – the runtime in the background

mod admission;
pub mod client;
pub mod contexts;
pub mod coordinator;
pub mod daemon;
mod dora;
pub mod fleet;
pub mod server;
mod session;
pub mod token;
mod wire;

pub use client::Client;
pub use contexts::Contexts;
pub use coordinator::Coordinator;
pub use fleet::Fleet;
pub use server::Server;
