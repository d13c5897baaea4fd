//! A node of a dataflow, written in the language: functions of a file that are called for what happens to the node.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use diag::{Diagnostic, Result, codes};
use engine::{ClosureValue, Session};
use nodes::Parameter;
use nodes::script::{Language, Message, Program, Sent};
use value::Value;
use value::units::DateTime;

use crate::app;
use crate::terminal::Terminal;

/// Runs the built-in node that `args` name; gives the exit code.
pub fn main(args: Vec<OsString>) -> i32 {
    if args.first().is_none_or(|name| name != "script") {
        return nodes::main(args, None);
    }
    let run = move || nodes::main(args, Some(&Dora::default()));
    let thread = engine::thread::named("dora").spawn(run);
    match thread.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        // The panic has told of itself.
        Ok(Err(_)) => 101,
        Err(error) => {
            eprintln!("dora cannot start a thread: {error}");
            1
        }
    }
}

/// The language of this shell.
#[derive(Default)]
struct Dora {
    terminal: Arc<Terminal>,
    /// Those of the program that was loaded, to show where an error lies.
    sources: std::cell::OnceCell<diag::Sources>,
}

impl Language for Dora {
    fn load(&self, file: &Path) -> Result<Box<dyn Program + '_>> {
        let context = app::context(&self.terminal);
        let _ = self.sources.set(context.sources().clone());
        Handlers::load(Session::new(context), file).map(|handlers| Box::new(handlers) as Box<dyn Program>)
    }

    fn tell(&self, error: &Diagnostic) {
        self.terminal.error(error, &self.sources.get().cloned().unwrap_or_default());
    }
}

/// The functions of a program that are called.
struct Handlers {
    session: Session,
    on_start: Option<ClosureValue>,
    on_input: ClosureValue,
    on_stop: Option<ClosureValue>,
}

impl Handlers {
    fn load(mut session: Session, file: &Path) -> Result<Handlers> {
        let shown = file.display().to_string();
        let text = std::fs::read_to_string(file)
            .map_err(|error| Diagnostic::new(codes::NO_SCRIPT, format!("`{shown}` cannot be read: {error}")))?;
        let absolute = session.env().cwd().join(file);
        let dir = absolute.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
        // Where the program lies, so that it finds what lies beside it.
        session.env_mut().set("FILE_PWD", Value::string(dir));
        let source = session.context().sources().add(shown.as_str(), text);
        let checked = session.check(&source);
        session.run_checked(checked, false).result?.into_value(session.context().interrupt())?;
        let on_start = handler(&mut session, "on-start", "{|| on-start}")?;
        let on_stop = handler(&mut session, "on-stop", "{|| on-stop}")?;
        let on_input = handler(&mut session, "on-input", "{|event| on-input $event}")?.ok_or_else(|| {
            Diagnostic::new(codes::UNKNOWN_NAME, format!("`{shown}` does not define `on-input`, so it is no node"))
                .help("write what is to be done for each message: `export def on-input [event] { {output: $event.value} }`")
        })?;
        Ok(Handlers { session, on_start, on_input, on_stop })
    }

    fn call(&mut self, function: &ClosureValue, arguments: &[Value]) -> Result<Vec<Sent>> {
        let returned = self.session.call(function, arguments)?;
        let row = match returned {
            Value::Nothing => return Ok(Vec::new()),
            Value::Record(row) => row,
            other => {
                return Err(Diagnostic::new(
                    codes::WRONG_TYPE,
                    format!(
                        "a node's function returns a record with a field for each output, this returned {}",
                        other.type_of()
                    ),
                )
                .label(function.function.span, "returned from here")
                .help("return `{output: …}`, or null to send nothing"));
            }
        };
        let given = row.iter().filter(|(_, value)| !matches!(value, Value::Nothing));
        given.map(|(name, value)| Ok(Sent { output: name.to_string(), data: table::payload::write(value)? })).collect()
    }
}

/// The function of a program that is called for something, if it has one.
fn handler(session: &mut Session, name: &str, closure: &str) -> Result<Option<ClosureValue>> {
    if !session.names().scope.functions.contains_key(name) {
        return Ok(None);
    }
    match session.value(closure)? {
        Value::Closure(closure) => Ok(closure.0.as_any().downcast_ref::<ClosureValue>().cloned()),
        _ => Ok(None),
    }
}

impl Program for Handlers {
    fn start(&mut self) -> Result<Vec<Sent>> {
        self.on_start.clone().map_or(Ok(Vec::new()), |function| self.call(&function, &[]))
    }

    fn input(&mut self, message: Message<'_>) -> Result<Vec<Sent>> {
        let event = event(&message)?;
        let function = self.on_input.clone();
        self.call(&function, &[event])
    }

    fn stop(&mut self) -> Result<Vec<Sent>> {
        self.on_stop.clone().map_or(Ok(Vec::new()), |function| self.call(&function, &[]))
    }
}

/// What a program sees of a message.
fn event(message: &Message<'_>) -> Result<Value> {
    let value = message.data.map_or(Ok(Value::Nothing), |bytes| table::payload::read(bytes).map(|read| read.value))?;
    // How a message is framed is between the runtime and the node.
    let told = message.parameters.iter().filter(|(name, _)| !name.starts_with('_'));
    let metadata = told.map(|(name, parameter)| (name.as_str(), parameter_value(parameter))).collect();
    let fields = [
        ("id", Value::string(message.input)),
        ("value", value),
        ("metadata", Value::record(metadata)),
        ("time", Value::DateTime(DateTime { nanos: message.sent, offset: 0 })),
    ];
    Ok(Value::record(fields.into_iter().collect()))
}

fn parameter_value(parameter: &Parameter) -> Value {
    match parameter {
        Parameter::Bool(flag) => Value::Bool(*flag),
        Parameter::Integer(number) => Value::Int(*number),
        Parameter::String(text) => Value::string(text),
        Parameter::Float(number) => Value::Float(*number),
        Parameter::ListInt(numbers) => {
            Value::list(numbers.iter().map(|number| Value::Int(*number)).collect::<Vec<_>>())
        }
        Parameter::ListFloat(numbers) => {
            Value::list(numbers.iter().map(|number| Value::Float(*number)).collect::<Vec<_>>())
        }
        Parameter::ListString(texts) => Value::list(texts.iter().map(Value::string).collect::<Vec<_>>()),
        // The years that nanoseconds cannot count have no value.
        Parameter::Timestamp(at) => {
            at.timestamp_nanos_opt().map_or(Value::Nothing, |nanos| Value::DateTime(DateTime { nanos, offset: 0 }))
        }
    }
}
