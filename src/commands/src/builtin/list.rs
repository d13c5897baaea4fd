use crate::prelude::*;

pub static LIST: Command = Command {
    name: "builtin list",
    category: Category::Node,
    summary: "Lists the nodes that come with dora, with their arguments",
    details: "A dataflow uses one with `path: dora-builtin` and, as `args`, its name and arguments.",
    params: &[],
    io: &[("nothing", "table<name: string, summary: string, arguments: string>")],
    examples: &[
        example("The sources of pictures", "builtin list | where name == camera | get name", "[camera]"),
        try_it("Its arguments, one by one", "builtin inspect camera"),
    ],
    search: &["nodes", "dora-builtin", "camera", "demo"],
    run: |_, _| {
        let row = |node: nodes::Described| {
            let usage: Vec<String> = node.arguments.iter().map(nodes::Argument::usage).collect();
            let fields = [
                ("name", Value::string(node.name)),
                ("summary", Value::string(node.summary)),
                ("arguments", Value::string(usage.join(" "))),
            ];
            Value::record(fields.into_iter().collect())
        };
        Ok(Data::Value(Value::list(nodes::described().into_iter().map(row).collect::<Vec<_>>())))
    },
    ..Command::DEFAULT
};
