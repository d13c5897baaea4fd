//! What nodes speak: TCP on loopback, frames of postcard, three connections per node.
//!
//! - the event connection: `Register`, `Subscribe` (whose answer is the start barrier), then `NextEvent` long polls
//! - the control connection: `Register`, `SendMessage` and `OutputSent` without an answer, `CloseOutputs`, `OutputsDone`
//! - the close connection: `Register`, later `EventStreamDropped`
//!
//! Each connection has a thread of its own: a message is routed and handed over by the thread that read it,
//! without a switch in between. A malformed frame ends the connection it came on and nothing else.
//!
//! - [`listener`] – accepts connections and knows those that are open
//! - [`connection`] – one connection's life
//! - [`dynamic`] – where nodes ask that were started by somebody else
//! - [`frames`], [`wire`], [`buffers`], [`waker`]: bytes and waiting

pub mod buffers;
pub mod connection;
pub mod dynamic;
pub mod frames;
pub mod listener;
pub mod waker;
pub mod wire;

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use tokio::sync::mpsc::UnboundedSender;

use crate::model::DataflowId;
use crate::router::Router;

/// What the protocol knows of a dataflow.
pub struct Flow {
    pub id: DataflowId,
    pub router: Arc<Router>,
    pub signals: UnboundedSender<Signal>,
}

/// What the protocol tells the supervisor of a dataflow. Nodes are named by their place in the plan.
pub enum Signal {
    /// A connection of a node was opened.
    Connected { node: usize },
    /// A node is ready for events; it waits until it is answered.
    Subscribed { node: usize, answer: SyncSender<Result<(), String>> },
    /// A connection of a node was closed, and all that came through it is routed.
    Disconnected { node: usize },
    /// A node said something that cannot be served.
    Notice { node: usize, text: String },
}

/// Finds the dataflow a node claims to belong to.
pub trait Flows: Send + Sync + 'static {
    fn find(&self, id: DataflowId) -> Option<Arc<Flow>>;
}
