use crate::prelude::*;

pub static ECHO: Command = Command {
    name: "echo",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Gives its arguments: one as it is, several as a list",
    params: &[Param::rest("values", Takes::Type("any"), "What to give")],
    io: &[("any", "any")],
    examples: &[example("One", "echo hello", "\"hello\""), example("Several", "echo 1 2", "[1 2]")],
    infer: Some(|shape| {
        let rest = shape.argument("values")?;
        match (&rest.value, &rest.of) {
            (Some(Value::List(items)), _) if items.len() == 1 => Some(items[0].type_of()),
            _ => None,
        }
    }),
    run: |call, _| {
        let mut values: Vec<Value> = call.rest("values")?;
        Ok(Data::Value(match values.len() {
            0 => Value::from(""),
            1 => values.remove(0),
            _ => Value::list(values),
        }))
    },
    ..Command::DEFAULT
};

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
                    .label(call.head, "here")
                })?;
            } else if !data.is_empty() {
                call.context().ui().show(data)?;
            }
        }
        Ok(Data::Empty)
    },
    ..Command::DEFAULT
};
