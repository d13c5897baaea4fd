use std::io::IsTerminal as _;

use crate::prelude::*;

pub static IS_TERMINAL: Command = Command {
    name: "is-terminal",
    category: Category::Core,
    summary: "Tells whether input, output or errors of the shell are a terminal's",
    params: &[
        Param::switch("stdin", Some('i'), "The input"),
        Param::switch("stdout", Some('o'), "The output; the default"),
        Param::switch("stderr", Some('e'), "The errors"),
    ],
    io: &[("nothing", "bool")],
    examples: &[try_it("What to write", "if (is-terminal) { 'in colour' } else { 'plain' }")],
    search: &["tty", "interactive"],
    run: |call, _| {
        let (stdin, stdout, stderr) = (call.switch("stdin"), call.switch("stdout"), call.switch("stderr"));
        let one = match (stdin, stdout, stderr) {
            (true, false, false) => std::io::stdin().is_terminal(),
            (false, _, false) => std::io::stdout().is_terminal(),
            (false, false, true) => std::io::stderr().is_terminal(),
            _ => {
                return Err(
                    Diagnostic::new(codes::BAD_ARGUMENT, "one of them at a time").label(call.head, "asks for more")
                );
            }
        };
        Ok(Data::Value(Value::Bool(one)))
    },
    ..Command::DEFAULT
};
