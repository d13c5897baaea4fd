//! Text in, data out: one session's names, environment and interpreter.

use std::sync::Arc;

use diag::{Diagnostic, Result, Source, SourceId, Span, codes};
use syntax::ast::Block;
use value::{Type, Value};

use crate::call::ClosureValue;
use crate::check::{self, Checked, Names};
use crate::context::{Context, Env};
use crate::data::Data;
use crate::run::Interpreter;

/// A session: what one program declares, the next ones see.
pub struct Session {
    names: Names,
    interpreter: Interpreter,
}

/// What became of a program.
pub struct Outcome {
    /// What it gives, or why it failed. Nothing has run when checking failed.
    pub result: Result<Data>,
    /// Said while checking; no reason not to run.
    pub warnings: Vec<Diagnostic>,
    /// Whether it was refused: nothing has run.
    pub refused: bool,
}

impl Session {
    pub fn new(context: Context) -> Self {
        Session { names: Names::default(), interpreter: Interpreter::new(context, Env::from_process()) }
    }

    pub fn context(&self) -> &Context {
        &self.interpreter.context
    }

    pub fn env(&self) -> &Env {
        &self.interpreter.env
    }

    pub fn env_mut(&mut self) -> &mut Env {
        &mut self.interpreter.env
    }

    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Parses and checks a text without running it. Errors of both are in the result's `errors`.
    pub fn check(&self, source: &Arc<Source>) -> Checked {
        let parsed = syntax::parse(source);
        let mut checked = self.check_block(&parsed.block, source.id);
        // Behind a mistyped `where`, operators are read as words.
        let follows = |error: &Diagnostic| {
            let at = error.labels.first().map(|label| label.span);
            let within = |call: &Span| at.is_some_and(|at| at.source == call.source && call.to(at) == *call);
            error.code == codes::FOREIGN_OPERATOR && checked.unknown.iter().any(within)
        };
        let told = parsed.errors.into_iter().filter(|error| !follows(error)).collect::<Vec<_>>();
        checked.errors.splice(0..0, told);
        checked
    }

    /// Checks a tree that did not come from a text of the language, such as one command's arguments.
    pub fn check_block(&self, block: &Block, source: SourceId) -> Checked {
        check::check(self.context(), self.env(), &self.names, block, source)
    }

    /// Runs a text as the next program of this session. All its mistakes come back at once, and then nothing has run.
    /// `capture` keeps what programs write as data; otherwise the last one writes to the terminal itself.
    pub fn run(&mut self, name: &str, text: &str, capture: bool) -> Outcome {
        let source = self.context().sources().add(name, text);
        let checked = self.check(&source);
        self.run_checked(checked, capture)
    }

    /// Runs what has been checked, unless there were errors.
    pub fn run_checked(&mut self, checked: Checked, capture: bool) -> Outcome {
        if let Some(error) = Diagnostic::combine(checked.errors) {
            return Outcome { result: Err(error), warnings: checked.warnings, refused: true };
        }
        self.names = checked.names;
        let result = self.interpreter.run_top(&checked.node, self.names.slots, capture);
        Outcome { result, warnings: checked.warnings, refused: false }
    }

    /// Runs a text and collects what it gives.
    pub fn value(&mut self, text: &str) -> Result<Value> {
        let data = self.run("<text>", text, true).result?;
        data.into_value(self.context().interrupt())
    }

    /// Calls a closure that this session made. What it changes in the environment stays, as it would at the prompt.
    pub fn call(&mut self, closure: &ClosureValue, arguments: &[Value]) -> Result<Value> {
        let data = self.interpreter.call_here(closure, arguments, Data::Empty)?;
        data.into_value(self.context().interrupt())
    }

    /// Makes a value a variable of the session, as `let` would.
    pub fn bind(&mut self, name: &str, value: Value) {
        let slot = self.names.slots;
        self.names.slots += 1;
        let var = check::scope::Var {
            id: u64::from(slot) << 32 | 0xffff_ffff,
            level: 0,
            slot,
            of: Type::Any,
            kind: check::scope::VarKind::Const(value),
            span: Span::default(),
        };
        self.names.scope.vars.insert(name.into(), var);
    }
}
