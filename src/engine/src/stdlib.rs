//! The modules of `use std/…`, which are written in the language and come with the program.
//!
//! Nothing of them is read before a program names one.

/// The modules, by the name behind `std/`.
const MODULES: &[(&str, &str)] = &[
    ("assert", include_str!("../../../stdlib/assert.dora")),
    ("flows", include_str!("../../../stdlib/flows.dora")),
    ("iter", include_str!("../../../stdlib/iter.dora")),
    ("log", include_str!("../../../stdlib/log.dora")),
    ("math", include_str!("../../../stdlib/math.dora")),
];

/// The name and the text of a module, as in `use std/assert`.
pub fn find(path: &str) -> Option<(&'static str, &'static str)> {
    let name = path.strip_prefix("std/")?;
    MODULES.iter().find(|(known, _)| *known == name).copied()
}

/// How all modules are named in `use`.
pub fn names() -> impl Iterator<Item = String> {
    MODULES.iter().map(|(name, _)| format!("std/{name}"))
}
