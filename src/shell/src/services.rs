//! What commands reach through their context: the store, and the runtimes of this home.

use std::sync::Arc;

use commands::live::World;
use diag::{Result, Sources};
use engine::{Context, Env};
use runtime::control::contexts::{LOCAL, VARIABLE};
use runtime::control::{Contexts, Fleet};
use runtime::model::Topic;
use store::runtimes::RuntimeKind;
use store::{Home, Store};

/// The store and the runtimes. Making them opens and starts nothing: that waits until a command asks.
pub struct Services {
    store: Store,
    fleet: Fleet,
    contexts: Arc<Contexts>,
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
        let contexts = Arc::new(Contexts::new(store.clone(), &fleet));
        Ok(Services { store, fleet, contexts })
    }

    /// The names that checking and completion know: from the store, and topics from what the runtimes have published,
    /// both of which answer at once whatever runs where.
    pub fn world(&self) -> World {
        let (store, contexts, fleet) = (self.store.clone(), self.contexts.clone(), self.fleet.clone());
        World::new(Arc::new(move |resource| match resource {
            "context" => {
                let known = contexts.all().unwrap_or_default();
                let home = (LOCAL.to_string(), String::from("the dataflows of this home"));
                std::iter::once(home).chain(known.into_iter().map(|row| (row.name, row.address))).collect()
            }
            // The names of a coordinator are known to it alone, and it may be far away.
            "dataflow" | "node" if is_elsewhere(&contexts) => Vec::new(),
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
            "builtin" => nodes::described().into_iter().map(|node| (node.name, node.summary)).collect(),
            "topic" => topics(&fleet),
            _ => Vec::new(),
        }))
    }

    /// Hands them to commands.
    pub fn provide(self, context: &Context) {
        context.provide_shared(self.contexts);
        context.provide(self.fleet);
        context.provide(self.store);
    }
}

fn is_elsewhere(contexts: &Contexts) -> bool {
    let named = std::env::var(VARIABLE).ok();
    contexts.name(named.as_deref()).is_ok_and(|name| name != LOCAL)
}

/// The topics of what runs, with their rates; those of one name with their dataflows. No runtime is asked.
fn topics(fleet: &Fleet) -> Vec<(String, String)> {
    let snapshots = fleet.look().unwrap_or_default().snapshots;
    let flows: Vec<_> = snapshots.iter().flat_map(|snapshot| &snapshot.flows).collect();
    let all: Vec<_> =
        flows.iter().flat_map(|flow| flow.topics.iter().map(move |(topic, rate)| (*flow, topic, rate))).collect();
    let name = |flow: &str, topic: &Topic| match all.iter().filter(|(_, other, _)| *other == topic).count() {
        1 => topic.to_string(),
        _ => format!("{flow}/{topic}"),
    };
    all.iter().map(|(flow, topic, rate)| (name(&flow.name, topic), format!("{rate:.1} Hz"))).collect()
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

/// The context that commands go to, when that is not this home.
pub fn elsewhere(context: &Context, env: &Env) -> Option<String> {
    let contexts = context.service::<Contexts>().ok()?;
    let named = env.get(VARIABLE).and_then(value::Value::as_str);
    contexts.name(named).ok().filter(|name| name != LOCAL)
}
