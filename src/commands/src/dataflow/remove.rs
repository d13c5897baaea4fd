use futures::future::FutureExt;

use crate::ask;
use crate::changes::{self, DRY_RUN, Target, YES};
use crate::prelude::*;

pub static REMOVE: Command = Command {
    name: "dataflow remove",
    category: Category::Dataflow,
    summary: "Removes ended dataflows with their logs and events",
    params: &[
        Param::rest("dataflows", Takes::Name("dataflow"), "Names or ids; the rows that flow in without any"),
        Param::switch("force", Some('f'), "Kill those that still run first"),
        YES,
        DRY_RUN,
    ],
    io: changes::IO,
    examples: &[
        try_it("One", "dataflow remove camera"),
        try_it("All old ones", "dataflow list --all | where ended < (date now) - 1wk | remove --yes"),
    ],
    search: &["delete", "clean", "rm"],
    destructive: true,
    run: |call, input| {
        let targets = changes::targets(call, "dataflows", input)?;
        let force = call.switch("force");
        let handle = ask::handle(call)?;
        let check = |target: &Target| {
            let (handle, key) = (handle.clone(), target.key.clone());
            let check = async move {
                let info = handle.inspect(key).await?.info;
                if force || info.status.is_ended() {
                    Ok(())
                } else {
                    Err(runtime::embedded::answers::still_runs(&info.name))
                }
            };
            check.boxed()
        };
        changes::verify(call, targets.iter().map(check).collect())?;
        changes::confirm(call, "remove with all logs:", &targets)?;
        changes::apply(call, "dataflow", "remove", targets, |target| {
            let (handle, key) = (handle.clone(), target.key.clone());
            Box::pin(async move { handle.remove(key, force).await.map(|_| None) })
        })
    },
    ..Command::DEFAULT
};
