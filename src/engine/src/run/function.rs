//! Calls of `def`s and closures.

use std::sync::Arc;

use diag::{Diagnostic, Result, Span, codes};
use value::{Type, Value};

use super::{Flow, Interpreter, MAX_DEPTH, Stop};
use crate::call::ClosureValue;
use crate::data::Data;
use crate::program::*;

impl Interpreter {
    /// Calls a closure from outside a program.
    pub(crate) fn call_closure(&mut self, closure: &ClosureValue, arguments: &[Value], input: Data) -> Result<Data> {
        match self.enter_closure(closure, arguments, input) {
            Ok(data) => Ok(data),
            Err(stop) => super::stopped(stop, closure.function.span),
        }
    }

    /// Calls a closure with one value as its `$in`, and collects what it gives.
    pub(crate) fn value_of_closure(
        &mut self,
        closure: &ClosureValue,
        arguments: &[Value],
        input: Value,
    ) -> Result<Value> {
        let function = &closure.function;
        let Some(body) = expression(function) else {
            let data = self.call_closure(closure, arguments, Data::Value(input))?;
            return data.into_value(self.context.interrupt());
        };
        // What only computes needs neither an environment of its own nor a pipeline.
        let result = self.frame(function, |interpreter, frame| {
            interpreter.fill(closure, arguments, frame)?;
            if let Some(slot) = function.input {
                interpreter.stack[frame + slot as usize] = input;
            }
            interpreter.in_frame(frame, |interpreter| interpreter.eval(body))
        });
        match result.and_then(|value| self.check_value(function, value)) {
            Ok(value) => Ok(value),
            Err(stop) => super::stopped(stop, function.span)?.into_value(self.context.interrupt()),
        }
    }

    /// Calls a closure as its caller would run its body: what it changes in the environment stays.
    pub(crate) fn call_here(&mut self, closure: &ClosureValue, arguments: &[Value], input: Data) -> Result<Data> {
        match self.enter_keeping(closure, arguments, input, true) {
            Ok(data) => Ok(data),
            Err(stop) => super::stopped(stop, closure.function.span),
        }
    }

    pub(super) fn enter_closure(&mut self, closure: &ClosureValue, arguments: &[Value], input: Data) -> Flow<Data> {
        self.enter_keeping(closure, arguments, input, closure.function.env)
    }

    fn enter_keeping(&mut self, closure: &ClosureValue, arguments: &[Value], input: Data, keep: bool) -> Flow<Data> {
        self.frame(&closure.function, |interpreter, frame| {
            interpreter.fill(closure, arguments, frame)?;
            interpreter.enter(&closure.function, frame, input, keep)
        })
    }

    /// Makes room for the slots of a call on top of the stack, and takes it back whatever happens. The slots are filled
    /// while those of the caller are in sight.
    fn frame<T>(&mut self, function: &Function, call: impl FnOnce(&mut Self, usize) -> Flow<T>) -> Flow<T> {
        if self.depth >= MAX_DEPTH {
            return Err(Diagnostic::new(codes::TOO_DEEP, format!("calls are nested {MAX_DEPTH} deep"))
                .label(function.span, "called from within itself")
                .help("a function that calls itself must come to an end; `for` and `reduce` need no depth")
                .into());
        }
        let frame = self.stack.len();
        self.stack.resize(frame + function.frame as usize, Value::Nothing);
        let result = call(self, frame);
        self.stack.truncate(frame);
        result
    }

    /// Runs something with the slots of a frame in sight.
    fn in_frame<T>(&mut self, frame: usize, run: impl FnOnce(&mut Self) -> Flow<T>) -> Flow<T> {
        let outer = (self.base, self.depth);
        self.base = frame;
        self.depth += 1;
        let result = run(self);
        (self.base, self.depth) = outer;
        result
    }

    /// Fills the slots of a closure's call: what it captured, and its arguments.
    fn fill(&mut self, closure: &ClosureValue, arguments: &[Value], frame: usize) -> Flow<()> {
        let function = &closure.function;
        for (slot, value) in function.captures.iter().zip(closure.captures.iter()) {
            self.stack[frame + *slot as usize] = value.clone();
        }
        let mut given = arguments.iter();
        for param in &function.params {
            let value = match &param.kind {
                FunctionParamKind::Required => given.next().cloned().unwrap_or(Value::Nothing),
                FunctionParamKind::Optional(default) => given.next().cloned().unwrap_or_else(|| default.clone()),
                FunctionParamKind::Rest => Value::list(given.by_ref().cloned().collect::<Vec<_>>()),
                FunctionParamKind::Flag(default) => default.clone(),
                FunctionParamKind::Switch => Value::Bool(false),
            };
            self.stack[frame + param.slot as usize] = checked_parameter(value, param, function.span)?;
        }
        Ok(())
    }

    pub(super) fn call_function(&mut self, call: &FunctionCall, input: Data, span: Span) -> Flow<Data> {
        let function = defined(call, span)?;
        self.frame(function, |interpreter, frame| {
            interpreter.arguments_of(call, function, frame)?;
            interpreter.enter(function, frame, input, function.env)
        })
    }

    /// The same for a call that nothing flows into and whose value is wanted.
    pub(super) fn value_of_function(&mut self, call: &FunctionCall, span: Span) -> Flow<Value> {
        let function = defined(call, span)?;
        let Some(body) = single(&function.body) else {
            let outer = std::mem::replace(&mut self.capture, true);
            let data = self.call_function(call, Data::Empty, span);
            self.capture = outer;
            return self.collect(data?, span);
        };
        let value = self.frame(function, |interpreter, frame| {
            interpreter.arguments_of(call, function, frame)?;
            let env = interpreter.env.clone();
            let result = interpreter.in_frame(frame, |interpreter| interpreter.eval(body));
            if !function.env {
                interpreter.env = env;
            }
            match result {
                Err(Stop::Return(value)) => Ok(value),
                other => other,
            }
        })?;
        self.check_value(function, value)
    }

    /// Fills the slots of a function's call.
    fn arguments_of(&mut self, call: &FunctionCall, function: &Function, frame: usize) -> Flow<()> {
        for (inner, outer) in function.captures.iter().zip(&call.captures) {
            self.stack[frame + *inner as usize] = self.slot(*outer).clone();
        }
        for (param, argument) in function.params.iter().zip(&call.arguments) {
            let value = match argument {
                Some(Argument { value: ArgumentValue::One(node), span, .. }) => {
                    let value = self.eval(node)?;
                    checked_parameter(value, param, *span)?
                }
                Some(Argument { value: ArgumentValue::Many(items), span, .. }) => {
                    let mut list = Vec::with_capacity(items.len());
                    self.list_items(items, &mut list)?;
                    let list = list
                        .into_iter()
                        .map(|item| checked_parameter(item, param, *span))
                        .collect::<Result<Vec<_>>>()?;
                    Value::list(list)
                }
                None => match &param.kind {
                    FunctionParamKind::Optional(default) | FunctionParamKind::Flag(default) => default.clone(),
                    FunctionParamKind::Rest => Value::list(Vec::new()),
                    FunctionParamKind::Switch => Value::Bool(false),
                    FunctionParamKind::Required => Value::Nothing,
                },
            };
            self.stack[frame + param.slot as usize] = value;
        }
        Ok(())
    }

    /// Runs a function's body in its frame; `keep` says whether its changes of the environment are the caller's.
    fn enter(&mut self, function: &Arc<Function>, frame: usize, mut input: Data, keep: bool) -> Flow<Data> {
        let env = self.env.clone();
        let result = self.in_frame(frame, |interpreter| {
            let streams = function.streams && matches!(input, Data::Stream(_) | Data::Bytes(_));
            if let Some(slot) = function.input.filter(|_| !streams) {
                let value = interpreter.collect(input, function.span)?;
                interpreter.set(slot, value.clone());
                input = Data::Value(value);
            }
            interpreter.run(&function.body, input)
        });
        if !keep {
            self.env = env;
        }
        let data = match result {
            Err(Stop::Return(value)) => Data::Value(value),
            other => other?,
        };
        self.check_output(function, data)
    }

    /// Holds what a function with an annotation gives against it, where the checker could not know.
    fn check_output(&self, function: &Function, data: Data) -> Flow<Data> {
        match data {
            Data::Value(value) => self.check_value(function, value).map(Data::Value),
            other => Ok(other),
        }
    }

    fn check_value(&self, function: &Function, value: Value) -> Flow<Value> {
        let [(_, of)] = function.io.as_slice() else { return Ok(value) };
        if of.is_any() || *of == Type::Nothing {
            return Ok(value);
        }
        coerce(value, of).map_err(|value| {
            let name = function.name.as_deref().unwrap_or("this closure");
            Diagnostic::new(codes::WRONG_TYPE, format!("`{name}` promises {of} and gave {}", value.type_of()))
                .label(function.span, "promised here")
                .into()
        })
    }
}

fn defined(call: &FunctionCall, span: Span) -> Flow<&Arc<Function>> {
    call.function.get().ok_or_else(|| {
        Diagnostic::new(codes::INTERNAL, "this function was called before it was defined").label(span, "").into()
    })
}

/// The only statement of a block that keeps the environment, or a node that is no block.
pub(super) fn single(body: &Node) -> Option<&Node> {
    match &body.op {
        Op::Block(block) => match block.statements.as_slice() {
            [only] if !block.scoped_env => Some(only),
            _ => None,
        },
        _ => Some(body),
    }
}

/// The expression that is all of a function: what flows in reaches it as `$in` or not at all.
fn expression(function: &Function) -> Option<&Node> {
    let is_expression = |node: &&Node| {
        matches!(
            node.op,
            Op::Const(_)
                | Op::Local(_)
                | Op::Input(_)
                | Op::Binary(..)
                | Op::Path(..)
                | Op::Not(_)
                | Op::Negate(_)
                | Op::Interpolate(_)
                | Op::List(_)
                | Op::Record(_)
                | Op::Range { .. }
        )
    };
    single(&function.body).filter(is_expression)
}

fn checked_parameter(value: Value, param: &FunctionParam, span: Span) -> Result<Value> {
    if param.of.is_any() {
        return Ok(value);
    }
    coerce(value, &param.of).map_err(|value| {
        let found = value.type_of();
        Diagnostic::new(codes::WRONG_TYPE, format!("`{}` takes {}, not {found}", param.name, param.of))
            .label(span, format!("this is {found}"))
    })
}

/// The value as the type asks for it, or the error that it does not fit.
pub(super) fn checked(value: Value, of: Option<&Type>, span: Span) -> Result<Value> {
    let Some(of) = of else { return Ok(value) };
    coerce(value, of).map_err(|value| {
        let found = value.type_of();
        Diagnostic::new(codes::WRONG_TYPE, format!("expected {of}, found {found}"))
            .label(span, format!("this is {found}"))
    })
}

/// The value when it is of the type; an int where a float is asked for becomes one, and a path's text a path.
pub fn coerce(value: Value, of: &Type) -> std::result::Result<Value, Value> {
    let fits = match (of, &value) {
        (Type::Any, _)
        | (Type::Int, Value::Int(_))
        | (Type::Float, Value::Float(_))
        | (Type::String, Value::String(_))
        | (Type::Bool, Value::Bool(_)) => true,
        (Type::Float, Value::Int(n)) => return Ok(Value::Float(*n as f64)),
        (Type::CellPath, Value::String(name)) => {
            return Ok(Value::cell_path(value::CellPath(vec![value::PathMember::name(name.as_str())])));
        }
        (Type::CellPath, Value::Int(index)) => {
            let Ok(index) = u64::try_from(*index) else { return Err(value) };
            return Ok(Value::cell_path(value::CellPath(vec![value::PathMember::index(index)])));
        }
        (Type::OneOf(all), _) => {
            // The exact type first, so that an int stays an int where both would do.
            if all
                .iter()
                .any(|one| one.accepts(&value.type_of()) && !matches!((one, &value), (Type::Float, Value::Int(_))))
            {
                return Ok(value);
            }
            let mut value = value;
            for one in all {
                match coerce(value, one) {
                    Ok(value) => return Ok(value),
                    Err(back) => value = back,
                }
            }
            return Err(value);
        }
        (Type::Word(words), Value::String(text)) => words.iter().any(|word| **word == **text),
        (Type::List(of), Value::List(items)) => match &**of {
            Type::Any => true,
            Type::Float if items.iter().any(|item| matches!(item, Value::Int(_))) => {
                let floats: std::result::Result<Vec<Value>, Value> =
                    items.iter().map(|item| coerce(item.clone(), of)).collect();
                return floats.map(Value::list).map_err(|_| value);
            }
            of => items.iter().all(|item| coerce(item.clone(), of).is_ok()),
        },
        (Type::List(_), Value::Table(_) | Value::Range(_)) => true,
        (Type::Table(_), Value::List(items)) => items.is_empty() || value.is_table() && of.accepts(&value.type_of()),
        (Type::Number, Value::Int(_) | Value::Float(_)) => true,
        (of, value) => of.accepts(&value.type_of()),
    };
    if fits { Ok(value) } else { Err(value) }
}
