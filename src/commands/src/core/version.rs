use crate::prelude::*;

pub static VERSION: Command = Command {
    name: "version",
    category: Category::Shell,
    effect: Effect::Computes,
    summary: "Gives the version of the shell, of the dataflow protocol it speaks, and of the system it was made for",
    io: &[("nothing", "record<version: string, dora_protocol: string, os: string, arch: string>")],
    examples: &[try_it("Only the number", "version | get version")],
    run: |_, _| {
        let fields = [
            ("version", env!("CARGO_PKG_VERSION")),
            ("dora_protocol", "1.1"),
            ("os", std::env::consts::OS),
            ("arch", std::env::consts::ARCH),
        ];
        Ok(Data::Value(Value::record(fields.into_iter().map(|(name, text)| (name, Value::from(text))).collect())))
    },
    ..Command::DEFAULT
};
