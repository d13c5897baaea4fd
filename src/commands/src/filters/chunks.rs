use crate::prelude::*;
use crate::rows;

pub static CHUNKS: Command = Command {
    name: "chunks",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Cuts a list into lists of so many items; the last may be shorter",
    params: &[Param::required("size", Takes::Type("oneof<int, filesize>"), "How many items each has")],
    io: &[
        ("table", "list<table>"),
        ("list<any>", "list<list<any>>"),
        ("range", "list<list<number>>"),
        ("binary", "list<binary>"),
    ],
    examples: &[example("Pairs", "[1 2 3] | chunks 2", "[[1 2] [3]]")],
    search: &["batch", "group", "split"],
    run: |call, input| {
        let size = positive(call, "size", &input)?;
        if let Data::Value(Value::Binary(bytes)) = &input {
            let chunks = bytes.chunks(size).map(|chunk| Value::binary(chunk.to_vec()));
            return Ok(Data::Value(Value::list(chunks.collect::<Vec<_>>())));
        }
        rows::want_items(call, &input)?;
        let (endless, resource) = (input.is_endless(), input.resource());
        let mut items = rows::plain(input)?.into_items(call.interrupt())?;
        let stream =
            Stream::new(std::iter::from_fn(move || match items.by_ref().take(size).collect::<Result<Vec<_>>>() {
                Ok(chunk) if chunk.is_empty() => None,
                chunk => Some(chunk.map(|chunk| engine::data::tagged(Value::list(chunk), resource))),
            }));
        Ok(Data::Stream(stream.endless_if(endless)))
    },
    ..Command::DEFAULT
};

pub static CHUNK_BY: Command = Command {
    name: "chunk-by",
    category: Category::Tables,
    effect: Effect::Computes,
    summary: "Cuts a list where what a closure gives changes from one item to the next",
    params: &[Param::required("closure", Takes::EachClosure, "What neighbours must share")],
    io: &[("table", "list<table>"), ("list<any>", "list<list<any>>"), ("range", "list<list<number>>")],
    examples: &[example("By sign", "[1 3 -2 -2 0] | chunk-by {|n| $n >= 0 }", "[[1 3] [-2 -2] [0]]")],
    run: |call, input| {
        rows::want_items(call, &input)?;
        let mut runner = call.runner(&call.required("closure")?);
        let mut chunks: Vec<Value> = Vec::new();
        let mut chunk: Vec<Value> = Vec::new();
        let mut last: Option<Value> = None;
        for item in rows::all(call, input)?.items {
            let key = runner.each(item.clone())?;
            if last.as_ref().is_some_and(|last| *last != key) {
                chunks.push(Value::list(std::mem::take(&mut chunk)));
            }
            chunk.push(item);
            last = Some(key);
        }
        if !chunk.is_empty() {
            chunks.push(Value::list(chunk));
        }
        Ok(Data::Value(Value::list(chunks)))
    },
    ..Command::DEFAULT
};

/// A count that must be at least one.
pub(crate) fn positive(call: &Call<'_>, name: &str, input: &Data) -> Result<usize> {
    match rows::count_of(call, name, input)? {
        Some(0) | None => {
            Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("`{}` cannot work with a {name} of 0", call.command.name))
                .label(call.span(name), "must be at least 1"))
        }
        Some(n) => Ok(n),
    }
}
