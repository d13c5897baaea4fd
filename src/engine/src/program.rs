//! A checked program: names are slots, commands are declarations, arguments are bound.

use std::sync::{Arc, OnceLock};

use diag::Span;
use value::ops::Operator;
use value::{PathMember, Resource, Type, Value};

use crate::command::Command;

/// Something to evaluate and where it was written.
#[derive(Debug)]
pub struct Node {
    pub op: Op,
    pub span: Span,
}

/// A place in the frame of the function that is running.
pub type Slot = u32;

#[derive(Debug)]
pub enum Op {
    Const(Value),
    Local(Slot),
    /// The whole environment as a record.
    Env,
    /// `$env.NAME`; `optional` gives null for what is not set.
    EnvVar {
        name: Arc<str>,
        optional: bool,
    },
    Interpolate(Vec<Node>),
    Path(Box<Node>, Arc<[PathMember]>),
    List(Vec<ListNode>),
    Record(Vec<FieldNode>),
    Table {
        columns: Arc<Vec<Arc<str>>>,
        rows: Vec<Vec<Node>>,
    },
    Range {
        start: Box<Node>,
        next: Option<Box<Node>>,
        end: Option<Box<Node>>,
        inclusive: bool,
    },
    Not(Box<Node>),
    Negate(Box<Node>),
    Binary(Operator, Box<(Node, Node)>),
    /// Makes a closure out of a function and the slots it captures, in the order of its capture slots.
    Closure {
        function: Arc<Function>,
        captures: Vec<Slot>,
    },
    /// `( … )`, a keyword's braces, a file.
    Block(Block),
    Pipeline(Vec<Stage>),
    If {
        condition: Box<Node>,
        then: Box<Node>,
        otherwise: Option<Box<Node>>,
    },
    Match {
        subject: Box<Node>,
        arms: Vec<Arm>,
    },
    For {
        slot: Slot,
        items: Box<Node>,
        body: Box<Node>,
    },
    While {
        condition: Box<Node>,
        body: Box<Node>,
    },
    Loop(Box<Node>),
    Break,
    Continue,
    Return(Option<Box<Node>>),
    Try {
        body: Box<Node>,
        catch: Option<Box<Node>>,
        finally: Option<Box<Node>>,
    },
    /// Gives nothing.
    Let {
        slot: Slot,
        value: Box<Node>,
        of: Option<Type>,
    },
    /// `$in` where a pipeline begins: what flows in goes on, or else what the slot holds.
    Input(Slot),
    /// `5 | let x`: binds the stage's input.
    LetInput {
        slot: Slot,
        of: Option<Type>,
    },
    /// `$x = …`, `$x.a.0 = …`
    Assign {
        slot: Slot,
        path: Arc<[PathMember]>,
        value: Box<Node>,
        of: Option<Type>,
    },
    /// `$x += …`
    Update {
        slot: Slot,
        path: Arc<[PathMember]>,
        op: Operator,
        value: Box<Node>,
        of: Option<Type>,
    },
    AssignEnv {
        name: Arc<str>,
        path: Arc<[PathMember]>,
        op: Option<Operator>,
        value: Box<Node>,
    },
    /// `NAME=value` around one call.
    WithEnv {
        vars: Vec<(Arc<str>, Node)>,
        body: Box<Node>,
    },
    Call(Box<CallNode>),
    CallFunction(Box<FunctionCall>),
    External(Box<ExternalNode>),
    /// A bare verb over a value whose resource is known only when it arrives.
    Dispatch {
        verb: Arc<str>,
        choices: Vec<(Resource, Node)>,
    },
    /// Redirects what a stage writes.
    Redirect {
        body: Box<Node>,
        to: Vec<RedirectNode>,
    },
    /// Has been reported; never runs.
    Error,
}

#[derive(Debug)]
pub struct Block {
    pub statements: Vec<Node>,
    /// Whether changes of the environment end with it.
    pub scoped_env: bool,
}

/// One element of a pipeline.
#[derive(Debug)]
pub struct Stage {
    pub node: Node,
    /// Where the stage's input goes when it mentions `$in`.
    pub input: Option<Slot>,
}

#[derive(Debug)]
pub enum ListNode {
    Item(Node),
    Spread(Node),
}

#[derive(Debug)]
pub enum FieldNode {
    Field { name: NameNode, value: Node },
    Spread(Node),
}

#[derive(Debug)]
pub enum NameNode {
    Known(Arc<str>),
    Computed(Node),
}

#[derive(Debug)]
pub struct Arm {
    pub pattern: Pattern,
    pub guard: Option<Node>,
    pub body: Node,
}

#[derive(Debug)]
pub enum Pattern {
    Anything,
    Bind(Slot),
    Value(Node),
    List { items: Vec<Pattern>, rest: Option<Option<Slot>> },
    Record(Vec<(Arc<str>, Pattern)>),
    Or(Vec<Pattern>),
}

/// A call of a declared command with an argument for each parameter that was given.
#[derive(Debug)]
pub struct CallNode {
    pub command: CommandRef,
    pub arguments: Vec<Option<Argument>>,
    /// Where the name stands.
    pub head: Span,
}

/// A declaration, printed by its name.
#[derive(Clone, Copy)]
pub struct CommandRef(pub &'static Command);

impl std::fmt::Debug for CommandRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name)
    }
}

#[derive(Debug)]
pub struct Argument {
    pub value: ArgumentValue,
    pub span: Span,
    /// What the value must be when it is known only at run time; `None` when checked already.
    pub check: Option<Type>,
}

#[derive(Debug)]
pub enum ArgumentValue {
    One(Node),
    Many(Vec<ListNode>),
}

/// A function written in the language: a `def` or a closure.
#[derive(Debug)]
pub struct Function {
    pub name: Option<Arc<str>>,
    pub params: Vec<FunctionParam>,
    /// Where captured values go, in the order of the closure's captures.
    pub captures: Vec<Slot>,
    /// Where `$in` goes, when the body mentions it.
    pub input: Option<Slot>,
    /// Whether the body begins with `$in` and mentions it nowhere else: what flows in need not be collected.
    pub streams: bool,
    /// How many slots a call needs.
    pub frame: u32,
    pub body: Node,
    /// The whole of it, as written.
    pub text: Arc<str>,
    pub span: Span,
    /// Input and output types; empty when not annotated.
    pub io: Vec<(Type, Type)>,
    /// What the body gives, as far as the checker knows.
    pub gives: Type,
    /// `def --env`: its changes of the environment are the caller's.
    pub env: bool,
    /// A row condition: its one parameter is the row, and bare names were columns.
    pub condition: bool,
}

#[derive(Debug)]
pub struct FunctionParam {
    pub name: Arc<str>,
    pub slot: Slot,
    pub of: Type,
    pub kind: FunctionParamKind,
}

#[derive(Debug)]
pub enum FunctionParamKind {
    Required,
    Optional(Value),
    Rest,
    Flag(Value),
    Switch,
}

/// A call of a `def`; the function may be defined later in the same block, or be the one that is running.
#[derive(Debug)]
pub struct FunctionCall {
    pub function: Arc<OnceLock<Arc<Function>>>,
    pub arguments: Vec<Option<Argument>>,
    /// The caller's slots whose values go into the function's capture slots.
    pub captures: Vec<Slot>,
}

#[derive(Debug)]
pub struct ExternalNode {
    pub name: Box<Node>,
    pub arguments: Vec<ListNode>,
    /// Whether its standard error is kept too, for `complete`.
    pub keep_stderr: bool,
    /// What flows into the next stage.
    pub pipe: syntax::ast::PipeFrom,
}

#[derive(Debug)]
pub struct RedirectNode {
    pub from: syntax::ast::PipeFrom,
    pub append: bool,
    pub target: Node,
}

impl Node {
    pub fn new(op: Op, span: Span) -> Self {
        Node { op, span }
    }

    pub fn constant(value: Value, span: Span) -> Self {
        Node { op: Op::Const(value), span }
    }

    /// The value when it needs no running.
    pub fn as_const(&self) -> Option<&Value> {
        if let Op::Const(value) = &self.op { Some(value) } else { None }
    }
}
