//! Names in sight, and the slots they stand for.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use diag::Span;
use value::{Type, Value};

use crate::command::Kind;
use crate::program::{Function, Slot};

/// A variable in sight.
#[derive(Debug, Clone)]
pub struct Var {
    /// Tells apart variables of one name.
    pub id: u64,
    /// The function it lives in, counted from the outermost.
    pub level: usize,
    pub slot: Slot,
    pub of: Type,
    pub kind: VarKind,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum VarKind {
    Let,
    /// Whether its type was written, so that assignments must keep it.
    Mut,
    Const(Value),
}

/// A `def` in sight.
#[derive(Debug, Clone)]
pub struct FunctionName {
    pub function: Arc<OnceLock<Arc<Function>>>,
    pub signature: Arc<Signature>,
    /// The variables of the outside that its body uses: handed over at each call.
    pub captures: Option<Arc<Vec<Var>>>,
    pub span: Span,
}

/// What a caller must know of a `def`.
#[derive(Debug)]
pub struct Signature {
    pub name: Arc<str>,
    pub params: Vec<SignatureParam>,
    pub io: Vec<(Type, Type)>,
    pub doc: String,
    /// Flags that it does not know are positional: it wraps a program.
    pub wrapped: bool,
}

#[derive(Debug)]
pub struct SignatureParam {
    pub name: Arc<str>,
    pub kind: Kind,
    pub of: Type,
    pub doc: String,
}

/// What a module shows to those who use it.
#[derive(Debug, Default)]
pub struct Module {
    pub name: Arc<str>,
    pub functions: Vec<(Arc<str>, FunctionName)>,
    pub consts: Vec<(Arc<str>, Value)>,
    pub modules: Vec<(Arc<str>, Arc<Module>)>,
}

/// The names of one block.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub vars: HashMap<Arc<str>, Var>,
    pub functions: HashMap<Arc<str>, FunctionName>,
    pub modules: HashMap<Arc<str>, Arc<Module>>,
}

/// One function that is being checked.
#[derive(Debug, Default)]
pub struct Level {
    pub slots: u32,
    /// Each variable of the outside that is used inside: its id, its slot one level out, and its slot here.
    pub captures: Vec<(Var, Slot, Slot)>,
}

/// What `$in` means at some place.
#[derive(Debug)]
pub struct Input {
    pub of: Type,
    /// Given when somebody mentions `$in`.
    pub slot: Option<Slot>,
    /// How often it is mentioned.
    pub mentions: usize,
    pub level: usize,
}

impl Signature {
    /// `name <a> [b] ...rest [--flag]`
    pub fn usage(&self) -> String {
        let mut usage = self.name.to_string();
        for param in &self.params {
            usage.push(' ');
            usage.push_str(&match param.kind {
                Kind::Required => format!("<{}>", param.name),
                Kind::Optional => format!("[{}]", param.name),
                Kind::Rest => format!("...{}", param.name),
                Kind::Flag(_) => format!("[--{} <{}>]", param.name, param.of),
                Kind::Switch(_) => format!("[--{}]", param.name),
            });
        }
        usage
    }
}
