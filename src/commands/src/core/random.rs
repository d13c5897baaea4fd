//! Values that nobody can foretell.

use crate::prelude::*;

pub static INT: Command = Command {
    name: "random int",
    category: Category::Core,
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
        let width = u128::try_from(i128::from(high) - i128::from(low) + 1).unwrap_or(1);
        let drawn = i128::try_from(uuid::Uuid::new_v4().as_u128() % width).unwrap_or(0);
        Ok(Data::Value(Value::Int(i64::try_from(i128::from(low) + drawn).unwrap_or(low))))
    },
    ..Command::DEFAULT
};

pub static UUID: Command = Command {
    name: "random uuid",
    category: Category::Core,
    summary: "Gives a random UUID",
    io: &[("nothing", "string")],
    examples: &[try_it("One", "random uuid")],
    run: |_, _| Ok(Data::Value(Value::string(uuid::Uuid::new_v4().to_string()))),
    ..Command::DEFAULT
};

pub static FLOAT: Command = Command {
    name: "random float",
    category: Category::Core,
    summary: "Gives a random float from 0 to below 1",
    io: &[("nothing", "float")],
    examples: &[try_it("One", "random float")],
    run: |_, _| {
        // 53 bits: as many as a float tells apart.
        let bits = (uuid::Uuid::new_v4().as_u128() >> 64) as u64 >> 11;
        Ok(Data::Value(Value::Float(bits as f64 / (1_u64 << 53) as f64)))
    },
    ..Command::DEFAULT
};
