//! How a command is declared: once, as data, in its own file.
//!
//! Parsing, checking, completion, `help`, the argv face and the reference in `docs/` all read the same
//! declaration. Types are text, parsed when they are first needed, so that a declaration can be a `static`.

use diag::Result;
use value::{Expr, Resource, Type, Value};

use crate::call::Call;
use crate::data::Data;

/// One command of the shell.
pub struct Command {
    /// One to three words: `sort-by`, `dataflow list`.
    pub name: &'static str,
    pub category: Category,
    pub effect: Effect,
    /// One sentence in the third person, without the command's name.
    pub summary: &'static str,
    /// What a user must know beyond the summary; Markdown, may be empty.
    pub details: &'static str,
    pub params: &'static [Param],
    /// What flows in and out, pair by pair, the first that accepts the input wins. `any` in both when generic.
    pub io: &'static [(&'static str, &'static str)],
    pub examples: &'static [Example],
    /// Words people may look for that stand nowhere above.
    pub search: &'static [&'static str],
    /// Whether it removes what cannot be got back: asks on a terminal, wants `--yes` off one.
    pub destructive: bool,
    /// Whether it wants what the program before it writes to standard error, too.
    pub wants_stderr: bool,
    /// The switch with which what goes wrong in its closure is no error, as in a `try`.
    pub forgives: Option<&'static str>,
    /// The resource whose rows the output holds, so that bare verbs find their command.
    pub yields: Option<Resource>,
    /// The output's type where it depends on input or arguments; `None` from it means what `io` says.
    pub infer: Option<fn(&Shape<'_>) -> Option<Type>>,
    /// Why it cannot work on what flows in, where that depends on the arguments, too.
    pub refuse: Option<fn(&Shape<'_>) -> Option<String>>,
    /// The command as part of a query over rows, when it stands inside a closure over a table.
    pub lower: Option<fn(&Lowering<'_>) -> Option<Expr>>,
    pub run: fn(&mut Call<'_>, Data) -> Result<Data>,
}

impl Command {
    /// What a declaration need not say: `Command { name: …, run: …, ..Command::DEFAULT }`.
    pub const DEFAULT: Command = Command {
        name: "",
        category: Category::Core,
        effect: Effect::Acts,
        summary: "",
        details: "",
        params: &[],
        io: &[("any", "any")],
        examples: &[],
        search: &[],
        destructive: false,
        wants_stderr: false,
        forgives: None,
        yields: None,
        infer: None,
        refuse: None,
        lower: None,
        run: |_, input| Ok(input),
    };

    /// The parameter of a name, without dashes.
    pub fn param(&self, name: &str) -> Option<(usize, &'static Param)> {
        self.params.iter().enumerate().find(|(_, param)| param.name == name)
    }

    /// The resource in `resource verb`, for verbs that apply to rows of it.
    pub fn noun(&self) -> Option<(&'static str, &'static str)> {
        self.name.split_once(' ')
    }

    /// `sort-by [--reverse] ...columns`
    pub fn usage(&self) -> String {
        let mut usage = self.name.to_string();
        for param in self.params {
            usage.push(' ');
            usage.push_str(&param.usage());
        }
        usage
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    Dataflow,
    Node,
    Daemon,
    Tables,
    Strings,
    Binary,
    Math,
    Formats,
    Files,
    Network,
    System,
    Core,
    Shell,
}

impl Category {
    pub fn title(self) -> &'static str {
        match self {
            Category::Dataflow => "Dataflows",
            Category::Node => "Nodes",
            Category::Daemon => "Daemon",
            Category::Tables => "Tables and lists",
            Category::Strings => "Strings",
            Category::Binary => "Bytes and encodings",
            Category::Math => "Math",
            Category::Formats => "Formats and conversion",
            Category::Files => "Files",
            Category::Network => "Network",
            Category::System => "System",
            Category::Core => "Language",
            Category::Shell => "Shell",
        }
    }
}

/// What a call does besides giving its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Changes or asks the world, gives something else each time, or may never end: never before the program runs.
    Acts,
    /// Nothing: the same comes of the same input and arguments, as far as the closures among them compute too. So
    /// the checker may run it for a constant.
    Computes,
    /// Changes where programs are found, so that unknown words after it, or in its closure, are left to run time.
    Moves,
}

/// One parameter of a command.
pub struct Param {
    /// Without dashes.
    pub name: &'static str,
    pub kind: Kind,
    pub takes: Takes,
    /// One sentence fragment: "How many rows to keep".
    pub doc: &'static str,
    /// Whether columns may be named beside it that the input is not known to have: `--optional`.
    pub relaxes_columns: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Required,
    Optional,
    Rest,
    /// `--name value`
    Flag(Option<char>),
    /// `--name`
    Switch(Option<char>),
}

impl Kind {
    pub fn is_flag(self) -> bool {
        matches!(self, Kind::Flag(_) | Kind::Switch(_))
    }

    /// The letter after one dash.
    pub fn short(self) -> Option<char> {
        match self {
            Kind::Flag(short) | Kind::Switch(short) => short,
            Kind::Required | Kind::Optional | Kind::Rest => None,
        }
    }
}

/// What an argument may be.
#[derive(Debug, Clone, Copy)]
pub enum Takes {
    /// A value of a type, as text.
    Type(&'static str),
    /// One of these words.
    Words(&'static [&'static str]),
    /// Some of these words, joined by commas.
    WordList(&'static [&'static str]),
    /// A word of a command's name.
    CommandName,
    /// The name of a column of the input, or a path that starts with one.
    Column,
    /// The name of a column that need not be there yet, or a path that starts with one.
    NewColumn,
    /// A record whose fields are named as columns of the input are.
    ColumnRecord,
    /// A column, or a closure called with each row.
    ColumnOrClosure,
    /// A closure called with each item as its parameter and as `$in`, or a plain value of any type.
    Value,
    /// A closure called with each item as its parameter and as `$in`.
    EachClosure,
    /// A closure called with each cell of each row as its parameter and as `$in`.
    CellClosure,
    /// A closure called with each item and what came of the items before.
    FoldClosure,
    /// A row condition, or a closure that gives a bool for an item.
    Condition,
    /// A record of expressions that are evaluated once for each group, with the group's rows as `$in`.
    Aggregations,
    /// A closure called with the whole input as `$in`.
    Closure,
    /// A file or directory; `~` is the home directory.
    Path,
    /// A directory, as a path.
    Directory,
    /// The name of a known thing (`dataflow`, `node`), which the prompt completes.
    Name(Resource),
}

impl Takes {
    /// The type of the bound value.
    pub fn type_text(&self) -> String {
        match self {
            Takes::Type(text) => (*text).to_string(),
            Takes::Words(words) => format!("string@[{}]", words.join(" ")),
            Takes::Column | Takes::NewColumn => "cell-path".into(),
            Takes::ColumnOrClosure => "oneof<cell-path, closure>".into(),
            Takes::Value => "any".into(),
            Takes::EachClosure | Takes::CellClosure | Takes::FoldClosure | Takes::Closure => "closure".into(),
            Takes::Condition => "condition".into(),
            Takes::Aggregations | Takes::ColumnRecord => "record".into(),
            Takes::WordList(_) | Takes::CommandName => "string".into(),
            Takes::Path => "path".into(),
            Takes::Directory => "directory".into(),
            Takes::Name(_) => "string".into(),
        }
    }
}

/// Makes parameters, so that a declaration reads as a list of them.
impl Param {
    const fn new(name: &'static str, kind: Kind, takes: Takes, doc: &'static str) -> Param {
        Param { name, kind, takes, doc, relaxes_columns: false }
    }

    pub const fn required(name: &'static str, takes: Takes, doc: &'static str) -> Param {
        Param::new(name, Kind::Required, takes, doc)
    }

    pub const fn optional(name: &'static str, takes: Takes, doc: &'static str) -> Param {
        Param::new(name, Kind::Optional, takes, doc)
    }

    pub const fn rest(name: &'static str, takes: Takes, doc: &'static str) -> Param {
        Param::new(name, Kind::Rest, takes, doc)
    }

    pub const fn flag(name: &'static str, short: Option<char>, takes: Takes, doc: &'static str) -> Param {
        Param::new(name, Kind::Flag(short), takes, doc)
    }

    pub const fn switch(name: &'static str, short: Option<char>, doc: &'static str) -> Param {
        Param::new(name, Kind::Switch(short), Takes::Type("bool"), doc)
    }

    /// The same parameter, beside which columns need not be there, or not under this very name.
    pub const fn relaxing(self) -> Param {
        Param { relaxes_columns: true, ..self }
    }

    pub fn is_flag(&self) -> bool {
        self.kind.is_flag()
    }

    pub fn short(&self) -> Option<char> {
        self.kind.short()
    }

    /// `<name>`, `[name]`, `...name`, `[--flag <type>]`
    pub fn usage(&self) -> String {
        match self.kind {
            Kind::Required => format!("<{}>", self.name),
            Kind::Optional => format!("[{}]", self.name),
            Kind::Rest => format!("...{}", self.name),
            Kind::Flag(_) => format!("[--{} <{}>]", self.name, self.takes.type_text()),
            Kind::Switch(_) => format!("[--{}]", self.name),
        }
    }
}

/// Makes what a reader gives a live view: the shell runs the line again and again, and shows it in one place.
pub const WATCH: Param = Param::switch("watch", None, "Show it again and again, until ctrl-c or q");
/// The same, as the requirements of some readers call it.
pub const LIVE: Param = Param::switch("live", None, "The same as --watch");
/// How often [`WATCH`] shows it.
pub const INTERVAL: Param =
    Param::flag("interval", None, Takes::Type("duration"), "How often --watch shows it; each second without it");

/// A line to try, which is also a test.
pub struct Example {
    /// What it shows, as a sentence without a full stop.
    pub about: &'static str,
    pub code: &'static str,
    /// An expression equal to the result; `None` when the result is not the same everywhere.
    pub result: Option<&'static str>,
}

/// What a type inference hook sees: the call before it runs.
pub struct Shape<'a> {
    pub input: &'a Type,
    /// For each parameter: the argument's type and, when it is known already, its value.
    pub arguments: &'a [Option<Known>],
    pub command: &'static Command,
    /// For what must be asked of the world, such as a file's columns.
    pub context: &'a crate::context::Context,
    pub env: &'a crate::context::Env,
}

/// What is known of an argument before the program runs.
#[derive(Debug, Clone)]
pub struct Known {
    pub of: Type,
    pub value: Option<Value>,
    /// For closures, what they give.
    pub gives: Option<Type>,
    /// For aggregations and other records, the parts in order.
    pub parts: Vec<(std::sync::Arc<str>, Type)>,
}

impl Known {
    /// Nothing but the type.
    pub fn of(of: Type) -> Self {
        Known { of, value: None, gives: None, parts: Vec::new() }
    }
}

impl Shape<'_> {
    pub fn argument(&self, name: &str) -> Option<&Known> {
        let (at, _) = self.command.param(name)?;
        self.arguments.get(at)?.as_ref()
    }

    /// The argument's value when it is known already.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.argument(name)?.value.as_ref()
    }

    /// The items of a rest parameter, as far as all are known.
    pub fn rest(&self, name: &str) -> Option<Vec<Value>> {
        match self.value(name)? {
            Value::List(items) => Some(items.to_vec()),
            _ => None,
        }
    }

    /// Whether a switch is on.
    pub fn switch(&self, name: &str) -> bool {
        matches!(self.value(name), Some(Value::Bool(true)))
    }
}

/// What a lowering hook sees: the call inside a closure over a table.
pub struct Lowering<'a> {
    /// What flows into the command; `None` when nothing lowerable does.
    pub input: Option<Expr>,
    /// Whether the input is a whole column of a group rather than one row's value.
    pub over_group: bool,
    /// For each parameter the value, when it is a constant.
    pub arguments: &'a [Option<Value>],
    pub command: &'static Command,
    pub span: diag::Span,
}

impl Lowering<'_> {
    pub fn value(&self, name: &str) -> Option<&Value> {
        let (at, _) = self.command.param(name)?;
        self.arguments.get(at)?.as_ref()
    }

    /// Whether any argument was given.
    pub fn is_plain(&self) -> bool {
        self.arguments.iter().all(Option::is_none)
    }
}
