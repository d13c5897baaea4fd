use runtime::descriptor;
use runtime::model::{DescriptorSource, StartOptions};

use crate::prelude::*;

pub static VALIDATE: Command = Command {
    name: "dataflow validate",
    category: Category::Dataflow,
    summary: "Checks dataflow files without starting anything; all mistakes are told at their lines",
    params: &[
        Param::required("file", Takes::Path, "The dataflow's YAML file"),
        Param::flag(
            "working-dir",
            None,
            Takes::Path,
            "Where relative paths in it start; its file's directory by default",
        ),
    ],
    io: &[("nothing", "record<file: string, nodes: int, inputs: int, notices: list<string>>")],
    examples: &[try_it("A file", "dataflow validate camera.yml")],
    search: &["check", "lint", "verify"],
    run: |call, _| {
        let shown: String = call.required("file")?;
        let path = call.env().resolve(&shown);
        let options = StartOptions { working_dir: call.path("working-dir")?, ..StartOptions::file(path) };
        check(call, &options).map(Data::Value)
    },
    ..Command::DEFAULT
};

/// Checks what is to be started and tells what it is made of.
pub(crate) fn check(call: &Call<'_>, options: &StartOptions) -> Result<Value> {
    let executable = std::env::current_exe().unwrap_or_else(|_| "dora".into());
    let checked = descriptor::load(options, &executable, call.context().sources())
        .map_err(|error| error.or_label(call.span("file"), "this file"))?;
    let file = match &options.source {
        DescriptorSource::File(path) => path.display().to_string(),
        DescriptorSource::Text { label, .. } => label.clone(),
    };
    let inputs: usize = checked.plan.nodes.iter().map(|node| node.inputs.len()).sum();
    let count = |n: usize| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
    let notices: Vec<Value> = checked.plan.notices.iter().map(|notice| Value::from(notice.as_str())).collect();
    let fields = [
        ("file", Value::string(file)),
        ("nodes", count(checked.plan.nodes.len())),
        ("inputs", count(inputs)),
        ("notices", Value::list(notices)),
    ];
    Ok(Value::record(fields.into_iter().collect()))
}
