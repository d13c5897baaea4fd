use std::io::Read;

use crate::prelude::*;

pub static COMPLETE: Command = Command {
    name: "complete",
    category: Category::Core,
    summary: "Runs a program to its end and gives a record of what it wrote and its exit code",
    io: &[("any", "record<stdout: any, stderr: any, exit_code: int>")],
    examples: &[try_it("A failing program", "^ls /nowhere | complete")],
    wants_stderr: true,
    search: &["external", "exit code", "stderr"],
    run: |call, input| {
        let mut bytes = match input {
            Data::Bytes(bytes) => bytes,
            Data::Empty => {
                return Err(call.wrong_input(&Type::Nothing, "what a program writes"));
            }
            other => {
                let stdout = call.collect(other)?;
                return Ok(Data::Value(record(stdout, Value::from(""), 0)));
            }
        };
        let mut stdout = Vec::new();
        let mut chunk = [0_u8; 65536];
        loop {
            call.interrupt().check()?;
            match bytes.reader.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => stdout.extend_from_slice(&chunk[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(engine::data::unread(error).or_label(call.head, "")),
            }
        }
        let (code, stderr) = match bytes.program {
            Some(program) => {
                let (status, stderr) = program.complete()?;
                (engine::external::exit_code(status), stderr)
            }
            None => (0, Vec::new()),
        };
        Ok(Data::Value(record(text(stdout), text(stderr), code)))
    },
    ..Command::DEFAULT
};

fn record(stdout: Value, stderr: Value, code: i32) -> Value {
    let fields = [("stdout", stdout), ("stderr", stderr), ("exit_code", Value::Int(code.into()))];
    Value::record(fields.into_iter().collect())
}

fn text(bytes: Vec<u8>) -> Value {
    match String::from_utf8(bytes) {
        Ok(text) => Value::string(text),
        Err(error) => Value::binary(error.into_bytes()),
    }
}
