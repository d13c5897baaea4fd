use runtime::model::StopOptions;

use crate::ask;
use crate::changes::{self, DRY_RUN};
use crate::prelude::*;

pub static STOP: Command = Command {
    name: "dataflow stop",
    category: Category::Dataflow,
    summary: "Stops dataflows: nodes are asked, then told, then killed",
    params: &[
        Param::rest("dataflows", Takes::Name("dataflow"), "Names or ids; the rows that flow in without any"),
        Param::flag(
            "grace",
            Some('g'),
            Takes::Type("duration"),
            "How long nodes may take before they are told; 10sec by default",
        ),
        Param::switch("force", Some('f'), "Kill at once"),
        DRY_RUN,
    ],
    io: changes::IO,
    examples: &[
        try_it("One", "dataflow stop camera"),
        try_it("All that run", "dataflow list | where status == running | stop"),
    ],
    search: &["end", "kill", "down"],
    run: |call, input| {
        let targets = changes::targets(call, "dataflows", input)?;
        let options = StopOptions { grace: call.optional("grace")?, force: call.switch("force") };
        let handle = ask::handle(call)?;
        changes::apply(call, "dataflow", "stop", targets, |target| {
            let (handle, key) = (handle.clone(), target.key.clone());
            Box::pin(async move {
                let info = handle.stop(key, options).await?;
                let file = info.file.map(|file| value::literal::bare_or_quoted(&file.display().to_string()));
                Ok(file
                    .map(|file| format!("dataflow start {file} --name {}", value::literal::bare_or_quoted(&info.name))))
            })
        })
    },
    ..Command::DEFAULT
};
