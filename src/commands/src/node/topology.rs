use futures::future::FutureExt;
use runtime::model::{Connection, DataId, InputRef, NodeId, NodeQuery, NodeRef, QueuePolicy};

use super::change::{DATAFLOW, stop_options};
use crate::ask;
use crate::changes::{self, DRY_RUN, FORCE, GRACE_PERIOD, Target, WAIT_TIMEOUT, YES};
use crate::prelude::*;

const FILE: Param =
    Param::required("file", Takes::Path, "A YAML file with one node, as it would stand in the list of a dataflow");
const OF: Param = Param::required("dataflow", Takes::Name("dataflow"), "The running dataflow");

pub static ADD: Command = Command {
    name: "node add",
    category: Category::Node,
    summary: "Adds a node to a dataflow that runs, and starts it",
    details: "Its inputs may name any output of the dataflow, timers and logs. Existing nodes are fed by it with `node connect`.",
    params: &[OF, FILE, WAIT_TIMEOUT, DRY_RUN],
    io: &[("nothing", changes::TABLE)],
    examples: &[try_it("A monitor", "node add camera monitor.yml")],
    search: &["dynamic", "topology", "insert"],
    run: |call, _| {
        let dataflow: String = call.required("dataflow")?;
        let text = descriptor(call)?;
        let handle = ask::handle(call)?;
        let limit = changes::wait_limit(call)?;
        let target = Target { name: dataflow.clone(), key: dataflow };
        changes::apply(call, "node", "add", vec![target], |target| {
            let (handle, dataflow, text) = (handle.clone(), target.key.clone(), text.clone());
            changes::within(
                limit,
                Box::pin(async move {
                    let info = handle.add_node(dataflow.as_str(), text).await?;
                    let name = value::literal::bare_or_quoted(&format!("{dataflow}/{}", info.node));
                    Ok(Some(format!("node remove {name} --yes")))
                }),
            )
        })
    },
    ..Command::DEFAULT
};

pub static REMOVE: Command = Command {
    name: "node remove",
    category: Category::Node,
    summary: "Stops nodes and takes them out of their dataflow, which goes on",
    details: "The inputs that they fed close.",
    params: &[
        Param::rest("nodes", Takes::Name("node"), "Names, or `dataflow/node`; the rows that flow in without any"),
        DATAFLOW,
        GRACE_PERIOD,
        FORCE,
        YES,
        DRY_RUN,
    ],
    io: changes::IO,
    examples: &[try_it("One", "node remove camera/monitor --yes")],
    search: &["delete", "dynamic", "topology"],
    destructive: true,
    run: |call, input| {
        let options = stop_options(call)?;
        let (targets, nodes): (Vec<_>, Vec<_>) = super::targets(call, input)?.into_iter().unzip();
        let handle = ask::handle(call)?;
        let check = |at: &NodeRef| {
            let (handle, at) = (handle.clone(), at.clone());
            let check = async move {
                let query = NodeQuery { dataflow: Some(at.dataflow.clone()), all: false };
                let nodes = handle.nodes(query).await?;
                let known = nodes.iter().any(|info| info.node == at.node);
                let names = nodes.iter().map(|info| info.node.to_string());
                if known { Ok(()) } else { Err(super::unknown(at.node.as_ref(), names)) }
            };
            check.boxed()
        };
        changes::verify(call, nodes.iter().map(check).collect())?;
        changes::confirm(call, "take out of the dataflow:", &targets)?;
        changes::apply_each(call, "node", "remove", targets.into_iter().zip(nodes), |at| {
            let (handle, at) = (handle.clone(), at.clone());
            Box::pin(async move { handle.remove_node(at, options).await.map(|_| None) })
        })
    },
    ..Command::DEFAULT
};

pub static REPLACE: Command = Command {
    name: "node replace",
    category: Category::Node,
    summary: "Puts another definition in the place of the node whose id it has, and starts that",
    details: "What waits for the node is kept for inputs that both have; its consumers' inputs stay open.",
    params: &[OF, FILE, GRACE_PERIOD, FORCE, WAIT_TIMEOUT, DRY_RUN],
    io: &[("nothing", changes::TABLE)],
    examples: &[try_it("With other arguments", "node replace camera detector.yml")],
    search: &["dynamic", "topology", "swap"],
    run: |call, _| {
        let dataflow: String = call.required("dataflow")?;
        let text = descriptor(call)?;
        let options = stop_options(call)?;
        let limit = changes::wait_limit(call)?;
        let handle = ask::handle(call)?;
        let target = Target { name: dataflow.clone(), key: dataflow };
        changes::apply(call, "node", "replace", vec![target], |target| {
            let (handle, dataflow, text) = (handle.clone(), target.key.clone(), text.clone());
            changes::within(
                limit,
                Box::pin(async move { handle.replace_node(dataflow, text, options).await.map(|_| None) }),
            )
        })
    },
    ..Command::DEFAULT
};

const INPUT: Param = Param::required("input", Takes::Type("string"), "`node/input`, or `dataflow/node/input`");

pub static CONNECT: Command = Command {
    name: "node connect",
    category: Category::Node,
    summary: "Feeds an input of a running node: a new one, or one that nothing feeds",
    params: &[
        Param::required("source", Takes::Name("topic"), "`node/output`, `dora/timer/millis/100`, or `dora/logs`"),
        INPUT,
        DATAFLOW,
        Param::flag("queue-size", None, Takes::Type("int"), "How many messages may wait; 10 by default"),
        Param::flag(
            "queue-policy",
            None,
            Takes::Words(&["drop_oldest", "backpressure"]),
            "What happens when it is full",
        ),
        DRY_RUN,
    ],
    io: &[("nothing", changes::TABLE)],
    examples: &[try_it("One more consumer", "node connect camera/image monitor/image --dataflow vision")],
    search: &["dynamic", "topology", "wire", "mapping"],
    run: |call, _| {
        let source: String = call.required("source")?;
        let (dataflow, to) = input(call)?;
        let policy = call.optional::<String>("queue-policy")?.and_then(|word| word.parse::<QueuePolicy>().ok());
        let connection =
            Connection { source, to, queue_size: crate::rows::count(call, "queue-size")?, queue_policy: policy };
        let handle = ask::handle(call)?;
        let name = format!("{}/{}", connection.to.node, connection.to.input);
        let target = Target { name, key: dataflow };
        changes::apply(call, "input", "connect", vec![target], |target| {
            let (handle, dataflow, connection) = (handle.clone(), target.key.clone(), connection.clone());
            let undo = format!("node disconnect {} --dataflow {dataflow}", target.name);
            Box::pin(async move { handle.connect(dataflow, connection).await.map(|()| Some(undo)) })
        })
    },
    ..Command::DEFAULT
};

pub static DISCONNECT: Command = Command {
    name: "node disconnect",
    category: Category::Node,
    summary: "Ends the feeding of an input: for its node it closes",
    params: &[INPUT, DATAFLOW, DRY_RUN],
    io: &[("nothing", changes::TABLE)],
    examples: &[try_it("One", "node disconnect monitor/image --dataflow vision")],
    search: &["dynamic", "topology", "wire", "mapping"],
    run: |call, _| {
        let (dataflow, input) = input(call)?;
        let handle = ask::handle(call)?;
        let target = Target { name: format!("{}/{}", input.node, input.input), key: dataflow };
        changes::apply(call, "input", "disconnect", vec![target], |target| {
            let (handle, dataflow, input) = (handle.clone(), target.key.clone(), input.clone());
            Box::pin(async move { handle.disconnect(dataflow, input).await.map(|()| None) })
        })
    },
    ..Command::DEFAULT
};

/// The text of the file that a call names.
fn descriptor(call: &Call<'_>) -> Result<String> {
    let shown: String = call.required("file")?;
    let path = call.env().resolve(&shown);
    std::fs::read_to_string(&path)
        .map_err(|error| crate::files::open::missing(&shown, &path, &error).label(call.span("file"), "this file"))
}

/// The input that a call means, and its dataflow.
fn input(call: &Call<'_>) -> Result<(String, InputRef)> {
    let text: String = call.required("input")?;
    let given: Option<String> = call.optional("dataflow")?;
    let parts: Vec<&str> = text.split('/').collect();
    let (dataflow, node, input) = match (given, parts.as_slice()) {
        (Some(dataflow), [node, input @ ..]) if !input.is_empty() => (dataflow, *node, input.join("/")),
        (None, [node, input]) => {
            let handle = ask::handle(call)?;
            let nodes = ask::answer(call, async move { handle.nodes(Default::default()).await })?;
            let at = super::only(&nodes, node).map_err(|error| error.label(call.span("input"), "whose input?"))?;
            (at.dataflow.0, *node, input.to_string())
        }
        (None, [dataflow, node, input @ ..]) if !input.is_empty() => (dataflow.to_string(), *node, input.join("/")),
        _ => {
            return Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("`{text}` names no input"))
                .label(call.span("input"), "`node/input` is expected"));
        }
    };
    Ok((dataflow, InputRef { node: NodeId::from(node.to_string()), input: DataId::from(input) }))
}
