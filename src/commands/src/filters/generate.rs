use crate::prelude::*;

pub static GENERATE: Command = Command {
    name: "generate",
    category: Category::Tables,
    summary: "Makes a list by a closure that gives each item as `out` and its next argument as `next`",
    details: "It ends when the closure gives no `next`.",
    params: &[
        Param::required(
            "closure",
            Takes::FoldClosure,
            "Gives a record with `out` and `next`, either of which may be absent",
        ),
        Param::optional("start", Takes::Type("any"), "The first argument"),
    ],
    io: &[("nothing", "list<any>")],
    examples: &[example("Count to three", "generate {|x| if $x <= 3 { {out: $x, next: ($x + 1)} } } 1", "[1 2 3]")],
    search: &["unfold", "sequence", "stream"],
    run: |call, _| {
        let mut runner = call.runner(&call.required("closure")?);
        let mut next = Some(call.optional::<Value>("start")?.unwrap_or(Value::Nothing));
        let place = call.span("closure");
        let stream = Stream::new(std::iter::from_fn(move || {
            loop {
                let argument = next.take()?;
                let step = match runner.each(argument) {
                    Ok(step) => step,
                    Err(error) => return Some(Err(error)),
                };
                let record = match &step {
                    Value::Nothing => return None,
                    Value::Record(record) if record.names().all(|name| matches!(name, "out" | "next")) => record,
                    other => {
                        let error = Diagnostic::new(
                            codes::WRONG_TYPE,
                            format!("`generate` wants a record, the closure gave {}", other.type_of()),
                        );
                        return Some(Err(error.label(place, "must give {out: …, next: …}")));
                    }
                };
                next = record.get("next").cloned();
                if let Some(out) = record.get("out") {
                    return Some(Ok(out.clone()));
                }
            }
        }));
        Ok(Data::Stream(stream))
    },
    ..Command::DEFAULT
};
