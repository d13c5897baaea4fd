use crate::prelude::*;

pub static PWD: Command = Command {
    name: "pwd",
    category: Category::Files,
    summary: "Gives the current directory",
    io: &[("nothing", "string")],
    examples: &[try_it("Where am I", "pwd")],
    infer: Some(|_| Some(Type::String)),
    run: |call, _| Ok(Data::Value(Value::string(call.env().cwd().to_string_lossy()))),
    ..Command::DEFAULT
};
