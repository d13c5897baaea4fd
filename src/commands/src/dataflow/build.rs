use std::time::Duration;

use runtime::model::{NodeInfo, StartOptions};

use crate::ask;
use crate::changes::{self, DRY_RUN, Target};
use crate::dataflow::start::{self, ALLOW_SHELL, ENV, FILE, REBUILD, STRICT_TYPES, UV, WORKING_DIR};
use crate::prelude::*;

pub static BUILD: Command = Command {
    name: "dataflow build",
    category: Category::Dataflow,
    summary: "Fetches and builds what the nodes of a dataflow have in `git` and `build`, and starts nothing",
    details: "What was built before by the same commands in the same directory is skipped. A branch is fetched again each \
              time. `dataflow logs` has what the commands printed.",
    params: &[FILE, WORKING_DIR, ENV, UV, REBUILD, STRICT_TYPES, ALLOW_SHELL, DRY_RUN],
    io: &[("nothing", changes::TABLE)],
    examples: &[
        try_it("All nodes", "dataflow build camera.yml"),
        try_it("Once more, with uv", "dataflow build camera.yml --rebuild --uv"),
    ],
    search: &["compile", "install", "git", "fetch"],
    run: |call, _| {
        let (shown, options) = start::options(call)?;
        let options = StartOptions { build_only: true, ..options };
        if call.switch("dry-run") {
            return planned(call, &options);
        }
        let handle = ask::handle(call)?;
        let file = call.env().resolve(&shown);
        let built = ask::answer_of_file(call, &file, async move {
            let info = handle.start(options).await?;
            handle.inspect(info.id).await
        });
        let result = built.as_ref().map(|_| None).map_err(Clone::clone);
        changes::audit(call, &Target { name: shown.clone(), key: shown }, &result);
        let built = built.map_err(|error| error.or_label(call.span("file"), "this dataflow"))?;
        Ok(Data::Value(Value::list(built.nodes.iter().map(row).collect::<Vec<_>>())))
    },
    ..Command::DEFAULT
};

/// What became of a node: one that took no time had nothing to be done.
fn row(node: &NodeInfo) -> Value {
    let name = format!("{}/{}", node.dataflow_name, node.node);
    let target = Target { key: name.clone(), name };
    let status = if node.started.is_some() { "ok" } else { "skipped" };
    let took = node.uptime.unwrap_or(Duration::ZERO);
    changes::row("node", "build", &target, status, took, None, None)
}

/// The nodes that have something to be built.
fn planned(call: &Call<'_>, options: &StartOptions) -> Result<Data> {
    let checked = super::validate::load(call, options)?;
    let nodes = checked.plan.nodes.iter().filter(|node| !node.build.is_empty());
    let rows = nodes.map(|node| {
        let target = Target { name: node.id.to_string(), key: node.id.to_string() };
        changes::row("node", "build", &target, "planned", Duration::ZERO, None, None)
    });
    Ok(Data::Value(Value::list(rows.collect::<Vec<_>>())))
}
