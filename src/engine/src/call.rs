//! What a command sees of its call, and how it runs closures.

use std::path::PathBuf;
use std::sync::Arc;

use diag::{Diagnostic, Result, Span, codes};
use value::{CellPath, Interrupt, Record, Type, Value};

use crate::command::{Command, Kind};
use crate::context::{Context, Env};
use crate::data::Data;
use crate::job::Job;
use crate::program::Function;
use crate::run::Interpreter;

/// One call of a command: its bound arguments and the interpreter that runs it.
pub struct Call<'a> {
    pub command: &'static Command,
    /// Where the command's name stands.
    pub head: Span,
    pub(crate) arguments: &'a [Option<(Value, Span)>],
    pub(crate) interpreter: &'a mut Interpreter,
}

impl Call<'_> {
    pub fn context(&self) -> &Context {
        &self.interpreter.context
    }

    pub fn interrupt(&self) -> &Interrupt {
        self.interpreter.context.interrupt()
    }

    pub fn env(&self) -> &Env {
        &self.interpreter.env
    }

    /// The environment, to be changed for what follows in the same scope.
    pub fn env_mut(&mut self) -> &mut Env {
        &mut self.interpreter.env
    }

    /// The argument of a parameter, if one was given.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.bound(name).map(|(value, _)| value)
    }

    /// Where the argument stands; the command's name when there is none.
    pub fn span(&self, name: &str) -> Span {
        self.bound(name).map_or(self.head, |(_, span)| *span)
    }

    /// Where the first argument stands that is no flag, which names what the command is about; the command's name
    /// when there is none.
    pub fn place(&self) -> Span {
        let mut positional = self.command.params.iter().filter(|param| !param.is_flag());
        positional.find_map(|param| self.bound(param.name)).map_or(self.head, |(_, span)| *span)
    }

    fn bound(&self, name: &str) -> Option<&(Value, Span)> {
        debug_assert!(self.command.param(name).is_some(), "{} has no parameter {name}", self.command.name);
        let (at, _) = self.command.param(name)?;
        self.arguments.get(at)?.as_ref()
    }

    /// Whether a switch is on.
    pub fn switch(&self, name: &str) -> bool {
        matches!(self.value(name), Some(Value::Bool(true)))
    }

    /// An argument that is there: a required one.
    pub fn required<T: FromValue>(&self, name: &str) -> Result<T> {
        self.optional(name)?.ok_or_else(|| {
            Diagnostic::new(codes::MISSING_ARGUMENT, format!("`{}` needs <{name}>", self.command.name))
                .label(self.head, "")
        })
    }

    /// An argument that may be absent. Null counts as absent.
    pub fn optional<T: FromValue>(&self, name: &str) -> Result<Option<T>> {
        match self.bound(name) {
            None | Some((Value::Nothing, _)) => Ok(None),
            Some((value, span)) => convert(value, *span).map(Some),
        }
    }

    /// All arguments of a rest parameter.
    pub fn rest<T: FromValue>(&self, name: &str) -> Result<Vec<T>> {
        match self.bound(name) {
            Some((Value::List(items), span)) => items.iter().map(|item| convert(item, *span)).collect(),
            _ => Ok(Vec::new()),
        }
    }

    /// A path as the user means it: relative to the current directory, `~` for home.
    pub fn path(&self, name: &str) -> Result<Option<PathBuf>> {
        Ok(self.optional::<String>(name)?.map(|path| self.env().resolve(&path)))
    }

    /// A closure, ready to be called many times, also from another thread or after this call has returned.
    pub fn runner(&self, closure: &ClosureValue) -> Runner {
        Runner { interpreter: self.interpreter.fork(), closure: closure.clone() }
    }

    /// Runs another command without arguments in this one's place, as `open` runs `from json`.
    pub fn run_instead(&mut self, command: &'static Command, input: Data) -> Result<Data> {
        let mut other = Call { command, head: self.head, arguments: &[], interpreter: &mut *self.interpreter };
        (command.run)(&mut other, input)
    }

    /// The input as one value.
    pub fn collect(&self, input: Data) -> Result<Value> {
        input.into_value(self.interrupt())
    }

    /// Whether a parameter of this name was given at all.
    pub fn given(&self, name: &str) -> bool {
        self.bound(name).is_some_and(|(value, _)| !matches!(value, Value::Bool(false)) || !self.is_switch(name))
    }

    fn is_switch(&self, name: &str) -> bool {
        self.command.param(name).is_some_and(|(_, param)| matches!(param.kind, Kind::Switch(_)))
    }

    /// The error for an input this command cannot work on where the checker could not know.
    pub fn wrong_input(&self, input: &Type, expected: &str) -> Box<Diagnostic> {
        Diagnostic::new(
            codes::WRONG_INPUT,
            format!("`{}` works on {expected}, not on {}", self.command.name, input.brief()),
        )
        .label(self.head, format!("{} flows in here", input.brief()))
    }
}

fn convert<T: FromValue>(value: &Value, span: Span) -> Result<T> {
    T::from_value(value).ok_or_else(|| {
        Diagnostic::new(codes::WRONG_TYPE, format!("expected {}, found {}", T::EXPECTED, value.type_of()))
            .label(span, format!("this is {}", value.type_of()))
    })
}

/// What arguments can be read as.
pub trait FromValue: Sized {
    const EXPECTED: &'static str;
    fn from_value(value: &Value) -> Option<Self>;
}

macro_rules! from_value {
    ($($of:ty, $expected:literal, $pattern:pat => $result:expr;)*) => {
        $(impl FromValue for $of {
            const EXPECTED: &'static str = $expected;
            fn from_value(value: &Value) -> Option<Self> {
                #[allow(unreachable_patterns, reason = "a pattern may take every value")]
                match value {
                    $pattern => $result,
                    _ => None,
                }
            }
        })*
    };
}
from_value! {
    bool, "a bool", Value::Bool(b) => Some(*b);
    i64, "an int", Value::Int(n) => Some(*n);
    usize, "a whole number that is not negative", Value::Int(n) => usize::try_from(*n).ok();
    u64, "a whole number that is not negative", Value::Int(n) => u64::try_from(*n).ok();
    f64, "a number", value => value.as_float();
    String, "a string", Value::String(text) => Some(text.to_string());
    Vec<u8>, "binary", Value::Binary(bytes) => Some(bytes.to_vec());
    std::time::Duration, "a duration that is not negative", Value::Duration(nanos) => u64::try_from(*nanos).ok().map(std::time::Duration::from_nanos);
    Arc<Record>, "a record", Value::Record(record) => Some(record.clone());
    Arc<Vec<Value>>, "a list", Value::List(items) => Some(items.clone());
    ClosureValue, "a closure", Value::Closure(closure) => closure.0.as_any().downcast_ref::<ClosureValue>().cloned();
}

impl FromValue for Value {
    const EXPECTED: &'static str = "a value";
    fn from_value(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

impl FromValue for CellPath {
    const EXPECTED: &'static str = "a column";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::CellPath(path) => Some((**path).clone()),
            Value::String(name) => Some(CellPath(vec![value::PathMember::name(name.as_str())])),
            Value::Int(index) => Some(CellPath(vec![value::PathMember::index(u64::try_from(*index).ok()?)])),
            _ => None,
        }
    }
}

/// A function and what it captured: what a closure value holds.
#[derive(Clone)]
pub struct ClosureValue {
    pub function: Arc<Function>,
    pub captures: Arc<Vec<Value>>,
}

impl value::Callable for ClosureValue {
    fn text(&self) -> String {
        self.function.text.to_string()
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl ClosureValue {
    pub fn into_value(self) -> Value {
        Value::closure(Box::new(self))
    }

    /// The expression over rows with exactly this closure's meaning, when there is one.
    pub fn lower(&self) -> Option<value::Expr> {
        crate::lower::over_row(self)
    }

    /// The expression over a group's rows with exactly this closure's meaning, when there is one.
    pub fn lower_over_group(&self) -> Option<value::Expr> {
        crate::lower::over_group(self)
    }
}

/// A closure with an interpreter of its own.
pub struct Runner {
    interpreter: Interpreter,
    closure: ClosureValue,
}

impl Runner {
    /// Calls the closure. Missing arguments are null, and those it has no parameters for are left out.
    pub fn run(&mut self, arguments: &[Value], input: Data) -> Result<Data> {
        self.interpreter.call_closure(&self.closure, arguments, input)
    }

    /// Calls the closure for one item, which is both its first parameter and `$in`.
    pub fn each(&mut self, item: Value) -> Result<Value> {
        let first = item.clone();
        self.value(std::slice::from_ref(&first), item)
    }

    /// Calls the closure and collects what it gives.
    pub fn value(&mut self, arguments: &[Value], input: Value) -> Result<Value> {
        self.interpreter.context.interrupt().check()?;
        self.interpreter.value_of_closure(&self.closure, arguments, input)
    }

    /// Calls the closure as a condition for one item: true only for `true`; null counts as false.
    pub fn holds(&mut self, item: Value) -> Result<bool> {
        match self.each(item)? {
            Value::Bool(b) => Ok(b),
            Value::Nothing => Ok(false),
            other => Err(Diagnostic::new(
                codes::WRONG_TYPE,
                format!("a condition gives a bool, this gave {}", other.type_of()),
            )
            .label(self.closure.function.span, "this condition")),
        }
    }

    /// The same closure in a job: it ends when the job is ended, and not with ctrl-c.
    pub fn in_job(mut self, job: Arc<Job>) -> Runner {
        self.interpreter.context = self.interpreter.context.within(job);
        self
    }

    /// Calls the closure for what it does, and runs all of it.
    pub fn run_to_end(&mut self, input: Data) -> Result<()> {
        let data = self.run(&[], input)?;
        let interrupt = self.interpreter.context.interrupt();
        match data {
            Data::Stream(stream) => {
                for item in stream {
                    interrupt.check()?;
                    item?;
                }
                Ok(())
            }
            other => other.into_value(interrupt).map(drop),
        }
    }

    /// The environment as the closure left it.
    pub fn into_env(self) -> Env {
        self.interpreter.env
    }
}
