use table::json;

use super::{DATAFLOW, KEY, NODE};
use crate::ask;
use crate::changes::{self, DRY_RUN, Target};
use crate::prelude::*;

pub static SET: Command = Command {
    name: "param set",
    category: Category::Node,
    summary: "Sets a parameter of a running node, which is told at once and whenever it is started again",
    params: &[
        NODE,
        KEY,
        Param::required("value", Takes::Type("any"), "Any value that JSON can hold"),
        DATAFLOW,
        DRY_RUN,
    ],
    io: &[("nothing", changes::TABLE)],
    examples: &[
        try_it("A number", "param set camera/detector threshold 0.4"),
        try_it("A record", "param set camera/detector window {width: 320, height: 240}"),
    ],
    search: &["parameters", "settings", "configure"],
    run: |call, _| {
        let at = super::node(call)?;
        let key: String = call.required("key")?;
        let value = call.value("value").cloned().unwrap_or(Value::Nothing);
        let json = json::to_json(&value).map_err(|error| error.or_label(call.span("value"), "this value"))?;
        let handle = ask::handle(call)?;
        let undo = {
            let (handle, at) = (handle.clone(), at.clone());
            let before = ask::answer(call, async move { handle.params(at).await })?.remove(&key);
            let name = crate::node::written(&super::node(call)?);
            match before {
                Some(before) => {
                    format!("param set {name} {key} {}", value::literal::to_literal(&json::from_json(before)))
                }
                None => format!("param delete {name} {key}"),
            }
        };
        let target = Target { name: format!("{}/{key}", at.node), key };
        changes::apply(call, "param", "set", vec![target], |target| {
            let (handle, at, key) = (handle.clone(), at.clone(), target.key.clone());
            let (json, undo) = (json.clone(), undo.clone());
            Box::pin(async move { handle.set_param(at, key, json).await.map(|()| Some(undo)) })
        })
    },
    ..Command::DEFAULT
};

pub static DELETE: Command = Command {
    name: "param delete",
    category: Category::Node,
    summary: "Deletes a parameter of a running node, which is told of it",
    params: &[NODE, KEY, DATAFLOW, DRY_RUN],
    io: &[("nothing", changes::TABLE)],
    examples: &[try_it("One", "param delete camera/detector threshold")],
    search: &["parameters", "settings", "remove"],
    run: |call, _| {
        let at = super::node(call)?;
        let key: String = call.required("key")?;
        let handle = ask::handle(call)?;
        let target = Target { name: format!("{}/{key}", at.node), key };
        changes::apply(call, "param", "delete", vec![target], |target| {
            let (handle, at, key) = (handle.clone(), at.clone(), target.key.clone());
            Box::pin(async move { handle.delete_param(at, key).await.map(|()| None) })
        })
    },
    ..Command::DEFAULT
};
