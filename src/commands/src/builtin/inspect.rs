use crate::prelude::*;

pub static INSPECT: Command = Command {
    name: "builtin inspect",
    category: Category::Node,
    summary: "Shows the arguments of a node that comes with dora",
    params: &[Param::required("name", Takes::Name("builtin"), "The node, as `builtin list` names it")],
    io: &[("nothing", "table<argument: string, takes: string, default: string, summary: string>")],
    examples: &[example(
        "How big its pictures are",
        "builtin inspect camera | where argument == '--width' | get default",
        "['160']",
    )],
    search: &["arguments", "flags", "dora-builtin"],
    run: |call, _| {
        let name: String = call.required("name")?;
        let known = nodes::described();
        let Some(node) = known.iter().find(|node| node.name == name) else {
            let error = Diagnostic::new(codes::UNKNOWN_NAME, format!("there is no built-in node `{name}`"))
                .label(call.span("name"), "not one of them")
                .next("builtin list");
            let names = known.iter().map(|node| node.name.as_str());
            return Err(match diag::suggest::did_you_mean(&name, names) {
                Some(hint) => error.help(hint),
                None => error,
            });
        };
        let row = |argument: &nodes::Argument| {
            let fields = [
                ("argument", Value::string(&argument.name)),
                ("takes", argument.takes.clone().into()),
                ("default", argument.default.clone().into()),
                ("summary", Value::string(&argument.summary)),
            ];
            Value::record(fields.into_iter().collect())
        };
        Ok(Data::Value(Value::list(node.arguments.iter().map(row).collect::<Vec<_>>())))
    },
    ..Command::DEFAULT
};
