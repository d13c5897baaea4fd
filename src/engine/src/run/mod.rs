//! The interpreter: walks a checked program over a stack of slots.
//!
//! [`Interpreter::eval`] gives a value, [`Interpreter::run`] what flows on; a pipeline is run, everything
//! inside an expression is evaluated. Values carry no spans: an error gets the place of the node it rose from.

mod assign;
mod function;
mod pattern;

use std::io::Write;
use std::sync::Arc;

use diag::{Diagnostic, Result, Span, codes};
use value::ops::{self, Operator};
use value::{Range, Record, Value};

use crate::call::{Call, ClosureValue};
use crate::context::{Context, Env};
use crate::data::Data;
use crate::error_value;
use crate::program::*;

pub use function::coerce;

/// Calls inside calls beyond this are an error rather than a crash. The stack that `main` gives the interpreter
/// has room for more.
pub const MAX_DEPTH: u32 = 4_000;

/// Why evaluation went no further.
#[derive(Debug)]
pub enum Stop {
    Error(Box<Diagnostic>),
    Break,
    Continue,
    Return(Value),
}

impl From<Box<Diagnostic>> for Stop {
    fn from(error: Box<Diagnostic>) -> Self {
        Stop::Error(error)
    }
}

type Flow<T> = std::result::Result<T, Stop>;

/// Runs programs. One per thread; clones of its context and environment go to closures that outlive a call.
pub struct Interpreter {
    pub context: Context,
    pub env: Env,
    stack: Vec<Value>,
    base: usize,
    depth: u32,
    /// Whether somebody takes what a program writes; otherwise it goes straight to the terminal.
    capture: bool,
}

impl Interpreter {
    pub fn new(context: Context, env: Env) -> Self {
        Interpreter { context, env, stack: Vec::new(), base: 0, depth: 0, capture: false }
    }

    /// An interpreter of the same session with a stack of its own.
    pub fn fork(&self) -> Interpreter {
        Interpreter { depth: self.depth, capture: true, ..Interpreter::new(self.context.clone(), self.env.clone()) }
    }

    /// Runs a whole program in the outermost frame, which keeps its slots from one program to the next.
    pub fn run_top(&mut self, program: &Node, frame: u32, capture: bool) -> Result<Data> {
        self.base = 0;
        self.stack.resize((frame as usize).max(self.stack.len()), Value::Nothing);
        self.capture = capture;
        match self.run(program, Data::Empty) {
            Ok(data) => Ok(data),
            Err(stop) => stopped(stop, program.span),
        }
    }

    /// Whether somebody takes what programs write.
    pub(crate) fn captures(&self) -> bool {
        self.capture
    }

    /// Runs a node and keeps what programs write.
    pub(crate) fn run_captured(&mut self, node: &Node, input: Data) -> Flow<Data> {
        let outer = std::mem::replace(&mut self.capture, true);
        let result = self.run(node, input);
        self.capture = outer;
        result
    }

    fn slot(&mut self, slot: Slot) -> &mut Value {
        let at = self.base + slot as usize;
        &mut self.stack[at]
    }

    fn set(&mut self, slot: Slot, value: Value) {
        *self.slot(slot) = value;
    }

    /// Evaluates to one value. What programs write is captured.
    pub(crate) fn eval(&mut self, node: &Node) -> Flow<Value> {
        match &node.op {
            Op::Const(value) => Ok(value.clone()),
            Op::Local(slot) | Op::Input(slot) => Ok(self.stack[self.base + *slot as usize].clone()),
            Op::Binary(op, sides) => self.binary(*op, &sides.0, &sides.1, node.span),
            Op::Path(base, members) => self.path(base, members, node.span),
            Op::CallFunction(call) => self.value_of_function(call, node.span),
            Op::If { condition, then, otherwise } => match (self.condition(condition)?, otherwise) {
                (true, _) => self.eval(then),
                (false, Some(otherwise)) => self.eval(otherwise),
                (false, None) => Ok(Value::Nothing),
            },
            Op::Block(_) if let Some(only) = function::single(node) => self.eval(only),
            _ => self.eval_rarer(node),
        }
    }

    /// The rest of what can be evaluated. Apart, so that the way of calls in calls needs little of the stack.
    #[inline(never)]
    fn eval_rarer(&mut self, node: &Node) -> Flow<Value> {
        match &node.op {
            Op::Not(inner) => {
                let value = self.eval(inner)?;
                ops::not(&value).map_err(|error| error.or_label(inner.span, "this operand").into())
            }
            Op::Negate(inner) => {
                let value = self.eval(inner)?;
                ops::negate(&value).map_err(|error| error.or_label(inner.span, "this operand").into())
            }
            Op::Interpolate(parts) => {
                let mut text = String::new();
                for part in parts {
                    match &part.op {
                        Op::Const(Value::String(known)) => text.push_str(known),
                        _ => text.push_str(&value::text::to_text(&self.eval(part)?)),
                    }
                }
                Ok(Value::string(text))
            }
            Op::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                self.list_items(items, &mut list)?;
                Ok(Value::list(list))
            }
            Op::Record(fields) => self.record(fields),
            Op::Table { columns, rows } => {
                let mut table = Vec::with_capacity(rows.len());
                for row in rows {
                    let cells = row.iter().map(|cell| self.eval(cell)).collect::<Flow<Vec<Value>>>()?;
                    table.push(Value::record(Record::from_parts(columns.clone(), cells)));
                }
                Ok(Value::list(table))
            }
            Op::Range { start, next, end, inclusive } => {
                let start = self.eval(start)?;
                let next = next.as_deref().map(|next| self.eval(next)).transpose()?;
                let end = end.as_deref().map(|end| self.eval(end)).transpose()?;
                let range = Range::new(&start, next.as_ref(), end.as_ref(), *inclusive);
                Ok(Value::range(range.map_err(|error| error.or_label(node.span, "this range"))?))
            }
            Op::Closure { function, captures } => {
                let captures = captures.iter().map(|slot| self.slot(*slot).clone()).collect();
                Ok(ClosureValue { function: function.clone(), captures: Arc::new(captures) }.into_value())
            }
            Op::Env => Ok(Value::record(self.env.to_record())),
            Op::EnvVar { name, optional } => match self.env.get(name) {
                Some(value) => Ok(value.clone()),
                None if *optional => Ok(Value::Nothing),
                None => {
                    let record = self.env.to_record();
                    let error = value::cell_path::unknown_column(name, record.names());
                    Err(Diagnostic::new(codes::NO_SUCH_COLUMN, format!("the environment has no variable `{name}`"))
                        .help(
                            error
                                .help
                                .filter(|help| help.starts_with("did"))
                                .unwrap_or_else(|| format!("`$env.{name}?` gives null instead")),
                        )
                        .label(node.span, "not set")
                        .into())
                }
            },
            _ => {
                let data = self.run_captured(node, Data::Empty)?;
                self.collect(data, node.span)
            }
        }
    }

    fn collect(&self, data: Data, span: Span) -> Flow<Value> {
        data.into_value(self.context.interrupt()).map_err(|error| error.or_label(span, "").into())
    }

    #[inline]
    fn binary(&mut self, op: Operator, left: &Node, right: &Node, span: Span) -> Flow<Value> {
        if let (Some(a), Some(b)) = (self.whole(left), self.whole(right))
            && let Some(result) = ops::of_ints(op, a, b)
        {
            return Ok(result);
        }
        let a = self.eval(left)?;
        if op.is_lazy() {
            // What decides alone leaves the other side alone: it may well fail.
            match (op, &a) {
                (Operator::And, Value::Bool(false)) | (Operator::Or, Value::Bool(true)) => return Ok(a),
                _ => {}
            }
        }
        let b = self.eval(right)?;
        ops::apply(op, &a, &b).map_err(|error| operator_error(error, &a, &b, left.span, right.span, span).into())
    }

    /// A whole number that is at hand, as most operands are: it need not be held as a value.
    #[inline]
    fn whole(&self, node: &Node) -> Option<i64> {
        match &node.op {
            Op::Const(value) => value.as_int(),
            Op::Local(slot) => self.stack[self.base + *slot as usize].as_int(),
            _ => None,
        }
    }

    fn path(&mut self, base: &Node, members: &[value::PathMember], span: Span) -> Flow<Value> {
        // A path into a variable copies only what it leads to.
        let result = match &base.op {
            Op::Local(slot) => self.stack[self.base + *slot as usize].follow(members),
            _ => self.eval(base)?.follow(members),
        };
        result.map_err(|error| error.or_label(span, "").into())
    }

    fn list_items(&mut self, items: &[ListNode], list: &mut Vec<Value>) -> Flow<()> {
        for item in items {
            match item {
                ListNode::Item(node) => list.push(self.eval(node)?),
                ListNode::Spread(node) => match self.eval(node)? {
                    Value::Nothing => {}
                    value => {
                        let items = value.items().map_err(|error| error.or_label(node.span, "spread here"))?;
                        list.extend(items.iter().cloned());
                    }
                },
            }
        }
        Ok(())
    }

    fn record(&mut self, fields: &[FieldNode]) -> Flow<Value> {
        let mut record = Record::new();
        for field in fields {
            match field {
                FieldNode::Field { name: NameNode::Known(name), value } => {
                    let value = self.eval(value)?;
                    record.insert(name.clone(), value);
                }
                FieldNode::Field { name: NameNode::Computed(name), value } => {
                    let key = value::text::to_text(&self.eval(name)?);
                    if record.contains(&key) {
                        return Err(duplicate_field(&key, name.span).into());
                    }
                    let value = self.eval(value)?;
                    record.insert(key, value);
                }
                FieldNode::Spread(node) => match self.eval(node)? {
                    Value::Nothing => {}
                    Value::Record(other) => {
                        for (name, value) in other.iter() {
                            record.insert(name, value.clone());
                        }
                    }
                    other => {
                        let found = other.type_of();
                        return Err(Diagnostic::new(
                            codes::WRONG_TYPE,
                            format!("only a record can be spread into a record, not {found}"),
                        )
                        .label(node.span, format!("this is {found}"))
                        .into());
                    }
                },
            }
        }
        Ok(Value::record(record))
    }

    /// Runs a node with what flows into it and gives what flows out.
    pub(crate) fn run(&mut self, node: &Node, input: Data) -> Flow<Data> {
        match &node.op {
            Op::Pipeline(stages) => self.pipeline(stages, input),
            Op::Call(call) => self.call(call, input),
            Op::CallFunction(call) => self.call_function(call, input, node.span),
            Op::Block(block) => self.block(block, input),
            Op::Input(_) if !input.is_empty() => Ok(input),
            Op::External(external) => {
                let name = self.eval(&external.name)?;
                let mut arguments = Vec::new();
                self.list_items(&external.arguments, &mut arguments)?;
                Ok(crate::external::start(self, external, &name, &arguments, input, node.span)?)
            }
            Op::If { condition, then, otherwise } => {
                if self.condition(condition)? {
                    self.run(then, input)
                } else {
                    match otherwise {
                        Some(otherwise) => self.run(otherwise, input),
                        None => Ok(Data::Value(Value::Nothing)),
                    }
                }
            }
            Op::Match { subject, arms } => {
                let subject = self.eval(subject)?;
                for arm in arms {
                    if self.matches(&arm.pattern, &subject)? {
                        let holds = match &arm.guard {
                            Some(guard) => self.condition(guard)?,
                            None => true,
                        };
                        if holds {
                            return self.run(&arm.body, input);
                        }
                    }
                }
                Ok(Data::Value(Value::Nothing))
            }
            Op::For { slot, items, body } => self.for_loop(*slot, items, body),
            Op::While { condition, body } => {
                while self.condition(condition)? {
                    if self.one_round(body)? {
                        break;
                    }
                }
                Ok(Data::Empty)
            }
            Op::Loop(body) => {
                while !self.one_round(body)? {}
                Ok(Data::Empty)
            }
            Op::Break => Err(Stop::Break),
            Op::Continue => Err(Stop::Continue),
            Op::Return(value) => {
                let value = match value {
                    Some(value) => self.eval(value)?,
                    None => Value::Nothing,
                };
                Err(Stop::Return(value))
            }
            Op::Try { body, catch, finally } => self.try_catch(body, catch.as_deref(), finally.as_deref(), input),
            Op::Let { slot, value, of } => {
                let bound = self.eval(value)?;
                let bound = function::checked(bound, of.as_ref(), value.span)?;
                self.set(*slot, bound);
                Ok(Data::Empty)
            }
            Op::LetInput { slot, of } => {
                let bound = self.collect(input, node.span)?;
                let bound = function::checked(bound, of.as_ref(), node.span)?;
                self.set(*slot, bound.clone());
                Ok(Data::Value(bound))
            }
            Op::Assign { slot, path, value, of } => {
                let new = self.eval(value)?;
                self.assign(*slot, path, new, of.as_ref(), node.span)?;
                Ok(Data::Empty)
            }
            Op::Update { slot, path, op, value, of } => {
                self.update(*slot, path, *op, value, of.as_ref(), node.span)?;
                Ok(Data::Empty)
            }
            Op::AssignEnv { name, path, op, value } => {
                self.assign_env(name, path, *op, value, node.span)?;
                Ok(Data::Empty)
            }
            Op::WithEnv { vars, body } => {
                let outer = self.env.clone();
                for (name, value) in vars {
                    let value = self.eval(value)?;
                    self.env.set(name, value);
                }
                let result = self.run(body, input);
                self.env = outer;
                result
            }
            Op::Dispatch { verb, choices } => self.dispatch(verb, choices, input, node.span),
            Op::Redirect { body, to } => crate::external::redirect(self, body, to, input),
            Op::Error => Err(Diagnostic::new(codes::INTERNAL, "a part of the program that was refused was run")
                .label(node.span, "")
                .into()),
            _ => self.eval(node).map(Data::Value),
        }
    }

    fn pipeline(&mut self, stages: &[Stage], input: Data) -> Flow<Data> {
        let outer = self.capture;
        let mut data = input;
        for (at, stage) in stages.iter().enumerate() {
            self.capture = outer || at + 1 < stages.len();
            if let Some(slot) = stage.input {
                let value = match self.collect(data, stage.node.span) {
                    Ok(value) => value,
                    Err(stop) => {
                        self.capture = outer;
                        return Err(stop);
                    }
                };
                self.set(slot, value.clone());
                data = Data::Value(value);
            }
            data = match self.run(&stage.node, data) {
                Ok(data) => data,
                Err(stop) => {
                    self.capture = outer;
                    return Err(stop);
                }
            };
        }
        self.capture = outer;
        Ok(data)
    }

    fn block(&mut self, block: &Block, input: Data) -> Flow<Data> {
        if !block.scoped_env {
            return self.statements(&block.statements, input);
        }
        let outer = self.env.clone();
        let result = self.statements(&block.statements, input);
        self.env = outer;
        result
    }

    /// The value of the last statement; the others run for what they do.
    fn statements(&mut self, statements: &[Node], input: Data) -> Flow<Data> {
        let Some((last, others)) = statements.split_last() else { return Ok(Data::Value(Value::Nothing)) };
        let mut input = input;
        let outer = self.capture;
        for statement in others {
            let input = std::mem::replace(&mut input, Data::Empty);
            self.capture = false;
            let result = self.run(statement, input);
            self.capture = outer;
            self.drain(result?)?;
        }
        self.run(last, input)
    }

    /// Takes everything that still flows, for what making it does. What a program wrote is shown.
    fn drain(&mut self, data: Data) -> Flow<()> {
        match data {
            Data::Empty | Data::Value(_) => Ok(()),
            Data::Stream(stream) => {
                for item in stream {
                    self.context.interrupt().check()?;
                    item?;
                }
                Ok(())
            }
            Data::Bytes(mut bytes) => {
                // A closed standard output ends the copying quietly, as it ends everything.
                let _ = std::io::copy(&mut bytes.reader, &mut std::io::stdout());
                let _ = std::io::stdout().flush();
                match bytes.program {
                    Some(program) => Ok(program.finish()?),
                    None => Ok(()),
                }
            }
        }
    }

    fn condition(&mut self, node: &Node) -> Flow<bool> {
        match self.eval(node)? {
            Value::Bool(b) => Ok(b),
            Value::Nothing => Ok(false),
            other => {
                let found = other.type_of();
                Err(Diagnostic::new(codes::WRONG_TYPE, format!("a condition is a bool, not {found}"))
                    .label(node.span, format!("this is {found}"))
                    .into())
            }
        }
    }

    /// Runs a loop's body once; whether the loop is to end.
    fn one_round(&mut self, body: &Node) -> Flow<bool> {
        self.context.interrupt().check()?;
        match self.run(body, Data::Empty) {
            Ok(data) => {
                self.drain(data)?;
                Ok(false)
            }
            Err(Stop::Break) => Ok(true),
            Err(Stop::Continue) => Ok(false),
            Err(stop) => Err(stop),
        }
    }

    fn for_loop(&mut self, slot: Slot, items: &Node, body: &Node) -> Flow<Data> {
        let source = self.run_captured(items, Data::Empty)?;
        let interrupt = self.context.interrupt().clone();
        for item in source.into_items(&interrupt).map_err(|error| error.or_label(items.span, "looped over here"))? {
            let item = item?;
            self.set(slot, item);
            if self.one_round(body)? {
                break;
            }
        }
        Ok(Data::Empty)
    }

    fn try_catch(&mut self, body: &Node, catch: Option<&Node>, finally: Option<&Node>, input: Data) -> Flow<Data> {
        let base = self.base;
        let depth = self.depth;
        let env = self.env.clone();
        let tried = self.run(body, input).and_then(|data| {
            // What fails later, when a stream is taken, would escape the `try`.
            if matches!(data, Data::Stream(_) | Data::Bytes(_)) {
                self.collect(data, body.span).map(Data::Value)
            } else {
                Ok(data)
            }
        });
        let result = match tried {
            Err(Stop::Error(error)) if error_value::is_catchable(&error) => {
                self.base = base;
                self.depth = depth;
                self.env = env;
                match (catch, finally) {
                    (Some(handler), _) => {
                        self.handle(handler, Some(error_value::to_value(&error, self.context.sources())))
                    }
                    // Whoever only cleans up has dealt with nothing.
                    (None, Some(_)) => Err(Stop::Error(error)),
                    (None, None) => Ok(Data::Value(Value::Nothing)),
                }
            }
            other => other,
        };
        let Some(finally) = finally else { return result };
        let seen = match &result {
            Ok(Data::Value(value)) => value.clone(),
            _ => Value::Nothing,
        };
        let last = self.handle(finally, Some(seen));
        match last {
            // `return` in finally wins, as it is the last thing that was said.
            Err(stop) => Err(stop),
            Ok(_) => result,
        }
    }

    /// Runs a `catch` or `finally`: a closure gets the value, a block does not.
    fn handle(&mut self, handler: &Node, argument: Option<Value>) -> Flow<Data> {
        if let Op::Closure { function, captures } = &handler.op {
            let captures = captures.iter().map(|slot| self.slot(*slot).clone()).collect();
            let closure = ClosureValue { function: function.clone(), captures: Arc::new(captures) };
            let argument = argument.unwrap_or(Value::Nothing);
            let arguments = [argument.clone()];
            return self.enter_closure(&closure, &arguments, Data::Value(argument));
        }
        self.run(handler, Data::Empty)
    }

    fn call(&mut self, call: &CallNode, input: Data) -> Flow<Data> {
        let arguments = self.arguments(&call.arguments)?;
        let command = call.command.0;
        let mut seen = Call { command, head: call.head, arguments: &arguments, interpreter: self };
        (command.run)(&mut seen, input).map_err(|error| error.or_label(call.head, "while this ran").into())
    }

    fn arguments(&mut self, nodes: &[Option<Argument>]) -> Flow<Vec<Option<(Value, Span)>>> {
        let mut arguments = Vec::with_capacity(nodes.len());
        for node in nodes {
            arguments.push(match node {
                None => None,
                Some(argument) => {
                    let value = match &argument.value {
                        ArgumentValue::One(node) => self.eval(node)?,
                        ArgumentValue::Many(items) => {
                            let mut list = Vec::with_capacity(items.len());
                            self.list_items(items, &mut list)?;
                            if let Some(of) = &argument.check {
                                list = list
                                    .into_iter()
                                    .map(|item| function::checked(item, Some(of), argument.span))
                                    .collect::<Result<_>>()?;
                            }
                            arguments.push(Some((Value::list(list), argument.span)));
                            continue;
                        }
                    };
                    Some((function::checked(value, argument.check.as_ref(), argument.span)?, argument.span))
                }
            });
        }
        Ok(arguments)
    }

    fn dispatch(&mut self, verb: &str, choices: &[(value::Resource, Node)], input: Data, span: Span) -> Flow<Data> {
        let resource = input.resource();
        if let Some((_, node)) = choices.iter().find(|(known, _)| Some(*known) == resource) {
            return self.run(node, input);
        }
        let all: Vec<String> = choices.iter().map(|(resource, _)| format!("{resource} {verb}")).collect();
        Err(Diagnostic::new(codes::NO_VERB, format!("`{verb}` does not apply to {}", input.type_of()))
            .label(span, "this verb")
            .help(format!("say which is meant: {}", all.join(", ")))
            .into())
    }
}

/// What a program gives when it stops early: `return` at the top gives its value.
pub(crate) fn stopped(stop: Stop, span: Span) -> Result<Data> {
    match stop {
        Stop::Return(value) => Ok(Data::Value(value)),
        Stop::Error(error) => Err(error),
        Stop::Break | Stop::Continue => {
            Err(Diagnostic::new(codes::OUTSIDE_LOOP, "`break` and `continue` belong inside a loop").or_label(span, ""))
        }
    }
}

/// Points an operator's error at what each side turned out to be.
fn operator_error(
    error: Box<Diagnostic>,
    a: &Value,
    b: &Value,
    left: Span,
    right: Span,
    whole: Span,
) -> Box<Diagnostic> {
    if error.code == codes::WRONG_OPERANDS {
        return error
            .or_label(left, format!("this is {}", a.type_of()))
            .label(right, format!("this is {}", b.type_of()));
    }
    if error.code == codes::DIVISION_BY_ZERO {
        return error.or_label(right, "this is zero");
    }
    if error.code == codes::BAD_PATTERN {
        return error.or_label(right, "this pattern");
    }
    error.or_label(whole, "")
}

pub(crate) fn duplicate_field(name: &str, span: Span) -> Box<Diagnostic> {
    Diagnostic::new(codes::DUPLICATE_NAME, format!("`{name}` is there twice")).label(span, "again here")
}
