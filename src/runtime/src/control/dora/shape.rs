//! The descriptor of a dataflow as it is now, after nodes and connections were added and taken out.

use dora_message::config::{Input, InputMapping};
use dora_message::descriptor::{Descriptor, Node};
use serde_json::json;

use crate::model::{EdgeInfo, NodeInfo, TopicInfo};

/// Brings a descriptor up to the nodes, edges and outputs that a running dataflow has.
pub fn current(descriptor: &mut Descriptor, nodes: &[NodeInfo], edges: &[EdgeInfo], topics: &[TopicInfo]) {
    descriptor.nodes.retain(|node| nodes.iter().any(|live| live.node == node.id));
    for live in nodes {
        if descriptor.nodes.iter().any(|node| node.id == live.node) {
            continue;
        }
        let outputs: Vec<_> = topics.iter().filter(|topic| topic.topic.node == live.node).collect();
        let outputs: Vec<_> = outputs.into_iter().map(|topic| &topic.topic.output).collect();
        let node = json!({ "id": live.node, "path": live.source, "outputs": outputs });
        descriptor.nodes.extend(serde_json::from_value::<Node>(node));
    }
    for node in &mut descriptor.nodes {
        // The inputs of operators are declared below them, and are not connected anew.
        if node.operator.is_none() && node.operators.is_none() {
            inputs(node, nodes, edges);
        }
    }
}

fn inputs(node: &mut Node, nodes: &[NodeInfo], edges: &[EdgeInfo]) {
    // An edge that is closed though its sender runs was taken out; one whose sender has ended is there still.
    let runs = |edge: &EdgeInfo| {
        let sender = edge.source.split('/').next();
        nodes.iter().any(|node| Some(node.node.as_ref()) == sender && !node.status.is_ended())
    };
    let is_there = |edge: &&EdgeInfo| edge.node == node.id && !(edge.closed && runs(edge));
    let of_node: Vec<&EdgeInfo> = edges.iter().filter(is_there).collect();
    node.inputs.retain(|id, _| of_node.iter().any(|edge| edge.input == *id));
    for edge in of_node {
        let Ok(mapping) = edge.source.parse::<InputMapping>() else { continue };
        match node.inputs.get_mut(&edge.input) {
            Some(input) => input.mapping = mapping,
            None => {
                let input =
                    Input { mapping, queue_size: Some(edge.queue_size), input_timeout: None, queue_policy: None };
                node.inputs.insert(edge.input.clone(), input);
            }
        }
    }
}
