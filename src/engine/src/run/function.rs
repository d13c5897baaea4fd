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

    /// Calls a closure as its caller would run its body: what it changes in the environment stays.
    pub(crate) fn call_here(&mut self, closure: &ClosureValue, arguments: &[Value], input: Data) -> Result<Data> {
        let result = self
            .frame_of(closure, arguments)
            .and_then(|frame| self.enter_keeping(&closure.function, frame, input, true));
        match result {
            Ok(data) => Ok(data),
            Err(stop) => super::stopped(stop, closure.function.span),
        }
    }

    pub(super) fn enter_closure(&mut self, closure: &ClosureValue, arguments: &[Value], input: Data) -> Flow<Data> {
        let frame = self.frame_of(closure, arguments)?;
        self.enter(&closure.function, frame, input)
    }

    /// The slots of a call: what the closure captured, and its arguments.
    fn frame_of(&mut self, closure: &ClosureValue, arguments: &[Value]) -> Flow<Vec<Value>> {
        let function = &closure.function;
        let mut frame = vec![Value::Nothing; function.frame as usize];
        for (slot, value) in function.captures.iter().zip(closure.captures.iter()) {
            frame[*slot as usize] = value.clone();
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
            frame[param.slot as usize] = checked_parameter(value, param, function.span)?;
        }
        Ok(frame)
    }

    pub(super) fn call_function(&mut self, call: &FunctionCall, input: Data, span: Span) -> Flow<Data> {
        let Some(function) = call.function.get() else {
            return Err(Diagnostic::new(codes::INTERNAL, "this function was called before it was defined")
                .label(span, "")
                .into());
        };
        let mut frame = vec![Value::Nothing; function.frame as usize];
        for (inner, outer) in function.captures.iter().zip(&call.captures) {
            frame[*inner as usize] = self.slot(*outer).clone();
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
            frame[param.slot as usize] = value;
        }
        self.enter(function, frame, input)
    }

    /// Runs a function's body in a frame of its own.
    fn enter(&mut self, function: &Arc<Function>, frame: Vec<Value>, input: Data) -> Flow<Data> {
        self.enter_keeping(function, frame, input, function.env)
    }

    /// Runs a function's body; `keep` says whether its changes of the environment are the caller's.
    fn enter_keeping(
        &mut self,
        function: &Arc<Function>,
        frame: Vec<Value>,
        mut input: Data,
        keep: bool,
    ) -> Flow<Data> {
        if self.depth >= MAX_DEPTH {
            return Err(Diagnostic::new(codes::TOO_DEEP, format!("calls are nested {MAX_DEPTH} deep"))
                .label(function.span, "called from within itself")
                .help("a function that calls itself must come to an end; `for` and `reduce` need no depth")
                .into());
        }
        let outer = (self.base, self.depth, self.stack.len());
        let env = self.env.clone();
        self.base = self.stack.len();
        self.depth += 1;
        self.stack.extend(frame);
        let mut result = Ok(());
        if let Some(slot) = function.input {
            match self.collect(input, function.span) {
                Ok(value) => {
                    self.set(slot, value.clone());
                    input = Data::Value(value);
                }
                Err(stop) => {
                    input = Data::Empty;
                    result = Err(stop);
                }
            }
        }
        let result = result.and_then(|()| self.run(&function.body, input));
        (self.base, self.depth) = (outer.0, outer.1);
        self.stack.truncate(outer.2);
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
        let [(_, of)] = function.io.as_slice() else { return Ok(data) };
        match data {
            Data::Value(value) if !of.is_any() && *of != Type::Nothing => match coerce(value, of) {
                Ok(value) => Ok(Data::Value(value)),
                Err(value) => {
                    let name = function.name.as_deref().unwrap_or("this closure");
                    Err(Diagnostic::new(
                        codes::WRONG_TYPE,
                        format!("`{name}` promises {of} and gave {}", value.type_of()),
                    )
                    .label(function.span, "promised here")
                    .into())
                }
            },
            other => Ok(other),
        }
    }
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
        (Type::Any, _) => true,
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
