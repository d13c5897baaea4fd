use runtime::descriptor::{self, Checked};
use runtime::model::{DescriptorSource, StartOptions};

use crate::dataflow::start::{self, ALLOW_SHELL, FILE, STRICT_TYPES, WORKING_DIR};
use crate::prelude::*;

pub static VALIDATE: Command = Command {
    name: "dataflow validate",
    category: Category::Dataflow,
    summary: "Checks dataflow files without starting anything; all mistakes are told at their lines",
    params: &[FILE, WORKING_DIR, STRICT_TYPES, ALLOW_SHELL],
    io: &[("nothing", "record<file: string, nodes: int, inputs: int, notices: list<string>>")],
    examples: &[try_it("A file", "dataflow validate camera.yml")],
    search: &["check", "lint", "verify"],
    run: |call, _| {
        let (_, options) = start::options(call)?;
        check(call, &options).map(Data::Value)
    },
    ..Command::DEFAULT
};

/// Reads and checks a file without starting anything.
pub(super) fn load(call: &Call<'_>, options: &StartOptions) -> Result<Checked> {
    let executable = std::env::current_exe().unwrap_or_else(|_| "dora".into());
    descriptor::load(options, &executable, call.context().sources())
        .map_err(|error| error.or_label(call.span("file"), "this file"))
}

/// Checks what is to be started and tells what it is made of.
pub(crate) fn check(call: &Call<'_>, options: &StartOptions) -> Result<Value> {
    let checked = load(call, options)?;
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
