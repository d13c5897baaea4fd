//! What commands reach through their context: the store, and the runtimes of this home.

use std::sync::Arc;

use commands::live::World;
use diag::{Result, Sources};
use engine::Context;
use runtime::control::Fleet;
use store::runtimes::RuntimeKind;
use store::{Home, Store};

/// The store and the runtimes. Making them opens and starts nothing: that waits until a command asks.
pub struct Services {
    store: Store,
    fleet: Fleet,
}

impl Services {
    pub fn new(sources: &Sources) -> Result<Services> {
        let store = Store::open(Home::locate()?);
        let fleet = Fleet::new(runtime::Options {
            store: store.clone(),
            sources: sources.clone(),
            kind: RuntimeKind::Embedded,
            journal: None,
            executable: std::env::current_exe().unwrap_or_else(|_| "dora".into()),
        });
        Ok(Services { store, fleet })
    }

    /// The names that checking and completion know: from the store, which answers at once whatever runs where.
    pub fn world(&self) -> World {
        let store = self.store.clone();
        World::new(Arc::new(move |resource| match resource {
            "dataflow" => {
                let live = store.live_dataflows().unwrap_or_default();
                live.into_iter().map(|row| (row.name, row.status)).collect()
            }
            "node" => {
                let flows = store.live_dataflows().unwrap_or_default();
                let live = store.live_node_processes().unwrap_or_default();
                let name = |id| flows.iter().find(|flow| flow.id == id).map_or("", |flow| flow.name.as_str());
                // By its own name where one is enough, else within its dataflow.
                let alone = live.iter().map(|row| (row.node.clone(), name(row.dataflow).to_string()));
                let within = live.iter().map(|row| (format!("{}/{}", name(row.dataflow), row.node), String::new()));
                alone.chain(within).collect()
            }
            _ => Vec::new(),
        }))
    }

    /// Hands them to commands.
    pub fn provide(self, context: &Context) {
        context.provide(self.fleet);
        context.provide(self.store);
    }
}

/// Stops what this process's own runtime still runs: a script's flows end with it.
pub fn close(context: &Context) {
    let Ok(fleet) = context.service::<Fleet>() else { return };
    if !fleet.is_active() {
        return;
    }
    let stopped = context.tokio().and_then(|tokio| tokio.block_on(fleet.own().shutdown(false)));
    if let Err(error) = stopped {
        context.ui().notice(&error.message);
    }
}
