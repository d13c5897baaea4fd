use runtime::model::NodeQuery;

use crate::ask;
use crate::model;
use crate::prelude::*;

pub static LIST: Command = Command {
    name: "node list",
    category: Category::Node,
    summary: "Lists nodes with their processes, load and message counts",
    params: &[
        Param::optional("dataflow", Takes::Name("dataflow"), "Only of this one"),
        Param::switch("all", Some('a'), "Of ended dataflows too"),
    ],
    io: &[("nothing", model::NODES), ("record", model::NODES)],
    examples: &[
        try_it("What works hard", "node list | where cpu > 80"),
        try_it("Of one dataflow", "node list camera | select name status memory"),
    ],
    search: &["ps", "processes", "top"],
    yields: Some("node"),
    run: |call, input| {
        let dataflow = match crate::dataflow::named(call, "dataflow", input) {
            Ok(names) => names.into_iter().next().map(Into::into),
            Err(error) if error.code == codes::NO_TARGET => None,
            Err(error) => return Err(error),
        };
        let query = NodeQuery { dataflow, all: call.switch("all") };
        let handle = ask::handle(call)?;
        let infos = ask::answer(call, async move { handle.nodes(query).await })?;
        model::table(infos.iter().map(model::node).collect(), model::NODES, Some("node"))
    },
    ..Command::DEFAULT
};
