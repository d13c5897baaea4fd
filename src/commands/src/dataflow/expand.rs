use crate::dataflow::start::{self, FILE, WORKING_DIR};
use crate::prelude::*;

pub static EXPAND: Command = Command {
    name: "dataflow expand",
    category: Category::Dataflow,
    summary: "Gives the YAML of a dataflow with its modules replaced by the nodes they stand for",
    params: &[FILE, WORKING_DIR],
    io: &[("nothing", "string")],
    examples: &[
        try_it("See what runs", "dataflow expand robot.yml"),
        try_it("Keep it", "dataflow expand robot.yml | save flat.yml"),
    ],
    search: &["module", "flat", "flatten"],
    run: |call, _| {
        let (_, mut options) = start::options(call)?;
        // Nothing is run here.
        options.allow_shell_nodes = true;
        let checked = super::validate::load(call, &options)?;
        let text = checked.expanded.unwrap_or_else(|| checked.source.text.clone());
        Ok(Data::Value(Value::string(text)))
    },
    ..Command::DEFAULT
};
