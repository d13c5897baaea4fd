use crate::prelude::*;

pub static PRINT: Command = Command {
    name: "print",
    category: Category::Core,
    summary: "Shows values at once, and gives nothing",
    params: &[
        Param::rest("values", Takes::Type("any"), "What to show; the input without any"),
        Param::switch("no-newline", Some('n'), "Texts without a line's end"),
        Param::switch("stderr", Some('e'), "On standard error"),
    ],
    io: &[("any", "nothing")],
    examples: &[try_it("A text", "print hello"), try_it("A table", "ls | print")],
    search: &["show", "display", "output"],
    infer: Some(|_| Some(Type::Nothing)),
    run: |call, input| {
        use std::io::Write;
        let values: Vec<Value> = call.rest("values")?;
        let all: Vec<Data> = if values.is_empty() {
            vec![crate::rows::plain(input)?]
        } else {
            values.into_iter().map(Data::Value).collect()
        };
        for data in all {
            if call.switch("stderr") || call.switch("no-newline") {
                let text = value::text::to_text(&call.collect(data)?);
                let end = if call.switch("no-newline") { "" } else { "\n" };
                let written = match call.switch("stderr") {
                    true => write!(std::io::stderr(), "{text}{end}"),
                    false => write!(std::io::stdout(), "{text}{end}").and_then(|()| std::io::stdout().flush()),
                };
                written.map_err(|error| {
                    Diagnostic::new(
                        codes::CANNOT_WRITE,
                        format!("nothing can be written there: {}", diag::os_reason(&error)),
                    )
                    .label(call.head, "")
                })?;
            } else if !data.is_empty() {
                call.context().ui().show(data)?;
            }
        }
        Ok(Data::Empty)
    },
    ..Command::DEFAULT
};
