use runtime::model::TopicQuery;

use crate::ask;
use crate::model;
use crate::prelude::*;

pub static LIST: Command = Command {
    name: "topic list",
    category: Category::Node,
    summary: "Lists the outputs of running dataflows, with rates and who takes them",
    params: &[Param::optional("dataflow", Takes::Name("dataflow"), "Only of this one"), WATCH, INTERVAL],
    io: &[
        ("nothing", model::TOPICS),
        ("record", model::TOPICS),
        ("table", model::TOPICS),
        ("list<any>", model::TOPICS),
        ("string", model::TOPICS),
    ],
    examples: &[try_it("The busiest", "topic list | sort-by bandwidth --reverse | first 5")],
    search: &["outputs", "messages", "bandwidth"],
    yields: Some("topic"),
    run: |call, input| {
        let mut infos = Vec::new();
        for dataflow in crate::dataflow::scopes(call, input)? {
            let handle = ask::handle(call)?;
            infos.extend(ask::answer(call, async move { handle.topics(TopicQuery { dataflow }).await })?);
        }
        model::table(infos.iter().map(model::topic).collect(), model::TOPICS, Some("topic"))
    },
    ..Command::DEFAULT
};
