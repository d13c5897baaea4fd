use crate::prelude::*;

pub static IGNORE: Command = Command {
    name: "ignore",
    category: Category::Core,
    effect: Effect::Computes,
    summary: "Takes its input and gives nothing",
    io: &[("any", "nothing")],
    examples: &[example("Nothing", "[1 2] | ignore", "null")],
    search: &["silent", "quiet", "null"],
    infer: Some(|_| Some(Type::Nothing)),
    run: |call, input| {
        if input.is_endless() {
            return Err(crate::rows::endless(call));
        }
        match input {
            Data::Stream(stream) => {
                for item in stream {
                    call.interrupt().check()?;
                    item?;
                }
            }
            bytes @ Data::Bytes(_) => {
                call.collect(bytes)?;
            }
            _ => {}
        }
        Ok(Data::Empty)
    },
    ..Command::DEFAULT
};
