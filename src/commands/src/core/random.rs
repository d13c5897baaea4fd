//! Values that nobody can foretell.

use rand::Rng as _;
use rand::distr::{Alphanumeric, SampleString as _};

use crate::prelude::*;
use crate::rows;

/// As much as is made at once: enough for anybody, and little enough for memory.
const MOST_BYTES: usize = 1 << 30;

/// What they declare alike.
const RANDOM: Command = Command { category: Category::Core, search: &["generate", "chance"], ..Command::DEFAULT };

pub static INT: Command = Command {
    name: "random int",
    summary: "Gives a random int, of all or of a range",
    params: &[Param::optional("range", Takes::Type("range"), "From which to which")],
    io: &[("nothing", "int")],
    examples: &[try_it("A die", "random int 1..6")],
    run: |call, _| {
        let (low, high) = if call.given("range") {
            let (start, end, inclusive) = crate::strings::substring::int_range(call, "range")?;
            (start, end.map_or(i64::MAX, |end| if inclusive { end } else { end.saturating_sub(1) }))
        } else {
            (0, i64::MAX)
        };
        if low > high {
            return Err(
                Diagnostic::new(codes::BAD_RANGE, "no int lies in this range").label(call.span("range"), "here")
            );
        }
        Ok(Data::Value(Value::Int(rand::rng().random_range(low..=high))))
    },
    ..RANDOM
};

pub static FLOAT: Command = Command {
    name: "random float",
    summary: "Gives a random float from 0 to below 1, or of a range",
    params: &[Param::optional("range", Takes::Type("range"), "From which to which")],
    io: &[("nothing", "float")],
    examples: &[try_it("One", "random float"), try_it("Of a range", "random float 1.5..2")],
    run: |call, _| {
        let drawn = match call.value("range") {
            Some(Value::Range(range)) => {
                let (low, high) = match **range {
                    value::Range::Int { start, end, .. } => (start as f64, end.map(|end| end as f64)),
                    value::Range::Float { start, end, .. } => (start, end),
                };
                let high = high.unwrap_or(f64::MAX);
                if !(low <= high && (high - low).is_finite()) {
                    return Err(Diagnostic::new(codes::BAD_RANGE, "no float is drawn from this range")
                        .label(call.span("range"), "here"));
                }
                rand::rng().random_range(low..=high)
            }
            _ => rand::rng().random(),
        };
        Ok(Data::Value(Value::Float(drawn)))
    },
    ..RANDOM
};

pub static BOOL: Command = Command {
    name: "random bool",
    summary: "Gives true or false at random",
    params: &[Param::flag("bias", Some('b'), Takes::Type("number"), "How likely true is, from 0 to 1; 0.5 by default")],
    io: &[("nothing", "bool")],
    examples: &[try_it("True three times of four", "random bool --bias 0.75")],
    run: |call, _| {
        let bias = call.value("bias").and_then(Value::as_float).unwrap_or(0.5);
        if !(0.0..=1.0).contains(&bias) {
            return Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("nothing is true with a likelihood of {bias}"))
                .label(call.span("bias"), "from 0 to 1"));
        }
        Ok(Data::Value(Value::Bool(rand::rng().random_bool(bias))))
    },
    ..RANDOM
};

pub static DICE: Command = Command {
    name: "random dice",
    summary: "Throws dice",
    params: &[
        Param::flag("dice", Some('d'), Takes::Type("int"), "How many; 1 by default"),
        Param::flag("sides", Some('s'), Takes::Type("int"), "How many sides each has; 6 by default"),
    ],
    io: &[("nothing", "list<int>")],
    examples: &[try_it("Two dice", "random dice --dice 2")],
    run: |call, _| {
        let dice = rows::count(call, "dice")?.unwrap_or(1);
        let sides = call.optional::<i64>("sides")?.unwrap_or(6);
        if sides < 1 {
            return Err(Diagnostic::new(codes::BAD_ARGUMENT, "a die has at least one side")
                .label(call.span("sides"), "must be positive"));
        }
        let thrown = std::iter::repeat_with(move || Ok(Value::Int(rand::rng().random_range(1..=sides)))).take(dice);
        Ok(Data::Stream(Stream::new(thrown)))
    },
    ..RANDOM
};

pub static CHARS: Command = Command {
    name: "random chars",
    summary: "Gives a text of random letters and digits",
    params: &[Param::flag("length", Some('l'), Takes::Type("oneof<int, filesize>"), "How many; 25 by default")],
    io: &[("nothing", "string")],
    examples: &[try_it("Twenty of them", "random chars --length 20")],
    search: &["password", "generate"],
    run: |call, _| {
        let length = length(call)?.unwrap_or(25);
        Ok(Data::Value(Value::string(Alphanumeric.sample_string(&mut rand::rng(), length))))
    },
    ..RANDOM
};

pub static BINARY: Command = Command {
    name: "random binary",
    summary: "Gives random bytes",
    params: &[Param::required("length", Takes::Type("oneof<int, filesize>"), "How many")],
    io: &[("nothing", "binary")],
    examples: &[try_it("A kibibyte", "random binary 1kib")],
    search: &["bytes", "generate"],
    run: |call, _| {
        let mut bytes = vec![0; length(call)?.unwrap_or_default()];
        rand::rng().fill(bytes.as_mut_slice());
        Ok(Data::Value(Value::binary(bytes)))
    },
    ..RANDOM
};

fn length(call: &Call<'_>) -> Result<Option<usize>> {
    let length = match call.value("length") {
        Some(Value::Filesize(bytes)) => Some(usize::try_from(*bytes).unwrap_or(usize::MAX)),
        _ => rows::count(call, "length")?,
    };
    if length.is_some_and(|length| length > MOST_BYTES) {
        return Err(Diagnostic::new(codes::BAD_ARGUMENT, "at most 1 GiB is made at once")
            .label(call.span("length"), "not so many"));
    }
    Ok(length)
}

pub static UUID: Command = Command {
    name: "random uuid",
    summary: "Gives a random UUID",
    io: &[("nothing", "string")],
    examples: &[try_it("One", "random uuid")],
    run: |_, _| Ok(Data::Value(Value::string(uuid::Uuid::new_v4().to_string()))),
    ..RANDOM
};
