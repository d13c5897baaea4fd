use crate::prelude::*;

pub static EXIT: Command = Command {
    name: "exit",
    category: Category::Shell,
    summary: "Ends the shell or script",
    params: &[Param::optional("code", Takes::Type("int"), "The exit code; 0 by default")],
    io: &[("nothing", "nothing"), ("any", "nothing")],
    examples: &[try_it("With a code", "exit 3")],
    search: &["quit", "close", "leave"],
    // Nothing after it runs, so it may stand where any value is wanted.
    infer: Some(|_| Some(Type::Any)),
    run: |call, _| {
        let code: i64 = call.optional("code")?.unwrap_or(0);
        let code = i32::try_from(code).ok().filter(|code| (0..=255).contains(code)).ok_or_else(|| {
            Diagnostic::new(codes::BAD_ARGUMENT, format!("{code} is no exit code"))
                .label(call.span("code"), "from 0 to 255")
        })?;
        Err(engine::error_value::exit_request(code))
    },
    ..Command::DEFAULT
};
