//! The two promises of the checker, on programs that are made at random: what it accepts raises no error of a name, a
//! type or a column, unless `any` was on the way; what it refuses would fail if it ran.
//!
//! Each program is checked as it stands, and run. If it was refused, the same program is made once more with nothing
//! known of its values – each goes through `from nuon` – so that it is accepted, and then it must fail where it runs.

use std::sync::Arc;

use diag::{Code, Sources, codes};
use engine::{Context, NoLive, NoUi, Session};
use sentences::Random;
use value::Type;

/// A value that may be written so that its type is known, or not.
fn known(literal: &str) -> String {
    format!("⟦{literal}⟧")
}

fn with_types(program: &str) -> String {
    program.replace(['⟦', '⟧'], "")
}

fn without_types(program: &str) -> String {
    program.replace('⟦', "(r#'").replace('⟧', "'# | from nuon)")
}

const COLUMNS: &[(&str, &[&str])] = &[
    ("a", &["1", "2", "-3", "40"]),
    ("b", &["x", "yy", "'z 1'"]),
    ("c", &["1.5", "-0.25", "2.0"]),
    ("d", &["true", "false"]),
    ("e", &["1sec", "5ms", "2min"]),
    ("f", &["1kb", "10mb", "3b"]),
    ("g", &["[1 2]", "[3]", "[4 5 6]"]),
    ("h", &["2026-01-31", "2026-02-01T10:00:00Z"]),
    ("i", &["{p: 1, q: x}", "{p: 2, q: y}"]),
];

struct Maker {
    random: Random,
    /// Whether something may not be reached, so that a mistake in it need not show.
    lazy: bool,
    /// Whether something may be of one type or another, of which some may be right.
    either: bool,
    /// The columns that the source has.
    columns: Vec<&'static str>,
}

impl Maker {
    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.random.below(from.len())]
    }

    fn table(&mut self) -> String {
        let mut chosen: Vec<_> = COLUMNS.iter().filter(|_| self.random.below(2) == 0).collect();
        if chosen.is_empty() {
            chosen.push(&COLUMNS[0]);
        }
        self.columns = chosen.iter().map(|(name, _)| *name).collect();
        let rows: Vec<String> = (0..3)
            .map(|_| {
                let cells: Vec<&str> =
                    chosen.iter().map(|(_, values)| values[self.random.below(values.len())]).collect();
                format!("[{}]", cells.join(", "))
            })
            .collect();
        known(&format!("[[{}]; {}]", self.columns.join(", "), rows.join(", ")))
    }

    /// A column that is there, most of the time.
    fn column(&mut self) -> &'static str {
        match self.random.below(8) {
            0 => COLUMNS[self.random.below(COLUMNS.len())].0,
            _ => self.columns[self.random.below(self.columns.len())],
        }
    }

    fn literal(&mut self) -> String {
        let (_, values) = COLUMNS[self.random.below(6)];
        let value = values[self.random.below(values.len())];
        // A bare word would be a command where an expression stands.
        known(&if value.starts_with(char::is_alphabetic) && !matches!(value, "true" | "false") {
            format!("'{value}'")
        } else {
            value.to_string()
        })
    }

    fn expression(&mut self, row: &str, depth: usize) -> String {
        if depth == 0 {
            return match self.random.below(3) {
                0 => self.literal(),
                _ => format!("{row}.{}", self.column()),
            };
        }
        let depth = depth - 1;
        match self.random.below(19) {
            0..=4 => {
                let operator =
                    self.pick(&["+", "-", "*", "/", "mod", "==", "<", ">=", "!=", "++", "//", "starts-with"]);
                format!("({} {operator} {})", self.expression(row, depth), self.expression(row, depth))
            }
            5 => {
                let inner = self.expression(row, depth);
                // Of a record's fields the declaration of a function of numbers says nothing.
                let many = if inner.contains(".i") { 9 } else { 13 };
                let name = [
                    "str upcase",
                    "str length",
                    "describe",
                    "length",
                    "is-empty",
                    "into string",
                    "str trim",
                    "get p",
                    "str join '-'",
                    "math abs",
                    "math sqrt",
                    "math sum",
                    "first",
                ][self.random.below(many)];
                self.either |= matches!(name, "math sum" | "first");
                format!("({inner} | {name})")
            }
            6 => {
                (self.lazy, self.either) = (true, true);
                let condition = self.expression(row, 0);
                format!(
                    "(if ({condition} == {condition}) {{ {} }} else {{ {} }})",
                    self.expression(row, depth),
                    self.expression(row, depth)
                )
            }
            7 => {
                self.lazy = true;
                let operator = self.pick(&["and", "or"]);
                format!("({} {operator} {})", self.expression(row, depth), self.expression(row, depth))
            }
            8 => format!("(twice {})", self.expression(row, depth)),
            9 => format!("(not {})", self.expression(row, depth)),
            10 => {
                (self.lazy, self.either) = (true, true);
                let (what, one) = (self.expression(row, 0), self.expression(row, depth));
                format!(
                    "(match {what} {{ 1 => {one}, 'x' => {}, _ => {} }})",
                    self.literal(),
                    self.expression(row, depth)
                )
            }
            11 => format!("(shout ({}))", self.expression(row, depth)),
            // Of a closure's parameter nothing is known.
            12 => {
                self.either = true;
                format!("(do {{|x| {} }} {})", self.expression("$x", 0), row)
            }
            13 => format!("({{k: {}, l: {}}}.k)", self.expression(row, depth), self.literal()),
            14 => {
                self.either = true;
                format!("([{} {}] | first)", self.expression(row, depth), self.literal())
            }
            15 => format!("$'({})'", self.expression(row, depth)),
            16 => format!("($most + {})", self.expression(row, 0)),
            _ => self.expression(row, 0),
        }
    }

    fn stage(&mut self) -> String {
        let column = self.column();
        match self.random.below(30) {
            0 | 1 => format!("each {{|r| {} }}", self.expression("$r", 2)),
            2 | 3 => format!("insert n{} {{|r| {} }}", self.random.below(3), self.expression("$r", 2)),
            4 => format!("update {column} {{|r| {} }}", self.expression("$r", 1)),
            5 => format!("upsert {column} {{|r| {} }}", self.expression("$r", 1)),
            6 => {
                self.lazy = true;
                format!("where {{|r| {} }}", self.expression("$r", 2))
            }
            7 => {
                self.lazy = true;
                format!("where {}", self.expression("$it", 2))
            }
            8 => format!("select {column} {}", self.column()),
            9 => format!("reject {column}"),
            10 => format!("get {column}"),
            11 => format!("sort-by {column}"),
            12 => format!("rename --column {{{column}: z}}"),
            13 => "first 2".into(),
            14 => "reverse".into(),
            15 => "enumerate".into(),
            // What a sum is made of is not known of its type.
            16 => {
                self.either = true;
                format!("get {column} | math sum")
            }
            17 => format!("each {{|r| $r.{column} }} | str join ','"),
            18 => "length".into(),
            19 => format!("uniq-by {column}"),
            20 => format!("compact {column}"),
            21 => format!("group-by {column} | aggregate {{ n: (length), m: ($in.{} | math max) }}", self.column()),
            22 => format!("each {{|r| {{x: {}, y: $r.{column}}} }} | get x", self.expression("$r", 1)),
            23 => {
                self.lazy = true;
                format!("where {column} == {}", self.literal())
            }
            24 => "get 0".into(),
            25 => format!("all {{|r| {} }}", self.expression("$r", 2)),
            26 => {
                // One row alone is not folded.
                self.lazy = true;
                format!("reduce {{|r, sum| $r.{column} }}")
            }
            27 => format!("select {column} | rename y"),
            28 => {
                self.either = true;
                format!("each {{|r| {} }} | math max", self.expression("$r", 1))
            }
            _ => "last 2".into(),
        }
    }

    fn program(&mut self) -> String {
        let mut program =
            "def twice [n: int] { $n * 2 }\ndef shout [text: string]: nothing -> string { $text | str upcase }\n\
                           let most = 5\n"
                .to_string();
        program += &self.table();
        for _ in 0..=self.random.below(4) {
            program += " | ";
            program += &self.stage();
        }
        program
    }
}

/// Errors that the checker is there to find.
const FOUND_BEFORE: &[Code] = &[
    codes::WRONG_OPERANDS,
    codes::NO_SUCH_COLUMN,
    codes::NO_SUCH_PATH,
    codes::WRONG_TYPE,
    codes::WRONG_INPUT,
    codes::UNKNOWN_COMMAND,
    codes::UNKNOWN_COLUMN,
    codes::UNKNOWN_VARIABLE,
];

fn session() -> Session {
    Session::new(Context::new(crate::registry(), Sources::new(), Arc::new(NoUi), Arc::new(NoLive)))
}

fn has_any(of: &Type) -> bool {
    of.to_string().split(|c: char| !c.is_alphanumeric()).any(|word| word == "any")
}

#[test]
fn what_is_accepted_raises_no_error_of_a_type_and_what_is_refused_would_fail() {
    let (mut accepted, mut vague, mut refused, mut lazy) = (0, 0, 0, 0);
    let mut broken = Vec::new();
    for seed in 0..20_000 {
        let mut maker = Maker { random: Random::new(seed), lazy: false, either: false, columns: Vec::new() };
        let program = maker.program();
        let text = with_types(&program);
        let mut session = session();
        let source = session.context().sources().add("program", text.as_str());
        let checked = session.check(&source);
        match checked.errors.first() {
            None => {
                let is_vague = maker.either || has_any(&checked.of) || checked.inputs.iter().any(|(_, of)| has_any(of));
                accepted += 1;
                vague += usize::from(is_vague);
                let given = session.value(&text);
                // What is known of types changes no value.
                let free = without_types(&program);
                let freely = self::session().value(&free);
                if given.as_ref().ok() != freely.as_ref().ok() {
                    broken.push(format!("gives {given:?}, and with nothing known {freely:?}\n{text}\n{free}"));
                }
                if let Err(error) = given
                    && FOUND_BEFORE.contains(&error.code)
                    && !is_vague
                {
                    broken.push(format!("accepted, and raises {} {}\n{text}", error.code.id(), error.message));
                }
            }
            Some(error) => {
                refused += 1;
                if maker.lazy {
                    lazy += 1;
                    continue;
                }
                let compares =
                    checked.errors.iter().all(|error| error.code == codes::WRONG_OPERANDS && text.contains("=="));
                let free = without_types(&program);
                let mut session = self::session();
                if let Ok(value) = session.value(&free)
                    && !compares
                {
                    broken.push(format!(
                        "refused with {} {}, and gives {value:?}\n{text}\n{free}",
                        error.code.id(),
                        error.message
                    ));
                }
            }
        }
    }
    let shown = broken.iter().take(12).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(
        broken.is_empty(),
        "{} of {accepted} accepted ({vague} vague) and {refused} refused ({lazy} lazy):\n{shown}",
        broken.len()
    );
    // Most programs say something.
    assert!(
        accepted > 500 && vague * 2 < accepted && refused > 500 && lazy * 3 < refused * 2,
        "{accepted} {vague} {refused} {lazy}"
    );
}
