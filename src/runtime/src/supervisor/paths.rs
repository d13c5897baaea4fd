//! Which way an output's messages take: through the router, or from node to node.
//!
//! The router's way loses nothing and shows everything, and is as fast up to some hundred kilobytes. Beyond that
//! the copies cost more than the message; stock nodes can then hand it to each other in shared memory, over zenoh,
//! which they do by themselves when they are told where to find each other. An output is decided when its node
//! starts, and stays so for the life of that process.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, TcpListener};

use dora_message::daemon_to_node::{OutputRouting, RequiredAcker};
use dora_message::id::{DataId, NodeId};

use super::dataflow::Dataflow;
use crate::descriptor::meaning::SHELL;
use crate::descriptor::plan::{Plan, PlannedNode};
use crate::descriptor::resolve::BUILTIN;
use crate::model::{DataPath, PathChoice, QueuePolicy, TopicInfo};
use crate::router::wiring::{LARGE, Wiring};

/// The variable that tells a node how large its pool of shared memory is.
const POOL_SIZE: &str = "DORA_NODE_SHM_POOL_SIZE";
/// What a pool has to hold at least: dora's own default falls off the direct way at a few megabytes.
const SMALLEST_POOL: u64 = 64 << 20;
/// As many messages of the largest size are on their way or in use at once.
const MESSAGES_IN_POOL: u64 = 8;
/// More than this is reserved for nobody unasked.
const LARGEST_POOL: u64 = 1 << 30;

/// What an earlier run of the same dataflow has told of its outputs.
pub type Learned = BTreeMap<(NodeId, DataId), Habit>;

/// How large the messages of an output were, and which way they took.
#[derive(Debug, Clone, Copy)]
pub struct Habit {
    pub largest: u64,
    pub path: DataPath,
}

/// What the topics of an earlier run teach.
pub fn learn(topics: Vec<TopicInfo>) -> Learned {
    let habit =
        |topic: TopicInfo| ((topic.topic.node, topic.topic.output), Habit { largest: topic.largest, path: topic.path });
    topics.into_iter().map(habit).collect()
}

/// Decides the outputs of a node. Returns what cannot be as it was asked for, in a sentence each.
pub fn decide(flow: &Dataflow, node: usize, choice: PathChoice) -> Vec<String> {
    let plan = flow.plan();
    let wiring = flow.router.wiring();
    let (Some(planned), Some(port)) = (plan.nodes.get(node), wiring.ports.get(node)) else { return Vec::new() };
    let mut refused = Vec::new();
    for (name, route) in &port.outputs {
        let wanted = match choice {
            PathChoice::Routed => false,
            PathChoice::Direct => true,
            PathChoice::Auto => is_large(planned, name, &flow.learned),
        };
        let obstacle = wanted.then(|| obstacle(&plan, &wiring, node, name)).flatten();
        if let Some(why) = obstacle.filter(|_| choice == PathChoice::Direct && !route.subscribers.is_empty()) {
            refused.push(format!("its output `{name}` stays on the way through the runtime: {why}"));
        }
        route.output.direct.store(wanted && obstacle.is_none(), std::sync::atomic::Ordering::Relaxed);
    }
    refused
}

/// Whether an output is known to be large: by what the descriptor says, or by what it did before.
fn is_large(planned: &PlannedNode, output: &str, learned: &Learned) -> bool {
    let Ok(output) = output.parse::<DataId>() else { return false };
    let declared = planned.run_config.output_types.get(&output).is_some_and(|of| of.starts_with("std/media/"));
    let habit = learned.get(&(planned.id.clone(), output));
    let learned = habit.is_some_and(|habit| habit.largest >= LARGE as u64 || habit.path == DataPath::Direct);
    planned.run_config.shared_memory_pool_size.is_some() || declared || learned
}

/// Why an output cannot go from node to node.
fn obstacle(plan: &Plan, wiring: &Wiring, node: usize, output: &str) -> Option<&'static str> {
    let stock = |planned: &PlannedNode| {
        let name = planned.program.as_ref().and_then(|program| program.name.as_deref());
        name != Some(BUILTIN) && planned.operators.is_empty() && planned.source != SHELL
    };
    if plan.nodes.get(node).is_some_and(|planned| planned.dynamic) {
        return Some("it is sent by a dynamic node, which comes and goes");
    }
    if !plan.nodes.get(node).is_some_and(stock) {
        return Some("only nodes made with dora-rs itself can send so");
    }
    let subscribers = wiring.ports.get(node)?.outputs.get(output).map(|route| route.subscribers.as_slice())?;
    if subscribers.is_empty() {
        return Some("nobody takes it");
    }
    for target in subscribers {
        let consumer = plan.nodes.get(target.node)?;
        let input = wiring.ports.get(target.node)?.inputs.get(target.input)?;
        if consumer.dynamic {
            return Some("one of its consumers is a dynamic node, which comes and goes");
        }
        if !stock(consumer) {
            return Some("one of its consumers is not made with dora-rs itself");
        }
        if input.policy == QueuePolicy::Backpressure {
            return Some("one of its consumers asks for backpressure, which only the runtime can give");
        }
        if input.timeout.is_some() {
            return Some("one of its consumers has an input_timeout, which only the runtime can watch");
        }
    }
    None
}

/// What a node is told of the ways of its outputs.
pub struct Ways {
    pub routing: BTreeMap<DataId, OutputRouting>,
    /// Variables it needs for them.
    pub variables: Vec<(&'static str, String)>,
}

/// What a node is told of the ways of its outputs as they are now.
pub fn wiring_of(flow: &Dataflow, node: usize) -> io::Result<Ways> {
    let plan = flow.plan();
    let wiring = flow.router.wiring();
    let (Some(planned), Some(port)) = (plan.nodes.get(node), wiring.ports.get(node)) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let mut routing = BTreeMap::new();
    let mut sends = false;
    for output in &planned.run_config.outputs {
        let route = port.outputs.get(AsRef::<str>::as_ref(output));
        let direct = route.filter(|route| route.output.path() == DataPath::Direct);
        sends |= direct.is_some();
        let mut told = OutputRouting { daemon_only: direct.is_none(), ..OutputRouting::default() };
        for target in direct.into_iter().flat_map(|route| &route.subscribers) {
            let Some(consumer) = wiring.ports.get(target.node) else { continue };
            let Some(input) = consumer.inputs.get(target.input) else { continue };
            told.required_ackers.insert(RequiredAcker { node_id: consumer.id.clone(), input_id: input.id.clone() });
        }
        routing.insert(output.clone(), told);
    }
    // Nodes open a zenoh session even if they never use it; without an endpoint they scout for peers first. Each has
    // an endpoint that is known, so that others find it when they are to send to it directly later on.
    let mut variables =
        vec![("DORA_ZENOH_MULTICAST", "off".to_string()), ("DORA_ZENOH_LISTEN", locator(flow.zenoh_port(node)?))];
    let up = flow.ready_among(&peers(&wiring, node));
    let locators = up.into_iter().map(|peer| flow.zenoh_port(peer).map(locator)).collect::<io::Result<Vec<_>>>()?;
    if !locators.is_empty() {
        variables.push(("DORA_ZENOH_CONNECT", locators.join(",")));
    }
    // Whoever sets it knows better than what was sent before.
    let is_given = planned.env.contains_key(POOL_SIZE) || std::env::var_os(POOL_SIZE).is_some();
    if sends && planned.run_config.shared_memory_pool_size.is_none() && !is_given {
        variables.push((POOL_SIZE, pool_size(planned, &flow.learned).to_string()));
    }
    Ok(Ways { routing, variables })
}

/// The nodes at the other ends of a node's direct edges.
///
/// Nodes have half a second from the barrier on to meet, and zenoh waits for seconds when it dials somebody who is
/// not there. So a node dials those that are ready when it starts, and is started when those before it in the plan are.
pub fn peers(wiring: &Wiring, node: usize) -> BTreeSet<usize> {
    let mut peers = BTreeSet::new();
    for (source, port) in wiring.ports.iter().enumerate() {
        for route in port.outputs.values().filter(|route| route.output.path() == DataPath::Direct) {
            for target in &route.subscribers {
                if source == node {
                    peers.insert(target.node);
                } else if target.node == node {
                    peers.insert(source);
                }
            }
        }
    }
    peers.remove(&node);
    peers
}

/// How large a node's pool has to be for what it sent before.
fn pool_size(planned: &PlannedNode, learned: &Learned) -> u64 {
    let outputs = planned.run_config.outputs.iter();
    let largest =
        outputs.filter_map(|output| learned.get(&(planned.id.clone(), output.clone()))).map(|habit| habit.largest);
    (largest.sum::<u64>() * MESSAGES_IN_POOL).clamp(SMALLEST_POOL, LARGEST_POOL)
}

fn locator(port: u16) -> String {
    format!("tcp/127.0.0.1:{port}")
}

/// A port that is free now. Another program may take it before the node does; the node's messages then come
/// through the runtime, and are counted as fallbacks.
pub fn free_port() -> io::Result<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr().map(|address| address.port())
}
