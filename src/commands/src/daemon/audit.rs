use store::Store;

use crate::prelude::*;

pub static LIST: Command = Command {
    name: "audit list",
    category: Category::Daemon,
    summary: "Lists what was changed, when, by whom, and how to take it back; the newest first",
    params: &[
        Param::flag(
            "since",
            None,
            Takes::Type("oneof<duration, datetime>"),
            "From this moment on, or from so long ago",
        ),
        Param::flag("limit", Some('n'), Takes::Type("int"), "At most so many; 100 by default"),
        WATCH,
        INTERVAL,
    ],
    io: &[(
        "nothing",
        "table<time: datetime, command: string, result: string, undo: string, who: string, context: string, id: int>",
    )],
    examples: &[try_it("Today", "audit list --since 1day")],
    search: &["history", "journal", "changes"],
    run: |call, _| {
        let store = call.context().service::<Store>()?;
        let since = crate::dataflow::logs::moment(call, "since")?;
        let since = since.and_then(|at| jiff::Timestamp::from_nanosecond(at.0.into()).ok());
        let limit = crate::rows::count(call, "limit")?.unwrap_or(100);
        let rows = crate::rows::here(call, store.audits(since, limit))?.into_iter().map(|(id, audit)| {
            let nanos = i64::try_from(audit.time.as_nanosecond()).unwrap_or(i64::MAX);
            let fields = [
                ("time", Value::DateTime(crate::files::local(nanos))),
                ("command", Value::string(audit.command)),
                ("result", Value::string(audit.result)),
                ("undo", audit.undo.into()),
                ("who", Value::string(audit.who)),
                ("context", Value::string(audit.context)),
                ("id", Value::Int(id)),
            ];
            Value::record(fields.into_iter().collect())
        });
        Ok(Data::Value(Value::list(rows.collect::<Vec<_>>())))
    },
    ..Command::DEFAULT
};
