use crate::cells::{self, COLUMNS};
use crate::prelude::*;

pub static CONTAINS: Command = Command {
    name: "str contains",
    summary: "Tells whether texts have a part",
    params: PARAMS,
    io: super::TO_BOOL,
    examples: &[example("A part", "'my_library.rb' | str contains '.rb'", "true")],
    search: &["includes", "find", "substring"],
    infer: Some(|shape| cells::changed_type(shape, Type::Bool)),
    lower: Some(lower),
    run: |call, input| test(call, input, "str contains", |text, part| text.contains(part)),
    ..super::TEXT
};

pub static STARTS_WITH: Command = Command {
    name: "str starts-with",
    summary: "Tells whether texts begin with a part",
    params: PARAMS,
    io: super::TO_BOOL,
    examples: &[example("The beginning", "'Cargo.toml' | str starts-with Cargo", "true")],
    search: &["prefix"],
    infer: Some(|shape| cells::changed_type(shape, Type::Bool)),
    run: |call, input| test(call, input, "str starts-with", |text, part| text.starts_with(part)),
    ..super::TEXT
};

pub static ENDS_WITH: Command = Command {
    name: "str ends-with",
    summary: "Tells whether texts end with a part",
    params: PARAMS,
    io: super::TO_BOOL,
    examples: &[example("The end, in any case", "'my_library.rb' | str ends-with --ignore-case '.RB'", "true")],
    search: &["suffix"],
    infer: Some(|shape| cells::changed_type(shape, Type::Bool)),
    run: |call, input| test(call, input, "str ends-with", |text, part| text.ends_with(part)),
    ..super::TEXT
};

const PARAMS: &[Param] = &[
    Param::required("part", Takes::Type("string"), "The part to look for"),
    COLUMNS,
    Param::switch("ignore-case", Some('i'), "Match in any case"),
];

fn lower(call: &Lowering<'_>) -> Option<Expr> {
    if call.over_group || call.value("columns").is_some() || call.value("ignore-case").is_some() {
        return None;
    }
    let part = Expr::new(ExprKind::Literal(call.value("part")?.clone()), call.span);
    Some(Expr::new(ExprKind::Call(Function::StrContains, vec![call.input.clone()?, part]), call.span))
}

fn test(call: &mut Call<'_>, input: Data, name: &'static str, holds: fn(&str, &str) -> bool) -> Result<Data> {
    let ignore_case = call.switch("ignore-case");
    let part: String = call.required("part")?;
    let part = if ignore_case { part.to_lowercase() } else { part };
    cells::change(call, input, move |value| {
        cells::on_text(name, value, |text| {
            Ok(Value::Bool(if ignore_case { holds(&text.to_lowercase(), &part) } else { holds(text, &part) }))
        })
    })
}
