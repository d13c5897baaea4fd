use crate::cells::{self, COLUMNS};
use crate::prelude::*;

pub static DISTANCE: Command = Command {
    name: "str distance",
    summary: "Counts the insertions, deletions and replacements that make texts another text",
    params: &[Param::required("other", Takes::Type("string"), "The other text"), COLUMNS],
    io: super::TO_INT,
    examples: &[example("Two mistakes", "'nushell' | str distance 'nutshel'", "2")],
    search: &["edit", "levenshtein", "similar"],
    infer: Some(|shape| cells::changed_type(shape, Type::Int)),
    run: |call, input| {
        let other: String = call.required("other")?;
        cells::change(call, input, move |value| {
            cells::on_text("str distance", value, |text| {
                Ok(Value::Int(i64::try_from(strsim::levenshtein(text, &other)).unwrap_or(i64::MAX)))
            })
        })
    },
    ..super::TEXT
};
