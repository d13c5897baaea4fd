use crate::math::{NUMBERS, REALS, each_number};
use crate::prelude::*;

pub static ROUND: Command = Command {
    name: "math round",
    summary: "Rounds to the nearest whole number, or to so many decimals",
    params: &[
        Param::flag("precision", Some('p'), Takes::Type("int"), "How many decimals; negative ones round tens"),
        crate::cells::COLUMNS,
    ],
    examples: &[
        example("To whole numbers", "[1.5 2.3 -3.1] | math round", "[2 2 -3]"),
        example("To tens", "123.3 | math round --precision -1", "120.0"),
    ],
    lower: Some(|call| {
        let input = call.input.clone().filter(|_| !call.over_group && call.value("columns").is_none())?;
        let mut arguments = vec![input];
        if let Some(places) = call.value("precision") {
            arguments.push(Expr::new(ExprKind::Literal(places.clone()), call.span));
        }
        Some(Expr::new(ExprKind::Call(Function::MathRound, arguments), call.span))
    }),
    run: |call, input| {
        let places = call.value("precision").cloned();
        if let Some(Value::Int(places)) = &places {
            if i32::try_from(*places).is_err() {
                return Err(Diagnostic::new(codes::BAD_ARGUMENT, "no number has so many decimals")
                    .label(call.span("precision"), "too many"));
            }
        }
        each_number(call, input, move |value| match &places {
            Some(places) => table::apply_function(Function::MathRound, &[value.clone(), places.clone()]),
            None => table::apply_function(Function::MathRound, std::slice::from_ref(value)),
        })
    },
    ..NUMBERS
};

pub static FLOOR: Command = Command {
    name: "math floor",
    summary: "Rounds down to whole numbers",
    examples: &[example("Down", "[1.5 2.3 -3.1] | math floor", "[1 2 -4]")],
    lower: Some(|call| crate::cells::lower_plain(call, Function::MathFloor)),
    run: |call, input| {
        each_number(call, input, |value| table::apply_function(Function::MathFloor, std::slice::from_ref(value)))
    },
    ..NUMBERS
};

pub static CEIL: Command = Command {
    name: "math ceil",
    summary: "Rounds up to whole numbers",
    examples: &[example("Up", "[1.2 -2.7] | math ceil", "[2 -2]")],
    lower: Some(|call| crate::cells::lower_plain(call, Function::MathCeil)),
    run: |call, input| {
        each_number(call, input, |value| table::apply_function(Function::MathCeil, std::slice::from_ref(value)))
    },
    ..NUMBERS
};

pub static ABS: Command = Command {
    name: "math abs",
    summary: "Leaves off the sign",
    examples: &[example("Of some", "[-50 -100.0 25] | math abs", "[50 100.0 25]")],
    lower: Some(|call| crate::cells::lower_plain(call, Function::MathAbs)),
    run: |call, input| {
        each_number(call, input, |value| table::apply_function(Function::MathAbs, std::slice::from_ref(value)))
    },
    ..NUMBERS
};

pub static SQRT: Command = Command {
    name: "math sqrt",
    summary: "Gives the square root",
    examples: &[example("Of some", "[9 16] | math sqrt", "[3.0 4.0]")],
    lower: Some(|call| crate::cells::lower_plain(call, Function::MathSqrt)),
    run: |call, input| {
        each_number(call, input, |value| table::apply_function(Function::MathSqrt, std::slice::from_ref(value)))
    },
    ..REALS
};
