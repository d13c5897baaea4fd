//! The tree of a program. Every node knows its place; nothing here knows a command.
//!
//! Parsing needs no signature, so arguments stay as they were written ([`Argument`]) until the checker binds
//! them to a declaration. A place that could not be read is [`ExprKind::Error`]: the rest of the program is
//! there all the same.

use std::sync::Arc;

use diag::Span;
use value::ops::Operator;

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    pub node: T,
    pub span: Span,
}

pub type Name = Spanned<Arc<str>>;

/// Statements in order: a file, a prompt line, or what stands between braces.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    pub statements: Vec<Pipeline>,
    pub span: Span,
}

/// Elements joined by `|`, first to last. Never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    pub elements: Vec<Element>,
    pub span: Span,
}

impl Pipeline {
    /// The keyword form that it is, when it is nothing else.
    pub fn keyword(&self) -> Option<&Keyword> {
        match self.elements.as_slice() {
            [element] => match &element.expr.kind {
                ExprKind::Keyword(keyword) => Some(keyword),
                _ => None,
            },
            _ => None,
        }
    }
}

/// One stage of a pipeline: an expression with what surrounds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    /// `NAME=value` before the command.
    pub env: Vec<(Name, Expr)>,
    pub expr: Expr,
    /// `o> file` and its kin, in the order written.
    pub redirections: Vec<Redirection>,
    /// Joined to the next stage by `e>|` or `o+e>|` instead of `|`.
    pub pipe: PipeFrom,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PipeFrom {
    Out,
    Err,
    Both,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Redirection {
    pub from: PipeFrom,
    pub append: bool,
    pub target: Expr,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    Literal(Literal),
    /// `$"…(expr)…"`, parts in order.
    Interpolation(Vec<Part>),
    /// A word that is not a literal: a string as an argument, a column on the left in a row condition.
    Bare(Arc<str>),
    /// `$name`, also `$in`, `$it`, `$env`. The name is without `$`.
    Variable(Arc<str>),
    /// `base.member.0?`
    Path {
        base: Box<Expr>,
        members: Vec<Member>,
    },
    /// `$.a.b`
    CellPath(Vec<Member>),
    List(Vec<ListItem>),
    Record(Vec<RecordItem>),
    /// `[[a b]; [1 2] [3 4]]`
    Table {
        columns: Vec<Expr>,
        rows: Vec<Expr>,
    },
    Range {
        start: Option<Box<Expr>>,
        next: Option<Box<Expr>>,
        end: Option<Box<Expr>>,
        inclusive: bool,
    },
    Unary {
        op: Spanned<UnaryOp>,
        operand: Box<Expr>,
    },
    Binary {
        op: Spanned<Operator>,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `( … )`: a whole block whose last pipeline's value it is.
    Subexpression(Block),
    /// `{|a b| … }`, or braces without parameters where a closure is what binding makes of them.
    Closure(Closure),
    /// `{ … }` in keyword forms, and braces whose reading as closure or record binding decides (`{}`).
    Block(Block),
    Call(Box<Call>),
    Keyword(Box<Keyword>),
    /// Could not be read; the diagnostic has been reported.
    Error,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Nanoseconds.
    Duration(i64),
    /// Bytes.
    Filesize(i64),
    /// As written; `value::DateTime::parse` reads it.
    DateTime(Arc<str>),
    /// Quoted in any way; escapes are resolved. Bare words are [`ExprKind::Bare`].
    String(Arc<str>),
    Binary(Arc<[u8]>),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    Text(Arc<str>),
    Expr(Expr),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    pub step: Step,
    pub optional: bool,
    pub any_case: bool,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    Name(Arc<str>),
    Index(u64),
}

#[derive(Debug, Clone, PartialEq)]
pub enum ListItem {
    Item(Expr),
    /// `...$list`
    Spread(Expr),
}

#[derive(Debug, Clone, PartialEq)]
pub enum RecordItem {
    /// The key is a string literal or bare word, a variable, or a subexpression.
    Field { key: Expr, value: Expr },
    /// `...$record`
    Spread(Expr),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    Not,
    Minus,
}

/// `dataflow list --all`: words and arguments as written. The first `head` words may all belong to the name.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// `^name` always runs a program; `%name` always a declared command.
    pub sigil: Option<Sigil>,
    /// The first word. A string or subexpression after `^` or `%` is kept as an expression.
    pub head: Expr,
    pub arguments: Vec<Argument>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sigil {
    External,
    Declared,
}

/// One argument, before it is known what it is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// `word`, `"text"`, `$x`, `[…]`, `{…}`, `(…)`. A word keeps its text beside what it reads as alone.
    Positional { text: Arc<str>, expr: Expr },
    /// `--name` or `--name=value`.
    Long { name: Name, value: Option<Expr>, span: Span },
    /// `-abc`, as one group; binding takes it apart. `-5` and `-.5` are numbers, not flags.
    Short { letters: Name, span: Span },
    /// `...$list`
    Spread(Expr),
    /// `--`: what follows is positional.
    EndOfFlags(Span),
    /// What stands after `where`, `any`, `all` and `filter` when it is not a closure: an expression in which bare
    /// names on the left are columns and bare words on the right strings.
    Condition(Expr),
}

/// `{|a b?: int| … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Closure {
    /// `None` when no `| |` was written.
    pub parameters: Option<Vec<Parameter>>,
    pub body: Block,
}

/// One parameter of a `def` or a closure.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    pub kind: ParameterKind,
    pub name: Name,
    /// The text after `:`; `value::Type::parse` reads it.
    pub of: Option<Name>,
    pub default: Option<Expr>,
    /// The comment beside or above it.
    pub doc: String,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// `a`
    Required,
    /// `a?`, or `a = 1`
    Optional,
    /// `...rest`
    Rest,
    /// `--flag(-f)`; a switch when it has no type and no default.
    Flag { short: Option<char> },
}

/// What `def` says before the body.
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    pub parameters: Vec<Parameter>,
    /// Pairs of input and output type, as text.
    pub io: Vec<(Name, Name)>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Keyword {
    /// `let`, `mut` or `const`. Without a value (`5 | let x`) the pipeline's input is bound.
    Binding {
        kind: BindingKind,
        name: Name,
        of: Option<Name>,
        value: Option<Pipeline>,
        exported: bool,
    },
    /// `$x = …`, `$x.a += …`, `$env.X = …`; the operator is `=` or the one before `=`.
    Assign {
        target: Expr,
        op: Spanned<Arc<str>>,
        value: Pipeline,
    },
    Def {
        name: Name,
        signature: Signature,
        body: Block,
        env: bool,
        wrapped: bool,
        exported: bool,
        doc: String,
    },
    If {
        condition: Expr,
        then: Block,
        otherwise: Option<Expr>,
    },
    Match {
        subject: Expr,
        arms: Vec<Arm>,
    },
    For {
        variable: Name,
        of: Option<Name>,
        items: Expr,
        body: Block,
    },
    While {
        condition: Expr,
        body: Block,
    },
    Loop {
        body: Block,
    },
    Break,
    Continue,
    Return(Option<Pipeline>),
    Try {
        body: Block,
        catch: Option<Expr>,
        finally: Option<Expr>,
    },
    /// `module name { … }`
    Module {
        name: Name,
        body: Block,
        exported: bool,
    },
    /// `use path-or-module [names]`
    Use {
        path: Expr,
        names: Vec<Name>,
        all: bool,
        exported: bool,
    },
    Source {
        path: Expr,
    },
    /// `@name arguments`, on a line above a `def`: says something of it.
    Attribute {
        name: Name,
        arguments: Vec<Argument>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindingKind {
    Let,
    Mut,
    Const,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    pub pattern: Spanned<Pattern>,
    pub guard: Option<Expr>,
    /// A block, or any expression.
    pub body: Expr,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Pattern {
    /// `_`
    Anything,
    /// `$x`
    Variable(Arc<str>),
    /// A literal, range or bare word: equal to it, or in it.
    Value(Expr),
    /// `[a, $b, ..$rest]`; `..` alone leaves the rest unnamed.
    List { items: Vec<Spanned<Pattern>>, rest: Option<Option<Arc<str>>> },
    /// `{a: 1, $b}`
    Record(Vec<(Name, Spanned<Pattern>)>),
    /// `1 | 2`
    Or(Vec<Spanned<Pattern>>),
}
