use runtime::control::contexts::VARIABLE;
use store::contexts::ContextRow;
use value::literal::bare_or_quoted;

use crate::ask;
use crate::changes::{self, DRY_RUN, Target, YES};
use crate::prelude::*;

pub static ADD: Command = Command {
    name: "context add",
    category: Category::Daemon,
    summary: "Adds a coordinator of dora-rs under a name, so that `context use` can choose it",
    details: "Nothing is connected to yet. Without `--token-file` the token of a coordinator that asks for one is looked for \
              where dora-rs looks: in DORA_AUTH_TOKEN, in `./.dora-token`, and in `dora/.dora-token` of the configuration \
              directory.",
    params: &[
        Param::required("name", Takes::Type("string"), "What to call it"),
        Param::required("address", Takes::Type("string"), "HOST or HOST:PORT; the port is 6013 by default"),
        Param::flag("token-file", None, Takes::Path, "The file that has its token, which only you may read"),
        DRY_RUN,
    ],
    io: &[("nothing", changes::TABLE)],
    examples: &[
        try_it("A robot", "context add robot robot.local:6013"),
        try_it("One that asks for a token", "context add lab 10.0.0.7 --token-file ~/.config/lab-token"),
    ],
    search: &["cluster", "coordinator", "connect"],
    run: |call, _| {
        let name: String = call.required("name")?;
        let row = ContextRow {
            name: name.clone(),
            address: call.required("address")?,
            token_path: call.path("token-file")?.map(|path| std::path::absolute(&path).unwrap_or(path)),
            created: jiff::Timestamp::now(),
        };
        let contexts = ask::contexts(call)?;
        let target = Target { name: name.clone(), key: name };
        changes::apply(call, "context", "add", vec![target], |target| {
            let (contexts, row) = (contexts.clone(), row.clone());
            let undo = format!("context remove {}", bare_or_quoted(&target.name));
            Box::pin(async move { contexts.add(row).map(|()| Some(undo)) })
        })
    },
    ..Command::DEFAULT
};

pub static USE: Command = Command {
    name: "context use",
    category: Category::Daemon,
    summary: "Chooses where commands go from now on: `local`, or a coordinator that was added",
    details: "It holds for this session and for those that begin later; sessions that run keep their context.",
    params: &[
        Param::optional("context", Takes::Name("context"), "Its name; the row that flows in without it"),
        DRY_RUN,
    ],
    io: changes::IO,
    examples: &[try_it("To the lab and back", "context use lab; dataflow list; context use local")],
    search: &["switch", "select", "env"],
    run: |call, input| {
        let name = crate::dataflow::one(call, "context", input)?;
        let contexts = ask::contexts(call)?;
        let before = crate::rows::here(call, contexts.name(ask::named(call).as_deref()))?;
        let target = Target { name: name.clone(), key: name.clone() };
        let changed = changes::apply(call, "context", "use", vec![target], |target| {
            let (contexts, name) = (contexts.clone(), target.key.clone());
            let undo = format!("context use {}", bare_or_quoted(&before));
            Box::pin(async move { contexts.choose(&name).map(|()| Some(undo)) })
        })?;
        if ask::named(call).is_some() && !call.switch("dry-run") {
            super::look::warn_of_variable(call, &name);
            call.env_mut().set(VARIABLE, Value::string(name));
        }
        Ok(changed)
    },
    ..Command::DEFAULT
};

pub static REMOVE: Command = Command {
    name: "context remove",
    category: Category::Daemon,
    summary: "Forgets coordinators; what runs on them goes on",
    params: &[
        Param::rest("contexts", Takes::Name("context"), "Names; the rows that flow in without any"),
        YES,
        DRY_RUN,
    ],
    io: changes::IO,
    examples: &[try_it("One", "context remove lab --yes")],
    search: &["delete", "forget", "rm"],
    destructive: true,
    run: |call, input| {
        let targets = changes::targets(call, "contexts", input)?;
        changes::confirm(call, "forget the context", &targets)?;
        let contexts = ask::contexts(call)?;
        changes::apply(call, "context", "remove", targets, |target| {
            let (contexts, key) = (contexts.clone(), target.key.clone());
            Box::pin(async move {
                let row = contexts.remove(&key)?;
                let token = row.token_path.map(|path| bare_or_quoted(&path.display().to_string()));
                let token = token.map(|path| format!(" --token-file {path}")).unwrap_or_default();
                let (name, address) = (bare_or_quoted(&row.name), bare_or_quoted(&row.address));
                Ok(Some(format!("context add {name} {address}{token}")))
            })
        })
    },
    ..Command::DEFAULT
};
