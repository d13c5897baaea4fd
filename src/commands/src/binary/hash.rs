//! Digests.

use sha2::{Digest, Sha256};

use super::{BYTES, bytes_of, collected};
use crate::cells::{self, COLUMNS};
use crate::prelude::*;

const PARAMS: &[Param] = &[Param::switch("binary", Some('b'), "As binary instead of hexadecimal digits"), COLUMNS];
const IO: &[(&str, &str)] = &[
    ("string", "oneof<string, binary>"),
    ("binary", "oneof<string, binary>"),
    ("list<any>", "list<any>"),
    ("table", "table"),
    ("record", "record"),
];

pub static MD5: Command = Command {
    name: "hash md5",
    summary: "Gives the MD5 digest of texts and bytes",
    details: "It tells files apart; it does not keep anybody from making another file with the same digest.",
    params: PARAMS,
    io: IO,
    examples: &[example("A text", "'abc' | hash md5", "\"900150983cd24fb0d6963f7d28e17f72\"")],
    search: &["checksum", "digest"],
    infer: Some(infer),
    run: |call, input| run(call, input, |bytes| md5::Md5::digest(bytes).to_vec()),
    ..BYTES
};

pub static SHA256: Command = Command {
    name: "hash sha256",
    summary: "Gives the SHA-256 digest of texts and bytes",
    params: PARAMS,
    io: IO,
    examples: &[example(
        "A text",
        "'abc' | hash sha256",
        "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"",
    )],
    search: &["checksum", "digest"],
    infer: Some(infer),
    run: |call, input| run(call, input, |bytes| Sha256::digest(bytes).to_vec()),
    ..BYTES
};

fn infer(shape: &Shape<'_>) -> Option<Type> {
    cells::changed_type(shape, if shape.switch("binary") { Type::Binary } else { Type::String })
}

fn run(call: &mut Call<'_>, input: Data, digest: fn(&[u8]) -> Vec<u8>) -> Result<Data> {
    let binary = call.switch("binary");
    let name = call.command.name;
    cells::change(call, collected(call, input)?, move |value| {
        if value.is_nothing() {
            return Ok(Value::Nothing);
        }
        let digest = digest(bytes_of(name, value)?);
        Ok(if binary { Value::binary(digest) } else { Value::string(data_encoding::HEXLOWER.encode(&digest)) })
    })
}
