//! Many numbers to one.

use crate::math::{REDUCTION, reduce};
use crate::prelude::*;

/// Declares a reduction without arguments.
macro_rules! reduction {
    ($static:ident, $name:literal, $summary:literal, $code:literal => $result:literal, $of:expr) => {
        pub static $static: Command = Command {
            name: $name,
            summary: $summary,
            examples: &[example("Of some numbers", $code, $result)],
            lower: Some(|call| super::lower(call, $of)),
            run: |call, input| reduce(call, input, $of),
            ..REDUCTION
        };
    };
}

reduction!(SUM, "math sum", "Adds up", "[1 2 3] | math sum" => "6", Aggregation::Sum);
reduction!(AVG, "math avg", "Gives the average", "[1 2 6] | math avg" => "3.0", Aggregation::Average);
reduction!(MIN, "math min", "Gives the least", "[3 1 2] | math min" => "1", Aggregation::Min);
reduction!(MAX, "math max", "Gives the largest", "[3 1 2] | math max" => "3", Aggregation::Max);
reduction!(MEDIAN, "math median", "Gives the middle one, or the average of the two in the middle", "[3 8 9 12] | math median" => "8.5", Aggregation::Median);
reduction!(PRODUCT, "math product", "Multiplies", "[2 3 4] | math product" => "24", Aggregation::Product);

pub static STDDEV: Command = Command {
    name: "math stddev",
    summary: "Gives the standard deviation, of the whole population unless `--sample`",
    params: &[Param::switch("sample", Some('s'), "They are a sample of more"), crate::cells::COLUMNS],
    examples: &[example("Of two numbers", "[1 2] | math stddev", "0.5")],
    lower: Some(|call| {
        super::lower(call, Aggregation::Stddev { sample: call.value("sample") == Some(&Value::Bool(true)) })
    }),
    run: |call, input| {
        let sample = call.switch("sample");
        reduce(call, input, Aggregation::Stddev { sample })
    },
    ..REDUCTION
};

pub static VARIANCE: Command = Command {
    name: "math variance",
    summary: "Gives the variance, of the whole population unless `--sample`",
    params: &[Param::switch("sample", Some('s'), "They are a sample of more"), crate::cells::COLUMNS],
    examples: &[example("Of some numbers", "[1 2 3 4 5] | math variance", "2.0")],
    lower: Some(|call| {
        super::lower(call, Aggregation::Variance { sample: call.value("sample") == Some(&Value::Bool(true)) })
    }),
    run: |call, input| {
        let sample = call.switch("sample");
        reduce(call, input, Aggregation::Variance { sample })
    },
    ..REDUCTION
};

pub static QUANTILE: Command = Command {
    name: "math quantile",
    summary: "Gives the value below which a part of them lies, by nearest rank",
    params: &[
        Param::required("part", Takes::Type("number"), "Which part, from 0 to 1: 0.99 for the 99th percentile"),
        crate::cells::COLUMNS,
    ],
    examples: &[example("The 90th percentile", "1..10 | math quantile 0.9", "9")],
    search: &["percentile", "p99", "latency"],
    lower: Some(|call| {
        let part = call.value("part")?.as_float().filter(|part| (0.0..=1.0).contains(part))?;
        super::lower(call, Aggregation::Quantile(part))
    }),
    run: |call, input| {
        let part: f64 = call.required("part")?;
        if !(0.0..=1.0).contains(&part) {
            return Err(Diagnostic::new(
                codes::BAD_ARGUMENT,
                format!("a quantile lies between 0 and 1, and {part} does not"),
            )
            .label(call.span("part"), "0.99 is the 99th percentile"));
        }
        reduce(call, input, Aggregation::Quantile(part))
    },
    ..REDUCTION
};
