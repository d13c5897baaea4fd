use std::sync::Arc as Shared;

use engine::error_value;

use crate::prelude::*;

pub static MAKE: Command = Command {
    name: "error make",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Raises an error",
    details: "The record has `msg`, and may have `code`, `help`, `label: {text}`, `next` and fields of your own, which `catch` gets.",
    params: &[
        Param::required("error", Takes::Type("oneof<record, string>"), "What to say"),
        Param::switch("unspanned", Some('u'), "Do not point at this call"),
    ],
    io: &[("nothing", "any"), ("any", "any")],
    examples: &[example("Caught", "try { error make {msg: 'no camera'} } catch {|e| $e.msg }", "\"no camera\"")],
    search: &["raise", "throw", "fail"],
    infer: Some(|_| Some(Type::Any)),
    run: |call, _| {
        let error: Value = call.required("error")?;
        let record = match &error {
            Value::Record(record) => (**record).clone(),
            Value::String(text) => [("msg", Value::String(text.clone()))].into_iter().collect(),
            other => {
                return Err(Diagnostic::new(
                    codes::WRONG_TYPE,
                    format!("expected a record, found {}", other.type_of()),
                )
                .label(call.span("error"), "here"));
            }
        };
        let Some(message) = record.get("msg") else {
            return Err(value::cell_path::unknown_column("msg", record.names())
                .label(call.span("error"), "an error needs a `msg`"));
        };
        let text = |name: &str| record.get(name).filter(|value| !value.is_nothing()).map(value::text::to_text);
        let mut raised = Diagnostic::new(codes::RAISED, value::text::to_text(message));
        let label = record
            .get("label")
            .and_then(Value::as_record)
            .and_then(|label| label.get("text"))
            .map(value::text::to_text);
        if !call.switch("unspanned") {
            raised = raised.label(call.head, label.unwrap_or_else(|| "raised here".into()));
        }
        if let Some(help) = text("help") {
            raised = raised.help(help);
        }
        if let Some(Value::List(next)) = record.get("next") {
            for command in next.iter() {
                raised = raised.next(value::text::to_text(command));
            }
        }
        let known = ["msg", "label", "labels", "help", "next"];
        let own: Record = record
            .iter()
            .filter(|(name, _)| !known.contains(name))
            .map(|(name, value)| (name, value.clone()))
            .collect();
        Err(if own.is_empty() { raised } else { error_value::with_fields(raised, own) })
    },
    ..Command::DEFAULT
};

pub static EXPLAIN: Command = Command {
    name: "error explain",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Explains an error code: what it means, why it happens and how to mend it",
    params: &[Param::required("code", Takes::Type("any"), "The code: `DORA_E305`, `E305` or `305`")],
    io: &[("nothing", "string")],
    examples: &[try_it("A code", "error explain E305")],
    search: &["help", "code", "docs"],
    infer: Some(|_| Some(Type::String)),
    run: |call, _| {
        let name = value::text::to_text(&call.required("code")?);
        match codes::Code::find(&name) {
            Some(code) => Ok(Data::Value(Value::string(crate::prose::plain(code.page(), crate::prose::width(call))))),
            None => {
                let all = codes::Code::all();
                let wanted = name.to_uppercase();
                let near = diag::suggest::did_you_mean(&wanted, all.iter().map(|code| code.id()));
                let error = Diagnostic::new(codes::UNKNOWN_NAME, format!("there is no error code `{name}`"))
                    .label(call.span("code"), "here");
                Err(error.help(near.unwrap_or_else(|| "`error list` shows them all".into())))
            }
        }
    },
    ..Command::DEFAULT
};

pub static LIST: Command = Command {
    name: "error list",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Lists all error codes",
    io: &[("nothing", "table<code: string, title: string, exit: int>")],
    examples: &[try_it("About tables", "error list | where code starts-with DORA_E4")],
    run: |_, _| {
        let columns: Shared<Vec<Arc<str>>> = Shared::new(vec!["code".into(), "title".into(), "exit".into()]);
        let rows = codes::Code::all().into_iter().map(|code| {
            let cells = vec![Value::from(code.id()), Value::from(code.title()), Value::Int(code.exit() as i64)];
            Value::record(Record::from_parts(columns.clone(), cells))
        });
        Ok(Data::Value(Value::list(rows.collect::<Vec<_>>())))
    },
    ..Command::DEFAULT
};
