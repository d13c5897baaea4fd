use crate::ask;
use crate::changes::{self, DRY_RUN, Target, YES};
use crate::dataflow::filter::{self, FILTER};
use crate::prelude::*;

pub static PRUNE: Command = Command {
    name: "dataflow prune",
    category: Category::Dataflow,
    summary: "Removes all ended dataflows with their logs and events, or those that fit",
    params: &[
        FILTER,
        Param::flag("older-than", None, Takes::Type("duration"), "Only those that ended so long ago"),
        YES,
        DRY_RUN,
    ],
    io: &[("nothing", changes::TABLE)],
    examples: &[
        try_it("What would go", "dataflow prune --dry-run"),
        try_it("Old failures", "dataflow prune --filter 'status=failed,age>1wk' --yes"),
    ],
    search: &["clean", "cleanup", "gc"],
    destructive: true,
    run: |call, _| {
        let filter = filter::of(call)?;
        let older: Option<std::time::Duration> = call.optional("older-than")?;
        let handle = ask::handle(call)?;
        let infos = {
            let handle = handle.clone();
            ask::answer(call, async move { handle.list(true).await })?
        };
        let now = runtime::model::UnixNanos::now();
        let fits = |info: &&runtime::model::DataflowInfo| {
            let old = info.ended.is_some_and(|ended| older.is_none_or(|age| now.since(ended) >= age));
            old && filter.fits(info)
        };
        let targets: Vec<Target> = infos
            .iter()
            .filter(fits)
            .map(|info| Target { name: info.name.clone(), key: info.id.to_string() })
            .collect();
        changes::confirm(call, "remove with all logs:", &targets)?;
        changes::apply(call, "dataflow", "remove", targets, |target| {
            let (handle, key) = (handle.clone(), target.key.clone());
            Box::pin(async move { handle.remove(key, false).await.map(|_| None) })
        })
    },
    ..Command::DEFAULT
};
