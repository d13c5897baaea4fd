use runtime::model::LogQuery;

use crate::dataflow::logs::{FOLLOW, GREP, LEVEL, SINCE, TAIL, UNTIL, query, read};
use crate::model;
use crate::prelude::*;

pub static LOGS: Command = Command {
    name: "node logs",
    category: Category::Node,
    summary: "Gives what a node said, in order of time",
    params: &[
        Param::optional("node", Takes::Name("node"), "Its name, or `dataflow/node`; the row that flows in without it"),
        Param::flag("dataflow", Some('d'), Takes::Name("dataflow"), "The dataflow it belongs to"),
        FOLLOW,
        TAIL,
        SINCE,
        UNTIL,
        LEVEL,
        GREP,
    ],
    io: &[
        ("nothing", model::LOGS),
        ("record", model::LOGS),
        ("table", model::LOGS),
        ("list<any>", model::LOGS),
        ("string", model::LOGS),
    ],
    examples: &[try_it("Its last lines", "node logs camera/detector --tail 20")],
    search: &["output", "stdout", "stderr"],
    run: |call, input| {
        let mut queries: Vec<LogQuery> = Vec::new();
        for at in super::all(call, input)? {
            // Nodes of one dataflow are read together, in order of time.
            match queries.iter_mut().find(|query| query.dataflow == at.dataflow) {
                Some(query) => query.nodes.push(at.node),
                None => queries.push(LogQuery { nodes: vec![at.node], ..query(call, at.dataflow.0)? }),
            }
        }
        read(call, queries)
    },
    ..Command::DEFAULT
};
