//! Every error code: its name, the exit code it leads to, and its page.
//!
//! A code is declared once, in the file of its area, and its page is `docs/errors/<ID>.md`, which
//! `error explain <ID>` shows. Numbers are never reused.

use std::fmt;

mod check;
mod commands;
mod contexts;
mod dataflow;
mod run;
mod store;
mod syntax;
mod table;

pub use check::*;
pub use commands::*;
pub use contexts::*;
pub use dataflow::*;
pub use run::*;
pub use store::*;
pub use syntax::*;
pub use table::*;

/// How a process ends when this failure ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    Failed = 1,
    /// Usage, syntax or check: nothing has run.
    Usage = 2,
    Partly = 3,
    /// The command worked and its answer is bad: unhealthy, regression found.
    BadAnswer = 4,
    NotFound = 10,
    Locked = 11,
    Authentication = 12,
    Interrupted = 130,
}

/// One kind of failure.
#[derive(Clone, Copy)]
pub struct Code(&'static Declared);

struct Declared {
    id: &'static str,
    title: &'static str,
    exit: Exit,
    page: &'static str,
}

impl Code {
    /// `DORA_E101`: what people search for.
    pub fn id(self) -> &'static str {
        self.0.id
    }

    /// A few words that name the kind of failure.
    pub fn title(self) -> &'static str {
        self.0.title
    }

    pub fn exit(self) -> Exit {
        self.0.exit
    }

    /// The long form, Markdown: what it means, why it happens, how to mend it.
    pub fn page(self) -> &'static str {
        self.0.page
    }

    /// Every code, by id.
    pub fn all() -> Vec<Code> {
        let areas =
            [check::ALL, commands::ALL, contexts::ALL, dataflow::ALL, run::ALL, store::ALL, syntax::ALL, table::ALL];
        let mut all: Vec<Code> = areas.concat();
        all.sort_by_key(|code| code.id());
        all
    }

    /// Finds a code by `DORA_E101`, `E101` or `101`, in any case.
    pub fn find(name: &str) -> Option<Code> {
        let digits = name.to_uppercase();
        let digits = digits.trim_start_matches("DORA_").trim_start_matches('E').to_string();
        Self::all().into_iter().find(|code| code.id().ends_with(&format!("_E{digits}")))
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Code {}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Declares the codes of one area and gathers them in `ALL`.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $exit:ident, $title:literal;)*) => {
        $($(#[$doc])* pub const $name: super::Code = super::Code(&super::Declared {
            id: concat!("DORA_E", $number),
            title: $title,
            exit: super::Exit::$exit,
            page: include_str!(concat!("../../../../docs/errors/DORA_E", $number, ".md")),
        });)*
        pub(super) const ALL: &[super::Code] = &[$($name),*];
    };
}
use codes;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique() {
        let mut ids: Vec<&str> = Code::all().into_iter().map(Code::id).collect();
        let before = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), before);
    }

    #[test]
    fn every_page_starts_with_its_code_and_title() {
        for code in Code::all() {
            let heading = format!("# {}: {}\n", code.id(), code.title());
            assert!(code.page().starts_with(&heading), "page of {} must start with {heading:?}", code.id());
            assert!(code.page().len() > heading.len() + 80, "page of {} says too little", code.id());
        }
    }

    #[test]
    fn a_code_is_found_by_any_of_its_spellings() {
        for name in ["DORA_E001", "e001", "001", "E001"] {
            assert_eq!(Code::find(name).map(Code::id), Some("DORA_E001"), "{name}");
        }
        assert!(Code::find("nonsense").is_none());
    }
}
