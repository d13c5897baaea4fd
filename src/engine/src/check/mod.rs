//! Names, types and columns, before anything runs.
//!
//! One pass over the tree resolves names to slots, binds arguments to declarations, carries types and columns
//! along, and gives the [`program`](crate::program) to run. All problems are reported at once. What is `any`
//! is left to run time; what is refused here would fail if it were reached, or compares what can never be
//! equal.

mod argument;
mod bind;
mod block;
mod call;
mod constant;
mod expr;
mod function;
mod keyword;
mod module;
mod path;
mod row;
pub mod scope;
mod watch;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use diag::{Diagnostic, SourceId, Span};
use value::Type;

use crate::context::{Context, Env};
use crate::program::{Node, Op, Slot};
use scope::{FunctionName, Input, Level, Module, Scope, Var, VarKind};

/// The outermost names of a session: what one line declares, the next ones see.
#[derive(Debug, Clone, Default)]
pub struct Names {
    pub scope: Scope,
    pub slots: u32,
}

/// What checking gives.
pub struct Checked {
    pub node: Node,
    /// What the program gives.
    pub of: Type,
    pub errors: Vec<Diagnostic>,
    pub warnings: Vec<Diagnostic>,
    pub names: Names,
    /// The type at each place that completion may ask about: what flows into a call.
    pub inputs: Vec<(Span, Type)>,
    /// Calls of what is not there.
    pub unknown: Vec<Span>,
    /// The program is to be run again and again, so often.
    pub watch: Option<Duration>,
}

/// Checks a block as the next line of a session.
pub fn check(context: &Context, env: &Env, names: &Names, block: &syntax::ast::Block, source: SourceId) -> Checked {
    let mut checker = Checker {
        context,
        env,
        errors: Vec::new(),
        warnings: Vec::new(),
        scopes: vec![names.scope.clone()],
        levels: vec![Level { slots: names.slots, captures: Vec::new() }],
        inputs: vec![Input { of: Type::Nothing, slot: None, mentions: 0, level: 0 }],
        row: None,
        next_id: u64::from(names.slots) << 32,
        tries: 0,
        loops: 0,
        loading: Vec::new(),
        loaded: HashMap::new(),
        seen_inputs: Vec::new(),
        path_changed: false,
        unknown: Vec::new(),
        watchable: watch::place(block),
        watch: None,
        source,
    };
    let (node, of) = checker.program(block);
    let slots = checker.levels.first().map_or(0, |level| level.slots);
    let scope = checker.scopes.into_iter().next().unwrap_or_default();
    Checked {
        node,
        of,
        errors: checker.errors,
        warnings: checker.warnings,
        names: Names { scope, slots },
        inputs: checker.seen_inputs,
        unknown: checker.unknown,
        watch: checker.watch,
    }
}

/// What a row condition knows of the row.
#[derive(Debug, Clone)]
struct Row {
    slot: Slot,
    of: Type,
}

struct Checker<'a> {
    context: &'a Context,
    env: &'a Env,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    scopes: Vec<Scope>,
    levels: Vec<Level>,
    inputs: Vec<Input>,
    /// Inside a row condition, outside its parentheses.
    row: Option<Row>,
    next_id: u64,
    /// How many `try` surround this place: words found nowhere are left to run time there.
    tries: u32,
    /// How many loops surround this place within the same function.
    loops: u32,
    /// Files being loaded, outermost first, to see cycles.
    loading: Vec<std::path::PathBuf>,
    loaded: HashMap<std::path::PathBuf, Arc<Module>>,
    seen_inputs: Vec<(Span, Type)>,
    /// The program sets PATH or changes the directory before this place.
    path_changed: bool,
    /// Calls of what is not there.
    unknown: Vec<Span>,
    /// The one place where `--watch` may stand.
    watchable: Option<Span>,
    /// What it asks for.
    watch: Option<Duration>,
    source: SourceId,
}

impl Checker<'_> {
    fn report(&mut self, error: Box<Diagnostic>) {
        self.errors.push(*error);
    }

    fn warn(&mut self, warning: Box<Diagnostic>) {
        self.warnings.push(*warning);
    }

    fn level(&self) -> usize {
        self.levels.len() - 1
    }

    fn new_slot(&mut self) -> Slot {
        let level = self.levels.last_mut();
        level.map_or(0, |level| {
            level.slots += 1;
            level.slots - 1
        })
    }

    /// Declares a variable in the innermost scope.
    fn declare(&mut self, name: &Arc<str>, of: Type, kind: VarKind, span: Span) -> Slot {
        let slot = self.new_slot();
        self.declare_at(name, slot, of, kind, span);
        slot
    }

    fn declare_at(&mut self, name: &Arc<str>, slot: Slot, of: Type, kind: VarKind, span: Span) {
        self.next_id += 1;
        let var = Var { id: self.next_id, level: self.level(), slot, of, kind, span };
        if let Some(scope) = self.scopes.last_mut() {
            scope.vars.insert(name.clone(), var);
        }
    }

    fn var(&self, name: &str) -> Option<&Var> {
        self.scopes.iter().rev().find_map(|scope| scope.vars.get(name))
    }

    fn function(&self, name: &str) -> Option<&FunctionName> {
        self.scopes.iter().rev().find_map(|scope| scope.functions.get(name))
    }

    fn module(&self, name: &str) -> Option<&Arc<Module>> {
        self.scopes.iter().rev().find_map(|scope| scope.modules.get(name))
    }

    /// The variable's slot in the function that is being checked; captured on the way when it lives further out.
    fn slot_of(&mut self, var: &Var) -> Slot {
        self.slot_at(var, self.level())
    }

    fn slot_at(&mut self, var: &Var, level: usize) -> Slot {
        if var.level >= level {
            return var.slot;
        }
        if let Some((_, _, inner)) = self.levels[level].captures.iter().find(|(known, _, _)| known.id == var.id) {
            return *inner;
        }
        let outer = self.slot_at(var, level - 1);
        let inner = self.levels[level].slots;
        self.levels[level].slots += 1;
        self.levels[level].captures.push((var.clone(), outer, inner));
        inner
    }

    /// The slot and type of `$in` here.
    fn input(&mut self) -> (Slot, Type) {
        let fresh = self.levels.last().map_or(0, |level| level.slots);
        let Some(input) = self.inputs.last_mut() else { return (0, Type::Nothing) };
        let of = input.of.clone();
        input.mentions += 1;
        if let Some(slot) = input.slot {
            return (slot, of);
        }
        input.slot = Some(fresh);
        (self.new_slot(), of)
    }

    /// Runs `inside` with names of its own.
    fn scoped<T>(&mut self, inside: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.push(Scope::default());
        let result = inside(self);
        self.scopes.pop();
        result
    }

    /// Runs `inside` with `$in` of a type; gives where it goes, if it was mentioned.
    fn with_input<T>(&mut self, of: Type, inside: impl FnOnce(&mut Self) -> T) -> (T, Mentioned) {
        let level = self.level();
        self.inputs.push(Input { of, slot: None, mentions: 0, level });
        let result = inside(self);
        let input = self.inputs.pop();
        let slot = input.as_ref().and_then(|input| input.slot);
        (result, Mentioned { slot, once: input.is_some_and(|input| input.mentions == 1) })
    }

    /// Runs `inside` outside any row condition: parentheses and closures write columns as `$it.name`.
    fn without_row<T>(&mut self, inside: impl FnOnce(&mut Self) -> T) -> T {
        let row = self.row.take();
        let result = inside(self);
        self.row = row;
        result
    }
}

/// Where `$in` goes, and whether it is mentioned only once.
#[derive(Clone, Copy)]
struct Mentioned {
    slot: Option<Slot>,
    once: bool,
}

impl Mentioned {
    /// Whether `$in` is mentioned only where a body begins. What flows in can go on from there as it comes.
    fn begins(self, body: &mut Node) -> bool {
        self.once && self.slot.is_some_and(|slot| flows_through(body, slot))
    }
}

/// Makes what a node begins with its input, if that is what the slot holds.
fn flows_through(node: &mut Node, slot: Slot) -> bool {
    match &mut node.op {
        Op::Local(here) if *here == slot => {
            node.op = Op::Input(slot);
            true
        }
        Op::Block(block) => block.statements.first_mut().is_some_and(|first| flows_through(first, slot)),
        Op::Pipeline(stages) => stages.first_mut().is_some_and(|first| flows_through(&mut first.node, slot)),
        _ => false,
    }
}
