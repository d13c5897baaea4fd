//! Accepts the nodes' connections.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use dora_message::uhlc::HLC;

use super::buffers::Pool;
use super::waker::{Interest, Waker};
use super::{Flows, connection};
use crate::model::DataflowId;

/// How long to wait for a descriptor to be closed before a connection is tried again.
const RETRY: Duration = Duration::from_millis(100);

/// A socket nodes connect to, with a thread that accepts and one per connection. Dropping it ends them all.
pub struct Listener {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the connections of one listener share.
pub struct Shared {
    pub flows: Arc<dyn Flows>,
    pub clock: Arc<HLC>,
    pub pool: Pool,
    open: Mutex<Open>,
    closed: Condvar,
    waker: Waker,
}

#[derive(Default)]
struct Open {
    connections: HashMap<u64, Connection>,
    next: u64,
    ended: bool,
}

struct Connection {
    socket: TcpStream,
    /// Whose it is, once it has said so.
    owner: Option<(DataflowId, usize)>,
}

impl Listener {
    /// Listens on an ephemeral port of the loopback interface.
    pub fn start(flows: Arc<dyn Flows>, clock: Arc<HLC>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            flows,
            clock,
            pool: Pool::default(),
            open: Mutex::default(),
            closed: Condvar::new(),
            waker: Waker::new()?,
        });
        let thread = std::thread::Builder::new().name("dora-nodes".into()).spawn({
            let shared = shared.clone();
            move || shared.accept(&listener)
        })?;
        Ok(Listener { address, shared, thread: Some(thread) })
    }

    /// Where nodes connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections.len()
    }

    /// Closes what is open of a dataflow, or of one of its nodes.
    pub fn disconnect(&self, flow: DataflowId, node: Option<usize>) {
        for connection in self.shared.lock().connections.values() {
            let meant = connection.owner.is_some_and(|(of, at)| of == flow && node.is_none_or(|node| node == at));
            if meant {
                let _ = connection.socket.shutdown(Shutdown::Both);
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        {
            let mut open = self.shared.lock();
            open.ended = true;
            for connection in open.connections.values() {
                let _ = connection.socket.shutdown(Shutdown::Both);
            }
        }
        self.shared.waker.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let open = self.shared.lock();
        let wait = self.shared.closed.wait_while(open, |open| !open.connections.is_empty());
        drop(wait.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        while !self.lock().ended {
            match listener.accept() {
                Ok((socket, _)) => self.open(socket),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.waker.wait(listener, Interest::READING).is_err() {
                        return;
                    }
                }
                // A peer that is gone already, or no descriptor left: then one has to be closed first.
                Err(_) => {
                    let open = self.lock();
                    drop(self.closed.wait_timeout(open, RETRY).unwrap_or_else(PoisonError::into_inner));
                }
            }
        }
    }

    fn open(self: &Arc<Self>, socket: TcpStream) {
        // Without a thread or a second descriptor the connection is dropped, and the node tells that it was.
        let Ok(registered) = socket.try_clone() else { return };
        let id = {
            let mut open = self.lock();
            if open.ended {
                return;
            }
            open.next += 1;
            let id = open.next;
            open.connections.insert(id, Connection { socket: registered, owner: None });
            id
        };
        let thread = std::thread::Builder::new().name("dora-node".into()).stack_size(256 * 1024).spawn({
            let shared = self.clone();
            move || {
                connection::serve(&shared, id, socket);
                shared.forget(id);
            }
        });
        if thread.is_err() {
            self.forget(id);
        }
    }

    /// Notes whose a connection is.
    pub fn own(&self, id: u64, flow: DataflowId, node: usize) {
        if let Some(connection) = self.lock().connections.get_mut(&id) {
            connection.owner = Some((flow, node));
        }
    }

    fn forget(&self, id: u64) {
        self.lock().connections.remove(&id);
        self.closed.notify_all();
    }
}
