//! Functions of real numbers.

use crate::math::{REALS, each_float};
use crate::prelude::*;

/// Declares a function of one float.
macro_rules! function {
    ($static:ident, $name:literal, $summary:literal, $code:literal => $result:literal, $of:expr) => {
        pub static $static: Command = Command {
            name: $name,
            summary: $summary,
            examples: &[example("Of a number", $code, $result)],
            run: |call, input| each_float(call, input, $of),
            ..REALS
        };
    };
}

function!(EXP, "math exp", "Gives e to the power of it", "0 | math exp" => "1.0", f64::exp);
function!(LN, "math ln", "Gives the natural logarithm", "1 | math ln" => "0.0", f64::ln);
function!(CBRT, "math cbrt", "Gives the cube root", "27 | math cbrt" => "3.0", f64::cbrt);
function!(SINH, "math sinh", "Gives the hyperbolic sine", "0 | math sinh" => "0.0", f64::sinh);
function!(COSH, "math cosh", "Gives the hyperbolic cosine", "0 | math cosh" => "1.0", f64::cosh);
function!(ASINH, "math arcsinh", "Gives the inverse of the hyperbolic sine", "0 | math arcsinh" => "0.0", f64::asinh);
function!(ACOSH, "math arccosh", "Gives the inverse of the hyperbolic cosine", "1 | math arccosh" => "0.0", f64::acosh);
function!(ATANH, "math arctanh", "Gives the inverse of the hyperbolic tangent", "0 | math arctanh" => "0.0", f64::atanh);
function!(TANH, "math tanh", "Gives the hyperbolic tangent", "0 | math tanh" => "0.0", f64::tanh);

/// Declares a function of an angle, which may be given in degrees.
macro_rules! of_angle {
    ($static:ident, $name:literal, $summary:literal, $code:literal => $result:literal, $of:expr) => {
        pub static $static: Command = Command {
            name: $name,
            summary: $summary,
            params: &[Param::switch("degrees", Some('d'), "The angle is in degrees"), crate::cells::COLUMNS],
            examples: &[example("Of an angle", $code, $result)],
            run: |call, input| {
                let degrees = call.switch("degrees");
                each_float(call, input, move |x| $of(if degrees { x.to_radians() } else { x }))
            },
            ..REALS
        };
    };
}

of_angle!(SIN, "math sin", "Gives the sine", "0 | math sin" => "0.0", f64::sin);
of_angle!(COS, "math cos", "Gives the cosine", "0 | math cos" => "1.0", f64::cos);
of_angle!(TAN, "math tan", "Gives the tangent", "0 | math tan" => "0.0", f64::tan);

/// Declares a function that gives an angle, in degrees when asked.
macro_rules! to_angle {
    ($static:ident, $name:literal, $summary:literal, $code:literal => $result:literal, $of:expr) => {
        pub static $static: Command = Command {
            name: $name,
            summary: $summary,
            params: &[Param::switch("degrees", Some('d'), "Give the angle in degrees"), crate::cells::COLUMNS],
            examples: &[example("Of a number", $code, $result)],
            run: |call, input| {
                let degrees = call.switch("degrees");
                each_float(call, input, move |x| {
                    let angle = $of(x);
                    if degrees { angle.to_degrees() } else { angle }
                })
            },
            ..REALS
        };
    };
}

to_angle!(ARCSIN, "math arcsin", "Gives the angle of a sine", "0 | math arcsin" => "0.0", f64::asin);
to_angle!(ARCCOS, "math arccos", "Gives the angle of a cosine", "1 | math arccos" => "0.0", f64::acos);
to_angle!(ARCTAN, "math arctan", "Gives the angle of a tangent", "0 | math arctan" => "0.0", f64::atan);

pub static LOG: Command = Command {
    name: "math log",
    summary: "Gives the logarithm to a base",
    params: &[Param::required("base", Takes::Type("number"), "The base"), crate::cells::COLUMNS],
    examples: &[example("To the base 2", "16 | math log 2", "4.0")],
    run: |call, input| {
        let base: f64 = call.required("base")?;
        if base <= 0.0 || base == 1.0 {
            return Err(Diagnostic::new(codes::BAD_ARGUMENT, format!("{base} is no base of logarithms"))
                .label(call.span("base"), "must be positive and not 1"));
        }
        each_float(call, input, move |x| match base {
            2.0 => x.log2(),
            10.0 => x.log10(),
            base => x.log(base),
        })
    },
    ..REALS
};
