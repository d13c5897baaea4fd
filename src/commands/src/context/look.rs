use std::time::Instant;

use runtime::control::contexts::{LOCAL, VARIABLE};
use store::contexts::ContextRow;

use crate::ask;
use crate::prelude::*;

const CONTEXTS: &str =
    "table<name: string, current: bool, kind: string@[home coordinator], address: string, token_file: string>";
const CONTEXT: &str = "record<name: string, kind: string@[home coordinator], address: string, token_file: string, \
    chosen_by: string@[session variable], reachable: bool, took: duration, error: string>";

pub static LIST: Command = Command {
    name: "context list",
    category: Category::Daemon,
    summary: "Lists the contexts: this home, and the coordinators that were added",
    params: &[WATCH, INTERVAL],
    io: &[("nothing", CONTEXTS)],
    examples: &[try_it("All of them", "context list")],
    search: &["contexts", "clusters", "env"],
    yields: Some("context"),
    run: |call, _| {
        let contexts = ask::contexts(call)?;
        let current = crate::rows::here(call, contexts.name(ask::named(call).as_deref()))?;
        let home = fields(LOCAL, None);
        let others = crate::rows::here(call, contexts.all())?;
        let rows = std::iter::once(home).chain(others.iter().map(|row| fields(&row.name, Some(row))));
        let rows = rows.map(|[name, kind, address, token]| {
            let is_current = ("current", Value::Bool(name.1.as_str() == Some(current.as_str())));
            Value::record([name, is_current, kind, address, token].into_iter().collect())
        });
        crate::model::table(rows.collect(), CONTEXTS, Some("context"))
    },
    ..Command::DEFAULT
};

pub static SHOW: Command = Command {
    name: "context show",
    category: Category::Daemon,
    summary: "Shows the present context, what chose it, and whether it answers",
    io: &[("nothing", CONTEXT)],
    examples: &[try_it("Where am I?", "context show")],
    search: &["current", "status"],
    run: |call, _| {
        let contexts = ask::contexts(call)?;
        let variable = ask::named(call);
        let name = crate::rows::here(call, contexts.name(variable.as_deref()))?;
        let row = match name.as_str() {
            LOCAL => None,
            name => Some(crate::rows::here(call, contexts.row(name))?),
        };
        let handle = ask::handle(call)?;
        let start = Instant::now();
        let answer = call.context().block_on(async move { handle.list(false).await })?;
        let took = start.elapsed();
        let error = answer.err().map(|error| format!("{}: {}", error.code.id(), error.message));
        let chosen_by = if variable.is_some() { "variable" } else { "session" };
        let seen = [
            ("chosen_by", Value::from(chosen_by)),
            ("reachable", Value::Bool(error.is_none())),
            ("took", crate::model::duration(took)),
            ("error", error.into()),
        ];
        let record = fields(&name, row.as_ref()).into_iter().chain(seen).collect();
        Ok(Data::Value(Value::record(record)))
    },
    details: "The variable DORA_CONTEXT names the context of one command, or of a shell that is started with it; so does the \
              option `--context` of `dora`.",
    ..Command::DEFAULT
};

fn fields(name: &str, row: Option<&ContextRow>) -> [(&'static str, Value); 4] {
    let kind = if row.is_some() { "coordinator" } else { "home" };
    let token = row.and_then(|row| row.token_path.as_ref()).map(|path| path.display().to_string());
    [
        ("name", Value::from(name)),
        ("kind", Value::from(kind)),
        ("address", row.map(|row| row.address.clone()).into()),
        ("token_file", token.into()),
    ]
}

/// Says that a variable goes on to name another context for programs that are started elsewhere.
pub(super) fn warn_of_variable(call: &Call<'_>, chosen: &str) {
    if let Some(named) = ask::named(call).filter(|named| named != chosen) {
        call.context()
            .ui()
            .notice(&format!("{VARIABLE} says `{named}` where this shell was started, and goes on to say so there"));
    }
}
