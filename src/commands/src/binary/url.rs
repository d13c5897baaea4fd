//! Addresses, and what stands in them.

use url::Url;
use url::form_urlencoded::{Serializer, parse};

use super::{BYTES, bytes_of};
use crate::cells::{self, COLUMNS};
use crate::prelude::*;
use crate::rows;

const TEXT_IO: &[(&str, &str)] = &[
    ("string", "string"),
    ("binary", "string"),
    ("list<any>", "list<string>"),
    ("table", "table"),
    ("record", "record"),
];

pub static PARSE: Command = Command {
    name: "url parse",
    summary: "Takes an address apart: scheme, host, port, path, query, …",
    params: &[
        COLUMNS,
        Param::flag("base", Some('b'), Takes::Type("string"), "The address that a relative one is seen from"),
    ],
    io: &[("string", "record"), ("list<any>", "list<any>"), ("table", "table"), ("record", "record")],
    examples: &[example("The host", "'http://user@a.org:8081/b?c=1#d' | url parse | get host", "\"a.org\"")],
    search: &["scheme", "hostname", "port", "fragment", "uri"],
    infer: Some(|shape| matches!(shape.input, Type::String).then(|| Type::Record(parts()))),
    run: |call, input| {
        let base = call.optional::<String>("base")?;
        let base = base.map(|base| read(&base).map_err(|error| error.label(call.span("base"), "this address")));
        let base = base.transpose()?;
        cells::change(call, input, move |value| {
            cells::on_text("url parse", value, |text| {
                let url = match &base {
                    Some(base) => base.join(text).map_err(|error| unreadable(text, error))?,
                    None => read(text)?,
                };
                Ok(taken_apart(&url))
            })
        })
    },
    ..BYTES
};

const PARTS: [&str; 9] = ["scheme", "username", "password", "host", "port", "path", "query", "fragment", "params"];

fn parts() -> Fields {
    let of = |name: &str| if name == "params" { Type::Any } else { Type::String };
    Fields::closed(PARTS.iter().map(|name| ((*name).into(), of(name))).collect())
}

fn read(text: &str) -> Result<Url> {
    Url::parse(text).map_err(|error| unreadable(text, error))
}

fn unreadable(text: &str, error: url::ParseError) -> Box<Diagnostic> {
    let error = Diagnostic::new(codes::BAD_CONVERSION, format!("`{text}` is not an address: {error}"));
    error.help(
        "an address begins with its scheme, as in `https://host/path`; `--base` is what a relative one is seen from",
    )
}

fn taken_apart(url: &Url) -> Value {
    let params = url.query_pairs().map(|(key, value)| pair(&key, &value)).collect::<Vec<_>>();
    let port = url.port().map(|port| port.to_string()).unwrap_or_default();
    let texts = [
        url.scheme(),
        url.username(),
        url.password().unwrap_or_default(),
        url.host_str().unwrap_or_default(),
        &port,
        url.path(),
        url.query().unwrap_or_default(),
        url.fragment().unwrap_or_default(),
    ];
    let values = texts.into_iter().map(Value::from).chain([Value::list(params)]);
    Value::record(PARTS.into_iter().zip(values).collect())
}

fn pair(key: &str, value: &str) -> Value {
    Value::record([("key", Value::from(key)), ("value", Value::from(value))].into_iter().collect())
}

pub static JOIN: Command = Command {
    name: "url join",
    summary: "Puts an address together from its parts",
    details: "`params` is a record, or a table with `key` and `value`; where `query` is given too, both must say the same.",
    params: &[],
    io: &[("record", "string")],
    examples: &[example(
        "With parameters",
        "{scheme: https, host: a.org, path: b, params: {c: [1 2]}} | url join",
        "\"https://a.org/b?c=1&c=2\"",
    )],
    search: &["build", "uri"],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| {
        let value = rows::value(call, input)?;
        let Value::Record(record) = &value else { return Err(call.wrong_input(&value.type_of(), "a record")) };
        rows::here(call, joined(record)).map(|text| Data::Value(Value::string(text)))
    },
    ..BYTES
};

fn joined(record: &Record) -> Result<String> {
    if let Some(name) = record.names().find(|name| !PARTS.contains(name)) {
        return Err(value::cell_path::unknown_column(name, PARTS.into_iter()));
    }
    let part = |name: &str| record.get(name).map(value::text::to_text).unwrap_or_default();
    let needed = |name: &str| match part(name) {
        text if text.is_empty() => {
            Err(Diagnostic::new(codes::WRONG_INPUT, format!("an address has a {name}, and this record has none")))
        }
        text => Ok(text),
    };
    let (scheme, host) = (needed("scheme")?, needed("host")?);
    let login = match (part("username"), part("password")) {
        (user, password) if user.is_empty() && password.is_empty() => String::new(),
        (user, password) if password.is_empty() => format!("{user}@"),
        (user, password) => format!("{user}:{password}@"),
    };
    let port = match part("port") {
        port if port.is_empty() => String::new(),
        port => match port.parse::<u16>() {
            Ok(port) => format!(":{port}"),
            Err(_) => return Err(Diagnostic::new(codes::WRONG_INPUT, format!("`{port}` is not a port"))),
        },
    };
    let path = match part("path") {
        path if path.is_empty() || path.starts_with('/') => path,
        path => format!("/{path}"),
    };
    let query = part("query").trim_start_matches('?').to_string();
    let query = match record.get("params").filter(|params| !params.is_nothing()) {
        Some(params) => {
            let built = built(params)?;
            let same = |a: &str, b: &str| parse(a.as_bytes()).eq(parse(b.as_bytes()));
            if !query.is_empty() && !same(&query, &built) {
                return Err(Diagnostic::new(codes::WRONG_INPUT, "`params` and `query` say different things")
                    .help(format!("`params` make `{built}`; leave one of them out")));
            }
            built
        }
        None => query,
    };
    let query = if query.is_empty() { query } else { format!("?{query}") };
    let fragment = match part("fragment") {
        text if text.is_empty() => text,
        text => format!("#{}", text.trim_start_matches('#')),
    };
    let text = format!("{scheme}://{login}{host}{port}{path}{query}{fragment}");
    read(&text).map(|_| text)
}

pub static BUILD_QUERY: Command = Command {
    name: "url build-query",
    summary: "Writes a record, or a table with `key` and `value`, as the query of an address",
    params: &[],
    io: &[("record", "string"), ("table", "string"), ("list<any>", "string")],
    examples: &[example("Two parameters", "{a: 'AT&T', b: [1 2]} | url build-query", "\"a=AT%26T&b=1&b=2\"")],
    search: &["parameters", "form"],
    infer: Some(|_| Some(Type::String)),
    run: |call, input| {
        let value = rows::value(call, input)?;
        rows::here(call, built(&value)).map(|text| Data::Value(Value::string(text)))
    },
    ..BYTES
};

/// The query of a record whose lists stand for many parameters of one name, or of pairs.
fn built(params: &Value) -> Result<String> {
    let mut query = Serializer::new(String::new());
    let text = value::text::to_text;
    match params {
        Value::Record(record) => {
            for (key, value) in record.iter() {
                match value {
                    Value::List(items) => {
                        query.extend_pairs(items.iter().map(|item| (key, text(item))));
                    }
                    one => {
                        query.append_pair(key, &text(one));
                    }
                }
            }
        }
        Value::List(_) | Value::Table(_) => {
            for row in params.items()?.iter() {
                let field = |name: &str| row.as_record().and_then(|row| row.get(name)).map(text);
                let (Some(key), Some(value)) = (field("key"), field("value")) else {
                    return Err(Diagnostic::new(
                        codes::WRONG_INPUT,
                        "each parameter is a record with `key` and `value`",
                    ));
                };
                query.append_pair(&key, &value);
            }
        }
        other => {
            return Err(Diagnostic::new(
                codes::WRONG_INPUT,
                format!("parameters are a record, or a table with `key` and `value`, not {}", other.type_of()),
            ));
        }
    }
    Ok(query.finish())
}

pub static SPLIT_QUERY: Command = Command {
    name: "url split-query",
    summary: "Takes the query of an address apart",
    params: &[],
    io: &[("string", "table<key: string, value: string>")],
    examples: &[example("Two parameters", "'a=AT%26T&b=1' | url split-query", "[[key value]; [a 'AT&T'] [b '1']]")],
    search: &["parameters", "form"],
    infer: None,
    run: |call, input| {
        let value = rows::value(call, input)?;
        let Some(text) = value.as_str() else { return Err(call.wrong_input(&value.type_of(), "text")) };
        let pairs = parse(text.trim_start_matches('?').as_bytes()).map(|(key, value)| pair(&key, &value));
        Ok(Data::Value(Value::list(pairs.collect::<Vec<_>>())))
    },
    ..BYTES
};

pub static ENCODE: Command = Command {
    name: "url encode",
    summary: "Writes characters that have a meaning in addresses, or no place there, as `%20` and the like",
    params: &[COLUMNS, Param::switch("all", Some('a'), "All but letters and digits, also `/`, `.` and `:`")],
    io: TEXT_IO,
    examples: &[
        example("A blank", "'https://a.org/b c' | url encode", "\"https://a.org/b%20c\""),
        example("Everything", "'a.b/c' | url encode --all", "\"a%2Eb%2Fc\""),
    ],
    search: &["percent", "escape"],
    infer: Some(|shape| cells::changed_type(shape, Type::String)),
    run: |call, input| {
        let set = if call.switch("all") { percent_encoding::NON_ALPHANUMERIC } else { &KEPT };
        cells::change(call, input, move |value| match value {
            Value::Nothing => Ok(Value::Nothing),
            other => {
                let bytes = bytes_of("url encode", other)?;
                Ok(Value::string(percent_encoding::percent_encode(bytes, set).to_string()))
            }
        })
    },
    ..BYTES
};

/// What is written otherwise in an address as a whole.
const KEPT: percent_encoding::AsciiSet =
    percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b':').remove(b'.').remove(b'-').remove(b'_').remove(b'~');

pub static DECODE: Command = Command {
    name: "url decode",
    summary: "Reads `%20` and the like in texts",
    params: &[COLUMNS, Param::switch("binary", Some('b'), "As binary, which need not be text")],
    io: &[("string", "oneof<string, binary>"), ("list<any>", "list<any>"), ("table", "table"), ("record", "record")],
    examples: &[example("A blank", "'b%20c' | url decode", "\"b c\"")],
    search: &["percent", "unescape"],
    infer: Some(|shape| cells::changed_type(shape, if shape.switch("binary") { Type::Binary } else { Type::String })),
    run: |call, input| {
        let binary = call.switch("binary");
        cells::change(call, input, move |value| {
            cells::on_text("url decode", value, |text| {
                let bytes: Vec<u8> = percent_encoding::percent_decode_str(text).collect();
                if binary {
                    return Ok(Value::binary(bytes));
                }
                String::from_utf8(bytes).map(Value::string).map_err(|_| {
                    Diagnostic::new(codes::NOT_THAT_FORMAT, format!("what `{text}` stands for is no text"))
                        .help("`--binary` gives its bytes")
                })
            })
        })
    },
    ..BYTES
};

pub static FROM_URL: Command = Command {
    name: "from url",
    category: Category::Formats,
    summary: "Reads a form as addresses carry it; of several values of one name the last",
    params: &[],
    io: &[("string", "record")],
    examples: &[example("Two fields", "'a=AT%26T&b=1' | from url", "{a: 'AT&T', b: '1'}")],
    search: &["query", "form"],
    infer: None,
    run: |call, input| {
        let value = rows::value(call, input)?;
        let Some(text) = value.as_str() else { return Err(call.wrong_input(&value.type_of(), "text")) };
        let mut record = Record::new();
        for (key, value) in parse(text.as_bytes()) {
            record.insert(&*key, Value::string(value));
        }
        Ok(Data::Value(Value::record(record)))
    },
    ..BYTES
};
