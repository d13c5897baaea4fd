use table::json;

use super::{DATAFLOW, KEY, NODE};
use crate::ask;
use crate::prelude::*;

pub static LIST: Command = Command {
    name: "param list",
    category: Category::Node,
    summary: "Lists the parameters that were set on a node",
    params: &[NODE, DATAFLOW, WATCH, INTERVAL],
    io: &[("nothing", "table<key: string, value: any>")],
    examples: &[try_it("Of one node", "param list camera/detector")],
    search: &["parameters", "settings"],
    run: |call, _| {
        let at = super::node(call)?;
        let handle = ask::handle(call)?;
        let params = ask::answer(call, async move { handle.params(at).await })?;
        let rows = params.into_iter().map(|(key, value)| {
            let fields = [("key", Value::string(key)), ("value", json::from_json(value))];
            Value::record(fields.into_iter().collect())
        });
        Ok(Data::Value(Value::list(rows.collect::<Vec<_>>())))
    },
    ..Command::DEFAULT
};

pub static GET: Command = Command {
    name: "param get",
    category: Category::Node,
    summary: "Gives a parameter that was set on a node",
    params: &[NODE, KEY, DATAFLOW],
    io: &[("nothing", "any")],
    examples: &[try_it("One", "param get camera/detector threshold")],
    search: &["parameters", "settings"],
    run: |call, _| {
        let at = super::node(call)?;
        let key: String = call.required("key")?;
        let handle = ask::handle(call)?;
        let node = at.clone();
        let params = ask::answer(call, async move { handle.params(node).await })?;
        match params.get(&key) {
            Some(value) => Ok(Data::Value(json::from_json(value.clone()))),
            None => {
                let error =
                    Diagnostic::new(codes::PARAM_NOT_FOUND, format!("node `{}` has no parameter `{key}`", at.node))
                        .label(call.span("key"), "not set");
                Err(match diag::suggest::did_you_mean(&key, params.keys().map(String::as_str)) {
                    Some(hint) => error.help(hint),
                    None => error.next(format!("param list {}", crate::node::written(&at))),
                })
            }
        }
    },
    ..Command::DEFAULT
};
