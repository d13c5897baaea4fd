//! Texts that stand for bytes, and bytes that stand for texts.

use data_encoding::{
    BASE32, BASE32_NOPAD, BASE32HEX, BASE32HEX_NOPAD, BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, Encoding,
    HEXLOWER, HEXLOWER_PERMISSIVE, HEXUPPER,
};

use super::{BYTES, bytes_of};
use crate::prelude::*;

const TO_TEXT: &[(&str, &str)] = &[("string", "string"), ("binary", "string")];
const TO_BYTES: &[(&str, &str)] = &[("string", "binary")];
const NO_PADDING: Param = Param::switch("nopad", None, "Without `=` at the end");
const URL: Param = Param::switch("url", None, "With `-` and `_` instead of `+` and `/`");

/// Writes bytes as text.
const TO: Command = Command { io: TO_TEXT, params: &[NO_PADDING], infer: Some(|_| Some(Type::String)), ..BYTES };
/// Reads such a text.
const OF: Command = Command { io: TO_BYTES, params: &[NO_PADDING], infer: Some(|_| Some(Type::Binary)), ..BYTES };

pub static TO_BASE64: Command = Command {
    name: "encode base64",
    summary: "Writes bytes in Base64",
    params: &[URL, NO_PADDING],
    examples: &[
        example("A text", "'Some Data' | encode base64", "\"U29tZSBEYXRh\""),
        example("For an address", "0x[ff fe] | encode base64 --url --nopad", "\"__4\""),
    ],
    run: |call, input| {
        let encoding = base64(call);
        to(call, input, encoding)
    },
    ..TO
};

pub static OF_BASE64: Command = Command {
    name: "decode base64",
    summary: "Reads bytes written in Base64",
    params: &[URL, NO_PADDING],
    examples: &[example("A text", "'U29tZSBEYXRh' | decode base64 | decode", "\"Some Data\"")],
    run: |call, input| {
        let encoding = base64(call);
        of(call, input, encoding, "Base64")
    },
    ..OF
};

fn base64(call: &Call<'_>) -> Encoding {
    match (call.switch("url"), call.switch("nopad")) {
        (false, false) => BASE64,
        (false, true) => BASE64_NOPAD,
        (true, false) => BASE64URL,
        (true, true) => BASE64URL_NOPAD,
    }
}

pub static TO_BASE32: Command = Command {
    name: "encode base32",
    summary: "Writes bytes in Base32",
    examples: &[example("Two bytes", "0x[68 69] | encode base32", "\"NBUQ====\"")],
    run: |call, input| to(call, input, if call.switch("nopad") { BASE32_NOPAD } else { BASE32 }),
    ..TO
};

pub static OF_BASE32: Command = Command {
    name: "decode base32",
    summary: "Reads bytes written in Base32",
    examples: &[example("Two bytes", "'NBUQ' | decode base32 --nopad", "0x[68 69]")],
    run: |call, input| of(call, input, if call.switch("nopad") { BASE32_NOPAD } else { BASE32 }, "Base32"),
    ..OF
};

pub static TO_BASE32HEX: Command = Command {
    name: "encode base32hex",
    summary: "Writes bytes in Base32 with digits first, which keeps their order",
    examples: &[example("One byte", "0x[57] | encode base32hex", "\"AS======\"")],
    run: |call, input| to(call, input, if call.switch("nopad") { BASE32HEX_NOPAD } else { BASE32HEX }),
    ..TO
};

pub static OF_BASE32HEX: Command = Command {
    name: "decode base32hex",
    summary: "Reads bytes written in Base32 with digits first",
    examples: &[example("One byte", "'AS' | decode base32hex --nopad", "0x[57]")],
    run: |call, input| of(call, input, if call.switch("nopad") { BASE32HEX_NOPAD } else { BASE32HEX }, "Base32"),
    ..OF
};

pub static TO_HEX: Command = Command {
    name: "encode hex",
    summary: "Writes bytes as hexadecimal digits",
    params: &[Param::switch("lower", None, "With small letters")],
    examples: &[example("Two bytes", "0x[c3 06] | encode hex", "\"C306\"")],
    run: |call, input| to(call, input, if call.switch("lower") { HEXLOWER } else { HEXUPPER }),
    ..TO
};

pub static OF_HEX: Command = Command {
    name: "decode hex",
    summary: "Reads bytes written as hexadecimal digits, in either case",
    params: &[],
    examples: &[example("Two bytes", "'09FD' | decode hex", "0x[09 fd]")],
    run: |call, input| of(call, input, HEXLOWER_PERMISSIVE, "hexadecimal digits"),
    ..OF
};

fn to(call: &Call<'_>, input: Data, encoding: Encoding) -> Result<Data> {
    let value = call.collect(input)?;
    let bytes = crate::rows::here(call, bytes_of(call.command.name, &value))?;
    Ok(Data::Value(Value::string(encoding.encode(bytes))))
}

fn of(call: &Call<'_>, input: Data, encoding: Encoding, what: &str) -> Result<Data> {
    let value = call.collect(input)?;
    let text = crate::rows::here(call, bytes_of(call.command.name, &value))?;
    // Long texts come in lines.
    let text: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    encoding.decode(&text).map(|bytes| Data::Value(Value::binary(bytes))).map_err(|error| {
        Diagnostic::new(codes::NOT_THAT_FORMAT, format!("this is not {what}: {}", told(error)))
            .label(call.head, "reads it")
    })
}

fn told(error: data_encoding::DecodeError) -> String {
    use data_encoding::DecodeKind;
    let at = error.position + 1;
    match error.kind {
        DecodeKind::Length => "it ends too early".to_string(),
        DecodeKind::Symbol => format!("its character {at} is none of those that are used"),
        DecodeKind::Trailing => format!("its last digit, {at}, says more than fits"),
        DecodeKind::Padding => format!("the `=` at its end, from character {at} on, are not right"),
    }
}

pub static ENCODE: Command = Command {
    name: "encode",
    summary: "Writes a text as bytes in a character encoding",
    details: "Encodings are called as on the web: `utf-8`, `iso-8859-1`, `windows-1252`, `shift-jis`, `gbk`, `euc-kr`, `big5`, …",
    params: &[
        Param::required("encoding", Takes::Type("string"), "The encoding"),
        Param::switch("ignore-errors", Some('i'), "Write `&#…;` for characters that the encoding does not have"),
    ],
    io: TO_BYTES,
    examples: &[example("A pound", "'£' | encode iso-8859-1", "0x[a3]")],
    search: &["charset", "text", "unicode"],
    infer: None,
    run: |call, input| {
        let encoding = encoding(call)?;
        let value = call.collect(input)?;
        let Value::String(text) = &value else { return Err(call.wrong_input(&value.type_of(), "text")) };
        if encoding.output_encoding() != encoding {
            let message = format!("texts cannot be written in {}", encoding.name());
            return Err(Diagnostic::new(codes::NOT_SUPPORTED, message).label(call.span("encoding"), "can only be read"));
        }
        let (bytes, _, lossy) = encoding.encode(text);
        if lossy && !call.switch("ignore-errors") {
            let message = format!("some characters of this text are not in {}", encoding.name());
            return Err(Diagnostic::new(codes::NO_FORM, message)
                .label(call.head, "writes it")
                .help("`--ignore-errors` writes `&#…;` for them"));
        }
        Ok(Data::Value(Value::binary(bytes.into_owned())))
    },
    ..BYTES
};

pub static DECODE: Command = Command {
    name: "decode",
    summary: "Reads bytes as a text in a character encoding",
    details: "A mark at the beginning that tells of another encoding is believed. Without an encoding it is UTF-8.",
    params: &[Param::optional("encoding", Takes::Type("string"), "The encoding")],
    io: &[("binary", "string"), ("string", "string")],
    examples: &[example("A pound", "0x[a3] | decode iso-8859-1", "\"£\"")],
    search: &["charset", "text", "unicode"],
    infer: None,
    run: |call, input| {
        let encoding = if call.given("encoding") { encoding(call)? } else { encoding_rs::UTF_8 };
        let value = call.collect(input)?;
        let (text, read_as, broken) = encoding.decode(crate::rows::here(call, bytes_of("decode", &value))?);
        if broken {
            return Err(Diagnostic::new(
                codes::NOT_THAT_FORMAT,
                format!("these bytes are no text in {}", read_as.name()),
            )
            .label(call.head, "reads them"));
        }
        Ok(Data::Value(Value::string(text)))
    },
    ..BYTES
};

fn encoding(call: &Call<'_>) -> Result<&'static encoding_rs::Encoding> {
    let name: String = call.required("encoding")?;
    // As it is called on the web, or with an underscore or without its dash.
    let known = [name.clone(), name.replace('_', "-"), name.replace('-', "_"), name.replace(['-', '_'], "")];
    known.iter().find_map(|name| encoding_rs::Encoding::for_label(name.as_bytes())).ok_or_else(|| {
        Diagnostic::new(codes::BAD_ARGUMENT, format!("`{name}` is not a character encoding"))
            .label(call.span("encoding"), "unknown")
            .help("for instance `utf-8`, `utf-16le`, `iso-8859-1`, `windows-1252`, `shift-jis`, `gbk`")
    })
}
