use crate::prelude::*;
use crate::rows;

pub static GENERATE: Command = Command {
    name: "generate",
    category: Category::Tables,
    summary: "Makes a list by a closure that gives each item as `out` and its next argument as `next`",
    details: "It ends when the closure gives no `next`. Where items flow in, the closure gets one of them and then the last \
              `next`, and it ends with them too; without a start the closure's second parameter needs a default.",
    params: &[
        Param::required(
            "closure",
            Takes::FoldClosure,
            "Gives a record with `out` and `next`, either of which may be absent",
        ),
        Param::optional("start", Takes::Type("any"), "The first argument"),
    ],
    io: &[("nothing", "list<any>"), ("list<any>", "list<any>"), ("table", "list<any>"), ("range", "list<any>")],
    examples: &[example("Count to three", "generate {|x| if $x <= 3 { {out: $x, next: ($x + 1)} } } 1", "[1 2 3]")],
    search: &["unfold", "sequence", "stream"],
    run: |call, input| {
        let mut runner = call.runner(&call.required("closure")?);
        let endless = input.is_endless();
        let mut items = match rows::plain(input)? {
            none if none.is_empty() || matches!(none, Data::Value(Value::Nothing)) => None,
            many => Some(many.into_items(call.interrupt())?),
        };
        let start = call.optional::<Value>("start")?;
        let mut next = Some(match (&items, start) {
            (None, start) => Some(start.unwrap_or(Value::Nothing)),
            (Some(_), start) => start,
        });
        let place = call.span("closure");
        let stream = Stream::new(std::iter::from_fn(move || {
            loop {
                let argument = next.take()?;
                let result = match &mut items {
                    None => runner.each(argument.unwrap_or(Value::Nothing)),
                    Some(items) => match items.next()? {
                        Ok(item) => {
                            let arguments: Vec<Value> = std::iter::once(item.clone()).chain(argument).collect();
                            runner.value(&arguments, item)
                        }
                        Err(error) => Err(error),
                    },
                };
                let step = match result {
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
                next = record.get("next").cloned().map(Some);
                if let Some(out) = record.get("out") {
                    return Some(Ok(out.clone()));
                }
            }
        }));
        Ok(Data::Stream(stream.endless_if(endless)))
    },
    ..Command::DEFAULT
};
