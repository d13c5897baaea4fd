use std::process::{Command as Process, Stdio};

use engine::external::{self, Program};

use crate::ask;
use crate::prelude::*;

pub static EXEC: Command = Command {
    name: "node exec",
    category: Category::Node,
    summary: "Runs a program in the environment and directory of a node",
    details: "The program gets the variables that the node's process got, but for those by which it speaks to its dataflow. \
              What stands behind `--` is the program's own, flags too.",
    params: &[
        Param::required("node", Takes::Name("node"), "Its name, or `dataflow/node`"),
        Param::rest("command", Takes::Type("string"), "The program and its arguments"),
        Param::flag("dataflow", Some('d'), Takes::Name("dataflow"), "The dataflow it belongs to"),
        Param::switch("interactive", Some('i'), "Give it the terminal"),
        Param::flag("workdir", Some('w'), Takes::Path, "Another directory to run it in"),
    ],
    io: &[("nothing", "any")],
    examples: &[
        try_it("What it can import", "node exec camera -- python -c 'import cv2; print(cv2.__version__)'"),
        try_it("A shell in its place", "node exec camera --interactive -- bash"),
    ],
    search: &["run", "shell", "attach", "debug"],
    run: |call, _| {
        let at = super::which(call, Data::Empty)?;
        let words: Vec<String> = call.rest("command")?;
        let Some((program, arguments)) = words.split_first() else {
            return Err(Diagnostic::new(codes::BAD_ARGUMENT, "`node exec` needs a program to run")
                .label(call.head, "what is to be run?")
                .help("write for instance `node exec camera -- env`"));
        };
        let handle = ask::handle(call)?;
        let environment = ask::answer(call, async move { handle.node_environment(at).await })?;
        let directory = call.path("workdir")?.unwrap_or(environment.working_dir);
        let mut process = Process::new(program);
        process.args(arguments).current_dir(directory).env_clear().envs(environment.variables);
        if !call.switch("interactive") {
            process.stdin(Stdio::null()).stdout(Stdio::piped());
        }
        let span = call.span("command");
        let child = process.spawn().map_err(|error| external::failed(program, span, &error))?;
        Program::started(program.clone(), span, child).output()
    },
    ..Command::DEFAULT
};
