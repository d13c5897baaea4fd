use crate::ask;
use crate::dataflow::filter::{self, FILTER};
use crate::model;
use crate::prelude::*;

pub static LIST: Command = Command {
    name: "dataflow list",
    category: Category::Dataflow,
    summary: "Lists the dataflows that have not ended, of all runtimes of this home",
    params: &[Param::switch("all", Some('a'), "Ended ones too"), FILTER, WATCH, INTERVAL],
    io: &[("nothing", model::DATAFLOWS)],
    examples: &[
        try_it("What runs", "dataflow list | where status == running"),
        try_it("What failed, newest first", "dataflow list --all | where status == failed | sort-by ended --reverse"),
    ],
    search: &["ps", "flows", "status"],
    yields: Some("dataflow"),
    run: |call, _| {
        let handle = ask::handle(call)?;
        let all = call.switch("all");
        let filter = filter::of(call)?;
        let infos = ask::answer(call, async move { handle.list(all).await })?;
        model::table(
            infos.iter().filter(|info| filter.fits(info)).map(model::dataflow).collect(),
            model::DATAFLOWS,
            Some("dataflow"),
        )
    },
    ..Command::DEFAULT
};
