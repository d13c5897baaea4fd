use std::io::{BufRead, BufReader};

use engine::Bytes;

use crate::prelude::*;
use crate::rows;

pub static LINES: Command = Command {
    name: "lines",
    category: Category::Strings,
    effect: Effect::Computes,
    summary: "Splits text into lines, as they come in",
    params: &[Param::switch("skip-empty", Some('s'), "Leave out empty lines")],
    io: &[("string", "list<string>"), ("list<any>", "list<string>"), ("any", "list<string>")],
    examples: &[example("Three lines", "\"a\\nb\\n\\nc\" | lines --skip-empty", "[a b c]")],
    search: &["split", "newline"],
    infer: Some(|_| Some(Type::list(Type::String))),
    run,
    ..Command::DEFAULT
};

fn run(call: &mut Call<'_>, input: Data) -> Result<Data> {
    let skip = call.switch("skip-empty");
    let stream = match rows::plain(input)? {
        Data::Bytes(bytes) => of_bytes(bytes),
        Data::Stream(stream) => {
            let endless = stream.endless;
            let lines = Stream::new(stream.flat_map(|item| match item {
                Ok(item) => split(&value::text::to_text(&item)),
                Err(error) => vec![Err(error)],
            }));
            lines.endless_if(endless)
        }
        Data::Empty | Data::Value(Value::Nothing) => return Ok(Data::Value(Value::list(Vec::new()))),
        Data::Value(Value::String(text)) => Stream::new(split(&text).into_iter()),
        Data::Value(Value::List(items)) => Stream::new(
            items.iter().flat_map(|item| split(&value::text::to_text(item))).collect::<Vec<_>>().into_iter(),
        ),
        other => return Err(call.wrong_input(&other.type_of(), "text")),
    };
    if !skip {
        return Ok(Data::Stream(stream));
    }
    rows::map(call, Data::Stream(stream), false, |line| {
        Ok(line.as_str().is_some_and(|line| !line.trim().is_empty()).then_some(line))
    })
}

fn split(text: &str) -> Vec<Result<Value>> {
    text.lines().map(|line| Ok(Value::from(line))).collect()
}

/// The lines of what a program or file gives, one by one as they arrive.
pub(crate) fn of_bytes(bytes: Bytes) -> Stream {
    let Bytes { reader, mut program } = bytes;
    let mut reader = BufReader::new(reader);
    Stream::new(std::iter::from_fn(move || {
        let mut line = Vec::new();
        match reader.read_until(b'\n', &mut line) {
            Ok(0) => match program.take().map(engine::external::Program::finish) {
                Some(Err(error)) => Some(Err(error)),
                _ => None,
            },
            Ok(_) => {
                if line.ends_with(b"\n") {
                    line.pop();
                }
                if line.ends_with(b"\r") {
                    line.pop();
                }
                Some(Ok(Value::string(String::from_utf8_lossy(&line))))
            }
            Err(error) => {
                program = None;
                Some(Err(engine::data::unread(error)))
            }
        }
    }))
}
